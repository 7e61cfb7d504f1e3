"""Each method against its closed form, or against Captum's own class, on small networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from attribution_cases import Linear, Rectified, small
from captum.attr import DeepLift, IntegratedGradients, LayerGradCam

from eegdash.attribution.baselines import Baseline
from eegdash.attribution.cams import plus_plus
from eegdash.attribution.gradients import rfft_freqs
from eegdash.attribution.maps import ARBITRARY, LOGIT, PER_UNIT
from eegdash.attribution.methods import METHODS, attribute
from eegdash.attribution.network_call import layer_output, randomised
from eegdash.checkpoints import DERIVATIONS, Detector, DetectorConfig
from eegdash.errors import AttributionError


def drawn(detector: Detector, seed: int = 0) -> tuple[Any, Baseline]:
    rng = np.random.default_rng(seed)
    shape = (3, *detector.input_shape)
    window, start = rng.standard_normal((2, *shape)).astype(np.float32)
    return window, Baseline("trial", start, start[None])


@pytest.fixture
def linear(monkeypatch: pytest.MonkeyPatch) -> Detector:
    return whole_grid(small(Linear()), monkeypatch)


@pytest.fixture
def rectified(monkeypatch: pytest.MonkeyPatch) -> Detector:
    return whole_grid(small(Rectified()), monkeypatch)


def whole_grid(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> Detector:
    """Give the small grid the axes that belong to it."""
    _, n_freqs, n_frames = detector.input_shape
    monkeypatch.setattr(Detector, "freqs_hz", np.arange(1.0, n_freqs + 1))
    monkeypatch.setattr(Detector, "frame_s", 0.5 + 0.25 * np.arange(n_frames))
    return detector


@pytest.mark.parametrize("name", ["integrated-gradients", "gradient-shap", "deep-lift"])
def test_of_a_linear_network_is_weight_times_difference(linear: Detector, name: str) -> None:
    window, baseline = drawn(linear)
    found = attribute(name, linear, window, baseline)
    weight = linear.network.weight.detach().numpy()
    np.testing.assert_allclose(found.values, weight * (window - baseline.values), atol=1e-5)
    assert found.unit == LOGIT
    assert found.completeness_error == pytest.approx(0.0, abs=1e-4)
    assert found.complete
    assert found.logit - found.baseline_logit == pytest.approx(found.values.sum(), abs=1e-4)


def test_saliency_of_a_linear_network_is_its_weight(linear: Detector) -> None:
    window, baseline = drawn(linear)
    found = attribute("saliency", linear, window, baseline)
    np.testing.assert_allclose(found.values, linear.network.weight.detach().numpy(), atol=1e-5)
    assert found.unit == PER_UNIT
    assert found.baseline == ""


def test_occlusion_of_a_linear_network_adds_up_block_by_block(linear: Detector) -> None:
    window, baseline = drawn(linear)
    found = attribute("occlusion", linear, window, baseline)
    exact = linear.network.weight.detach().numpy() * (window - baseline.values)
    # bands delta (1-3 Hz) and theta (4-6 Hz); all four derivations are left lateral
    for segment in range(3):
        for band in (slice(0, 3), slice(3, 6)):
            block = found.values[segment, :, band]
            assert block.sum() == pytest.approx(exact[segment, :, band].sum(), abs=1e-4)
            assert np.ptp(block) < 1e-6


def test_integrated_gradients_equal_captums(rectified: Detector) -> None:
    window, baseline = drawn(rectified)
    found = attribute("integrated-gradients", rectified, window, baseline)
    expected = IntegratedGradients(rectified.network).attribute(
        torch.from_numpy(window)[None],
        torch.from_numpy(baseline.values)[None],
        n_steps=64,
        method="riemann_middle",
    )
    np.testing.assert_allclose(found.values, expected[0].numpy(), atol=1e-5)


def test_deep_lift_equals_captums_and_holds(rectified: Detector) -> None:
    window, baseline = drawn(rectified)
    found = attribute("deep-lift", rectified, window, baseline)
    with pytest.warns(UserWarning, match="hooks"):
        expected = DeepLift(rectified.network).attribute(
            torch.from_numpy(window)[None].requires_grad_(),
            torch.from_numpy(baseline.values)[None],
        )
    np.testing.assert_allclose(found.values, expected[0].detach().numpy(), atol=1e-5)
    assert found.complete


def test_grad_cam_equals_captums_at_the_rectifier(rectified: Detector) -> None:
    window, baseline = drawn(rectified)
    found = attribute("grad-cam", rectified, window, baseline)
    network = rectified.network
    expected = LayerGradCam(network, network.rectifier).attribute(
        torch.from_numpy(window)[None].requires_grad_()
    )
    np.testing.assert_allclose(found.native, expected[:, 0].detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(found.values, found.native, atol=1e-6)  # same grid
    assert found.unit == ARBITRARY
    assert found.native_shape == (6, 5)


def test_hires_cam_of_one_rectifier_and_a_sum_adds_up_to_the_logit(rectified: Detector) -> None:
    """After the last rectifier the network is linear: each place gives its own addend."""
    window, baseline = drawn(rectified)
    found = attribute("hires-cam", rectified, window, baseline)
    bias = float(rectified.network.sum.bias.detach())
    assert found.native is not None
    assert float(found.native.sum()) + bias == pytest.approx(found.logit, abs=1e-4)


def test_grad_cam_plus_plus_of_one_place_by_hand() -> None:
    maps = torch.tensor([[[1.0, 2.0]], [[0.0, 0.0]]]).transpose(0, 1)  # 1 x 2 units x 2 places
    gradient = torch.tensor([[[1.0, 0.5], [3.0, 3.0]]])
    # unit 0: S = 3; alpha = 1 / (2 + 3 g); weight = 1/5 + 0.5 / 3.5
    weight = 1 / 5 + 0.5 / 3.5
    np.testing.assert_allclose(plus_plus(maps, gradient)[0], [weight, 2 * weight], rtol=1e-6)


def test_activations_are_those_after_the_rectifier_written_as_function() -> None:
    class Functional(Rectified):
        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            maps = torch.relu(self.conv(windows.flatten(0, 1).unsqueeze(1)))
            return self.sum(maps.reshape(windows.shape[0], -1))[:, 0]

    for network in (Functional(), Rectified()):
        window = torch.randn(1, 3, 4, 6, 5, generator=torch.Generator().manual_seed(0))
        with layer_output(network, "conv") as seen:
            network(window)
        assert len(seen) == 1
        assert float(seen[0].detach().min()) == 0.0


def test_without_a_rectifier_the_layers_own_output_is_kept() -> None:
    class Smooth(Rectified):
        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            maps = self.conv(windows.flatten(0, 1).unsqueeze(1))
            # a rectifier behind the next layer is not this one's
            return torch.relu(self.sum(maps.reshape(windows.shape[0], -1)))[:, 0]

    network = Smooth()
    window = torch.randn(1, 3, 4, 6, 5, generator=torch.Generator().manual_seed(0))
    with layer_output(network, "conv") as seen:
        network(window)
    assert float(seen[0].detach().min()) < 0


def test_a_network_that_mixes_derivations_has_a_map_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Mixing(Rectified):
        def __init__(self) -> None:
            super().__init__()
            with torch.random.fork_rng():
                torch.manual_seed(1)
                self.conv = torch.nn.Conv2d(4, 3, 3, padding=1)
                self.sum = torch.nn.Linear(9 * 30, 1)

        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            maps = self.rectifier(self.conv(windows.flatten(0, 1)))
            return self.sum(maps.reshape(windows.shape[0], -1))[:, 0]

    detector = whole_grid(small(Mixing()), monkeypatch)
    window, baseline = drawn(detector)
    found = attribute("grad-cam", detector, window, baseline)
    assert found.values.shape == (3, 6, 5)
    assert not found.has_channels
    assert found.has_frequency_axis
    assert found.by_region().labels == ("all",)


def test_spectral_view_holds_the_same_evidence_as_the_samples() -> None:
    """A network that sums samples times a cosine uses its frequency, and nothing else."""

    class Cosine(torch.nn.Module):
        input_shape = (2, 60)
        layers = ()

        def __init__(self) -> None:
            super().__init__()
            wave = torch.cos(2 * torch.pi * 4 * torch.arange(60) / 60)
            self.wave = torch.nn.Parameter(wave)

        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            return (windows * self.wave).flatten(1).sum(dim=1)

    config = DetectorConfig(
        "cosine",
        "Cosine",
        "tests",
        {},
        features=DERIVATIONS,
        sfreq=20.0,
        ch_names=("Fp1-F7", "F7-T7"),
        sha256="cosine",
    )
    detector = Detector(config, Cosine())
    window, baseline = drawn(detector)
    found = attribute("integrated-gradients", detector, window, baseline)
    assert found.spectral is not None
    np.testing.assert_allclose(found.spectral.sum(axis=2), found.values.sum(axis=2), atol=1e-4)
    used = np.abs(found.spectral).sum(axis=(0, 1)) > 1e-4
    assert list(rfft_freqs(detector)[used]) == pytest.approx([4 / 3])
    np.testing.assert_allclose(found.freqs_hz, rfft_freqs(detector))


def test_an_unknown_method_and_values_that_are_not_finite_are_refused(
    linear: Detector,
) -> None:
    window, baseline = drawn(linear)
    with pytest.raises(AttributionError, match="Choose one of"):
        attribute("magic", linear, window, baseline)
    with pytest.raises(AttributionError, match="not finite"):
        attribute("integrated-gradients", linear, np.full_like(window, np.nan), baseline)


def test_shuffled_weights_keep_their_values_and_leave_the_network_alone() -> None:
    network = Rectified()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    twin = randomised(network, 0)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
        other = twin.state_dict()[name]
        assert torch.equal(other.flatten().sort().values, value.flatten().sort().values)
    assert not torch.equal(twin.sum.weight, network.sum.weight)
    assert torch.equal(randomised(network, 0).sum.weight, twin.sum.weight)
    assert set(METHODS) >= {"grad-cam", "integrated-gradients"}
