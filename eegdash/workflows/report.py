"""Write a report: score, evaluate, explain, draw, sum up, and put all of it into a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from eegdash import __version__
from eegdash.attribution import METHODS, REGION_TITLES
from eegdash.attribution.shortcut import ShortcutReport
from eegdash.checkpoints import CheckpointInfo, DetectorConfig, read_config
from eegdash.detection import find_events
from eegdash.errors import AttributionError, ReportError
from eegdash.plotting.report_examples import colour_keys_png
from eegdash.plotting.report_metrics import confusion_png, operating_png, profiles_png
from eegdash.report import INTENDED_USE, RESEARCH_USE, SCHEMA, TITLE
from eegdash.report.folder import write_folder
from eegdash.report.json_values import json_bytes, json_values
from eegdash.report.llm import Endpoint
from eegdash.report.pdf import pdf_from_html
from eegdash.report.render import html, markdown
from eegdash.report.summary import summary
from eegdash.scoring.intervals import coverage_of
from eegdash.settings import Settings
from eegdash.workflows.desk import Desk
from eegdash.workflows.evaluation import Evaluation
from eegdash.workflows.explain_alarm import shortcut_alarm, windows_for_alarm
from eegdash.workflows.library import open_path
from eegdash.workflows.report_examples import draw_examples, explain_example, faithfulness_of
from eegdash.workflows.report_inside import inside_of
from eegdash.workflows.report_metrics import (
    curves_of,
    evaluated,
    metrics_of,
    operating_point_of,
    warnings_for,
)
from eegdash.workflows.report_reviews import reviews_of
from eegdash.workflows.report_subject import PERSON, Subject
from eegdash.workflows.report_windows import NOTE, ScoredRecording, choose_windows
from eegdash.workflows.score import Failed, post_of, score

Progress = Callable[[float, str], None]
"""Called with 0 to 1 and with what is being done, in words."""
ALARM_WINDOWS = 6
_NOT_NAME = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """A report on disk.

    Parameters
    ----------
    folder : Path
    seconds : float
        What writing it took, s.
    source : str
        Who worded the summary.
    notes : tuple of str
        What could not be made, in words.
    n_failed : int
        Recordings that could not be scored.
    """

    folder: Path
    seconds: float
    source: str
    notes: tuple[str, ...]
    n_failed: int = 0


@dataclass(slots=True)
class _Made:
    """What is collected on the way."""

    facts: dict[str, Any]
    figures: dict[str, bytes] = field(default_factory=dict)


def endpoint_of(settings: Settings) -> Endpoint:
    """Return the language model of an installation; one that is not configured is none."""
    return Endpoint(
        settings.llm_base_url, settings.llm_model, settings.llm_api_key, settings.llm_images
    )


def write_report(
    desk: Desk,
    subject: Subject,
    model_name: str | None = None,
    *,
    parent: Path | None = None,
    endpoint: Endpoint | None = None,
    progress: Progress | None = None,
) -> WrittenReport:
    """Write a report; it is there complete or not at all.

    Parameters
    ----------
    desk : Desk
    subject : Subject
    model_name : str, optional
        Name or folder of a model; the default model otherwise.
    parent : Path, optional
        Where its folder is made; the workspace's reports by default.
    endpoint : Endpoint, optional
        Language model for the summary; that of the settings by default.
    progress : callable, optional
        What it raises (a cancelled job) stops the work, and nothing is left.

    Returns
    -------
    WrittenReport

    Raises
    ------
    ReportError
        If no recording of the subject could be scored, or the folder cannot be written.
    CheckpointError
        If there is no such model.
    """
    began = datetime.now(UTC)
    tell = progress or (lambda done, what: None)
    model = desk.model(model_name)
    name = model_name or model.name
    config = read_config(model.folder)
    scored, failed = _scored(desk, subject, model, tell)
    tell(0.35, "performance")
    evaluation = evaluated(desk, subject, model)
    made = _Made(_about(desk, subject, model, config, evaluation, scored, failed, began))
    _performance_figures(made, model)
    _examples(desk, made, scored, name, model, config, tell)
    tell(0.75, "signs of a shortcut")
    _alarm(desk, made, subject, name)
    tell(0.85, "summary")
    used = endpoint if endpoint is not None else endpoint_of(desk.settings)
    made.facts["summary"] = summary(made.facts, used, _figures_for_model(made))
    tell(0.9, "pages")
    files, notes = _files(made)
    folder = write_folder(parent or desk.workspace.reports, _name(subject, model, began), files)
    tell(1.0, "done")
    return WrittenReport(
        folder=folder,
        seconds=(datetime.now(UTC) - began).total_seconds(),
        source=made.facts["summary"]["source"],
        notes=tuple(notes),
        n_failed=len(failed),
    )


def _name(subject: Subject, model: CheckpointInfo, began: datetime) -> str:
    who = _NOT_NAME.sub("-", subject.name).strip("-")[:40] or "person"
    return f"report-{who}-{model.sha256[:8]}-{began:%Y%m%d-%H%M%S}"


def _scored(
    desk: Desk, subject: Subject, model: CheckpointInfo, tell: Progress
) -> tuple[list[ScoredRecording], dict[str, str]]:
    """Return the recordings with their traces, and why others have none, by alias."""
    scored: list[ScoredRecording] = []
    failed: dict[str, str] = {}
    n = len(subject.items)
    for number, path in enumerate(subject.paths):
        tell(0.35 * number / n, f"scoring, {number + 1} of {n}")
        opened = open_path(desk, path)

        def scoring(done: float, number: int = number) -> None:
            tell(0.35 * (number + done) / n, f"scoring, {number + 1} of {n}")

        outcome = score(desk, path, model, scoring)
        if isinstance(outcome, Failed):
            alias = opened.recording.alias
            failed[alias] = without_name(outcome.reason, path, alias)
        else:
            scored.append(ScoredRecording(opened, outcome.trace))
    if not scored:
        raise ReportError(
            "Nothing could be scored, so there is nothing to report. "
            + " ".join(dict.fromkeys(failed.values()))
        )
    return scored, failed


def without_name(sentence: str, path: Path, alias: str) -> str:
    """Return a message about a file with its alias in the place of its name."""
    return sentence.replace(path.name, alias).replace(path.stem, alias)


# ---- facts ---------------------------------------------------------------------------------


def _about(
    desk: Desk,
    subject: Subject,
    model: CheckpointInfo,
    config: DetectorConfig,
    evaluation: Evaluation,
    scored: Sequence[ScoredRecording],
    failed: Mapping[str, str],
    began: datetime,
) -> dict[str, Any]:
    hashes = [one.opened.recording.sha256 for one in scored]
    rows = _recording_rows(model, evaluation, scored, failed)
    point = operating_point_of(desk, model, evaluation)
    return {
        "schema": SCHEMA,
        "title": TITLE,
        "research_use": RESEARCH_USE,
        "intended_use": INTENDED_USE,
        "kind": subject.kind,
        "subject": {
            "name": subject.name,
            "person": subject.name if subject.kind == PERSON else None,
            "n_recordings": len(subject.items),
        },
        "created_utc": f"{began:%Y-%m-%d %H:%M} UTC",
        "software": f"eegdash {__version__}",
        "detector": {
            "name": model.name,
            "title": model.title or model.name,
            "sha256": model.sha256,
            "weights_sha256": config.weights_sha256,
            "architecture": config.architecture,
            "features": config.features,
            "window_s": config.window_s,
            "step_s": config.step_s,
            "temperature": config.temperature,
        },
        "operating_point": point,
        "recordings": rows,
        "balance": _balance(rows),
        "metrics": metrics_of(evaluation, config),
        "curves": curves_of(evaluation),
        "warnings": warnings_for(desk, model, evaluation, hashes),
        "reviews": reviews_of(desk, scored, model),
        "inside": inside_of(desk, model, hashes),
        "provenance": _provenance(model, config, point, hashes),
        "notes": [],
        "figures": [],
    }


def _recording_rows(
    model: CheckpointInfo,
    evaluation: Evaluation,
    scored: Sequence[ScoredRecording],
    failed: Mapping[str, str],
) -> list[dict[str, Any]]:
    group = evaluation.overall
    known = {} if group is None else {r.alias: r for r in group.recordings}
    rows = []
    for one in scored:
        recording, reference = one.opened.recording, one.opened.reference
        found = known.get(recording.alias)
        covered = coverage_of(reference, recording.duration_s) if reference else []
        rows.append(
            {
                "alias": recording.alias,
                "sha256": recording.sha256,
                "problem": "",
                "duration_min": recording.duration_s / 60,
                "scored_min": one.trace.scored_s / 60,
                "covered_min": sum(stop - start for start, stop in covered) / 60,
                "n_gaps": len(recording.gaps),
                "n_seizures": len(reference.seizures) if reference and covered else None,
                "n_detections": len(find_events(one.trace, model.threshold_pm, post_of(model))),
                "n_seizure_windows": found.counts.n_seizure if found else None,
                "n_free_windows": found.counts.n_free if found else None,
            }
        )
    nothing = dict.fromkeys((name for name in rows[0] if name not in ("alias", "problem")), None)
    rows += [{**nothing, "alias": alias, "problem": why} for alias, why in failed.items()]
    return rows


def _balance(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    def total(name: str) -> float:
        return sum(row[name] or 0 for row in rows)

    n_seizure, n_free = int(total("n_seizure_windows")), int(total("n_free_windows"))
    n = n_seizure + n_free
    minutes = {name: total(name) for name in ("duration_min", "scored_min", "covered_min")}
    return {
        **minutes,
        "duration_h": minutes["duration_min"] / 60,
        "scored_h": minutes["scored_min"] / 60,
        "n_windows": n,
        "n_seizure": n_seizure,
        "n_free": n_free,
        "seizure_share": n_seizure / n if n else None,
        "n_seizures": int(total("n_seizures")),
        "n_detections": int(total("n_detections")),
        "n_failed": sum(bool(row["problem"]) for row in rows),
    }


def _provenance(
    model: CheckpointInfo,
    config: DetectorConfig,
    point: Mapping[str, Any],
    hashes: Sequence[str],
) -> list[dict[str, str]]:
    post = ", ".join(f"{name} {value:g}" for name, value in point["postprocessing"].items())
    rows = [
        ("software", f"eegdash {__version__}"),
        ("model", f"{model.name}, hash {model.sha256}"),
        ("weights, SHA-256", config.weights_sha256),
        ("threshold", f"{point['threshold']:.3f}, a window at it counts as a seizure"),
        ("events are made by", post),
        ("threshold locked by", f"{point['locked_by']} {point['locked_utc']}".strip()),
        ("event scores", "SzCORE (doi 10.1111/epi.18113), timescoring; events less than 90 s apart "
         "are merged when scored"),
        ("maps", ", ".join(METHODS[name].title for name in METHODS if name in _METHODS_USED)),
        *((f"recording {k + 1}, SHA-256", sha256) for k, sha256 in enumerate(hashes)),
    ]  # fmt: skip
    return [{"name": name, "value": value} for name, value in rows if value]


_METHODS_USED = ("integrated-gradients", "grad-cam", "grad-cam++")


# ---- figures -------------------------------------------------------------------------------


def _performance_figures(made: _Made, model: CheckpointInfo) -> None:
    metrics, curves = made.facts["metrics"], made.facts["curves"]
    if metrics is not None and curves is not None:
        counts = metrics["counts"]
        _add(made, "confusion.png", confusion_png(counts),
             "Confusion matrix of windows: " + ", ".join(f"{n} {_QUADRANTS[name]}"
                                                         for name, n in counts.items()) + ".",
             "Confusion matrix of the windows of known truth at the threshold used.")  # fmt: skip
        arrays = {
            name: np.array([np.nan if v is None else v for v in values], dtype=np.float64)
            for name, values in curves.items()
        }
        drawn = operating_png(
            arrays["threshold_pm"].astype(np.int64),
            fp_per_24h=arrays["fp_per_24h"],
            sensitivity=arrays["sensitivity"],
            specificity=arrays["specificity"],
            window_sensitivity=arrays["window_sensitivity"],
            used_pm=model.threshold_pm,
        )
        _add(made, "operating-curve.png", drawn,
             "Operating curves: sensitivity against false positives per 24 h by events, and "
             "against the false positive share by windows, with the threshold that is used.",
             "What each threshold costs and gains; numbers on the curve are thresholds. A curve "
             "that is empty is undefined: without seizures there is no sensitivity.")  # fmt: skip
    _add(made, "colour-keys.png", colour_keys_png(),
         "Colour keys: spectrogram from dark violet (-20 dB) to yellow (40 dB); evidence "
         "from blue (against a seizure) over pale to orange-red (for).",
         "Colour keys of the spectrograms and of the maps of evidence.")  # fmt: skip


_QUADRANTS = {"tn": "true negatives", "fp": "false positives", "fn": "false negatives",
              "tp": "true positives"}  # fmt: skip


def _add(made: _Made, name: str, content: bytes, alt: str, caption: str) -> None:
    made.figures[name] = content
    narrow = name == "confusion.png"
    made.facts["figures"].append({"file": name, "alt": alt, "caption": caption, "narrow": narrow})


def _examples(
    desk: Desk,
    made: _Made,
    scored: Sequence[ScoredRecording],
    name: str,
    model: CheckpointInfo,
    config: DetectorConfig,
    tell: Progress,
) -> None:
    apart = round(config.window_s / config.step_s)
    chosen = choose_windows(scored, model.threshold_pm, apart=apart)
    examples = []
    for number, window in enumerate(chosen):
        tell(0.4 + 0.25 * number / len(chosen), f"example {number + 1} of {len(chosen)}")
        examples.append(explain_example(desk, name, window))
    tell(0.65, "figures")
    drawn = draw_examples(examples, config, lambda done: tell(0.65 + 0.1 * done, "figures"))
    made.figures.update(drawn.figures)
    made.facts["examples"] = drawn.facts
    made.facts["examples_note"] = NOTE
    made.facts["faithfulness"] = faithfulness_of(drawn.facts)


def _alarm(desk: Desk, made: _Made, subject: Subject, name: str) -> None:
    """Look for signs of a shortcut in the most confident windows of both classes."""
    nothing = {"raised": False, "problem": "", "signs": [], "n_seizure": 0, "n_other": 0,
               "top_seizure": None, "top_other": None, "figure": None}  # fmt: skip
    try:
        windows = windows_for_alarm(desk, subject.paths, name, per_class=ALARM_WINDOWS)
        found = shortcut_alarm(desk, windows, name)
    except AttributionError as error:
        made.facts["alarm"] = {**nothing, "problem": str(error)}
        return
    bands = [band.title for band in found.bands]
    png = profiles_png(bands, found.regions, found.seizure_profile, found.other_profile)
    made.figures["evidence.png"] = png
    top_seizure, top_other = _top(found, found.seizure_profile), _top(found, found.other_profile)
    made.facts["alarm"] = json_values(
        {
            **nothing,
            "raised": found.raised,
            "signs": [
                {"name": s.name, "raised": s.raised, "evidence": s.evidence} for s in found.signs
            ],
            "n_seizure": found.n_seizure,
            "n_other": found.n_other,
            "bands": bands,
            "regions": found.regions,
            "seizure_profile": found.seizure_profile,
            "other_profile": found.other_profile,
            "top_seizure": top_seizure,
            "top_other": top_other,
            "figure": {
                "file": "evidence.png",
                "narrow": False,
                "alt": "Share of the evidence by band and region, for and against a seizure, in "
                "windows that the detector takes for seizures and in others; the table of signs "
                "below says what follows.",
                "caption": "Mean share of the evidence of a window, %, by band (rows) and region "
                "(LL left lateral, LP left parasagittal, ML midline, RP right parasagittal, RL "
                "right lateral).",
            },
        }
    )


def _top(found: ShortcutReport, profile: Any) -> dict[str, Any] | None:
    """Return the band and region that hold most of the evidence, for and against together."""
    both = profile.sum(axis=0)
    if not np.isfinite(both).all():
        return None
    band, region = np.unravel_index(int(both.argmax()), both.shape)
    name = found.regions[region]
    return {
        "band": found.bands[band].title,
        "region": name,
        "region_title": REGION_TITLES.get(name, name),
        "share": float(both[band, region]),
    }


def _figures_for_model(made: _Made) -> list[bytes]:
    wanted = ("evidence.png", "operating-curve.png", "example-1-maps.png", "example-3-maps.png")
    return [made.figures[name] for name in wanted if name in made.figures]


# ---- files ---------------------------------------------------------------------------------


def _files(made: _Made) -> tuple[dict[str, bytes], list[str]]:
    """Return all files by name; where no PDF can be made, the report says so."""
    facts, notes = made.facts, []
    facts["files"] = ["report.json", "report.md", "report.html", "report.pdf", *made.figures]
    page = html(facts, made.figures)
    files: dict[str, bytes] = {}
    try:
        files["report.pdf"] = pdf_from_html(page)
    except ReportError as error:
        notes.append(str(error))
        facts["notes"].append(str(error))
        facts["files"].remove("report.pdf")
        page = html(facts, made.figures)
    files["report.json"] = json_bytes(facts)
    files["report.md"] = markdown(facts).encode("utf-8")
    files["report.html"] = page.encode("utf-8")
    return {**files, **made.figures}, notes
