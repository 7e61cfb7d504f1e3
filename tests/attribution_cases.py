"""Windows to explain: injected seizures as the benchmark has them, and small networks."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.attribution_truth import MODELS, SEEDS, detector, inside, mapped, seizure
from eegdash.checkpoints import Detector, DetectorConfig
from eegdash.montage import LONGITUDINAL_BIPOLAR

__all__ = ["MODELS", "SEEDS", "detector", "inside", "mapped", "seizure"]
SHIPPED = Path(__file__).resolve().parents[1] / "models"
CH_NAMES = tuple(d.name for d in LONGITUDINAL_BIPOLAR)


class Linear(nn.Module):
    """A linear network over a small spectrogram: every map has a closed form."""

    layers = ("conv",)
    cam_layer = "conv"

    def __init__(self, n_channels: int = 4, n_freqs: int = 6, n_frames: int = 5) -> None:
        super().__init__()
        self.input_shape = (n_channels, n_freqs, n_frames)
        generator = torch.Generator().manual_seed(3)
        self.weight = nn.Parameter(torch.randn(3, *self.input_shape, generator=generator))
        self.conv = nn.Conv3d(1, 2, 1)

    def forward(self, windows: Tensor) -> Tensor:
        return (windows * self.weight).flatten(1).sum(dim=1) + 0.5


class Rectified(nn.Module):
    """One convolution and a rectifier as modules, as Captum likes it, then a linear sum."""

    layers = ("conv", "rectifier")
    cam_layer = "conv"

    def __init__(self, n_channels: int = 4, n_freqs: int = 6, n_frames: int = 5) -> None:
        super().__init__()
        self.input_shape = (n_channels, n_freqs, n_frames)
        with torch.random.fork_rng():
            torch.manual_seed(5)
            self.conv = nn.Conv3d(1, 3, (1, 3, 3), padding=(0, 1, 1))
            self.rectifier = nn.ReLU()
            self.sum = nn.Linear(9 * n_channels * n_freqs * n_frames, 1)

    def forward(self, windows: Tensor) -> Tensor:
        n = windows.shape[0]
        maps = self.rectifier(self.conv(windows.flatten(0, 1).unsqueeze(1)))
        return self.sum(maps.reshape(n, -1))[:, 0]


def small(network: nn.Module, *, name: str = "small") -> Detector:
    """Return a detector around a small network; its config only lends names and a grid."""
    n_channels, n_freqs, n_frames = network.input_shape
    config = DetectorConfig(
        name=name,
        title=f"Small {type(network).__name__}",
        architecture="tests",
        parameters={},
        ch_names=CH_NAMES[:n_channels],
        sha256=f"{name}-{type(network).__name__}",
    )
    found = Detector(config, network)
    assert len(found.freqs_hz) >= n_freqs
    assert len(found.frame_s) >= n_frames
    return found
