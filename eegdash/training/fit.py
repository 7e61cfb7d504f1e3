"""Fitting a network to labelled windows, and the training of the shipped detector."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import Detector, DetectorConfig, Normalisation, save_checkpoint
from eegdash.detection import PostProcessing
from eegdash.montage import LONGITUDINAL_BIPOLAR
from eegdash.networks import network_class
from eegdash.training.calibration import (
    THRESHOLDS_PM,
    choose_threshold,
    count_all,
    fit_temperature,
    trace_of,
)
from eegdash.training.card import model_card
from eegdash.training.datasets import LabelledRecording, simulated_recordings

if TYPE_CHECKING:
    from torch import Tensor, nn

Progress = Callable[[float], None]

RUN_SEGMENTS = 36
"""Segments in a run; neighbouring windows share the codes of their segments."""
RUNS_PER_BATCH = 4
_TRAIN_S = 480.0
_HELD_OUT_S = 1800.0


@dataclass(frozen=True, slots=True)
class FitParameters:
    """How a network is fitted.

    Parameters
    ----------
    epochs : int
    learning_rate : float
        Peak of a one-cycle schedule, AdamW.
    weight_decay : float
    gain_decades : float
        Each run is scaled by ``10**u`` in amplitude, u uniform within +- this.
    tilt : float
        Largest random change of the spectral slope, in decades of power from 1 Hz to 40 Hz.
    dropped : float
        Probability that a run loses some derivations, as if they were unusable.
    label_smoothing : float
        Pulls the targets towards one half, since simulated truth is surer than any reader
        (Szegedy C. et al. 2016, arXiv 1512.00567).
    """

    epochs: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    gain_decades: float = 0.3
    tilt: float = 0.5
    dropped: float = 0.3
    label_smoothing: float = 0.1


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """What a training gave.

    Parameters
    ----------
    folder : Path
    config : DetectorConfig
        As saved, with both hashes.
    curves : dict of str to list of float
        ``train_loss``, ``validation_loss``, ``validation_auroc`` per epoch.
    results : dict of str to float
        On simulated recordings that took no part in fitting or calibration.
    elapsed_s : float
    """

    folder: Path
    config: DetectorConfig
    curves: dict[str, list[float]]
    results: dict[str, float]
    elapsed_s: float


def normalisation_of(
    recordings: Sequence[LabelledRecording], config: DetectorConfig
) -> Normalisation:
    """Return the mean per frequency and one scale over the training recordings."""
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
    normalisation: Normalisation,
    *,
    parameters: FitParameters | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, list[float]]:
    """Fit a network in place; the same seed on the same machine gives the same weights.

    Parameters
    ----------
    network : torch.nn.Module
        With ``encode`` and ``head``.
    recordings, held_out : sequence of LabelledRecording
    normalisation : Normalisation
    parameters : FitParameters, optional
    seed : int
    progress : callable, optional
        Called with the share done.

    Returns
    -------
    dict of str to list of float
        The learning curves.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    chosen = parameters or FitParameters()
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=chosen.learning_rate, weight_decay=chosen.weight_decay
    )
    steps = chosen.epochs * -(-len(_runs_of(recordings)) // RUNS_PER_BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=chosen.learning_rate,
        total_steps=max(steps, 10),  # the rise of a shorter one has no length
        pct_start=0.2,
    )
    curves: dict[str, list[float]] = {
        "train_loss": [],
        "validation_loss": [],
        "validation_auroc": [],
    }
    done = 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(chosen.epochs):
            network.train()
            losses = []
            for features, seizure, weight in _batches(recordings, normalisation, chosen, rng):
                logits = _run_logits(network, features)
                target = seizure + chosen.label_smoothing * (0.5 - seizure)
                terms = binary_cross_entropy_with_logits(logits, target, reduction="none")
                loss = (terms * weight).sum() / weight.sum().clamp(min=1.0)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                losses.append(float(loss.detach()))
                done += 1
                if progress is not None and done % 10 == 0:
                    progress(done / steps)
            curves["train_loss"].append(round(float(np.mean(losses)), 5))
            network.eval()
            loss_all, area = _validate(network, held_out, normalisation)
            curves["validation_loss"].append(loss_all)
            curves["validation_auroc"].append(area)
    network.eval()
    return curves


def _validate(
    network: nn.Module, held_out: Sequence[LabelledRecording], normalisation: Normalisation
) -> tuple[float, float]:
    logits, seizure, weight = held_out_logits(network, held_out, normalisation)
    terms = np.logaddexp(0, np.where(seizure, -1, 1) * logits)
    loss = float(np.average(terms, weights=weight))
    return round(loss, 5), round(auroc(logits, seizure, weight), 5)


def _runs_of(recordings: Sequence[LabelledRecording]) -> list[tuple[int, int]]:
    step = RUN_SEGMENTS - 4
    return [
        (number, first)
        for number, recording in enumerate(recordings)
        for first in range(0, len(recording.features) - RUN_SEGMENTS + 1, step)
    ]


def _batches(
    recordings: Sequence[LabelledRecording],
    normalisation: Normalisation,
    parameters: FitParameters,
    rng: np.random.Generator,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield runs (n_runs, RUN_SEGMENTS, ...) with the truth of their windows, in random order."""
    import torch

    runs = _runs_of(recordings)
    order = rng.permutation(len(runs))
    step = RUN_SEGMENTS - 4
    for first in range(0, len(runs), RUNS_PER_BATCH):
        features, seizure, weight = [], [], []
        for index in order[first : first + RUNS_PER_BATCH]:
            number, start = runs[index]
            recording = recordings[number]
            part = _normalised(recording.features[start : start + RUN_SEGMENTS], normalisation)
            features.append(_augmented(part, normalisation, parameters, rng))
            seizure.append(recording.seizure[start : start + step])
            weight.append(recording.weight[start : start + step])
        yield (
            torch.from_numpy(np.stack(features)),
            torch.from_numpy(np.stack(seizure).astype(np.float32)),
            torch.from_numpy(np.stack(weight)),
        )


def _normalised(features: NDArray[np.float16], normalisation: Normalisation) -> NDArray[np.float32]:
    mean = np.asarray(normalisation.mean, dtype=np.float32)[:, None]
    scaled = (features.astype(np.float32) - mean) / np.float32(normalisation.scale)
    return np.asarray(scaled, dtype=np.float32)


def _augmented(
    part: NDArray[np.float32],
    normalisation: Normalisation,
    parameters: FitParameters,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    n_channels, n_freqs = part.shape[1:3]
    gain = 2 * rng.uniform(-1, 1) * parameters.gain_decades
    tilt: NDArray[np.float64] = np.linspace(-0.5, 0.5, n_freqs)
    tilt *= rng.uniform(-1, 1) * parameters.tilt
    # electrodes differ in impedance and spacing
    own = np.asarray(rng.normal(0, 0.08, n_channels), dtype=np.float64)
    shift = np.add.outer(own, tilt) + gain
    part = part + (shift / normalisation.scale).astype(np.float32)[None, :, :, None]
    if n_channels == 18 and rng.random() < 0.5:
        part = part[:, _MIRROR]
    if rng.random() < parameters.dropped:
        lost = rng.choice(n_channels, rng.integers(1, 5), replace=False)
        kept = np.setdiff1d(np.arange(n_channels), lost)
        part[:, lost] = part[:, kept].mean(axis=1, keepdims=True)
    return np.ascontiguousarray(part)


def _mirror_order() -> list[int]:
    """Return for each derivation the one on the other side of the head."""
    swap = {"1": "2", "3": "4", "5": "6", "7": "8"} | {"2": "1", "4": "3", "6": "5", "8": "7"}
    names = [d.name for d in LONGITUDINAL_BIPOLAR]
    return [names.index("".join(swap.get(c, c) for c in name)) for name in names]


_MIRROR = _mirror_order()


def _run_logits(network: Any, features: Tensor) -> Tensor:
    import torch

    n_runs, n_segments = features.shape[:2]
    codes = network.encode(features.flatten(0, 1)).reshape(n_runs, n_segments, -1)
    triples = torch.stack([codes[:, k : n_segments - 4 + k] for k in (0, 2, 4)], dim=2)
    logits: Tensor = network.head(triples.flatten(0, 1)).reshape(n_runs, n_segments - 4)
    return logits


def recording_logits(
    network: nn.Module, recording: LabelledRecording, normalisation: Normalisation
) -> NDArray[np.float64]:
    """Return the logits (n_windows,) of a recording's windows."""
    import torch

    with torch.inference_mode():
        features = torch.from_numpy(_normalised(recording.features, normalisation))
        parts = [features[first : first + 256] for first in range(0, len(features), 256)]
        codes = torch.cat([network.encode(part) for part in parts])  # type: ignore[operator]
        n_windows = len(codes) - 4
        triples = torch.stack([codes[k : n_windows + k] for k in (0, 2, 4)], dim=1)
        logits = network.head(triples)  # type: ignore[operator]
    return np.asarray(logits.numpy(), dtype=np.float64)


def held_out_logits(
    network: nn.Module, recordings: Sequence[LabelledRecording], normalisation: Normalisation
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float32]]:
    """Return logits, truth and weights of all windows, one recording after the other."""
    logits = [recording_logits(network, recording, normalisation) for recording in recordings]
    return (
        np.concatenate(logits),
        np.concatenate([recording.seizure for recording in recordings]),
        np.concatenate([recording.weight for recording in recordings]),
    )


def auroc(
    scores: NDArray[np.floating], seizure: NDArray[np.bool_], weight: NDArray[np.floating]
) -> float:
    """Return the area under the ROC curve; NaN if only one class is present."""
    from sklearn.metrics import roc_auc_score

    sure = weight > 0
    if len(np.unique(seizure[sure])) < 2:
        return float("nan")
    return float(roc_auc_score(seizure[sure], scores[sure]))


def train_on_simulation(
    out_folder: Path,
    *,
    seed: int = 0,
    hours: float = 24.0,
    epochs: int = 8,
    progress: Progress | None = None,
) -> TrainingSummary:
    """Train, calibrate, test and save a ``spectrogram-cnn-lstm`` on simulated EEG.

    Parameters
    ----------
    out_folder : Path
        The model folder; its name becomes the model's name.
    seed : int
        Decides the simulated people, the weights at the start and the order of the batches.
    hours : float
        Simulated EEG for fitting; a fifth of it each, at least half an hour, serves for
        calibration and for the final test.
    epochs : int
    progress : callable, optional
        Called with the share done, 0 to 1; what it raises stops the training.

    Returns
    -------
    TrainingSummary
    """
    import torch

    began = time.monotonic()
    say = progress or (lambda share: None)
    n_train = max(round(hours * 3600 / _TRAIN_S), 2)
    n_held = max(round(hours * 3600 / 5 / _HELD_OUT_S), 1)
    base = seed * 1_000_000
    raw = DetectorConfig(
        name=out_folder.name,
        title="Spectrogram CNN-LSTM, trained on simulated EEG",
        architecture="spectrogram-cnn-lstm",
        parameters={},
        ch_names=tuple(d.name for d in LONGITUDINAL_BIPOLAR),
    )
    recordings = simulated_recordings(
        raw,
        seeds=range(base, base + n_train),
        duration_s=_TRAIN_S,
        n_seizures=(2, 3, 1, 0),
        progress=lambda share: say(0.2 * share),
    )
    held = [
        simulated_recordings(
            raw,
            seeds=range(base + offset, base + offset + n_held),
            duration_s=_HELD_OUT_S,
            n_seizures=(2, 3, 1),
        )
        for offset in (500_000, 700_000)
    ]
    say(0.3)
    normalisation = normalisation_of(recordings, raw)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: Any = network_class(raw.architecture)()
    parameters = FitParameters(epochs=epochs)
    curves = fit(
        network,
        recordings,
        held[0],
        normalisation,
        parameters=parameters,
        seed=seed,
        progress=lambda share: say(0.3 + 0.65 * share),
    )
    config = replace(raw, normalisation=normalisation, parameters=network.parameters_dict())
    config = _calibrated(network, config, held[0])
    results = evaluate(Detector(config, network), held[1])
    elapsed_s = time.monotonic() - began
    config = replace(
        config,
        training={
            "data": "simulated EEG (eegdash.simulation)",
            "seed": seed,
            "hours": round(n_train * _TRAIN_S / 3600, 2),
            "validation_hours": n_held * _HELD_OUT_S / 3600,
            "test_hours": n_held * _HELD_OUT_S / 3600,
            "recordings": n_train,
            "fit": {name: getattr(parameters, name) for name in parameters.__dataclass_fields__},
            "versions": _versions(),
            "curves": curves,
            "calibration": dict(config.training),
            "results": results,
            "elapsed_s": round(elapsed_s, 1),
        },
    )
    config = save_checkpoint(out_folder, config, network, card=model_card(config))
    say(1.0)
    return TrainingSummary(out_folder, config, curves, results, elapsed_s)


def _calibrated(
    network: nn.Module, config: DetectorConfig, held_out: Sequence[LabelledRecording]
) -> DetectorConfig:
    logits, seizure, weight = held_out_logits(network, held_out, config.normalisation)
    temperature = round(fit_temperature(logits, seizure, weight), 4)
    config = replace(config, temperature=temperature)
    probability = Detector(config, network).probability(logits)
    threshold_pm, scores = choose_threshold(probability, seizure, weight)
    return replace(
        config,
        threshold_pm=threshold_pm,
        post=PostProcessing().as_dict(),
        training={
            "thresholds_pm": list(THRESHOLDS_PM),
            "window_f1": [round(score, 4) for score in scores],
        },
    )


def _traces(detector: Detector, recordings: Sequence[LabelledRecording]) -> list[Any]:
    config = detector.config
    return [
        trace_of(
            detector.probability(recording_logits(detector.network, r, config.normalisation)),
            step_s=config.step_s,
            window_s=config.window_s,
            duration_s=r.duration_s,
        )
        for r in recordings
    ]


def evaluate(detector: Detector, recordings: Sequence[LabelledRecording]) -> dict[str, float]:
    """Return window and event figures at the locked threshold; undefined figures are left out."""
    config = detector.config
    logits, seizure, weight = held_out_logits(detector.network, recordings, config.normalisation)
    sure = weight > 0
    positive = detector.probability(logits)[sure] >= config.threshold_pm / 1000
    truth = seizure[sure]
    post = PostProcessing(**config.post)
    counts = count_all(
        _traces(detector, recordings), [r.seizures for r in recordings], config.threshold_pm, post
    )
    hours = sum(r.duration_s for r in recordings) / 3600
    results = {
        "window_auroc": auroc(logits, seizure, weight),
        "window_sensitivity": float(positive[truth].mean()) if truth.any() else float("nan"),
        "window_specificity": float((~positive[~truth]).mean()),
        "event_sensitivity": counts.found / max(counts.found + counts.missed, 1),
        "event_f1": counts.f1,
        "false_detections_per_24h": counts.false / hours * 24,
        "seizures": float(counts.found + counts.missed),
        "hours": hours,
    }
    return {name: round(value, 4) for name, value in results.items() if np.isfinite(value)}


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("torch", "numpy", "scipy", "safetensors")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
