"""The simulator: deterministic, plausible amplitudes, and truth that the signal shows."""

from __future__ import annotations

import numpy as np
import pytest

from eegdash.montage import ELECTRODES_10_20
from eegdash.simulation import POSITIONS, Person, demo, simulate
from eegdash.spectrogram import power_spectrogram

LEFT_CHAIN = [ELECTRODES_10_20.index(name) for name in ("Fp1", "F7", "T7", "P7", "O1")]


def test_same_seed_same_samples_other_seed_other_samples() -> None:
    first, again = simulate(120, seed=5), simulate(120, seed=5)
    np.testing.assert_array_equal(first.signal_uv, again.signal_uv)
    assert first.annotations == again.annotations
    assert first.truth == again.truth
    assert not np.array_equal(first.signal_uv, simulate(120, seed=6).signal_uv)


def test_shapes_names_and_annotations() -> None:
    recording = simulate(400, seed=1, sfreq=200, n_seizures=3)
    assert recording.signal_uv.shape == (19, 80_000)
    assert recording.signal_uv.dtype == np.float32
    assert np.isfinite(recording.signal_uv).all()
    assert recording.ch_names == tuple(ELECTRODES_10_20)
    assert len(recording.annotations) == 3
    for event in recording.annotations:
        assert event.is_seizure
        assert 20 <= event.duration_s <= 90
        assert 0 < event.onset_s < event.end_s < 400
    ends = [0.0, *(event.end_s for event in recording.annotations)]
    onsets = [event.onset_s for event in recording.annotations]
    assert all(end < onset for end, onset in zip(ends, onsets, strict=False))


def test_truth_lists_each_annotated_seizure_with_its_focus() -> None:
    recording = simulate(400, seed=1, n_seizures=3)
    seizures = [event for event in recording.truth if event.kind == "seizure"]
    assert [e.onset_s for e in seizures] == [a.onset_s for a in recording.annotations]
    assert all(e.channels[0] in ELECTRODES_10_20 and e.start_hz > e.end_hz > 0 for e in seizures)


def test_recording_without_seizures_is_annotated_as_background() -> None:
    recording = simulate(60, seed=2, n_seizures=0)
    assert [(a.event_type, a.duration_s) for a in recording.annotations] == [("bckg", 60)]


def test_seizures_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        simulate(60, seed=0, n_seizures=3)


def test_amplitudes_of_an_average_person_are_those_of_scalp_eeg() -> None:
    recording = demo()
    assert recording.duration_s == 1800
    assert len(recording.annotations) == 3
    bipolar = np.diff(recording.signal_uv[LEFT_CHAIN], axis=0)
    seconds = np.ptp(bipolar[:, : 1800 * 256].reshape(4, 1800, 256), axis=2)
    inside = np.zeros(1800, dtype=bool)
    for event in recording.annotations:
        inside[int(event.onset_s) : int(event.end_s) + 1] = True
    assert 10 < np.median(seconds[:, ~inside]) < 50
    assert 50 < max(event.peak_uv for event in recording.truth if event.kind == "seizure") < 500


def test_seizure_slows_at_its_focus_as_the_truth_says() -> None:
    person = Person(clutter=0, blinks_per_min=0, muscle_per_min=0, sleepiness=0, background_uv=5)
    for seed in range(4):
        recording = simulate(200, seed=seed, person=person, seizure_s=(60, 60))
        (event,) = recording.truth
        first, stop = (round(t * 256) for t in (event.onset_s, event.onset_s + event.duration_s))
        focus = ELECTRODES_10_20.index(event.channels[0])
        ictal = recording.signal_uv[focus : focus + 1, first:stop]
        freqs, power = power_spectrogram(ictal, 256, window_s=2, step_s=1)
        band = (freqs >= 1.5) & (freqs < 25)
        end = freqs[band][power[0, band, -20:-3].mean(axis=1).argmax()]
        assert abs(end - event.end_hz) < 1.5
        before = recording.signal_uv[focus, first - 256 * 9 : first]
        assert ictal[0, -256 * 20 : -256 * 3].std() > 2 * before.std()


def test_blinks_are_frontal_and_alpha_is_posterior() -> None:
    person = Person(clutter=0, muscle_per_min=0, blinks_per_min=25, sleepiness=0, alpha_uv=20)
    recording = simulate(120, seed=3, n_seizures=0, person=person)
    freqs, power = power_spectrogram(recording.signal_uv, 256, window_s=2, step_s=1)
    alpha = power[:, (freqs >= 9) & (freqs <= 11)].mean(axis=(1, 2))
    slow = power[:, (freqs >= 1) & (freqs <= 3)].mean(axis=(1, 2))
    names = np.array(ELECTRODES_10_20)
    assert set(names[np.argsort(-alpha)[:2]]) <= {"O1", "O2", "P3", "P4", "Pz"}
    assert set(names[np.argsort(-slow)[:2]]) == {"Fp1", "Fp2"}


def test_positions_are_mirrored_left_and_right() -> None:
    pairs = [("Fp1", "Fp2"), ("F7", "F8"), ("T7", "T8"), ("P3", "P4"), ("O1", "O2")]
    for left, right in pairs:
        a, b = (POSITIONS[ELECTRODES_10_20.index(name)] for name in (left, right))
        assert (a * [-1, 1] == b).all()
