"""What single units answer to: classes, preferred windows, places, and first-layer filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.mechanism.ensembles import selectivity
from eegdash.mechanism.statistics import Bools, Floats, Interval, Whole, auroc, group_interval

if TYPE_CHECKING:
    from torch import nn

N_PREFERRED = 8


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """What one unit tells the classes apart by.

    Parameters
    ----------
    unit : int
    selectivity : float
        (m1 - m0) / (m1 + m0) of its mean activations.
    auroc : Interval
    mean, high : float
        Mean and 95th percentile of its activation.
    preferred : tuple of int
        Indices of the windows it answers to most, strongest first, from different groups first.
    """

    unit: int
    selectivity: float
    auroc: Interval
    mean: float
    high: float
    preferred: tuple[int, ...]


def unit_figures(
    values: NDArray[Any], seizure: Bools, group: Whole, *, n_resamples: int = 200, seed: int = 0
) -> list[UnitFigures]:
    """Return the figures of each unit of a layer.

    Parameters
    ----------
    values : ndarray, shape (n_windows, n_units)
    seizure : ndarray of bool, shape (n_windows,)
    group : ndarray of int, shape (n_windows,)
    n_resamples, seed : int
    """
    table = np.asarray(values, dtype=np.float64)
    selective = selectivity(table, seizure)
    found = []
    for unit in range(table.shape[1]):
        column = table[:, unit]
        area = group_interval(
            lambda used, column=column: float(auroc(column[used], seizure[used])),  # type: ignore[misc]
            group,
            n_resamples=n_resamples,
            seed=seed,
        )
        found.append(
            UnitFigures(
                unit,
                float(selective[unit]),
                area,
                float(column.mean()),
                float(np.quantile(column, 0.95)),
                preferred_windows(column, group),
            )
        )
    return found


def preferred_windows(
    activation: NDArray[Any], group: Whole, *, n: int = N_PREFERRED
) -> tuple[int, ...]:
    """Return the windows of strongest activation, at most half of them from one group at first."""
    order = np.argsort(-np.asarray(activation, dtype=np.float64), kind="stable")
    chosen: list[int] = []
    count: dict[int, int] = {}
    for k in order:
        if count.get(int(group[k]), 0) < max(n // 2, 1):
            chosen.append(int(k))
            count[int(group[k])] = count.get(int(group[k]), 0) + 1
        if len(chosen) == n:
            break
    if len(chosen) < n:
        chosen += [int(k) for k in order if int(k) not in set(chosen)][: n - len(chosen)]
    return tuple(chosen)


@dataclass(frozen=True, slots=True)
class Filters:
    """Weights of the first convolution.

    Parameters
    ----------
    weights : ndarray, shape (n_units, n_taps) or (n_units, n_bins, n_frames)
        In time, or in frequency and time for a network that reads spectrograms.
    tap_s : float
        Distance of taps or frames, s.
    bin_hz : float or None
        Distance of frequency bins, Hz; None for filters in time.
    freqs_hz, gain_db : ndarray or None
        Frequency response of filters in time, dB relative to each filter's maximum.
    """

    weights: Floats
    tap_s: float
    bin_hz: float | None
    freqs_hz: Floats | None
    gain_db: Floats | None


def first_filters(
    network: nn.Module, *, sfreq: float, frame_s: float, bin_hz: float | None
) -> Filters | None:
    """Return the filters of the first convolution, None where it has several input maps.

    Parameters
    ----------
    network : Module
    sfreq : float
        Rate of derivations, Hz.
    frame_s : float
        Distance of spectrogram frames, s.
    bin_hz : float or None
        Distance of spectrogram bins, Hz; None for a network on derivations.
    """
    from torch import nn

    first = next(
        (m for m in network.modules() if isinstance(m, nn.Conv1d | nn.Conv2d | nn.Conv3d)), None
    )
    if first is None or first.weight.shape[1] != 1:
        return None
    kernel = first.weight.detach().numpy().astype(np.float64)[:, 0]
    weights = kernel.reshape(len(kernel), *[s for s in kernel.shape[1:] if s > 1])
    if weights.ndim != (2 if bin_hz is None else 3):
        return None
    if bin_hz is not None:
        return Filters(weights, frame_s, bin_hz, None, None)
    freqs, gain = frequency_response(weights, sfreq)
    return Filters(weights, 1 / sfreq, None, freqs, gain)


def frequency_response(taps: Floats, sfreq: float, *, n_fft: int = 256) -> tuple[Floats, Floats]:
    """Return the frequencies, Hz, and the gain of filters, dB relative to each one's maximum.

    Parameters
    ----------
    taps : ndarray, shape (n_filters, n_taps)
    sfreq : float
        Hz.
    n_fft : int
        Zero-padded length.
    """
    size = np.abs(np.fft.rfft(taps, n_fft, axis=1))
    largest = np.maximum(size.max(axis=1, keepdims=True), 1e-12)
    gain_db = 20 * np.log10(np.maximum(size / largest, 1e-4))
    return np.asarray(np.fft.rfftfreq(n_fft, 1 / sfreq), dtype=np.float64), gain_db


def region_profile(
    places: NDArray[Any], seizure: Bools, regions: dict[str, list[int]]
) -> dict[str, Floats]:
    """Return by region the mean activation in seizure minus that in other windows, (n_units,).

    Parameters
    ----------
    places : ndarray, shape (n_windows, n_units, n_channels)
    seizure : ndarray of bool, shape (n_windows,)
    regions : dict of str to list of int
        Derivations of each region.
    """
    difference = np.asarray(places[seizure]).mean(axis=0) - np.asarray(places[~seizure]).mean(
        axis=0
    )
    return {name: np.asarray(difference[:, rows].mean(axis=1)) for name, rows in regions.items()}
