"""Which windows to explain: of an event or a span, its quiet neighbour, and ready-made sets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegdash.detection import ProbabilityTrace
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain import Request

CONFIDENT_PM = 200
"""A window at or under this probability, per mille, counts as confident non-seizure."""


@dataclass(frozen=True, slots=True, eq=False)
class SpanWindows:
    """The windows of a span.

    Parameters
    ----------
    indices : ndarray of int64
        Windows whose centre lies in the span; the nearest one if there is none.
    probability : ndarray of float64
        0 to 1; NaN where not scored.
    strongest : int
        Index of the window with the highest probability; the first one if none is scored.
    """

    indices: NDArray[np.int64]
    probability: NDArray[np.float64]
    strongest: int


def window_at(trace: ProbabilityTrace, time_s: float) -> int:
    """Return the index of the window whose centre is nearest to a time, s."""
    raise NotImplementedError


def windows_of_span(trace: ProbabilityTrace, onset_s: float, duration_s: float) -> SpanWindows:
    """Return the windows of an event, a label or a hand-marked span."""
    raise NotImplementedError


def nearest_confident_non_seizure(trace: ProbabilityTrace, index: int) -> int | None:
    """Return the nearest window that the detector is sure is none, or None if there is none.

    Sure means at most :data:`CONFIDENT_PM`, its neighbours too; it shares no second with the
    window ``index``. The detector is sure, that is all: nobody said that it is right.
    """
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Preset:
    """A ready-made comparison of two to four panels.

    Parameters
    ----------
    name, title : str
    requests : tuple of Request
        Empty where it cannot be built.
    problem : str
        Why it cannot be built, in words, with what to do; empty where it can.
    """

    name: str
    title: str
    requests: tuple[Request, ...] = ()
    problem: str = ""


def presets(desk: Desk, path: Path, model: str, index: int) -> tuple[Preset, ...]:
    """Return the ready-made comparisons for a window.

    ``methods`` (methods on this window), ``contrast`` (this event and the nearest confident
    non-seizure), ``tuning`` (before and after fine-tuning: a model whose training record names
    another as the one it began from), ``models`` (two models).
    """
    raise NotImplementedError
