"""Fitting on a small scale: it learns, it repeats itself, and it goes on after a kill."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eegdash.checkpoints import DERIVATIONS, DetectorConfig
from eegdash.errors import CheckpointError, JobCancelledError
from eegdash.montage import LONGITUDINAL_BIPOLAR
from eegdash.networks.shallow_cnn import ShallowCnn
from eegdash.networks.spectrogram_cnn_lstm import SpectrogramCnnLstm
from eegdash.training.datasets import LabelledRecording
from eegdash.training.fit import (
    FitParameters,
    fit,
    normalisation_of,
    normalised,
    one_cycle,
    recording_logits,
    runs_of,
)
from eegdash.training.material import simulated
from eegdash.training.state import StateFolder
from eegdash.training.surroundings import RUN_SEGMENTS

NAMES = tuple(d.name for d in LONGITUDINAL_BIPOLAR)
CONFIG = DetectorConfig("t", "T", "spectrogram-cnn-lstm", {}, sfreq=128.0, ch_names=NAMES)
RAW = replace(CONFIG, architecture="shallow-cnn", features=DERIVATIONS, sfreq=80.0)


@pytest.fixture(scope="module")
def recordings() -> list[LabelledRecording]:
    return simulated(CONFIG, seed=1, n=8)


def ready(recordings: list[LabelledRecording]) -> DetectorConfig:
    return replace(CONFIG, normalisation=normalisation_of(recordings, CONFIG))


def tiny(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return SpectrogramCnnLstm(width=2, dimension=8)


@pytest.mark.parametrize("config", [CONFIG, RAW], ids=["log-power", "derivations"])
def test_loss_falls(config: DetectorConfig) -> None:
    material = simulated(config, seed=1, n=12)
    config = replace(config, normalisation=normalisation_of(material, config))
    torch.manual_seed(0)
    network: Any = (
        ShallowCnn(width=4, dimension=16)
        if config.features == DERIVATIONS
        else SpectrogramCnnLstm(width=4, dimension=16)
    )
    parameters = FitParameters(epochs=12, learning_rate=5e-3)
    curves = fit(network, material[:10], material[10:], config, parameters=parameters)
    assert curves["train_loss"][-1] < 0.85 * curves["train_loss"][0]
    assert len(curves["validation_auroc"]) == 12
    assert not network.training


def test_same_seed_gives_the_same_weights(recordings: list[LabelledRecording]) -> None:
    states = []
    for seed in (1, 1, 2):
        network = tiny()
        fit(network, recordings[:2], (), ready(recordings), parameters=FitParameters(1), seed=seed)
        states.append(network.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not torch.equal(states[0][name], states[2][name]) for name in states[0])


def test_training_leaves_the_global_generator_alone(recordings: list[LabelledRecording]) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    network = tiny()
    torch.manual_seed(5)
    fit(network, recordings[:1], (), ready(recordings), parameters=FitParameters(1))
    assert torch.equal(torch.rand(1), expected)


def test_a_killed_training_goes_on_and_ends_where_the_whole_one_does(
    recordings: list[LabelledRecording], tmp_path: Path
) -> None:
    parameters, config = FitParameters(epochs=3), ready(recordings)
    whole = tiny()
    expected = fit(whole, recordings[:3], recordings[3:4], config, parameters=parameters)

    calls = []

    def kill(share: float) -> None:
        calls.append(share)
        if share > 0.7:
            raise JobCancelledError("killed")

    state = StateFolder(tmp_path / "state", "recipe")
    with pytest.raises(JobCancelledError):
        fit(
            tiny(), recordings[:3], recordings[3:4], config,
            parameters=parameters, progress=kill, state=state,
        )  # fmt: skip
    assert json.loads((tmp_path / "state" / "state.json").read_text())["epoch"] == 2
    resumed = tiny(seed=9)
    curves = fit(
        resumed, recordings[:3], recordings[3:4], config, parameters=parameters, state=state
    )
    assert curves == expected
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == [
        "state-3.safetensors",
        "state.json",
    ]


def saved_state(folder: Path) -> tuple[Any, Any]:
    network = tiny()
    optimiser = torch.optim.AdamW(network.parameters())
    StateFolder(folder, "recipe").save(network, optimiser, 1, {"train_loss": [1.0]})
    return network, optimiser


def test_state_of_another_recipe_is_refused(tmp_path: Path) -> None:
    network, optimiser = saved_state(tmp_path)
    with pytest.raises(CheckpointError, match="other data or other parameters"):
        StateFolder(tmp_path, "another").load(network, optimiser)


@pytest.mark.parametrize("name", ["state.json", "state-1.safetensors"])
def test_damaged_state_is_refused(tmp_path: Path, name: str) -> None:
    network, optimiser = saved_state(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match=r"cannot be read|was damaged"):
        StateFolder(tmp_path, "recipe").load(network, optimiser)


def test_without_a_state_the_training_starts_anew(tmp_path: Path) -> None:
    network = tiny()
    optimiser = torch.optim.AdamW(network.parameters())
    assert StateFolder(tmp_path / "none", "recipe").load(network, optimiser) is None


def test_normalised_training_features_have_zero_mean(recordings: list[LabelledRecording]) -> None:
    config = ready(recordings)
    scaled = np.concatenate([normalised(r.features, config) for r in recordings])
    assert np.abs(scaled.mean(axis=(0, 1, 3))).max() < 0.01
    assert scaled.std() == pytest.approx(1, abs=0.02)


def test_learning_rate_rises_once_and_falls_to_the_end() -> None:
    values = [one_cycle(share) for share in np.linspace(0, 1, 101)]
    top = int(np.argmax(values))
    assert values[top] == pytest.approx(1)
    assert top == 20
    assert values[:top] == sorted(values[:top])
    assert values[top:] == sorted(values[top:], reverse=True)
    assert values[-1] < 0.01


def recording_of(n_segments: int, weight: float = 1.0) -> LabelledRecording:
    rng = np.random.default_rng(0)
    n = n_segments - 4
    return LabelledRecording(
        rng.standard_normal((n_segments, 18, 40, 9)).astype(np.float16),
        np.zeros(n, dtype=np.bool_),
        np.full(n, weight, dtype=np.float32),
        (),
        60.0,
    )


def test_runs_cover_each_window_at_most_once_and_leave_unknown_truth_out() -> None:
    long, short, unknown = recording_of(60), recording_of(6), recording_of(40, weight=0.0)
    runs = runs_of([long, short, unknown])
    step = RUN_SEGMENTS - 4
    assert [first for number, first in runs if number == 0] == [0, step, 2 * step]
    assert [first for number, first in runs if number == 1] == [0]
    assert not [first for number, first in runs if number == 2]


def test_a_clip_shorter_than_a_run_can_be_fitted(recordings: list[LabelledRecording]) -> None:
    curves = fit(tiny(), [recording_of(6)], (), ready(recordings), parameters=FitParameters(1))
    assert np.isfinite(curves["train_loss"]).all()


def test_logits_of_a_recording_are_those_of_its_windows_one_by_one() -> None:
    recording, network = recording_of(12), tiny().eval()
    found = recording_logits(network, recording, CONFIG)
    features = torch.from_numpy(normalised(recording.features, CONFIG))
    with torch.inference_mode():
        background = network.background(network.levels(features))
        expected = [
            float(network(features[None, [i, i + 2, i + 4]], background)[0]) for i in range(8)
        ]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
