"""Labelled windows from recordings: the features of the whole, the truth where it is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated_files import write_events, write_noise

from eegdash.annotations import Annotation, Reference
from eegdash.checkpoints import DetectorConfig, segment_features
from eegdash.errors import MissingChannelsError, TooShortError
from eegdash.io import open_recording
from eegdash.io.dataset import DatasetItem
from eegdash.io.layouts import read_dataset
from eegdash.montage import LONGITUDINAL_BIPOLAR, MONTAGES, resolve
from eegdash.preprocessing import resample_uv
from eegdash.recording import Block, Recording
from eegdash.training.datasets import UNSURE_S, recorded

NAMES = tuple(d.name for d in LONGITUDINAL_BIPOLAR)
CONFIG = DetectorConfig("t", "T", "spectrogram-cnn-lstm", {}, ch_names=NAMES)


def item_of(recording: Recording, reference: Reference | None) -> DatasetItem:
    return DatasetItem(recording.path, "p", "g", lambda path: (recording, reference))


def known(*spans: tuple[float, float], coverage: tuple[float, float]) -> Reference:
    seizures = tuple(Annotation(a, b - a, "sz") for a, b in spans)
    return Reference(seizures, (coverage,), "test")


@pytest.mark.parametrize("sfreq", [200.0, 256.0])
def test_features_are_those_of_the_whole_recording(
    tmp_path: Path, sfreq: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eegdash.training.datasets._BLOCK_SEGMENTS", 7)
    path = write_noise(tmp_path / "sub-1_a.edf", seconds=61, sfreq=sfreq)
    write_events(path, [(20, 15)], 61)
    found = recorded(read_dataset(tmp_path).items[0], CONFIG)
    assert found is not None
    recording = open_recording(path)
    matrix = resolve(recording, MONTAGES["longitudinal-bipolar"])
    derived_uv = matrix.apply(recording.read(0, recording.n_samples, matrix.picks))
    whole = segment_features(resample_uv(derived_uv, sfreq, 256.0), CONFIG)
    assert found.features.shape == whole.shape == (39, 18, *whole.shape[2:])
    np.testing.assert_allclose(found.features, whole, atol=0.01)
    centre_s = 4.5 + 1.5 * np.arange(35)
    assert (found.seizure == ((centre_s >= 20) & (centre_s < 35))).all()
    near = (abs(centre_s - 20) < UNSURE_S) | (abs(centre_s - 35) < UNSURE_S)
    assert near.sum() == 2
    assert ((found.weight == 0) == near).all()
    assert (found.seizures, found.duration_s) == (((20, 35),), 61)


def test_windows_outside_known_truth_or_over_a_gap_weigh_nothing(tmp_path: Path) -> None:
    recording = open_recording(write_noise(tmp_path / "a.edf", seconds=60))
    blocks = (Block(0, 0, 30 * 128 + 32), Block(33.0, 30 * 128 + 32, 26 * 128))
    gappy = replace(recording, blocks=blocks)
    found = recorded(item_of(gappy, known(coverage=(10.0, 50.0))), CONFIG)
    assert found is not None
    start_s = 1.5 * np.arange(len(found.weight))
    step_start_s = start_s + 3.75
    covered = (step_start_s >= 10) & (step_start_s + 1.5 <= 50)
    whole = (start_s + 9 <= 30) | (start_s >= 33)
    assert ((found.weight > 0) == (covered & whole)).all()
    assert np.isfinite(found.features).all()


def test_nothing_known_is_nothing_to_learn(tmp_path: Path) -> None:
    recording = open_recording(write_noise(tmp_path / "a.edf", seconds=20))
    assert recorded(item_of(recording, None), CONFIG) is None
    assert recorded(item_of(recording, Reference((), (), "test")), CONFIG) is None


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    short = open_recording(write_noise(tmp_path / "a.edf", seconds=8))
    with pytest.raises(TooShortError, match=r"a\.edf is 8\.0 s long"):
        recorded(item_of(short, known(coverage=(0.0, 8.0))), CONFIG)
    few = open_recording(write_noise(tmp_path / "b.edf", seconds=20, names=("Fp1", "Fp2")))
    with pytest.raises(MissingChannelsError):
        recorded(item_of(few, known(coverage=(0.0, 20.0))), CONFIG)
