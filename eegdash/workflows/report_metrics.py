"""Figures of performance for a report, from an evaluation of its recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eegdash.checkpoints import CheckpointInfo, DetectorConfig, read_config
from eegdash.io.dataset import Dataset
from eegdash.report.json_values import json_values
from eegdash.scoring import Criterion, alarm_rate, choose_threshold
from eegdash.scoring.proportions import Share, f1_share, share, weighted_f1_share
from eegdash.workflows.desk import Desk
from eegdash.workflows.evaluate import evaluate
from eegdash.workflows.evaluation import Evaluation, Group
from eegdash.workflows.evaluation_warnings import training_warnings
from eegdash.workflows.hypotheses import ModelDetections
from eegdash.workflows.locked_points import BY_HAND, LockedPoint, locked_history
from eegdash.workflows.report_subject import Subject

_BEST = (
    (Criterion.WINDOW_F1, "F1 by windows"),
    (Criterion.ACCURACY_SENSITIVITY, "mean of accuracy and sensitivity by windows"),
    (Criterion.EVENT_F1, "F1 by events"),
)
_CURVES = ("threshold_pm", "sensitivity", "precision", "f1", "fp_per_24h", "accuracy",
           "window_sensitivity", "specificity", "window_f1")  # fmt: skip


def evaluated(desk: Desk, subject: Subject, model: CheckpointInfo) -> Evaluation:
    """Evaluate the model on the recordings of a subject, at its operating point."""
    return evaluate(
        desk,
        Dataset(layout="report", items=subject.items),
        ModelDetections(desk, model),
        gains=(),
        training=read_config(model.folder).training,
    )


def metrics_of(evaluation: Evaluation, config: DetectorConfig) -> dict[str, Any] | None:
    """Return the table of figures as JSON values, None where the truth is nowhere known."""
    group = evaluation.overall
    if group is None:
        return None
    point = group.at(evaluation.threshold_pm)
    events, samples, windows = point.scores.events, point.scores.samples, point.windows
    hours = events.duration_s / 3600
    rate = alarm_rate(events.fp, hours / 24)
    overlap = config.window_s / config.step_s
    tn, fp, fn, tp = windows.tn, windows.fp, windows.fn, windows.tp

    def of_windows(found: Share) -> dict[str, Any]:
        return _share(found, overlap)

    return {
        "overlap": overlap,
        "covered_h": hours,
        "counts": {"tn": tn, "fp": fp, "fn": fn, "tp": tp},
        "windows": {
            "accuracy": of_windows(share(tp + tn, windows.n, overlap=overlap)),
            "sensitivity": of_windows(share(tp, tp + fn, overlap=overlap)),
            "specificity": of_windows(share(tn, tn + fp, overlap=overlap)),
            "f1": of_windows(f1_share(tp, fp, fn, overlap=overlap)),
            "weighted_f1": of_windows(weighted_f1_share(tn, fp, fn, tp, overlap=overlap)),
        },
        "events": {
            "tp": events.tp,
            "fp": events.fp,
            "fn": events.fn,
            "n_ref": events.n_ref,
            "sensitivity": _share(share(events.tp, events.n_ref)),
            "precision": _share(share(events.tp, events.tp + events.fp)),
            "f1": _share(f1_share(events.tp, events.fp, events.fn)),
            "fp_per_24h": json_values(
                {"value": events.fp_per_24h, "low": rate.low, "high": rate.high}
            ),
        },
        "samples": json_values(
            {
                "sensitivity": samples.sensitivity,
                "precision": samples.precision,
                "f1": samples.f1,
                "n_ref": samples.n_ref,
            }
        ),
        **_ranking(evaluation.groups),
    }


def _share(found: Share, overlap: float = 1.0) -> dict[str, Any]:
    values: dict[str, Any] = json_values(found)
    return {**values, "n_effective": found.n / overlap}


def _ranking(groups: Sequence[Group]) -> dict[str, Any]:
    """AUROC of detector and amplitude; windows of several sources are not compared."""
    nothing = {"value": None, "low": None, "high": None}
    if len(groups) != 1 or not groups[0].separations:
        return {"auroc": nothing, "baselines": []}
    first, *others = groups[0].separations
    return {
        "auroc": json_values({name: getattr(first.auroc, name) for name in nothing}),
        "baselines": json_values([{"name": b.name, "auroc": b.auroc.value} for b in others]),
    }


def curves_of(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return the operating curves as lists by name, None where the truth is nowhere known."""
    if evaluation.overall is None:
        return None
    curve = evaluation.overall.table.curve()
    return {name: json_values(getattr(curve, name)) for name in _CURVES}


def operating_point_of(desk: Desk, model: CheckpointInfo, evaluation: Evaluation) -> dict[str, Any]:
    """Return the threshold, where it comes from, and the best ones on these recordings."""
    locked = locked_history(desk.workspace).of_model(model.sha256)
    best = []
    if evaluation.overall is not None:
        curve = evaluation.overall.table.curve()
        for criterion, title in _BEST:
            choice = choose_threshold(curve, criterion)
            if choice is not None and choice.value > 0:  # without seizures nothing is best
                best.append(
                    {
                        "criterion": criterion.value,
                        "title": title,
                        "threshold": choice.threshold_pm / 1000,
                        "value": choice.value,
                    }
                )
    return {
        "threshold": model.threshold_pm / 1000,
        "origin": _origin(locked[-1] if locked else None),
        "locked_by": locked[-1].reviewer if locked else "",
        "locked_utc": locked[-1].time_utc if locked else "",
        "postprocessing": evaluation.post.as_dict(),
        "best": json_values(best),
    }


def _origin(point: LockedPoint | None) -> str:
    if point is None or not point.criterion:
        return "the one that the model came with, chosen in its training; see its card."
    n = len(point.recordings)
    how = "by hand" if point.criterion == BY_HAND else f"for {point.criterion}"
    on = f", while looking at {n} recording{'' if n == 1 else 's'}" if n else ""
    return f"chosen {how}{on}, and locked on the page Operating point."


def warnings_for(
    desk: Desk, model: CheckpointInfo, evaluation: Evaluation, hashes: Sequence[str]
) -> list[dict[str, str]]:
    """Return what has to be said beside the figures: ``kind`` and ``text``.

    Kinds are ``threshold`` (tuned on what it is scored on), ``training`` (so were the weights)
    and ``data``.
    """
    training: Mapping[str, Any] = read_config(model.folder).training
    group = evaluation.overall
    of_training = set(training_warnings(group, training)) if group is not None else set()
    found = [{"kind": "threshold", "text": text} for text in _tuned(desk, model, group, hashes)]
    for text in evaluation.warnings:
        # "there are no figures" is what the whole report says by itself
        if group is not None:
            found.append({"kind": "training" if text in of_training else "data", "text": text})
    return found


def _tuned(
    desk: Desk, model: CheckpointInfo, group: Group | None, hashes: Sequence[str]
) -> list[str]:
    locked = locked_history(desk.workspace).of_model(model.sha256)
    if not locked or not locked[-1].criterion or group is None:
        return []
    point = locked[-1]
    seen = {*point.chosen_on, *(recording.sha256 for recording in point.recordings)}
    same = sum(sha256 in seen for sha256 in hashes)
    if same:
        return [
            f"The threshold was chosen on {same} of the {len(hashes)} recordings it is scored on "
            "here, so that the figures at it flatter the detector."
        ]
    persons = {recording.person for recording in point.recordings}
    shared = sorted({r.person for r in group.recordings if r.person_stated} & persons)
    if shared:
        return [
            f"The threshold was chosen on other recordings of {', '.join(shared)}: windows of one "
            "person are on both sides, so that the figures at it flatter the detector."
        ]
    return []
