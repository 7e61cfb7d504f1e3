"""Questions about windows as a worker process is asked them: the task ``explain``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from eegdash.attribution.maps import Progress
from eegdash.attribution.masks import Mask
from eegdash.errors import AttributionError
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain import Request, explain
from eegdash.workflows.explain_alarm import shortcut_alarm, windows_for_alarm
from eegdash.workflows.explain_checks import check, stability
from eegdash.workflows.explain_material import open_material
from eegdash.workflows.explain_methods import unsuitable_methods
from eegdash.workflows.explain_span import explain_span
from eegdash.workflows.explain_what_if import masks_for, what_if, what_if_trace


def answer(desk: Desk, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Compute the answer to a question and leave it in the analysis cache.

    Parameters
    ----------
    desk : Desk
    arguments : mapping
        ``question``: ``map``, ``checks``, ``stability``, ``masks`` (what if, on the window),
        ``trace`` (what if, along the trace), ``span`` (the windows up to ``last``), ``alarm``, or
        ``warm`` (nothing but what takes time before the first answer); the fields of a
        :class:`~eegdash.workflows.explain.Request`; ``masks``, fields of
        :class:`~eegdash.attribution.masks.Mask`, for ``trace``.
    progress : callable
        Called with 0 to 1.

    Returns
    -------
    dict
        ``question``; what was found is in the cache.

    Raises
    ------
    EegdashError
        If it cannot be answered; the message says why and what to choose instead.
    """
    request = Request(
        path=Path(arguments["path"]),
        model=str(arguments["model"]),
        index=int(arguments["index"]),
        method=str(arguments["method"]),
        baseline=str(arguments["baseline"]),
    )
    question = str(arguments["question"])
    if question == "map":
        explain(desk, request, progress)
    elif question == "checks":
        check(desk, request, progress)
    elif question == "stability":
        stability(desk, request, progress)
    elif question == "masks":
        what_if(desk, request, masks_for(desk, request.model))
    elif question == "trace":
        masks = [Mask(**mask) for mask in arguments["masks"]]
        what_if_trace(desk, request, masks, progress=progress)
    elif question == "span":
        explain_span(desk, request, int(arguments["last"]), progress)
    elif question == "warm":
        _warm(desk, request)
    elif question == "alarm":
        windows = windows_for_alarm(desk, [request.path], request.model)
        shortcut_alarm(desk, windows, request.model, progress)
    else:
        raise AttributionError(f'There is no question "{question}" about a window.')
    return {"question": question}


def _warm(desk: Desk, request: Request) -> None:
    """Import torch and Captum, load the detector, and try which methods fit it."""
    import_module("eegdash.attribution.gradients")
    unsuitable_methods(desk, request.model)
    _ = open_material(desk, request.path, request.model).detector
