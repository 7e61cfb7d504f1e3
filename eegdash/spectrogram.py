"""Power spectrograms: short-time Fourier transform with a Hann window, density scaling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BANDS: dict[str, tuple[float, float]] = {
    "delta": (0.5, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "gamma": (30.0, 70.0),
}
"""Clinical frequency bands, Hz, half open: a frequency f lies in a band if low <= f < high."""

_SAMPLES_PER_PASS = 1 << 20  # windowed samples held at once: 4 MB in float32, fits in the cache


def frame_count(n_samples: int, sfreq: float, *, window_s: float, step_s: float) -> int:
    """Return how many frames fit fully inside ``n_samples`` samples.

    Parameters
    ----------
    n_samples : int
    sfreq : float
        Hz.
    window_s, step_s : float
        Length of a frame and distance between the starts of two frames, s.

    Returns
    -------
    int
    """
    window, step = _whole_samples(sfreq, window_s, step_s)
    last = n_samples - window
    if last < 0:
        return 0
    # step may be a fraction of a sample: starts are rounded one by one, so that no drift adds up
    count = int(last / step) + 1
    return count - 1 if round((count - 1) * step) > last else count


def power_spectrogram(
    signal_uv: NDArray[np.floating],
    sfreq: float,
    *,
    window_s: float,
    step_s: float,
    fmax_hz: float | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the one-sided power spectral density of every frame.

    Frame ``k`` covers ``[k * step_s, k * step_s + window_s)`` and lies fully inside the signal.
    Its mean is removed before the periodic Hann window ``w`` is applied; the density is
    ``2 |FFT(w x)|^2 / (sfreq * sum(w^2))`` (factor 1 at 0 Hz and at the Nyquist frequency), so
    that its sum times ``sfreq / n`` is the variance of the frame weighted by ``w^2`` (Parseval).
    This is Welch's periodogram (Welch P. 1967, doi:10.1109/TAU.1967.1161901).

    Parameters
    ----------
    signal_uv : ndarray, shape (n_channels, n_samples)
        Microvolt.
    sfreq : float
        Hz.
    window_s, step_s : float
        Length of a frame and distance between frames, s.
    fmax_hz : float, optional
        Highest frequency returned, Hz, inclusive; default the Nyquist frequency.

    Returns
    -------
    freqs_hz : ndarray of float64, shape (n_freqs,)
    power_uv2_per_hz : ndarray of float32, shape (n_channels, n_freqs, n_frames)
        Microvolt squared per hertz. A frame that holds a NaN is NaN in that channel only.
    """
    window, step = _whole_samples(sfreq, window_s, step_s)
    signal = np.asarray(signal_uv, dtype=np.float32)
    n_frames = frame_count(signal.shape[1], sfreq, window_s=window_s, step_s=step_s)
    freqs_hz = np.fft.rfftfreq(window, 1.0 / sfreq).astype(np.float64)
    n_freqs = len(freqs_hz) if fmax_hz is None else int(np.sum(freqs_hz <= fmax_hz + 1e-9))
    power: NDArray[np.float32] = np.empty((signal.shape[0], n_freqs, n_frames), dtype=np.float32)
    if n_frames == 0:
        return freqs_hz[:n_freqs], power
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    scale = np.full(n_freqs, 2.0 / (sfreq * np.sum(taper**2)))
    scale[0] /= 2
    if window % 2 == 0 and n_freqs == len(freqs_hz):
        scale[-1] /= 2
    starts = np.round(np.arange(n_frames) * step).astype(np.int64)
    views = np.lib.stride_tricks.sliding_window_view(signal, window, axis=1)
    batch = max(1, _SAMPLES_PER_PASS // (window * max(signal.shape[0], 1)))
    for first in range(0, n_frames, batch):
        part = slice(first, min(first + batch, n_frames))
        frames = views[:, starts[part]]
        frames -= frames.mean(axis=2, keepdims=True)
        frames *= taper.astype(np.float32)
        spectrum = np.fft.rfft(frames, axis=2)[:, :, :n_freqs]
        density = (spectrum.real**2 + spectrum.imag**2) * scale.astype(np.float32)
        power[:, :, part] = density.transpose(0, 2, 1)
    return freqs_hz[:n_freqs], power


def band_mask(freqs_hz: NDArray[np.floating], band: str) -> NDArray[np.bool_]:
    """Return which frequencies lie in a band of :data:`BANDS` (half open)."""
    low, high = BANDS[band]
    return np.asarray((freqs_hz >= low) & (freqs_hz < high))


def _whole_samples(sfreq: float, window_s: float, step_s: float) -> tuple[int, float]:
    window, step = round(window_s * sfreq), step_s * sfreq
    if window < 2 or step < 1:
        raise ValueError(
            f"a frame of {window_s} s every {step_s} s at {sfreq} Hz is shorter than the sampling "
            "allows; choose a longer window or step"
        )
    return window, step
