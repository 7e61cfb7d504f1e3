"""A network that judges the windows of one recording, whose background it was told once."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class InRecording(nn.Module):
    """The same network, with the background of a recording in place of the usual one.

    Layers and facts are those of the network itself, so that what is asked of windows alone
    (attribution, activations) need not carry a background along.

    Parameters
    ----------
    network : torch.nn.Module
        One that takes a background (:mod:`eegdash.networks`).
    background : Tensor, shape (n_levels,)
    """

    known: Tensor

    def __init__(self, network: nn.Module, background: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("known", background)
        self.train(network.training)

    def forward(self, windows: Tensor) -> Tensor:
        """Return the logits (n,) of windows (n, 3, *input_shape) of the recording."""
        logits: Tensor = self.network(windows, self.known)
        return logits

    def head(self, embeddings: Tensor) -> Tensor:
        """Return the logits (n,) of windows of the recording from codes (n, 3, dimension)."""
        head: Any = self.network.head
        logits: Tensor = head(embeddings, self.known)
        return logits

    def experts(self, embeddings: Tensor) -> Tensor:
        """Return the logits (n, 2) of windows by all that is seen, and by the levels alone."""
        experts: Any = self.network.experts
        logits: Tensor = experts(embeddings, self.known)
        return logits

    def get_submodule(self, target: str) -> nn.Module:
        """Return a layer of the network by name."""
        return self.network.get_submodule(target) if target else self

    def __getattr__(self, name: str) -> Any:
        """Look a fact up in the network."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            network = self.__dict__.get("_modules", {}).get("network")
            if network is None:
                raise
            return getattr(network, name)
