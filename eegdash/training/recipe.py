"""The training of a shipped detector: first simulation and injection, then real clips."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

from eegdash.checkpoints import (
    DERIVATIONS,
    LOG_POWER,
    Detector,
    DetectorConfig,
    Normalisation,
    Stft,
    save_checkpoint,
)
from eegdash.errors import DatasetError
from eegdash.io.dataset import Dataset, DatasetItem, Split, split_by_person
from eegdash.io.layouts import read_dataset
from eegdash.montage import LONGITUDINAL_BIPOLAR
from eegdash.networks import network_class
from eegdash.recording import alias_of
from eegdash.scoring import GAINS, Separation
from eegdash.training.alarms import background_figures
from eegdash.training.calibration import calibrated, simulated_results
from eegdash.training.card import model_card
from eegdash.training.datasets import LabelledRecording
from eegdash.training.fit import (
    FitParameters,
    device_name,
    fit,
    levels_of,
    normalisation_of,
    usual_level,
)
from eegdash.training.folds import (
    HeldOutWindows,
    RefineParameters,
    leave_one_person_out,
    person_groups,
    refine,
    separations,
)
from eegdash.training.level_expert import fit_level_expert
from eegdash.training.material import RealRecording, injected, read_real, simulated
from eegdash.training.state import StateFolder

Progress = Callable[[float], None]

BACKGROUND_GROUP = "background"
_VALIDATION_SEED, _TEST_SEED = 500_000, 700_000
_PIECES_PER_HOUR = 30


@dataclass(frozen=True, slots=True)
class Architecture:
    """What differs between the recipes of the shipped networks."""

    title: str
    features: str
    sfreq: float
    parameters: Mapping[str, Any]


ARCHITECTURES: dict[str, Architecture] = {
    "spectrogram-cnn-lstm": Architecture("Spectrogram CNN-LSTM", LOG_POWER, 80.0, {"n_freqs": 32}),
    # at 80 Hz the resampling filter takes line noise of 50 and 60 Hz away before the network
    "shallow-cnn": Architecture("Shallow CNN on raw derivations", DERIVATIONS, 80.0, {}),
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a detector is trained.

    Parameters
    ----------
    architecture : str
        One of :data:`ARCHITECTURES`.
    seed : int
        Decides the simulated people, what is injected, the weights at the start and the order of
        the batches.
    hours : float
        Simulated people and injected pieces for the first training; a fifth of it each serves
        for calibration and for the final test.
    fit : FitParameters
        Of the first training.
    refine : RefineParameters or None
        Of a second training, on real clips. None, the choice for the shipped detectors, leaves
        it out: persons left out were not told apart better with it, and without it every clip
        stays unseen.
    n_folds : int
        Leave-one-person-out folds over the persons of the clips.
    """

    architecture: str = "spectrogram-cnn-lstm"
    seed: int = 0
    hours: float = 20.0
    fit: FitParameters = field(default_factory=FitParameters)
    refine: RefineParameters | None = None
    n_folds: int = 6


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """What a training gave.

    Parameters
    ----------
    folder : Path
    config : DetectorConfig
        As saved, with both hashes and the training record.
    results : dict of str to float
        On simulated people who took no part in fitting or calibration.
    left_out : dict
        By group and by value ranked: separation on real clips of persons left out.
    notes : tuple of str
        What the reader of a log should know.
    """

    folder: Path
    config: DetectorConfig
    results: dict[str, float]
    left_out: dict[str, dict[str, Separation]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Real:
    """The real recordings of a training, by use."""

    split: Split
    train: list[RealRecording]
    validation: list[RealRecording]
    test: list[RealRecording]
    clips: list[RealRecording]
    clip_items: list[DatasetItem]


def raw_config(name: str, architecture: str) -> DetectorConfig:
    """Return the config of an architecture of :data:`ARCHITECTURES` before any training.

    Raises
    ------
    DatasetError
        If there is no recipe for the architecture.
    """
    if architecture not in ARCHITECTURES:
        raise DatasetError(
            f'There is no recipe for the architecture "{architecture}". Expected one of '
            f"{', '.join(ARCHITECTURES)}."
        )
    chosen = ARCHITECTURES[architecture]
    return DetectorConfig(
        name=name,
        title=chosen.title,
        architecture=architecture,
        parameters=dict(chosen.parameters),
        features=chosen.features,
        sfreq=chosen.sfreq,
        ch_names=tuple(d.name for d in LONGITUDINAL_BIPOLAR),
        stft=Stft(fmax_hz=32.0),
        # far below the background, so that the gain of an amplifier moves all bins alike
        normalisation=Normalisation(floor_uv2_per_hz=1e-6),
    )


def train(
    out_folder: Path,
    recipe: Recipe | None = None,
    *,
    data: Path | None = None,
    remark: str = "",
    progress: Progress | None = None,
) -> TrainingSummary:
    """Train, calibrate, test and save a detector; repeated after a kill, it goes on.

    Parameters
    ----------
    out_folder : Path
        The model folder; its name becomes the model's name. The state of an unfinished training
        is kept beside it.
    recipe : Recipe, optional
    data : Path, optional
        Data set with seizure-free background and labelled clips; without it the training is on
        simulated people alone.
    remark : str
        What a reader of the model card should know beside what the training itself knows.
    progress : callable, optional
        Called with the share done, 0 to 1; what it raises stops the training.

    Returns
    -------
    TrainingSummary

    Raises
    ------
    DatasetError
        If ``data`` holds no recording or too few persons.
    CheckpointError
        If the state of an unfinished training is of another recipe.
    """
    began = time.monotonic()
    chosen, say = recipe or Recipe(), progress or (lambda share: None)
    raw = raw_config(out_folder.name, chosen.architecture)
    real = None if data is None else _read(read_dataset(data), raw, chosen.seed)
    say(0.02)
    material, held, test = _material(raw, chosen, real, lambda share: say(0.02 + 0.13 * share))
    config = replace(raw, normalisation=normalisation_of(material, raw))
    network, config = _untrained(config, chosen.seed, material)
    fit_level_expert(network, material, config, parameters=chosen.fit, seed=chosen.seed)
    folder = out_folder.with_name(f".{out_folder.name}-training")
    state = StateFolder(folder, _fingerprint(config, chosen, real))
    curves = fit(
        network, material, held, config, parameters=chosen.fit, seed=chosen.seed,
        progress=lambda share: say(0.15 + 0.6 * share), state=state,
    )  # fmt: skip
    found: list[HeldOutWindows] = []
    if real is not None and real.clips:
        network, found = _on_clips(
            network, config, real, material, chosen, folder, lambda share: say(0.75 + 0.2 * share)
        )
    config = calibrated(Detector(config, network), held)
    results = simulated_results(Detector(config, network), test)
    left_out = separations(found)
    record = _record(chosen, real, curves, results, time.monotonic() - began)
    if real is not None:
        record |= _real_record(Detector(config, network), chosen, real, left_out)
    record |= {"calibration": dict(config.training), "remark": remark}
    config = replace(config, training=record)
    config = save_checkpoint(out_folder, config, network, card=model_card(config))
    shutil.rmtree(folder, ignore_errors=True)
    say(1.0)
    return TrainingSummary(out_folder, config, results, left_out, _notes(real))


def _untrained(
    config: DetectorConfig, seed: int, material: Sequence[LabelledRecording]
) -> tuple[Any, DetectorConfig]:
    """Return a network with the weights of the seed, and the config with all its parameters."""
    import torch

    cls = network_class(config.architecture)
    usual = usual_level(levels_of(cls(**config.parameters), material, config))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: Any = cls(**config.parameters, usual_level=usual)
    return network, replace(config, parameters=network.parameters_dict())


def _on_clips(
    network: Any,
    config: DetectorConfig,
    real: _Real,
    material: list[LabelledRecording],
    recipe: Recipe,
    folder: Path,
    progress: Progress,
) -> tuple[Any, list[HeldOutWindows]]:
    """Score each person unseen; then refine on all of them, where the recipe says so."""
    found = leave_one_person_out(
        network, replace(config, name="fold"), real.clips, real.clip_items, material,
        n_folds=recipe.n_folds, parameters=recipe.refine, seed=recipe.seed, folder=folder,
        progress=progress,
    )  # fmt: skip
    if recipe.refine is None:
        return network, found
    refined = refine(
        network, config, real.clips, material, parameters=recipe.refine, seed=recipe.seed
    )
    return refined, found


def _read(dataset: Dataset, config: DetectorConfig, seed: int) -> _Real:
    background = [item for item in dataset.items if item.group == BACKGROUND_GROUP]
    split = split_by_person(background, shares=(0.6, 0.2, 0.2), seed=seed)
    items = [item for item in dataset.items if item.group != BACKGROUND_GROUP]
    clips = read_real(items, config)
    names = {clip.name for clip in clips}
    return _Real(
        split,
        read_real(split.train, config),
        read_real(split.validation, config),
        read_real(split.test, config),
        clips,
        [item for item in items if item.path.name in names],
    )


def _material(
    config: DetectorConfig, recipe: Recipe, real: _Real | None, progress: Progress
) -> tuple[list[LabelledRecording], list[LabelledRecording], list[LabelledRecording]]:
    """Return what is fitted, what calibrates, and simulated people for the final test."""
    pieces = max(round(recipe.hours * _PIECES_PER_HOUR), 4)
    n_train = pieces if real is None else pieces // 2
    n_held = max(pieces // 5, 4)
    seed = recipe.seed
    train = simulated(config, seed=seed, n=n_train, progress=lambda share: progress(0.7 * share))
    held = simulated(config, seed=seed + _VALIDATION_SEED, n=n_held)
    test = simulated(config, seed=seed + _TEST_SEED, n=n_held)
    if real is not None:
        train += injected(config, real.train, seed=seed, n=pieces - n_train)
        held += injected(config, real.validation, seed=seed + _VALIDATION_SEED, n=n_held)
    progress(1.0)
    return train, held, test


def _fingerprint(config: DetectorConfig, recipe: Recipe, real: _Real | None) -> str:
    """Return a hash of everything that decides the result."""
    hashes = [] if real is None else [r.sha256 for r in (*real.train, *real.validation)]
    clips = [] if real is None else [r.sha256 for r in real.clips]
    facts = [config.as_dict(), asdict(recipe), hashes, clips]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _record(
    recipe: Recipe,
    real: _Real | None,
    curves: Mapping[str, list[float]],
    results: Mapping[str, float],
    elapsed_s: float,
) -> dict[str, Any]:
    data = "" if real is None else " --data FOLDER"
    return {
        "command": f"python -m eegdash train --architecture {recipe.architecture} "
        f"--seed {recipe.seed} --hours {recipe.hours:g} --epochs {recipe.fit.epochs}{data}"
        f"{' --refine' if recipe.refine else ''}",
        "recipe": asdict(recipe),
        "curves": curves,
        "results": results,
        "versions": versions(),
        "device": device_name(),
        "elapsed_s": round(elapsed_s, 1),
    }


def _real_record(
    detector: Detector,
    recipe: Recipe,
    real: _Real,
    left_out: Mapping[str, Mapping[str, Separation]],
) -> dict[str, Any]:
    used = [*real.train, *real.validation, *(real.clips if recipe.refine else ())]
    background = background_figures(detector, real.test)
    alarms, gain = background.alarms, background.gain
    return {
        "persons": sorted({_key(recording) for recording in used}),
        "recordings_sha256": sorted({recording.sha256 for recording in used}),
        "split": {
            side: sorted({item.person_key for item in getattr(real.split, side)})
            for side in ("train", "validation", "test")
        },
        "background": {
            "persons": background.n_persons,
            "hours": round(alarms.hours, 3),
            "alarms": alarms.n_alarms,
            "per_hour": _finite(alarms.per_hour),
            "low": _finite(alarms.low),
            "high": _finite(alarms.high),
            "share": _finite(gain.share),
            "share_times_3": _finite(gain.shares[GAINS[0]]),
            "share_by_3": _finite(gain.shares[GAINS[1]]),
        },
        "folds": len(person_groups(real.clips, recipe.n_folds)) if recipe.refine else 0,
        "leave_one_person_out": {
            group: {name: _figures(value) for name, value in values.items()}
            for group, values in left_out.items()
        },
    }


def _key(recording: RealRecording) -> str:
    """Return the person; one who is not stated is known by the alias of the recording."""
    unknown = recording.person.endswith(f"/{recording.name}")
    return f"{recording.group}/{alias_of(recording.sha256)}" if unknown else recording.person


def _finite(value: float) -> float | None:
    """Return four decimals, or None where a figure is not defined: JSON knows no NaN."""
    return round(value, 4) if isfinite(value) else None


def _figures(value: Separation) -> dict[str, float | int | None]:
    return {
        "auroc": _finite(value.auroc.value),
        "low": _finite(value.auroc.low),
        "high": _finite(value.auroc.high),
        "windows": value.n_windows,
        "seizure_windows": value.n_seizure,
        "recordings": value.n_recordings,
        "persons": value.n_persons,
    }


def _notes(real: _Real | None) -> tuple[str, ...]:
    if real is None:
        return ("Trained on simulated people alone; name a data set with --data to use real EEG.",)
    return (
        f"Trained on simulated people and on {len(real.train)} real recordings without seizures "
        f"with simulated events in them; {len(real.clips)} real clips were scored.",
    )


def versions() -> dict[str, str]:
    """Return the versions of what a training depends on."""
    from importlib.metadata import version

    names = ("torch", "numpy", "scipy", "safetensors")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
