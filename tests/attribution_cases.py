"""Windows to explain: injected seizures with known place and rhythm, and small networks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from eegdash.checkpoints import Detector, DetectorConfig, load_checkpoint
from eegdash.montage import ELECTRODES_10_20, LONGITUDINAL_BIPOLAR
from eegdash.simulation import example, inject_into
from eegdash.training.datasets import bipolar_uv

SHIPPED = Path(__file__).resolve().parents[1] / "models"
MODELS = ("spectrogram-cnn-lstm", "shallow-cnn")
CH_NAMES = tuple(d.name for d in LONGITUDINAL_BIPOLAR)


@lru_cache
def detector(name: str) -> Detector:
    """Return a detector that ships."""
    return load_checkpoint(SHIPPED / name)


@dataclass(frozen=True)
class Case:
    """The window of an injected seizure that the detector is surest of, and the truth."""

    window: NDArray[np.float32]
    quiet: NDArray[np.float32]
    logit: float
    places: NDArray[np.bool_]
    low_hz: float
    high_hz: float


@lru_cache
def seizure(name: str, seed: int) -> Case:
    """Inject a focal seizure from 40 to 70 s into a simulated person without one.

    ``places`` are the derivations that touch an electrode with half of the largest amplitude;
    the band is the range of the rhythm, 1 Hz wider on both sides.
    """
    found = detector(name)
    person = example(50 + seed, 0, duration_s=90.0, sfreq=80.0)
    made = inject_into(
        person.signal_uv,
        80.0,
        ELECTRODES_10_20,
        kind="focal",
        seed=seed,
        onset_s=40.0,
        duration_s=30.0,
    )
    segments = found.features(bipolar_uv(made.signal_uv))
    windows = np.stack([segments[k : len(segments) - 4 + k] for k in (0, 2, 4)], axis=1)
    logits = found.logits(windows)
    centres = 4.5 + 1.5 * np.arange(len(logits))
    inside = np.flatnonzero((centres > 45) & (centres < 65))
    best = inside[np.argmax(logits[inside])]
    electrodes = set(made.truth.channels)
    hz = (made.truth.start_hz, made.truth.end_hz)
    return Case(
        window=windows[best],
        quiet=windows[np.argsort(logits)[:10]],
        logit=float(logits[best]),
        places=np.array([bool(electrodes & set(name.split("-"))) for name in CH_NAMES]),
        low_hz=min(hz) - 1,
        high_hz=max(hz) + 1,
    )


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
