"""The signal shows what the truth says: frequency, place, polarity and size of each thing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import butter, find_peaks, sosfiltfilt, welch

from eegdash.montage import ELECTRODES_10_20
from eegdash.simulation import PATTERNS, SEIZURES, Person, SimulatedRecording, simulate
from eegdash.simulation.events import SimulatedEvent
from eegdash.simulation.states import Course, draw_course

SFREQ = 256
STILL = Person(
    clutter=0, blinks_per_min=0, muscle_per_min=0, muscle_uv=0.2, ecg_uv=0, sweat_uv=0, line_uv=0
)


def row(name: str) -> int:
    return ELECTRODES_10_20.index(name)


def span(recording: SimulatedRecording, event: SimulatedEvent, margin_s: float = 0.0) -> np.ndarray:
    first = round((event.onset_s + margin_s) * SFREQ)
    stop = round((event.onset_s + event.duration_s - margin_s) * SFREQ)
    return recording.signal_uv[:, first:stop]


def of(recording: SimulatedRecording, kind: str) -> list[SimulatedEvent]:
    return [event for event in recording.truth if event.kind == kind]


def band_power(signal_uv: np.ndarray, low: float, high: float) -> np.ndarray:
    freqs, power = welch(signal_uv, SFREQ, nperseg=min(2 * SFREQ, signal_uv.shape[1]), axis=1)
    return np.asarray(power[:, (freqs >= low) & (freqs < high)].sum(axis=1))


def peak_hz(wave: np.ndarray, low: float = 1.0, high: float = 30.0) -> float:
    padded = np.fft.rfft((wave - wave.mean()) * np.hanning(len(wave)), 1 << 15)
    freqs = np.fft.rfftfreq(1 << 15, 1 / SFREQ)
    inside = (freqs >= low) & (freqs < high)
    return float(freqs[inside][np.abs(padded[inside]).argmax()])


@pytest.mark.parametrize("seed", range(3))
def test_spike_and_wave_is_at_3_hz_over_the_front(seed: int) -> None:
    recording = simulate(60, seed=seed, person=STILL, kinds=("spike-wave",))
    (event,) = of(recording, "spike-wave")
    ictal = span(recording, event, 1.0)
    assert recording.annotations[0].event_type == "sz_gen_nm_typical"
    assert event.duration_s >= 10
    assert 2.3 < peak_hz(ictal[row("Fz")]) < 3.6
    power = band_power(ictal, 2.3, 3.6)
    assert power[row("Fz")] > 4 * power[row("O1")]
    assert event.channels[0] in ("Fz", "F3", "F4", "Fp1", "Fp2", "Cz")


@pytest.mark.parametrize("kind", SEIZURES)
def test_a_seizure_stands_out_where_and_when_it_is_said_to_be(kind: str) -> None:
    person = replace(STILL, alpha_uv=0.0)
    for seed in range(4):
        recording = simulate(120, seed=seed, person=person, kinds=(kind,), seizure_s=(50, 50))
        (event,) = of(recording, kind)
        focus = row(event.channels[0])
        late = recording.signal_uv[focus, round((event.onset_s + 20) * SFREQ) :][: 25 * SFREQ]
        before = recording.signal_uv[focus, : round((event.onset_s - 1) * SFREQ)]
        assert late.std() > 2 * before.std(), (kind, seed)
        assert event.event_type.startswith("sz_")
        shown = np.ptp(span(recording, event), axis=1).max()
        assert 0.4 * event.peak_uv < shown


def test_a_focal_seizure_slows_and_spreads() -> None:
    for seed in range(6):
        recording = simulate(120, seed=seed, person=STILL, kinds=("focal",), seizure_s=(60, 60))
        (event,) = of(recording, "focal")
        ictal = sosfiltfilt(
            butter(2, (1, 20), "bandpass", fs=SFREQ, output="sos"), span(recording, event), axis=1
        )
        focus = ictal[row(event.channels[0])]
        assert abs(peak_hz(focus[-12 * SFREQ : -3 * SFREQ], 1.2, 20) - event.end_hz) < 1.2
        early, late = ictal[:, 2 * SFREQ : 10 * SFREQ], ictal[:, -14 * SFREQ : -3 * SFREQ]
        assert late.std(axis=1).max() > early.std(axis=1).max()
        assert event.start_hz > event.end_hz


def test_a_fast_onset_is_fast_and_low_then_slow_and_high() -> None:
    recording = simulate(120, seed=3, person=STILL, kinds=("fast onset",), seizure_s=(60, 60))
    (event,) = of(recording, "fast onset")
    focus = span(recording, event)[row(event.channels[0])]
    start, end = focus[SFREQ : 5 * SFREQ], focus[-15 * SFREQ : -3 * SFREQ]
    assert abs(peak_hz(start, 12, 40) - event.start_hz) < 6
    assert end.std() > 2 * start.std()


def test_after_a_tonic_clonic_seizure_the_background_is_suppressed() -> None:
    person = replace(STILL, alpha_uv=0.0)
    recording = simulate(300, seed=5, person=person, kinds=("bilateral",), seizure_s=(60, 60))
    (event,) = of(recording, "bilateral")
    end = round((event.onset_s + event.duration_s) * SFREQ)
    fast = sosfiltfilt(
        butter(2, (13, 30), "bandpass", fs=SFREQ, output="sos"), recording.signal_uv, axis=1
    )
    after = fast[:, end + 2 * SFREQ : end + 12 * SFREQ].std(axis=1).mean()
    before = fast[:, 2 * SFREQ : round((event.onset_s - 2) * SFREQ)].std(axis=1).mean()
    assert after < 0.6 * before
    tonic = span(recording, event)[:, 20 * SFREQ : 28 * SFREQ]
    assert (
        band_power(tonic, 40, 90)[row("T7")]
        > 20 * band_power(recording.signal_uv[:, : 8 * SFREQ], 40, 90)[row("T7")]
    )


def test_alpha_is_posterior_and_blocked_when_the_eyes_open() -> None:
    person = replace(STILL, alpha_uv=25.0, alpha_hz=10.0)
    recording = simulate(400, seed=2, n_seizures=0, person=person)
    course = draw_course(np.random.default_rng([2, 4]), 400.0, "awake")
    power: dict[str, list[np.ndarray]] = {"eyes open": [], "eyes closed": []}
    for start in range(2, 396, 2):
        states = {
            course.at(start - 2.0),
            course.at(start),
            course.at(start + 2),
            course.at(start + 4.0),
        }
        if len(states) == 1:
            part = recording.signal_uv[:, start * SFREQ : (start + 2) * SFREQ]
            power[states.pop()].append(band_power(part, 8.5, 11.5))
    closed, opened = (np.mean(power[k], axis=0) for k in ("eyes closed", "eyes open"))
    assert closed[row("O1")] > 5 * opened[row("O1")]
    assert {ELECTRODES_10_20[k] for k in np.argsort(-closed)[:2]} <= {"O1", "O2", "Pz"}


def test_sleep_has_spindles_at_12_to_15_hz_over_the_centre() -> None:
    person = replace(STILL, vigilance="asleep")
    found = []
    for seed in range(4):
        recording = simulate(400, seed=seed, n_seizures=0, person=person)
        for event in of(recording, "spindle"):
            part = span(recording, event)
            power = band_power(part, 11.5, 15.5)
            found.append((peak_hz(part[row("Cz")], 9, 20), power[row("Cz")] > power[row("O1")]))
    assert len(found) > 20
    assert 12 < np.median([hz for hz, _ in found]) < 15
    assert np.mean([central for _, central in found]) > 0.95


def test_slow_waves_dominate_deep_sleep() -> None:
    power: dict[str, list[float]] = {"eyes open": [], "N3": []}
    for seed, vigilance in ((1, "awake"), (2, "awake"), *((k, "asleep") for k in range(6))):
        person = replace(STILL, vigilance=vigilance)
        recording = simulate(300, seed=seed, n_seizures=0, person=person)
        course = draw_course(np.random.default_rng([seed, 4]), 300.0, vigilance)
        for start in range(4, 290, 8):
            state = course.at(start)
            if state in power and course.at(start - 2) == course.at(start + 6.0) == state:
                part = recording.signal_uv[:, start * SFREQ : (start + 4) * SFREQ]
                power[state].append(float(np.median(band_power(part, 0.5, 4))))
    assert min(len(values) for values in power.values()) > 10
    assert np.median(power["N3"]) > 8 * np.median(power["eyes open"])


def test_a_night_passes_through_all_stages_and_lasts() -> None:
    course: Course = draw_course(np.random.default_rng(0), 8 * 3600.0, "night")
    seen = {course.at(t) for t in np.arange(0, 8 * 3600, 10.0)}
    assert seen >= {"eyes open", "eyes closed", "N1", "N2", "N3", "REM"}
    asleep = np.mean([course.at(t) in ("N2", "N3", "REM") for t in np.arange(0, 28800, 30.0)])
    assert 0.5 < asleep < 0.98


def test_blinks_make_the_front_positive() -> None:
    person = replace(STILL, blinks_per_min=20, alpha_uv=0)
    recording = simulate(300, seed=3, n_seizures=0, person=person)
    blinks = of(recording, "blink")
    assert len(blinks) > 5
    for blink in blinks:
        part = span(recording, blink)
        change = part[:, 10:60].max(axis=1) - part[:, 0]
        assert change[row("Fp1")] > 20
        assert change[row("Fp1")] > change[row("F3")]


def test_lateral_gaze_moves_f7_and_f8_apart() -> None:
    person = replace(STILL, blinks_per_min=30, alpha_uv=0)
    recording = simulate(300, seed=4, n_seizures=0, person=person)
    events = [e for e in of(recording, "lateral gaze") if e.duration_s > 1 and e.peak_uv > 50]
    assert events
    for event in events:
        others = [e for e in of(recording, "blink") if abs(e.onset_s - event.onset_s) < 1.5]
        if not others:
            first = round(event.onset_s * SFREQ)
            moved = recording.signal_uv[:, first + 20 : first + 60].mean(axis=1)
            moved -= recording.signal_uv[:, first - 20 : first].mean(axis=1)
            assert moved[row("F7")] * moved[row("F8")] < 0


def test_the_heart_beats_regularly() -> None:
    person = replace(STILL, ecg_uv=60.0, background_uv=0.5, alpha_uv=0)
    recording = simulate(60, seed=1, n_seizures=0, person=person)
    fast = sosfiltfilt(
        butter(2, (8, 40), "bandpass", fs=SFREQ, output="sos"), recording.signal_uv[row("T8")]
    )
    size = np.abs(fast)
    beats, _ = find_peaks(size, height=0.5 * np.percentile(size, 99.5), distance=SFREQ // 3)
    intervals = np.diff(beats) / SFREQ
    assert 60 / 110 < np.median(intervals) < 60 / 50
    assert np.mean(np.abs(intervals - np.median(intervals)) < 0.2 * np.median(intervals)) > 0.9


@pytest.mark.parametrize("line_hz", [50.0, 60.0])
def test_line_noise_is_at_its_frequency(line_hz: float) -> None:
    person = replace(STILL, line_hz=line_hz, line_uv=8.0)
    recording = simulate(40, seed=1, n_seizures=0, person=person)
    freqs, power = welch(recording.signal_uv, SFREQ, nperseg=4 * SFREQ, axis=1)
    inside = freqs > 30
    assert freqs[inside][power[:, inside].mean(axis=0).argmax()] == line_hz


@pytest.mark.parametrize("kind", PATTERNS)
def test_a_pattern_repeats_at_its_rate_and_is_no_seizure(kind: str) -> None:
    person = replace(STILL, patterns=(kind,), patterns_per_hour=120, vigilance="ill")
    checked = 0
    for seed in range(8):
        recording = simulate(240, seed=seed, n_seizures=0, person=person)
        assert recording.annotations[0].event_type == "bckg"
        for event in of(recording, kind):
            part = span(recording, event)[row(event.channels[0])]
            assert np.ptp(span(recording, event), axis=1).max() > 0.4 * event.peak_uv
            others = [e for e in of(recording, kind) if e is not event]
            alone = all(
                e.onset_s > event.onset_s + event.duration_s
                or e.onset_s + e.duration_s < event.onset_s
                for e in others
            )
            if kind.endswith("RDA") and event.duration_s > 10 and event.peak_uv > 120 and alone:
                assert abs(peak_hz(part, 0.6) - event.start_hz) < 0.6
                checked += 1
            if kind == "spike-wave burst":
                assert event.duration_s < 10
    assert checked or not kind.endswith("RDA")


def test_the_background_falls_with_frequency_by_its_exponent() -> None:
    person = replace(STILL, slope=1.5, slow=0.0, alpha_uv=0, beta=0, mu=0, noise_uv=0.0)
    person = replace(person, low_pass_hz=100.0, background_uv=10.0, muscle_uv=0.0)
    recording = simulate(300, seed=1, n_seizures=0, person=person)
    freqs, power = welch(recording.signal_uv, SFREQ, nperseg=4 * SFREQ, axis=1)
    inside = (freqs > 9) & (freqs < 40)
    fit = np.polyfit(np.log(freqs[inside]), np.log(power[:, inside].mean(axis=0)), 1)
    assert fit[0] == pytest.approx(-1.5, abs=0.25)
