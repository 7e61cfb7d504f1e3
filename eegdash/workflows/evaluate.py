"""Evaluate a detector on a data set, so that nothing flatters it.

Every figure says on how many windows, recordings and persons it stands. Windows are compared
within a group of one source only; a recording that fails is counted as failed, never as free of
seizures. What a page draws is in plain arrays, and moving the threshold only sums columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Reference
from eegdash.cache import cache_key
from eegdash.checkpoints import read_config
from eegdash.detection import ProbabilityTrace
from eegdash.errors import EegdashError
from eegdash.io.dataset import Dataset, DatasetItem
from eegdash.io.layouts import read_dataset
from eegdash.recording import Recording, alias_of
from eegdash.scoring import (
    GAINS,
    Criterion,
    Estimate,
    GainTest,
    OperatingTable,
    Separation,
    WindowCounts,
    auroc_difference,
    baselines,
    calibration,
    choose_threshold,
    events_table,
    gain_test,
    rank_curve,
    separation,
    threshold_grid,
    window_counts,
    window_labels,
)
from eegdash.scoring.intervals import coverage_of
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.evaluation import (
    EVERYTHING,
    EvaluatedRecording,
    Evaluation,
    Floats,
    Group,
    LeftOut,
    Whole,
    Windows,
)
from eegdash.workflows.evaluation_warnings import warnings_of
from eegdash.workflows.hypotheses import (
    Detections,
    FileDetections,
    Hypothesis,
    ModelDetections,
)
from eegdash.workflows.library import channel_map, mapping_key

BASELINES = ("root mean square", "line length")
_BASELINE_VERSION = 1

Report = Callable[[int, int, str], None]
"""Called with recordings done, recordings in all, and the file name of the next."""


def evaluate_folder(
    folder: Path,
    *,
    model: str | None = None,
    detections: Path | None = None,
    threshold_pm: int | None = None,
    criterion: str | None = None,
    target: float | None = None,
    with_gain: bool = True,
    report: Report | None = None,
) -> Evaluation:
    """Evaluate a model of the desk, or another program's detections, on a folder.

    Parameters
    ----------
    folder : Path
        Of a data set, or a single recording.
    model : str, optional
        Name or folder of a model; the default model otherwise.
    detections : Path, optional
        Folder of another program's events and traces; then no model is run.
    threshold_pm : int, optional
    criterion : str, optional
        Value of a :class:`~eegdash.scoring.Criterion`.
    target : float, optional
    with_gain : bool
    report : callable, optional

    Returns
    -------
    Evaluation

    Raises
    ------
    DatasetError
        If the folder holds no recording.
    CheckpointError
        If there is no such model.
    """
    desk = open_desk()
    dataset = read_dataset(folder)
    training: Mapping[str, Any] = {}
    if detections is not None:
        source: Detections = FileDetections(detections)
    else:
        info = desk.model(model)
        source, training = ModelDetections(desk, info), read_config(info.folder).training
    return evaluate(
        desk,
        dataset,
        source,
        threshold_pm=threshold_pm,
        criterion=None if criterion is None else Criterion(criterion),
        target=target,
        gains=GAINS if with_gain else (),
        training=training,
        report=report,
    )


def evaluate(
    desk: Desk,
    dataset: Dataset,
    detections: Detections,
    *,
    threshold_pm: int | None = None,
    criterion: Criterion | None = None,
    target: float | None = None,
    gains: Sequence[float] = GAINS,
    training: Mapping[str, Any] | None = None,
    report: Report | None = None,
) -> Evaluation:
    """Evaluate a detector on every recording of a data set whose truth is known.

    Parameters
    ----------
    desk : Desk
        Results are kept in its cache.
    dataset : Dataset
    detections : Detections
    threshold_pm : int, optional
        Per mille; the locked one by default.
    criterion : Criterion, optional
        Choose the threshold on these recordings instead; the figures then flatter, and say so.
    target : float, optional
        For the criteria that have one.
    gains : sequence of float
        Of the gain test; empty for none.
    training : mapping, optional
        What the model says about its training; ``persons`` there are compared with those here.
    report : callable, optional

    Returns
    -------
    Evaluation
    """
    locked = detections.threshold_pm if threshold_pm is None else threshold_pm
    grid = threshold_grid(locked)
    found: list[EvaluatedRecording] = []
    left_out: list[LeftOut] = []
    for number, item in enumerate(dataset.items):
        if report is not None:
            report(number, len(dataset.items), item.path.name)
        outcome = _evaluated(desk, item, detections, grid, gains)
        if isinstance(outcome, LeftOut):
            left_out.append(outcome)
        else:
            found.append(outcome)
    if report is not None:
        report(len(dataset.items), len(dataset.items), "")
    names = sorted({recording.group for recording in found})
    groups = tuple(_group(name, [r for r in found if r.group == name], gains) for name in names)
    overall = Group(EVERYTHING, tuple(found), _operating(found)) if found else None
    choice = None
    if criterion is not None and overall is not None:
        choice = choose_threshold(overall.table.curve(), criterion, target)
    evaluation = Evaluation(
        detector=detections.name,
        detector_sha256=detections.sha256,
        threshold_pm=locked if choice is None else choice.threshold_pm,
        choice=choice,
        post=detections.post,
        layout=dataset.layout,
        overall=overall,
        groups=groups,
        left_out=tuple(left_out),
        warnings=dataset.notes,
        subjects=_subjects(dataset),
    )
    more = warnings_of(evaluation, training or {}, criterion)
    return replace(evaluation, warnings=(*dataset.notes, *more))


def _subjects(dataset: Dataset) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in dataset.items:
        subject = dataset.subjects.get(item.person)
        if subject is not None:
            age = None if subject.age_years is None else f"{subject.age_years:g} years"
            found[item.person_key] = ", ".join(filter(None, (subject.sex, age)))
    return {key: words for key, words in found.items() if words}


def _evaluated(
    desk: Desk, item: DatasetItem, detections: Detections, grid: Whole, gains: Sequence[float]
) -> EvaluatedRecording | LeftOut:
    try:
        recording, reference = item.open()
        if reference is None:
            return LeftOut(item.path.name, "no reference: the truth is not known", failed=False)
        if not coverage_of(reference, recording.duration_s):
            reason = " ".join(reference.warnings) or "the truth is not known anywhere"
            return LeftOut(item.path.name, reason, failed=False)
        hypothesis = detections.hypothesis(recording, item.path)
        scaled = _scaled(recording, reference, detections, gains)
        windows = _windows(desk, recording, reference, hypothesis, scaled)
    except EegdashError as error:
        return LeftOut(item.path.name, str(error), failed=True)
    return _row(item, recording, reference, hypothesis, windows, grid)


def _row(
    item: DatasetItem,
    recording: Recording,
    reference: Reference,
    hypothesis: Hypothesis,
    windows: Windows,
    grid: Whole,
) -> EvaluatedRecording:
    post, trace = hypothesis.post, hypothesis.trace
    possible = post is None or hypothesis.scored_s >= post.min_duration_s
    covered = coverage_of(reference, recording.duration_s)
    covered_s = sum(stop - start for start, stop in covered)
    alias = alias_of(recording.sha256)
    nothing = np.zeros(len(grid), dtype=np.int64)
    return EvaluatedRecording(
        name=item.path.name,
        alias=alias,
        person=item.person or alias,
        person_key=item.person_key or f"{item.group}/{alias}",
        group=item.group,
        person_stated=bool(item.person),
        duration_s=recording.duration_s,
        covered_s=covered_s,
        scored_s=hypothesis.scored_s,
        seizure_free=_is_free(reference, recording) and possible,
        events_possible=possible,
        reference=reference.source,
        hypothesis_sha256=hypothesis.sha256,
        table=events_table(
            hypothesis.events_at,
            # where no detection was possible, a missed seizure would be counted against nobody
            reference if possible else replace(reference, coverage=()),
            duration_s=hypothesis.duration_s,
            scored_s=hypothesis.scored_s,
            post=post,
            thresholds_pm=grid,
        ),
        windows=windows,
        counts=window_counts(trace, reference, grid)
        if trace is not None
        else WindowCounts(nothing, nothing, 0, 0),
    )


def _is_free(reference: Reference, recording: Recording) -> bool:
    covered = coverage_of(reference, recording.duration_s)
    known_s = sum(stop - start for start, stop in covered)
    return not reference.seizures and known_s >= recording.duration_s - 1 / recording.sfreq


def _scaled(
    recording: Recording, reference: Reference, detections: Detections, gains: Sequence[float]
) -> dict[float, ProbabilityTrace]:
    if reference.seizures or not detections.can_scale:
        return {}
    return {gain: detections.scaled_trace(recording, gain) for gain in gains}


def _windows(
    desk: Desk,
    recording: Recording,
    reference: Reference,
    hypothesis: Hypothesis,
    scaled: Mapping[float, ProbabilityTrace],
) -> Windows:
    trace = hypothesis.trace
    if trace is None:
        empty = np.empty(0)
        none = np.empty(0, dtype=np.int64)
        return Windows(none, np.empty(0, dtype=np.bool_), empty, empty, {})
    labels = window_labels(trace, reference)
    used = labels.known & trace.scored
    rms_uv, line_length_uv = _baselines(desk, recording, trace)
    # a window that saturates or falls flat at one gain is compared at none
    everywhere = np.logical_and.reduce([used, *(other.scored for other in scaled.values())])
    traces = {1.0: trace, **scaled} if scaled else {}
    return Windows(
        probability_pm=trace.probability_pm[used].astype(np.int64),
        seizure=labels.seizure[used],
        rms_uv=rms_uv[used],
        line_length_uv=line_length_uv[used],
        gain_pm={
            gain: other.probability_pm[everywhere].astype(np.int64)
            for gain, other in traces.items()
        },
    )


def _baselines(desk: Desk, recording: Recording, trace: ProbabilityTrace) -> tuple[Floats, Floats]:
    """Return both amplitudes on the grid of a trace; NaN where its windows are of another kind."""
    window_s = 2 * trace.first_centre_s
    per_window = window_s / trace.step_s
    result = np.full((2, trace.n_windows), np.nan)
    if per_window < 1 or abs(per_window - round(per_window)) > 1e-6:
        return result[0], result[1]
    mapping = channel_map(desk, recording.sha256)
    key = cache_key(
        recording.sha256,
        "",
        "baselines",
        version=_BASELINE_VERSION,
        mapping=mapping_key(mapping),
        step_s=trace.step_s,
        window_s=window_s,
    )
    values = desk.cache.get_array(key)
    if values is None or values.ndim != 2 or len(values) != 2:
        found = baselines(recording, step_s=trace.step_s, window_s=window_s, mapping=mapping)
        values = np.stack([found.rms_uv, found.line_length_uv])
        desk.cache.put_array(key, values)
    n = min(values.shape[1], trace.n_windows)
    result[:, :n] = values[:, :n]
    return result[0], result[1]


def _operating(found: Sequence[EvaluatedRecording]) -> OperatingTable:
    return OperatingTable.of(
        [r.person_key for r in found], [r.table for r in found], [r.counts for r in found]
    )


def _group(name: str, found: Sequence[EvaluatedRecording], gains: Sequence[float]) -> Group:
    group = Group(name, tuple(found), _operating(found))
    probability_pm = np.concatenate([r.windows.probability_pm for r in found])
    seizure = np.concatenate([r.windows.seizure for r in found])
    if len(probability_pm) == 0:
        return group
    separations, gained = _separations(found, probability_pm, seizure)
    return replace(
        group,
        separations=separations,
        gained=gained,
        rank=rank_curve(probability_pm, seizure),
        calibration=calibration(probability_pm, seizure),
        gain=_gain(found, gains),
    )


def _separations(
    found: Sequence[EvaluatedRecording], probability_pm: Whole, seizure: NDArray[np.bool_]
) -> tuple[tuple[Separation, ...], dict[str, Estimate]]:
    if seizure.all() or not seizure.any():
        return (), {}
    sizes = [len(r.windows.seizure) for r in found]
    persons = sorted({r.person_key for r in found})
    recording = np.repeat(np.arange(len(found)), sizes)
    person = np.repeat([persons.index(r.person_key) for r in found], sizes)
    values = np.stack(
        [
            probability_pm,
            np.concatenate([r.windows.rms_uv for r in found]),
            np.concatenate([r.windows.line_length_uv for r in found]),
        ]
    )
    # the same windows for all three, or the comparison would be none
    used = np.isfinite(values).all(axis=0)
    names: tuple[str, ...] = ("detector", *BASELINES)
    if not used.any():
        used[:], names = True, names[:1]
    separations = tuple(
        separation(name, row[used], seizure[used], recording=recording[used], person=person[used])
        for name, row in zip(names, values, strict=False)
    )
    gained = {
        name: auroc_difference(values[0, used], row[used], seizure[used], person=person[used])
        for name, row in zip(names[1:], values[1:], strict=False)
    }
    return separations, gained


def _gain(found: Sequence[EvaluatedRecording], gains: Sequence[float]) -> GainTest | None:
    free = [r.windows.gain_pm for r in found if r.windows.gain_pm]
    if not free:
        return None
    pooled = {gain: np.concatenate([by_gain[gain] for by_gain in free]) for gain in (1.0, *gains)}
    return gain_test(pooled[1.0], {gain: pooled[gain] for gain in gains})
