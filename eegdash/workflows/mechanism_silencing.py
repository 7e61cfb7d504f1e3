"""Silencing on whole recordings: windows, traces, events, and random ensembles beside.

Nothing of this is the model's own output: traces carry another model hash, results the words
"altered model", and they are kept among the analyses, never where traces of models are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.detection import UNSCORED, PostProcessing, ProbabilityTrace, find_events
from eegdash.errors import DatasetError
from eegdash.mechanism.activations import Activations
from eegdash.mechanism.controls import Controls, matched_controls
from eegdash.mechanism.effects import Outcomes, effect_of
from eegdash.mechanism.layers import site_of
from eegdash.mechanism.perturbation import Perturbation
from eegdash.mechanism.selection import halves
from eegdash.mechanism.silencing import (
    ALTERED,
    Altering,
    Intervention,
    SegmentRunner,
    measure_fill,
)
from eegdash.mechanism.statistics import plain
from eegdash.scoring import Scores, score_events
from eegdash.workflows.desk import Desk
from eegdash.workflows.mechanism_windows import (
    ActivationRequest,
    WindowSource,
    load_detector,
    reread,
)
from eegdash.workflows.score import Progress, post_of

if TYPE_CHECKING:
    from eegdash.checkpoints import Detector

DOSES = (0.25, 0.5, 0.75)
MAX_CONTROL_SEGMENTS = 2400
"""Of a longer recording the random ensembles see these many segments, 1 h, all over it."""
_CHUNK = 160
_REFERENCE_WINDOWS = 128
_MAX_HOURS = 30.0


def silence(
    desk: Desk,
    request: ActivationRequest,
    found: Activations,
    parameters: Mapping[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """Silence units in whole recordings, and random ensembles beside.

    ``parameters``: ``layer``, ``units``, ``mode``, ``keep_only``, ``n_controls``, ``seed``, and
    ``half`` (``tested``: the recordings that ensembles were not found on; or ``all``).
    """
    detector = load_detector(desk, request.model, untrained=request.untrained, seed=request.seed)
    target = Intervention(
        str(parameters["layer"]),
        tuple(int(k) for k in parameters["units"]),
        str(parameters["mode"]),
        keep_only=bool(parameters["keep_only"]),
    )
    seed = int(parameters["seed"])
    tested = _tested_groups(found, seed, str(parameters["half"]))
    known = [
        WindowSource(desk, detector, request.model, path, by=request.by) for path in request.paths
    ]
    studied = [s for s in known if found.meta["groups"].index(s.group) in tested]
    hours = sum(s.recording.duration_s for s in studied) / 3600
    if hours > _MAX_HOURS:
        raise DatasetError(
            f"These recordings last {hours:.0f} h; silencing takes at most {_MAX_HOURS:g} h at "
            "once. Choose fewer recordings."
        )
    altering, means = _altering(desk, request, detector, found, target.layer, tested, seed)
    controls = matched_controls(target.units, means, n=int(parameters["n_controls"]), seed=seed)
    plan = _plan(target, controls)
    rows, done = [], 0.0
    for source in studied:
        share = source.recording.duration_s / 3600 / hours
        rows.append(_study(source, altering, plan, _part(progress, done, share)))
        done += share
    return _result(request, detector, target, controls, plan, rows, found)


def _part(progress: Progress, done: float, share: float) -> Progress:
    """Return the progress of one recording as part of all."""
    return lambda x: progress(done + share * x)


def _tested_groups(found: Activations, seed: int, half: str) -> set[int]:
    if half == "all":
        return {int(k) for k in np.unique(found.group)}
    try:
        _, second = halves(found.group, found.seizure, seed=seed)
    except ValueError as error:
        raise DatasetError(
            "Testing on the other half of the recordings needs seizures of at least two persons "
            "(or recordings, if grouped so). Choose more, or test on all recordings."
        ) from error
    return {int(k) for k in np.unique(found.group[second])}


def _altering(
    desk: Desk,
    request: ActivationRequest,
    detector: Detector,
    found: Activations,
    layer: str,
    tested: set[int],
    seed: int,
) -> tuple[Altering, NDArray[Any]]:
    """Measure what silenced units are replaced by, on windows that are not tested where it can."""
    away = ~np.isin(found.group, sorted(tested))
    pool = away if away.any() else np.ones(len(found.group), dtype=np.bool_)
    rng = np.random.default_rng(seed)
    rows = np.concatenate(
        [
            rng.permutation(np.flatnonzero(pool & mask))[: _REFERENCE_WINDOWS // 2]
            for mask in (found.seizure, ~found.seizure)
        ]
    )
    windows = [
        (batch.detector.network, batch.features(Perturbation()))
        for _, batch in reread(desk, request, detector, found, np.sort(rows))
    ]
    site = site_of(detector.network, layer)
    fill = measure_fill(windows, site, seed=seed)
    return Altering(site, fill, seed=seed), np.asarray(fill.mean.numpy())


@dataclass(frozen=True, slots=True)
class _Interventions:
    """All that is done: the ensemble, its doses, the random ensembles."""

    target: Intervention
    doses: tuple[Intervention, ...]
    random: tuple[Intervention, ...]

    @property
    def all(self) -> tuple[Intervention, ...]:
        return (self.target, *self.doses, *self.random)

    @property
    def n_shown(self) -> int:
        return 1 + len(self.doses)


def _plan(target: Intervention, controls: Controls) -> _Interventions:
    doses = tuple(replace(target, dose=dose) for dose in DOSES)
    random = tuple(replace(target, units=units) for units in controls.ensembles)
    return _Interventions(target, doses, random)


@dataclass(frozen=True, slots=True)
class _Studied:
    """One recording under all interventions.

    ``shown`` (2 + n_doses, n_windows): logits of the model, of the altered one, of the doses.
    ``random`` (n_random, n_windows), NaN where it was not computed. ``usable``: scorable.
    """

    source: WindowSource
    shown: NDArray[np.float32]
    random: NDArray[np.float32]
    usable: NDArray[np.bool_]


def _study(
    source: WindowSource,
    altering: Altering,
    plan: _Interventions,
    progress: Progress,
) -> _Studied:
    runner = SegmentRunner(source.detector.network, altering, plan.all)
    n, in_encoder = source.n_segments, runner.n_codes > 1
    spans = [(a, min(a + _CHUNK, n)) for a in range(0, n, _CHUNK)]
    chosen = _control_spans(source, spans)
    codes: list[list[Any]] = [[] for _ in range(1 + plan.n_shown if in_encoder else 1)]
    random: list[list[Any]] = [[] for _ in plan.random] if in_encoder else []
    rows = np.full(n, -1, dtype=np.int64)
    scorable = np.zeros(n, dtype=np.bool_)
    kept = 0
    for k, (first, stop) in enumerate(spans):
        features, scorable[first:stop], _ = source.segments(first, stop)
        wanted = len(plan.all) if chosen[k] else plan.n_shown
        found = runner.codes(features, offset=first, only=range(wanted))
        for store, part in zip(codes, found, strict=False):
            store.append(part)
        if chosen[k]:
            rows[first:stop] = np.arange(kept, kept + stop - first)
            kept += stop - first
            for store, part in zip(random, found[1 + plan.n_shown :], strict=False):
                store.append(part)
        progress((k + 1) / len(spans))
    shown, others = _logits(runner, plan, codes, random, rows)
    usable = scorable[:-4] & scorable[2:-2] & scorable[4:]
    return _Studied(source, shown, others, usable)


def _logits(
    runner: SegmentRunner,
    plan: _Interventions,
    codes: list[list[Any]],
    random: list[list[Any]],
    rows: NDArray[np.int64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Join segments to windows and run the head."""
    import torch

    whole = [torch.cat(parts) for parts in codes]
    n = len(rows) - 4
    every = np.arange(n)
    if len(whole) == 1:  # the layer is in the head, which sees whole recordings at once
        found = runner.logits([_triples(whole[0], every)])
        return found[: 1 + plan.n_shown], found[1 + plan.n_shown :]
    shown = runner.logits([_triples(part, every) for part in whole])
    others = np.full((len(plan.random), n), np.nan, dtype=np.float32)
    there = (rows[:-4] >= 0) & (rows[2:-2] >= 0) & (rows[4:] >= 0)
    for k, parts in enumerate(random):
        mine = torch.cat(parts)
        triples = torch.stack([mine[rows[j : n + j][there]] for j in (0, 2, 4)], dim=1)
        others[k, there] = runner.logits([triples])[0]
    return shown, others


def _triples(codes: Any, index: NDArray[np.int64]) -> Any:
    import torch

    return torch.stack([codes[index + k] for k in (0, 2, 4)], dim=1)


def _control_spans(source: WindowSource, spans: Sequence[tuple[int, int]]) -> list[bool]:
    """Choose where the random ensembles are run: everywhere in 1 h, else at seizures and evenly."""
    most = max(MAX_CONTROL_SEGMENTS // _CHUNK, 1)
    if len(spans) <= most + 1:
        return [True] * len(spans)
    seizure = source.labels().seizure
    held = [bool(seizure[a : min(b, len(seizure))].any()) for a, b in spans]
    chosen = [k for k, has in enumerate(held) if has][: most // 2]
    free = [k for k, has in enumerate(held) if not has]
    wanted = np.linspace(0, len(free) - 1, most - len(chosen)).round().astype(int)
    chosen += [free[k] for k in sorted(set(wanted.tolist()))]
    return [k in set(chosen) for k in range(len(spans))]


# ---- the result ----------------------------------------------------------------------------


def _result(
    request: ActivationRequest,
    detector: Detector,
    target: Intervention,
    controls: Controls,
    plan: _Interventions,
    rows: list[_Studied],
    found: Activations,
) -> dict[str, Any]:
    groups = {name: k for k, name in enumerate(found.meta["groups"])}
    masks = [row.usable & row.source.labels().known for row in rows]
    seizure = np.concatenate(
        [row.source.labels().seizure[m] for row, m in zip(rows, masks, strict=True)]
    )
    group = np.concatenate(
        [np.full(m.sum(), groups[r.source.group]) for r, m in zip(rows, masks, strict=True)]
    )
    shown = np.concatenate([r.shown[:, m] for r, m in zip(rows, masks, strict=True)], axis=1)
    random = np.concatenate([r.random[:, m] for r, m in zip(rows, masks, strict=True)], axis=1)
    threshold = request.model.threshold_pm / 1000
    effect = effect_of(
        # windows at which no random ensemble was run are left out of that comparison only
        Outcomes(shown[0], shown[1], random, seizure, group),
        detector.probability,
        threshold,
        seed=request.seed,
    )
    curve = [(0.0, shown[0]), *zip(DOSES, shown[2:], strict=True), (1.0, shown[1])]
    return {
        "label": ALTERED,
        "intervention": target.as_dict(),
        "controls": controls.as_dict(),
        "threshold": threshold,
        "post": post_of(request.model).as_dict(),
        "effect": effect.as_dict(),
        "doses": [_dose(dose, detector.probability(x), seizure, threshold) for dose, x in curve],
        "recordings": [_recording(row, detector, request, target) for row in rows],
        "half": "tested" if len(rows) < len(request.paths) else "all",
        "n_groups": len(np.unique(group)),
    }


def _dose(
    dose: float, probability: NDArray[Any], seizure: NDArray[np.bool_], threshold: float
) -> dict[str, Any]:
    called = probability >= threshold
    return {
        "dose": dose,
        "seizure": plain(probability[seizure].mean()) if seizure.any() else None,
        "other": plain(probability[~seizure].mean()) if (~seizure).any() else None,
        "recognised": plain(called[seizure].mean()) if seizure.any() else None,
        "called": plain(called[~seizure].mean()) if (~seizure).any() else None,
    }


def _recording(
    row: _Studied, detector: Detector, request: ActivationRequest, target: Intervention
) -> dict[str, Any]:
    source, model = row.source, request.model
    post = post_of(model)
    own = source.trace(
        per_mille(detector.probability(row.shown[0]), row.usable),
        model=model.name,
        model_sha256=model.sha256,
    )
    other = source.trace(
        per_mille(detector.probability(row.shown[1]), row.usable),
        model=f"{ALTERED} of {model.name}",
        model_sha256=altered_sha256(model.sha256, target),
    )
    labels = source.labels()
    base = row.shown[:, row.usable & labels.known]
    p = detector.probability(base[:2])
    seizure = labels.seizure[row.usable & labels.known]
    return {
        "sha256": source.recording.sha256,
        "alias": source.recording.alias,
        "person_key": source.person_key,
        "duration_s": source.recording.duration_s,
        "first_centre_s": own.first_centre_s,
        "step_s": own.step_s,
        "seizures": [[a.onset_s, a.end_s] for a in source.reference.seizures],
        "model": _scored(own, source, model.threshold_pm, post),
        ALTERED: _scored(other, source, model.threshold_pm, post),
        "seizure_change": plain((p[1] - p[0])[seizure].mean()) if seizure.any() else None,
        "other_change": plain((p[1] - p[0])[~seizure].mean()) if (~seizure).any() else None,
    }


def per_mille(probability: NDArray[np.float64], usable: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Return probabilities as traces keep them: whole per mille, unscored where not usable."""
    found = np.floor(1000 * probability + 0.5).astype(np.uint16)
    found[~usable] = UNSCORED
    return found


def altered_sha256(model_sha256: str, target: Intervention) -> str:
    """Return a hash for an altered model: never that of the model."""
    text = json.dumps([ALTERED, model_sha256, target.as_dict()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _scored(
    trace: ProbabilityTrace, source: WindowSource, threshold_pm: int, post: PostProcessing
) -> dict[str, Any]:
    events = find_events(trace, threshold_pm, post)
    scores: Scores = score_events(source.reference, events, trace.duration_s)
    return {
        "name": trace.model,
        "sha256": trace.model_sha256,
        "probability_pm": trace.probability_pm.tolist(),
        "events": [[e.onset_s, e.end_s] for e in events],
        "n_ref": scores.events.n_ref,
        "tp": scores.events.tp,
        "fp": scores.events.fp,
        "sensitivity": plain(scores.events.sensitivity),
        "fp_per_24h": plain(scores.events.fp_per_24h),
    }
