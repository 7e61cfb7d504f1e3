"""Score a recording, and read the result and its metrics back from the cache."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eegdash.annotations import Annotation, Reference
from eegdash.cache import cache_key
from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import Event, PostProcessing, ProbabilityTrace, find_events
from eegdash.errors import EegdashError
from eegdash.workflows.desk import Desk
from eegdash.workflows.label_view import reviewed, shown_labels
from eegdash.workflows.library import (
    Opened,
    channel_map,
    known_hash,
    mapping_key,
    open_path,
)

_LOG = logging.getLogger(__name__)
_TRACE_VERSION = 1
_TABLE_VERSION = 1

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Scored:
    """A recording was scored."""

    trace: ProbabilityTrace


@dataclass(frozen=True, slots=True)
class Failed:
    """A recording could not be scored. This is never "no seizure"."""

    reason: str


Outcome = Scored | Failed


def score(
    desk: Desk, path: Path, model: CheckpointInfo, progress: Progress | None = None
) -> Outcome:
    """Score a recording, or take the stored result.

    Parameters
    ----------
    desk : Desk
    path : Path
        The recording.
    model : CheckpointInfo
    progress : callable, optional
        Called with 0 to 1.

    Returns
    -------
    Scored or Failed
    """
    try:
        opened = open_path(desk, path)
        stored = load_trace(desk, opened, model)
        if stored is not None:
            return Scored(stored)
        trace = _detect(desk, opened, model, progress)
    except EegdashError as error:
        return Failed(str(error))
    store_trace(desk, opened.mapping, model, trace)
    return Scored(trace)


def _detect(
    desk: Desk, opened: Opened, model: CheckpointInfo, progress: Progress | None
) -> ProbabilityTrace:
    from eegdash.checkpoints import load_checkpoint  # imports torch
    from eegdash.detection import detect

    detector = load_checkpoint(model.folder, trusted_packages=desk.settings.trusted_packages)
    return detect(opened.recording, detector, mapping=opened.mapping, progress=progress)


def _key(recording_sha256: str, mapping: Mapping[str, str], model_sha256: str, part: str) -> str:
    return cache_key(
        recording_sha256,
        model_sha256,
        f"trace-{part}",
        version=_TRACE_VERSION,
        mapping=mapping_key(mapping),
    )


def store_trace(
    desk: Desk, mapping: Mapping[str, str], model: CheckpointInfo, trace: ProbabilityTrace
) -> None:
    """Keep a trace under its recording, its model and the channel map that it was made with."""
    sha256 = trace.recording_sha256
    desk.cache.put_array(_key(sha256, mapping, model.sha256, "values"), trace.probability_pm)
    desk.cache.put_json(
        _key(sha256, mapping, model.sha256, "grid"),
        {
            "first_centre_s": trace.first_centre_s,
            "step_s": trace.step_s,
            "duration_s": trace.duration_s,
            "background": list(trace.background),
        },
    )


def load_trace(desk: Desk, opened: Opened, model: CheckpointInfo) -> ProbabilityTrace | None:
    """Return the stored trace of a recording by a model, or None."""
    return stored_trace(desk, opened.recording.sha256, opened.mapping, model)


def stored_trace(
    desk: Desk, recording_sha256: str, mapping: Mapping[str, str], model: CheckpointInfo
) -> ProbabilityTrace | None:
    """Return the stored trace by recording hash and channel map, without opening the file."""
    grid = desk.cache.get_json(_key(recording_sha256, mapping, model.sha256, "grid"))
    values = desk.cache.get_array(_key(recording_sha256, mapping, model.sha256, "values"))
    if not isinstance(grid, dict) or values is None or values.dtype != np.uint16:
        return None
    return ProbabilityTrace(
        probability_pm=values,
        first_centre_s=float(grid["first_centre_s"]),
        step_s=float(grid["step_s"]),
        duration_s=float(grid["duration_s"]),
        model=model.name,
        model_sha256=model.sha256,
        recording_sha256=recording_sha256,
        background=tuple(float(level) for level in grid.get("background", ())),
    )


@dataclass(frozen=True, slots=True)
class ScoredSummary:
    """What the list of recordings says about a scored one, at the locked threshold.

    Parameters
    ----------
    n_events, threshold_pm : int
    n_labels : int
        Of all readers, or of this one where others' are not shown.
    n_reviewed : int
        Detections that this reader labelled.
    too_short : bool
        Less could be scored than a detection needs.
    """

    n_events: int
    threshold_pm: int
    n_labels: int
    n_reviewed: int
    too_short: bool


def is_scored(desk: Desk, recording_sha256: str, model: CheckpointInfo) -> bool:
    """Return whether a trace is stored; cheap, for lists."""
    mapping = channel_map(desk, recording_sha256)
    key = _key(recording_sha256, mapping, model.sha256, "grid")
    return desk.cache.get_json(key) is not None


def scored_summary(
    desk: Desk,
    path: Path,
    model: CheckpointInfo,
    reviewer: str = "",
    *,
    own_only: bool = False,
) -> ScoredSummary:
    """Return the detections at the locked operating point and the labels so far.

    Parameters
    ----------
    desk : Desk
    path : Path
    model : CheckpointInfo
    reviewer : str
    own_only : bool
        Count no label of another reader.
    """
    sha256 = known_hash(desk, path)
    trace = stored_trace(desk, sha256, channel_map(desk, sha256), model)
    events = find_events(trace, model.threshold_pm, post_of(model)) if trace else []
    shown = shown_labels(desk, sha256, reviewer, trace, own_only=own_only)
    n_reviewed = len(reviewed(events, shown))
    too_short = trace is not None and trace.scored_s < post_of(model).min_duration_s
    return ScoredSummary(len(events), model.threshold_pm, len(shown), n_reviewed, too_short)


def post_of(model: CheckpointInfo) -> PostProcessing:
    """Return the locked post-processing of a model."""
    return PostProcessing(**model.post)


# ---- events and metrics --------------------------------------------------------------------


def metrics_table(
    desk: Desk, trace: ProbabilityTrace, reference: Reference, post: PostProcessing
) -> dict[str, Any]:
    """Return event scores for 101 thresholds as lists by name; undefined values are None."""
    from eegdash.scoring import threshold_table

    key = cache_key(
        trace.recording_sha256,
        trace.model_sha256,
        "table",
        version=_TABLE_VERSION,
        reference=_reference_key(reference),
        trace=hashlib.sha256(trace.probability_pm.tobytes()).hexdigest(),
        **post.as_dict(),
    )
    stored = desk.cache.get_json(key)
    if isinstance(stored, dict):
        return stored
    table = threshold_table(trace, reference, post)
    found = {
        name: [_plain(value) for value in getattr(table, name)]
        for name in ("tp", "fp", "n_ref", "sensitivity", "precision", "f1", "fp_per_24h")
    }
    desk.cache.put_json(key, found)
    return found


def _plain(value: float) -> float | int | None:
    number = float(value)
    if not np.isfinite(number):
        return None
    return int(number) if number.is_integer() and isinstance(value, np.integer) else number


def _reference_key(reference: Reference) -> str:
    spans = [(a.onset_s, a.duration_s, a.event_type) for a in reference.annotations]
    return hashlib.sha256(repr((spans, reference.coverage)).encode()).hexdigest()


def as_annotations(events: list[Event]) -> list[Annotation]:
    """Return detections in the form in which annotations are written."""
    return [
        Annotation(
            onset_s=event.onset_s,
            duration_s=event.duration_s,
            event_type="sz",
            confidence=event.peak_pm / 1000,
        )
        for event in events
    ]
