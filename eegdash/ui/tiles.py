"""HTTP routes of the viewer: raw EEG, spectrogram, probability and score tables.

A route is not behind the session, so every address carries a signed token that names one
recording. Tiles depend on nothing but their address, and may be kept by the browser for good.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from eegdash.detection import PostProcessing, ProbabilityTrace
from eegdash.errors import EegdashError
from eegdash.montage import MONTAGES, shown
from eegdash.plotting import tiles
from eegdash.plotting.pyramid import tile_bytes
from eegdash.plotting.trend_tiles import SPECTROGRAM
from eegdash.timings import TIMINGS
from eegdash.ui import cache, report_routes, scripts
from eegdash.ui.operating import routes as operating
from eegdash.ui.security import TOKEN_AGE_S, verified
from eegdash.workflows import display, library, score, server

_IMMUTABLE = {"cache-control": f"private, max-age={TOKEN_AGE_S}, immutable"}
_LATER = {"cache-control": "no-store"}
_NO_CHANNELS = "none"
_BINARY = "application/octet-stream"
_paths: dict[str, Path] = {}


def register(recording_sha256: str, path: Path) -> None:
    """Tell the routes where a recording lies; its path never enters an address."""
    _paths[recording_sha256] = path


def _path_of(sha256: str) -> Path | None:
    path = _paths.get(sha256)
    if path is None or not path.exists():
        path = library.find_recording(cache.desk(), sha256)
        if path is not None:
            _paths[sha256] = path
    return path


Handler = Callable[[Request, str, Path], Response]


def _with_recording(handler: Handler) -> Callable[[Request], Response]:
    """Check the token, find the recording, and turn errors into statuses without names."""
    return _guarded(handler, for_blind=True)


def _revealing(handler: Handler) -> Callable[[Request], Response]:
    """As :func:`_with_recording`, for what a blinded reader must not see."""
    return _guarded(handler, for_blind=False)


revealing = _revealing  # pages beside the viewer have routes of their own


def _guarded(handler: Handler, *, for_blind: bool) -> Callable[[Request], Response]:
    @wraps(handler)
    def guarded(request: Request) -> Response:
        grant = verified(cache.desk().workspace.signing_key(), request.path_params["token"])
        if grant is None:
            return Response("expired or not valid", 403, headers=_LATER)
        if grant.blind and not for_blind:
            return Response("withheld until the first read is committed", 403, headers=_LATER)
        path = _path_of(grant.recording_sha256)
        if path is None:
            return Response("the recording is gone", 410, headers=_LATER)
        try:
            with TIMINGS.measure("tile or table", frequent=True):
                return handler(request, grant.recording_sha256, path)
        except (ArithmeticError, ValueError, LookupError):
            return Response("no such tile", 404, headers=_LATER)
        except EegdashError:
            return Response("the recording cannot be read", 410, headers=_LATER)

    return guarded


@_with_recording
def _raw(request: Request, sha256: str, path: Path) -> Response:
    params = request.path_params
    low, high, notch = (float(v) for v in params["filters"].split("-"))
    content = _raw_bytes(
        path,
        (sha256, params["mark"]),
        params["montage"],
        _channels(params["bad"]),
        (low, high, notch),
        params["level"],
        params["index"],
    )
    return Response(content, media_type=_BINARY, headers=_IMMUTABLE)


@lru_cache(maxsize=256)
def _raw_bytes(
    path: Path,
    content: tuple[str, str],
    montage: str,
    bad: tuple[int, ...],
    filters: tuple[float, float, float],
    level: int,
    index: int,
) -> bytes:
    opened = library.open_path(cache.desk(), path)
    if opened.recording.sha256 != content[0]:
        raise IndexError("the file was replaced")
    last = math.ceil(opened.recording.duration_s / tiles.RAW_TILE_S[level])
    if not 0 <= index < last or not all(0 <= f <= 1000 for f in filters):
        raise IndexError("outside the recording")
    if bad and bad[-1] >= len(opened.recording.ch_names):
        raise IndexError("no such channel")
    found = shown(opened.recording, MONTAGES[montage], mapping=opened.mapping, bad=bad)
    filtered = tiles.DisplayFilter(*filters)
    return tiles.raw_tile(opened.recording, found.matrix, filtered, level, index)


def _channels(text: str) -> tuple[int, ...]:
    """Read the bad channels of an address; one set of channels has one address."""
    if text == _NO_CHANNELS:
        return ()
    channels = tuple(int(part) for part in text.split(".") if part.isdecimal())
    if ".".join(map(str, sorted(set(channels)))) != text:
        raise ValueError("not a list of channels")
    return channels


@_with_recording
def _prepared(request: Request, sha256: str, path: Path) -> Response:
    """Send a tile of spectrogram or trends; one that is not there yet is being prepared."""
    params = request.path_params
    desk = cache.desk()
    kind = params.get("kind", SPECTROGRAM)
    key, level, index = params["key"], params["level"], params["index"]
    # the token opens one recording: its own tiles and no other's
    if key != display.display_key_of(sha256, library.channel_map(desk, sha256), kind):
        raise KeyError("not of this recording")
    values = display.display_tile(desk, key, level, index)
    if values is not None:
        return Response(tile_bytes(values), media_type=_BINARY, headers=_IMMUTABLE)
    if not display.display_has(library.open_path(desk, path), kind, level, index):
        raise IndexError("outside the recording")
    return _promised("prepare", sha256, {"path": str(path)})


@_with_recording
def _chosen(request: Request, sha256: str, path: Path) -> Response:
    """Send a spectrogram tile of rows that the reader chose: a short one at once."""
    params = request.path_params
    desk = cache.desk()
    opened = library.open_path(desk, path)
    if opened.recording.sha256 != sha256:
        raise IndexError("the file was replaced")
    rows = [int(row) for row in params["rows"].split(".")]
    bad = _channels(params["bad"])
    panels = display.chosen_panels(opened, params["montage"], rows, bad)
    values = display.chosen_tile(desk, opened, panels, params["level"], params["index"])
    if values is not None:
        return Response(tile_bytes(values), media_type=_BINARY, headers=_IMMUTABLE)
    arguments = {"path": str(path), "montage": params["montage"], "rows": rows, "bad": bad}
    return _promised("chosen", display.chosen_key(opened, panels), arguments)


def _promised(task: str, subject: str, arguments: dict[str, Any]) -> Response:
    """Have tiles computed in the background, and ask to come again."""
    queue = cache.queue()
    last = queue.latest(task, subject)
    if last is not None and last.state == "failed":
        return Response(status_code=410, headers=_LATER)
    queue.submit(task, subject, arguments)
    return Response(status_code=202, headers=_LATER)


@_revealing
def _notes(request: Request, sha256: str, path: Path) -> Response:
    notes = tiles.file_notes(library.open_path(cache.desk(), path).recording)
    return Response(json.dumps(notes), media_type="application/json", headers=_IMMUTABLE)


@_revealing
def _trace(request: Request, sha256: str, path: Path) -> Response:
    trace = _stored_trace(path, request.path_params["model"])
    content = trace.probability_pm.astype("<u2").tobytes()
    return Response(content, media_type=_BINARY, headers=_IMMUTABLE)


@_revealing
def _table(request: Request, sha256: str, path: Path) -> Response:
    smoothing, hysteresis, merge, shortest = (
        float(v) for v in request.path_params["post"].split("-")
    )
    post = PostProcessing(smoothing, hysteresis, merge, shortest)
    opened = library.open_path(cache.desk(), path)
    if opened.reference is None:
        raise KeyError("no reference")
    trace = _stored_trace(path, request.path_params["model"])
    table = score.metrics_table(cache.desk(), trace, opened.reference, post)
    return Response(json.dumps(table), media_type="application/json", headers=_LATER)


def _stored_trace(path: Path, model_sha256: str) -> ProbabilityTrace:
    desk = cache.desk()
    opened = library.open_path(desk, path)
    for model in desk.models():
        if model.sha256 == model_sha256:
            trace = score.load_trace(desk, opened, model)
            if trace is not None:
                return trace
    raise KeyError("not scored by this model")


def _healthz(request: Request) -> Response:
    """Say that the server answers; it touches nothing, so it may be asked every second."""
    return JSONResponse({"status": "ok"}, headers=_LATER)


def _readyz(request: Request) -> Response:
    """Say whether labels can be read and saved, with status 503 where not; of nobody's EEG."""
    problems = server.problems(cache.desk())
    status = {"status": "not ready" if problems else "ok", "problems": problems}
    return JSONResponse(status, 503 if problems else 200, headers=_LATER)


ROUTES = [
    Route("/healthz", _healthz),
    Route("/readyz", _readyz),
    Route("/tiles/{token}/raw/{mark}/{montage}/{bad}/{filters}/{level:int}/{index:int}", _raw),
    Route("/tiles/{token}/spectrogram/{key}/{level:int}/{index:int}", _prepared),
    Route("/tiles/{token}/trend/{kind}/{key}/{level:int}/{index:int}", _prepared),
    Route("/tiles/{token}/chosen/{mark}/{montage}/{bad}/{rows}/{level:int}/{index:int}", _chosen),
    Route("/tiles/{token}/notes/{mark}", _notes),
    Route("/tiles/{token}/trace/{model}/{mark}", _trace),
    Route("/tiles/{token}/table/{model}/{mark}/{post}", _table),
    *operating.ROUTES,
    *scripts.ROUTES,
    *report_routes.ROUTES,
]
