"""Resampling, display filters and channel quality."""

from __future__ import annotations

import numpy as np
import pytest

from eegdash.preprocessing import (
    channel_quality,
    filter_uv,
    margin_s,
    resample_ratio,
    resample_uv,
)


@pytest.mark.parametrize("sfreq", [128.0, 160.0, 200.0, 249.9, 250.0, 500.0, 512.0, 1000.0])
def test_resampled_sine_is_the_sine_at_the_new_times(sfreq: float) -> None:
    time_s = np.arange(int(20 * sfreq)) / sfreq
    signal = 50 * np.sin(2 * np.pi * np.array([[3.0], [10.0], [40.0]]) * time_s)
    result = resample_uv(signal.astype(np.float32), sfreq, 256)
    expected = 50 * np.sin(
        2 * np.pi * np.array([[3.0], [10.0], [40.0]]) * np.arange(result.shape[1]) / 256
    )
    np.testing.assert_allclose(result[:, 300:-300], expected[:, 300:-300], atol=0.02)


def test_frequencies_above_the_new_nyquist_do_not_fold_back() -> None:
    time_s = np.arange(10_000) / 1000
    signal = (100 * np.sin(2 * np.pi * 246 * time_s))[None].astype(
        np.float32
    )  # would fold to 10 Hz
    assert np.abs(resample_uv(signal, 1000, 256)[:, 300:-300]).max() < 0.1


def test_electrode_offset_of_100_mv_leaves_no_ripple() -> None:
    signal = np.full((1, 5000), 1e5, dtype=np.float32)
    assert np.ptp(resample_uv(signal, 500, 256)) < 0.1


def test_equal_rates_return_the_signal_itself() -> None:
    signal = np.ones((2, 10), dtype=np.float32)
    assert resample_uv(signal, 256, 256.0) is signal


@pytest.mark.parametrize("sfreq", [160.0, 500.0])
def test_nan_span_stays_where_it_was(sfreq: float) -> None:
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((2, int(20 * sfreq))).astype(np.float32)
    clean = resample_uv(signal, sfreq, 256)
    lo, hi = int(8 * sfreq), int(9 * sfreq)
    signal[1, lo:hi] = np.nan
    result = resample_uv(signal, sfreq, 256)
    np.testing.assert_array_equal(result[0], clean[0])
    missing_s = np.flatnonzero(np.isnan(result[1])) / 256
    assert missing_s.min() > 8 - 1 / sfreq - 1 / 256
    assert missing_s.max() < 9 + 1 / 256
    assert len(missing_s) >= 256
    reach_s = resample_ratio(sfreq, 256).support / sfreq
    far = np.ones(clean.shape[1], dtype=bool)
    far[int((8 - reach_s) * 256) - 1 : int((9 + reach_s) * 256) + 2] = False
    np.testing.assert_array_equal(result[1, far], clean[1, far])


def test_channel_of_nan_only_stays_nan() -> None:
    result = resample_uv(np.full((1, 1000), np.nan, dtype=np.float32), 500, 256)
    assert np.isnan(result).all()


@pytest.mark.parametrize("sfreq", [0.0, -1.0, np.nan, np.inf])
def test_impossible_rate_is_refused(sfreq: float) -> None:
    with pytest.raises(ValueError, match="cannot resample"):
        resample_ratio(sfreq, 256)


def _long_uv() -> np.ndarray:
    rng = np.random.default_rng(3)
    drift = np.cumsum(rng.standard_normal((4, 256 * 120)), axis=1) * 5
    return (drift + 1e4).astype(np.float32)


@pytest.mark.parametrize("low_hz", [0.5, 1.0, 5.0])
def test_page_with_margin_agrees_with_the_whole_to_half_a_microvolt(low_hz: float) -> None:
    signal = _long_uv()
    whole = filter_uv(signal, 256, low_hz=low_hz, high_hz=70, notch_hz=50)
    extra = int(margin_s(low_hz) * 256)
    lo, hi = 256 * 40, 256 * 50
    page = filter_uv(
        signal[:, lo - extra : hi + extra], 256, low_hz=low_hz, high_hz=70, notch_hz=50
    )
    assert np.abs(page[:, extra:-extra] - whole[:, lo:hi]).max() < 0.5


def test_filters_pass_10_hz_without_shift_and_remove_drift_line_and_muscle() -> None:
    time_s = np.arange(256 * 60) / 256
    wave = 30 * np.sin(2 * np.pi * 10 * time_s)
    rubbish = 500 * np.sin(2 * np.pi * 0.05 * time_s) + 40 * np.sin(2 * np.pi * 50 * time_s)
    rubbish += 40 * np.sin(2 * np.pi * 120 * time_s)
    result = filter_uv(
        (wave + rubbish)[None].astype(np.float32), 256, low_hz=1, high_hz=40, notch_hz=50
    )
    # high-pass and low-pass take 1 % at 10 Hz; a shift by one sample alone would give 7 uV
    np.testing.assert_allclose(result[0, 2560:-2560], wave[2560:-2560], atol=1.5)


def test_high_edge_at_nyquist_is_left_out() -> None:
    signal = np.random.default_rng(0).standard_normal((1, 1000)).astype(np.float32)
    np.testing.assert_array_equal(filter_uv(signal, 128, high_hz=70), signal)


def test_filter_treats_runs_between_nan_by_themselves() -> None:
    signal = _long_uv()[:, : 256 * 60]
    alone = filter_uv(signal[:, : 256 * 20], 256, low_hz=1)
    signal[0, 256 * 20 : 256 * 21] = np.nan
    result = filter_uv(signal, 256, low_hz=1)
    assert np.isnan(result[0]).sum() == 256
    np.testing.assert_allclose(result[0, : 256 * 20], alone[0], atol=1e-3)
    assert np.isfinite(result[1:]).all()


def test_run_of_one_sample_does_not_break_the_filter() -> None:
    signal = np.full((1, 500), np.nan, dtype=np.float32)
    signal[0, 100] = 5
    assert np.isnan(filter_uv(signal, 256, low_hz=1)).sum() == 499


def test_quality_tells_flat_saturated_and_nan_apart() -> None:
    rng = np.random.default_rng(0)
    signal = 20 * rng.standard_normal((5, 768)).astype(np.float32)
    signal[1] = 3.25
    signal[2] = np.clip(10 * signal[2], -100, 100)
    signal[3, 5] = np.nan
    signal[4] = np.round(signal[4])  # coarse steps are not saturation
    quality = channel_quality(signal)
    assert quality.flat.tolist() == [False, True, False, False, False]
    assert quality.saturated.tolist() == [False, False, True, False, False]
    assert quality.nan.tolist() == [False, False, False, True, False]
    assert quality.unusable.tolist() == [False, True, True, True, False]
