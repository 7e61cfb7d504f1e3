"""Training material: truth follows what was put in, and it is the same for the same seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eegdash.annotations import BACKGROUND, Annotation, Reference
from eegdash.checkpoints import DERIVATIONS, DetectorConfig
from eegdash.io.layouts import read_dataset
from eegdash.montage import LONGITUDINAL_BIPOLAR
from eegdash.simulation import simulate
from eegdash.training.datasets import bipolar_uv, label_windows
from eegdash.training.material import (
    RealRecording,
    clip_variants,
    injected,
    of_reference,
    read_real,
    simulated,
    with_tone,
)

NAMES = tuple(d.name for d in LONGITUDINAL_BIPOLAR)
CONFIG = DetectorConfig("t", "T", "spectrogram-cnn-lstm", {}, sfreq=128.0, ch_names=NAMES)


def real(
    duration_s: float, *spans: tuple[float, float], coverage: tuple[float, float]
) -> RealRecording:
    made = simulate(max(duration_s, 20.0), seed=4, sfreq=128.0, n_seizures=0)
    annotations = tuple(Annotation(a, b - a, "sz") for a, b in spans)
    if not spans:
        annotations = (Annotation(0.0, duration_s, BACKGROUND),)
    return RealRecording(
        bipolar_uv(made.signal_uv)[:, : round(128 * duration_s)],
        Reference(annotations, (coverage,), "test"),
        "p", "g", "name", "0" * 64,
    )  # fmt: skip


def test_simulated_people_are_balanced_and_repeat_themselves() -> None:
    first, again = (simulated(CONFIG, seed=3, n=4) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.features, other.features)
    assert 1 <= sum(bool(r.seizures) for r in first) <= 3
    for recording in first:
        assert recording.features.shape == (79, 18, 40, 9)
        assert recording.seizure.any() == bool(recording.seizures)


def test_a_third_of_the_pieces_of_real_background_holds_a_seizure() -> None:
    background = real(200.0, coverage=(0.0, 200.0))
    pieces = injected(CONFIG, [background], seed=1, n=9)
    assert [bool(piece.seizures) for piece in pieces] == [True, False, False] * 3
    for piece in pieces:
        for onset_s, end_s in piece.seizures:
            centre_s = 4.5 + 1.5 * np.arange(len(piece.seizure))
            inside = (centre_s > onset_s) & (centre_s < end_s)
            np.testing.assert_array_equal(piece.seizure, inside)


def test_what_is_injected_is_larger_in_the_seizure() -> None:
    background = real(200.0, coverage=(0.0, 200.0))
    (piece,) = injected(CONFIG, [background], seed=2, n=1)
    level = piece.features.astype(np.float32).mean(axis=(1, 2, 3))
    ictal = np.flatnonzero(piece.seizure) + 2  # the middle segment of each window
    rest = np.setdiff1d(np.arange(4, len(level) - 4), ictal)
    assert level[ictal].mean() > level[rest].mean() + 0.2


def test_a_tone_is_steady_and_at_a_subharmonic_of_the_line() -> None:
    silence = np.zeros((18, 128 * 60), dtype=np.float32)
    made = [with_tone(np.random.default_rng(seed), silence, CONFIG) for seed in range(200)]
    toned = [signal_uv for signal_uv in made if signal_uv.any()]
    assert 20 <= len(toned) <= 60  # a fifth
    for signal_uv in toned[:10]:
        power = np.abs(np.fft.rfft(signal_uv[int(signal_uv.std(axis=1).argmax())])) ** 2
        peak_hz = float(np.argmax(power)) / 60
        assert min(abs(line / part - peak_hz) for line in (50, 60) for part in (2, 3, 4, 5)) < 0.02
        halves = signal_uv[:, : 128 * 30].std(), signal_uv[:, 128 * 30 :].std()
        assert halves[0] == pytest.approx(halves[1], rel=1e-3)


def test_unknown_truth_of_a_clip_weighs_nothing_and_clips_weigh_the_same() -> None:
    clip = real(50.0, (20.0, 30.0), coverage=(20.0, 30.0))
    found = of_reference(clip.derivations_uv, CONFIG, clip.reference)
    centre_s = 4.5 + 1.5 * np.arange(len(found.weight))
    known = (centre_s - 0.75 >= 20) & (centre_s + 0.75 <= 30)
    np.testing.assert_array_equal(found.weight > 0, known)
    short = real(10.0, (0.0, 10.0), coverage=(0.0, 10.0))
    one = of_reference(short.derivations_uv, CONFIG, short.reference)
    assert one.weight.sum() == pytest.approx(found.weight.sum())


def test_variants_keep_the_truth_in_time_with_what_is_played_faster() -> None:
    clip = real(60.0, (20.0, 50.0), coverage=(0.0, 60.0))
    for variant in clip_variants(CONFIG, [clip], seed=0, n=6):
        faster = 60.0 / variant.duration_s
        assert 0.85 < faster < 1.17
        ((onset_s, end_s),) = variant.seizures
        assert onset_s * faster == pytest.approx(20.0, abs=0.01)
        assert end_s * faster == pytest.approx(50.0, abs=0.01)
        assert variant.seizure.sum() == pytest.approx(30 / faster / 1.5, abs=1.01)


@pytest.mark.parametrize("duration_s", [10.0, 50.0])
def test_every_second_variant_of_a_free_clip_holds_a_simulated_seizure(duration_s: float) -> None:
    clip = real(duration_s, coverage=(0.0, duration_s))
    found = clip_variants(CONFIG, [clip], seed=0, n=8)
    assert [bool(variant.seizures) for variant in found] == [False, True] * 4
    assert not any(variant.seizure.any() for variant in found[::2])
    assert any(variant.seizure.any() for variant in found[1::2])


def test_the_pack_is_read_at_the_rate_of_the_detector(data_pack: Path) -> None:
    items = read_dataset(data_pack / "seizure_clips").items
    raw = replace(CONFIG, features=DERIVATIONS, sfreq=80.0)
    found = {recording.name: recording for recording in read_real(items, raw)}
    assert "chb_unknown_awake.edf" not in found  # its truth is not known
    assert "sparcnet_Other_sample2.edf" not in found
    clip = found["chb01_03_2986-3036s.edf"]
    assert clip.derivations_uv.shape == (18, 4000)
    assert clip.person == "CHB-MIT/chb01"
    assert found["sparcnet_SZ_sample1.edf"].person == "IIIC/sparcnet_SZ_sample1.edf"


def test_windows_near_an_edge_of_a_seizure_train_nothing() -> None:
    annotations = [Annotation(20, 15, "sz"), Annotation(0, 60, BACKGROUND)]
    seizure, weight = label_windows(35, CONFIG, annotations)
    centre_s = 4.5 + 1.5 * np.arange(35)
    assert (seizure == ((centre_s >= 20) & (centre_s < 35))).all()
    near = (abs(centre_s - 20) < 1.5) | (abs(centre_s - 35) < 1.5)
    assert ((weight == 0) == near).all()
    assert (weight[~near] == 1).all()
