"""Spans of seconds as sorted, disjoint pairs: union, clipping, overlap."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Reference

# Times are put on a binary grid of a microsecond, so that a gap of 90 s is 90 s in floating point
# wherever it lies: 1090.1 - 1000.1 < 90 otherwise.
GRID_PER_S = 2.0**20

Span = tuple[float, float]


def union(spans: Iterable[Span]) -> list[Span]:
    """Return sorted, disjoint spans on the time grid.

    ``timescoring`` expects order, and shortens an event that contains the next one.
    """
    merged: list[Span] = []
    for start, stop in sorted((_on_grid(a), _on_grid(b)) for a, b in spans):
        if stop <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def within(spans: list[Span], interval: Span) -> list[Span]:
    """Clip spans to an interval and return them relative to its start."""
    begin, end = interval
    return [
        (max(start, begin) - begin, min(stop, end) - begin)
        for start, stop in spans
        if start < end and stop > begin
    ]


def coverage_of(reference: Reference, duration_s: float) -> list[Span]:
    return [
        (start, stop)
        for start, stop in union(
            (max(start, 0.0), min(stop, duration_s)) for start, stop in reference.coverage
        )
        if stop > start
    ]


def _on_grid(time_s: float) -> float:
    return round(time_s * GRID_PER_S) / GRID_PER_S


def overlap_s(start: NDArray[np.float64], length_s: float, spans: list[Span]) -> Any:
    """Return how many seconds of ``[start, start + length_s)`` lie in disjoint sorted spans."""
    if not spans:
        return np.zeros(len(start))
    edges = np.array(spans).ravel()
    inside = np.where(np.arange(len(edges) - 1) % 2 == 0, np.diff(edges), 0.0)
    before = np.concatenate(([0.0], np.cumsum(inside)))
    return np.interp(start + length_s, edges, before) - np.interp(start, edges, before)
