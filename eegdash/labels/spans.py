"""Spans as sorted, disjoint pairs of whole milliseconds: union, overlap, difference.

Labels are stored to the millisecond, so that whole numbers are exact and nothing depends on the
rounding of binary fractions.

Every function takes and returns arrays of int64 and shape (n, 2), start and stop.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Spans = NDArray[np.int64]
_NEVER = np.iinfo(np.int64).max // 4


def spans_of(pairs_s: Iterable[tuple[float, float]]) -> Spans:
    """Return the union of spans given in seconds."""
    pairs = [(round(1000 * start), round(1000 * stop)) for start, stop in pairs_s]
    return union(np.array(pairs, dtype=np.int64).reshape(-1, 2))


def in_seconds(spans: Spans) -> list[tuple[float, float]]:
    """Return spans in seconds."""
    return [(start / 1000, stop / 1000) for start, stop in spans.tolist()]


def union(spans: Spans) -> Spans:
    """Return spans sorted and joined where they touch; empty ones are dropped."""
    spans = spans[spans[:, 1] > spans[:, 0]]
    if len(spans) < 2:
        return spans
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reached = np.maximum.accumulate(spans[:, 1])
    first = np.concatenate(([True], spans[1:, 0] > reached[:-1]))
    last = np.concatenate((first[1:], [True]))
    return np.stack([spans[first, 0], reached[last]], axis=1)


def joined(*sets: Spans) -> Spans:
    """Return the union of several sets of spans."""
    return union(np.concatenate([np.empty((0, 2), dtype=np.int64), *sets]))


def common(one: Spans, other: Spans) -> Spans:
    """Return what lies in both of two unions."""
    if not len(one) or not len(other):
        return np.empty((0, 2), dtype=np.int64)
    first, stop = _touching(one, other)
    count = stop - first
    of_one = np.repeat(np.arange(len(one)), count)
    offset = np.arange(len(of_one)) - np.repeat(np.cumsum(count) - count, count)
    of_other = np.repeat(first, count) + offset
    start = np.maximum(one[of_one, 0], other[of_other, 0])
    end = np.minimum(one[of_one, 1], other[of_other, 1])
    return np.stack([start, end], axis=1)


def without(one: Spans, other: Spans) -> Spans:
    """Return what lies in the first union and not in the second."""
    edges = np.concatenate(([-_NEVER], other.ravel(), [_NEVER]))
    return common(one, edges.reshape(-1, 2))


def touches(one: Spans, other: Spans) -> NDArray[np.bool_]:
    """Return, for each span of one union, whether it overlaps any of another."""
    first, stop = _touching(one, other)
    return np.asarray(stop > first)


def covered_ms(one: Spans, other: Spans) -> NDArray[np.int64]:
    """Return how much of each span of one union lies in another, ms."""
    shared = common(one, other)
    found = np.zeros(len(one), dtype=np.int64)
    if len(shared):
        owner = np.searchsorted(one[:, 0], shared[:, 0], side="right") - 1
        np.add.at(found, owner, shared[:, 1] - shared[:, 0])
    return found


def total_s(spans: Spans) -> float:
    """Return the length of a union, s."""
    return float((spans[:, 1] - spans[:, 0]).sum()) / 1000


def on_epochs(spans: Spans, epoch_ms: int) -> Spans:
    """Return spans in whole epochs: an epoch belongs to a span that holds its middle.

    A span too short to hold any middle takes the one epoch that it begins in.
    """
    half = epoch_ms // 2
    start = (spans[:, 0] + half) // epoch_ms
    stop = (spans[:, 1] + half) // epoch_ms
    short = stop <= start
    start = np.where(short, spans[:, 0] // epoch_ms, start)
    return union(np.stack([start, np.where(short, start + 1, stop)], axis=1))


def _touching(one: Spans, other: Spans) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the range of spans of ``other`` that each span of ``one`` overlaps."""
    first = np.searchsorted(other[:, 1], one[:, 0], side="right")
    stop = np.searchsorted(other[:, 0], one[:, 1], side="left")
    return first, np.maximum(stop, first)
