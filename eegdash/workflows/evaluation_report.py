"""An evaluation as text for a terminal and as JSON for other programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

import eegdash
from eegdash.atomic import replacing
from eegdash.scoring import Estimate, Separation, Spread
from eegdash.workflows.evaluation import EvaluatedRecording, Evaluation, Group, Point

SCHEMA = 1
NOT_AVAILABLE = "n/a"


def as_text(evaluation: Evaluation) -> str:
    """Return the tables of an evaluation; it names files, for the reader's own screen."""
    lines = [
        f"detector      {evaluation.detector} {evaluation.detector_sha256[:8]}".rstrip(),
        f"threshold     {evaluation.threshold_pm / 1000:.2f}{_origin(evaluation)}",
        f"events        smoothing {evaluation.post.smoothing_s:g} s, lower threshold "
        f"{evaluation.post.hysteresis:g} of the upper, gaps below {evaluation.post.merge_gap_s:g} s"
        f" merged, at least {evaluation.post.min_duration_s:g} s",
        f"data          {evaluation.layout}",
    ]
    for group in _shown(evaluation):
        lines += ["", *_group_lines(group, group.at(evaluation.threshold_pm))]
    if evaluation.overall is not None:
        lines += ["", *_recording_lines(evaluation.overall, evaluation.threshold_pm)]
        lines += ["", *_person_lines(evaluation.overall, evaluation)]
    left = sorted(evaluation.left_out, key=lambda entry: not entry.failed)
    if left:
        lines.append("")
    for entry in left:
        lines.append(f"{'FAILED' if entry.failed else 'left out'}  {entry.name}: {entry.reason}")
    lines += ["", *(f"note: {warning}" for warning in evaluation.warnings)]
    return "\n".join(lines) + "\n"


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON values; undefined figures are null.

    Recordings carry their alias and person, never a file name.
    """
    threshold = evaluation.threshold_pm
    return {
        "schema": SCHEMA,
        "software": f"eegdash {eegdash.__version__}",
        "detector": evaluation.detector,
        "detector_sha256": evaluation.detector_sha256,
        "threshold_pm": threshold,
        "choice": _plain(evaluation.choice),
        "postprocessing": evaluation.post.as_dict(),
        "layout": evaluation.layout,
        "groups": [
            _group_json(group, group.at(threshold), evaluation.subjects)
            for group in _shown(evaluation)
        ],
        "recordings": [
            _recording_json(evaluation.overall, row, threshold)
            for row in range(len(evaluation.overall.recordings))
        ]
        if evaluation.overall is not None
        else [],
        "left_out": sum(not entry.failed for entry in evaluation.left_out),
        "failed": sum(entry.failed for entry in evaluation.left_out),
        "warnings": list(evaluation.warnings),
    }


def write_json(path: Path, evaluation: Evaluation) -> None:
    """Write :func:`as_json` to a file.

    Raises
    ------
    WorkspaceError
        If the file cannot be written.
    """
    text = json.dumps(as_json(evaluation), allow_nan=False, ensure_ascii=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _shown(evaluation: Evaluation) -> tuple[Group, ...]:
    if len(evaluation.groups) == 1 or evaluation.overall is None:
        return evaluation.groups
    return (*evaluation.groups, evaluation.overall)


def _origin(evaluation: Evaluation) -> str:
    choice = evaluation.choice
    if choice is None:
        return ""
    target = "" if choice.target is None else f" of {choice.target:g}"
    return f" (chosen on these recordings for {choice.criterion.value}{target}: {choice.value:.3f})"


# ---- text ----------------------------------------------------------------------------------


def _group_lines(group: Group, point: Point) -> Iterator[str]:
    found = group.recordings
    persons = len({r.person_key for r in found})
    unknown = sum(not r.person_stated for r in found)
    note = f" ({unknown} not stated, one per recording)" if unknown else ""
    minutes = sum(r.covered_s for r in found) / 60
    yield (
        f"== {group.name}: {_count(len(found), 'recording')}, {_count(persons, 'person')}{note}, "
        f"{minutes:.1f} min of known truth"
    )
    yield from _szcore_lines(point)
    windows = point.windows
    if windows.n:
        yield (
            f"windows       accuracy {_percent(windows.accuracy)}  sensitivity "
            f"{_percent(windows.sensitivity)}  specificity {_percent(windows.specificity)}  F1 "
            f"{_percent(windows.f1)}  weighted F1 {_percent(windows.weighted_f1)}"
        )
        yield (
            f"              TN {windows.tn}  FP {windows.fp}  FN {windows.fn}  TP {windows.tp}"
            f"  of {_count(windows.n, 'window')}"
        )
    for entry in group.separations:
        yield from _separation_lines(entry)
    for name, difference in group.gained.items():
        yield f"                  AUROC of the detector minus {name}: {_estimate(difference)}"
    alarms = point.alarms
    if alarms.hours:
        yield (
            f"seizure-free  {_count(alarms.n_alarms, 'false alarm')} in {60 * alarms.hours:.1f} "
            f"min of recordings: {alarms.per_hour:.1f} per hour "
            f"({alarms.low:.1f} to {alarms.high:.1f})"
        )
    else:
        yield "seizure-free  no recording is known to be free of seizures throughout"
    if group.gain is not None:
        yield from _gain_lines(group)
    if group.calibration is not None:
        yield (
            f"calibration   Brier {_number(group.calibration.brier, 3)}  expected error "
            f"{_number(group.calibration.expected_error, 3)}"
        )


def _szcore_lines(point: Point) -> Iterator[str]:
    events, samples, mean = point.scores.events, point.scores.samples, point.over_persons
    yield (
        f"SzCORE events sensitivity {_percent(events.sensitivity)} ({events.tp} of {events.n_ref})"
        f"  precision {_percent(events.precision)}  F1 {_percent(events.f1)}"
        f"  FP/24 h {_number(events.fp_per_24h)} ({events.fp})"
    )
    yield (
        f"  by person   sensitivity {_spread(mean.event_sensitivity)}  precision "
        f"{_spread(mean.event_precision)}  F1 {_spread(mean.event_f1)}  FP/24 h "
        f"{_spread(mean.event_fp_per_24h, 1.0)}"
    )
    yield (
        f"SzCORE samples sensitivity {_percent(samples.sensitivity)}  precision "
        f"{_percent(samples.precision)}  F1 {_percent(samples.f1)}"
    )


def _separation_lines(entry: Separation) -> Iterator[str]:
    yield (
        f"{entry.name:18s}AUROC {_estimate(entry.auroc)}  AUPRC {_estimate(entry.auprc)}  "
        f"({entry.n_seizure} of {entry.n_windows} windows in seizures, "
        f"{_count(entry.n_recordings, 'recording')}, {_count(entry.n_persons, 'person')})"
    )


def _gain_lines(group: Group) -> Iterator[str]:
    gain = group.gain
    if gain is None:
        return
    if gain.threshold_pm is None:
        yield "gain test     more than 5 % of the seizure-free windows have the highest probability"
        return
    parts = [f"{value:.2g} times: {_percent(share)}" for value, share in gain.shares.items()]
    yield (
        f"gain test     at {gain.threshold_pm / 1000:.3f} {_percent(gain.share)} of "
        f"{gain.n_windows} seizure-free windows pass; {', '.join(parts)}"
    )


def _recording_lines(group: Group, threshold_pm: int) -> Iterator[str]:
    index = group.table.index(threshold_pm)
    yield (
        f"{'recording':34s}{'person':22s}{'known s':>9s}{'seizures':>10s}{'found':>7s}{'FP':>5s}"
        f"{'windows':>9s}{'positive':>10s}"
    )
    for row, recording in enumerate(group.recordings):
        scores, counts = group.table.recording(row, index).events, recording.counts
        n_windows = counts.n_seizure + counts.n_free
        positive = int(counts.tp[index] + counts.fp[index])
        person = recording.person if recording.person_stated else "not stated"
        yield (
            f"{recording.name[:33]:34s}{person[:21]:22s}{recording.covered_s:9.1f}"
            + _event_cells(recording, scores.n_ref, scores.tp, scores.fp)
            + f"{n_windows:9d}{positive:10d}"
        )


def _event_cells(recording: EvaluatedRecording, n_ref: int, tp: int, fp: int) -> str:
    if not recording.events_possible:
        return f"{NOT_AVAILABLE:>10s}{NOT_AVAILABLE:>7s}{NOT_AVAILABLE:>5s}"
    return f"{n_ref:10d}{tp:7d}{fp:5d}"


def _person_lines(group: Group, evaluation: Evaluation) -> Iterator[str]:
    yield f"{'person':34s}{'sensitivity':>12s}{'precision':>11s}{'F1':>9s}{'FP/24 h':>10s}"
    index = group.table.index(evaluation.threshold_pm)
    for key, scores in group.table.by_person(index).items():
        events, words = scores.events, evaluation.subjects.get(key)
        person = f"{key} ({words})" if words else key
        yield (
            f"{person[:33]:34s}{_percent(events.sensitivity):>12s}{_percent(events.precision):>11s}"
            f"{_percent(events.f1):>9s}{_number(events.fp_per_24h):>10s}"
        )


def _percent(value: float) -> str:
    return NOT_AVAILABLE if math.isnan(value) else f"{100 * value:.1f} %"


def _number(value: float, digits: int = 1) -> str:
    return NOT_AVAILABLE if math.isnan(value) else f"{value:.{digits}f}"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _spread(value: Spread, scale: float = 100.0) -> str:
    if math.isnan(value.mean):
        return NOT_AVAILABLE
    sd = "" if math.isnan(value.sd) else f" +- {scale * value.sd:.1f}"
    unit = " %" if scale != 1.0 else ""
    return f"{scale * value.mean:.1f}{sd}{unit} (n {value.n})"


def _estimate(value: Estimate) -> str:
    if math.isnan(value.low):
        return f"{_number(value.value, 3)} (no interval)"
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"


# ---- JSON ----------------------------------------------------------------------------------


def _group_json(group: Group, point: Point, subjects: Mapping[str, str]) -> dict[str, Any]:
    found = group.recordings
    rank = group.rank
    return {
        "name": group.name,
        "n_recordings": len(found),
        "n_persons": len({r.person_key for r in found}),
        "n_persons_not_stated": sum(not r.person_stated for r in found),
        "covered_s": sum(r.covered_s for r in found),
        "events": _rates(point.scores.events),
        "samples": _rates(point.scores.samples),
        "over_persons": _plain(point.over_persons),
        "windows": {
            name: _plain(getattr(point.windows, name))
            for name in ("tn", "fp", "fn", "tp", "n", "accuracy", "sensitivity", "specificity",
                         "precision", "f1", "weighted_f1")
        },
        "alarms": _plain(point.alarms),
        "separations": _plain(group.separations),
        "gained": _plain(group.gained),
        "calibration": _plain(group.calibration),
        "gain": _plain(group.gain),
        "operating_curve": _plain(group.table.curve()),
        "rank_curve": None
        if rank is None
        else {
            name: _plain(getattr(rank, name))
            for name in ("threshold", "sensitivity", "false_positive_share", "precision", "f1")
        },
        "persons": [
            {
                "person": person,
                "subject": subjects.get(person),
                "events": _rates(s.events),
                "samples": _rates(s.samples),
            }
            for person, s in group.table.by_person(group.table.index(point.threshold_pm)).items()
        ],
    }  # fmt: skip


def _recording_json(group: Group, row: int, threshold_pm: int) -> dict[str, Any]:
    index = group.table.index(threshold_pm)
    recording, scores = group.recordings[row], group.table.recording(row, index)
    counts = recording.counts
    plain = ("alias", "person", "person_stated", "group", "duration_s", "covered_s", "scored_s",
             "seizure_free", "events_possible", "reference", "hypothesis_sha256")  # fmt: skip
    return {
        **{name: getattr(recording, name) for name in plain},
        "n_events": int(group.table.n_events[row, index]),
        "events": _rates(scores.events),
        "samples": _rates(scores.samples),
        "windows": {
            "tp": int(counts.tp[index]),
            "fp": int(counts.fp[index]),
            "fn": counts.n_seizure - int(counts.tp[index]),
            "tn": counts.n_free - int(counts.fp[index]),
        },
    }


def _rates(counts: Any) -> dict[str, Any]:
    names = ("tp", "fp", "fn", "n_ref", "duration_s", "sensitivity", "precision", "f1",
             "fp_per_24h")  # fmt: skip
    return {name: _plain(getattr(counts, name)) for name in names}


def _plain(value: Any) -> Any:
    """Return JSON values: arrays as lists, what is not finite as None."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {f"{k:.4g}" if isinstance(k, float) else str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(entry) for entry in value.tolist()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
