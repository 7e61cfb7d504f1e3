"""HTTP route of reports: a page that runs nothing and loads nothing, shown inside the dashboard.

A token opens one report. It is made only for a reader from whom nothing in it is withheld.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from eegdash.errors import ReportError
from eegdash.ui import cache
from eegdash.ui.security import sign, verified
from eegdash.workflows.report_shelf import report_file

_HEADERS = {
    "cache-control": "no-store",
    "x-frame-options": "SAMEORIGIN",
    "content-security-policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox",
}
_LATER = {"cache-control": "no-store"}
_PREFIX = "report:"


def address(name: str) -> str:
    """Return the address of a report's page, for a reader who may see it."""
    token = sign(cache.desk().workspace.signing_key(), _PREFIX + name)
    return f"/reports/{token}/report.html"


def _page(request: Request) -> Response:
    desk = cache.desk()
    grant = verified(desk.workspace.signing_key(), request.path_params["token"])
    if grant is None or grant.blind or not grant.recording_sha256.startswith(_PREFIX):
        return Response("expired or not valid", 403, headers=_LATER)
    try:
        content = report_file(desk, grant.recording_sha256.removeprefix(_PREFIX), "report.html")
    except ReportError as error:
        return Response(str(error), 410, media_type="text/plain", headers=_LATER)
    return Response(content, media_type="text/html; charset=utf-8", headers=_HEADERS)


ROUTES = [Route("/reports/{token}/report.html", _page)]
