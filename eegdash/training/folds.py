"""Refinement on real clips, and what it is worth: leave one person out."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import Detector, DetectorConfig
from eegdash.detection import detect
from eegdash.io.dataset import DatasetItem
from eegdash.recording import alias_of
from eegdash.scoring import Separation, baselines, separation, window_labels
from eegdash.training.datasets import LabelledRecording
from eegdash.training.fit import FitParameters, fit
from eegdash.training.material import RealRecording, clip_variants
from eegdash.training.state import write_whole

if TYPE_CHECKING:
    from torch import nn

BOTH = "both"
"""Name of the comparison over all groups that have both classes."""


@dataclass(frozen=True, slots=True)
class RefineParameters:
    """How a network is refined on real clips.

    Parameters
    ----------
    variants : int
        Of each clip (:func:`eegdash.training.material.clip_variants`).
    replayed : float
        Recordings of the first training that come with each variant, so that nothing of it is
        forgotten.
    fit : FitParameters
    """

    variants: int = 12
    replayed: float = 0.5
    fit: FitParameters = field(default_factory=lambda: FitParameters(epochs=4, learning_rate=5e-4))


@dataclass(frozen=True, slots=True)
class HeldOutWindows:
    """Windows of known truth of one recording, scored by a detector that never saw the person.

    Parameters
    ----------
    name, person, group : str
    probability_pm : list of int
        Per mille.
    seizure : list of bool
    rms_uv, line_length_uv : list of float
        The two baselines on the same windows.
    """

    name: str
    person: str
    group: str
    probability_pm: list[int]
    seizure: list[bool]
    rms_uv: list[float]
    line_length_uv: list[float]


def person_groups(clips: Sequence[RealRecording], n_folds: int) -> tuple[tuple[str, ...], ...]:
    """Return the persons that each fold leaves out; those with seizures are spread first.

    Parameters
    ----------
    clips : sequence of RealRecording
    n_folds : int
        At most; never more than there are persons.
    """
    ictal = sorted({clip.person for clip in clips if clip.reference.seizures})
    free = sorted({clip.person for clip in clips} - set(ictal))
    ordered = [*ictal, *free]
    n = min(n_folds, len(ordered))
    return tuple(tuple(ordered[k::n]) for k in range(n))


def refine(
    network: nn.Module,
    config: DetectorConfig,
    clips: Sequence[RealRecording],
    first: Sequence[LabelledRecording],
    *,
    parameters: RefineParameters,
    seed: int,
) -> nn.Module:
    """Return a copy of a network that was fitted further, to real clips and what it knew.

    Parameters
    ----------
    network : torch.nn.Module
    config : DetectorConfig
    clips : sequence of RealRecording
    first : sequence of LabelledRecording
        The recordings of the first training.
    parameters : RefineParameters
    seed : int
    """
    refined = copy.deepcopy(network)
    plain = replace(config, normalisation=replace(config.normalisation, mean=(), scale=1.0))
    variants = clip_variants(plain, clips, seed=seed, n=parameters.variants)
    rng = np.random.default_rng([seed, 41])
    n = min(round(parameters.replayed * len(variants)), len(first))
    replayed = [first[int(index)] for index in rng.choice(len(first), n, replace=False)]
    fit(refined, [*variants, *replayed], (), config, parameters=parameters.fit, seed=seed)
    return refined


def leave_one_person_out(
    network: nn.Module,
    config: DetectorConfig,
    clips: Sequence[RealRecording],
    items: Sequence[DatasetItem],
    first: Sequence[LabelledRecording],
    *,
    n_folds: int,
    parameters: RefineParameters | None,
    seed: int,
    folder: Path,
    progress: Callable[[float], None],
) -> list[HeldOutWindows]:
    """Refine without the persons of a fold, score their recordings, and go round.

    Parameters
    ----------
    network : torch.nn.Module
        After the first training, in which no clip took part.
    config : DetectorConfig
    clips : sequence of RealRecording
    items : sequence of DatasetItem
        The same recordings, to be scored as any recording is.
    first : sequence of LabelledRecording
    n_folds : int
    parameters : RefineParameters or None
        None scores the network as it is.
    seed : int
    folder : Path
        Finished folds are kept there, so that an interrupted run goes on.
    progress : callable
        Called with the share done.
    """
    found: list[HeldOutWindows] = []
    groups = person_groups(clips, n_folds)
    for number, persons in enumerate(groups):
        path = folder / f"fold-{number}.json"
        if not path.is_file():
            kept = [clip for clip in clips if clip.person not in persons]
            scorer = network
            if parameters is not None:
                scorer = refine(network, config, kept, first, parameters=parameters, seed=seed)
            names = {clip.name for clip in clips if clip.person in persons}
            scored = [
                _scored(item, Detector(config, scorer)) for item in items if item.path.name in names
            ]
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps([_as_dict(windows) for windows in scored]).encode())
        found += [HeldOutWindows(**entry) for entry in json.loads(path.read_text())]
        progress((number + 1) / len(groups))
    return found


def _as_dict(windows: HeldOutWindows) -> dict[str, Any]:
    return {name: getattr(windows, name) for name in HeldOutWindows.__dataclass_fields__}


def person_of(item: DatasetItem, sha256: str) -> str:
    """Return the key of a person; a recording that states none is a person of its own."""
    return item.person_key or f"{item.group}/{alias_of(sha256)}"


def _scored(item: DatasetItem, detector: Detector) -> HeldOutWindows:
    recording, reference = item.open()
    if reference is None:
        raise ValueError(f"{item.path.name} has no reference")
    trace = detect(recording, detector)
    labels = window_labels(trace, reference)
    config = detector.config
    size = baselines(recording, step_s=config.step_s, window_s=config.window_s)
    used = labels.known & trace.scored
    return HeldOutWindows(
        item.path.name,
        person_of(item, recording.sha256),
        item.group,
        [int(value) for value in trace.probability_pm[used]],
        [bool(value) for value in labels.seizure[used]],
        [float(value) for value in size.rms_uv[: len(used)][used]],
        [float(value) for value in size.line_length_uv[: len(used)][used]],
    )


def separations(found: Sequence[HeldOutWindows]) -> dict[str, dict[str, Separation]]:
    """Return, by group and over all, how detector and baselines separate the same windows.

    Groups of one class only have no figure of their own.
    """
    names = sorted({windows.group for windows in found})
    parts = {name: [w for w in found if w.group == name] for name in names}
    mixed = {n: part for n, part in parts.items() if len({s for w in part for s in w.seizure}) == 2}
    if len(mixed) > 1:
        mixed[BOTH] = [windows for part in mixed.values() for windows in part]
    return {name: _compared(part) for name, part in mixed.items()}


def _compared(found: Sequence[HeldOutWindows]) -> dict[str, Separation]:
    sizes = [len(windows.seizure) for windows in found]
    persons = sorted({windows.person for windows in found})
    place = np.repeat(np.arange(len(found)), sizes)
    person = np.repeat([persons.index(windows.person) for windows in found], sizes)
    seizure = np.concatenate([np.array(w.seizure, dtype=np.bool_) for w in found])
    columns: Mapping[str, list[list[float]]] = {
        "detector": [[float(v) for v in w.probability_pm] for w in found],
        "root mean square": [w.rms_uv for w in found],
        "line length": [w.line_length_uv for w in found],
    }
    values: dict[str, NDArray[np.float64]] = {
        name: np.concatenate([np.array(row, dtype=np.float64) for row in rows])
        for name, rows in columns.items()
    }
    return {
        name: separation(name, column, seizure, recording=place, person=person)
        for name, column in values.items()
    }
