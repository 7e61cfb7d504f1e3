"""What explanations are made from: the detector, windows as detection read them, baselines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution import BASELINES, Baseline, default_baseline
from eegdash.attribution.baselines import make_baseline
from eegdash.attribution.maps import Progress
from eegdash.cache import cache_key
from eegdash.checkpoints import CheckpointInfo, Detector, DetectorConfig, read_config
from eegdash.detection import UNSCORED, ProbabilityTrace, read_segments, segment_count
from eegdash.errors import AttributionError
from eegdash.workflows.desk import Desk
from eegdash.workflows.library import Opened, mapping_key, open_path
from eegdash.workflows.score import stored_trace

_VERSION = 1
QUIET_SHARE = 0.2
"""Share of the scored windows, those of the lowest probability, that baselines are made from."""
_FEWEST, _MOST = 5, 16
_TRIED = 24
_SEGMENTS = np.array([0, 2, 4])


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """A recording and a model, opened together.

    Parameters
    ----------
    opened : Opened
    model : CheckpointInfo
    config : DetectorConfig
    trace : ProbabilityTrace or None
        As stored; None before the recording was scored.
    trusted_packages : tuple of str
    """

    opened: Opened
    model: CheckpointInfo
    config: DetectorConfig
    trace: ProbabilityTrace | None
    trusted_packages: tuple[str, ...] = ()

    @property
    def detector(self) -> Detector:
        """The network, loaded (with torch) when it is first asked for.

        It judges as it did when the recording was scored; before that, by the usual background.
        """
        background = self.trace.background if self.trace else ()
        return _judging(
            self.model.folder, self.model.sha256, self.trusted_packages, tuple(background)
        )

    @property
    def n_windows(self) -> int:
        """Windows on the grid of the recording."""
        return segment_count(self.opened.recording, self.config) - 4

    def key(self, kind: str, **parameters: object) -> str:
        """Return a key of the analysis cache for something made from both."""
        return cache_key(
            self.opened.recording.sha256,
            self.model.sha256,
            kind,
            version=_VERSION,
            mapping=mapping_key(self.opened.mapping),
            background=list(self.trace.background) if self.trace else [],
            **parameters,
        )

    def baseline_key(self, name: str) -> str:
        """Return what tells baselines of one name apart: quiet windows depend on the trace."""
        of_recording = name in BASELINES and BASELINES[name].of_recording
        return f"{name}/{'trace' if self.trace is not None else 'tried'}" if of_recording else name


def open_material(desk: Desk, path: Path, model_name: str) -> Material:
    """Open a recording and a model; neither torch nor a signal is needed yet.

    Raises
    ------
    RecordingError, CheckpointError
        If one cannot be used.
    """
    opened = open_path(desk, path)
    model = desk.model(model_name)
    return Material(
        opened=opened,
        model=model,
        config=read_config(model.folder),
        trace=stored_trace(desk, opened.recording.sha256, opened.mapping, model),
        trusted_packages=desk.settings.trusted_packages,
    )


@lru_cache(maxsize=8)
def loaded_detector(folder: Path, sha256: str, trusted_packages: tuple[str, ...]) -> Detector:
    """Load a verified model once; another hash is another detector."""
    from eegdash.checkpoints import load_checkpoint

    detector = load_checkpoint(folder, trusted_packages=trusted_packages)
    if detector.config.sha256 != sha256:
        raise AttributionError(
            f"{detector.config.name} was replaced while the page was open. Reload the page."
        )
    return detector


@lru_cache(maxsize=8)
def _judging(
    folder: Path, sha256: str, trusted_packages: tuple[str, ...], background: tuple[float, ...]
) -> Detector:
    """Return the same object for the same recording: what is kept of a detector is found again.

    Tests of a map keep random orders and shuffled twins by detector (``faithfulness``).
    """
    return loaded_detector(folder, sha256, trusted_packages).in_recording(background)


# ---- windows -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class RawWindow:
    """Features (3, *input_shape), usable derivations (3, n_channels), and whether it is scored."""

    features: NDArray[np.float32]
    usable: NDArray[np.bool_]
    scorable: bool


def checked_index(material: Material, index: int) -> None:
    """Raise an AttributionError if the recording has no such window."""
    n_windows = material.n_windows
    if not 0 <= index < n_windows:
        raise AttributionError(
            f"There is no window {index} in this recording: it has {n_windows}, from 0. "
            "Choose a time inside the recording."
        )


def read_window(desk: Desk, material: Material, index: int) -> RawWindow:
    """Return one window exactly as detection reads it, from the cache where it can."""
    checked_index(material, index)
    kept = stored_window(desk, material, index)
    if kept is not None:
        return kept
    found = _window_from_file(material, index)
    packed = np.concatenate(
        [
            found.features.ravel(),
            found.usable.ravel().astype(np.float32),
            np.array([found.scorable], dtype=np.float32),
        ]
    )
    key = material.key("explain-window", index=index)
    desk.cache.put_json(f"{key}-shape", list(found.features.shape))
    desk.cache.put_array(key, packed)
    return found


def stored_window(desk: Desk, material: Material, index: int) -> RawWindow | None:
    """Return a window as it is stored, or None; needs no network."""
    key = material.key("explain-window", index=index)
    kept = desk.cache.get_array(key)
    shape = stored_shape(desk.cache.get_json(f"{key}-shape"))
    if kept is None or shape is None or kept.size != np.prod(shape) + 3 * shape[1] + 1:
        return None
    size = int(np.prod(shape))
    usable = kept[size:-1].reshape(3, -1) > 0
    return RawWindow(kept[:size].reshape(shape), usable, bool(kept[-1] > 0))


def scored_window(desk: Desk, material: Material, index: int) -> RawWindow:
    """Return a window that detection gives a probability.

    Raises
    ------
    AttributionError
        If it is not on the grid or was not scored.
    """
    found = read_window(desk, material, index)
    if not found.scorable:
        raise AttributionError(
            "This window was not scored: it lies in a gap, or too many of its derivations are flat "
            "or saturated. Choose another window."
        )
    return found


def calibrated(config: DetectorConfig, logit: float) -> float:
    """Return the probability of a logit, as ``Detector.probability``, without the network."""
    return float(0.5 + 0.5 * np.tanh(logit / config.temperature / 2))


def stored_shape(value: object) -> tuple[int, ...] | None:
    """Return a shape from a JSON value, None if it is none."""
    if isinstance(value, list) and value and all(isinstance(n, int) and n > 0 for n in value):
        return tuple(value)
    return None


def _window_from_file(material: Material, index: int) -> RawWindow:
    segments = read_segments(
        material.opened.recording,
        material.detector,
        index,
        index + 5,
        mapping=material.opened.mapping,
    )
    return RawWindow(
        np.ascontiguousarray(segments.features[_SEGMENTS]),
        segments.usable[_SEGMENTS],
        bool(segments.scorable[_SEGMENTS].all()),
    )


# ---- baselines -----------------------------------------------------------------------------


def chosen_baseline(config: DetectorConfig, name: str) -> str:
    """Return the name of a baseline; the usual one of the features for an empty name."""
    return name or default_baseline(config.features)


def baseline_for(
    desk: Desk,
    material: Material,
    name: str,
    window: NDArray[np.float32],
    progress: Progress | None = None,
) -> Baseline:
    """Make a baseline; quiet windows are read once per recording and model.

    Raises
    ------
    AttributionError
        If it does not fit the model, or the recording has no window for it.
    """
    quiet, highest_pm = np.empty((0, *window.shape), dtype=np.float32), None
    if name in BASELINES and BASELINES[name].of_recording:
        quiet, highest_pm = quiet_windows(desk, material, progress)
    made = make_baseline(name, material.config, window, quiet)
    note = made.note
    if highest_pm is not None:
        note += (
            f" of this recording, where the probability is {highest_pm / 1000:.2f} at most; "
            "nobody has said that they are free of seizures"
        )
    return Baseline(made.name, made.values, made.samples, f"{note}.")


def quiet_windows(
    desk: Desk, material: Material, progress: Progress | None = None
) -> tuple[NDArray[np.float32], int | None]:
    """Return the windows that the detector is least sure are seizures, and their highest per mille.

    With a stored trace they are spread over the lowest fifth of the scored windows; without one,
    over the lowest fifth of windows that are tried all along the recording.
    """
    key = material.key("explain-quiet", trace=material.trace is not None)
    kept, meta = desk.cache.get_array(key), desk.cache.get_json(f"{key}-meta")
    if kept is not None and isinstance(meta, dict):
        return kept, int(meta["highest_pm"])
    if material.trace is not None:
        indices, highest = _quiet_of_trace(material.trace)
        windows = [_told(desk, material, indices, k, progress) for k in range(len(indices))]
        found = np.stack([w.features for w in windows]) if windows else None
    else:
        found, highest = _quiet_of_tried(desk, material, progress)
    if found is None:
        shape = (0, 3, *material.detector.input_shape)
        return np.empty(shape, dtype=np.float32), None
    desk.cache.put_array(key, found)
    desk.cache.put_json(f"{key}-meta", {"highest_pm": highest})
    return found, highest


def _told(
    desk: Desk,
    material: Material,
    indices: NDArray[np.int64],
    position: int,
    progress: Progress | None,
) -> RawWindow:
    if progress is not None:
        progress(position / len(indices))
    return _window_from_file(material, int(indices[position]))


def _quiet_of_trace(trace: ProbabilityTrace) -> tuple[NDArray[np.int64], int]:
    scored = np.flatnonzero(trace.probability_pm != UNSCORED)
    lowest = _lowest(trace.probability_pm[scored].astype(np.float64))
    indices = np.sort(scored[lowest])
    indices = indices[_spread(len(indices), _MOST)]
    return indices, int(trace.probability_pm[indices].max(initial=0))


def _quiet_of_tried(
    desk: Desk, material: Material, progress: Progress | None
) -> tuple[NDArray[np.float32] | None, int]:
    from eegdash.attribution.network_call import logits_of

    indices = _spread(material.n_windows, _TRIED)
    tried = [_told(desk, material, indices, k, progress) for k in range(len(indices))]
    features = [window.features for window in tried if window.scorable]
    if not features:
        return None, 0
    windows = np.stack(features)
    logits = logits_of(material.detector, windows)
    lowest = _lowest(logits)
    probability = material.detector.probability(logits[lowest])
    return windows[np.sort(lowest)], round(1000 * float(probability.max()))


def _lowest(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the positions of the lowest fifth, five at least where there are so many."""
    n = min(max(round(QUIET_SHARE * len(values)), _FEWEST), len(values))
    return np.asarray(np.argsort(values, kind="stable")[:n], dtype=np.int64)


def _spread(n: int, most: int) -> NDArray[np.int64]:
    if n == 0:
        return np.empty(0, dtype=np.int64)
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))
