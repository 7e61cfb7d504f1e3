"""What readers said about spans, as the truth and the weight of every window.

A window is known by its centre, as in :func:`eegdash.training.datasets.label_windows`. Nothing is
guessed: where readers are unsure, contradict each other, or left a detection without a word, the
window weighs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import DetectorConfig
from eegdash.training.datasets import UNSURE_S

Span = tuple[float, float]


class Meaning(StrEnum):
    """What an opinion says about its span."""

    SEIZURE = "seizure"
    FREE = "no seizure"
    UNSURE = "unsure"


class Source(StrEnum):
    """Where the truth of a window comes from."""

    CORRECTED = "corrected"
    CONFIRMED = "confirmed"
    READ = "background that was read"
    UNREAD = "background nobody spoke of"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one reader says about one span.

    Parameters
    ----------
    onset_s, end_s : float
        s from the start of the file.
    meaning : Meaning
    reader : str
    adjudicated : bool
        It settles what others said about the same windows.
    """

    onset_s: float
    end_s: float
    meaning: Meaning
    reader: str
    adjudicated: bool = False


@dataclass(frozen=True, slots=True)
class OpinionWeights:
    """How much a window counts in the loss, by where its truth comes from.

    Parameters
    ----------
    corrected : float
        The detector was wrong there: a seizure that it missed, or its false detection.
    confirmed : float
        The detector was right there and a reader said so.
    read : float
        Without a label, in a recording that a reader signed off or read first.
    unread : float
        Without a label, in a recording that nobody finished: it may hold anything, though rarely.
    """

    corrected: float = 4.0
    confirmed: float = 1.0
    read: float = 1.0
    unread: float = 0.3


@dataclass(frozen=True, slots=True)
class OpinionTargets:
    """Truth and weight of the windows of one recording.

    Parameters
    ----------
    seizure : ndarray of bool, shape (n_windows,)
    weight : ndarray of float32, shape (n_windows,)
        0 where the truth is not known.
    source : ndarray of str, shape (n_windows,)
        Values of :class:`Source`.
    """

    seizure: NDArray[np.bool_]
    weight: NDArray[np.float32]
    source: NDArray[np.str_]

    def counts(self) -> dict[str, int]:
        """Return the number of windows by source."""
        return dict(Counter(str(value) for value in self.source))


def opinion_targets(
    opinions: Sequence[Opinion],
    detections: Sequence[Span],
    *,
    n_windows: int,
    config: DetectorConfig,
    finished: bool,
    contested: Sequence[Span] = (),
    weights: OpinionWeights | None = None,
) -> OpinionTargets:
    """Return the truth and the weight of every window of a recording.

    Of one reader, a seizure wins over that reader's "no seizure" on the same window: that is how a
    detection is rejected and the true span marked in it. Between readers an adjudicated opinion
    wins; without one they have to agree. A detection nobody spoke of is left out, and so are
    windows whose centre lies within 1.5 s of the edge of a seizure.

    Parameters
    ----------
    opinions : sequence of Opinion
        That hold now.
    detections : sequence of (float, float)
        Of the detector that is taught, at its operating point, s.
    n_windows : int
    config : DetectorConfig
        Gives the grid of the windows.
    finished : bool
        A reader signed the recording off or committed a first read.
    contested : sequence of (float, float)
        Spans of records that contradict each other in the labels file, s; they are left out.
    weights : OpinionWeights, optional

    Returns
    -------
    OpinionTargets
    """
    chosen = weights or OpinionWeights()
    centre_s = config.window_s / 2 + config.step_s * np.arange(n_windows, dtype=np.float64)
    seizure, free, unsure = _settled(opinions, centre_s)
    known = (seizure | free) & ~unsure
    detected = _inside(detections, centre_s)
    corrected = np.zeros(n_windows, dtype=np.bool_)
    for said, meaning in ((seizure, Meaning.SEIZURE), (free, Meaning.FREE)):
        corrected |= said & _inside(_wrong_spans(opinions, detections, meaning), centre_s)
    corrected &= known
    silent = ~(seizure | free | unsure)
    left_out = ~known & ~silent | silent & detected | _inside(contested, centre_s)
    left_out |= _near_edges(opinions, seizure | unsure, centre_s)
    source = np.full(n_windows, Source.READ if finished else Source.UNREAD, dtype="U32")
    source[known] = Source.CONFIRMED
    source[corrected] = Source.CORRECTED
    source[left_out] = Source.LEFT_OUT
    weight = np.zeros(n_windows, dtype=np.float32)
    for name, value in (
        (Source.CORRECTED, chosen.corrected),
        (Source.CONFIRMED, chosen.confirmed),
        (Source.READ, chosen.read),
        (Source.UNREAD, chosen.unread),
    ):
        weight[source == name] = value
    return OpinionTargets(seizure & known, weight, source)


def _settled(
    opinions: Sequence[Opinion], centre_s: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where a seizure, none, and neither surely is said; adjudication goes first."""
    masks = []
    for ruling in (True, False):
        chosen = [opinion for opinion in opinions if opinion.adjudicated is ruling]
        masks.append(_agreed(chosen, centre_s))
    ruled = np.logical_or.reduce(masks[0])
    first, second = masks
    seizure, free, unsure = (a | (b & ~ruled) for a, b in zip(first, second, strict=True))
    return seizure, free, unsure


def _agreed(
    opinions: Sequence[Opinion], centre_s: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the same for opinions of equal rank; contradictions are unsure."""
    n = len(centre_s)
    seizure, free, unsure = (np.zeros(n, dtype=np.bool_) for _ in range(3))
    for reader in {opinion.reader for opinion in opinions}:
        own = [opinion for opinion in opinions if opinion.reader == reader]
        says = {m: _inside([(o.onset_s, o.end_s) for o in own if o.meaning is m], centre_s)
                for m in Meaning}  # fmt: skip
        seizure |= says[Meaning.SEIZURE]
        free |= says[Meaning.FREE] & ~says[Meaning.SEIZURE]
        unsure |= says[Meaning.UNSURE]
    both = seizure & free
    return seizure & ~both, free & ~both, unsure | both


def _inside(spans: Iterable[Span], centre_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    mask = np.zeros(len(centre_s), dtype=np.bool_)
    for onset_s, end_s in spans:
        mask |= (centre_s >= onset_s) & (centre_s < end_s)
    return mask


def _wrong_spans(
    opinions: Sequence[Opinion], detections: Sequence[Span], meaning: Meaning
) -> list[Span]:
    """Return the spans of opinions of a meaning on which the detector was wrong.

    As in the event scores a detection that touches a seizure finds it.
    """
    return [
        (opinion.onset_s, opinion.end_s)
        for opinion in opinions
        if opinion.meaning is meaning
        and touches(detections, opinion.onset_s, opinion.end_s) is (meaning is Meaning.FREE)
    ]


def touches(spans: Sequence[Span], onset_s: float, end_s: float) -> bool:
    """Return whether one of the spans overlaps with ``[onset_s, end_s)``."""
    return any(onset < end_s and end > onset_s for onset, end in spans)


def _near_edges(
    opinions: Sequence[Opinion], said: NDArray[np.bool_], centre_s: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return what lies too close to an onset or an end: readers differ by more than that."""
    near = np.zeros(len(centre_s), dtype=np.bool_)
    if not said.any():
        return near
    for opinion in opinions:
        if opinion.meaning is Meaning.SEIZURE:
            for edge_s in (opinion.onset_s, opinion.end_s):
                near |= np.abs(centre_s - edge_s) < UNSURE_S
    return near
