"""Resampling for the detector, zero-phase filters for the display, and channel quality."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLAT_UV = 0.5
"""A channel whose values span less than this over a block is flat, uV."""
SATURATED_SHARE = 0.1
"""A channel that rests on its extreme value for more than this share of a block is saturated."""

_LOBES = 16  # half length of the resampling filter in periods of the slower rate
_KAISER_BETA = 8.0  # about 80 dB of stop-band attenuation (Kaiser 1974)
_MAX_RATIO = 4096  # largest numerator or denominator of a rate ratio
_FILTER_ORDER = 4
_NOTCH_Q = 30.0
_SHORTEST_MARGIN_S = 2.0
_LEFT_OVER = 1e-8  # of what lies beyond the margin


@dataclass(frozen=True, slots=True)
class ResampleRatio:
    """The rational ratio between two rates, and how far the filter reaches.

    Parameters
    ----------
    up, down : int
        ``sfreq_out / sfreq_in = up / down``; input sample ``k * down`` coincides with output
        sample ``k * up``.
    """

    up: int
    down: int

    @property
    def support(self) -> int:
        """Input samples on either side that one output sample depends on."""
        if self.up == self.down:
            return 0
        return _LOBES * max(self.up, self.down) // self.up + 2


def resample_ratio(sfreq_in: float, sfreq_out: float) -> ResampleRatio:
    """Return the ratio of two rates as a fraction in lowest terms."""
    if not (np.isfinite(sfreq_in) and sfreq_in > 0 and sfreq_out > 0):
        raise ValueError(f"cannot resample from {sfreq_in} Hz to {sfreq_out} Hz")
    ratio = Fraction(sfreq_out).limit_denominator(1000) / Fraction(sfreq_in).limit_denominator(1000)
    ratio = ratio.limit_denominator(_MAX_RATIO)
    if ratio == 0:
        raise ValueError(f"cannot resample from {sfreq_in} Hz to {sfreq_out} Hz")
    return ResampleRatio(ratio.numerator, ratio.denominator)


def resample_uv(
    signal_uv: NDArray[np.float32], sfreq_in: float, sfreq_out: float
) -> NDArray[np.float32]:
    """Resample by polyphase filtering with a zero-phase Kaiser low-pass.

    A sample of the result depends on :attr:`ResampleRatio.support` samples on either side at
    most. A constant passes unchanged, however large, because every polyphase branch sums to 1.
    NaN stays where it was: around a NaN span, and at both ends, the nearest value is held for
    filtering, and the result is NaN only where its neighbouring input samples are.

    Parameters
    ----------
    signal_uv : ndarray of float32, shape (n_channels, n_samples)
        Microvolt.
    sfreq_in, sfreq_out : float
        Hz.

    Returns
    -------
    ndarray of float32, shape (n_channels, ceil(n_samples * sfreq_out / sfreq_in))
        The input itself where the rates are equal.
    """
    ratio = resample_ratio(sfreq_in, sfreq_out)
    if ratio.up == ratio.down or signal_uv.shape[1] == 0:
        return signal_uv
    from scipy.signal import resample_poly

    n_in = signal_uv.shape[1]
    bad = ~np.isfinite(signal_uv)
    pad = ratio.down * (-(-ratio.support // ratio.down))  # whole periods keep the phases aligned
    n_out = -(-n_in * ratio.up // ratio.down)
    filled = _hold_nearest(signal_uv, bad) if bad.any() else signal_uv
    padded = np.pad(filled, ((0, 0), (pad, pad)), mode="edge")
    taps = _kernel(ratio.up, ratio.down)
    first = pad // ratio.down * ratio.up
    result = resample_poly(padded, ratio.up, ratio.down, axis=1, window=taps)
    result = np.asarray(result[:, first : first + n_out], dtype=np.float32)
    if bad.any():
        numerator = np.arange(n_out, dtype=np.int64) * ratio.down
        left = numerator // ratio.up
        right = np.minimum(-(-numerator // ratio.up), n_in - 1)
        result[bad[:, left] | bad[:, right]] = np.nan
    return result


@lru_cache(maxsize=8)
def _kernel(up: int, down: int) -> NDArray[np.float32]:
    """Low-pass at the lower Nyquist frequency; each polyphase branch sums to ``1 / up``."""
    from scipy.signal import firwin

    slower = max(up, down)
    half = _LOBES * slower
    taps = np.asarray(firwin(2 * half + 1, 0.95 / slower, window=("kaiser", _KAISER_BETA)))
    for phase in range(up):
        branch = taps[phase::up]
        taps[phase::up] = branch / (branch.sum() * up)
    taps.setflags(write=False)
    return taps.astype(np.float32)


def _hold_nearest(signal: NDArray[np.float32], bad: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Replace each bad sample by the nearest good one of its channel (0 if there is none)."""
    n = signal.shape[1]
    index = np.arange(n)
    filled = signal.copy()
    for row in np.flatnonzero(bad.any(axis=1)):
        good = np.flatnonzero(~bad[row])
        if len(good) == 0:
            filled[row] = 0
            continue
        after = np.minimum(np.searchsorted(good, index), len(good) - 1)
        before = np.maximum(after - 1, 0)
        nearer_before = np.abs(index - good[before]) <= np.abs(good[after] - index)
        nearest = np.where(nearer_before, good[before], good[after])
        filled[row, bad[row]] = signal[row, nearest[bad[row]]]
    return filled


def margin_s(low_hz: float | None, notch_hz: float | None = None) -> float:
    """Return how much signal either side of a page the display filters need, s.

    What lies outside reaches into the page by the impulse response, which falls as
    ``exp(-2 pi f t / sqrt(2))`` for the high-pass (Butterworth of order 2 at ``f``) and as
    ``exp(-pi f t / Q)`` for the notch. The margin takes both below 1e-8, so that an electrode
    offset of 100 mV beyond it moves nothing on the page by 0.001 uV.

    Parameters
    ----------
    low_hz, notch_hz : float or None
        High-pass edge and notch, Hz; None or 0 is off.

    Returns
    -------
    float
    """
    rates = [math.pi * math.sqrt(2) * low_hz] if low_hz else []
    rates += [math.pi * notch_hz / _NOTCH_Q] if notch_hz else []
    return max([_SHORTEST_MARGIN_S, *(-math.log(_LEFT_OVER) / rate for rate in rates)])


def filter_uv(
    signal_uv: NDArray[np.float32],
    sfreq: float,
    *,
    low_hz: float | None = None,
    high_hz: float | None = None,
    notch_hz: float | None = None,
) -> NDArray[np.float32]:
    """Filter for display, zero phase (forward and backward Butterworth of order 4, and a notch).

    Parameters
    ----------
    signal_uv : ndarray of float32, shape (n_channels, n_samples)
        Microvolt; give :func:`margin_s` more on either side than is shown.
    sfreq : float
        Hz.
    low_hz : float, optional
        High-pass edge ("low-frequency filter"), Hz.
    high_hz : float, optional
        Low-pass edge ("high-frequency filter"), Hz; left out where it reaches the Nyquist
        frequency.
    notch_hz : float, optional
        Line frequency to remove, Hz; left out where it reaches the Nyquist frequency.

    Returns
    -------
    ndarray of float32, shape (n_channels, n_samples)
        NaN where the input is; each run between NaN spans is filtered by itself.
    """
    sections = _sections(float(sfreq), low_hz or None, high_hz or None, notch_hz or None)
    if sections is None or signal_uv.shape[1] == 0:
        return signal_uv
    pad = round(margin_s(low_hz, notch_hz) * sfreq)
    good = np.isfinite(signal_uv)
    if good.all():
        return _zero_phase(sections, signal_uv, pad)
    result = np.full_like(signal_uv, np.nan)
    for row in range(len(signal_uv)):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], good[row].astype(np.int8), [0]))))
        for first, stop in zip(edges[::2], edges[1::2], strict=True):
            run = signal_uv[row : row + 1, first:stop]
            result[row, first:stop] = _zero_phase(sections, run, pad)[0]
    return result


@lru_cache(maxsize=32)
def _sections(
    sfreq: float, low_hz: float | None, high_hz: float | None, notch_hz: float | None
) -> Any:
    from scipy.signal import butter, iirnotch, tf2sos

    nyquist = sfreq / 2
    parts = []
    # Forward and backward runs double the attenuation: half the order each keeps the total.
    order = _FILTER_ORDER // 2
    if low_hz is not None and 0 < low_hz < nyquist:
        parts.append(butter(order, low_hz, "highpass", fs=sfreq, output="sos"))
    if high_hz is not None and 0 < high_hz < nyquist:
        parts.append(butter(order, high_hz, "lowpass", fs=sfreq, output="sos"))
    if notch_hz is not None and 0 < notch_hz < nyquist:
        parts.append(tf2sos(*iirnotch(notch_hz, _NOTCH_Q, fs=sfreq)))
    return np.concatenate(parts) if parts else None


def _zero_phase(sections: Any, signal_uv: NDArray[np.float32], pad: int) -> NDArray[np.float32]:
    from scipy.signal import sosfiltfilt

    pad = min(signal_uv.shape[1] - 1, pad)
    # float64: a high-pass at 1 Hz on an electrode offset of some mV loses microvolts in float32
    filtered = sosfiltfilt(sections, signal_uv.astype(np.float64), axis=1, padlen=max(pad, 0))
    return np.asarray(filtered, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class ChannelQuality:
    """What is wrong with each channel of a block; each field has shape (n_channels,).

    Parameters
    ----------
    flat : ndarray of bool
        Values span less than :data:`FLAT_UV`.
    saturated : ndarray of bool
        More than :data:`SATURATED_SHARE` of the samples rest on the highest or lowest value.
    nan : ndarray of bool
        At least one sample is NaN or infinite.
    """

    flat: NDArray[np.bool_]
    saturated: NDArray[np.bool_]
    nan: NDArray[np.bool_]

    @property
    def unusable(self) -> NDArray[np.bool_]:
        """Channels with any of the three."""
        return np.asarray(self.flat | self.saturated | self.nan)


def channel_quality(signal_uv: NDArray[np.float32]) -> ChannelQuality:
    """Find flat, saturated and incomplete channels of a block of a few seconds.

    Parameters
    ----------
    signal_uv : ndarray of float32, shape (n_channels, n_samples) or (..., n_channels, n_samples)
        Microvolt.

    Returns
    -------
    ChannelQuality
        Fields of the shape of the input without its last axis.
    """
    if signal_uv.shape[-1] == 0:
        nothing = np.zeros(signal_uv.shape[:-1], dtype=np.bool_)
        return ChannelQuality(nothing, nothing, nothing)
    highest = signal_uv.max(axis=-1)  # NaN wherever a sample is NaN
    lowest = signal_uv.min(axis=-1)
    nan = ~(np.isfinite(highest) & np.isfinite(lowest))
    with np.errstate(invalid="ignore"):
        flat = ~nan & (highest - lowest < FLAT_UV)
    if signal_uv.shape[-1] < 2:
        return ChannelQuality(flat, np.zeros_like(flat), nan)
    # a sample that equals its neighbour and the extreme is resting on a rail, not passing a peak
    earlier, later = signal_uv[..., :-1], signal_uv[..., 1:]
    resting = earlier == later
    on_rail = (later == highest[..., None]) | (later == lowest[..., None])
    share = np.count_nonzero(resting & on_rail, axis=-1) / signal_uv.shape[-1]
    saturated = ~nan & ~flat & (share > SATURATED_SHARE)
    return ChannelQuality(flat, saturated, nan)
