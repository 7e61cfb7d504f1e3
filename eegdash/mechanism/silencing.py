"""Silence or drive units of a network, as the causal test of what they do.

Selectivity of a unit says little about its importance (Morcos A. et al. 2018, arXiv 1803.06959),
so an ensemble is silenced and compared with many random ensembles. The network is altered by hooks
for the length of one call only; what comes out is that of an *altered model*, never the model's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.mechanism import calls
from eegdash.mechanism.differences import Differences
from eegdash.mechanism.layers import Site, tensor_of
from eegdash.networks.hooks import hooked

if TYPE_CHECKING:
    from torch import Tensor, nn

ALTERED = "altered model"
"""What every result of this module is labelled with."""
MODES: dict[str, str] = {
    "mean": "each unit is held at its mean over the reference windows",
    "zero": "each unit is held at zero",
    "resample": "each unit answers as it did to a reference segment that is drawn at random",
    "clamp": "each unit is held at the 95th percentile of its answers (activation)",
}
CLAMP_PERCENTILE = 95.0
_DONORS = 192  # segments; of the first convolution some 18 MB


@dataclass(frozen=True, slots=True)
class Intervention:
    """What is done to which units.

    Parameters
    ----------
    layer : str
    units : tuple of int
    mode : str
        One of :data:`MODES`.
    dose : float
        0 leaves the units as they are, 1 replaces their answer, in between both are mixed.
    keep_only : bool
        The other units of the layer are altered instead, so that these are all that is left.
    """

    layer: str
    units: tuple[int, ...]
    mode: str = "mean"
    dose: float = 1.0
    keep_only: bool = False

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if self.mode not in MODES:
            raise ValueError(f"the mode {self.mode!r} is none of {', '.join(MODES)}")
        if not 0 <= self.dose <= 1:
            raise ValueError(f"a dose lies between 0 and 1, found {self.dose:g}")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {**asdict(self), "units": list(self.units)}

    def altered_units(self, n_units: int) -> list[int]:
        """Return the units of the layer that do not answer by themselves any more."""
        chosen = set(self.units)
        return [k for k in range(n_units) if (k in chosen) != self.keep_only]


@dataclass(frozen=True, slots=True)
class Fill:
    """What silenced units of one layer are replaced by, measured on reference windows.

    Parameters
    ----------
    mean, high : Tensor, shape (n_units,)
        Mean and 95th percentile of the activation over windows and places.
    donors : Tensor
        Activations of some reference segments or windows, as the module gives them.
    """

    mean: Tensor
    high: Tensor
    donors: Tensor


def measure_fill(
    windows: Sequence[tuple[nn.Module, NDArray[np.float32]]], site: Site, *, seed: int = 0
) -> Fill:
    """Return what silenced units are replaced by.

    Parameters
    ----------
    windows : sequence of (Module, ndarray of float32)
        Reference windows (n_windows, 3, *input_shape), half of them seizure, each with the network
        as it judges their recording.
    site : Site
    seed : int
        Draws the donors.
    """
    import torch

    kept: list[Tensor] = []
    with torch.inference_mode():
        for network, features in windows:
            module = network.get_submodule(site.module)
            with hooked({module: lambda m, i, o: kept.append(site.values(o).clone())}):
                for first in range(0, len(features), 64):
                    part = np.ascontiguousarray(features[first : first + 64], dtype=np.float32)
                    calls.window_logits(network, torch.from_numpy(part))
        values = torch.cat(kept)
        kept.clear()
        by_unit = values.movedim(site.unit_axis, 0).flatten(1)
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(values), generator=generator)[:_DONORS]
        # a quantile of millions of values is taken from some of them
        step = max(by_unit.shape[1] // 200_000, 1)
        high = torch.quantile(by_unit[:, ::step], CLAMP_PERCENTILE / 100, dim=1)
        return Fill(by_unit.mean(dim=1), high, values[order].clone())


class Altering:
    """Alters the output of one layer by interventions.

    Parameters
    ----------
    site : Site
    fill : Fill
    seed : int
        Of the donors that ``resample`` draws: the same for every intervention, so that two
        ensembles are compared under the same draws.
    """

    def __init__(self, site: Site, fill: Fill, *, seed: int = 0) -> None:
        self.site, self.fill, self.seed = site, fill, seed

    def output(self, output: Any, intervention: Intervention, *, offset: int = 0) -> Tensor:
        """Return the altered tensor of an output of the layer's module.

        Parameters
        ----------
        output : Tensor or tuple
            As the module gives it.
        intervention : Intervention
        offset : int
            Index of the first segment or window, which makes the draws of ``resample``
            independent of how a recording is cut into pieces.
        """
        values = self.site.values(output)
        units = intervention.altered_units(self.site.n_units)
        if not units or intervention.dose == 0:
            return tensor_of(output)
        axis = self.site.unit_axis
        altered = values.clone()
        own = values.index_select(axis, _index(units))
        replacement = self.replacements(intervention.mode, own, units, offset=offset)
        mixed = own + intervention.dose * (replacement - own)
        # where the network rectifies, what is not negative passes as it is
        return altered.index_copy_(axis, _index(units), mixed)

    def hook(self, intervention: Intervention) -> Callable[[Any, Any, Any], Any]:
        """Return a forward hook that applies the intervention."""

        def alter(module: nn.Module, inputs: Any, output: Any) -> Any:
            altered = self.output(output, intervention)
            return (altered, *output[1:]) if isinstance(output, tuple) else altered

        return alter

    def replacements(
        self,
        mode: str,
        own: Tensor,
        units: Sequence[int] | None = None,
        *,
        offset: int,
    ) -> Tensor:
        """Return what the answers of units are replaced by, of the shape of ``own``.

        Parameters
        ----------
        mode : str
            One of :data:`MODES`.
        own : Tensor
            Answers of these units.
        units : sequence of int, optional
            Default all of the layer.
        offset : int
            Index of the first segment or window.
        """
        import torch

        axis = self.site.unit_axis
        chosen = range(self.site.n_units) if units is None else units
        if mode == "zero":
            return torch.zeros_like(own)
        if mode == "resample":
            rng = np.random.default_rng([self.seed, offset])
            drawn = rng.integers(len(self.fill.donors), size=len(own))
            return self.fill.donors[torch.from_numpy(drawn)].index_select(axis, _index(chosen))
        values = (self.fill.mean if mode == "mean" else self.fill.high)[_index(chosen)]
        shape = [1] * own.ndim
        shape[axis] = len(values)
        return values.reshape(shape).expand_as(own)


def _index(units: Sequence[int]) -> Tensor:
    import torch

    return torch.tensor(list(units), dtype=torch.long)


@contextmanager
def altered(network: nn.Module, altering: Altering, intervention: Intervention) -> Iterator[None]:
    """Alter a network inside ``with``; after it, and after any failure, it is as it was."""
    module = network.get_submodule(altering.site.module)
    with hooked({module: altering.hook(intervention)}):
        yield


def altered_logits(
    network: nn.Module,
    altering: Altering,
    features: NDArray[np.float32],
    interventions: Sequence[Intervention],
) -> NDArray[np.float32]:
    """Return the logits of windows under each intervention, (n_interventions, n_windows).

    Parameters
    ----------
    network : Module
    altering : Altering
    features : ndarray of float32, shape (n_windows, 3, *input_shape)
    interventions : sequence of Intervention
    """
    runner = SegmentRunner(network, altering, interventions)
    flat = features.reshape(-1, *features.shape[2:])
    codes = runner.codes(flat, offset=0)
    triples = [c.reshape(len(features), 3, -1) for c in codes]
    return runner.logits(triples)[1:]


class SegmentRunner:
    """Encodes segments under many interventions on one layer, then joins them to windows.

    What lies before the altered layer is computed once for all interventions
    (:mod:`eegdash.mechanism.differences`).

    Parameters
    ----------
    network : Module
    altering : Altering
    interventions : sequence of Intervention
    """

    def __init__(
        self, network: nn.Module, altering: Altering, interventions: Sequence[Intervention]
    ) -> None:
        self.network, self.altering = network, altering
        self.interventions = tuple(interventions)
        in_encoder = altering.site.in_encoder
        self._run = Differences(network, altering.site) if in_encoder else None

    @property
    def n_codes(self) -> int:
        """How many sets of codes :meth:`codes` gives: 1, or 1 and one for each intervention."""
        return 1 + (len(self.interventions) if self._run else 0)

    def codes(
        self, features: NDArray[np.float32], *, offset: int, only: Sequence[int] | None = None
    ) -> list[Tensor]:
        """Return the codes (n_segments, dimension): unaltered first, then by intervention.

        Parameters
        ----------
        features : ndarray of float32, shape (n_segments, *input_shape)
        offset : int
            Index of the first segment in its recording.
        only : sequence of int, optional
            Interventions to compute; default all. None of them where the layer is in the head.
        """
        import torch

        chosen = range(len(self.interventions)) if only is None else only
        wanted = [self.interventions[k] for k in chosen]
        with torch.inference_mode():
            tensor = torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32))
            if self._run is None:
                return [calls.encode(self.network, tensor)]
            started = self._run.start(tensor)
            found: dict[Intervention, Tensor] = {}
            for mode in dict.fromkeys(one.mode for one in wanted):
                alike = [one for one in wanted if one.mode == mode]
                codes = self._run.codes(started, self.altering, alike, offset=offset)
                found |= dict(zip(alike, codes, strict=True))
            return [started.codes, *(found[one] for one in wanted)]

    def logits(self, triples: Sequence[Tensor]) -> NDArray[np.float32]:
        """Return the logits, unaltered first: (1 + n_interventions, n_windows).

        Parameters
        ----------
        triples : sequence of Tensor, shape (n_windows, 3, dimension)
            Unaltered codes; behind them those of each intervention, for a layer of the encoder.
        """
        import torch

        with torch.inference_mode():
            rows = [calls.head(self.network, codes).numpy().copy() for codes in triples]
            if self._run is None:
                for intervention in self.interventions:
                    with altered(self.network, self.altering, intervention):
                        rows.append(calls.head(self.network, triples[0]).numpy().copy())
        return np.stack(rows)
