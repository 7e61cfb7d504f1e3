"""A layer under many interventions at once: what lies before it runs once, what follows in blocks.

A convolution, and the batch normalisation behind it, are linear in what the units before it answer:
taking away the answer ``a`` of unit ``u`` and putting ``r`` in its place changes their output by
``s W_u * (r - a)``, whatever the other units do. Where a layer's answers go straight into a
convolution, these differences are computed once for each unit and added up for each ensemble, and
only what lies behind the next rectifier runs for every ensemble. The sums are exact but for
rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eegdash.mechanism import calls
from eegdash.mechanism.layers import Site, tensor_of
from eegdash.mechanism.replay import Replay, Started, order_of
from eegdash.networks.hooks import hooked

if TYPE_CHECKING:
    from torch import Tensor, nn

    from eegdash.mechanism.silencing import Altering, Intervention

ROWS = 64
"""Segments times ensembles that run at once: their maps stay near the processor."""
_SEGMENTS = 8


class Differences:
    """Runs a layer of the encoder, and what follows it, under interventions.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    site : Site
        In the encoder.

    Attributes
    ----------
    by_sums : bool
        Whether a convolution follows whose output is a sum over the units.
    replay : Replay
        What runs for every ensemble.
    """

    def __init__(self, network: nn.Module, site: Site) -> None:
        self.site = site
        self._layer = network.get_submodule(site.module)
        self._convolution: Any = None
        found = _next_convolution(network, site, self._layer)
        if found is not None:
            convolution, norm = found
            self.replay = Replay(network, norm or convolution)
            if self.replay.possible:
                self._convolution = convolution
                self._weight = _weight_by_unit(convolution, norm)
        self.by_sums = self._convolution is not None
        if not self.by_sums:
            self.replay = Replay(network, self._layer)

    def start(self, features: Tensor) -> Started:
        """Run the whole encoder once, and keep what is needed of it."""
        return self.replay.start(features, self._layer)

    def codes(
        self,
        started: Started,
        altering: Altering,
        interventions: Sequence[Intervention],
        *,
        offset: int,
    ) -> Tensor:
        """Return the codes of segments under interventions, (n_interventions, n, dimension).

        Parameters
        ----------
        started : Started
            From :meth:`start`.
        altering : Altering
        interventions : sequence of Intervention
            Of this layer and of one mode.
        offset : int
            Index of the first segment in its recording.
        """
        answers = self.site.values(started.kept[self._layer])
        change = altering.replacements(interventions[0].mode, answers, offset=offset) - answers
        doses = self._doses(interventions)
        found = started.codes.new_empty(len(doses), *started.codes.shape)
        for first in range(0, len(answers), _SEGMENTS):
            part = slice(first, min(first + _SEGMENTS, len(answers)))
            self._into(found[:, part], started.part(part), answers[part], change[part], doses)
        return found

    def _into(
        self, found: Tensor, part: Started, answers: Tensor, change: Tensor, doses: Tensor
    ) -> None:
        """Fill in the codes of some segments, so many ensembles at once."""
        import torch

        n = len(answers)
        base, each = (
            (part.kept[self.replay.module], self._by_unit(change))
            if self.by_sums
            else (answers, change)
        )
        step = max(ROWS // n, 1)
        for first in range(0, len(doses), step):
            some = doses[first : first + step]
            if self.by_sums:
                flat = base.reshape(1, -1).expand(len(some), -1)
                output = torch.addmm(flat, some, each)
            else:
                output = base + some.reshape(len(some), 1, -1, *[1] * (base.ndim - 2)) * each
            codes = self.replay.codes(part, output.reshape(-1, *base.shape[1:]))
            found[first : first + step] = codes.reshape(len(some), n, -1)

    def _by_unit(self, change: Tensor) -> Tensor:
        """Return what the change of each unit alone adds, (n_units, n * outputs)."""
        import torch.nn.functional as F  # noqa: N812 - its usual name

        function = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}[change.ndim]
        conv: Any = self._convolution
        n, n_units = change.shape[:2]
        found = function(
            change, self._weight, None, conv.stride, conv.padding, conv.dilation, n_units
        )
        return found.reshape(n, n_units, -1).transpose(0, 1).reshape(n_units, -1)

    def _doses(self, interventions: Sequence[Intervention]) -> Tensor:
        """Return how far each unit is replaced, (n_interventions, n_units)."""
        import torch

        found = torch.zeros(len(interventions), self.site.n_units)
        for row, intervention in zip(found, interventions, strict=True):
            row[intervention.altered_units(self.site.n_units)] = intervention.dose
        return found


def _next_convolution(
    network: nn.Module, site: Site, layer: nn.Module
) -> tuple[nn.Module, nn.Module | None] | None:
    """Return the convolution that is given the layer's answers and nothing else, and its norm."""
    from torch import nn

    order = order_of(network)
    if order.count(layer) != 1:
        return None
    behind = order[order.index(layer) + 1 :]
    if not behind or order.count(behind[0]) != 1 or not _is_plain(behind[0]):
        return None
    if not _is_given(network, site, layer, behind[0]):
        return None
    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    if len(behind) > 1 and isinstance(behind[1], norms) and order.count(behind[1]) == 1:
        norm = behind[1]
        if norm.track_running_stats and _follows(network, behind[0], norm):
            return behind[0], norm
    return behind[0], None


def _is_plain(module: nn.Module) -> bool:
    from torch import nn

    return (
        isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)
        and module.groups == 1
        and module.padding_mode == "zeros"
    )


def _is_given(network: nn.Module, site: Site, layer: nn.Module, convolution: nn.Module) -> bool:
    """Whether a convolution is given the answers of the layer, as they are."""
    import torch

    seen: dict[str, Tensor] = {}
    hooks = {
        layer: lambda m, i, o: seen.__setitem__("answers", site.values(o).clone()),
        convolution: lambda m, i, o: seen.__setitem__("given", i[0].clone()),
    }
    _probe(network, hooks)
    return seen["answers"].shape == seen["given"].shape and torch.equal(
        seen["answers"], seen["given"]
    )


def _follows(network: nn.Module, convolution: nn.Module, norm: nn.Module) -> bool:
    """Whether a normalisation is given the output of a convolution, as it is."""
    import torch

    seen: dict[str, Tensor] = {}
    hooks = {
        convolution: lambda m, i, o: seen.__setitem__("output", tensor_of(o).clone()),
        norm: lambda m, i, o: seen.__setitem__("given", i[0].clone()),
    }
    _probe(network, hooks)
    return torch.equal(seen["output"], seen["given"])


def _probe(network: nn.Module, hooks: Any) -> None:
    import torch

    shape = tuple(getattr(network, "input_shape"))  # noqa: B009
    generator = torch.Generator().manual_seed(1)
    with torch.inference_mode(), hooked(hooks):
        calls.encode(network, torch.randn(3, *shape, generator=generator))


def _weight_by_unit(convolution: nn.Module, norm: nn.Module | None) -> Tensor:
    """Return the weights as a convolution of one group for each unit, scaled as the norm does."""
    conv: Any = convolution
    weight: Tensor = conv.weight.detach()
    if norm is not None:
        known: Any = norm
        scale = (known.running_var + known.eps).rsqrt()
        if known.affine:
            scale = scale * known.weight.detach()
        weight = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
    # (outputs, units, ...) -> (units * outputs, 1, ...), grouped by unit
    return weight.transpose(0, 1).reshape(-1, 1, *weight.shape[2:]).contiguous()
