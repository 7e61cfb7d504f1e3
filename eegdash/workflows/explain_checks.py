"""Checks beside a map: asked for apart, because they take a second or more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution.faithfulness import Checks, Stability
from eegdash.attribution.maps import Progress
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain import Explained, Request


def check(desk: Desk, request: Request, progress: Progress | None = None) -> Checks:
    """Return insertion, deletion and randomisation of a map, from the cache where it can.

    Takes seconds when it is not stored; run it as the job ``explain`` (see ``tasks``) or with a
    progress bar. Cancelling is as in ``explain``.
    """
    raise NotImplementedError


def stored_checks(desk: Desk, request: Request) -> Checks | None:
    """Return stored checks, or None; takes milliseconds."""
    raise NotImplementedError


def stability(desk: Desk, request: Request, progress: Progress | None = None) -> Stability:
    """Return infidelity and sensitivity-max, on demand (seconds), stored once computed."""
    raise NotImplementedError


def stored_stability(desk: Desk, request: Request) -> Stability | None:
    """Return a stored result of :func:`stability`, or None."""
    raise NotImplementedError


def agreement(panels: Sequence[Explained]) -> NDArray[np.float64]:
    """Return the rank correlation (Spearman) of the shown maps, shape (n, n).

    NaN between maps that have no common grid (a spectrogram's and a raw network's, or of
    different feature sizes). CAMs without a channel axis are compared after the other map's
    derivations were summed. Maps of different windows are compared as well: that says how alike
    the profiles are, not whether methods agree.
    """
    raise NotImplementedError
