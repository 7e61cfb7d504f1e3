"""Trends against closed forms: sines whose margins and rhythm are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import butter, firwin2, freqz, sosfiltfilt

from eegdash.spectrogram import power_spectrogram
from eegdash.trends import (
    AEEG_MARGIN_S,
    RHYTHM_AFTER,
    RHYTHM_BEFORE,
    RHYTHM_STEP_S,
    aeeg_margins,
    rhythmicity_db,
)

Float = NDArray[np.float32]
RATES = [128.0, 200.0, 256.0, 500.0]


def sine(seconds: float, hz: float, peak_uv: float, sfreq: float) -> Float:
    t = np.arange(round(seconds * sfreq)) / sfreq
    return (peak_uv * np.sin(2 * np.pi * hz * t))[None].astype(np.float32)


# ---- amplitude-integrated EEG ------------------------------------------------------------------


@pytest.mark.parametrize("sfreq", RATES)
def test_a_sine_of_ten_hertz_reads_as_its_peak_to_peak_amplitude(sfreq: float) -> None:
    margins = aeeg_margins(sine(50, 10, 20, sfreq), sfreq, 3)
    assert margins.shape == (1, 3, 2)
    assert np.abs(margins - 40).max() < 0.4


@pytest.mark.parametrize(("hz", "gain_db"), [(3, -6.27), (5, -3.61), (8, -1.16), (14, 1.75)])
def test_the_gain_rises_by_twelve_decibels_a_decade(hz: float, gain_db: float) -> None:
    assert gain_db == pytest.approx(12 * np.log10(hz / 10), abs=0.01)
    margins = aeeg_margins(sine(50, hz, 20, 256), 256, 3)
    assert np.abs(20 * np.log10(margins / 40) - gain_db).max() < 0.35


@pytest.mark.parametrize("hz", [0.25, 0.5, 25, 50, 60])
def test_drift_and_muscle_and_mains_are_kept_out(hz: float) -> None:
    assert aeeg_margins(sine(50, hz, 1000, 256), 256, 3).max() < 12  # of 2,000 uV


def test_the_margins_are_percentiles_of_the_amplitude() -> None:
    """An amplitude that rises steadily over the epoch has its tenths at tenths of the time."""
    t = np.arange(19 * 256) / 256
    amplitude = np.clip((t - AEEG_MARGIN_S) / 15, 0, 1.2) * 100
    signal = (amplitude * np.sin(2 * np.pi * 10 * t))[None].astype(np.float32)
    low, high = aeeg_margins(signal, 256, 1)[0, 0]
    assert low == pytest.approx(20, abs=0.7)
    assert high == pytest.approx(180, abs=1.5)


def test_margins_are_those_of_a_plain_calculation_sample_by_sample() -> None:
    rng = np.random.default_rng(3)
    signal = (30 * rng.standard_normal((2, 49 * 256))).astype(np.float32)
    found = aeeg_margins(signal, 256, 3)
    inside = np.geomspace(2, 15, 12)
    gain = [0, 0, *(inside / 10) ** 0.6, 0, 0]
    taps = firwin2(769, [0, 1, *inside, 20.25, 128], gain, fs=256)
    frequencies, response = freqz(taps, worN=[3.0, 14.0], fs=256)
    assert np.abs(np.abs(response) - (frequencies / 10) ** 0.6).max() < 0.03
    for row in range(2):
        envelope = np.abs(np.convolve(signal[row].astype(float), taps, mode="same"))
        envelope = np.convolve(envelope, np.ones(128) / 128, mode="same") * np.pi
        for epoch in range(3):
            part = envelope[round((2 + 15 * epoch) * 256) : round((17 + 15 * epoch) * 256)]
            expected = np.percentile(part, [10, 90])
            assert np.abs(found[row, epoch] / expected - 1).max() < 0.02


def test_a_gap_is_no_value_and_what_it_touched_does_not_count() -> None:
    signal = sine(109, 10, 20, 256)
    signal[:, 40 * 256 : 66 * 256] = np.nan  # 38 to 64 s of the epochs
    margins = aeeg_margins(signal, 256, 7)[0]
    # epoch 2 (30 to 45 s) keeps 6 s, epoch 3 nothing, epoch 4 (60 to 75 s) keeps 9 s
    assert np.isnan(margins[:, 0]).tolist() == [False, False, False, True, False, False, False]
    assert np.abs(margins[np.isfinite(margins)] - 40).max() < 0.5


def test_one_missing_sample_spoils_its_own_derivation_only() -> None:
    signal = np.concatenate([sine(19, 10, 20, 256), sine(19, 10, 20, 256)])
    signal[0, ::512] = np.nan
    margins = aeeg_margins(signal, 256, 1)
    assert np.isnan(margins[0]).all()
    assert np.isfinite(margins[1]).all()


@pytest.mark.parametrize(("seconds", "known"), [(0.0, False), (1.5, False), (5, False), (9, True)])
def test_a_short_signal_has_no_value(seconds: float, known: bool) -> None:
    signal = np.full((1, round((2 + seconds) * 256)), np.nan, dtype=np.float32)
    signal[:, 512:] = sine(seconds, 10, 20, 256)
    assert np.isfinite(aeeg_margins(signal, 256, 1)).all() == known


def test_a_rate_that_cannot_hold_the_band_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 50 Hz, not 40 Hz"):
        aeeg_margins(np.zeros((1, 800), np.float32), 40, 1)


# ---- rhythmicity -------------------------------------------------------------------------------


def pink(seconds: float, sfreq: float, seed: int, exponent: float = 1.0) -> NDArray[np.float64]:
    """Noise whose power falls as ``1 / f ** exponent``, 20 uV."""
    rng = np.random.default_rng(seed)
    n = round(seconds * sfreq)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    freqs = np.fft.rfftfreq(n, 1 / sfreq)
    spectrum[1:] *= freqs[1:] ** (-exponent / 2)
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, n)
    return np.asarray(20 * noise / noise.std())


def rhythm_of(
    signals: list[NDArray[np.float64]], sfreq: float
) -> tuple[NDArray[np.float64], Float]:
    """Frequencies, and rhythmicity of the mean power of a few derivations."""
    freqs_hz, power = power_spectrogram(
        np.stack(signals).astype(np.float32), sfreq, window_s=2.0, step_s=1.0, fmax_hz=60.0
    )
    mean = power[:, 1:].mean(axis=0).T[None]
    return freqs_hz[1:], rhythmicity_db(mean, freqs_hz[1:])[0]


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("sfreq", RATES)
def test_a_rhythm_stands_out_at_its_frequency_and_nowhere_else(
    sfreq: float, exponent: float
) -> None:
    t = np.arange(round(300 * sfreq)) / sfreq
    rhythm = 25 * np.sin(2 * np.pi * 5 * t)
    signals = [pink(300, sfreq, seed, exponent) + rhythm for seed in range(8)]
    freqs_hz, found = rhythm_of(signals, sfreq)
    assert np.isnan(found[:, (freqs_hz < 2) | (freqs_hz > 40)]).all()
    mean = found.mean(axis=0)
    assert freqs_hz[np.nanargmax(mean)] == pytest.approx(5)
    assert found[:, freqs_hz == 5].min() > 6
    beside = (np.abs(freqs_hz - 5) > 1.01) & (freqs_hz >= 2) & (freqs_hz <= 40)
    assert mean[beside].max() < 1
    assert found[:, beside].max() < 5


def test_noise_without_a_rhythm_stays_dark() -> None:
    freqs_hz, found = rhythm_of([pink(300, 256, seed) for seed in range(8)], 256)
    inside = (freqs_hz >= 2) & (freqs_hz <= 40)
    assert np.mean(found[:, inside] > 3) < 0.01


def test_a_strong_rhythm_between_two_bins_makes_no_second_one() -> None:
    t = np.arange(300 * 256) / 256
    signals = [pink(300, 256, seed) + 400 * np.sin(2 * np.pi * 7.25 * t) for seed in range(4)]
    freqs_hz, found = rhythm_of(signals, 256)
    beside = (np.abs(freqs_hz - 7.25) > 1.3) & (freqs_hz >= 2) & (freqs_hz <= 40)
    assert found[:, beside].max() < 5
    assert found[:, np.abs(freqs_hz - 7.25) < 0.3].min() > 20


def test_a_rhythm_and_its_harmonic_both_stand_out() -> None:
    t = np.arange(120 * 256) / 256
    wave = 30 * np.sin(2 * np.pi * 5 * t) + 15 * np.sin(2 * np.pi * 10 * t)
    freqs_hz, found = rhythm_of([pink(120, 256, seed) + wave for seed in range(8)], 256)
    assert found[:, freqs_hz == 5].mean() > 6
    assert found[:, freqs_hz == 10].mean() > 6


def test_the_formula_written_out() -> None:
    rng = np.random.default_rng(5)
    freqs = 0.5 * np.arange(1, 141)
    power = rng.uniform(0.1, 100, (1, 4 * 2 + RHYTHM_BEFORE + RHYTHM_AFTER, 140))
    power[0, 11, :] = np.nan
    found = rhythmicity_db(power, freqs)
    assert found.shape == (1, 2, 140)
    for column in range(2):
        level = np.nanmean(10 * np.log10(power[0, 4 * column : 4 * column + 9]), axis=0)
        for hz, below, above in ((4.0, (1.5, 2.5), (5.5, 8.0)), (10.0, (5.0, 8.5), (11.5, 20.0))):
            medians = []
            for low, high in (below, above):
                flank = np.sort(level[(freqs >= low) & (freqs <= high)])
                medians.append(flank[(len(flank) - 1) // 2])
            expected = level[freqs == hz][0] - max(medians)
            assert found[0, column, freqs == hz][0] == pytest.approx(expected, abs=1e-3)


def test_a_rhythm_needs_five_of_nine_seconds() -> None:
    power = np.ones((1, 4 * 6 + RHYTHM_BEFORE + RHYTHM_AFTER, 140))
    power[:, 12:] = np.nan
    known = np.isfinite(rhythmicity_db(power, 0.5 * np.arange(1, 141))[0, :, 20])
    # the nine from 4k: 9, 8 and 4 of them have power
    assert known.tolist() == [True, True, False, False, False, False]
    assert RHYTHM_STEP_S == 4


def test_a_flat_line_has_no_rhythm() -> None:
    power = np.zeros((1, 4 * 3 + RHYTHM_BEFORE + RHYTHM_AFTER, 140))
    found = rhythmicity_db(power, 0.5 * np.arange(1, 141))
    assert np.nanmax(np.abs(found)) == 0


def test_a_burst_of_one_second_is_no_lasting_rhythm() -> None:
    t = np.arange(60 * 256) / 256
    burst = 150 * np.sin(2 * np.pi * 5 * t) * ((t >= 30) & (t < 31))
    lasting = 150 * np.sin(2 * np.pi * 5 * t)
    noise = [pink(60, 256, seed) for seed in range(8)]
    freqs_hz, short = rhythm_of([x + burst for x in noise], 256)
    _, long = rhythm_of([x + lasting for x in noise], 256)
    assert short[:, freqs_hz == 5].max() < 0.5 * long[:, freqs_hz == 5].min()


def test_a_rhythm_in_filtered_noise_is_not_made_by_the_filter() -> None:
    """The edge of a low-pass is no rhythm."""
    sections = butter(4, 15, "lowpass", fs=256, output="sos")
    signals = [np.asarray(sosfiltfilt(sections, pink(120, 256, seed))) for seed in range(8)]
    freqs_hz, found = rhythm_of(signals, 256)
    assert found[:, (freqs_hz >= 2) & (freqs_hz <= 40)].mean(axis=0).max() < 1
