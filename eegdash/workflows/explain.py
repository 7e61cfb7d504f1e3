"""Explain windows: why did the detector say so, and what a panel needs to show it.

A :class:`Request` says which window of which recording is explained, by which model and method,
against which baseline. :func:`explain` answers with an :class:`Explained`, from the cache where it
can (no torch, no file is read then). Checks that take seconds are asked for apart, in
``explain_checks``; sets of windows in ``explain_windows``; masking in ``explain_what_if``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash import __version__
from eegdash.attribution import BASELINES, METHODS, Attribution, Baseline
from eegdash.attribution.maps import TARGET, Progress
from eegdash.attribution.methods import attribute
from eegdash.checkpoints import LOG_POWER, DetectorConfig, feature_freqs_hz, feature_time_s
from eegdash.errors import AttributionError
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain_material import (
    Material,
    RawWindow,
    baseline_for,
    calibrated,
    chosen_baseline,
    open_material,
    scored_window,
    stored_window,
)

_MAP_VERSION = 2


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
    material = open_material(desk, request.path, request.model)
    request = checked_request(material, request)
    found = _stored(desk, material, request)
    return found if found is not None else _computed(desk, material, request, progress)


def stored_explanation(desk: Desk, request: Request) -> Explained | None:
    """Return a stored result, or None; takes milliseconds."""
    material = open_material(desk, request.path, request.model)
    return _stored(desk, material, checked_request(material, request))


def checked_request(material: Material, request: Request) -> Request:
    """Return a request with its baseline named: the usual one, or none where none is needed."""
    method = METHODS.get(request.method)
    if method is None:
        raise AttributionError(
            f'There is no method called "{request.method}". Choose one of {", ".join(METHODS)}.'
        )
    if not method.needs_baseline:
        return replace(request, baseline="")
    return replace(request, baseline=chosen_baseline(material.config, request.baseline))


def map_key(material: Material, request: Request) -> str:
    """Return the key under which a map is kept."""
    return material.key(
        "explain-map",
        index=request.index,
        method=request.method,
        baseline=material.baseline_key(request.baseline),
        settings=_MAP_VERSION,
    )


# ---- computed ------------------------------------------------------------------------------


def _computed(
    desk: Desk, material: Material, request: Request, progress: Progress | None
) -> Explained:
    def told(first: float, last: float) -> Progress | None:
        return progress and (lambda done: progress(first + (last - first) * done))

    raw = scored_window(desk, material, request.index)
    baseline = None
    if request.baseline:
        baseline = baseline_for(desk, material, request.baseline, raw.features, told(0.0, 0.4))
    used = baseline or Baseline("", raw.features, raw.features[None])
    found = attribute(
        request.method, material.detector, raw.features, used, progress=told(0.4, 1.0)
    )
    shown = None if baseline is None else _shown(material, baseline)
    _store(desk, map_key(material, request), found, shown)
    return _assembled(material, request, raw, found, shown, from_cache=False)


def _shown(material: Material, baseline: Baseline) -> BaselineShown:
    from eegdash.attribution.network_call import logits_of

    logit = float(logits_of(material.detector, baseline.values[None])[0])
    probability = calibrated(material.config, logit)
    title = BASELINES[baseline.name].title
    return BaselineShown(baseline.name, title, baseline.note, baseline.values, logit, probability)


def _assembled(
    material: Material,
    request: Request,
    raw: RawWindow,
    found: Attribution,
    shown: BaselineShown | None,
    *,
    from_cache: bool,
) -> Explained:
    window = _window(material, request.index, raw)
    return Explained(
        request=request,
        window=window,
        map=found,
        baseline=shown,
        probability=calibrated(material.config, found.logit),
        provenance=provenance_of(material, request, found.parameters, window),
        from_cache=from_cache,
    )


def _window(material: Material, index: int, raw: RawWindow) -> WindowFeatures:
    config = material.config
    onsets = tuple(config.step_s * (index + k) for k in (0, 2, 4))
    return WindowFeatures(
        features=raw.features,
        log_power_db=_decibels(config, raw.features) if config.features == LOG_POWER else None,
        ch_names=config.ch_names,
        freqs_hz=feature_freqs_hz(config),
        time_s=feature_time_s(config),
        segment_onset_s=(onsets[0], onsets[1], onsets[2]),
        segment_s=config.segment_s,
        usable=raw.usable,
        scorable=raw.scorable,
    )


def _decibels(config: DetectorConfig, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Undo the normalisation: dB re 1 uV^2/Hz."""
    norm = config.normalisation
    mean = np.asarray(norm.mean or 0.0, dtype=np.float32).reshape(-1, 1)
    return np.asarray(10 * (features * np.float32(norm.scale) + mean), dtype=np.float32)


def provenance_of(
    material: Material,
    request: Request,
    parameters: Mapping[str, Any],
    window: WindowFeatures,
) -> dict[str, Any]:
    """Return what a result was computed from; nothing in it names a person or a file."""
    return {
        "recording": material.opened.recording.alias,
        "recording_sha256": material.opened.recording.sha256,
        "model": material.model.name,
        "model_sha256": material.model.sha256,
        "method": request.method,
        "baseline": request.baseline,
        "target": TARGET,
        "parameters": dict(parameters),
        "window_s": [window.onset_s, window.end_s],
        "software": __version__,
    }


# ---- stored --------------------------------------------------------------------------------

_ARRAYS = ("values", "native", "spectral", "freqs_hz", "time_s")


def _store(desk: Desk, key: str, found: Attribution, shown: BaselineShown | None) -> None:
    arrays = {name: getattr(found, name) for name in _ARRAYS}
    arrays["baseline"] = shown.values if shown else None
    held = {name: array for name, array in arrays.items() if array is not None}
    meta: dict[str, Any] = {
        "shapes": {name: list(array.shape) for name, array in held.items()},
        "method": found.method,
        "baseline": found.baseline,
        "ch_names": list(found.ch_names),
        "unit": found.unit,
        "logit": found.logit,
        "baseline_logit": None if np.isnan(found.baseline_logit) else found.baseline_logit,
        "completeness_error": found.completeness_error,
        "parameters": dict(found.parameters),
    }
    if shown is not None:
        meta["shown"] = [shown.note, shown.logit, shown.probability]
    packed = np.concatenate([array.ravel().astype(np.float64) for array in held.values()])
    desk.cache.put_json(f"{key}-meta", meta)
    desk.cache.put_array(key, packed)


def _stored(desk: Desk, material: Material, request: Request) -> Explained | None:
    key = map_key(material, request)
    meta, packed = desk.cache.get_json(f"{key}-meta"), desk.cache.get_array(key)
    raw = stored_window(desk, material, request.index)
    if not isinstance(meta, dict) or packed is None or raw is None:
        return None
    arrays: dict[str, NDArray[Any]] = {}
    first = 0
    for name, shape in meta["shapes"].items():
        size = int(np.prod(shape))
        arrays[name] = packed[first : first + size].reshape(shape)
        first += size
    if first != packed.size:
        return None
    found = _map_from(meta, arrays)
    shown = None
    if "shown" in meta:
        note, logit, probability = meta["shown"]
        values = arrays["baseline"].astype(np.float32)
        title = BASELINES[found.baseline].title
        shown = BaselineShown(found.baseline, title, note, values, logit, probability)
    return _assembled(material, request, raw, found, shown, from_cache=True)


def _map_from(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Attribution:
    def single(name: str) -> NDArray[np.float32] | None:
        return arrays[name].astype(np.float32) if name in arrays else None

    logit = meta["baseline_logit"]
    return Attribution(
        method=meta["method"],
        baseline=meta["baseline"],
        values=arrays["values"].astype(np.float32),
        ch_names=tuple(meta["ch_names"]),
        freqs_hz=arrays["freqs_hz"].astype(np.float64),
        time_s=arrays["time_s"].astype(np.float64),
        unit=meta["unit"],
        logit=meta["logit"],
        baseline_logit=float("nan") if logit is None else logit,
        completeness_error=meta["completeness_error"],
        native=single("native"),
        spectral=single("spectral"),
        parameters=meta["parameters"],
    )
