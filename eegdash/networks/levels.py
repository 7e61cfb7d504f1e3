"""Levels of a segment in bands, and the background of a recording that they are held against.

What is large for one recording is usual for another. A reader who has seen a whole recording
judges by its own background; a reader who has seen ten seconds of it can only judge by what is
usual. :func:`background_of` does both: it is the recording's own quiet level, drawn towards the
usual one as far as the recording may be nothing but a seizure.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, log10

import torch
from torch import Tensor, nn

BANDS_HZ: tuple[tuple[int, int], ...] = ((1, 4), (4, 8), (8, 16), (16, 33))
"""Bands of the levels, Hz, half open: about the same width on a logarithmic axis."""
N_LEVELS = len(BANDS_HZ)
QUIET = 0.1
"""The quiet level is this quantile over the segments of a recording."""
OUTLASTING_S = 43.0
"""Half of the seizures are over after this time, s."""
OUTLASTING_SHAPE = 3.0
"""Of a log-logistic distribution of seizure lengths. To the 198 seizures in the summaries of the
CHB-MIT database (doi:10.13026/C2K01R) 43 s and 2.2 fit best. The tail is taken shorter, so that
little is left of an amplifier's gain in recordings of minutes."""
LOUDEST = 4.0
"""Levels are held to this many units above and below the background, so that an artefact of some
mV does not decide by itself; about decades of power."""
_STEP_S = 1.5
_LEAST_UV2 = 1e-9  # of a segment without any signal


def evidence_share(n_segments: int) -> float:
    """Return how far the quiet level of a recording may be trusted to be its background.

    It is the probability that a seizure fills less than ``1 - QUIET`` of the recording, were
    there one: ``1 / (1 + (OUTLASTING_S / length) ** OUTLASTING_SHAPE)``. 0.004 for 10 s, 0.6
    for 1 min, 0.98 for 3 min.
    """
    if not n_segments:
        return 0.0
    length_s = (1 - QUIET) * _STEP_S * n_segments
    return float(1 / (1 + (OUTLASTING_S / length_s) ** OUTLASTING_SHAPE))


def background_of(levels: Tensor, usual: Tensor) -> Tensor:
    """Return the background of a recording: its quiet level, or the usual one where it is short.

    ``w q + (1 - w) usual`` with ``w`` of :func:`evidence_share` and ``q`` the quantile
    :data:`QUIET`. A gain that shifts all levels by ``g`` moves it by ``w g``: in minutes next to
    nothing is left of an amplifier's gain, in ten seconds most is.

    Parameters
    ----------
    levels : Tensor, shape (n_segments, n_levels)
        Of the segments that may be scored; there may be none.
    usual : Tensor, shape (n_levels,)

    Returns
    -------
    Tensor, shape (n_levels,)
    """
    if not len(levels):
        return usual
    share = evidence_share(len(levels))
    return share * torch.quantile(levels, QUIET, dim=0) + (1 - share) * usual


def of_log_power(features: Tensor) -> Tensor:
    """Return the levels (n, n_levels) of log power (n, n_channels, n_freqs, n_frames).

    Its frequencies are 1, 2, 3 ... Hz. In each band the power is averaged over derivations,
    frequencies and frames, so that what is large in some of them is seen. The level is in the
    unit of the features, and shifts with them.
    """
    found = []
    for low, high in BANDS_HZ:
        band = features[:, :, low - 1 : high - 1].flatten(1)
        # log10 of the mean of 10**values, without overflow
        found.append(torch.logsumexp(band * log(10), dim=1) / log(10) - log10(band.shape[1]))
    return torch.stack(found, dim=1)


def of_samples(features: Tensor, sfreq: float) -> Tensor:
    """Return the levels (n, n_levels), log10 uV^2, of samples (n, n_channels, n_samples), uV."""
    n_samples = features.shape[2]
    taper = torch.hann_window(n_samples, dtype=features.dtype, device=features.device)
    spectrum = torch.fft.rfft(features * taper, dim=2)
    power = (spectrum.real**2 + spectrum.imag**2).mean(dim=1)
    freqs_hz = torch.fft.rfftfreq(n_samples, 1 / sfreq, device=features.device)
    # Parseval: one side of the spectrum, of which a Hann window leaves 3/8
    scale = 2 / (0.375 * n_samples**2)
    found = []
    for low, high in BANDS_HZ:
        inside = (freqs_hz >= low) & (freqs_hz < high)
        found.append(torch.log10(scale * power[:, inside].sum(dim=1) + _LEAST_UV2))
    return torch.stack(found, dim=1)


def level_inputs(levels: Tensor, background: Tensor) -> Tensor:
    """Return what a head sees of the levels (n, 3, n_levels) of windows: (n, 3, 2 n_levels).

    First relative to the mean of the window, then relative to the background, (n_levels,) or
    (n, n_levels).
    """
    change = levels - levels.mean(dim=1, keepdim=True)
    above = levels - (background[:, None] if background.ndim == 2 else background)
    return torch.cat([change, above.clamp(-LOUDEST, LOUDEST)], dim=2)


def as_usual(levels: Sequence[float] | None) -> tuple[float, ...]:
    """Return the usual levels as a tuple; zeros where none are given."""
    found = tuple(float(value) for value in levels or (0.0,) * N_LEVELS)
    if len(found) != N_LEVELS:
        raise ValueError(f"usual_level has {len(found)} values; it needs {N_LEVELS}")
    return found


class JudgesByBackground(nn.Module):
    """What networks share that hold a window's levels against the recording's background.

    A subclass makes the modules named below, encodes segments, and joins the segments of a window.

    Attributes
    ----------
    usual_level : tuple of float
        Background of the recordings of the training, by band.
    drop, dense, out : nn.Module
        From the joined segments to the logit by all that is seen.
    level : nn.Linear
        From the levels of the three segments to the logit by the levels alone.
    """

    usual_level: tuple[float, ...]
    drop: nn.Dropout
    dense: nn.Linear
    out: nn.Linear
    level: nn.Linear

    @property
    def n_levels(self) -> int:
        """How many of the last values of a code are levels."""
        return N_LEVELS

    def encode(self, features: Tensor) -> Tensor:
        """Return the codes (n, dimension) of segments (n, *input_shape)."""
        raise NotImplementedError

    def joined(self, codes: Tensor, seen: Tensor) -> Tensor:
        """Return what ``dense`` gets of codes (n, 3, units) and levels (n, 3, 2 n_levels)."""
        raise NotImplementedError

    def background(self, levels: Tensor) -> Tensor:
        """Return the background (n_levels,) from the levels (n, n_levels) of a recording."""
        usual = torch.tensor(self.usual_level, dtype=levels.dtype, device=levels.device)
        return background_of(levels, usual)

    def experts(self, embeddings: Tensor, background: Tensor | None = None) -> Tensor:
        """Return the logits (n, 2) of windows: by all that is seen, and by the levels alone."""
        codes, levels = embeddings[..., :-N_LEVELS], embeddings[..., -N_LEVELS:]
        if background is None:
            background = self.background(levels[:0, 0])
        seen = level_inputs(levels, background)
        hidden = torch.relu(self.dense(self.drop(self.joined(codes, seen))))
        return torch.cat([self.out(hidden), self.level(seen.flatten(1))], dim=1)

    def head(self, embeddings: Tensor, background: Tensor | None = None) -> Tensor:
        """Return the logits (n,) of windows from codes (n, 3, dimension): the sum of the experts.

        Without a background, (n_levels,) or (n, n_levels), the usual one is taken.
        """
        return self.experts(embeddings, background).sum(dim=1)

    def forward(self, window_features: Tensor, background: Tensor | None = None) -> Tensor:
        """Return the logits (n,) of windows (n, 3, *input_shape)."""
        n = window_features.shape[0]
        codes = self.encode(window_features.flatten(0, 1))
        return self.head(codes.reshape(n, 3, -1), background)
