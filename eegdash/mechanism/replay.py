"""Run the encoder from a layer on, with the output of that layer known already.

Testing 100 ensembles of one layer would compute the layers before it 100 times. Here these are
replaced by stand-ins that hand their input on, and the layer itself by what it gave before. That
this gives the same codes is checked once; where it does not, the whole encoder runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from eegdash.mechanism import calls
from eegdash.mechanism.hooks import forwards_replaced, hooked
from eegdash.mechanism.layers import Site, tensor_of

if TYPE_CHECKING:
    from torch import Tensor, nn

_REFUSALS = (RuntimeError, ValueError, IndexError, TypeError, AttributeError)


class Replay:
    """The part of an encoder behind one layer.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    site : Site
        In the encoder.
    """

    def __init__(self, network: nn.Module, site: Site) -> None:
        import torch

        self.network, self.site = network, site
        self._module = network.get_submodule(site.module)
        self._before = self._modules_before()
        shape = tuple(getattr(network, "input_shape"))  # noqa: B009
        generator = torch.Generator().manual_seed(0)
        self.possible = self._agrees(torch.randn(4, *shape, generator=generator))

    def start(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the codes of segments, and the raw output of the layer in this pass."""
        kept: list[Tensor] = []
        with hooked({self._module: lambda m, i, o: kept.append(tensor_of(o).clone())}):
            codes = calls.encode(self.network, features)
        return codes, kept[0]

    def codes(self, features: Tensor, output: Tensor) -> Tensor:
        """Return the codes of segments if the layer gave ``output``."""
        if not self.possible:
            with hooked({self._module: lambda m, i, o: output}):
                return calls.encode(self.network, features)
        with self._stand_ins(output):
            return calls.encode(self.network, features)

    @contextmanager
    def _stand_ins(self, output: Tensor) -> Iterator[None]:
        forwards: dict[nn.Module, Callable[..., Any]] = dict.fromkeys(self._before, _hand_on)
        forwards[self._module] = lambda *inputs: output
        with forwards_replaced(forwards):
            yield

    def _modules_before(self) -> list[nn.Module]:
        """Modules without children that ran before the layer, in one pass."""
        import torch

        order: list[nn.Module] = []
        leaves = [m for m in self.network.modules() if not list(m.children())]
        shape = tuple(getattr(self.network, "input_shape"))  # noqa: B009
        with (
            torch.inference_mode(),
            hooked({m: lambda module, i, o: order.append(module) for m in leaves}),
        ):
            calls.encode(self.network, torch.zeros(2, *shape))
        before = order[: order.index(self._module)]
        after = set(order[order.index(self._module) :])
        # a module that runs again later, such as a shared dropout, is left as it is
        return [m for m in dict.fromkeys(before) if m not in after]

    def _agrees(self, features: Tensor) -> bool:
        import torch

        with torch.inference_mode():
            expected, output = self.start(features)
            try:
                with self._stand_ins(output):
                    found = calls.encode(self.network, features)
            except _REFUSALS:
                return False
        return found.shape == expected.shape and bool(torch.allclose(found, expected, atol=1e-5))


def _hand_on(given: Any, *_: Any) -> Any:
    return given
