"""How the maps call the network: one function, one lock, hooks that are always removed."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from eegdash.attribution.maps import Progress
from eegdash.checkpoints import Detector
from eegdash.networks.hooks import hooked
from eegdash.networks.threads import one_thread

LogitFunction = Callable[[Tensor], Tensor]

# Hooks, and the random numbers that Captum draws from NumPy's global state, belong to the whole
# process: two readers' maps are computed one after the other.
_ONE_AT_A_TIME = threading.RLock()


def window_logits(network: nn.Module, windows: Tensor) -> Tensor:
    """Return the logits (n,) of windows (n, 3, *input_shape): the only call of a network here."""
    logits: Tensor = network(windows)
    return logits


@contextmanager
def at_work(network: nn.Module, *, seed: int = 0) -> Iterator[None]:
    """Hold the network alone, in evaluation mode, with seeded random numbers; restore all after.

    Gradients of parameters are off meanwhile (only inputs and activations are explained), and
    training mode, gradient flags, hooks and random states are as before, also after a failure.
    """
    with _ONE_AT_A_TIME:
        modes = {module: module.training for module in network.modules()}
        flags = {parameter: parameter.requires_grad for parameter in network.parameters()}
        hooks = {module: _hooks_of(module) for module in network.modules()}
        numpy_state = np.random.get_state()
        try:
            network.eval()
            network.requires_grad_(False)
            np.random.seed(seed)
            with one_thread(), torch.random.fork_rng(devices=[]), torch.enable_grad():
                torch.manual_seed(seed)
                yield
        finally:
            np.random.set_state(numpy_state)
            for module, training in modes.items():
                module.training = training
                _restore_hooks(module, hooks[module])
            for parameter, flag in flags.items():
                parameter.requires_grad_(flag)


_HOOK_TABLES = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
)


def _hooks_of(module: nn.Module) -> dict[str, set[int]]:
    return {table: set(getattr(module, table)) for table in _HOOK_TABLES}


def _restore_hooks(module: nn.Module, before: dict[str, set[int]]) -> None:
    """Remove what a library left behind when it failed half-way."""
    for table, kept in before.items():
        hooks = getattr(module, table)
        for key in [key for key in hooks if key not in kept]:
            del hooks[key]


class _Rectified(TorchFunctionMode):
    """Keeps what the first rectifier after the layer gives, written as module or as function."""

    def __init__(self, seen: list[Tensor]) -> None:
        super().__init__()
        self.seen = seen
        self.expected = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if self.expected and func in _RECTIFIERS:
            self.seen[-1] = result
            self.expected = False
        elif self.expected and func in _NEXT_LAYERS:
            self.expected = False
        return result


_RECTIFIERS = (torch.relu, torch.relu_, torch.nn.functional.relu, Tensor.relu, Tensor.relu_)
_NEXT_LAYERS = (
    torch.conv1d,
    torch.conv2d,
    torch.conv3d,
    torch.nn.functional.linear,
    torch.lstm,
    torch.gru,
)


@contextmanager
def layer_output(network: nn.Module, layer: str) -> Iterator[list[Tensor]]:
    """Collect the activations of a named layer while the network runs; the hook goes in any case.

    Activations are what later layers are given: the output after the rectifier that follows
    before the next layer with weights, or the layer's own output where none follows. (Before it,
    normalisation has not yet set the zero of the maps that class activation maps rest on.)

    Yields
    ------
    list of Tensor
        Filled call by call.
    """
    seen: list[Tensor] = []
    mode = _Rectified(seen)

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        seen.append(output)
        mode.expected = True

    with hooked({network.get_submodule(layer): keep}), mode:
        yield seen


def told(network: nn.Module, progress: Progress | None, n_windows: int) -> LogitFunction:
    """Return the network as a function that tells how far it is; what that raises, stops.

    Parameters
    ----------
    network : torch.nn.Module
    progress : callable or None
    n_windows : int
        How many windows will be asked in all.
    """
    done = 0

    def logits(windows: Tensor) -> Tensor:
        nonlocal done
        result = window_logits(network, windows)
        done += len(windows)
        if progress is not None:
            progress(min(done / max(n_windows, 1), 1.0))
        return result

    return logits


def logits_of(
    detector: Detector, windows: NDArray[np.float32], *, batch: int = 64
) -> NDArray[np.float64]:
    """Return the logits (n,) of windows (n, 3, *input_shape), without gradients."""
    with _ONE_AT_A_TIME, one_thread(), torch.inference_mode():
        parts = [
            window_logits(detector.network, torch.from_numpy(np.ascontiguousarray(part)))
            for part in np.split(windows, range(batch, len(windows), batch))
        ]
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float64)


def randomised(network: nn.Module, seed: int) -> nn.Module:
    """Return a copy whose weights are shuffled within each tensor.

    Nothing learned is left, while the sizes of weights, and so of activations, stay. Running
    statistics of normalisation layers stay as they are.
    """
    twin = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in twin.parameters():
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order].reshape(parameter.shape))
    return twin.eval()
