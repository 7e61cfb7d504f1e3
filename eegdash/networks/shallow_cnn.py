"""Raw derivations, three shared convolutions and a dense layer: small enough to look inside."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from eegdash.networks.levels import (
    N_LEVELS,
    JudgesByBackground,
    as_usual,
    of_samples,
)

_QUIETEST_UV = 1e-3  # keeps a window without any signal from dividing by zero


class ShallowCnn(JudgesByBackground):
    """Seizure network over the samples of a 9 s window.

    The same convolutions in time run over every derivation. Their strongest and their mean
    response over time, and over the derivations, and a learned sum over places make the code of a
    segment; a dense layer joins the three codes of a window.

    A segment is divided by its own level, the median over the derivations of their standard
    deviation, so that the convolutions see shape and rhythm, and no microvolts. Its levels in
    four bands go past them to the code. The head sees them relative to the mean of the window
    and relative to the background of the recording (:mod:`eegdash.networks.levels`).

    Parameters
    ----------
    n_channels, n_samples : int
        Shape of one segment's features.
    width : int
        Number of features of the first convolution; the others follow from it.
    dimension : int
        Length of the code of a segment, its levels included.
    sfreq : float
        Rate of the samples, Hz.
    usual_level : sequence of float, optional
        Background of the recordings of the training, by band, log10 uV^2.

    Attributes
    ----------
    layers : tuple of str
        Modules for attribution and mechanism. The output of ``conv1`` .. ``conv3`` is
        (n_segments, units, n_channels, time); of ``code`` (n_segments, units); of ``dense``
        (n_windows, units).
    cam_layer : str
        The last convolution.

    Notes
    -----
    Few convolutions over raw EEG: Schirrmeister R. et al. 2017, doi:10.1002/hbm.23730; O'Shea A.
    et al. 2020, doi:10.1016/j.neunet.2019.11.023.
    """

    layers: tuple[str, ...] = ("conv1", "conv2", "conv3", "code", "dense")
    cam_layer: str = "conv3"

    def __init__(
        self,
        *,
        n_channels: int = 18,
        n_samples: int = 240,
        width: int = 16,
        dimension: int = 48,
        sfreq: float = 80.0,
        usual_level: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.n_channels, self.n_samples = n_channels, n_samples
        self.width, self.dimension = width, dimension
        self.sfreq, self.usual_level = sfreq, as_usual(usual_level)
        sizes = (1, width, 3 * width // 2, 2 * width)
        self.conv1, self.conv2, self.conv3 = (
            nn.Conv2d(few, many, (1, taps), stride=(1, stride), padding=(0, taps // 2))
            for (few, many), taps, stride in zip(
                pairwise(sizes), (21, 9, 5), (3, 3, 2), strict=True
            )
        )
        self.norm1, self.norm2, self.norm3 = (nn.BatchNorm2d(size) for size in sizes[1:])
        units = sizes[-1]
        self.local = nn.Linear(2 * units, units)
        self.places = nn.Linear(n_channels * units, units)
        self.drop = nn.Dropout(0.2)
        self.code = nn.Linear(3 * units, dimension - N_LEVELS)
        self.dense = nn.Linear(3 * (dimension + N_LEVELS), dimension)
        self.out = nn.Linear(dimension, 1)
        self.level = nn.Linear(3 * 2 * N_LEVELS, 1)

    @property
    def input_shape(self) -> tuple[int, int]:
        """Shape of one segment's features: (n_channels, n_samples)."""
        return self.n_channels, self.n_samples

    def parameters_dict(self) -> dict[str, float | list[float]]:
        """Return the constructor's arguments."""
        return {
            "n_channels": self.n_channels,
            "n_samples": self.n_samples,
            "width": self.width,
            "dimension": self.dimension,
            "sfreq": self.sfreq,
            "usual_level": list(self.usual_level),
        }

    def encode(self, features: Tensor) -> Tensor:
        """Return the codes (n, dimension) of segments (n, n_channels, n_samples), uV."""
        deviation = features.std(dim=2, correction=0)
        level = deviation.quantile(0.5, dim=1).clamp(min=_QUIETEST_UV)
        # an electrode pop of some mV would otherwise outshout everything
        maps = (features / level[:, None, None]).clamp(-12, 12).unsqueeze(1)
        maps = torch.relu(self.norm1(self.conv1(maps)))
        maps = torch.relu(self.norm2(self.conv2(maps)))
        maps = torch.relu(self.norm3(self.conv3(maps)))
        response = torch.cat([maps.amax(dim=3), maps.mean(dim=3)], dim=1).transpose(1, 2)
        local = torch.relu(self.local(self.drop(response)))
        places = torch.relu(self.places(local.flatten(1)))
        joined = torch.cat([local.amax(dim=1), local.mean(dim=1), places], dim=1)
        code = torch.relu(self.code(self.drop(joined)))
        return torch.cat([code, self.levels(features)], dim=1)

    def levels(self, features: Tensor) -> Tensor:
        """Return the levels (n, n_levels) of segments (n, *input_shape)."""
        return of_samples(features, self.sfreq)

    def joined(self, codes: Tensor, seen: Tensor) -> Tensor:
        """Return all that is known of the three segments, one after the other."""
        return torch.cat([codes, seen], dim=2).flatten(1)
