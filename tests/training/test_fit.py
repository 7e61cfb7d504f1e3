"""Training on a small scale: it learns, it repeats itself, and what it saves is whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from eegdash.annotations import Annotation
from eegdash.checkpoints import DetectorConfig, load_checkpoint
from eegdash.detection import Event
from eegdash.errors import JobCancelledError
from eegdash.montage import LONGITUDINAL_BIPOLAR
from eegdash.networks.spectrogram_cnn_lstm import SpectrogramCnnLstm
from eegdash.training.calibration import (
    THRESHOLDS_PM,
    choose_threshold,
    count_events,
    fit_temperature,
)
from eegdash.training.datasets import LabelledRecording, label_windows, simulated_recordings
from eegdash.training.fit import (
    _MIRROR,
    FitParameters,
    TrainingSummary,
    fit,
    normalisation_of,
    train_on_simulation,
)

NAMES = tuple(d.name for d in LONGITUDINAL_BIPOLAR)
CONFIG = DetectorConfig("t", "T", "spectrogram-cnn-lstm", {}, ch_names=NAMES)


@pytest.fixture(scope="module")
def recordings() -> list[LabelledRecording]:
    return simulated_recordings(CONFIG, seeds=range(6), duration_s=240, n_seizures=(2,))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingSummary, list[float]]:
    seen: list[float] = []
    folder = tmp_path_factory.mktemp("models") / "small"
    summary = train_on_simulation(folder, seed=3, hours=0.5, epochs=2, progress=seen.append)
    return summary, seen


def test_loss_falls(recordings: list[LabelledRecording]) -> None:
    torch.manual_seed(0)
    network = SpectrogramCnnLstm(width=4, dimension=16)
    norm = normalisation_of(recordings, CONFIG)
    parameters = FitParameters(epochs=20, learning_rate=5e-3)
    curves = fit(network, recordings[:5], recordings[5:], norm, parameters=parameters)
    assert curves["train_loss"][-1] < 0.8 * curves["train_loss"][0]
    assert curves["validation_auroc"][-1] > 0.8
    assert not network.training


def test_same_seed_gives_the_same_weights(recordings: list[LabelledRecording]) -> None:
    norm = normalisation_of(recordings, CONFIG)
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(0)
        network = SpectrogramCnnLstm(width=2, dimension=8)
        fit(network, recordings[:2], recordings[2:3], norm, parameters=FitParameters(1), seed=seed)
        states.append(network.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not torch.equal(states[0][name], states[2][name]) for name in states[0])


def test_training_leaves_the_global_generator_alone(recordings: list[LabelledRecording]) -> None:
    norm = normalisation_of(recordings, CONFIG)
    torch.manual_seed(5)
    expected = torch.rand(1)
    network = SpectrogramCnnLstm(width=2, dimension=8)
    torch.manual_seed(5)
    fit(network, recordings[:1], recordings[2:3], norm, parameters=FitParameters(1))
    assert torch.equal(torch.rand(1), expected)


def test_normalised_training_features_have_zero_mean(recordings: list[LabelledRecording]) -> None:
    norm = normalisation_of(recordings, CONFIG)
    features = np.concatenate([r.features.astype(np.float32) for r in recordings])
    scaled = (features - np.array(norm.mean)[:, None]) / norm.scale
    assert np.abs(scaled.mean(axis=(0, 1, 3))).max() < 0.01
    assert scaled.std() == pytest.approx(1, abs=0.02)


def test_summary_and_folder_of_a_training(trained: tuple[TrainingSummary, list[float]]) -> None:
    summary, seen = trained
    detector = load_checkpoint(summary.folder)
    assert detector.config == load_checkpoint(summary.folder).config
    assert detector.config.sha256 == summary.config.sha256
    record = json.loads((summary.folder / "config.json").read_text())["training"]
    assert record["seed"] == 3
    assert len(record["curves"]["train_loss"]) == 2
    assert set(record["versions"]) >= {"python", "torch", "numpy"}
    assert record["results"] == summary.results
    assert 0 <= summary.results["window_auroc"] <= 1
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_card_is_written_from_the_record(trained: tuple[TrainingSummary, list[float]]) -> None:
    summary, _ = trained
    card = (summary.folder / "README.md").read_text()
    assert "Research use, not for diagnosis" in card
    assert f"{summary.results['window_auroc']:.3f}" in card
    assert f"{summary.config.threshold_pm / 1000:.2f}" in card
    assert str(summary.folder) not in card


def test_cancelled_training_saves_nothing(tmp_path: Path) -> None:
    def cancel(share: float) -> None:
        raise JobCancelledError("cancelled by the reader")

    with pytest.raises(JobCancelledError):
        train_on_simulation(tmp_path / "model", hours=0.1, epochs=1, progress=cancel)
    assert not (tmp_path / "model").exists()


def test_label_of_a_window_is_that_of_its_centre() -> None:
    seizure, weight = label_windows(20, CONFIG, [Annotation(12.0, 6.0, "sz")])
    centre_s = 4.5 + 1.5 * np.arange(20)
    assert centre_s[seizure].tolist() == [12.0, 13.5, 15.0, 16.5]
    assert centre_s[weight == 0].tolist() == [12.0, 18.0]


def test_mirror_swaps_left_and_right_and_keeps_the_midline() -> None:
    mirrored = [NAMES[i] for i in _MIRROR]
    assert mirrored[NAMES.index("Fp1-F7")] == "Fp2-F8"
    assert mirrored[NAMES.index("P4-O2")] == "P3-O1"
    assert mirrored[NAMES.index("Fz-Cz")] == "Fz-Cz"
    assert [_MIRROR[i] for i in _MIRROR] == list(range(18))


def test_temperature_recovers_the_factor_of_overconfident_logits() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 20_000)
    seizure = rng.random(20_000) < 1 / (1 + np.exp(-logits))
    assert fit_temperature(3 * logits, seizure, np.ones(20_000)) == pytest.approx(3, rel=0.05)
    assert fit_temperature(logits / 3, seizure, np.ones(20_000)) == pytest.approx(1, rel=0.01)


def test_events_count_by_overlap_with_the_extended_seizure() -> None:
    def event(onset: float, duration: float) -> Event:
        return Event(onset, duration, 900, 0, 1)

    counts = count_events([event(60, 9), event(300, 10)], [(100, 130), (600, 620)])
    assert (counts.found, counts.missed, counts.false) == (0, 2, 2)
    counts = count_events([event(65, 6), event(185, 10), event(400, 9)], [(100, 130)])
    assert (counts.found, counts.missed, counts.false) == (1, 0, 1)
    assert counts.f1 == pytest.approx(2 / 3)


def test_threshold_is_the_middle_of_the_best_plateau() -> None:
    probability = np.full(200, 0.3)
    probability[50:80] = 0.7
    seizure = probability > 0.5
    threshold, scores = choose_threshold(probability, seizure, np.ones(200))
    assert abs(threshold - 500) <= 10
    assert max(scores) == 1.0
    assert len(scores) == len(THRESHOLDS_PM)


def test_windows_of_unsure_truth_do_not_decide_the_threshold() -> None:
    probability = np.array([0.2, 0.2, 0.9, 0.9, 0.6, 0.6])
    seizure = np.array([False, False, True, True, True, True])
    weight = np.array([1, 1, 1, 1, 0, 0])
    low, _ = choose_threshold(probability, seizure, np.ones(6))
    high, _ = choose_threshold(probability, seizure, weight)
    assert 200 < low <= 600
    assert high > low
