"""How the network is called: the one place of this package that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def encode(network: nn.Module, features: Tensor) -> Tensor:
    """Return the codes (n, dimension) of segments (n, *input_shape)."""
    codes: Tensor = network.encode(features)  # type: ignore[operator]
    return codes


def head(network: nn.Module, codes: Tensor) -> Tensor:
    """Return the seizure logits (n,) of windows from the codes (n, 3, dimension)."""
    logits: Tensor = network.head(codes)  # type: ignore[operator]
    return logits


def window_logits(network: nn.Module, windows: Tensor) -> Tensor:
    """Return the seizure logits (n,) of windows (n, 3, *input_shape)."""
    codes = encode(network, windows.flatten(0, 1))
    return head(network, codes.reshape(len(windows), 3, -1))


def levels(network: nn.Module, features: Tensor) -> Tensor:
    """Return the levels (n, n_levels) of segments, of a network whose codes carry them."""
    found: Tensor = network.levels(features)  # type: ignore[operator]
    return found
