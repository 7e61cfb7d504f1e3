"""The level expert is fitted to its optimum, and what is seen around a run is part of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from eegdash.networks import network_class
from eegdash.scoring import auroc
from eegdash.training.datasets import LabelledRecording
from eegdash.training.fit import FitParameters, fit, levels_of, normalisation_of, usual_level
from eegdash.training.level_expert import _logistic, fit_level_expert
from eegdash.training.material import simulated
from eegdash.training.recipe import raw_config
from eegdash.training.surroundings import LONGEST, RUN_SEGMENTS, SHORTEST, drawn

RAW = raw_config("t", "spectrogram-cnn-lstm")


@pytest.fixture(scope="module")
def material() -> list[LabelledRecording]:
    return simulated(RAW, seed=1, n=24)


@pytest.fixture(scope="module")
def config(material: list[LabelledRecording]) -> Any:
    return replace(RAW, normalisation=normalisation_of(material, RAW))


def untrained(config: Any) -> Any:
    torch.manual_seed(0)
    return network_class(config.architecture)(**config.parameters, width=2, dimension=8)


def test_logistic_regression_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    seen = rng.normal(0, 1, (400, 3))
    truth = rng.random(400) < 1 / (1 + np.exp(-(seen @ [1.0, -2.0, 0.5] - 0.3)))
    found = _logistic(seen, truth.astype(np.float64), np.ones(400))
    peer = LogisticRegression(C=1e6).fit(seen, truth)
    np.testing.assert_allclose(found[:-1], peer.coef_[0], atol=0.03)
    assert found[-1] == pytest.approx(peer.intercept_[0], abs=0.03)


def test_levels_alone_tell_simulated_seizures(
    material: list[LabelledRecording], config: Any
) -> None:
    network = untrained(config)
    fit_level_expert(network, material[:16], config, parameters=FitParameters(), seed=0)
    network.eval()
    logits, truth = [], []
    for recording, levels in zip(
        material[16:], levels_of(network, material[16:], config), strict=True
    ):
        known = torch.from_numpy(levels)
        codes = torch.cat([torch.zeros(len(known), 4), known], dim=1)
        triples = torch.stack([codes[k : len(codes) - 4 + k] for k in (0, 2, 4)], dim=1)
        with torch.inference_mode():
            logits.append(network.experts(triples, network.background(known))[:, 1].numpy())
        truth.append(recording.seizure)
    assert auroc(np.concatenate(logits), np.concatenate(truth)) > 0.7


def test_fitting_the_network_leaves_the_level_expert(
    material: list[LabelledRecording], config: Any
) -> None:
    network = untrained(config)
    fit_level_expert(network, material[:4], config, parameters=FitParameters(), seed=0)
    weight, out = network.level.weight.clone(), network.out.weight.clone()
    assert weight.abs().max() > 0
    fit(network, material[:2], (), config, parameters=FitParameters(1))
    assert torch.equal(network.level.weight, weight)
    assert not torch.equal(network.out.weight, out)


def test_same_seed_gives_the_same_level_expert(
    material: list[LabelledRecording], config: Any
) -> None:
    weights = []
    for seed in (1, 1, 2):
        network = untrained(config)
        fit_level_expert(network, material[:3], config, parameters=FitParameters(), seed=seed)
        weights.append(network.level.weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_network_without_levels_is_left_alone(config: Any) -> None:
    fit_level_expert(torch.nn.Linear(1, 1), [], config, parameters=FitParameters(), seed=0)


def test_what_is_seen_around_a_run_is_a_piece_of_the_recording_or_its_seizure_free_part() -> None:
    rng = np.random.default_rng(0)
    levels = np.arange(80, dtype=np.float32)[:, None] * np.ones(4, dtype=np.float32)
    seizure = np.zeros(76, dtype=np.bool_)
    seizure[30:50] = True
    mean = levels[32 : 32 + RUN_SEGMENTS].mean(axis=0)
    lengths = []
    for _ in range(300):
        seen = drawn(rng, levels, seizure, 32)
        values = np.unique((seen + mean)[:, 0])
        lengths.append(len(seen))
        if len(seen) <= 80:
            np.testing.assert_array_equal(np.diff(values), 1)  # contiguous
            touches = (values >= 32) & (values < 32 + RUN_SEGMENTS)
            assert touches.sum() == min(len(seen), RUN_SEGMENTS)
        else:
            assert not ((values >= 32) & (values < 52)).any()
    assert min(lengths) >= SHORTEST
    assert max(lengths) <= LONGEST
    assert 0.3 < np.mean(np.array(lengths) > 80) < 0.8


def test_usual_level_is_the_median_of_the_quiet_levels() -> None:
    rows = [np.full((11, 4), k, dtype=np.float32) for k in (1, 2, 9)]
    assert usual_level(rows) == [2.0] * 4
    rows[2][:2] = 1.5  # the second of eleven is their lowest tenth
    assert usual_level(rows) == [1.5] * 4
