"""HTTP route of the operating-point component: tables of all thresholds.

A token opens one set of recordings for one model, so that an address cannot be turned to another.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from eegdash.errors import EegdashError
from eegdash.ui import cache
from eegdash.ui.security import TOKEN_AGE_S, verified

if TYPE_CHECKING:  # the server starts without what the tables need
    from eegdash.detection import PostProcessing
    from eegdash.workflows.desk import Desk
    from eegdash.workflows.operating_tables import TableRequest

_IMMUTABLE = {"cache-control": f"private, max-age={TOKEN_AGE_S}, immutable"}
_LATER = {"cache-control": "no-store"}
_KEPT_REQUESTS = 500
# Tables of less than this are computed at once, in some 0.1 s: a worker would take longer to start.
_AT_ONCE_S = 3600.0
_GONE = "The tables are not kept any more."
_requests: dict[str, tuple[TableRequest, float]] = {}


def register(key: str, request: TableRequest, duration_s: float) -> None:
    """Tell the route what a key asks for; paths never enter an address.

    Parameters
    ----------
    key : str
    request : TableRequest
    duration_s : float
        Length of all its recordings, s.
    """
    _requests.pop(key, None)
    _requests[key] = request, duration_s
    while len(_requests) > _KEPT_REQUESTS:
        del _requests[next(iter(_requests))]


def _tables(request: Request) -> Response:
    """Send the tables of one set of event rules, or have them computed and ask to come again."""
    from eegdash.workflows.operating_point import checked_rules
    from eegdash.workflows.operating_tables import stored_tables

    desk = cache.desk()
    grant = verified(desk.workspace.signing_key(), request.path_params["token"])
    if grant is None or grant.blind:
        return Response("expired or not valid", 403, headers=_LATER)
    key = grant.recording_sha256
    if key not in _requests:
        return Response("Choose the recordings again.", 410, headers=_LATER)
    names = ("smoothing_s", "hysteresis", "merge_gap_s", "min_duration_s")
    parts = request.path_params["rules"].split("-")
    try:
        post = checked_rules(dict(zip(names, parts, strict=True)))
    except ValueError:
        return Response("no such rules", 404, headers=_LATER)
    found = stored_tables(desk, key, post) or _computed(
        desk, key, post, again="again" in request.query_params
    )
    if isinstance(found, Response):
        return found
    return Response(json.dumps(found), media_type="application/json", headers=_IMMUTABLE)


def _computed(
    desk: Desk, key: str, post: PostProcessing, *, again: bool
) -> dict[str, Any] | Response:
    """Return small tables at once; have large ones computed, and ask to come again."""
    from eegdash.workflows.operating_tables import compute_tables, rules_key, stored_tables

    asked, duration_s = _requests[key]
    subject = rules_key(key, post)
    last = cache.queue().latest("operating", subject)
    if last is not None and last.state in ("failed", "cancelled") and not again:
        return Response(last.message, 410, headers=_LATER)
    if last is not None and last.state == "done" and not again:
        # ended just now, or removed since: to ask for ever would be to compute for ever
        return stored_tables(desk, key, post) or Response(_GONE, 410, headers=_LATER)
    try:
        if asked.key(desk) != key:  # what is computed now would be of another set
            return Response("A file was changed. Reload the page.", 410, headers=_LATER)
        if duration_s <= _AT_ONCE_S:
            return compute_tables(desk, asked, post)
    except EegdashError as error:
        return Response(str(error), 410, headers=_LATER)
    except OSError:
        return Response("A file is gone. Reload the page.", 410, headers=_LATER)
    arguments = {
        "paths": [str(path) for path in asked.paths],
        "model": asked.model.name,
        "threshold_pm": asked.model.threshold_pm,
        "other": asked.other,
        "post": post.as_dict(),
    }
    cache.queue().submit("operating", subject, arguments)
    return Response(status_code=202, headers=_LATER)


ROUTES = [Route("/operating-tables/{token}/{rules}", _tables)]
