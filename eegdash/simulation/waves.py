"""Wave forms in time: noise of a given spectrum, rhythms that drift, discharges, envelopes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Array = NDArray[np.float64]
Shape = Callable[[Array], Array]


def one_over_f(exponent: float, knee_hz: float = 0.8) -> Shape:
    """Amplitude spectrum whose power falls as ``f**-exponent`` above a knee, 0 at 0 Hz."""
    return lambda f: (f > 0) * (f**2 + knee_hz**2) ** (-exponent / 4)


def band(centre_hz: float, width_hz: float) -> Shape:
    """Gaussian amplitude spectrum; ``width_hz`` is its standard deviation."""
    return lambda f: np.exp(-0.5 * ((f - centre_hz) / width_hz) ** 2)


def muscle_spectrum(edge_hz: float) -> Shape:
    """Amplitude spectrum of surface muscle: rises to ``edge_hz``, falls slowly above 90 Hz."""
    return lambda f: 1 / (1 + (edge_hz / (f + 1e-3)) ** 3) / (1 + (f / 90) ** 2)


def spectral_noise(rng: np.random.Generator, rows: int, n: int, amplitude: Float) -> Float:
    """Return Gaussian noise (rows, n) of unit variance from an amplitude spectrum.

    ``amplitude`` has shape (n // 2 + 1,) or (rows, n // 2 + 1). The variance is set from the
    spectrum (Parseval), not from the draw, so that pieces of one process match.
    """
    size = np.sqrt((amplitude**2).sum(axis=-1, keepdims=True))
    draws = rng.standard_normal((rows, amplitude.shape[-1], 2), dtype=np.float32)
    spectrum = draws.view(np.complex64)[..., 0]
    spectrum *= amplitude * np.float32(n / 2) / size
    return np.asarray(np.fft.irfft(spectrum, n, axis=-1), dtype=np.float32)


def burst_noise(rng: np.random.Generator, rows: int, n: int, sfreq: float, shape: Shape) -> Float:
    """Return noise of unit variance for an event of ``n`` samples; shape (rows, n)."""
    padded = _fast_length(max(n, 32))
    freqs = np.fft.rfftfreq(padded, 1 / sfreq).astype(np.float64)
    return spectral_noise(rng, rows, padded, shape(freqs).astype(np.float32))[:, :n]


@lru_cache(maxsize=4096)
def _fast_length(n: int) -> int:
    """Return the next length whose only prime factors are 2, 3 and 5: fast to transform."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1 and n % 2 == 0:
            return n
        n += 1


class SteadyNoise:
    """Stationary noise made in pieces that cross-fade with constant power.

    Parameters
    ----------
    amplitude : callable
        Gives the amplitude spectra (rows, n_freqs) or (n_freqs,) at frequencies in Hz.
    rows : int
    block, overlap : int
        Samples of a piece, and of the cross-fade into the next.
    sfreq : float
        Hz.
    """

    def __init__(self, amplitude: Shape, rows: int, block: int, overlap: int, sfreq: float) -> None:
        n = block + overlap
        freqs = np.fft.rfftfreq(n, 1 / sfreq).astype(np.float64)
        self._amplitude = amplitude(freqs).astype(np.float32)
        self._rows, self._block, self._n = rows, block, n
        angle = (np.arange(overlap) + 0.5) / overlap * np.pi / 2
        self._rise, self._fall = (np.float32(1) * f(angle) for f in (np.sin, np.cos))
        self._tail: Float | None = None

    def next(self, rng: np.random.Generator) -> Float:
        """Return the next piece, shape (rows, block)."""
        piece = spectral_noise(rng, self._rows, self._n, self._amplitude)
        overlap = len(self._rise)
        if self._tail is not None:
            piece[:, :overlap] *= self._rise.astype(np.float32)
            piece[:, :overlap] += self._tail
        self._tail = piece[:, self._block :] * self._fall.astype(np.float32)
        return piece[:, : self._block]


def knots(rng: np.random.Generator, n: int, sfreq: float, period_s: float) -> Array:
    """Return a standard normal curve of ``n`` samples that changes over ``period_s``."""
    values = rng.standard_normal(int(n / sfreq / period_s) + 3)
    return np.interp(np.arange(n) / (sfreq * period_s), np.arange(len(values)), values)


def drifting_phase(rng: np.random.Generator, freq_hz: Array, sfreq: float, jitter: float) -> Array:
    """Return cycles of a rhythm: the integral of its frequency, which wanders by ``jitter``."""
    wander = 1 + jitter * knots(rng, len(freq_hz), sfreq, 0.5)
    return np.asarray(np.cumsum(freq_hz * wander) / sfreq + rng.uniform())


def waveform(cycles: Array, sharp: float | Array) -> Array:
    """Return a wave of amplitude about 1: a sine at ``sharp`` 0, spiky and skewed near 1.

    Harmonics 2 to 5 fall as ``sharp**(k - 1)``, shifted so that the wave leans like a discharge.
    """
    phase = 2 * np.pi * cycles
    wave = np.cos(phase)
    level = np.asarray(sharp, dtype=float)
    if np.max(level) > 0:
        for k in range(2, 6):
            wave += level ** (k - 1) * np.cos(k * phase + 0.35 * (k - 1))
    return np.asarray(wave / np.sqrt(1 + level**2))


def spike_wave(cycles: Array, spike: float, polyspike: bool = False) -> Array:
    """Return spike-and-wave complexes, one per cycle; the wave is -1 high, the spike ``-spike``."""
    place = np.mod(cycles, 1.0)
    wave = np.where(place > 0.3, np.sin(np.pi * (place - 0.3) / 0.7), 0.0) ** 1.5
    discharge = np.exp(-(((place - 0.16) / 0.045) ** 2))
    if polyspike:
        discharge = discharge + 0.8 * np.exp(-(((place - 0.05) / 0.035) ** 2))
    dip = np.exp(-(((place - 0.26) / 0.03) ** 2))
    return np.asarray(-spike * discharge + 0.35 * spike * dip - wave + 0.45)


def discharges(cycles: Array, freq_hz: float, width_s: float, after: float) -> Array:
    """Return periodic sharp waves of ``width_s``, each with a slow after-wave of size ``after``."""
    since = np.mod(cycles, 1.0) / freq_hz - 0.12
    sharp = np.exp(-((since / width_s) ** 2))
    back = np.exp(-(((since - 1.8 * width_s) / (0.9 * width_s)) ** 2))
    slow = np.exp(-(((since - 4.5 * width_s) / (2.2 * width_s)) ** 2))
    return np.asarray(-sharp + 0.4 * back - after * slow)


def envelope(n: int, rise: float, fall: float) -> Array:
    """Return 0-1-0 over ``n`` samples; ``rise`` and ``fall`` are shares of its length."""
    u = (np.arange(n) + 0.5) / n
    up = np.clip(u / max(rise, 1e-3), 0, 1)
    down = np.clip((1 - u) / max(fall, 1e-3), 0, 1)
    return np.asarray(np.sin(np.pi / 2 * up) * np.sin(np.pi / 2 * down))
