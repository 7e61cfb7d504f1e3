"""Fitting a network to labelled windows: seeded, resumable, on CPU or GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import cos, pi
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import LOG_POWER, DetectorConfig, Normalisation
from eegdash.scoring import auroc
from eegdash.training.augmentation import Augmentation, augmented
from eegdash.training.datasets import LabelledRecording
from eegdash.training.state import StateFolder
from eegdash.training.surroundings import RUN_SEGMENTS, drawn

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

Progress = Callable[[float], None]

RUNS_PER_BATCH = 12
_RISE = 0.2  # share of the steps in which the learning rate rises
_START, _END = 0.04, 0.001  # of the peak
_ENCODE_BATCH = 256


@dataclass(frozen=True, slots=True)
class FitParameters:
    """How a network is fitted.

    Parameters
    ----------
    epochs : int
    learning_rate : float
        Peak of one cycle (Smith L. 2018, arXiv 1708.07120) of AdamW.
    weight_decay : float
    label_smoothing : float
        Pulls the targets towards one half, since simulated truth is surer than any reader
        (Szegedy C. et al. 2016, arXiv 1512.00567).
    augmentation : Augmentation
    """

    epochs: int = 6
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1
    augmentation: Augmentation = field(default_factory=Augmentation)


def device_name() -> str:
    """Return ``cuda`` where there is a GPU that PyTorch can use, else ``cpu``."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def normalisation_of(
    recordings: Sequence[LabelledRecording], config: DetectorConfig
) -> Normalisation:
    """Return the mean per frequency and one scale over the training recordings.

    Derivations are not normalised here: their networks scale every segment by its own level.
    """
    if config.features != LOG_POWER:
        return config.normalisation
    means = [r.features.mean(axis=(0, 1, 3), dtype=np.float64) for r in recordings]
    total = np.asarray(np.mean(means, axis=0), dtype=np.float64)
    spread = np.mean(
        [((r.features - total[:, None].astype(np.float32)) ** 2).mean() for r in recordings]
    )
    return Normalisation(
        floor_uv2_per_hz=config.normalisation.floor_uv2_per_hz,
        mean=tuple(round(float(value), 4) for value in total),
        scale=round(float(np.sqrt(spread)), 4),
    )


def fit(
    network: nn.Module,
    recordings: Sequence[LabelledRecording],
    held_out: Sequence[LabelledRecording],
    config: DetectorConfig,
    *,
    parameters: FitParameters | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    state: StateFolder | None = None,
) -> dict[str, list[float]]:
    """Fit a network in place; the same seed on the same machine gives the same weights.

    Parameters
    ----------
    network : torch.nn.Module
        With ``encode`` and ``head``.
    recordings, held_out : sequence of LabelledRecording
        Without held-out recordings there are no validation curves.
    config : DetectorConfig
        With the normalisation to be applied.
    parameters : FitParameters, optional
    seed : int
    progress : callable, optional
        Called with the share done; what it raises stops the fitting.
    state : StateFolder, optional
        Where the state is saved after each epoch, and found again.

    Returns
    -------
    dict of str to list of float
        The learning curves.
    """
    import torch

    chosen = parameters or FitParameters()
    device = device_name()
    network.to(device)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=chosen.learning_rate, weight_decay=chosen.weight_decay
    )
    curves: dict[str, list[float]] = {"train_loss": []}
    if held_out:
        curves |= {"validation_loss": [], "validation_auroc": []}
    found = state.load(network, optimiser) if state else None
    begun, curves = found or (0, curves)
    levels = levels_of(network, recordings, config)
    with torch.random.fork_rng(devices=[0] if device == "cuda" else []):
        for epoch in range(begun, chosen.epochs):
            # seeded per epoch: what is resumed draws what it would have drawn
            torch.manual_seed(1000 * seed + epoch)
            epochs = _Epoch(network, optimiser, config, chosen, epoch, seed, device, levels)
            curves["train_loss"].append(epochs.run(recordings, progress))
            network.eval()
            if held_out:
                loss, area = _validate(network, held_out, config)
                curves["validation_loss"].append(loss)
                curves["validation_auroc"].append(area)
            if state is not None:
                state.save(network, optimiser, epoch + 1, curves)
    network.eval().to("cpu")
    return curves


@dataclass(frozen=True, slots=True)
class _Epoch:
    network: Any
    optimiser: Optimizer
    config: DetectorConfig
    parameters: FitParameters
    number: int
    seed: int
    device: str
    levels: Sequence[NDArray[np.float32]]

    def run(self, recordings: Sequence[LabelledRecording], progress: Progress | None) -> float:
        """Take a step per batch and return the mean loss."""
        rng = np.random.default_rng([self.seed, 21, self.number])
        runs = runs_of(recordings)
        n_steps = -(-len(runs) // RUNS_PER_BATCH)
        total = max(self.parameters.epochs * n_steps, 1)
        self.network.train()
        losses = []
        for index, batch in enumerate(
            _batches(recordings, runs, self.config, self.parameters, rng, self.levels)
        ):
            step = self.number * n_steps + index
            for group in self.optimiser.param_groups:
                group["lr"] = self.parameters.learning_rate * one_cycle((step + 1) / total)
            losses.append(self._step(batch))
            if progress is not None and index % 10 == 0:
                progress((step + 1) / total)
        return round(float(np.mean(losses)), 5)

    def _step(self, batch: tuple[Tensor, Tensor, Tensor, list[Tensor]]) -> float:
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        features, seizure, weight = (part.to(self.device) for part in batch[:3])
        around = [part.to(self.device) for part in batch[3]]
        logits = run_logits(self.network, features, around)
        target = seizure + self.parameters.label_smoothing * (0.5 - seizure)
        terms = binary_cross_entropy_with_logits(logits, target, reduction="none")
        loss = (terms * weight).sum() / weight.sum().clamp(min=1.0)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.detach())


def one_cycle(share: float) -> float:
    """Return the learning rate as a share of its peak, after a share of the steps (0 to 1)."""
    if share < _RISE:
        return _START + (1 - _START) * (1 - cos(pi * share / _RISE)) / 2
    return _END + (1 - _END) * (1 + cos(pi * (share - _RISE) / (1 - _RISE))) / 2


def runs_of(recordings: Sequence[LabelledRecording]) -> list[tuple[int, int]]:
    """Return (recording, first segment) of every run; a recording shorter than one is one."""
    step = RUN_SEGMENTS - 4
    return [
        (number, first)
        for number, recording in enumerate(recordings)
        for first in range(0, max(len(recording.features) - RUN_SEGMENTS, 0) + 1, step)
        if recording.weight[first : first + step].any()
    ]


def _batches(
    recordings: Sequence[LabelledRecording],
    runs: Sequence[tuple[int, int]],
    config: DetectorConfig,
    parameters: FitParameters,
    rng: np.random.Generator,
    levels: Sequence[NDArray[np.float32]],
) -> Iterator[tuple[Tensor, Tensor, Tensor, list[Tensor]]]:
    """Yield runs (n_runs, RUN_SEGMENTS, ...) with the truth of their windows, in random order."""
    import torch

    order = rng.permutation(len(runs))
    for first in range(0, len(runs), RUNS_PER_BATCH):
        features, seizure, weight, around = [], [], [], []
        for index in order[first : first + RUNS_PER_BATCH]:
            number, begin = runs[index]
            stored, truth, known = _run(recordings[number], begin)
            if levels:
                around.append(
                    torch.from_numpy(_around(rng, recordings[number], levels[number], begin))
                )
            part = normalised(stored, config)
            features.append(augmented(part, config, parameters.augmentation, rng))
            seizure.append(truth)
            weight.append(known)
        yield (
            torch.from_numpy(np.stack(features)),
            torch.from_numpy(np.stack(seizure).astype(np.float32)),
            torch.from_numpy(np.stack(weight)),
            around,
        )


def _around(
    rng: np.random.Generator,
    recording: LabelledRecording,
    levels: NDArray[np.float32],
    first: int,
) -> NDArray[np.float32]:
    """Return what is known of a recording around a run, relative to the mean level of the run.

    Levels (n, n_levels) of what is seen of it, or, of a piece whose recording was scored as a
    whole, the background (n_levels,) that was found.
    """
    if not recording.background:
        return drawn(rng, levels, recording.seizure, first)
    mean = levels[first : first + RUN_SEGMENTS].mean(axis=0)
    return np.asarray(np.array(recording.background, dtype=np.float32) - mean)


def _run(
    recording: LabelledRecording, first: int
) -> tuple[NDArray[np.float16], NDArray[np.bool_], NDArray[np.float32]]:
    """Cut a run; beyond the end of a short recording its segments repeat with weight 0."""
    part = recording.features[first : first + RUN_SEGMENTS]
    n_windows = RUN_SEGMENTS - 4
    seizure = recording.seizure[first : first + n_windows]
    weight = recording.weight[first : first + n_windows]
    if len(part) < RUN_SEGMENTS:
        part = np.resize(part, (RUN_SEGMENTS, *part.shape[1:]))
        missing = n_windows - len(seizure)
        seizure, weight = np.pad(seizure, (0, missing)), np.pad(weight, (0, missing))
    return part, seizure, weight


def levels_of(
    network: Any, recordings: Sequence[LabelledRecording], config: DetectorConfig
) -> list[NDArray[np.float32]]:
    """Return the levels (n_segments, n_levels) of each recording; nothing if there are none."""
    import torch

    if not getattr(network, "n_levels", 0):
        return []
    found = []
    with torch.inference_mode():
        for recording in recordings:
            parts = []
            for first in range(0, len(recording.features), _ENCODE_BATCH):
                part = normalised(recording.features[first : first + _ENCODE_BATCH], config)
                parts.append(network.levels(torch.from_numpy(part)).numpy())
            found.append(np.concatenate(parts))
    return found


def usual_level(levels: Sequence[NDArray[np.float32]]) -> list[float]:
    """Return the median over recordings of their quiet levels, by band."""
    from eegdash.networks.levels import QUIET

    quiet = [np.quantile(part, QUIET, axis=0) for part in levels]
    return [round(float(value), 4) for value in np.median(quiet, axis=0)]


def normalised(features: NDArray[np.float16], config: DetectorConfig) -> NDArray[np.float32]:
    """Return features as the network reads them."""
    values = features.astype(np.float32)
    norm = config.normalisation
    if norm.mean:
        values -= np.asarray(norm.mean, dtype=np.float32)[:, None]
    values /= np.float32(norm.scale)
    return values


def run_logits(network: Any, features: Tensor, around: Sequence[Tensor] = ()) -> Tensor:
    """Return the logits (n_runs, n_segments - 4) of runs (n_runs, n_segments, ...).

    Of a network with experts it is the first that is fitted here: the second is fitted before
    (:mod:`eegdash.training.level_expert`), and what it knows must not keep the first from learning.

    ``around`` gives for each run the levels (n, n_levels) of what was seen of its recording,
    relative to the mean level of the run (:func:`eegdash.training.surroundings.drawn`), or its
    background (n_levels,), where that is known.
    """
    import torch

    n_runs, n_segments = features.shape[:2]
    codes = network.encode(features.flatten(0, 1)).reshape(n_runs, n_segments, -1)
    triples = torch.stack([codes[:, k : n_segments - 4 + k] for k in (0, 2, 4)], dim=2)
    known: tuple[Tensor, ...] = ()
    if around:
        level = codes[:, :, -network.n_levels :].detach().mean(dim=1)
        found = [
            seen + mean if seen.ndim == 1 else network.background(seen + mean)
            for seen, mean in zip(around, level, strict=True)
        ]
        known = (torch.stack(found).repeat_interleave(n_segments - 4, dim=0),)
    judge = getattr(network, "experts", network.head)
    logits: Tensor = judge(triples.flatten(0, 1), *known).reshape(n_runs, n_segments - 4, -1)
    return logits[..., 0]


def recording_logits(
    network: Any, recording: LabelledRecording, config: DetectorConfig
) -> NDArray[np.float64]:
    """Return the logits (n_windows,) of a recording's windows."""
    import torch

    device = next(iter(network.parameters())).device
    with torch.inference_mode():
        features = torch.from_numpy(normalised(recording.features, config))
        parts = [
            features[first : first + _ENCODE_BATCH].to(device)
            for first in range(0, len(features), _ENCODE_BATCH)
        ]
        codes = torch.cat([network.encode(part) for part in parts])
        n_windows = len(codes) - 4
        triples = torch.stack([codes[k : n_windows + k] for k in (0, 2, 4)], dim=1)
        logits = network.head(triples, *_background(network, codes, recording.background)).cpu()
    return np.asarray(logits.numpy(), dtype=np.float64)


def _background(network: Any, codes: Tensor, found: Sequence[float]) -> tuple[Tensor, ...]:
    """Return the background as an argument of the head, or nothing where it knows none."""
    n_levels = getattr(network, "n_levels", 0)
    if n_levels and found:
        return (codes.new_tensor(list(found)),)
    return (network.background(codes[:, -n_levels:]),) if n_levels else ()


def held_out_logits(
    network: nn.Module, recordings: Sequence[LabelledRecording], config: DetectorConfig
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float32]]:
    """Return logits, truth and weights of all windows, one recording after the other."""
    logits = [recording_logits(network, recording, config) for recording in recordings]
    return (
        np.concatenate(logits),
        np.concatenate([recording.seizure for recording in recordings]),
        np.concatenate([recording.weight for recording in recordings]),
    )


def _validate(
    network: nn.Module, held_out: Sequence[LabelledRecording], config: DetectorConfig
) -> tuple[float, float]:
    logits, seizure, weight = held_out_logits(network, held_out, config)
    terms = np.logaddexp(0, np.where(seizure, -1, 1) * logits)
    loss = float(np.average(terms, weights=weight))
    sure = weight > 0
    return round(loss, 5), round(auroc(logits[sure], seizure[sure]), 5)
