"""HTTP routes of the attribution component: answers to questions about windows.

An answer comes from the cache; where it is not there yet, it is computed in a worker process and
the browser is asked to come again. A token opens one recording, and never for a blinded reader.
"""

from __future__ import annotations

import json
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from eegdash.errors import EegdashError
from eegdash.ui import cache
from eegdash.ui.security import TOKEN_AGE_S
from eegdash.ui.tiles import revealing

_IMMUTABLE = {"cache-control": f"private, max-age={TOKEN_AGE_S}, immutable"}
_LATER = {"cache-control": "no-store"}
_BINARY = "application/octet-stream"
_WAITING = "x-waiting"
_GONE = "The result could not be kept: the disk of the workspace may be full. Try again."


@revealing
def _answer(request: Request, sha256: str, path: Path) -> Response:
    """Send an answer, or have it computed and ask to come again; DELETE cancels it."""
    from eegdash.ui.attribution.questions import TASK, question

    asked = question(request.path_params, request.query_params, sha256, path)
    queue = cache.explainer() if asked.quick else cache.queue()
    if request.method == "DELETE":
        job = queue.latest(TASK, asked.subject)
        if job is not None:
            queue.cancel(job.id)
        return Response(status_code=204, headers=_LATER)
    try:
        content = asked.stored()
    except EegdashError as error:
        return _told(str(error))
    if content is not None:
        return Response(content, media_type=_BINARY, headers=_IMMUTABLE)
    last = queue.latest(TASK, asked.subject)
    waiting = _WAITING in request.headers  # the browser was told to come again
    if last is not None and not last.active and "again" not in request.query_params:
        if last.state == "failed" or (waiting and last.state == "cancelled"):
            return _told(last.message)
        if waiting:
            # it may have ended since the look into the cache; to compute for ever helps nobody
            content = asked.stored()
            kept = Response(content, media_type=_BINARY, headers=_IMMUTABLE)
            return _told(_GONE) if content is None else kept
    job = queue.submit(TASK, asked.subject, asked.arguments)
    return _come_again(job.progress, job.state)


def _come_again(progress: float, state: str) -> Response:
    body = json.dumps({"progress": progress, "state": state})
    return Response(body, 202, media_type="application/json", headers=_LATER)


def _told(words: str) -> Response:
    return Response(words, 410, media_type="text/plain; charset=utf-8", headers=_LATER)


ROUTES = [
    Route("/explained/{token}/{kind}/{model}/{index:int}", _answer, methods=["GET", "DELETE"]),
]
