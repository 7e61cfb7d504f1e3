"""Silencing on whole recordings: windows, traces, events, and random ensembles beside.

Nothing of this is the model's own output: traces carry another model hash, results the words
"altered model", and they are kept among the analyses, never where traces of models are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.detection import UNSCORED, PostProcessing, ProbabilityTrace, find_events
from eegdash.errors import DatasetError
from eegdash.mechanism.activations import Activations
from eegdash.mechanism.controls import Controls, matched_controls
from eegdash.mechanism.effects import Outcomes, effect_of
from eegdash.mechanism.layers import site_of
from eegdash.mechanism.selection import halves
from eegdash.mechanism.silencing import (
    ALTERED,
    Altering,
    Intervention,
    measure_fill,
)
from eegdash.mechanism.statistics import auroc, group_interval, plain
from eegdash.scoring import Scores, score_events
from eegdash.workflows.desk import Desk
from eegdash.workflows.mechanism_altered import DOSES, Studied, plan_of, study
from eegdash.workflows.mechanism_windows import (
    ActivationRequest,
    WindowSource,
    load_detector,
    reread,
)
from eegdash.workflows.score import Progress, post_of

if TYPE_CHECKING:
    from eegdash.checkpoints import Detector

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
    plan = plan_of(target, altering.site.n_units, controls.ensembles)
    rows, done = [], 0.0
    for source in studied:
        share = source.recording.duration_s / 3600 / hours
        rows.append(study(source, altering, plan, request, _part(progress, done, share)))
        done += share
    return _result(request, detector, target, controls, rows, found)


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
        (batch.detector.network, batch.features(request.changed, seed=request.seed))
        for _, batch in reread(desk, request, detector, found, np.sort(rows))
    ]
    site = site_of(detector.network, layer)
    fill = measure_fill(windows, site, seed=seed)
    return Altering(site, fill, seed=seed), np.asarray(fill.mean.numpy())


# ---- the result ----------------------------------------------------------------------------


def _result(
    request: ActivationRequest,
    detector: Detector,
    target: Intervention,
    controls: Controls,
    rows: list[Studied],
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
    curve = [(0.0, shown[0]), *zip(DOSES, shown[2:-1], strict=True), (1.0, shown[1])]
    return {
        "label": ALTERED,
        "intervention": target.as_dict(),
        "controls": controls.as_dict(),
        "threshold": threshold,
        "post": post_of(request.model).as_dict(),
        "effect": effect.as_dict(),
        "whole_layer": group_interval(
            lambda used: float(auroc(shown[-1][used], seizure[used])), group, seed=request.seed
        ).as_dict(),
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
    row: Studied, detector: Detector, request: ActivationRequest, target: Intervention
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
