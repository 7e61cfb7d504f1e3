"""A network with its config: numpy in, numpy out."""

from __future__ import annotations

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

    def head(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (n,) of windows from the codes (n, 3, dimension) of their segments."""
        return self._run("head", embeddings)

    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (n,) of windows (n, 3, *input_shape)."""
        return self._run("forward", windows)

    def probability(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return calibrated probabilities: ``sigmoid(logit / temperature)``."""
        scaled = np.asarray(logits, dtype=np.float64) / self.config.temperature
        # tanh keeps large logits from overflowing
        return np.asarray(0.5 + 0.5 * np.tanh(scaled / 2))

    def _run(self, method: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
            result: NDArray[np.float32] = getattr(self.network, method)(tensor).numpy()
        return result
