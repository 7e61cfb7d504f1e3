"""The questions that an address may ask about a recording, and how each is answered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from eegdash.attribution.masks import Mask
from eegdash.checkpoints import CheckpointInfo
from eegdash.ui import cache
from eegdash.ui.attribution import answers
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain import Request, stored_explanation
from eegdash.workflows.explain_alarm import stored_alarm, windows_for_alarm
from eegdash.workflows.explain_checks import agreement, stored_checks, stored_stability
from eegdash.workflows.explain_span import stored_span
from eegdash.workflows.explain_what_if import (
    masks_for,
    stored_what_if,
    stored_what_if_trace,
)
from eegdash.workflows.explain_windows import CONFIDENT_PM, nearest_confident_non_seizure
from eegdash.workflows.library import open_path
from eegdash.workflows.score import load_trace

AGREEMENT, QUIET, MAP, CHECKS, STABILITY, MASKS, TRACE, SPAN, ALARM = (
    "agreement",
    "quiet",
    "map",
    "checks",
    "stability",
    "masks",
    "trace",
    "span",
    "alarm",
)
TASK = "explain"
"""Name of the task in the worker."""
_QUICK = (MAP, MASKS)
_USUAL = "integrated-gradients"
_NAME = 64  # most letters of a method's or a baseline's name


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its stored answer, and how a worker is asked.

    Parameters
    ----------
    subject : str
        Equal questions have equal subjects; it names no file.
    arguments : mapping
        Of the task ``explain``.
    quick : bool
        Whether it takes a second at most, so that it need not wait for long work.
    stored : callable
        Returns the answer's bytes, None where it has to be computed.
    """

    subject: str
    arguments: Mapping[str, Any]
    quick: bool
    stored: Callable[[], bytes | None]


def question(
    params: Mapping[str, Any], query: Mapping[str, str], recording_sha256: str, path: Path
) -> Question:
    """Read a question from an address.

    Parameters
    ----------
    params : mapping
        ``kind``, ``model`` (a hash) and ``index`` of the window.
    query : mapping
        ``method``, ``baseline``, of the trace ``masks`` (``kind:name``, by commas), and of a span
        ``last``, the index of its last window.
    recording_sha256 : str
    path : Path

    Raises
    ------
    LookupError, ValueError
        If there is no such model, mask or kind of question.
    """
    desk = cache.desk()
    kind = str(params["kind"])
    model = _model(desk, str(params["model"]))
    request = Request(
        path,
        model.name,
        int(params["index"]),
        str(query.get("method", ""))[:_NAME] or _USUAL,
        str(query.get("baseline", ""))[:_NAME],
    )
    if not request.index >= 0:
        raise ValueError("a window before the first")
    masks = _masks(desk, model, query.get("masks", "")) if kind == TRACE else ()
    last = int(query["last"]) if kind == SPAN else request.index
    arguments = {
        "question": kind,
        **{name: str(value) for name, value in asdict(request).items() if name != "index"},
        "index": request.index,
        "masks": [asdict(mask) for mask in masks],
        "last": last,
    }
    subject = [recording_sha256, model.sha256, {**arguments, "path": ""}]
    return Question(
        subject=hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest(),
        arguments=arguments,
        quick=kind in _QUICK,
        stored=_stored(desk, kind, request, query, masks, last),
    )


def warm_up(path: Path, model: CheckpointInfo) -> None:
    """Have the worker of quick questions ready before the first one, once per detector.

    Its imports take seconds, which the reader spends looking at the page.
    """
    queue, subject = cache.explainer(), f"warm|{model.sha256}"
    if queue.latest(TASK, subject) is None:
        arguments = {"question": "warm", "path": str(path), "model": model.name, "index": 0}
        queue.submit(TASK, subject, {**arguments, "method": _USUAL, "baseline": ""})


def _stored(
    desk: Desk,
    kind: str,
    request: Request,
    query: Mapping[str, str],
    masks: tuple[Mask, ...],
    last: int,
) -> Callable[[], bytes | None]:
    if kind == AGREEMENT:
        return _agreement(desk, request, query)
    if kind == SPAN:
        return _span(desk, request, last)
    return _STORED[kind](desk, request, masks)


def _model(desk: Desk, sha256: str) -> CheckpointInfo:
    for info in desk.models():
        if info.sha256 == sha256:
            return info
    raise LookupError("no such model")


def _masks(desk: Desk, model: CheckpointInfo, text: str) -> tuple[Mask, ...]:
    known = {f"{mask.kind}:{mask.name}": mask for mask in masks_for(desk, model.name)}
    return tuple(known[name] for name in sorted(set(text.split(","))))


Stored = Callable[[], bytes | None]


def _agreement(desk: Desk, request: Request, query: Mapping[str, str]) -> Stored:
    """Two maps that are both there: the page asks once it shows them."""
    other = replace(
        request, method=query["other"][:_NAME], baseline=query["other_baseline"][:_NAME]
    )

    def stored() -> bytes:
        maps = [stored_explanation(desk, one) for one in (request, other)]
        both = [found for found in maps if found is not None]
        if len(both) < len(maps):
            raise LookupError("a map is not there")
        return answers.packed({"rho": float(agreement(both)[0, 1])}, {})

    return stored


def _quiet(desk: Desk, request: Request, masks: tuple[Mask, ...]) -> Stored:
    def stored() -> bytes:
        trace = load_trace(desk, open_path(desk, request.path), desk.model(request.model))
        found = None if trace is None else nearest_confident_non_seizure(trace, request.index)
        return answers.packed({"index": found, "at_most_pm": CONFIDENT_PM}, {})

    return stored


def _map(desk: Desk, request: Request, masks: tuple[Mask, ...]) -> Stored:
    def stored() -> bytes | None:
        found = stored_explanation(desk, request)
        return None if found is None else answers.map_answer(found)

    return stored


def _checks(desk: Desk, request: Request, masks: tuple[Mask, ...]) -> Stored:
    def stored() -> bytes | None:
        found = stored_checks(desk, request)
        return None if found is None else answers.checks_answer(found)

    return stored


def _stability(desk: Desk, request: Request, masks: tuple[Mask, ...]) -> Stored:
    def stored() -> bytes | None:
        found = stored_stability(desk, request)
        return None if found is None else answers.stability_answer(found)

    return stored


def _masked(desk: Desk, request: Request, masks: tuple[Mask, ...]) -> Stored:
    def stored() -> bytes | None:
        found = stored_what_if(desk, request, masks_for(desk, request.model))
        return None if found is None else answers.changes_answer(found)

    return stored


def _trace(desk: Desk, request: Request, masks: tuple[Mask, ...]) -> Stored:
    def stored() -> bytes | None:
        found = stored_what_if_trace(desk, request, masks)
        return None if found is None else answers.trace_answer(found)

    return stored


def _span(desk: Desk, request: Request, last: int) -> Stored:
    def stored() -> bytes | None:
        found = stored_span(desk, request, last)
        return None if found is None else answers.span_answer(found)

    return stored


def _alarm(desk: Desk, request: Request, masks: tuple[Mask, ...]) -> Stored:
    def stored() -> bytes | None:
        windows = windows_for_alarm(desk, [request.path], request.model)
        found = stored_alarm(desk, windows, request.model)
        return None if found is None else answers.alarm_answer(found)

    return stored


_STORED: dict[str, Callable[[Desk, Request, tuple[Mask, ...]], Stored]] = {
    QUIET: _quiet,
    MAP: _map,
    CHECKS: _checks,
    STABILITY: _stability,
    MASKS: _masked,
    TRACE: _trace,
    ALARM: _alarm,
}
