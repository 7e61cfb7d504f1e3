"""What the queue of one reader is made of: labels, offers, recordings, read once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from eegdash.checkpoints import CheckpointInfo
from eegdash.labels import Label
from eegdash.labels.opinions import standing
from eegdash.labels.spans import spans_of, touches
from eegdash.workflows.desk import Desk
from eegdash.workflows.offers import Offer, is_answered, offers_to, same_span
from eegdash.workflows.queue_spans import (
    DETECTOR,
    Candidate,
    Detected,
    candidates,
    detected,
    score,
    words,
)
from eegdash.workflows.readers import Reader, Sight, assignments, repeat_share
from eegdash.workflows.recording_names import durations_s, files_by_hash, shown_name
from eegdash.workflows.remembered import Remembered

_REST = 5
"""A span is repeated after this many other labels of the reader at the earliest."""
_BLINDED = "Blinded first read: read the whole recording, then commit it"
_WHOLE = "Assigned to you: read it and sign it off"
_PLAIN = "A span to judge"


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A span to look at.

    Parameters
    ----------
    recording_sha256, name : str
        ``name`` is the file name, for the reader's own screen.
    onset_s, duration_s : float
        The whole recording where the reader is to read all of it.
    why : str
        In words a clinician understands; says nothing of the detector or of others to a blinded
        reader, and is that of a new span for a hidden repeat.
    score : float
        What the order sorted by, larger first; not for display.
    whole : bool
        The item is the recording as a whole.
    """

    recording_sha256: str
    name: str
    onset_s: float
    duration_s: float
    why: str
    score: float
    whole: bool = False

    @property
    def end_s(self) -> float:
        """End of the span, s."""
        return self.onset_s + self.duration_s


@dataclass(frozen=True, slots=True)
class Ranked:
    """A span that may be offered; the words for it are made only when it is shown.

    ``span`` is None for a recording as a whole.
    """

    recording_sha256: str
    onset_s: float
    end_s: float
    score: float
    labelled: bool
    span: Candidate | None = None
    threshold_pm: int = 0
    why: str = ""

    def is_of(self, offer: Offer) -> bool:
        """Return whether an offer was of this span."""
        if offer.recording_sha256 != self.recording_sha256:
            return False
        if offer.whole or self.span is None:
            return offer.whole and self.span is None
        return same_span(self.onset_s, self.end_s, offer.onset_s, offer.end_s)


def open_offer_of(desk: Desk, offers: Sequence[Offer]) -> Offer | None:
    """Return the newest offer if it is neither answered nor put aside."""
    latest = offers[-1] if offers else None
    if latest is None or latest.aside or is_answered(desk, latest):
        return None
    return latest


_ranked: Remembered[Ranked] = Remembered(100_000)


def _rank(
    sha256: str,
    order: str,
    found: Detected | None,
    told: Sequence[Label],
    own: Sequence[Label],
) -> tuple[Ranked, ...]:
    """Return the spans of one recording for a reader with these labels, by onset."""
    spans = candidates(found, told, order)
    threshold_pm = found.threshold_pm if found else 0
    return tuple(
        Ranked(
            recording_sha256=sha256,
            onset_s=round(span.onset_s, 3),
            end_s=round(span.end_s, 3),
            score=score(span, order, threshold_pm),
            labelled=done,
            span=span,
            threshold_pm=threshold_pm,
        )
        for span, done in zip(spans, _labelled(spans, own), strict=True)
    )


def _labelled(spans: Sequence[Candidate], own: Sequence[Label]) -> list[bool]:
    """Whether the reader has a label in each span."""
    ms = np.array([(round(1000 * x.onset_s), round(1000 * x.end_s)) for x in spans])
    touched = touches(
        ms.astype(np.int64).reshape(-1, 2), spans_of((x.onset_s, x.end_s) for x in own)
    )
    return [bool(x) for x in touched]


class QueueMaterial:
    """Labels, offers and recordings of one look at the queue, read once."""

    def __init__(self, desk: Desk, reader: Reader, model: CheckpointInfo | None) -> None:
        self._desk, self._reader, self._model = desk, reader, model
        self._name = reader.name.strip()
        self._reading = desk.labels.reading()
        records = desk.labels.all()
        self._records = records
        self.max_seq = records[-1].seq if records else 0
        self._sight = Sight(desk, reader, records)
        self._files = files_by_hash(desk)
        self._given = [x.recording_sha256 for x in assignments(desk, self._name)]
        self.offers = offers_to(desk, self._name)
        self.open_offer = open_offer_of(desk, self.offers)
        self._own: dict[str, list[Label]] = {}
        self._others: dict[str, list[Label]] = {}
        for label in standing(records):
            if label.repeat_of is None:
                mine = self._own if label.reviewer == self._name else self._others
                mine.setdefault(label.recording_sha256, []).append(label)

    def scope(self) -> list[str]:
        """Hashes of the recordings in the queue: the assigned ones, or all of the workspace."""
        if self._given:
            return [x for x in self._given if x in self._files]
        return sorted(self._files, key=lambda x: self._files[x].name)

    def waiting(self, order: str, *, again: bool) -> list[Ranked]:
        """Return what may be offered, in order."""
        offered: dict[str, list[Offer]] = {}
        for offer in self.offers:
            offered.setdefault(offer.recording_sha256, []).append(offer)
        ranked: list[tuple[int, float, int, float, Ranked]] = []
        latest = self.open_offer
        for number, sha256 in enumerate(self.scope()):
            before = offered.get(sha256, [])
            for one in self._spans(sha256, order):
                times = sum(one.is_of(offer) for offer in before)
                if (again or not (times or one.labelled)) and not (latest and one.is_of(latest)):
                    place = (times if again else 0, -one.score, number, one.onset_s)
                    ranked.append((*place, one))
        ranked.sort(key=itemgetter(0, 1, 2, 3))
        return [one for *_, one in ranked]

    def _spans(self, sha256: str, order: str) -> Sequence[Ranked]:
        if self._sight.blind(sha256):
            return [self._whole(sha256, _BLINDED)]
        found = detected(self._desk, sha256, self._model)
        told = self._told(sha256)
        own = [x for x in self._own.get(sha256, ()) if x.kind == "label"]
        key = (
            self._reading,
            sha256,
            order,
            tuple(x.uuid for x in told),
            tuple(x.uuid for x in own),
        )
        spans = _ranked.of(key, found, lambda: _rank(sha256, order, found, told, own))
        if not spans and sha256 in self._given and not self._signed(sha256):
            return [self._whole(sha256, _WHOLE)]
        return spans

    def _told(self, sha256: str) -> list[Label]:
        """Others' opinions that this reader may be told of."""
        if not self._sight.others(sha256):
            return []
        return [x for x in self._others.get(sha256, ()) if x.kind == "label"]

    def item(self, one: Ranked) -> QueueItem:
        """Return a span as it is shown."""
        return QueueItem(
            recording_sha256=one.recording_sha256,
            name=shown_name(one.recording_sha256, self._files),
            onset_s=one.onset_s,
            duration_s=round(one.end_s - one.onset_s, 3),
            why=one.why or (words(one.span, one.threshold_pm) if one.span else "") or _PLAIN,
            score=one.score,
            whole=one.span is None,
        )

    def _whole(self, sha256: str, why: str) -> Ranked:
        lengths = durations_s(self._desk, self._records, [sha256], self._files)
        read = any(x.kind != "label" for x in self._own.get(sha256, ()))
        end_s = lengths.get(sha256, 0.0)
        return Ranked(sha256, 0.0, end_s, -1.0, read, why=why)

    def _signed(self, sha256: str) -> bool:
        return any(x.kind == "sign_off" for x in self._own.get(sha256, ()))

    def item_of(self, offer: Offer) -> QueueItem:
        """Return an offer as it is shown."""
        return QueueItem(
            recording_sha256=offer.recording_sha256,
            name=shown_name(offer.recording_sha256, self._files),
            onset_s=offer.onset_s,
            duration_s=offer.duration_s,
            why=offer.why,
            score=0.0,
            whole=offer.whole,
        )

    def item_at(self, label: Label) -> QueueItem:
        """Return the span of a label as it would be offered had the reader never labelled it."""
        sha256 = label.recording_sha256
        for one in self._spans(sha256, DETECTOR):
            if one.span and same_span(one.onset_s, one.end_s, label.onset_s, label.end_s):
                return self.item(one)
        name = shown_name(sha256, self._files)
        return QueueItem(sha256, name, label.onset_s, label.duration_s, _PLAIN, 0.0)

    def repeat(self) -> Label | None:
        """Return the own label to be repeated now; None where it is a new span's turn."""
        share = repeat_share(self._desk)
        seed = hashlib.sha256(f"{self._name}|{len(self.offers)}".encode()).digest()
        rng = np.random.default_rng(list(seed))
        if rng.random() >= share:
            return None
        asked = {x.repeat_of for x in self.offers}
        in_scope = set(self.scope())
        own = sorted(
            (x for labels in self._own.values() for x in labels if x.kind == "label"),
            key=lambda x: x.seq,
        )
        possible = [
            x
            for x in own[: max(len(own) - _REST, 0)]
            if x.uuid not in asked
            and not x.source
            and x.verdict != "adjudicated"
            and x.recording_sha256 in in_scope
            and not self._sight.blind(x.recording_sha256)
        ]
        return possible[int(rng.integers(len(possible)))] if possible else None

    def why_nothing(self) -> str:
        """Say in words why the queue is empty."""
        if not self._files:
            return "There is no recording in the workspace. Add one on the Recordings page."
        scope = self.scope()
        if self._given and not scope:
            return "None of the recordings assigned to you is in the workspace."
        unscored = [x for x in scope if detected(self._desk, x, self._model) is None]
        if self._model is not None and unscored and not any(map(self._told, scope)):
            return (
                f"Recordings not scored yet: {len(unscored)} of {len(scope)}. Score them on "
                "the Recordings page; the queue then knows which spans to show."
            )
        return "Nothing is left: every span was labelled or put aside."
