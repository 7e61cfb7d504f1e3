"""Spectrogram: against SciPy, Parseval's theorem, and known sines."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from eegdash.spectrogram import BANDS, band_mask, frame_count, power_spectrogram


@pytest.fixture
def noise_uv() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((3, 2560)).astype(np.float32) * 20 + 50


@pytest.mark.parametrize(("window_s", "step_s"), [(1.0, 0.25), (2.0, 0.5), (1.5, 1.5)])
def test_power_equals_scipy(noise_uv: np.ndarray, window_s: float, step_s: float) -> None:
    from scipy.signal import spectrogram

    freqs, power = power_spectrogram(noise_uv, 256, window_s=window_s, step_s=step_s)
    window, step = round(window_s * 256), round(step_s * 256)
    expected_f, _, expected = spectrogram(
        noise_uv.astype(np.float64), 256, window="hann", nperseg=window, noverlap=window - step
    )
    np.testing.assert_allclose(freqs, expected_f)
    assert power.dtype == np.float32
    np.testing.assert_allclose(power[:, 1:], expected[:, 1:], rtol=1e-3, atol=1e-3)


def test_parseval_sum_of_density_is_the_weighted_variance(noise_uv: np.ndarray) -> None:
    _, power = power_spectrogram(noise_uv, 256, window_s=1, step_s=1)
    frame = noise_uv[0, 256:512].astype(np.float64)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
    variance = np.sum((taper * (frame - frame.mean())) ** 2) / np.sum(taper**2)
    assert power[0, :, 1].sum() * 256 / 256 == pytest.approx(variance, rel=1e-4)


def test_sine_of_20_uv_carries_200_uv2_at_its_frequency() -> None:
    time_s = np.arange(2560) / 256
    signal = (20 * np.sin(2 * np.pi * 10 * time_s))[None].astype(np.float32)
    freqs, power = power_spectrogram(signal, 256, window_s=2, step_s=1)
    assert freqs[power[0, :, 3].argmax()] == 10
    assert power[0, :, 3].sum() * (freqs[1] - freqs[0]) == pytest.approx(200, rel=1e-3)


def test_frames_lie_inside_the_signal_and_frame_k_starts_at_k_steps() -> None:
    signal = np.zeros((1, 1000), dtype=np.float32)
    signal[0, 600:] = np.random.default_rng(0).standard_normal(400)
    _, power = power_spectrogram(signal, 100, window_s=1, step_s=0.5)
    assert power.shape == (1, 51, 19)
    assert (power[0, :, :11] == 0).all()  # frame 10 covers 5-6 s, the noise begins at 6 s
    assert power[0, :, 11].sum() > 0


@pytest.mark.parametrize("sfreq", [128.0, 199.5, 250.0, 256.41])
def test_frame_count_is_what_the_spectrogram_returns(sfreq: float) -> None:
    for n_samples in (10, 250, 257, 4000):
        count = frame_count(n_samples, sfreq, window_s=1, step_s=0.3)
        signal = np.ones((2, n_samples), dtype=np.float32)
        assert power_spectrogram(signal, sfreq, window_s=1, step_s=0.3)[1].shape[2] == count


def test_nan_spoils_only_its_own_frames_and_channel(noise_uv: np.ndarray) -> None:
    clean = power_spectrogram(noise_uv, 256, window_s=1, step_s=0.25)[1]
    noise_uv[1, 700] = np.nan
    power = power_spectrogram(noise_uv, 256, window_s=1, step_s=0.25)[1]
    covering = [k for k in range(power.shape[2]) if k * 64 <= 700 < k * 64 + 256]
    touched = np.isnan(power[1]).all(axis=0)
    assert np.flatnonzero(touched).tolist() == covering
    np.testing.assert_array_equal(power[[0, 2]], clean[[0, 2]])
    np.testing.assert_array_equal(power[1][:, ~touched], clean[1][:, ~touched])


def test_fmax_is_inclusive_and_bands_are_half_open(noise_uv: np.ndarray) -> None:
    freqs, power = power_spectrogram(noise_uv, 256, window_s=1, step_s=1, fmax_hz=40)
    assert freqs[-1] == 40
    assert power.shape[1] == 41
    assert freqs[band_mask(freqs, "alpha")].tolist() == [8, 9, 10, 11, 12]
    edges = list(BANDS.values())
    assert all(a[1] == b[0] for a, b in pairwise(edges))


def test_frame_shorter_than_the_sampling_is_refused(noise_uv: np.ndarray) -> None:
    with pytest.raises(ValueError, match="longer window"):
        power_spectrogram(noise_uv, 256, window_s=0.001, step_s=0.25)
