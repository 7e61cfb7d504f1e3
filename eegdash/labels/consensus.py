"""Consensus: what readers say together about one recording, and where they leave it open."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import SEIZURE_PREFIX, Annotation
from eegdash.labels.opinions import SEIZURE, Reading, stance
from eegdash.labels.record import Label
from eegdash.labels.spans import Spans, joined, spans_of, union, without


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """What holds for a recording.

    Parameters
    ----------
    seizures : tuple of Annotation
        By onset; ``confidence`` is the share of those who stated something that said seizure.
    known : Spans
        Where anything is stated at all; the rest is unknown, not seizure-free.
    """

    seizures: tuple[Annotation, ...]
    known: Spans


def majority(
    readings: Mapping[str, Reading], labels: Sequence[Label], *, min_readers: int = 2
) -> Consensus:
    """Return what more than half of the readers say who stated something.

    A tie, and time on which fewer than ``min_readers`` stated something, stays unknown.

    Parameters
    ----------
    readings : mapping of str to Reading
    labels : sequence of Label
        Standing labels, for the types of the seizures.
    min_readers : int
    """
    edges = np.unique(
        np.concatenate(
            [np.empty(0, dtype=np.int64)]
            + [s.ravel() for r in readings.values() for s in (r.seizure, r.background)]
        )
    )
    if len(edges) < 2:
        return Consensus((), spans_of([]))
    pieces = np.stack([edges[:-1], edges[1:]], axis=1)
    yes, no = (
        sum((_inside(pieces, getattr(r, name)) for r in readings.values()), np.zeros(len(pieces)))
        for name in ("seizure", "background")
    )
    enough = yes + no >= max(min_readers, 1)
    seizure = union(pieces[enough & (yes > no)])
    known = union(pieces[enough & (yes != no)])
    share = np.divide(yes, yes + no, out=np.zeros(len(pieces)), where=yes + no > 0)
    return Consensus(_annotations(seizure, labels, pieces, share), known)


def of_one(reading: Reading, labels: Sequence[Label]) -> Consensus:
    """Return what one reader, or the adjudicators, said; confidence as the labels state it."""
    return Consensus(_annotations(reading.seizure, labels), reading.known)


def overruled(votes: Consensus, decided: Reading, labels: Sequence[Label]) -> Consensus:
    """Return votes with the adjudicated spans replaced by what was decided there."""
    if not len(decided.known):
        return votes
    kept: list[Annotation] = []
    for one in votes.seizures:
        left = without(spans_of([(one.onset_s, one.end_s)]), decided.known)
        kept += [
            Annotation(start / 1000, (stop - start) / 1000, one.event_type, one.confidence)
            for start, stop in left.tolist()
        ]
    seizures = [*kept, *_annotations(decided.seizure, labels)]
    return Consensus(
        tuple(sorted(seizures, key=lambda a: a.onset_s)), joined(votes.known, decided.known)
    )


def _annotations(
    seizure: Spans,
    labels: Sequence[Label],
    pieces: Spans | None = None,
    share: NDArray[np.float64] | None = None,
) -> tuple[Annotation, ...]:
    said = sorted(
        (x for x in labels if x.kind == "label" and stance(x) == SEIZURE), key=lambda x: x.onset_s
    )
    onsets = [1000 * x.onset_s for x in said]
    reached = list(accumulate((1000 * x.end_s for x in said), max))
    found: list[Annotation] = []
    for start, stop in seizure.tolist():
        # before ``first`` every label has ended, from ``last`` on none has begun
        first, last = bisect_right(reached, start), bisect_left(onsets, stop)
        mine = [x for x in said[first:last] if 1000 * x.end_s > start]
        confidence = _stated(mine)
        if pieces is not None and share is not None:
            inside = slice(*np.searchsorted(pieces[:, 0], [start, stop]))
            length = (pieces[inside, 1] - pieces[inside, 0]).astype(np.float64)
            confidence = round(float(np.average(share[inside], weights=length)), 3)
        found.append(Annotation(start / 1000, (stop - start) / 1000, _type(mine), confidence))
    return tuple(found)


def _stated(labels: Sequence[Label]) -> float | None:
    """Return the confidence of one label; of several nothing is stated."""
    return labels[0].confidence if len(labels) == 1 else None


def _type(labels: Sequence[Label]) -> str:
    """Return the seizure type that most labels name; ``sz`` where none stands out."""
    named = Counter(
        x.event_type for x in labels if x.event_type.startswith(SEIZURE_PREFIX + "_")
    ).most_common(2)
    if not named or (len(named) == 2 and named[0][1] == named[1][1]):
        return SEIZURE_PREFIX
    return named[0][0]


def _inside(pieces: Spans, spans: Spans) -> NDArray[np.float64]:
    """Return 1 for the pieces that lie in a union; pieces never straddle its edges."""
    position = np.searchsorted(spans[:, 0], pieces[:, 0], side="right") - 1
    if not len(spans):
        return np.zeros(len(pieces))
    inside = (position >= 0) & (pieces[:, 0] < spans[position, 1])
    return np.asarray(inside, dtype=np.float64)
