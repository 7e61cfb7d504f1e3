"""The recordings that an operating point can be chosen on, and what a model was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from eegdash.checkpoints import CONFIG_NAME, CheckpointInfo
from eegdash.workflows.desk import Desk
from eegdash.workflows.library import Facts
from eegdash.workflows.reference_sets import Candidate, known_recordings
from eegdash.workflows.score import is_scored

NOT_SCORED = "not scored"


def candidates(
    desk: Desk, model: CheckpointInfo, *, reviewer: str = "", blinded: bool = False
) -> list[Candidate]:
    """Return the recordings of the workspace; one that the model has not scored says so.

    Parameters
    ----------
    desk : Desk
    model : CheckpointInfo
    reviewer : str
    blinded : bool
        The reader wants to read blinded first.
    """

    def unscored(facts: Facts) -> str:
        return "" if is_scored(desk, facts.sha256, model) else NOT_SCORED

    return known_recordings(desk, reviewer=reviewer, blinded=blinded, further=unscored)


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
