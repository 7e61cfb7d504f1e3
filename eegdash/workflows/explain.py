"""Explain windows: why did the detector say so, and what a panel needs to show it.

A :class:`Request` says which window of which recording is explained, by which model and method,
against which baseline. :func:`explain` answers with an :class:`Explained`, from the cache where it
can (no torch, no file is read then). Checks that take seconds are asked for apart, in
``explain_checks``; sets of windows in ``explain_windows``; masking in ``explain_what_if``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution import Attribution
from eegdash.workflows.desk import Desk

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Request:
    """One panel: which window, explained how.

    Parameters
    ----------
    path : Path
        The recording.
    model : str
        Name of the model, as ``Desk.model`` takes it.
    index : int
        The window on the grid of the trace: centred at ``first_centre_s + index * step_s``.
    method : str
        Name in ``eegdash.attribution.METHODS``.
    baseline : str
        Name in ``eegdash.attribution.BASELINES``; empty takes the usual one of the features.
    """

    path: Path
    model: str
    index: int
    method: str = "integrated-gradients"
    baseline: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class WindowFeatures:
    """What the network read of one window, exactly as in detection.

    Parameters
    ----------
    features : ndarray of float32, shape (3, n_channels, n_freqs, n_frames) or (3, n_channels, n)
        Normalised log power (standard deviations around the training mean), or derivations, uV.
    log_power_db : ndarray of float32, shape (3, n_channels, n_freqs, n_frames), or None
        The triptych as a reader knows it, dB re 1 uV^2/Hz; None where derivations are read.
    ch_names : tuple of str
    freqs_hz, time_s : ndarray of float64
        Frequencies, Hz (empty for derivations), and times from the start of a segment, s.
    segment_onset_s : tuple of float
        Starts of t = 0, 1, 2 from the start of the file, s; each is ``segment_s`` long.
    segment_s : float
    usable : ndarray of bool, shape (3, n_channels)
        False where a derivation was flat or saturated and was filled by the mean of the others.
    scorable : bool
        False where the trace has no probability here (gap, too many unusable derivations).
    """

    features: NDArray[np.float32]
    log_power_db: NDArray[np.float32] | None
    ch_names: tuple[str, ...]
    freqs_hz: NDArray[np.float64]
    time_s: NDArray[np.float64]
    segment_onset_s: tuple[float, float, float]
    segment_s: float
    usable: NDArray[np.bool_]
    scorable: bool

    @property
    def onset_s(self) -> float:
        """Start of the window from the start of the file, s."""
        return self.segment_onset_s[0]

    @property
    def end_s(self) -> float:
        """End of the window, s."""
        return self.segment_onset_s[2] + self.segment_s

    @property
    def centre_s(self) -> float:
        """Centre of the window, as in the trace, s."""
        return (self.onset_s + self.end_s) / 2


@dataclass(frozen=True, slots=True, eq=False)
class BaselineShown:
    """The baseline a map was computed against, always shown beside it.

    Parameters
    ----------
    name, title, note : str
        Name in ``BASELINES``, a heading, and a sentence on how it was made (with numbers).
    values : ndarray of float32, shape of the features
    logit : float
    probability : float
    """

    name: str
    title: str
    note: str
    values: NDArray[np.float32]
    logit: float
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """All that one panel shows.

    Parameters
    ----------
    request : Request
        With the baseline that was used.
    window : WindowFeatures
    map : Attribution
    baseline : BaselineShown or None
        None for a method that compares with nothing.
    probability : float
        Of this window, calibrated, before smoothing; 0 to 1.
    provenance : mapping
        ``recording`` (alias), ``recording_sha256``, ``model``, ``model_sha256``, ``method``,
        ``baseline``, ``parameters``, ``window_s``, ``software``: nothing that names a person.
    from_cache : bool
    """

    request: Request
    window: WindowFeatures
    map: Attribution
    baseline: BaselineShown | None
    probability: float
    provenance: Mapping[str, Any] = field(default_factory=dict)
    from_cache: bool = False


def explain(desk: Desk, request: Request, progress: Progress | None = None) -> Explained:
    """Explain one window, or take the stored result.

    Parameters
    ----------
    desk : Desk
    request : Request
    progress : callable, optional
        Called with 0 to 1; what it raises (a cancelled job) stops the work, and nothing is kept.

    Returns
    -------
    Explained

    Raises
    ------
    RecordingError, NotScorableError, CheckpointError
        If the recording or the model cannot be used.
    AttributionError
        If the method does not fit the model, the window is not on the grid or has a gap. The
        message says what to choose instead.
    """
    raise NotImplementedError


def stored_explanation(desk: Desk, request: Request) -> Explained | None:
    """Return a stored result, or None; takes milliseconds."""
    raise NotImplementedError
