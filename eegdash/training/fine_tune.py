"""Teaching a trained detector from labels without letting it forget what it could do.

Three things keep what the parent knew. Simulated people, made again from a seed, are *rehearsed*
next to the labelled windows (Robins A. 1995, doi:10.1080/09540099550039318), but only where the
parent is right: rehearsal neither brings a truth that no reader stated, nor holds on to a mistake.
Of the fitted weights only a share is taken, the rest stays the parent's (weight interpolation,
Wortsman M. et al. 2022, arXiv 2109.01903); the share is chosen on recordings that were not fitted.
And the learning rate is a fraction of the first training's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import Detector, DetectorConfig
from eegdash.training.augmentation import Augmentation
from eegdash.training.datasets import LabelledRecording
from eegdash.training.fit import FitParameters, fit, held_out_logits, recording_logits, runs_of
from eegdash.training.material import simulated
from eegdash.training.state import StateFolder

if TYPE_CHECKING:
    from torch import nn

Progress = Callable[[float], None]

_REHEARSAL_SEED, _VALIDATION_SEED = 910_000, 920_000  # people of no training and of no test


@dataclass(frozen=True, slots=True)
class TeachParameters:
    """How a detector is taught.

    Parameters
    ----------
    fit : FitParameters
        Of the fitting to labels and rehearsal together.
    rehearsed, validated, tested : int
        Simulated people of 2 min that are rehearsed, others on whom forgetting is measured, and
        others on whom before and after are compared.
    taught_share : float
        Share of labelled runs among all runs; they are repeated, changed at random each time.
    most_repeats : int
        A run is not repeated more often than this in an epoch.
    shares : tuple of float
        Of the change of the weights that may be taken, rising.
    forgotten : float
        Largest share of the windows that the parent had right and that may be lost, mean of both
        classes.
    """

    fit: FitParameters = field(
        default_factory=lambda: FitParameters(
            epochs=5,
            learning_rate=1e-3,
            label_smoothing=0.05,
            augmentation=Augmentation(envelope=0.1, contrast=0.15, warp=0.1),
        )
    )
    rehearsed: int = 60
    validated: int = 40
    tested: int = 60
    taught_share: float = 0.5
    most_repeats: int = 12
    shares: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)
    forgotten: float = 0.05


@dataclass(frozen=True, slots=True)
class Tried:
    """What one share of the change does on recordings that were not fitted.

    Parameters
    ----------
    share : float
        0 is the parent.
    held_loss : float or None
        Weighted cross-entropy on labelled windows held out; None without any.
    forgotten : float
        Share of the rehearsed windows the parent had right that are wrong now.
    """

    share: float
    held_loss: float | None
    forgotten: float


@dataclass(frozen=True, slots=True)
class Taught:
    """A detector that was taught.

    Parameters
    ----------
    detector : Detector
        Temperature, threshold and event rules are the parent's.
    share : float
        Of the change that was taken.
    tried : tuple of Tried
        Every share, the parent first.
    curves : dict of str to list of float
    kept_all : bool
        Whether the parent's knowledge is kept as far as the parameters demand.
    """

    detector: Detector
    share: float
    tried: tuple[Tried, ...]
    curves: dict[str, list[float]]
    kept_all: bool


def plain_config(config: DetectorConfig) -> DetectorConfig:
    """Return a config whose features come before the normalisation, as fitting expects them."""
    return replace(config, normalisation=replace(config.normalisation, mean=(), scale=1.0))


def rehearsal(
    detector: Detector, *, seed: int, n: int, progress: Progress | None = None
) -> list[LabelledRecording]:
    """Return simulated people whose windows weigh nothing where the detector is wrong.

    Parameters
    ----------
    detector : Detector
        The parent, at its operating point.
    seed : int
    n : int
        People, one recording of 2 min each.
    progress : callable, optional
    """
    found = simulated(plain_config(detector.config), seed=seed, n=n, progress=progress)
    return [_only_right(detector, recording) for recording in found]


def _only_right(detector: Detector, recording: LabelledRecording) -> LabelledRecording:
    logits = recording_logits(detector.network, recording, detector.config)
    right = _positive(detector, logits) == recording.seizure
    return replace(recording, weight=np.where(right, recording.weight, np.float32(0)))


def _positive(detector: Detector, logits: NDArray[np.float64]) -> NDArray[np.bool_]:
    per_mille = np.floor(1000 * detector.probability(logits) + 0.5)
    return np.asarray(per_mille >= detector.config.threshold_pm)


def fine_tune(
    parent: Detector,
    taught: Sequence[LabelledRecording],
    held: Sequence[LabelledRecording],
    *,
    parameters: TeachParameters | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    state: StateFolder | None = None,
) -> Taught:
    """Teach a copy of a detector; the same seed on the same machine gives the same weights.

    Parameters
    ----------
    parent : Detector
        Stays as it is.
    taught, held : sequence of LabelledRecording
        Pieces with the windows that readers spoke of (features before the normalisation), of
        different recordings and persons. ``held`` may be empty.
    parameters : TeachParameters, optional
    seed : int
    progress : callable, optional
        Called with the share done; what it raises stops the teaching.
    state : StateFolder, optional
        Where the state is kept after each epoch, and found again after a kill.

    Returns
    -------
    Taught

    Raises
    ------
    ValueError
        If no taught window has a weight.
    """
    if not any(recording.weight.any() for recording in taught):
        raise ValueError("no window with a known truth to be taught from")
    chosen, say = parameters or TeachParameters(), progress or (lambda share: None)
    rehearsed = rehearsal(
        parent, seed=seed + _REHEARSAL_SEED, n=chosen.rehearsed, progress=lambda s: say(0.2 * s)
    )
    kept = rehearsal(parent, seed=seed + _VALIDATION_SEED, n=chosen.validated)
    say(0.3)
    network = copy.deepcopy(parent.network)
    curves = fit(
        network, [*repeated(taught, rehearsed, chosen), *rehearsed], held, parent.config,
        parameters=chosen.fit, seed=seed, progress=lambda s: say(0.3 + 0.6 * s), state=state,
    )  # fmt: skip
    tried = tuple(_tried(parent, network, share, held, kept) for share in (0.0, *chosen.shares))
    say(1.0)
    best = choose(tried, chosen.forgotten)
    return Taught(
        detector=Detector(parent.config, mixed(parent.network, network, best.share)),
        share=best.share,
        tried=tried,
        curves=curves,
        kept_all=best.forgotten <= chosen.forgotten,
    )


def repeated(
    taught: Sequence[LabelledRecording],
    rehearsed: Sequence[LabelledRecording],
    parameters: TeachParameters,
) -> list[LabelledRecording]:
    """Return the labelled pieces as often as gives them their share of the runs."""
    n_taught, n_other = len(runs_of(taught)), len(runs_of(rehearsed))
    wanted = parameters.taught_share / max(1 - parameters.taught_share, 1e-3) * n_other
    times = int(np.clip(round(wanted / max(n_taught, 1)), 1, parameters.most_repeats))
    return list(taught) * times


def mixed(parent: nn.Module, fitted: nn.Module, share: float) -> nn.Module:
    """Return a network with ``parent + share * (fitted - parent)`` for every weight.

    Parameters
    ----------
    parent, fitted : torch.nn.Module
        Of one architecture; running means and variances are mixed, too.
    share : float
        0 to 1.
    """
    result = copy.deepcopy(fitted)
    before, after = parent.state_dict(), fitted.state_dict()
    result.load_state_dict(
        {
            name: before[name].lerp(value, share) if value.is_floating_point() else value
            for name, value in after.items()
        }
    )
    return result.eval()


def choose(tried: Sequence[Tried], forgotten: float) -> Tried:
    """Return the share to take: the one that serves the held-out labels best and forgets little.

    Without held-out labels it is the largest that forgets little. Where every share forgets too
    much, it is the smallest; the parent itself is no choice, it is there already.
    """
    shares = [one for one in tried if one.share > 0]
    allowed = [one for one in shares if one.forgotten <= forgotten]
    if not allowed:
        return shares[0]
    known = [(one.held_loss, -one.share, one) for one in allowed if one.held_loss is not None]
    if known:
        return min(known, key=lambda entry: entry[:2])[2]
    return allowed[-1]


def _tried(
    parent: Detector,
    fitted: nn.Module,
    share: float,
    held: Sequence[LabelledRecording],
    kept: Sequence[LabelledRecording],
) -> Tried:
    detector = Detector(parent.config, mixed(parent.network, fitted, share))
    return Tried(share, held_loss(detector, held), forgotten_share(detector, kept))


def held_loss(detector: Detector, held: Sequence[LabelledRecording]) -> float | None:
    """Return the weighted cross-entropy on labelled windows, None without any."""
    if not any(recording.weight.any() for recording in held):
        return None
    logits, seizure, weight = held_out_logits(detector.network, held, detector.config)
    terms = np.logaddexp(0, np.where(seizure, -1, 1) * logits / detector.config.temperature)
    return round(float(np.average(terms, weights=weight)), 5)


def forgotten_share(detector: Detector, kept: Sequence[LabelledRecording]) -> float:
    """Return the share of weighted windows that are called wrongly, mean of both classes."""
    logits, seizure, weight = held_out_logits(detector.network, kept, detector.config)
    wrong = _positive(detector, logits) != seizure
    shares = [
        float(np.average(wrong[mask], weights=weight[mask]))
        for mask in (seizure, ~seizure)
        if weight[mask].any()
    ]
    return round(float(np.mean(shares)), 5) if shares else 0.0


def tried_record(tried: Sequence[Tried]) -> list[Mapping[str, Any]]:
    """Return what every share does, as JSON values."""
    return [
        {"share": one.share, "held_loss": one.held_loss, "forgotten": one.forgotten}
        for one in tried
    ]
