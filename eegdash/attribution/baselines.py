"""Baselines: what a window is compared with, and what masked parts are filled from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import DERIVATIONS, FEATURES, LOG_POWER, DetectorConfig
from eegdash.errors import AttributionError

INTERICTAL = "interictal-median"
SURROGATE = "interictal-surrogate"
N_SAMPLES = 8
_BLUR_HZ, _BLUR_S = 4.0, 0.75
_SEED = 2026


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """A window that stands for "nothing to see".

    Parameters
    ----------
    name : str
        Name in :data:`BASELINES`.
    values : ndarray of float32, shape (3, *input_shape)
    samples : ndarray of float32, shape (n, 3, *input_shape)
        Several of the kind, for methods that average over baselines; ``values`` where there is
        one only.
    note : str
        How it was made, with numbers.
    """

    name: str
    values: NDArray[np.float32]
    samples: NDArray[np.float32]
    note: str = ""


@dataclass(frozen=True, slots=True)
class BaselineKind:
    """An entry of :data:`BASELINES`.

    Parameters
    ----------
    title, sentence : str
        For the reader.
    features : tuple of str
        Which features it fits (``eegdash.checkpoints.FEATURES``).
    of_recording : bool
        Whether it is made from quiet windows of the recording.
    of_window : bool
        Whether it is made from the window that is explained.
    make : callable
        ``(config, window, quiet) -> Baseline`` without its name; ``quiet`` are windows
        (n, 3, *input_shape) that the detector is least sure are seizures.
    """

    title: str
    sentence: str
    features: tuple[str, ...]
    of_recording: bool
    of_window: bool
    make: Callable[[DetectorConfig, NDArray[np.float32], NDArray[np.float32]], Baseline]


def default_baseline(features: str) -> str:
    """Return the usual baseline of a kind of features."""
    return SURROGATE if features == DERIVATIONS else INTERICTAL


def make_baseline(
    name: str,
    config: DetectorConfig,
    window: NDArray[np.float32],
    quiet: NDArray[np.float32],
) -> Baseline:
    """Make a baseline for a window.

    Parameters
    ----------
    name : str
        Of :data:`BASELINES`.
    config : DetectorConfig
    window : ndarray of float32, shape (3, *input_shape)
    quiet : ndarray of float32, shape (n, 3, *input_shape)
        Windows of the same recording that the detector is least sure are seizures; may be empty
        where the kind is not ``of_recording``.

    Raises
    ------
    AttributionError
        If there is none of that name for these features, or no quiet window.
    """
    kind = BASELINES.get(name)
    if kind is None or config.features not in kind.features:
        fitting = [n for n, k in BASELINES.items() if config.features in k.features]
        raise AttributionError(
            f'The baseline "{name}" does not fit this detector. Choose one of {", ".join(fitting)}.'
        )
    if kind.of_recording and len(quiet) == 0:
        raise AttributionError(
            "No window of this recording could be scored, so there is no interictal baseline. "
            "Choose another baseline."
        )
    made = kind.make(config, window, quiet)
    return Baseline(name, made.values, made.samples, made.note)


# ---- how each is made ----------------------------------------------------------------------


def _one(values: NDArray[np.float32], note: str) -> Baseline:
    values = np.ascontiguousarray(values, dtype=np.float32)
    return Baseline("", values, values[None], note)


def _interictal_median(
    config: DetectorConfig, window: NDArray[np.float32], quiet: NDArray[np.float32]
) -> Baseline:
    """Median over windows, segments and frames, per derivation and frequency."""
    profile = np.median(quiet, axis=(0, 1, 4))
    values = np.broadcast_to(profile[None, :, :, None], window.shape)
    values = np.ascontiguousarray(values, dtype=np.float32)
    samples = quiet[_spread(len(quiet), N_SAMPLES)]
    return Baseline("", values, samples, f"Median spectrum of {len(quiet)} windows")


def _interictal_window(
    config: DetectorConfig, window: NDArray[np.float32], quiet: NDArray[np.float32]
) -> Baseline:
    """Return the quiet window whose spectrum is nearest to the median spectrum of all."""
    levels = quiet if config.features == LOG_POWER else np.log10(1e-3 + _amplitude(quiet))
    profile = levels.mean(axis=(1, 4)) if config.features == LOG_POWER else levels.mean(axis=1)
    away = ((profile - np.median(profile, axis=0)) ** 2).reshape(len(quiet), -1).mean(axis=1)
    note = f"A true window of this recording: the most usual of {len(quiet)} windows"
    return _one(quiet[int(np.argmin(away))], note)


def _amplitude(quiet: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(np.abs(np.fft.rfft(quiet, axis=-1)), dtype=np.float64)


def _training_mean(
    config: DetectorConfig, window: NDArray[np.float32], quiet: NDArray[np.float32]
) -> Baseline:
    return _one(
        np.zeros_like(window),
        "Mean log power per frequency over the recordings that the detector was trained on",
    )


def _blurred(
    config: DetectorConfig, window: NDArray[np.float32], quiet: NDArray[np.float32]
) -> Baseline:
    from scipy.ndimage import gaussian_filter

    if config.features == LOG_POWER:
        hz = 1 / config.stft.window_s
        sigma: Sequence[float] = (0, 0, _BLUR_HZ / hz, _BLUR_S / config.stft.step_s)
        note = f"The window itself, smoothed over {_BLUR_HZ:g} Hz and {_BLUR_S:g} s"
    else:
        seconds = 0.1
        sigma = (0, 0, seconds * config.sfreq)
        note = f"The window itself, smoothed over {1000 * seconds:g} ms"
    return _one(gaussian_filter(window, sigma, mode="nearest"), note)


def _silence(
    config: DetectorConfig, window: NDArray[np.float32], quiet: NDArray[np.float32]
) -> Baseline:
    norm = config.normalisation
    mean = np.asarray(norm.mean or 0.0, dtype=np.float64)
    floor = (np.log10(norm.floor_uv2_per_hz) - mean) / norm.scale
    values = np.broadcast_to(floor.reshape(-1, 1).astype(np.float32), window.shape)
    return _one(values, "No signal at all: the floor under the logarithm in every cell")


def _zeros(
    config: DetectorConfig, window: NDArray[np.float32], quiet: NDArray[np.float32]
) -> Baseline:
    return _one(np.zeros_like(window), "No signal at all: 0 uV")


def _surrogate(
    config: DetectorConfig, window: NDArray[np.float32], quiet: NDArray[np.float32]
) -> Baseline:
    """Median amplitude spectrum per derivation, with random phases.

    Theiler J. et al. 1992, doi:10.1016/0167-2789(92)90102-S. The phases of a segment are the same
    in all derivations, so that their relations stay those of one quiet window.
    """
    rng = np.random.default_rng(_SEED)
    chosen = quiet[_spread(len(quiet), N_SAMPLES)]
    amplitude = np.median(_amplitude(quiet), axis=(0, 1))
    samples = []
    for piece in chosen:
        phase = np.angle(np.fft.rfft(piece, axis=-1))
        turn = rng.uniform(0, 2 * np.pi, (3, 1, phase.shape[-1]))
        spectrum = amplitude * np.exp(1j * (phase + turn))
        spectrum[..., 0] = 0
        samples.append(np.fft.irfft(spectrum, n=piece.shape[-1], axis=-1))
    found = np.asarray(samples, dtype=np.float32)
    note = f"Noise with the median amplitude spectrum of {len(quiet)} windows (seed {_SEED})"
    return Baseline("", found[0], found, note)


def _spread(n: int, most: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))


BASELINES: dict[str, BaselineKind] = {
    INTERICTAL: BaselineKind(
        "Interictal median",
        "The usual spectrum of this recording where the detector is least sure of a seizure.",
        (LOG_POWER,),
        True,
        False,
        _interictal_median,
    ),
    SURROGATE: BaselineKind(
        "Interictal surrogate",
        "Noise with the usual spectrum of this recording where the detector is least sure of "
        "a seizure.",
        (DERIVATIONS,),
        True,
        False,
        _surrogate,
    ),
    "interictal-window": BaselineKind(
        "Interictal window",
        "A true window of this recording, one that the detector is sure is no seizure.",
        FEATURES,
        True,
        False,
        _interictal_window,
    ),
    "training-mean": BaselineKind(
        "Training mean",
        "The mean spectrum of the recordings that the detector was trained on.",
        (LOG_POWER,),
        False,
        False,
        _training_mean,
    ),
    "blurred": BaselineKind(
        "Blurred window",
        "The window itself without its detail: shows what sharp structure adds.",
        FEATURES,
        False,
        True,
        _blurred,
    ),
    "silence": BaselineKind(
        "Silence",
        "No signal at all. Far from any EEG: the detector was never asked about it.",
        (LOG_POWER,),
        False,
        False,
        _silence,
    ),
    "zeros": BaselineKind(
        "Zeros",
        "No signal at all. A detector that ignores loudness answers the same until the very "
        "last step towards it, so that Integrated Gradients from here misses its sum.",
        (DERIVATIONS,),
        False,
        False,
        _zeros,
    ),
}
"""Baselines by name."""
