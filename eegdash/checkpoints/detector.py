"""A network with its config: numpy in, numpy out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints.config import DetectorConfig
from eegdash.checkpoints.features import feature_freqs_hz, feature_time_s, segment_features

if TYPE_CHECKING:
    from torch import nn


class Detector:
    """A network with the config it was trained with; numpy in, numpy out.

    Parameters
    ----------
    config : DetectorConfig
    network : torch.nn.Module
        In evaluation mode. Attribution and mechanism go through it, for its gradients and layers.
    """

    def __init__(self, config: DetectorConfig, network: nn.Module) -> None:
        self.config = config
        self.network = network.eval()

    @property
    def layers(self) -> tuple[str, ...]:
        """Named layers for attribution and mechanism."""
        return tuple(getattr(self.network, "layers", ()))

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the features of one segment."""
        shape: tuple[int, ...] = self.network.input_shape  # type: ignore[assignment]
        return shape

    @property
    def freqs_hz(self) -> NDArray[np.float64]:
        """Frequencies of the features' second axis, Hz; empty where derivations are read."""
        return feature_freqs_hz(self.config)

    @property
    def frame_s(self) -> NDArray[np.float64]:
        """Times of the features' last axis, s from the start of a segment: frames or samples."""
        return feature_time_s(self.config)

    def features(
        self, block_uv: NDArray[np.float32], *, usable: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        """Return the features of every segment that fits into a block.

        Parameters
        ----------
        block_uv : ndarray of float32, shape (n_channels, n_samples)
            Derivations at ``config.sfreq``, uV; segment ``j`` starts at ``j * step_s``.
        usable : ndarray of bool, shape (n_segments, n_channels), optional
            An unusable derivation gets what says nothing: of log power the mean of the usable
            ones, of samples zero.

        Returns
        -------
        ndarray of float32, shape (n_segments, *input_shape)
            (n_channels, n_freqs, n_frames) of log power, (n_channels, n_samples) of derivations.
        """
        return segment_features(block_uv, self.config, usable=usable)

    def encode(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the codes (n, dimension) of segments (n, *input_shape)."""
        return self._run("encode", features)

    def background(self, codes: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Return the background of a recording from the codes of its segments.

        Parameters
        ----------
        codes : ndarray of float32, shape (n_segments, dimension)
            Of the segments that may be scored; without any, the background is the usual one.

        Returns
        -------
        ndarray of float32, shape (n_levels,), or None
            None where the network knows no background.
        """
        n_levels = getattr(self.network, "n_levels", 0)
        return self._run("background", codes[:, -n_levels:]) if n_levels else None

    def in_recording(self, background: Sequence[float]) -> Detector:
        """Return this detector as it judges the windows of one recording.

        Parameters
        ----------
        background : sequence of float
            Of :meth:`background`, as kept with a trace; nothing where the network knows none.
        """
        if not len(background):
            return self
        import torch

        from eegdash.networks.in_recording import InRecording

        known = torch.tensor(list(background), dtype=torch.float32)
        return Detector(self.config, InRecording(self.network, known))

    def head(
        self, embeddings: NDArray[np.float32], background: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the logits (n,) of windows from the codes (n, 3, dimension) of their segments.

        The background is that of their recording; without one the usual one is taken.
        """
        return self._run("head", embeddings, background)

    def logits(
        self, windows: NDArray[np.float32], background: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the logits (n,) of windows (n, 3, *input_shape); background as for the head."""
        return self._run("forward", windows, background)

    def probability(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return calibrated probabilities: ``sigmoid(logit / temperature)``."""
        scaled = np.asarray(logits, dtype=np.float64) / self.config.temperature
        # tanh keeps large logits from overflowing
        return np.asarray(0.5 + 0.5 * np.tanh(scaled / 2))

    def _run(
        self,
        method: str,
        values: NDArray[np.float32],
        background: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        import torch

        given = (values,) if background is None else (values, background)
        with torch.inference_mode():
            tensors = [torch.from_numpy(np.ascontiguousarray(v, dtype=np.float32)) for v in given]
            result: NDArray[np.float32] = getattr(self.network, method)(*tensors).numpy()
        return result
