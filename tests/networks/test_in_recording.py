"""A network told the background of one recording."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from eegdash.checkpoints import list_checkpoints, load_checkpoint
from eegdash.workflows.desk import SHIPPED_MODELS

NAMES = [info.name for info in list_checkpoints(SHIPPED_MODELS)]


@pytest.mark.parametrize("name", NAMES)
def test_it_judges_as_the_network_with_that_background(name: str) -> None:
    detector = load_checkpoint(SHIPPED_MODELS / name)
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(4, 3, *detector.input_shape)).astype(np.float32)
    levels = detector.network.levels(torch.from_numpy(windows[0])).numpy()
    background = levels.mean(axis=0) - 0.7
    bound = detector.in_recording(background.tolist())
    expected = detector.logits(windows, background.astype(np.float32))
    assert np.array_equal(bound.logits(windows), expected)
    assert not np.allclose(detector.logits(windows), expected)
    codes = detector.encode(windows.reshape(-1, *detector.input_shape)).reshape(4, 3, -1)
    assert np.allclose(bound.head(codes), expected, atol=1e-4)
    twin = copy.deepcopy(bound.network)
    assert torch.equal(twin(torch.from_numpy(windows)), bound.network(torch.from_numpy(windows)))


@pytest.mark.parametrize("name", NAMES)
def test_layers_and_facts_are_those_of_the_network(name: str) -> None:
    detector = load_checkpoint(SHIPPED_MODELS / name)
    bound = detector.in_recording([0.0] * detector.network.n_levels)
    assert bound.layers == detector.layers
    assert bound.network.cam_layer == detector.network.cam_layer
    for layer in detector.layers:
        assert bound.network.get_submodule(layer) is detector.network.get_submodule(layer)
    assert not bound.network.training
    with pytest.raises(AttributeError):
        _ = bound.network.absent


def test_without_a_background_nothing_changes() -> None:
    detector = load_checkpoint(SHIPPED_MODELS / NAMES[0])
    assert detector.in_recording(()) is detector
