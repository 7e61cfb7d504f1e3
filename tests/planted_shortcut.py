"""A network that looks at one band and one region, whatever the window is: a planted shortcut."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

PACKAGE = "planted_shortcut"
BAND_HZ = (4, 8)


class OnePlace(nn.Module):
    """Sums theta of the left lateral chain with signs that alternate from cell to cell."""

    layers = ("scale",)

    def __init__(self, n_channels: int = 18, n_freqs: int = 32, n_frames: int = 9) -> None:
        super().__init__()
        self.input_shape = (n_channels, n_freqs, n_frames)
        weight = torch.zeros(self.input_shape)
        signs = torch.ones(4, BAND_HZ[1] - BAND_HZ[0], n_frames)
        signs[..., ::2] = -1
        signs -= signs.mean()  # what is the same in all frames says nothing
        weight[:4, BAND_HZ[0] - 1 : BAND_HZ[1] - 1] = signs
        self.register_buffer("weight", weight)
        self.scale = nn.Linear(1, 1)
        with torch.no_grad():
            self.scale.weight.fill_(0.35)
            self.scale.bias.fill_(0.0)

    def encode(self, features: Tensor) -> Tensor:
        """Return the codes (n, 1) of segments (n, n_channels, n_freqs, n_frames)."""
        return (features * self.weight).flatten(1).sum(dim=1, keepdim=True)

    def head(self, embeddings: Tensor) -> Tensor:
        """Return the logits (n,) of windows from codes (n, 3, 1)."""
        return self.scale(embeddings.sum(dim=1))[:, 0]

    def forward(self, windows: Tensor) -> Tensor:
        """Return the logits (n,) of windows (n, 3, n_channels, n_freqs, n_frames)."""
        n = windows.shape[0]
        return self.head(self.encode(windows.flatten(0, 1)).reshape(n, 3, -1))

    def parameters_dict(self) -> dict[str, int]:
        """Return the arguments of the constructor."""
        return dict(zip(("n_channels", "n_freqs", "n_frames"), self.input_shape, strict=True))


def save_planted(folder: Path) -> Path:
    """Save the network as a model folder and return it."""
    from eegdash.checkpoints import (
        DetectorConfig,
        feature_freqs_hz,
        feature_time_s,
        save_checkpoint,
    )
    from eegdash.montage import LONGITUDINAL_BIPOLAR

    names = tuple(d.name for d in LONGITUDINAL_BIPOLAR)
    config = DetectorConfig("planted", "Planted", f"{PACKAGE}:OnePlace", {}, ch_names=names)
    network = OnePlace(18, len(feature_freqs_hz(config)), len(feature_time_s(config)))
    config = DetectorConfig(
        "planted",
        "Planted shortcut",
        f"{PACKAGE}:OnePlace",
        network.parameters_dict(),
        ch_names=names,
        post={"smoothing_s": 4.5, "hysteresis": 1.0, "merge_gap_s": 3.0, "min_duration_s": 6.0},
    )
    save_checkpoint(folder / "planted", config, network, card="# Planted, for tests\n")
    return folder / "planted"
