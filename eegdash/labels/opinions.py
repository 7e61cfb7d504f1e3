"""What readers said, as time: where a reader sees seizure, where none, and where nothing is known.

Nothing is read into silence. Time counts as free of seizures only where a reader said so: by a
label that disagrees or says ``bckg``, or by a first read or sign-off over time that had been on
the screen. What a reader called unsure is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eegdash.annotations import BACKGROUND
from eegdash.labels.checks import ADJUDICATED
from eegdash.labels.record import Label
from eegdash.labels.spans import Spans, joined, spans_of, without

SEIZURE, NO_SEIZURE, UNSURE = "seizure", "no seizure", "unsure"
FIRST_READ = "first_read"
_WHOLE = (FIRST_READ, "sign_off")


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one reader said about one recording.

    Parameters
    ----------
    seizure : Spans
        Union of what the reader called seizure, ms.
    unsure : Spans
        What the reader called unsure and not also seizure.
    background : Spans
        What the reader said to be free of seizures.
    """

    seizure: Spans
    unsure: Spans
    background: Spans

    @property
    def known(self) -> Spans:
        """Time on which the reader made a statement."""
        return joined(self.seizure, self.background)


def stance(label: Label) -> str:
    """Return what a label says about its span.

    An event type of ``bckg`` counts for every verdict but unsure: that is how an adjudicator or
    an import says that there is no seizure.
    """
    if label.verdict == "unsure":
        return UNSURE
    if label.verdict == "disagree" or label.event_type == BACKGROUND:
        return NO_SEIZURE
    return SEIZURE


def standing(records: Iterable[Label]) -> list[Label]:
    """Return the records that are neither superseded nor retracted, in the given order."""
    every = list(records)
    superseded = {x.supersedes for x in every if x.supersedes and x.supersedes != x.uuid}
    return [x for x in every if not x.is_retraction and x.uuid not in superseded]


def reading_of(
    labels: Sequence[Label], *, blinded_only: bool = False, whole_after_sign_off: bool = False
) -> Reading | None:
    """Return what one reader said about one recording; None where nothing was said.

    Parameters
    ----------
    labels : sequence of Label
        Every record of the reader on the recording, by sequence; repeats and adjudications do not
        count.
    blinded_only : bool
        As it stood when the reader committed the blinded first read; None where there is none.
    whole_after_sign_off : bool
        Take a first read or a sign-off as a statement on its whole span, not only on what had
        been on the screen.
    """
    said = [x for x in labels if x.repeat_of is None and x.verdict != ADJUDICATED]
    if blinded_only:
        committed = next((x for x in said if x.kind == FIRST_READ), None)
        if committed is None:
            return None
        said = [x for x in said if x.blinded and x.seq <= committed.seq]
    said = standing(said)
    if not said:
        return None
    marks = [x for x in said if x.kind == "label"]
    seizure = _spans(marks, SEIZURE)
    unsure = without(_spans(marks, UNSURE), seizure)
    read = spans_of(
        span for x in said if x.kind in _WHOLE for span in _read_spans(x, whole_after_sign_off)
    )
    background = without(without(joined(read, _spans(marks, NO_SEIZURE)), seizure), unsure)
    return Reading(seizure, unsure, background)


def decisions_of(labels: Sequence[Label]) -> Reading:
    """Return what adjudicators decided; where standing decisions contradict, nothing is known."""
    decided = [x for x in standing(labels) if x.verdict == ADJUDICATED]
    seizure, background = _spans(decided, SEIZURE), _spans(decided, NO_SEIZURE)
    return Reading(without(seizure, background), spans_of([]), without(background, seizure))


def _spans(labels: Iterable[Label], says: str) -> Spans:
    return spans_of((x.onset_s, x.end_s) for x in labels if stance(x) == says)


def _read_spans(label: Label, whole: bool) -> Sequence[tuple[float, float]]:
    # a record from before it was kept what had been on screen states its whole span
    if whole or label.seen is None:
        return [(label.onset_s, label.end_s)]
    return label.seen
