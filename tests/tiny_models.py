"""A detector for tests: the shipped architecture, small and untrained."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def save_tiny_model(folder: Path, *, seed: int, name: str, threshold_pm: int = 500) -> None:
    """Save a small untrained network whose probabilities spread over the whole range."""
    import torch

    from eegdash.checkpoints import DetectorConfig, save_checkpoint
    from eegdash.montage import LONGITUDINAL_BIPOLAR
    from eegdash.networks.spectrogram_cnn_lstm import SpectrogramCnnLstm

    torch.manual_seed(seed)
    network: Any = SpectrogramCnnLstm(width=2, dimension=8).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight *= 2
        logits = network(1 + torch.randn(200, 3, *network.input_shape).cumsum(dim=4))
        gain = 3 / float(logits.std())
        for expert in (network.out, network.level):
            expert.weight *= gain
            expert.bias *= gain
        network.out.bias -= gain * logits.mean()
    config = DetectorConfig(
        name=name,
        title=f"Untrained network {name}",
        architecture="spectrogram-cnn-lstm",
        parameters=network.parameters_dict(),
        threshold_pm=threshold_pm,
        post={"smoothing_s": 4.5, "hysteresis": 1.0, "merge_gap_s": 3.0, "min_duration_s": 6.0},
        ch_names=tuple(d.name for d in LONGITUDINAL_BIPOLAR),
    )
    save_checkpoint(folder / name, config, network, card="# Untrained, for tests\n")
