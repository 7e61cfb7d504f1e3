"""Which windows a report shows: typical ones of both classes, and the worst mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.detection import ProbabilityTrace
from eegdash.scoring import window_labels
from eegdash.workflows.library import Opened

SEIZURE, NO_SEIZURE, NOT_KNOWN = "seizure", "no seizure", "not known"
FALSE_ALARM, MISS = "the most confident false alarm", "the most confident miss"
NOTE = (
    "Chosen by rule, not by eye: of the windows of each class the one that the detector is surest "
    "of, and a middling one apart from it; then the most confident false alarm and the most "
    "confident miss, where there are any. Maps of one method share their colour scale over all "
    "examples; it ends at the upper quartile of their largest values, and what is beyond has "
    "the last colour."
)


@dataclass(frozen=True, slots=True)
class ScoredRecording:
    """A recording with its trace."""

    opened: Opened
    trace: ProbabilityTrace


@dataclass(frozen=True, slots=True)
class ChosenWindow:
    """A window to show.

    Parameters
    ----------
    recording : ScoredRecording
    index : int
        On the grid of its trace.
    kind : str
        Why it was chosen, in words.
    truth, predicted : str
        :data:`SEIZURE`, :data:`NO_SEIZURE` or :data:`NOT_KNOWN`.
    probability_pm : int
    """

    recording: ScoredRecording
    index: int
    kind: str
    truth: str
    predicted: str
    probability_pm: int


@dataclass(frozen=True, slots=True, eq=False)
class _Windows:
    """All scored windows of all recordings, one row each."""

    source: NDArray[np.int64]
    index: NDArray[np.int64]
    pm: NDArray[np.int64]
    known: NDArray[np.bool_]
    seizure: NDArray[np.bool_]


def choose_windows(
    recordings: Sequence[ScoredRecording], threshold_pm: int, *, apart: int = 6
) -> tuple[ChosenWindow, ...]:
    """Return two windows of each class, the most confident false alarm, the most confident miss.

    Where no truth is known the classes are what the detector says.

    Parameters
    ----------
    recordings : sequence of ScoredRecording
    threshold_pm : int
        Per mille.
    apart : int
        Windows so many steps apart share no second.
    """
    rows = _rows(recordings)
    if len(rows.pm) == 0:
        return ()
    called = rows.pm >= threshold_pm
    truth_known = bool(rows.known.any())
    first, second = (
        (rows.known & rows.seizure, rows.known & ~rows.seizure)
        if truth_known
        else (called, ~called)
    )
    taken: list[int] = []
    found: list[tuple[int, str]] = []

    def take(mask: NDArray[np.bool_], kind: str, *, highest: bool, middle: bool = False) -> None:
        row = _pick(rows, mask, taken, highest=highest, middle=middle, apart=apart)
        if row is not None:
            taken.append(row)
            found.append((row, kind))

    names = (
        ("a seizure window", "a window without seizure")
        if truth_known
        else ("a window that is called a seizure", "a window that is not called")
    )
    take(first & called, f"{names[0]}, the surest", highest=True)
    take(first & called, f"{names[0]}, a middling one", highest=True, middle=True)
    take(second & ~called, f"{names[1]}, the surest", highest=False)
    take(second & ~called, f"{names[1]}, a middling one", highest=False, middle=True)
    if truth_known:
        take(second & called, FALSE_ALARM, highest=True)
        take(first & ~called, MISS, highest=False)
    return tuple(_chosen(recordings, rows, row, kind, threshold_pm) for row, kind in found)


def _rows(recordings: Sequence[ScoredRecording]) -> _Windows:
    parts: list[tuple[NDArray[np.int64], ...]] = []
    for number, one in enumerate(recordings):
        scored = np.flatnonzero(one.trace.scored)
        reference = one.opened.reference
        known = seizure = np.zeros(one.trace.n_windows, dtype=np.bool_)
        if reference is not None and reference.coverage:
            labels = window_labels(one.trace, reference)
            known, seizure = labels.known, labels.seizure
        parts.append(
            (
                np.full(len(scored), number),
                scored,
                one.trace.probability_pm[scored].astype(np.int64),
                known[scored].astype(np.int64),
                seizure[scored].astype(np.int64),
            )
        )
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] or [
        np.empty(0, dtype=np.int64)
    ] * 5
    source, index, pm, known, seizure = columns
    return _Windows(source, index, pm, known > 0, seizure > 0)


def _pick(
    rows: _Windows,
    mask: NDArray[np.bool_],
    taken: Sequence[int],
    *,
    highest: bool,
    middle: bool,
    apart: int,
) -> int | None:
    """Return the row of the highest or lowest probability, or of the median, apart from others."""

    def free(distance: int) -> Callable[[int], bool]:
        return lambda row: all(
            rows.source[row] != rows.source[other]
            or abs(int(rows.index[row] - rows.index[other])) >= distance
            for other in taken
        )

    candidates = np.flatnonzero(mask)
    order = candidates[np.argsort((-1 if highest else 1) * rows.pm[candidates], kind="stable")]
    for distance in (apart, 1):
        allowed = [int(row) for row in order if free(distance)(int(row))]
        if allowed:
            return allowed[len(allowed) // 2] if middle else allowed[0]
    return None


def _chosen(
    recordings: Sequence[ScoredRecording], rows: _Windows, row: int, kind: str, threshold_pm: int
) -> ChosenWindow:
    truth = NOT_KNOWN
    if rows.known[row]:
        truth = SEIZURE if rows.seizure[row] else NO_SEIZURE
    return ChosenWindow(
        recording=recordings[int(rows.source[row])],
        index=int(rows.index[row]),
        kind=kind,
        truth=truth,
        predicted=SEIZURE if rows.pm[row] >= threshold_pm else NO_SEIZURE,
        probability_pm=int(rows.pm[row]),
    )
