"""Where the units of a network are, and how one number per window is made of their output.

A *unit* is a feature map of a convolution, or one output of a dense or recurrent layer. Its
*activation* is what the next layer receives: after batch normalisation and rectification where the
network has them, so that zero means silent. In both shipped networks the convolutions are shared
over the derivations, so that one unit answers at every derivation, frequency and time; a
:data:`SUMMARIES` says how these answers become one number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eegdash.errors import CheckpointError
from eegdash.networks.hooks import hooked

if TYPE_CHECKING:
    from torch import Tensor, nn

SUMMARIES: dict[str, str] = {
    "mean": "mean over derivations, frequency, time and the three segments of a window",
    "max": "strongest answer at any derivation, frequency, time and segment of a window",
}
"""How the answers of one unit in one window become one number."""

MAP, SEGMENT, SEQUENCE, WINDOW = "map", "segment", "sequence", "window"
_NUMBERED = re.compile(r"conv(\w+)")


@dataclass(frozen=True, slots=True)
class Site:
    """One named layer: which module carries it, and the shape of what comes out.

    Parameters
    ----------
    layer : str
        Name in the network's ``layers``.
    module : str
        Module whose output is recorded and altered: the batch normalisation of a convolution
        that has one.
    rectified : bool
        The next layer receives only the positive part.
    n_units : int
    kind : str
        ``map`` (n_segments, units, ...), ``segment`` (n_segments, units), ``sequence``
        (n_windows, 3, units), of which the last step counts, or ``window`` (n_windows, units).
    """

    layer: str
    module: str
    rectified: bool
    n_units: int
    kind: str

    @property
    def in_encoder(self) -> bool:
        """Whether the layer works on segments, before the head joins three of them."""
        return self.kind in (MAP, SEGMENT)

    @property
    def unit_axis(self) -> int:
        """Axis of the units in the module's output."""
        return 2 if self.kind == SEQUENCE else 1

    def values(self, output: Any) -> Tensor:
        """Return the activations in an output of the module, rectified where the network does."""
        found = tensor_of(output)
        return found.relu() if self.rectified else found


def tensor_of(output: Any) -> Tensor:
    """Return the tensor of a module's output; an LSTM gives it as first element of a tuple."""
    found: Tensor = output[0] if isinstance(output, tuple) else output
    return found


def sites(network: nn.Module) -> tuple[Site, ...]:
    """Return the sites of a network's named layers, in the order of its ``layers``.

    A network may say itself where its units are, by an attribute ``activation_sites``: layer ->
    (module, rectified). Otherwise a convolution ``convX`` with a module ``normX`` and a dense
    layer count as rectified, as in the shipped networks, and all else is taken as it is.

    Raises
    ------
    CheckpointError
        If a named layer does not exist, or is not passed through once.
    """
    import torch

    stated: Mapping[str, tuple[str, bool]] = getattr(network, "activation_sites", {})
    modules = dict(network.named_modules())
    layers = tuple(getattr(network, "layers", ()))
    places = {layer: stated.get(layer) or _place(layer, modules) for layer in layers}
    shapes: dict[str, tuple[int, ...]] = {}
    runs: Counter[str] = Counter()

    def note(name: str) -> Any:
        def noted(module: nn.Module, inputs: Any, output: Any) -> None:
            shapes[name] = tensor_of(output).shape
            runs[name] += 1

        return noted

    shape = tuple(getattr(network, "input_shape"))  # noqa: B009 - unknown to nn.Module
    missing = sorted(name for name, _ in places.values() if name not in modules)
    if missing:
        raise CheckpointError(
            f"The network names the layer {missing[0]}, but has none. Correct its list of layers."
        )
    with torch.inference_mode(), hooked({modules[n]: note(n) for n, _ in places.values()}):
        codes = network.encode(torch.zeros(6, *shape))  # type: ignore[operator]
        in_encoder = set(shapes)
        network.head(codes.reshape(2, 3, -1))  # type: ignore[operator]
    found = []
    for layer, (name, rectified) in places.items():
        if name not in shapes:
            raise CheckpointError(
                f"The layer {layer} takes no part in the network's answer. "
                "Correct its list of layers."
            )
        if runs[name] > 1:
            raise CheckpointError(
                f"The layer {layer} runs {runs[name]} times for one answer of the network, so its "
                "units have no answer of their own. Leave it out of its list of layers."
            )
        kind = _kind(shapes[name], name in in_encoder)
        axis = 2 if kind == SEQUENCE else 1
        found.append(Site(layer, name, rectified, int(shapes[name][axis]), kind))
    return tuple(found)


def site_of(network: nn.Module, layer: str) -> Site:
    """Return the site of one layer.

    Raises
    ------
    CheckpointError
        If the network has no layer of that name.
    """
    for site in sites(network):
        if site.layer == layer:
            return site
    known = ", ".join(getattr(network, "layers", ())) or "none"
    raise CheckpointError(f"The network has no layer {layer}. It names: {known}.")


def _place(layer: str, modules: Mapping[str, nn.Module]) -> tuple[str, bool]:
    from torch import nn

    numbered = _NUMBERED.fullmatch(layer)
    if numbered and f"norm{numbered[1]}" in modules:
        return f"norm{numbered[1]}", True
    return layer, isinstance(modules.get(layer), nn.Linear)


def _kind(shape: tuple[int, ...], in_encoder: bool) -> str:
    if in_encoder:
        return MAP if len(shape) > 2 else SEGMENT
    return SEQUENCE if len(shape) == 3 else WINDOW


def summarised(site: Site, values: Tensor, summary: str) -> Tensor:
    """Return one number per unit: (n_segments, units), or (n_windows, units) in the head.

    Parameters
    ----------
    site : Site
    values : Tensor
        From :meth:`Site.values`.
    summary : str
        ``mean`` or ``max``.
    """
    if site.kind == SEQUENCE:
        return values[:, -1]  # only the last step reaches the head
    if site.kind != MAP:
        return values
    dims = tuple(range(2, values.ndim))
    return values.amax(dim=dims) if summary == "max" else values.mean(dim=dims)


def by_place(site: Site, values: Tensor, n_channels: int) -> Tensor | None:
    """Return the mean answer by derivation, (n_segments, units, n_channels).

    None where the layer keeps no derivations apart.
    """
    if site.kind != MAP or values.ndim < 4 or values.shape[2] != n_channels:
        return None
    return values.mean(dim=tuple(range(3, values.ndim)))
