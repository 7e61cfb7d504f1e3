"""A network built by hand, in which three known units carry the class and all is linear."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

N_UNITS, N_TIMES = 16, 6
CARRIERS = (2, 5, 11)
WEIGHT, BIAS = 2.0, -7.5


class PlantedNetwork(nn.Module):
    """Unit k answers to input row k; the logit is 2 (a2 + a5 + a11) - 7.5 of the mean answers."""

    layers = ("conv1", "dense")
    cam_layer = "conv1"
    input_shape = (N_UNITS, N_TIMES)

    def __init__(self, carriers: tuple[int, ...] = CARRIERS) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(N_UNITS, N_UNITS, 1, groups=N_UNITS)
        self.norm1 = nn.BatchNorm1d(N_UNITS, eps=0)
        self.dense = nn.Linear(3 * N_UNITS, N_UNITS)
        self.out = nn.Linear(N_UNITS, 1)
        with torch.no_grad():
            self.conv1.weight.fill_(1)
            self.conv1.bias.zero_()
            self.dense.bias.zero_()
            self.dense.weight.copy_(torch.eye(N_UNITS).repeat(1, 3) / 3)
            self.out.weight.zero_()
            self.out.weight[0, list(carriers)] = WEIGHT
            self.out.bias.fill_(BIAS)
        self.eval()

    def encode(self, features: Tensor) -> Tensor:
        """Codes (n, 16): the mean rectified answer of each unit."""
        return torch.relu(self.norm1(self.conv1(features))).mean(dim=2)

    def head(self, embeddings: Tensor) -> Tensor:
        """Logits (n,) of codes (n, 3, 16)."""
        return self.out(torch.relu(self.dense(embeddings.flatten(1))))[:, 0]

    def forward(self, windows: Tensor) -> Tensor:
        """Logits (n,) of windows (n, 3, 16, 6)."""
        return self.head(self.encode(windows.flatten(0, 1)).reshape(len(windows), 3, -1))


def planted_windows(
    n: int = 240, *, n_groups: int = 8, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64]]:
    """Windows (n, 3, 16, 6), truth and group: carriers are 2 in seizures and 0.5 elsewhere.

    The other rows have the same mean and spread, whatever the class.
    """
    rng = np.random.default_rng(seed)
    seizure = np.arange(n) % 2 == 0
    group = np.arange(n) // 2 % n_groups
    level = np.where(rng.random((n, N_UNITS)) < 0.5, 2.0, 0.5)
    for unit in CARRIERS:
        level[:, unit] = np.where(seizure, 2.0, 0.5)
    noise = 0.05 * rng.standard_normal((n, 3, N_UNITS, N_TIMES))
    return (level[:, None, :, None] + noise).astype(np.float32), seizure, group


def sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probability of a logit."""
    return np.asarray(1 / (1 + np.exp(-np.asarray(logits, dtype=np.float64))))
