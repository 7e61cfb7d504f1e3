"""The recordings that an operating point can be chosen on, and the sets that are offered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eegdash.checkpoints import CONFIG_NAME, CheckpointInfo
from eegdash.io.layouts import read_dataset
from eegdash.workflows import library, reading
from eegdash.workflows.desk import Desk
from eegdash.workflows.score import is_scored

NO_REFERENCE = "no reference"
NOT_SCORED = "not scored"
WITHHELD = "withheld until your first read is committed"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recording that an operating point may be chosen on.

    Parameters
    ----------
    path : Path
    sha256, alias : str
    person, person_key : str
        Who was recorded, and that within all data sets; the alias where nobody says.
    folder : str
        Folder inside the workspace's recordings, empty at its top.
    duration_s : float
    why_not : str
        Why it cannot be used, in words; empty where it can.
    """

    path: Path
    sha256: str
    alias: str
    person: str
    person_key: str
    folder: str
    duration_s: float
    why_not: str = ""


def candidates(
    desk: Desk, model: CheckpointInfo, *, reviewer: str = "", blinded: bool = False
) -> list[Candidate]:
    """Return the recordings of the workspace that can be opened, each file's content once.

    Parameters
    ----------
    desk : Desk
    model : CheckpointInfo
    reviewer : str
    blinded : bool
        The reader wants to read blinded first.
    """
    found: dict[str, Candidate] = {}
    for path in library.recording_files(desk):
        facts = library.facts(desk, path)
        if facts.problem or facts.sha256 in found:
            continue
        why_not = ""
        if facts.n_seizures is None:
            why_not = NO_REFERENCE
        elif reading.is_blind(desk, facts.sha256, reviewer, wanted=blinded):
            why_not = WITHHELD
        elif not is_scored(desk, facts.sha256, model):
            why_not = NOT_SCORED
        folder = path.parent.relative_to(desk.workspace.recordings).as_posix()
        item = read_dataset(path).items[0]
        found[facts.sha256] = Candidate(
            path=path,
            sha256=facts.sha256,
            alias=facts.alias,
            person=item.person or facts.alias,
            person_key=item.person_key or facts.alias,
            folder="" if folder == "." else folder,
            duration_s=facts.duration_s,
            why_not=why_not,
        )
    return list(found.values())


def sets_of(usable: Sequence[Candidate]) -> dict[str, tuple[Candidate, ...]]:
    """Return what may be chosen, by key: all, each folder and person of several, each recording.

    Keys are ``all``, ``folder:NAME``, ``person:NAME`` and ``recording:SHA256``.
    """
    sets: dict[str, tuple[Candidate, ...]] = {"all": tuple(usable)}
    kinds: tuple[tuple[str, Callable[[Candidate], str]], ...] = (
        ("folder", lambda candidate: candidate.folder),
        ("person", lambda candidate: candidate.person),
    )
    for kind, name_of in kinds:
        names = dict.fromkeys(name_of(c) for c in usable)
        for name in names:
            members = tuple(c for c in usable if name_of(c) == name)
            if name and 1 < len(members) < len(usable):
                sets[f"{kind}:{name}"] = members
    return {**sets, **{f"recording:{c.sha256}": (c,) for c in usable}}


def training_record(model: CheckpointInfo) -> tuple[frozenset[str], frozenset[str]]:
    """Return the recordings (hashes) and persons (keys) that a model says it was trained on."""
    try:
        config = json.loads((model.folder / CONFIG_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset(), frozenset()
    training = config.get("training", {}) if isinstance(config, dict) else {}
    return _names(training, "recordings_sha256"), _names(training, "persons")


def _names(training: Mapping[str, Any], key: str) -> frozenset[str]:
    value = training.get(key)
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()
