"""Quantitative trends: amplitude-integrated EEG and rhythmicity.

Both are pure functions of a signal or of its power; where they are drawn is no matter of theirs.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

AEEG_EPOCH_S = 15.0
"""Length of an epoch that has one lower and one upper margin, s (Zhang & Ding 2013)."""
AEEG_MARGIN_S = 2.0
"""Signal that is needed on either side of the epochs, s: the reach of the filters."""
AEEG_PERCENTILES = (10.0, 90.0)
"""Percentiles of the envelope that are the lower and the upper margin."""
AEEG_LEAST_SFREQ = 50.0
"""Slowest rate that still holds the band with room for its upper slope, Hz."""
_AEEG_BAND_HZ = (2.0, 15.0)
_SLOPE_DB_PER_DECADE = 12.0
_UNITY_HZ = 10.0
_FILTER_REACH_S = 1.5
_ENVELOPE_S = 0.5
_POINTS_PER_S = 16
_POINTS_PER_EPOCH = round(AEEG_EPOCH_S * _POINTS_PER_S)
_LEAST_S = 5.0  # of an epoch; fewer seconds say nothing of a percentile

RHYTHM_STEP_S = 4
"""Time between two columns of rhythmicity, s."""
RHYTHM_BEFORE, RHYTHM_AFTER = 2, 3
"""Columns of power, one a second, that are needed before the first and after the last column."""
_LASTING = 9  # columns of power whose mean is a column of rhythmicity
RHYTHM_LOW_HZ, RHYTHM_HIGH_HZ = 2.0, 40.0
"""Lowest and highest frequency that rhythmicity is given for, Hz."""
_GUARD_HZ = 1.5  # a Hann frame of 2 s spreads a sine over 1 Hz; the next bin counts as beside it
_LEAST_FLANK_HZ = 2.5
_FLOOR_UV2 = 1e-10


def aeeg_margins(
    signal_uv: NDArray[np.floating], sfreq: float, n_epochs: int
) -> NDArray[np.float32]:
    """Return the lower and upper margin of the amplitude-integrated EEG of each epoch.

    The signal passes a linear-phase band-pass from 2 to 15 Hz whose gain rises by 12 dB per
    decade (1 at 10 Hz), is rectified, and averaged over 0.5 s. The mean of a rectified sine is
    ``2 / pi`` of its amplitude; the envelope is scaled by ``pi``, so that a sine of 10 Hz reads
    as its peak-to-peak amplitude. The margins are the 10th and the 90th percentile of the
    envelope, taken 16 times a second, over epochs of 15 s.

    The steps are those of Zhang D. & Ding H. 2013 (doi:10.4236/health.2013.55116) after the
    cerebral function monitor (Hellstroem-Westas L. et al. 2006, doi:10.1542/neo.7-2-e76);
    percentiles and scale are stated here because devices differ in both.

    Parameters
    ----------
    signal_uv : ndarray, shape (n_derivations, n_samples)
        Microvolt, NaN where there is none. Begins :data:`AEEG_MARGIN_S` before the first epoch
        and should reach as far beyond the last; what is missing counts as NaN.
    sfreq : float
        Hz, at least :data:`AEEG_LEAST_SFREQ`.
    n_epochs : int
        At least 1.

    Returns
    -------
    ndarray of float32, shape (n_derivations, n_epochs, 2)
        Microvolt, peak to peak. Only what no missing sample has touched counts; an epoch with
        less than 5 s of that is NaN.

    Raises
    ------
    ValueError
        If the rate is too low for the band.
    """
    from scipy.signal import oaconvolve

    if sfreq < AEEG_LEAST_SFREQ:
        raise ValueError(
            f"amplitude-integrated EEG needs at least {AEEG_LEAST_SFREQ:g} Hz, not {sfreq:g} Hz"
        )
    starts, width = _envelope_windows(sfreq, n_epochs)
    needed = int(starts[-1]) + width + round(_FILTER_REACH_S * sfreq) + 1
    signal = np.full((len(signal_uv), max(needed, signal_uv.shape[1])), np.nan, dtype=np.float32)
    signal[:, : signal_uv.shape[1]] = signal_uv
    bad = ~np.isfinite(signal)
    taps = _aeeg_taps(float(sfreq))
    passed = oaconvolve(np.where(bad, np.float32(0), signal), taps[None], mode="same", axes=1)
    envelope = np.pi * _window_sums(np.abs(passed), starts, width) / width
    if bad.any():
        reach = len(taps) // 2
        touched = _window_sums(bad.astype(np.float64), starts - reach, width + 2 * reach)
        envelope[touched > 0.5] = np.nan
    epochs = envelope.reshape(len(signal), n_epochs, _POINTS_PER_EPOCH)
    return _percentiles(epochs).astype(np.float32)


def _envelope_windows(sfreq: float, n_epochs: int) -> tuple[NDArray[np.int64], int]:
    """First sample of every averaging window, and their length in samples."""
    centres_s = AEEG_MARGIN_S + (np.arange(n_epochs * _POINTS_PER_EPOCH) + 0.5) / _POINTS_PER_S
    width = round(_ENVELOPE_S * sfreq)
    return np.round((centres_s - _ENVELOPE_S / 2) * sfreq).astype(np.int64), width


@lru_cache(maxsize=8)
def _aeeg_taps(sfreq: float) -> NDArray[np.float32]:
    from scipy.signal import firwin2

    low, high = _AEEG_BAND_HZ
    inside = np.geomspace(low, high, 12)
    gain = 10 ** (_SLOPE_DB_PER_DECADE / 20 * np.log10(inside / _UNITY_HZ))
    freqs = np.concatenate(([0.0, low / 2], inside, [1.35 * high, sfreq / 2]))
    gains = np.concatenate(([0.0, 0.0], gain, [0.0, 0.0]))
    n_taps = 2 * round(_FILTER_REACH_S * sfreq) + 1
    taps = np.asarray(firwin2(n_taps, freqs, gains, fs=sfreq), dtype=np.float32)
    taps.setflags(write=False)
    return taps


def _window_sums(
    values: NDArray[np.floating], starts: NDArray[np.int64], width: int
) -> NDArray[np.float64]:
    total = np.zeros((len(values), values.shape[1] + 1))
    np.cumsum(values, axis=1, dtype=np.float64, out=total[:, 1:])
    first = np.clip(starts, 0, values.shape[1])
    stop = np.clip(starts + width, 0, values.shape[1])
    return np.asarray(total[:, stop] - total[:, first])


def _percentiles(envelope: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return percentiles of the last axis over what is finite, linearly interpolated."""
    ordered = np.sort(envelope, axis=-1)  # NaN comes last
    count = np.isfinite(ordered).sum(axis=-1)
    found = np.full((*count.shape, len(AEEG_PERCENTILES)), np.nan)
    for i, percentile in enumerate(AEEG_PERCENTILES):
        position = percentile / 100 * np.maximum(count - 1, 0)
        below = np.floor(position).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(count - 1, 0))
        a = np.take_along_axis(ordered, below[..., None], axis=-1)[..., 0]
        b = np.take_along_axis(ordered, above[..., None], axis=-1)[..., 0]
        found[..., i] = a + (position - below) * (b - a)
    found[count < _LEAST_S * _POINTS_PER_S] = np.nan
    return found


def rhythmicity_db(
    power_uv2_per_hz: NDArray[np.floating], freqs_hz: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Return how far the power at each frequency stands above its local background.

    ``r(f) = L(f) - max(median L(below), median L(above))``, where ``L`` is the power in dB
    averaged over 9 s (a rhythm lasts, a spike does not), and *below* and *above* are the
    frequencies beside ``f`` out to an octave on either side, without a guard of 1.5 Hz. Of an
    even number of values the lower of the middle two is the median. The larger of two medians
    makes neither the slope of the EEG's spectrum nor the flank of a strong rhythm look like
    another rhythm.

    That an oscillation is power above a background spectrum is the definition of BOSC (Whitten
    T. et al. 2011, doi:10.1016/j.neuroimage.2010.08.064); the background from ranked neighbours
    beside a guard is that of a constant-false-alarm-rate detector (Rohling H. 1983,
    doi:10.1109/TAES.1983.309350).

    Parameters
    ----------
    power_uv2_per_hz : ndarray, shape (n_strips, 4 * n_columns + 5, n_bins)
        Power of 2 s frames, one a second; NaN where there is none. Column ``k`` of the result is
        made of the nine from ``4 * k``, so that :data:`RHYTHM_BEFORE` of them lie before it.
    freqs_hz : ndarray, shape (n_bins,)
        Increasing.

    Returns
    -------
    ndarray of float32, shape (n_strips, n_columns, n_bins)
        dB; negative where there is less power than beside. NaN outside 2 to 40 Hz, and where
        fewer than five of the nine columns have power (the middle one is among any such five).
    """
    level_db = _lasting_db(np.asarray(power_uv2_per_hz, dtype=np.float32))
    excess = np.full(level_db.shape, np.nan, dtype=np.float32)
    for i, (below, above) in enumerate(_flanks(tuple(float(f) for f in freqs_hz))):
        if below.size and above.size:
            background = np.maximum(_median(level_db[..., below]), _median(level_db[..., above]))
            excess[..., i] = level_db[..., i] - background
    return excess


def _lasting_db(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the dB of nine columns, every four columns."""
    good = np.isfinite(power)
    db = np.float32(10) * np.log10(np.maximum(np.where(good, power, 1), np.float32(_FLOOR_UV2)))
    db[~good] = 0
    n = max((power.shape[1] - RHYTHM_BEFORE - RHYTHM_AFTER) // RHYTHM_STEP_S, 0)
    total = np.zeros((power.shape[0], n, power.shape[2]), dtype=np.float32)
    count = np.zeros(total.shape, dtype=np.int16)
    for shift in range(_LASTING):
        every = slice(shift, shift + RHYTHM_STEP_S * n, RHYTHM_STEP_S)
        total += db[:, every]
        count += good[:, every]
    mean = total / np.maximum(count, 1)
    return np.where(count > _LASTING // 2, mean, np.nan).astype(np.float32)


def _median(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lower median of the last axis; what has a NaN in it is of no matter to the caller."""
    middle = (values.shape[-1] - 1) // 2
    return np.asarray(np.partition(values, middle, axis=-1)[..., middle])


@lru_cache(maxsize=8)
def _flanks(
    freqs_hz: tuple[float, ...],
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], ...]:
    """Bins below and above each frequency; empty outside the range of rhythmicity."""
    freqs = np.asarray(freqs_hz)
    slack = 1e-6
    found = []
    for f in freqs:
        reach_low = min(f / 2, f - _LEAST_FLANK_HZ)
        reach_high = max(2 * f, f + _GUARD_HZ + _LEAST_FLANK_HZ)
        below = (freqs >= reach_low - slack) & (freqs <= f - _GUARD_HZ + slack)
        above = (freqs <= reach_high + slack) & (freqs >= f + _GUARD_HZ - slack)
        if not RHYTHM_LOW_HZ - slack <= f <= RHYTHM_HIGH_HZ + slack:
            below = above = np.zeros(len(freqs), dtype=np.bool_)
        found.append((np.flatnonzero(below), np.flatnonzero(above)))
    return tuple(found)
