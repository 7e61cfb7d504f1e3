"""What the worker process runs: tasks by name, as :func:`eegdash.jobs.work` serves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from eegdash.errors import RecordingError, WorkspaceError
from eegdash.jobs import Task, Told
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.display import prepare_chosen, prepare_display
from eegdash.workflows.explain_job import answer
from eegdash.workflows.files import ensure_demo
from eegdash.workflows.library import open_path
from eegdash.workflows.mechanism import mechanism_task
from eegdash.workflows.operating_point import checked_rules
from eegdash.workflows.operating_tables import TableRequest, compute_tables, prepare_counts
from eegdash.workflows.report_shelf import answer as report_answer
from eegdash.workflows.score import (
    Failed,
    Progress,
    load_trace,
    metrics_table,
    post_of,
    score,
)


def tasks(desk: Desk | None = None) -> dict[str, Task]:
    """Return the tasks of the worker, bound to a desk."""
    used = desk or open_desk()

    def score_one(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        return _score(used, Path(arguments["path"]), str(arguments["model"]), progress)

    def prepare(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        return {"any": prepare_display(used, Path(arguments["path"]), progress)}

    def chosen(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        path, montage = Path(arguments["path"]), str(arguments["montage"])
        rows, bad = ([int(i) for i in arguments[name]] for name in ("rows", "bad"))
        prepare_chosen(used, path, montage, rows, bad, progress)
        return {"rows": len(rows)}

    def demo(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        return {"made": ensure_demo(used)}

    def operating(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        paths = tuple(Path(path) for path in arguments["paths"])
        model = used.model(str(arguments["model"]))
        # as it was when it was asked: another point may have been locked since
        model = replace(model, threshold_pm=int(arguments["threshold_pm"]))
        request = TableRequest(paths, model, str(arguments["other"]))
        compute_tables(used, request, checked_rules(arguments["post"]), progress)
        return {"recordings": len(paths)}

    def explain(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        return answer(used, arguments, progress)

    def taught(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        from eegdash.workflows.teach import TeachRequest, teach

        found = teach(used, TeachRequest.from_dict(arguments["request"]), progress)
        return {"name": found.name, "sha256": found.sha256}

    def compare(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        from eegdash.workflows.comparison import compare_and_keep

        before, after = (used.checkpoint(str(arguments[side])) for side in ("before", "after"))
        return {"key": compare_and_keep(used, before, after, arguments["recordings"], progress)}

    def mechanism(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        return mechanism_task(used, arguments, progress)

    def report(arguments: Mapping[str, Any], progress: Told) -> dict[str, Any]:
        return report_answer(used, arguments, progress)

    return {
        "teach": taught,
        "compare": compare,
        "score": score_one,
        "prepare": prepare,
        "chosen": chosen,
        "demo": demo,
        "operating": operating,
        "explain": explain,
        "mechanism": mechanism,
        "report": report,
    }


def _score(desk: Desk, path: Path, model_name: str, progress: Progress) -> dict[str, Any]:
    """Score one recording and prepare all that the review page shows of it."""
    model = desk.model(model_name)
    outcome = score(desk, path, model, lambda done: progress(0.8 * done))
    if isinstance(outcome, Failed):
        raise RecordingError(outcome.reason)
    prepare_display(desk, path, lambda done: progress(0.8 + 0.15 * done))
    opened = open_path(desk, path)
    if load_trace(desk, opened, model) is None:
        # "done" without anything to show would send the reader in a circle
        raise WorkspaceError(
            "The result could not be kept: the disk of the workspace is full or read-only. "
            "Make room, then score again."
        )
    if opened.reference is not None and opened.reference.coverage:
        metrics_table(desk, outcome.trace, opened.reference, post_of(model))
        prepare_counts(desk, outcome.trace, opened.reference, model)
    return {"windows": outcome.trace.n_windows}
