"""The routes of the operating point: scripts, and tables behind a token of one set."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote, urlsplit

import pytest
from simulated_files import write_events, write_noise
from starlette.applications import Starlette

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import PostProcessing
from eegdash.ui import cache
from eegdash.ui.operating import routes
from eegdash.ui.security import sign
from eegdash.workflows.desk import Desk
from eegdash.workflows.operating_tables import TableRequest, compute_tables
from eegdash.workflows.score import Scored, score

RULES = "4.5-1-3-6"
APP = Starlette(routes=routes.ROUTES)

pytestmark = pytest.mark.usefixtures("fresh_process")


def get(address: str) -> tuple[int, dict[str, str], bytes]:
    """Ask the routes as a server would, without one."""
    parts = urlsplit(address)
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [],
        "root_path": "",
    }
    with ThreadPoolExecutor(1) as pool:  # browser tests keep a loop of their own in this thread
        pool.submit(lambda: asyncio.run(APP(scope, receive, send))).result()
    headers = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent[1:])


@pytest.fixture
def asked(desk: Desk, tiny_model: CheckpointInfo) -> TableRequest:
    """A recording whose name must stay here, scored, with a reference."""
    path = write_noise(desk.workspace.recordings / "Canary_Jane.edf", seconds=90)
    write_events(path, [(30, 20)], 90)
    assert isinstance(score(desk, path, tiny_model), Scored)
    return TableRequest((path,), tiny_model)


def address(desk: Desk, key: str, rules: str = RULES, *, blind: bool = False) -> str:
    token = sign(desk.workspace.signing_key(), key, blind=blind)
    return f"/operating-tables/{token}/{rules}"


def test_short_tables_come_at_once_and_name_no_file(desk: Desk, asked: TableRequest) -> None:
    key = asked.key(desk)
    routes.register(key, asked, 90.0)
    status, headers, body = get(address(desk, key))
    assert status == 200
    assert "immutable" in headers["cache-control"]
    assert json.loads(body) == compute_tables(desk, asked, PostProcessing())
    assert b"Canary" not in body


def test_long_tables_are_promised_and_computed_in_the_background(
    desk: Desk, asked: TableRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the worker is another process: it finds the detector in the workspace
    (desk.workspace.models / "tiny").symlink_to(asked.model.folder)
    monkeypatch.setattr("eegdash.workflows.desk.SHIPPED_MODELS", desk.workspace.reports)
    key = asked.key(desk)
    routes.register(key, asked, 86400.0)
    status, headers, _ = get(address(desk, key))
    assert status == 202
    assert headers["cache-control"] == "no-store"
    deadline = time.monotonic() + 60
    while status == 202 and time.monotonic() < deadline:
        time.sleep(0.2)
        status, _, body = get(address(desk, key))
    assert status == 200, body
    assert len(json.loads(body)["counts"]["tp"][0]) == 101
    # the cache may be emptied at any time: said, and computed again when asked
    cache.desk().cache.clear()
    status, _, body = get(address(desk, key))
    assert (status, body) == (410, b"The tables are not kept any more.")
    assert get(address(desk, key) + "?again=1")[0] == 202


def test_a_failure_is_told_in_words_and_tried_again_when_asked(
    desk: Desk, asked: TableRequest
) -> None:
    key = asked.key(desk)
    routes.register(key, asked, 86400.0)
    # the worker does not know this process's untrained detector
    assert get(address(desk, key))[0] == 202
    deadline = time.monotonic() + 60
    while get(address(desk, key))[0] == 202 and time.monotonic() < deadline:
        time.sleep(0.2)
    status, _, body = get(address(desk, key))
    assert status == 410
    assert b"There is no model called tiny" in body
    assert get(address(desk, key) + "?again=1")[0] == 202


def test_a_token_opens_its_own_set_and_nothing_else(desk: Desk, asked: TableRequest) -> None:
    key = asked.key(desk)
    routes.register(key, asked, 90.0)
    assert get(f"/operating-tables/forged/{RULES}")[0] == 403
    assert get(address(desk, key, blind=True))[0] == 403
    assert get(address(desk, "0" * 64))[0] == 410
    good = address(desk, key)
    assert get(good.replace(good[20], "A" if good[20] != "A" else "B", 1))[0] == 403


@pytest.mark.parametrize("rules", ["1-1-1", "x-1-3-6", "4.5-0-3-6", "4.5-1-3-1e9", "nan-1-3-6"])
def test_rules_that_are_none_are_refused(desk: Desk, asked: TableRequest, rules: str) -> None:
    key = asked.key(desk)
    routes.register(key, asked, 90.0)
    assert get(address(desk, key, rules))[0] == 404


def test_a_file_that_changed_or_went_is_said(desk: Desk, asked: TableRequest) -> None:
    key = asked.key(desk)
    routes.register(key, asked, 90.0)
    (path,) = asked.paths
    write_events(path, [(10, 20)], 90)
    status, _, body = get(address(desk, key))
    assert (status, body) == (410, b"A file was changed. Reload the page.")
    path.unlink()
    assert get(address(desk, key))[0] == 410
