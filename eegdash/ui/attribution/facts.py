"""What the attribution component is told: methods, baselines, detectors, and where answers are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eegdash.attribution.baselines import BASELINES, default_baseline
from eegdash.attribution.methods import METHODS
from eegdash.checkpoints import CheckpointInfo
from eegdash.checkpoints.config import read_config
from eegdash.detection import ProbabilityTrace
from eegdash.errors import EegdashError
from eegdash.plotting import tiles as drawn
from eegdash.ui import cache, viewer
from eegdash.ui.session import View, session
from eegdash.workflows import library, score
from eegdash.workflows.explain_windows import presets
from eegdash.workflows.label_view import shown_labels


def facts(
    opened: library.Opened,
    path: Path,
    model: CheckpointInfo,
    trace: ProbabilityTrace,
    view: View,
) -> dict[str, Any]:
    """Return what the component needs to know: small facts, and addresses for the rest."""
    desk = cache.desk()
    recording = opened.recording
    token = viewer.token_of(recording.sha256, blind=False)
    mark = viewer.content_mark(opened)
    return {
        "recording": {
            "alias": recording.alias,
            "sha256": recording.sha256,
            "duration_s": recording.duration_s,
            "start_of_day_s": library.start_of_day_s(recording.start),
        },
        "base": f"/explained/{token}",
        "raw": f"/tiles/{token}/raw/{mark}",
        "raw_tile_s": drawn.RAW_TILE_S[0],
        "trace": viewer.trace_facts(trace, model, view, f"/tiles/{token}", mark),
        "windows": trace.n_windows,
        "labels": [
            {
                "onset_s": label["onset_s"],
                "duration_s": label["duration_s"],
                "verdict": label["verdict"],
                "blinded": label["blinded"],
            }
            for label in shown_labels(desk, recording.sha256, session().reviewer, trace)
        ],
        "methods": [
            {
                "name": name,
                "title": method.title,
                "sentence": method.sentence,
                "needs_baseline": method.needs_baseline,
            }
            for name, method in METHODS.items()
        ],
        "baselines": [
            {
                "name": name,
                "title": kind.title,
                "sentence": kind.sentence,
                "features": list(kind.features),
                "of_window": kind.of_window,
            }
            for name, kind in BASELINES.items()
        ],
        "models": _models(opened, trace),
        "model": model.sha256,
        "tuning": _tuning(path, model),
    }


def _models(opened: library.Opened, trace: ProbabilityTrace) -> list[dict[str, Any]]:
    """The detectors whose windows lie on the grid of the trace: they can be compared on it."""
    found = []
    desk = cache.desk()
    for info in desk.models():
        try:
            config = read_config(info.folder)
        except EegdashError:
            continue
        if (config.step_s, config.window_s / 2) != (trace.step_s, trace.first_centre_s):
            continue
        found.append(
            {
                "sha256": info.sha256,
                "name": info.name,
                "title": info.title or info.name,
                "features": config.features,
                "threshold_pm": info.threshold_pm,
                "temperature": config.temperature,
                "montage": config.montage,
                "baseline": default_baseline(config.features),
                "scored": score.load_trace(desk, opened, info) is not None,
            }
        )
    return found


def _tuning(path: Path, model: CheckpointInfo) -> dict[str, Any]:
    """The detectors before and after fine-tuning, or why there are none."""
    desk = cache.desk()
    hashes = {info.name: info.sha256 for info in desk.models()}
    for preset in presets(desk, path, model.name, 0):
        if preset.name == "tuning":
            return {
                "models": [hashes[request.model] for request in preset.requests],
                "problem": preset.problem,
            }
    return {"models": [], "problem": ""}
