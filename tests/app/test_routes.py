"""The viewer's HTTP routes behind a real server on this machine."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from itsdangerous import URLSafeTimedSerializer
from simulated_files import write_events, write_noise
from starlette.applications import Starlette
from starlette.middleware import Middleware
from tiny_models import save_tiny_model

from eegdash.detection import PostProcessing
from eegdash.montage import MONTAGES, resolve, shown
from eegdash.plotting.pyramid import tile_bytes
from eegdash.plotting.tiles import DisplayFilter, raw_tile
from eegdash.plotting.trend_tiles import AEEG, RHYTHMICITY, SPECTROGRAM
from eegdash.settings import Settings
from eegdash.ui import cache, scripts, security, tiles
from eegdash.ui.security import SecurityHeaders, sign
from eegdash.workflows import display, library, score
from eegdash.workflows.desk import Desk, open_desk

IMMUTABLE = "private, max-age=43200, immutable"


@dataclass
class Answer:
    status: int
    headers: Message
    body: bytes


class Site:
    """The routes with their middleware, served in a thread."""

    def __init__(self, desk: Desk, path: Path, other: Path) -> None:
        self.desk = desk
        self.path, self.other = path, other
        self.sha256 = library.known_hash(desk, path)
        self.other_sha256 = library.known_hash(desk, other)
        self.model = desk.model("tiny")
        app = Starlette(routes=tiles.ROUTES, middleware=[Middleware(SecurityHeaders)])
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(app, log_level="error", lifespan="off")
        self.server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self.server.run, args=([self._socket],))
        self._thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def close(self) -> None:
        self.server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()

    def token(self, sha256: str | None = None) -> str:
        return sign(self.desk.workspace.signing_key(), sha256 or self.sha256)

    def get(self, address: str) -> Answer:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{address}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=20) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def waited(self, address: str) -> Answer:
        """Ask until it is no longer promised."""
        deadline = time.monotonic() + 30
        while (answer := self.get(address)).status == 202 and time.monotonic() < deadline:
            time.sleep(0.1)
        return answer

    def raw(
        self,
        *,
        token: str | None = None,
        montage: str = "longitudinal-bipolar",
        bad: str = "none",
        filters: str = "1-70-0",
        at: str = "0/0",
    ) -> Answer:
        return self.get(f"/tiles/{token or self.token()}/raw/m/{montage}/{bad}/{filters}/{at}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A workspace with two recordings, one of them scored, and the routes over it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("site")
        patch.setenv("EEGDASH_WORKSPACE", str(folder / "workspace"))
        patch.setattr("eegdash.workflows.desk.SHIPPED_MODELS", folder / "none")
        cache.desk.clear()
        cache.queue.clear()
        tiles._paths.clear()
        desk = open_desk(Settings(workspace=folder / "workspace"))
        save_tiny_model(desk.workspace.models, seed=0, name="tiny")
        path = write_noise(
            desk.workspace.recordings / "Canary.edf",
            seconds=65,
            notes=[(20.0, 2.5, "photic 10 Hz"), (3.5, 0.0, "<b>eyes</b> open")],
        )
        write_events(path, [(20, 15)], 65)
        other = write_noise(desk.workspace.recordings / "other.edf", seconds=30, seed=1)
        served = Site(desk, path, other)
        assert isinstance(score.score(desk, path, served.model), score.Scored)
        yield served
        served.close()
        cache.queue().close()
        cache.desk.clear()
        cache.queue.clear()


def test_health(site: Site) -> None:
    answer = site.get("/healthz")
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})


def test_a_server_that_cannot_save_labels_is_not_ready(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = site.get("/readyz")
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok", "problems": []})
    monkeypatch.setattr("eegdash.workflows.server.LEAST_FREE_MB", 10**12)
    answer = site.get("/readyz")
    said = json.loads(answer.body)
    assert (answer.status, said["status"]) == (503, "not ready")
    assert "MB left" in said["problems"][0]


# ---- tokens ---------------------------------------------------------------------------------


def all_addresses(site: Site, token: str) -> list[str]:
    key = display.display_key(library.open_path(site.desk, site.path), SPECTROGRAM)
    return [
        f"/tiles/{token}/raw/m/as-recorded/none/1-70-0/0/0",
        f"/tiles/{token}/spectrogram/{key}/0/0",
        f"/tiles/{token}/trace/{site.model.sha256}/m",
        f"/tiles/{token}/table/{site.model.sha256}/m/4.5-1.0-3.0-6.0",
        f"/tiles/{token}/notes/m",
    ]


@pytest.mark.parametrize("which", range(5), ids=["raw", "spectrogram", "trace", "table", "notes"])
def test_only_a_valid_token_opens_a_tile(
    site: Site, which: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = site.token()
    assert site.get(all_addresses(site, token)[which]).status in (200, 202)
    body, stamp, signature = token.rsplit(".", 2)
    forged = [
        f"{body}.{stamp}.{signature[:-2]}xx",
        f"{body}x.{stamp}.{signature}",
        sign("another key", site.sha256),
        site.sha256,
        "x",
        "%00",
    ]
    for bad in forged:
        answer = site.get(all_addresses(site, bad)[which])
        assert (answer.status, answer.headers["cache-control"]) == (403, "no-store"), bad
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + security.TOKEN_AGE_S + 5)
    assert site.get(all_addresses(site, token)[which]).status == 403


def test_a_blind_token_opens_the_eeg_and_nothing_that_is_said_about_it(site: Site) -> None:
    blind = sign(site.desk.workspace.signing_key(), site.sha256, blind=True)
    found = {
        address.split("/")[3]: site.get(address).status for address in all_addresses(site, blind)
    }
    assert found == {
        "raw": 200, "spectrogram": found["spectrogram"], "trace": 403, "table": 403, "notes": 403,
    }  # fmt: skip
    assert found["spectrogram"] in (200, 202)
    assert site.get(f"/tiles/{blind}/chosen/m/longitudinal-bipolar/none/0/0/0").status == 200
    refused = site.get(all_addresses(site, blind)[2])
    assert refused.headers["cache-control"] == "no-store"
    # the same addresses open with the token of a reader who may see them
    opened = [site.get(address).status for address in all_addresses(site, site.token())]
    assert set(opened) <= {200, 202}


@pytest.mark.parametrize(
    "content", [["f" * 64, "all"], ["f" * 64], "f" * 64, ["f" * 64, "blind", "full"], None, 7]
)
def test_a_signed_token_of_another_form_opens_nothing(site: Site, content: Any) -> None:
    key = site.desk.workspace.signing_key()
    token = str(URLSafeTimedSerializer(key, salt=security._SALT).dumps(content))
    assert security.verified(key, token) is None
    assert site.get(all_addresses(site, token)[0]).status == 403


def test_the_token_of_another_recording_opens_that_one_and_not_this(site: Site) -> None:
    token = site.token(site.other_sha256)
    opened = library.open_path(site.desk, site.other)
    matrix = resolve(opened.recording, MONTAGES["as-recorded"])
    expected = raw_tile(opened.recording, matrix, DisplayFilter(1, 70, 0), 0, 0)
    assert site.raw(token=token, montage="as-recorded").body == expected
    _, spectrogram, trace, table, _ = all_addresses(site, token)
    assert [site.get(address).status for address in (spectrogram, trace, table)] == [404] * 3


def test_a_token_of_an_unknown_recording_is_gone(site: Site) -> None:
    answer = site.raw(token=site.token("f" * 64))
    assert (answer.status, answer.headers["cache-control"]) == (410, "no-store")


# ---- raw tiles -------------------------------------------------------------------------------


def test_a_raw_tile_is_what_the_function_gives_and_is_kept_for_good(site: Site) -> None:
    opened = library.open_path(site.desk, site.path)
    for montage, bad, filters, at in (
        ("longitudinal-bipolar", (), (1.0, 70.0, 50.0), (0, 6)),
        ("average-reference", (2, 11), (0.5, 0.0, 0.0), (1, 1)),
    ):
        low, high, notch = filters
        answer = site.raw(
            montage=montage,
            bad=".".join(map(str, bad)) or "none",
            filters=f"{low:g}-{high:g}-{notch:g}",
            at=f"{at[0]}/{at[1]}",
        )
        matrix = shown(opened.recording, MONTAGES[montage], bad=bad).matrix
        assert answer.status == 200
        assert answer.headers["cache-control"] == IMMUTABLE
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.body == raw_tile(opened.recording, matrix, DisplayFilter(*filters), *at)


@pytest.mark.parametrize(
    "changes",
    [
        {"at": "0/7"}, {"at": "1/2"}, {"at": "2/0"}, {"at": "9/0"}, {"at": "0/999999999999"},
        {"montage": "unknown"}, {"filters": "1-70"}, {"filters": "a-b-c"},
        {"filters": "nan-70-0"}, {"filters": "1-1e9-0"},
        {"filters": "1--70-0"}, {"filters": "inf-70-0"},
        {"bad": "3.1"}, {"bad": "1.1"}, {"bad": "01"}, {"bad": "-1"}, {"bad": "x"}, {"bad": "99"},
        {"bad": "1."},
    ],
)  # fmt: skip
def test_a_tile_that_is_none_is_not_found(site: Site, changes: dict[str, str]) -> None:
    answer = site.raw(**changes)
    assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
    assert b"Canary" not in answer.body


@pytest.mark.parametrize("at", ["-1/0", "0/-1", "x/0", "0/x", "0"])
def test_an_address_that_is_none_is_not_found(site: Site, at: str) -> None:
    assert site.raw(at=at).status == 404


# ---- notes of the file --------------------------------------------------------------------------


def test_the_notes_of_the_file_are_sent_in_order_and_as_they_are(site: Site) -> None:
    answer = site.get(f"/tiles/{site.token()}/notes/m")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body) == [[3.5, 0.0, "<b>eyes</b> open"], [20.0, 2.5, "photic 10 Hz"]]
    assert json.loads(site.get(f"/tiles/{site.token(site.other_sha256)}/notes/m").body) == []


# ---- spectrogram -------------------------------------------------------------------------------


def test_a_spectrogram_is_promised_and_then_sent(site: Site) -> None:
    opened = library.open_path(site.desk, site.other)
    key = display.display_key(opened, SPECTROGRAM)
    address = f"/tiles/{site.token(site.other_sha256)}/spectrogram/{key}"
    first = site.get(f"{address}/0/0")
    assert (first.status, first.headers["cache-control"], first.body) == (202, "no-store", b"")
    answer = site.waited(f"{address}/0/0")
    assert (answer.status, answer.headers["cache-control"]) == (200, IMMUTABLE)
    panels, bins, columns, _ = struct.unpack_from("<IIII", answer.body)
    assert (panels, columns) == (4, 30)
    values = np.frombuffer(answer.body, np.uint8, offset=16).reshape(panels, columns, bins)
    assert np.array_equal(values, display.display_tile(site.desk, key, 0, 0))
    for level in range(4):
        assert site.get(f"{address}/{level}/0").status == 200
    # and a tile that cannot be is never promised
    for at in ("0/1", "4/0", "3/1", "99/0"):
        assert site.get(f"{address}/{at}").status == 404
    assert site.get(f"{address[:-2]}ff/0/0").status == 404


# ---- trends and chosen rows ----------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "columns", "bins"), [(AEEG, 2, 2), (RHYTHMICITY, 8, 80)])
def test_a_trend_is_promised_and_then_sent(site: Site, kind: str, columns: int, bins: int) -> None:
    path = write_noise(site.desk.workspace.recordings / f"{kind}.edf", seconds=30, seed=bins)
    opened = library.open_path(site.desk, path)
    key = display.display_key(opened, kind)
    token = site.token(opened.recording.sha256)
    address = f"/tiles/{token}/trend/{kind}/{key}"
    assert site.get(f"{address}/0/0").status == 202
    answer = site.waited(f"{address}/0/0")
    assert (answer.status, answer.headers["cache-control"]) == (200, IMMUTABLE)
    assert struct.unpack_from("<IIII", answer.body) == (2, bins, columns, 0)
    values = np.frombuffer(answer.body, np.uint8, offset=16).reshape(2, columns, bins)
    assert np.array_equal(values, display.display_tile(site.desk, key, 0, 0))
    for at in ("0/1", "4/0", "3/1"):
        assert site.get(f"{address}/{at}").status == 404
    other = display.display_key(opened, SPECTROGRAM)
    for wrong in (f"{kind}/{other}/0/0", f"unknown/{key}/0/0", f"{kind}/{key[:-2]}zz/0/0"):
        assert site.get(f"/tiles/{token}/trend/{wrong}").status == 404
    # the key of one recording with the token of another
    assert site.get(f"/tiles/{site.token()}/trend/{kind}/{key}/0/0").status == 404


def test_chosen_rows_are_sent_at_once_where_the_span_is_short(site: Site) -> None:
    opened = library.open_path(site.desk, site.path)
    address = f"/tiles/{site.token()}/chosen/m/longitudinal-bipolar/none"
    answer = site.get(f"{address}/4.0/0/0")
    assert (answer.status, answer.headers["cache-control"]) == (200, IMMUTABLE)
    panels = display.chosen_panels(opened, "longitudinal-bipolar", [4, 0])
    expected = display.chosen_tile(site.desk, opened, panels, 0, 0)
    assert expected is not None
    assert answer.body == tile_bytes(expected)
    first = site.get(f"{address}/4.0/3/0")
    assert (first.status, first.headers["cache-control"], first.body) == (202, "no-store", b"")
    assert site.waited(f"{address}/4.0/3/0").status == 200
    assert site.get(f"{address}/4.0/2/0").status == 200
    for rows in ("", "x", "0.0", "0.1.2.3.4", "99", "-1", "0..1"):
        assert site.get(f"{address}/{rows}/0/0").status == 404, rows
    for at in ("0/1", "4/0", "3/1"):
        assert site.get(f"{address}/0/{at}").status == 404
    assert site.get(f"/tiles/{site.token()}/chosen/m/unknown/none/0/0/0").status == 404
    assert site.get(f"/tiles/{site.token()}/chosen/m/as-recorded/x/0/0/0").status == 404


# ---- probability and scores ----------------------------------------------------------------------


def test_a_trace_is_per_mille_as_stored(site: Site) -> None:
    answer = site.get(f"/tiles/{site.token()}/trace/{site.model.sha256}/m")
    trace = score.load_trace(site.desk, library.open_path(site.desk, site.path), site.model)
    assert trace is not None
    assert answer.headers["cache-control"] == IMMUTABLE
    assert np.array_equal(np.frombuffer(answer.body, "<u2"), trace.probability_pm)
    assert site.get(f"/tiles/{site.token()}/trace/{'0' * 64}/m").status == 404


def test_a_table_is_json_with_null_for_what_is_undefined(site: Site) -> None:
    base = f"/tiles/{site.token()}/table/{site.model.sha256}/m"
    answer = site.get(f"{base}/4.5-1.0-3.0-6.0")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert b"NaN" not in answer.body

    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is not JSON")

    table = json.loads(answer.body, parse_constant=refuse)
    opened = library.open_path(site.desk, site.path)
    trace = score.load_trace(site.desk, opened, site.model)
    assert trace is not None
    assert opened.reference is not None
    assert table == score.metrics_table(site.desk, trace, opened.reference, PostProcessing())
    assert table["precision"][100] is None
    assert {len(rows) for rows in table.values()} == {101}


@pytest.mark.parametrize(
    "post", ["4.5-1.0-3.0", "a-b-c-d", "nan-1-3-6", "1e999-1-3-6", "1-inf-3-6"]
)
def test_a_table_of_impossible_parameters_is_not_found(site: Site, post: str) -> None:
    assert site.get(f"/tiles/{site.token()}/table/{site.model.sha256}/m/{post}").status == 404


def test_without_a_reference_there_is_no_table(site: Site) -> None:
    assert isinstance(score.score(site.desk, site.other, site.model), score.Scored)
    token = site.token(site.other_sha256)
    address = f"/tiles/{token}/table/{site.model.sha256}/m/4.5-1.0-3.0-6.0"
    assert site.get(address).status == 404


# ---- code and headers ----------------------------------------------------------------------------


def test_scripts_are_served_and_nothing_else(site: Site) -> None:
    folder = Path(tiles.__file__).parent
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.js")}
    assert set(scripts.scripts()) == names
    for name in names:
        answer = site.get(f"/scripts/{scripts.version()}/{name}")
        assert answer.status == 200
        assert answer.body == (folder / name).read_bytes()
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cache-control"] == IMMUTABLE
    for name in (
        "absent.js", "__init__.py", "viewer.css", "../tiles.py", "..%2ftiles.py",
        "%2e%2e%2ftiles.py", "..%5ctiles.py", "%2fetc%2fpasswd", ".", "..", "viewer.js%00",
    ):  # fmt: skip
        assert site.get(f"/scripts/v1/viewer/{name}").status == 404, name
        assert site.get(f"/scripts/v1/{name}").status == 404, name


def test_security_headers_stand_once_on_every_answer(site: Site) -> None:
    addresses = ["/healthz", "/absent", all_addresses(site, "forged")[0]]
    for address in [*addresses, *all_addresses(site, site.token())]:
        headers = site.get(address).headers
        for name, value in security._HEADERS.items():
            assert headers.get_all(name.decode()) == [value.decode()], address


def test_a_header_that_the_application_sets_itself_is_kept_and_not_doubled() -> None:
    sent: list[Any] = []

    async def own(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"X-Frame-Options", b"SAMEORIGIN")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def keep(message: Any) -> None:
        sent.append(message)

    async def nothing() -> None:
        return None

    # in a thread of its own: Playwright keeps a loop running in the main one
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, SecurityHeaders(own)({"type": "http"}, nothing, keep)).result()
    names = [name.lower() for name, _ in sent[0]["headers"]]
    assert len(names) == len(set(names)) == len(security._HEADERS)
    assert (b"X-Frame-Options", b"SAMEORIGIN") in sent[0]["headers"]


def test_the_policy_allows_no_other_origin_and_no_inline_code() -> None:
    policy = security._HEADERS[b"content-security-policy"].decode()
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    assert "'unsafe-inline'" not in rules["script-src"]
    assert "'unsafe-eval'" not in rules["script-src"]
    assert not any(source.startswith(("http", "*", "//")) for r in rules.values() for source in r)
    assert rules["object-src"] == rules["frame-ancestors"] == ["'none'"]


def test_nothing_about_names_is_in_any_answer_or_log(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    for address in [*all_addresses(site, site.token()), *all_addresses(site, "x")]:
        answer = site.get(address)
        assert "Canary" not in str(answer.headers)
        assert b"Canary" not in answer.body
    assert "Canary" not in caplog.text
