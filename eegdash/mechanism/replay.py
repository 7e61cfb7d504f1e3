"""Run the encoder from a module on, with the output of that module known already.

Testing 100 ensembles of one layer would compute the layers before it 100 times. Here these are
replaced by stand-ins that hand their input on, and the module by what it is to give. That this
gives the same codes is checked once, by two ways of leaving things out; where neither does, the
whole encoder runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eegdash.mechanism import calls
from eegdash.mechanism.layers import tensor_of
from eegdash.networks.hooks import hooked, methods_replaced

if TYPE_CHECKING:
    from torch import Tensor, nn

_REFUSALS = (RuntimeError, ValueError, IndexError, TypeError, AttributeError)
TOLERANCE = 1e-5
"""Codes may differ by rounding: by this much, absolutely and relatively."""


@dataclass(frozen=True, slots=True)
class Started:
    """Segments that went through the encoder once.

    Parameters
    ----------
    features : Tensor, shape (n, *input_shape)
    levels : Tensor or None, shape (n, n_levels)
        Of a network whose codes carry the levels of the segment.
    codes : Tensor, shape (n, dimension)
    kept : mapping of Module to Tensor
        Raw outputs of the modules that were asked for.
    """

    features: Tensor
    levels: Tensor | None
    codes: Tensor
    kept: Mapping[nn.Module, Tensor]

    def part(self, rows: slice) -> Started:
        """Return some of the segments."""
        return Started(
            self.features[rows],
            None if self.levels is None else self.levels[rows],
            self.codes[rows],
            {module: output[rows] for module, output in self.kept.items()},
        )


class Replay:
    """The part of an encoder behind one module.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    module : Module
        In the encoder, called once in a pass.
    """

    def __init__(self, network: nn.Module, module: nn.Module) -> None:
        import torch

        self.network, self.module = network, module
        # a network within another is asked through it, but computes by its own methods
        self._owner = getattr(network.encode, "__self__", network)
        self._gives_levels = callable(getattr(network, "levels", None))
        self._before = _modules_before(network, module)
        shape = tuple(getattr(network, "input_shape"))  # noqa: B009
        generator = torch.Generator().manual_seed(0)
        features = torch.randn(4, *shape, generator=generator)
        self._of_one = self._agrees(features, of_one=True)
        self.possible = self._of_one or self._agrees(features, of_one=False)

    def start(self, features: Tensor, *also: nn.Module) -> Started:
        """Run the whole encoder once, and keep what the module and others give.

        Parameters
        ----------
        features : Tensor, shape (n, *input_shape)
        *also : Module
        """
        kept: dict[nn.Module, Tensor] = {}

        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            kept[module] = tensor_of(output).clone()

        with hooked(dict.fromkeys((self.module, *also), keep)):
            codes = calls.encode(self.network, features)
        levels = calls.levels(self.network, features) if self._gives_levels else None
        return Started(features, levels, codes, kept)

    def codes(self, started: Started, output: Tensor) -> Tensor:
        """Return the codes of segments if the module gave ``output``.

        Parameters
        ----------
        started : Started
        output : Tensor
            Of the segments of ``started``, or several answers for each of them one after the other:
            (k * n, ...). Then the codes are (k * n, dimension).
        """
        times = len(output) // len(started.features)
        if not self.possible:
            features = started.features.repeat(times, *[1] * (started.features.ndim - 1))
            with hooked({self.module: lambda m, i, o: output}):
                return calls.encode(self.network, features)
        with self._stand_ins(output, started.levels, times):
            return calls.encode(self.network, self._handed(started.features, times, self._of_one))

    def _handed(self, features: Tensor, times: int, of_one: bool) -> Tensor:
        """What the encoder is given: nothing of it is used where one segment stands for all."""
        if of_one:
            return features[:1]
        return features.repeat(times, *[1] * (features.ndim - 1))

    @contextmanager
    def _stand_ins(self, output: Tensor, levels: Tensor | None, times: int) -> Iterator[None]:
        methods: dict[tuple[nn.Module, str], Callable[..., Any]] = {
            (module, "forward"): _hand_on for module in self._before
        }
        methods[self.module, "forward"] = lambda *inputs: output
        if levels is not None:
            known = levels.repeat(times, 1)
            methods[self._owner, "levels"] = lambda features: known
        with methods_replaced(methods):
            yield

    def _agrees(self, features: Tensor, *, of_one: bool) -> bool:
        """Whether two answers for each of some segments give the codes that they should."""
        import torch

        with torch.inference_mode():
            started = self.start(features)
            other = self.start(features.flip(0))
            output = torch.cat([started.kept[self.module], other.kept[self.module]])
            with hooked({self.module: lambda m, i, o: output[len(features) :]}):
                changed = calls.encode(self.network, features)
            expected = torch.cat([started.codes, changed])
            try:
                with self._stand_ins(output, started.levels, 2):
                    found = calls.encode(self.network, self._handed(features, 2, of_one))
            except _REFUSALS:
                return False
        return found.shape == expected.shape and bool(
            torch.allclose(found, expected, atol=TOLERANCE, rtol=TOLERANCE)
        )


def _modules_before(network: nn.Module, module: nn.Module) -> list[nn.Module]:
    """Modules without children that ran before the given one, in one pass."""
    order = order_of(network)
    before, after = order[: order.index(module)], set(order[order.index(module) :])
    # a module that runs again later, such as a shared dropout, is left as it is
    return [m for m in dict.fromkeys(before) if m not in after]


def order_of(network: nn.Module) -> list[nn.Module]:
    """Return the modules without children in the order in which the encoder calls them."""
    import torch

    order: list[nn.Module] = []
    leaves = [m for m in network.modules() if not list(m.children())]
    shape = tuple(getattr(network, "input_shape"))  # noqa: B009
    with (
        torch.inference_mode(),
        hooked({m: lambda module, i, o: order.append(module) for m in leaves}),
    ):
        calls.encode(network, torch.zeros(2, *shape))
    return order


def _hand_on(given: Any, *_: Any) -> Any:
    return given
