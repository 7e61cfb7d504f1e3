"""Log-power spectrograms, a shared convolutional encoder, and an LSTM over three segments."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from eegdash.networks.levels import (
    N_LEVELS,
    JudgesByBackground,
    as_usual,
    of_log_power,
)

_BELOW, _ABOVE = 0.5, 3.5  # of normalised log power around the level of the segment


class SpectrogramCnnLstm(JudgesByBackground):
    """Seizure network over the spectrogram triptych of a 9 s window.

    The same small convolutions run over the spectrogram of every derivation, so that a rhythm is
    learned once, wherever it occurs. Derivations are then joined in three ways: their strongest
    and their mean response, and a learned sum over places. An LSTM reads the three codes.

    Each segment is first centred on its own mean level (log power, so a gain is a shift), so that
    the convolutions see shape and rhythm, and no microvolts. Its levels in four bands go past
    them to the code. The head sees them relative to the mean of the window and relative to the
    background of the recording (:mod:`eegdash.networks.levels`).

    Parameters
    ----------
    n_channels, n_freqs, n_frames : int
        Shape of one segment's features.
    width : int
        Number of features of the first convolution; the others follow from it.
    dimension : int
        Length of the code of a segment, its levels included.
    usual_level : sequence of float, optional
        Background of the recordings of the training, by band, in the unit of the features.

    Attributes
    ----------
    layers : tuple of str
        Modules for attribution and mechanism. The output of ``conv1`` .. ``conv3`` is
        (n_segments, units, n_channels, frequency, time); of ``code`` (n_segments, units); of
        ``lstm`` (n_windows, 3, units) as first element of a tuple; of ``dense`` (n_windows, units).
    cam_layer : str
        The last convolution.

    Notes
    -----
    CNN and LSTM over EEG spectrograms: Thodoroff P. et al. 2016 (arXiv 1608.00220).
    """

    layers: tuple[str, ...] = ("conv1", "conv2", "conv3", "code", "lstm", "dense")
    cam_layer: str = "conv3"

    def __init__(
        self,
        *,
        n_channels: int = 18,
        n_freqs: int = 40,
        n_frames: int = 9,
        width: int = 8,
        dimension: int = 48,
        usual_level: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.n_channels, self.n_freqs, self.n_frames = n_channels, n_freqs, n_frames
        self.width, self.dimension = width, dimension
        self.usual_level = as_usual(usual_level)
        # Kernels of depth 1 along the derivations: nothing mixes them before the pooling.
        self.conv1 = nn.Conv3d(1, width, (1, 5, 3), stride=(1, 2, 2), padding=(0, 2, 1))
        self.conv2 = nn.Conv3d(width, 2 * width, (1, 3, 3), stride=(1, 2, 1), padding=(0, 1, 1))
        self.conv3 = nn.Conv3d(2 * width, 3 * width, (1, 3, 3), stride=(1, 1, 2), padding=(0, 1, 1))
        # Without them, gradient steps were seen to silence all units of this small network.
        self.norm1 = nn.BatchNorm3d(width)
        self.norm2 = nn.BatchNorm3d(2 * width)
        self.norm3 = nn.BatchNorm3d(3 * width)
        units = 3 * width
        bands = -(-n_freqs // 4)
        self.profile = nn.Linear(units * bands, units)
        self.places = nn.Linear(n_channels * units, units)
        self.drop = nn.Dropout(0.2)
        self.code = nn.Linear(3 * units, dimension - N_LEVELS)
        self.lstm = nn.LSTM(dimension + N_LEVELS, dimension, batch_first=True)
        self.dense = nn.Linear(dimension, dimension // 2)
        self.out = nn.Linear(dimension // 2, 1)
        self.level = nn.Linear(3 * 2 * N_LEVELS, 1)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one segment's features: (n_channels, n_freqs, n_frames)."""
        return self.n_channels, self.n_freqs, self.n_frames

    def parameters_dict(self) -> dict[str, int | list[float]]:
        """Return the constructor's arguments."""
        return {
            "n_channels": self.n_channels,
            "n_freqs": self.n_freqs,
            "n_frames": self.n_frames,
            "width": self.width,
            "dimension": self.dimension,
            "usual_level": list(self.usual_level),
        }

    def encode(self, features: Tensor) -> Tensor:
        """Return the codes (n, dimension) of segments (n, n_channels, n_freqs, n_frames)."""
        level = features.mean(dim=(1, 2, 3), keepdim=True)
        # What lies far below says more of filters and amplifiers than of the brain, and
        # the floor under a silent derivation would depend on the gain.
        maps = (features - level).clamp(-_BELOW, _ABOVE).unsqueeze(1)
        maps = torch.relu(self.norm1(self.conv1(maps)))
        maps = torch.relu(self.norm2(self.conv2(maps)))
        maps = torch.relu(self.norm3(self.conv3(maps)))
        # mean over time; frequency is kept, for where a rhythm lies is what matters
        profile = maps.mean(dim=4).permute(0, 2, 1, 3).flatten(2)
        local = torch.relu(self.profile(self.drop(profile)))
        places = torch.relu(self.places(local.flatten(1)))
        joined = torch.cat([local.amax(dim=1), local.mean(dim=1), places], dim=1)
        code = torch.relu(self.code(self.drop(joined)))
        return torch.cat([code, self.levels(features)], dim=1)

    def levels(self, features: Tensor) -> Tensor:
        """Return the levels (n, n_levels) of segments (n, *input_shape)."""
        return of_log_power(features)

    def joined(self, codes: Tensor, seen: Tensor) -> Tensor:
        """Return what the recurrent layer says (n, dimension) after the three segments."""
        sequence: Tensor = self.lstm(torch.cat([codes, seen], dim=2))[0]
        return sequence[:, -1]
