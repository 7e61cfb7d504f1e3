"""Two detectors on the same recordings: figures with intervals, and what became better or worse."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eegdash.annotations import Reference
from eegdash.cache import cache_key
from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import PostProcessing, ProbabilityTrace, find_events
from eegdash.errors import WorkspaceError
from eegdash.io.layouts import read_dataset
from eegdash.scoring import (
    Estimate,
    auroc_difference,
    score_events,
    separation,
    window_labels,
    window_scores,
)
from eegdash.scoring.paired import known, paired_figures
from eegdash.workflows import library
from eegdash.workflows.desk import Desk
from eegdash.workflows.operating_sets import training_record
from eegdash.workflows.score import Failed, post_of, score, stored_trace

Progress = Callable[[float], None]
_VERSION = 1
BETTER, WORSE, SAME = "better", "worse", "same"


@dataclass(frozen=True, slots=True)
class Pair:
    """The traces of two detectors on one recording of known truth.

    Parameters
    ----------
    alias, sha256, person : str
    reference : Reference
    traces : (ProbabilityTrace, ProbabilityTrace)
        Before and after.
    duration_s : float
    """

    alias: str
    sha256: str
    person: str
    reference: Reference
    traces: tuple[ProbabilityTrace, ProbabilityTrace]
    duration_s: float


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold with its event rules."""

    threshold_pm: int
    post: PostProcessing


@dataclass(frozen=True, slots=True)
class CompareItem:
    """A recording on which detectors are compared.

    Parameters
    ----------
    path : Path
    sha256, alias, person_key : str
    reference : Reference
    """

    path: Path
    sha256: str
    alias: str
    person_key: str
    reference: Reference


def point_of(model: CheckpointInfo) -> OperatingPoint:
    """Return the operating point that holds for a model."""
    return OperatingPoint(model.threshold_pm, post_of(model))


def compare_pairs(
    pairs: Sequence[Pair], points: tuple[OperatingPoint, OperatingPoint]
) -> dict[str, Any]:
    """Compare two detectors, each at its own operating point.

    Parameters
    ----------
    pairs : sequence of Pair
    points : (OperatingPoint, OperatingPoint)

    Returns
    -------
    dict
        ``figures``: by name ``before``, ``after`` and ``difference``, each value, low and high
        (None where undefined); ``recordings``: one mapping each with the counts and ``change``;
        ``n_recordings``, ``n_persons``, ``hours``. All JSON values.
    """
    counts = [
        tuple(_counts(p.traces[k], p.reference, points[k], p.duration_s) for k in (0, 1))
        for p in pairs
    ]
    persons = [pair.person for pair in pairs]
    figures: dict[str, Any] = {}
    if pairs:
        found = paired_figures([c[0] for c in counts], [c[1] for c in counts], persons)
        figures = {
            name: {
                "before": known(value.before),
                "after": known(value.after),
                "difference": known(value.difference),
            }
            for name, value in found.items()
        }
        figures["window_auroc"] = _areas(pairs)
    return {
        "figures": figures,
        "recordings": [
            {
                "alias": pair.alias,
                "sha256": pair.sha256,
                "before": before,
                "after": after,
                "change": _change(before, after),
            }
            for pair, (before, after) in zip(pairs, counts, strict=True)
        ],
        "n_recordings": len(pairs),
        "n_persons": len(set(persons)),
        "hours": round(sum(pair.duration_s for pair in pairs) / 3600, 4),
    }


def _counts(
    trace: ProbabilityTrace, reference: Reference, point: OperatingPoint, duration_s: float
) -> dict[str, float]:
    events = find_events(trace, point.threshold_pm, point.post)
    scores = score_events(reference, events, duration_s).events
    windows = window_scores(trace, reference, point.threshold_pm)
    return {
        "tp": scores.tp,
        "fp": scores.fp,
        "n_ref": scores.n_ref,
        "covered_s": round(scores.duration_s, 3),
        "window_tp": windows.tp,
        "window_fp": windows.fp,
        "n_seizure": windows.tp + windows.fn,
        "n_free": windows.tn + windows.fp,
    }


def _change(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """Say whether fewer events are wrong, that is missed or false; the EEG decides, not a mean."""
    wrong = [c["n_ref"] - c["tp"] + c["fp"] for c in (before, after)]
    return BETTER if wrong[1] < wrong[0] else WORSE if wrong[1] > wrong[0] else SAME


def _areas(pairs: Sequence[Pair]) -> dict[str, Any]:
    values: list[list[Any]] = [[], []]
    truth, recording = [], []
    for index, pair in enumerate(pairs):
        labels = window_labels(pair.traces[0], pair.reference)
        used = labels.known & pair.traces[0].scored & pair.traces[1].scored
        for k in (0, 1):
            values[k].append(pair.traces[k].probability_pm[used])
        truth.append(labels.seizure[used])
        recording.append(np.full(int(used.sum()), index))
    seizure, of = np.concatenate(truth), np.concatenate(recording)
    names = sorted({pair.person for pair in pairs})
    person = np.array([names.index(pair.person) for pair in pairs])[of]
    both = [np.concatenate(v) for v in values]
    nothing = known(Estimate(float("nan")))
    if seizure.all() or not seizure.any():
        return {"before": nothing, "after": nothing, "difference": nothing}
    areas = [separation("detector", v, seizure, recording=of, person=person).auroc for v in both]
    difference = auroc_difference(both[1], both[0], seizure, person=person)
    return {
        "before": known(areas[0]),
        "after": known(areas[1]),
        "difference": known(difference),
    }


# ---- recordings of the workspace ---------------------------------------------------------------


def compare_models(
    desk: Desk,
    before: CheckpointInfo,
    after: CheckpointInfo,
    items: Sequence[CompareItem],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Score recordings with two models where that is not done yet, and compare.

    Parameters
    ----------
    desk : Desk
    before, after : CheckpointInfo
    items : sequence of CompareItem
    progress : callable, optional

    Returns
    -------
    dict
        As :func:`compare_pairs`, and ``failed``: alias and reason of what could not be scored,
        ``trained``: aliases that either model was trained on, whose figures flatter.
    """
    say = progress or (lambda share: None)
    pairs, failed, trained = [], [], []
    for index, item in enumerate(items):

        def part(share: float, model: int, index: int = index) -> None:
            say((index + (model + share) / 2) / len(items))

        outcomes = [
            score(desk, item.path, model, lambda s, k=k: part(s, k))  # type: ignore[misc]
            for k, model in enumerate((before, after))
        ]
        wrong = [outcome.reason for outcome in outcomes if isinstance(outcome, Failed)]
        if wrong:
            failed.append({"alias": item.alias, "reason": wrong[0]})
            continue
        if any(_saw(model, item) for model in (before, after)):
            trained.append(item.alias)
        first, second = (o.trace for o in outcomes if not isinstance(o, Failed))
        pairs.append(
            Pair(
                item.alias, item.sha256, item.person_key, item.reference,
                (first, second), first.duration_s,
            )
        )  # fmt: skip
        say((index + 1) / len(items))
    found = compare_pairs(pairs, (point_of(before), point_of(after)))
    return {**found, "failed": failed, "trained": trained}


def _saw(model: CheckpointInfo, item: CompareItem) -> bool:
    hashes, persons = training_record(model)
    return item.sha256 in hashes or item.person_key in persons


def compare_key(before: CheckpointInfo, after: CheckpointInfo, items: Sequence[CompareItem]) -> str:
    """Return under which key a comparison is kept."""
    truth = [
        [i.sha256, [[a.onset_s, a.duration_s, a.event_type] for a in i.reference.annotations],
         list(i.reference.coverage)]
        for i in items
    ]  # fmt: skip
    points = [[m.sha256, m.threshold_pm, dict(m.post)] for m in (before, after)]
    return cache_key(
        "", after.sha256, "comparison", version=_VERSION,
        truth=hashlib.sha256(repr(truth).encode()).hexdigest(),
        points=hashlib.sha256(repr(points).encode()).hexdigest(),
    )  # fmt: skip


def stored_comparison(desk: Desk, key: str) -> dict[str, Any] | None:
    """Return a comparison that was computed before, or None."""
    found = desk.cache.get_json(key)
    return found if isinstance(found, dict) else None


def compare_and_keep(
    desk: Desk,
    before: CheckpointInfo,
    after: CheckpointInfo,
    sha256s: Sequence[str],
    progress: Progress | None = None,
) -> str:
    """Compare two models on recordings of the workspace and return where the result is kept.

    Raises
    ------
    WorkspaceError
        If it could not be kept.
    """
    items = compare_items(desk, sha256s)
    key = compare_key(before, after, items)
    if not desk.cache.put_json(key, compare_models(desk, before, after, items, progress)):
        raise WorkspaceError(
            "The comparison could not be kept: the disk of the workspace is full or read-only. "
            "Make room, then compare again."
        )
    return key


def traces_of(
    desk: Desk, sha256: str, models: Sequence[CheckpointInfo]
) -> list[ProbabilityTrace | None]:
    """Return the stored traces of a recording, None where a model has not scored it."""
    mapping = library.channel_map(desk, sha256)
    return [stored_trace(desk, sha256, mapping, model) for model in models]


def compare_items(desk: Desk, sha256s: Sequence[str]) -> list[CompareItem]:
    """Return the recordings of the workspace with these hashes that have a reference."""
    found: dict[str, CompareItem] = {}
    for path in library.recording_files(desk):
        facts = library.facts(desk, path)
        if facts.sha256 not in sha256s or facts.problem or facts.sha256 in found:
            continue
        reference = library.open_path(desk, path).reference
        if reference is None or not reference.coverage:
            continue
        item = read_dataset(path).items[0]
        key = item.person_key or facts.alias
        found[facts.sha256] = CompareItem(path, facts.sha256, facts.alias, key, reference)
    return [found[sha256] for sha256 in sha256s if sha256 in found]
