"""What if a band, a region or a channel were as in the baseline?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution.masks import Mask
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain import Progress, Request


@dataclass(frozen=True, slots=True)
class Change:
    """Probability of a window with something masked.

    Parameters
    ----------
    mask : Mask
    before, after : float
        Calibrated probability, 0 to 1.
    logit_before, logit_after : float
    """

    mask: Mask
    before: float
    after: float
    logit_before: float
    logit_after: float


@dataclass(frozen=True, slots=True, eq=False)
class MaskedTrace:
    """Probability along the trace with something masked: an altered input, never a detection.

    Parameters
    ----------
    masks : tuple of Mask
    first : int
        Index of the first window on the grid of the trace.
    time_s : ndarray of float64, shape (n,)
        Window centres, s from the start of the file.
    before_pm, after_pm : ndarray of uint16, shape (n,)
        Per mille, or ``UNSCORED``.
    baseline : str
    """

    masks: tuple[Mask, ...]
    first: int
    time_s: NDArray[np.float64]
    before_pm: NDArray[np.uint16]
    after_pm: NDArray[np.uint16]
    baseline: str


def masks_for(desk: Desk, model: str) -> tuple[Mask, ...]:
    """Return what can be masked for a model: bands it sees, regions, channels."""
    raise NotImplementedError


def what_if(desk: Desk, request: Request, masks: Sequence[Mask]) -> tuple[Change, ...]:
    """Return the change by each mask alone, on the request's window."""
    raise NotImplementedError


def what_if_together(desk: Desk, request: Request, masks: Sequence[Mask]) -> Change:
    """Return the change by all masks at once; its ``mask`` is the last."""
    raise NotImplementedError


def what_if_trace(
    desk: Desk,
    request: Request,
    masks: Sequence[Mask],
    *,
    span_s: tuple[float, float] | None = None,
    progress: Progress | None = None,
) -> MaskedTrace:
    """Return the probability along the trace with all masks at once; streamed and stored.

    Parameters
    ----------
    desk : Desk
    request : Request
        Gives recording, model and baseline; its window does not matter, unless the baseline is
        the blurred window, which only a window has (refused).
    masks : sequence of Mask
    span_s : (float, float), optional
        Start and end, s; the whole recording by default.
    progress : callable, optional
        Called with 0 to 1; what it raises stops the work, and nothing is kept.
    """
    raise NotImplementedError


def stored_what_if_trace(
    desk: Desk,
    request: Request,
    masks: Sequence[Mask],
    *,
    span_s: tuple[float, float] | None = None,
) -> MaskedTrace | None:
    """Return a stored result of :func:`what_if_trace`, or None."""
    raise NotImplementedError
