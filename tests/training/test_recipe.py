"""A whole training on a small scale: what it saves is whole, and the card says what it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eegdash.checkpoints import Detector, load_checkpoint
from eegdash.errors import CheckpointError, DatasetError, JobCancelledError
from eegdash.io.layouts import read_dataset
from eegdash.networks import NETWORKS, network_class
from eegdash.training.alarms import background_figures
from eegdash.training.card import model_card
from eegdash.training.fit import FitParameters
from eegdash.training.folds import HeldOutWindows, RefineParameters, separations
from eegdash.training.material import read_real
from eegdash.training.recipe import (
    ARCHITECTURES,
    Recipe,
    TrainingSummary,
    _figures,
    raw_config,
    train,
)

SMALL = Recipe(
    seed=3,
    hours=0.2,
    fit=FitParameters(epochs=2),
    refine=RefineParameters(variants=1, replayed=0.1, fit=FitParameters(epochs=1)),
    n_folds=3,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingSummary, list[float]]:
    seen: list[float] = []
    folder = tmp_path_factory.mktemp("models") / "small"
    return train(folder, SMALL, progress=seen.append), seen


@pytest.fixture(scope="module")
def trained_on_pack(tmp_path_factory: pytest.TempPathFactory, data_pack: Path) -> TrainingSummary:
    folder = tmp_path_factory.mktemp("models") / "real"
    return train(folder, replace(SMALL, architecture="shallow-cnn"), data=data_pack)


def test_there_is_a_recipe_for_every_shipped_network() -> None:
    assert set(ARCHITECTURES) == set(NETWORKS)
    with pytest.raises(DatasetError, match="no recipe"):
        raw_config("x", "transformer")


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_gain_changes_no_logit_of_a_long_recording(name: str) -> None:
    config = raw_config(name, name)
    network = network_class(name)(**config.parameters)  # seeded in conftest.py
    detector = Detector(config, network)
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((18, round(60 * config.sfreq))).cumsum(axis=1)
    block_uv = (noise - noise.mean(axis=1, keepdims=True)).astype(np.float32)
    block_uv *= 30 / block_uv.std()

    def logits(gain: float, repeated: int) -> np.ndarray:
        codes = detector.encode(detector.features(block_uv * np.float32(gain)))
        background = detector.background(np.tile(codes, (repeated, 1)))
        triples = np.stack([codes[k : len(codes) - 4 + k] for k in (0, 2, 4)], axis=1)
        return detector.head(triples, background)

    # over 25 seeds and both networks: at most 2e-5 in a long recording, at least 6e-3 in 1 min
    for gain in (1 / 3, 3.0, 30.0):
        np.testing.assert_allclose(logits(gain, 200), logits(1.0, 200), rtol=0, atol=2e-4)
        assert np.abs(logits(gain, 1) - logits(1.0, 1)).max() > 2e-3  # 1 min is not enough


def test_summary_and_folder_of_a_training(trained: tuple[TrainingSummary, list[float]]) -> None:
    summary, seen = trained
    detector = load_checkpoint(summary.folder)
    assert detector.config.sha256 == summary.config.sha256
    record = json.loads((summary.folder / "config.json").read_text())["training"]
    assert record["recipe"]["seed"] == 3
    assert len(record["curves"]["train_loss"]) == 2
    assert set(record["versions"]) >= {"python", "torch", "numpy"}
    assert record["results"] == summary.results
    assert "persons" not in record
    assert 0 <= summary.results["window_auroc"] <= 1
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert sorted(path.name for path in summary.folder.parent.iterdir()) == ["small"]


def test_card_of_a_training_on_simulation_alone(
    trained: tuple[TrainingSummary, list[float]],
) -> None:
    summary, _ = trained
    card = (summary.folder / "README.md").read_text()
    assert "Research use, not for diagnosis" in card
    assert "No recording of a real person was used" in card
    assert f"{summary.results['window_auroc']:.3f}" in card
    assert f"{summary.config.threshold_pm / 1000:.2f}" in card
    assert str(summary.folder) not in card


def test_training_on_the_pack_states_persons_and_figures(trained_on_pack: TrainingSummary) -> None:
    summary = trained_on_pack
    record = json.loads((summary.folder / "config.json").read_text())["training"]
    assert {"CHB-MIT/chb01", "CHB-MIT/chb02", "CHB-MIT/chb03"} <= set(record["persons"])
    sides = [set(record["split"][side]) for side in ("train", "validation", "test")]
    assert not sides[0] & sides[1]
    assert not (sides[0] | sides[1]) & sides[2]
    assert not sides[2] & set(record["persons"])
    card = (summary.folder / "README.md").read_text()
    for group, values in record["leave_one_person_out"].items():
        assert group in card
        assert f"{values['detector']['auroc']:.3f}" in card
    assert "ODC-By 1.0" in card
    assert f"{record['background']['per_hour']:.1f} per hour" in card


def test_a_figure_that_is_not_defined_is_na_on_the_card_and_null_in_the_record(
    trained: tuple[TrainingSummary, list[float]],
) -> None:
    alone = HeldOutWindows("a", "p", "g", [900, 100], [True, False], [2.0, 1.0], [1.0, 2.0])
    values = {name: _figures(value) for name, value in separations([alone])["g"].items()}
    assert values["detector"]["auroc"] == 1.0
    assert values["detector"]["low"] is None  # one person cannot be resampled
    config = trained[0].config
    record = {**config.training, "folds": 0, "leave_one_person_out": {"g": values}}
    json.dumps(record, allow_nan=False)
    card = model_card(replace(config, training=record))
    assert "| g | 1.000 (n/a-n/a) |" in card


def test_background_figures_count_the_persons_left_for_the_test(
    trained_on_pack: TrainingSummary, data_pack: Path
) -> None:
    detector = load_checkpoint(trained_on_pack.folder)
    items = read_dataset(data_pack).items
    held = set(detector.config.training["split"]["test"])
    recordings = read_real([item for item in items if item.person_key in held], detector.config)
    found = background_figures(detector, recordings)
    record = detector.config.training["background"]
    assert found.n_persons == record["persons"] == len(held)
    assert found.alarms.n_alarms == record["alarms"]
    assert found.gain.shares[3.0] == pytest.approx(record["share_times_3"], abs=5e-5)


def test_cancelled_training_saves_no_model(tmp_path: Path) -> None:
    def cancel(share: float) -> None:
        raise JobCancelledError("cancelled by the reader")

    with pytest.raises(JobCancelledError):
        train(tmp_path / "model", SMALL, progress=cancel)
    assert not (tmp_path / "model").exists()


def test_a_killed_training_goes_on_and_a_changed_one_is_refused(
    trained: tuple[TrainingSummary, list[float]], tmp_path: Path
) -> None:
    summary, _ = trained

    def kill(share: float) -> None:
        if share > 0.5:
            raise JobCancelledError("killed")

    with pytest.raises(JobCancelledError):
        train(tmp_path / "small", SMALL, progress=kill)
    assert (tmp_path / ".small-training" / "state.json").is_file()
    with pytest.raises(CheckpointError, match="other data or other parameters"):
        train(tmp_path / "small", replace(SMALL, hours=0.3))
    again = train(tmp_path / "small", SMALL)
    assert again.config.weights_sha256 == summary.config.weights_sha256
    assert not (tmp_path / ".small-training").exists()
