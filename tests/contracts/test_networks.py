"""The contract of networks: every entry of NETWORKS runs the same suite."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch.utils.flop_counter import FlopCounterMode

from eegdash.errors import CheckpointError
from eegdash.networks import NETWORKS, network_class

MAX_PARAMETERS = 500_000
MAX_FLOP_PER_SEGMENT = 8_000_000


@pytest.fixture(params=sorted(NETWORKS))
def network(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(0)
    return network_class(request.param)().eval()


@pytest.fixture
def windows(network: Any) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(5, 3, *network.input_shape, generator=generator)


def test_output_is_one_logit_per_window(network: Any, windows: torch.Tensor) -> None:
    assert network(windows).shape == (5,)
    assert network.encode(windows[:, 0]).shape == (5, network.dimension)


def test_forward_is_head_of_codes(network: Any, windows: torch.Tensor) -> None:
    codes = torch.stack([network.encode(windows[:, k]) for k in range(3)], dim=1)
    torch.testing.assert_close(network.head(codes), network(windows), rtol=1e-4, atol=1e-5)


def test_codes_end_with_the_levels(network: Any, windows: torch.Tensor) -> None:
    segments = windows[:, 0]
    levels = network.levels(segments)
    assert levels.shape == (5, network.n_levels)
    assert torch.equal(network.encode(segments)[:, -network.n_levels :], levels)


def test_background_is_optional_and_one_for_all_or_each(
    network: Any, windows: torch.Tensor
) -> None:
    usual = network.background(torch.empty(0, network.n_levels))
    assert usual.shape == (network.n_levels,)
    assert torch.equal(network(windows), network(windows, usual))
    other = usual + 1.0
    assert not torch.allclose(network(windows), network(windows, other))
    each = torch.stack([usual, other, usual, other, usual])
    expected = torch.where(
        torch.tensor([True, False, True, False, True]), network(windows), network(windows, other)
    )
    torch.testing.assert_close(network(windows, each), expected, rtol=1e-4, atol=1e-5)


def test_background_of_a_long_recording_is_its_own(network: Any, windows: torch.Tensor) -> None:
    levels = network.levels(windows[:, 0]).detach()
    hour = levels.repeat(480, 1)
    moved = network.background(hour + 1.0) - network.background(hour)
    torch.testing.assert_close(moved, torch.ones(network.n_levels), rtol=0, atol=1e-3)
    ten_seconds = network.background(levels + 1.0) - network.background(levels)
    assert (ten_seconds < 0.1).all()


def test_logit_is_the_sum_of_the_experts(network: Any, windows: torch.Tensor) -> None:
    codes = torch.stack([network.encode(windows[:, k]) for k in range(3)], dim=1)
    experts = network.experts(codes)
    assert experts.shape == (5, 2)
    torch.testing.assert_close(experts.sum(dim=1), network.head(codes))
    blank = torch.cat([torch.zeros_like(codes[..., :-4]), codes[..., -4:]], dim=2)
    assert torch.equal(network.experts(blank)[:, 1], experts[:, 1])


def test_evaluation_is_deterministic(network: Any, windows: torch.Tensor) -> None:
    assert torch.equal(network(windows), network(windows))


def test_gradient_reaches_every_segment_and_channel(network: Any, windows: torch.Tensor) -> None:
    windows.requires_grad_()
    network(windows).sum().backward()
    assert windows.grad is not None
    assert (windows.grad.abs().flatten(3).sum(dim=(0, 3)) > 0).all()


def test_window_does_not_depend_on_its_batch(network: Any, windows: torch.Tensor) -> None:
    alone = torch.cat([network(window[None]) for window in windows])
    torch.testing.assert_close(alone, network(windows), rtol=1e-4, atol=1e-5)


def test_logits_differ_between_windows(network: Any, windows: torch.Tensor) -> None:
    assert network(windows).std() > 0


def test_sizes_stay_within_the_bounds(network: Any, windows: torch.Tensor) -> None:
    assert sum(p.numel() for p in network.parameters()) <= MAX_PARAMETERS
    with FlopCounterMode(display=False) as counter:
        network.encode(windows[:1, 0])
    assert 0 < counter.get_total_flops() <= MAX_FLOP_PER_SEGMENT


def test_state_survives_safetensors(network: Any, windows: torch.Tensor) -> None:
    content = save({name: value.contiguous() for name, value in network.state_dict().items()})
    twin = type(network)(**network.parameters_dict())
    twin.load_state_dict(load(content), strict=True)
    assert torch.equal(twin.eval()(windows), network(windows))


def test_named_layers_run_once_or_more_and_the_cam_layer_is_the_last_convolution(
    network: Any, windows: torch.Tensor
) -> None:
    modules = dict(network.named_modules())
    seen: list[str] = []
    handles = [
        modules[name].register_forward_hook(lambda *_, name=name: seen.append(name))
        for name in network.layers
    ]
    network(windows)
    for handle in handles:
        handle.remove()
    assert set(seen) == set(network.layers)
    convolutions = [name for name in network.layers if "Conv" in type(modules[name]).__name__]
    assert network.cam_layer == convolutions[-1]


def test_untrusted_package_is_refused_before_it_is_imported() -> None:
    with pytest.raises(CheckpointError, match="EEGDASH_TRUSTED_PACKAGES"):
        network_class("antigravity:Network")
    import sys

    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("name", ["unknown", "a.b:", ":C", ""])
def test_unknown_architecture_is_refused_in_words(name: str) -> None:
    with pytest.raises(CheckpointError, match="not known"):
        network_class(name)


def test_trusted_class_that_is_no_network_is_refused() -> None:
    with pytest.raises(CheckpointError, match="not a torch"):
        network_class("fractions:Fraction", trusted_packages=("fractions",))
    with pytest.raises(CheckpointError, match="could not be imported"):
        network_class("fractions:Nothing", trusted_packages=("fractions",))
