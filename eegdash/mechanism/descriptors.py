"""What a reader would call the EEG of a window: line length, band powers, spikes, rhythmicity.

Units and logit are regressed on these, so that a unit can be named by what it follows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.mechanism.separation import grouped_folds
from eegdash.mechanism.statistics import AgainstNull, Bools, Floats, Whole, against_null
from eegdash.spectrogram import BANDS, band_mask, power_spectrogram

SPIKE_SD = 5.0
"""A deflection counts as a spike beyond this many robust standard deviations of its slope."""
_LONGEST_SPIKE_S = 0.2
_NAMED_FROM = 0.4
_RIDGE = 10.0
N_SHUFFLES = 20


def descriptor_names(sfreq: float) -> tuple[str, ...]:
    """Return the names of the descriptors at a rate, Hz; bands beyond its Nyquist are left out."""
    return (
        "amplitude (log RMS)",
        "line length (log)",
        *(f"{band} power (log)" for band in _bands(sfreq)),
        *(f"{band} share" for band in _bands(sfreq)),
        "spikes per second",
        "rhythmicity (dB)",
        "peak frequency (Hz)",
        "spatial spread",
        "left-right asymmetry",
        "change within the window (dB)",
    )


def _bands(sfreq: float) -> tuple[str, ...]:
    return tuple(name for name, (low, _) in BANDS.items() if low < 0.45 * sfreq)


def describe(
    window_uv: NDArray[np.floating], sfreq: float, *, left: Bools, right: Bools
) -> NDArray[np.float32]:
    """Return the descriptors of one window, named by :func:`descriptor_names`.

    Values are medians or means over derivations. Line length is the mean of ``|x[t] - x[t-1]|``
    times the rate, uV/s (Esteller R. et al. 2001, doi:10.1109/IEMBS.2001.1020545). Powers are of
    2 s Hann frames every second; a share is of all bands. Rhythmicity is the strongest bin from 2
    to 25 Hz over the median of the bins up to 3 Hz beside it. Spread is the share of derivations
    with at least half of the largest RMS, asymmetry ``(R - L) / (R + L)`` of RMS, and change the
    RMS of the last third over that of the first, dB.

    Parameters
    ----------
    window_uv : ndarray, shape (n_channels, n_samples)
        uV.
    sfreq : float
        Hz.
    left, right : ndarray of bool, shape (n_channels,)
        Derivations of either hemisphere.
    """
    signal = np.asarray(window_uv, dtype=np.float64)
    signal = signal - signal.mean(axis=1, keepdims=True)
    rms = np.sqrt((signal**2).mean(axis=1))
    slope = np.abs(np.diff(signal, axis=1))
    freqs, power = power_spectrogram(signal, sfreq, window_s=2.0, step_s=1.0)
    spectrum = power.mean(axis=2)
    bands = [spectrum[:, band_mask(freqs, band)].sum(axis=1) for band in _bands(sfreq)]
    total = np.maximum(np.sum(bands, axis=0), 1e-12)
    third = signal.shape[1] // 3
    first, last = signal[:, :third].std(), signal[:, -third:].std()
    rhythm, peak_hz = _rhythm(freqs, spectrum)
    sides = (
        float(rms[left].mean()) if left.any() else 0.0,
        float(rms[right].mean()) if right.any() else 0.0,
    )
    return np.array(
        [
            math.log10(max(float(np.median(rms)), 1e-3)),
            math.log10(max(float(np.median(slope.mean(axis=1))) * sfreq, 1e-3)),
            *(math.log10(max(float(np.median(band)), 1e-6)) for band in bands),
            *(float(np.median(band / total)) for band in bands),
            _spikes_per_s(slope, sfreq),
            rhythm,
            peak_hz,
            float((rms >= rms.max() / 2).mean()),
            (sides[1] - sides[0]) / max(sides[0] + sides[1], 1e-9),
            20 * math.log10(max(last, 1e-3) / max(first, 1e-3)),
        ],
        dtype=np.float32,
    )


def _rhythm(freqs: Floats, spectrum: NDArray[Any]) -> tuple[float, float]:
    level_db = 10 * np.log10(np.maximum(np.median(spectrum, axis=0), 1e-12))
    inside = np.flatnonzero((freqs >= 2) & (freqs <= min(25.0, freqs[-1] - 1)))
    excess = []
    for k in inside:
        beside = (np.abs(freqs - freqs[k]) <= 3) & (np.abs(freqs - freqs[k]) >= 1) & (freqs >= 1)
        excess.append(level_db[k] - np.median(level_db[beside]))
    best = int(np.argmax(excess))
    return float(excess[best]), float(freqs[inside[best]])


def _spikes_per_s(slope: NDArray[Any], sfreq: float) -> float:
    """Count steep deflections, at most one in 0.2 s and derivation; mean over derivations."""
    middle = np.median(slope, axis=1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(slope - middle), axis=1, keepdims=True)
    steep = slope > middle + SPIKE_SD * np.maximum(spread, 1e-9)
    width = max(round(_LONGEST_SPIKE_S * sfreq), 1)
    n = steep.shape[1] // width * width
    blocks = steep[:, :n].reshape(len(steep), -1, width).any(axis=2)
    return float(blocks.sum(axis=1).mean() / (slope.shape[1] / sfreq))


@dataclass(frozen=True, slots=True)
class Naming:
    """What human-readable descriptors say of one unit, or of the logit.

    Parameters
    ----------
    explained : AgainstNull
        R2 of a ridge regression on held-out groups, against shuffled windows.
    best : str
        The descriptor with the strongest rank correlation.
    correlation : float
        Spearman's, of that descriptor.
    weights : tuple of (str, float)
        The three largest standardised weights of the regression on all windows.
    """

    explained: AgainstNull
    best: str
    correlation: float
    weights: tuple[tuple[str, float], ...]

    @property
    def name(self) -> str:
        """A name in words; a unit that no descriptor follows has none."""
        if not abs(self.correlation) >= _NAMED_FROM:
            return "no descriptor names it"
        return f"{'more' if self.correlation > 0 else 'less'} {self.best}"

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "name": self.name,
            "explained": self.explained.as_dict(),
            "best": self.best,
            "correlation": self.correlation if math.isfinite(self.correlation) else None,
            "weights": [[name, weight] for name, weight in self.weights],
        }


def name_units(
    values: NDArray[Any],
    descriptors: NDArray[Any],
    names: tuple[str, ...],
    seizure: Bools,
    group: Whole,
    *,
    n_shuffles: int = N_SHUFFLES,
    seed: int = 0,
) -> list[Naming]:
    """Regress units on descriptors.

    Parameters
    ----------
    values : ndarray, shape (n_windows, n_units)
    descriptors : ndarray, shape (n_windows, n_descriptors)
    names : tuple of str
    seizure : ndarray of bool, shape (n_windows,)
        Only to balance the folds.
    group : ndarray of int, shape (n_windows,)
    n_shuffles, seed : int
    """
    from scipy.stats import rankdata

    target, table = _scaled(values), _scaled(descriptors)
    fold = grouped_folds(seizure, group, seed=seed)
    explained = _held_out_r2(table, target, fold)
    rng = np.random.default_rng(seed)
    null = np.stack([_held_out_r2(rng.permutation(table), target, fold) for _ in range(n_shuffles)])
    rho = (_scaled(rankdata(table, axis=0)).T @ _scaled(rankdata(target, axis=0))) / len(table)
    weights = _ridge(table, target)
    found = []
    for k in range(target.shape[1]):
        best = int(np.argmax(np.abs(rho[:, k])))
        largest = np.argsort(-np.abs(weights[:, k]))[:3]
        found.append(
            Naming(
                against_null(float(explained[k]), null[:, k]),
                names[best],
                float(rho[best, k]) if target[:, k].any() else math.nan,
                tuple((names[int(i)], float(weights[i, k])) for i in largest),
            )
        )
    return found


def _scaled(values: NDArray[Any]) -> Floats:
    table = np.asarray(values, dtype=np.float64)
    spread = table.std(axis=0)
    return np.asarray((table - table.mean(axis=0)) / np.where(spread > 1e-9, spread, np.inf))


def _ridge(table: Floats, target: Floats) -> Floats:
    penalty = _RIDGE * np.eye(table.shape[1])
    return np.asarray(np.linalg.solve(table.T @ table + penalty, table.T @ target))


def _held_out_r2(table: Floats, target: Floats, fold: Whole | None) -> Floats:
    """Return R2 of each column on the folds that were left out; NaN where there are none."""
    if fold is None:
        return np.full(target.shape[1], np.nan)
    predicted = np.zeros_like(target)
    for k in np.unique(fold):
        fitted = fold != k
        mean = target[fitted].mean(axis=0)
        predicted[~fitted] = mean + table[~fitted] @ _ridge(table[fitted], target[fitted] - mean)
    total = ((target - target.mean(axis=0)) ** 2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - ((target - predicted) ** 2).sum(axis=0) / total)
