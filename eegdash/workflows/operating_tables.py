"""What every threshold reaches on a set of recordings, computed once so that moving it is free.

The counts of a recording are kept by its hash, the model's and the event rules: another set of the
same recordings costs nothing new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Reference
from eegdash.cache import cache_key
from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import PostProcessing, ProbabilityTrace
from eegdash.errors import RecordingError, WorkspaceError
from eegdash.io.layouts import read_dataset
from eegdash.recording import alias_of
from eegdash.scoring import (
    OperatingTable,
    WindowCounts,
    calibration,
    events_table,
    separation,
    threshold_grid,
    window_counts,
    window_labels,
)
from eegdash.workflows import library
from eegdash.workflows.desk import Desk
from eegdash.workflows.hypotheses import Hypothesis, of_trace
from eegdash.workflows.other_detectors import hypothesis_of, outputs_beside
from eegdash.workflows.score import Progress, load_trace, post_of

_VERSION = 1
_OF_EVENTS = ("n_events", "tp", "fp", "n_ref", "sample_tp", "sample_fp", "sample_n_ref")
_BY_THRESHOLD = (*_OF_EVENTS, "window_tp", "window_fp")
_BY_RECORDING = ("n_seizure_windows", "n_free_windows", "covered_s", "sampled_s")
_FACTS = ("sha256", "alias", "duration_s", "scored_s", "events_possible")


@dataclass(frozen=True, slots=True)
class TableRequest:
    """What a table is asked of.

    Parameters
    ----------
    paths : tuple of Path
    model : CheckpointInfo
    other : str
        Name of another detector to compare with, empty for none.
    """

    paths: tuple[Path, ...]
    model: CheckpointInfo
    other: str = ""

    def key(self, desk: Desk) -> str:
        """Return a hash of all that decides the tables but the event rules.

        Annotation files enter by name, size and time, so that an edited reference is seen
        without reading every one of them.
        """
        marks = {folder: _beside(folder) for folder in {path.parent for path in self.paths}}
        parts = [
            [sha256, library.mapping_key(library.channel_map(desk, sha256)), marks[path.parent]]
            for path in self.paths
            for sha256 in [library.known_hash(desk, path)]
        ]
        return cache_key(
            "",
            self.model.sha256,
            "operating",
            version=_VERSION,
            recordings=parts,
            other=self.other,
            grid=threshold_grid(self.model.threshold_pm).tolist(),
        )


def _beside(folder: Path) -> str:
    marks = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".tsv", ".csv", ".seizures", ".txt") and path.is_file():
            found = path.stat()
            marks.append(f"{path.name}|{found.st_size}|{found.st_mtime_ns}")
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()


def rules_key(key: str, post: PostProcessing) -> str:
    """Return the key under which the tables of one set of event rules are kept."""
    return cache_key(key, "", "operating-tables", **post.as_dict())


def stored_tables(desk: Desk, key: str, post: PostProcessing) -> dict[str, Any] | None:
    """Return the tables of a request, None where they are not computed yet."""
    stored = desk.cache.get_json(rules_key(key, post))
    return stored if isinstance(stored, dict) else None


def compute_tables(
    desk: Desk, request: TableRequest, post: PostProcessing, progress: Progress | None = None
) -> dict[str, Any]:
    """Compute, keep and return what every threshold reaches on the recordings of a request.

    Returns
    -------
    dict
        ``threshold_pm``; ``recordings``, one mapping each; ``counts``, lists by recording and
        threshold; ``ranking`` and ``calibration`` over all windows; ``other`` or None. Undefined
        values are None.

    Raises
    ------
    EegdashError
        If a recording cannot be read or is not scored any more, or the result cannot be kept.
    """
    grid = threshold_grid(request.model.threshold_pm)
    rows: list[dict[str, Any]] = []
    others: dict[int, dict[str, Any]] = {}
    for i, path in enumerate(request.paths):
        opened = library.open_path(desk, path)
        trace, reference = load_trace(desk, opened, request.model), opened.reference
        if trace is None or reference is None:
            raise RecordingError(
                f"{path.name} is not scored any more, or lost its reference. "
                "Score it again on the page Recordings."
            )
        rows.append({**_row(desk, trace, reference, post, grid), **_person(path)})
        output = outputs_beside(path).get(request.other) if request.other else None
        if output is not None:
            others[i] = _counts(hypothesis_of(output, opened, post), reference, grid)
        if progress is not None:
            progress((i + 1) / len(request.paths))
    found = {
        "threshold_pm": grid.tolist(),
        **_stacked(rows),
        **_ranked(rows),
        "other": None
        if not others
        else {"name": request.other, "rows": list(others), **_stacked(list(others.values()))},
    }
    if not desk.cache.put_json(rules_key(request.key(desk), post), found):
        raise WorkspaceError(
            "The tables could not be kept: the disk of the workspace is full or read-only. "
            "Make room, then choose the recordings again."
        )
    return found


def prepare_counts(
    desk: Desk, trace: ProbabilityTrace, reference: Reference, model: CheckpointInfo
) -> None:
    """Compute and keep the counts of one recording under the rules that hold for its model."""
    _row(desk, trace, reference, post_of(model), threshold_grid(model.threshold_pm))


def _person(path: Path) -> dict[str, str]:
    item = read_dataset(path).items[0]
    return {"person": item.person, "person_key": item.person_key} if item.person else {}


def _row(
    desk: Desk,
    trace: ProbabilityTrace,
    reference: Reference,
    post: PostProcessing,
    grid: NDArray[np.int64],
) -> dict[str, Any]:
    """Return the counts of one recording and the histograms of its windows, once computed."""
    truth = [(a.onset_s, a.duration_s, a.event_type) for a in reference.annotations]
    key = cache_key(
        trace.recording_sha256,
        trace.model_sha256,
        "operating-row",
        version=_VERSION,
        truth=hashlib.sha256(repr((truth, reference.coverage)).encode()).hexdigest(),
        trace=hashlib.sha256(trace.probability_pm.tobytes()).hexdigest(),
        grid=grid.tolist(),
        **post.as_dict(),
    )
    stored = desk.cache.get_json(key)
    if isinstance(stored, dict):
        return stored
    labels = window_labels(trace, reference)
    used = labels.known & trace.scored
    alias = alias_of(trace.recording_sha256)
    row = {
        **_counts(of_trace(trace, post), reference, grid),
        "sha256": trace.recording_sha256,
        "alias": alias,
        "person": alias,
        "person_key": alias,
        "histogram": [
            np.bincount(trace.probability_pm[used & mask], minlength=1001).tolist()
            for mask in (labels.seizure, ~labels.seizure)
        ],
    }
    desk.cache.put_json(key, row)
    return row


def _counts(
    hypothesis: Hypothesis, reference: Reference, grid: NDArray[np.int64]
) -> dict[str, Any]:
    """Return the counts of one recording at every threshold.

    Where less was scored than the shortest detection lasts, none was possible: a seizure missed
    there would be counted against nobody, so that only the windows count.
    """
    post, trace = hypothesis.post, hypothesis.trace
    possible = post is None or hypothesis.scored_s >= post.min_duration_s
    table = events_table(
        hypothesis.events_at,
        reference if possible else replace(reference, coverage=()),
        duration_s=hypothesis.duration_s,
        scored_s=hypothesis.scored_s,
        post=post,
        thresholds_pm=grid,
    )
    none = np.zeros(len(grid), dtype=np.int64)
    windows = (
        WindowCounts(none, none, 0, 0) if trace is None else window_counts(trace, reference, grid)
    )
    return {
        **{name: getattr(table, name).tolist() for name in _OF_EVENTS},
        "window_tp": windows.tp.tolist(),
        "window_fp": windows.fp.tolist(),
        "n_seizure_windows": windows.n_seizure,
        "n_free_windows": windows.n_free,
        "covered_s": float(table.covered_s),
        "sampled_s": float(table.sampled_s),
        "duration_s": float(hypothesis.duration_s),
        "scored_s": float(hypothesis.scored_s),
        "events_possible": possible,
    }


def _stacked(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    kept = (*_FACTS, "person", "person_key", *_BY_RECORDING)
    return {
        "recordings": [{name: row[name] for name in kept if name in row} for row in rows],
        "counts": {name: [row[name] for row in rows] for name in _BY_THRESHOLD},
    }


def _ranked(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rank and calibrate the windows of all recordings, from their histograms."""
    values, truth, recording = [], [], []
    for i, row in enumerate(rows):
        for counts, is_seizure in zip(row["histogram"], (True, False), strict=True):
            probability_pm = np.repeat(np.arange(1001), counts)
            values.append(probability_pm)
            truth.append(np.full(len(probability_pm), is_seizure))
            recording.append(np.full(len(probability_pm), i))
    persons = [row["person_key"] for row in rows]
    names = list(dict.fromkeys(persons))
    which = np.array([names.index(person) for person in persons])
    of_recording = np.concatenate(recording)
    probability, seizure = np.concatenate(values), np.concatenate(truth)
    ranks = separation(
        "detector",
        probability,
        seizure,
        recording=of_recording,
        person=which[of_recording],
    )
    found = calibration(probability, seizure)
    return {
        "ranking": {
            **{
                name: [_known(x) for x in (e.value, e.low, e.high)]
                for name, e in (("auroc", ranks.auroc), ("auprc", ranks.auprc))
            },
            "n_windows": ranks.n_windows,
            "n_seizure": ranks.n_seizure,
            "n_persons": ranks.n_persons,
        },
        "calibration": {
            "low": found.low.tolist(),
            "high": found.high.tolist(),
            "n": found.n.tolist(),
            "stated": [_known(x) for x in found.stated],
            "observed": [_known(x) for x in found.observed],
            "brier": _known(found.brier),
            "expected_error": _known(found.expected_error),
        },
    }


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def operating_table(tables: Mapping[str, Any]) -> OperatingTable:
    """Return computed tables in the form in which Python sums and chooses."""
    recordings = tables["recordings"]
    by_name: dict[str, Any] = {
        name: np.array(tables["counts"][name], dtype=np.int64) for name in _BY_THRESHOLD
    }
    for name in _BY_RECORDING:
        by_name[name] = np.array([recording[name] for recording in recordings])
    return OperatingTable(
        threshold_pm=np.array(tables["threshold_pm"], dtype=np.int64),
        persons=tuple(recording["person_key"] for recording in recordings),
        **by_name,
    )
