"""The routes of the page Attribution: scripts, and answers behind a token of one recording."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import numpy as np
import pytest
from simulated_files import write_noise
from starlette.applications import Starlette
from tiny_models import save_tiny_model

from eegdash.settings import Settings
from eegdash.ui import cache, tiles
from eegdash.ui.attribution import answers, routes
from eegdash.ui.security import sign
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.explain import Request, explain
from eegdash.workflows.explain_job import answer
from eegdash.workflows.library import known_hash
from eegdash.workflows.score import Scored, score

APP = Starlette(routes=[*tiles.ROUTES, *routes.ROUTES])
Answer = tuple[int, dict[str, str], bytes]


def ask(address: str, method: str = "GET", **more: str) -> Answer:
    """Ask the routes as a server would, without one."""
    parts = urlsplit(address)
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(name.replace("_", "-").encode(), v.encode()) for name, v in more.items()],
        "root_path": "",
    }
    with ThreadPoolExecutor(1) as pool:  # browser tests keep a loop of their own in this thread
        pool.submit(lambda: asyncio.run(APP(scope, receive, send))).result()
    headers = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent[1:])


def unpacked(content: bytes) -> dict:
    """Read an answer as the browser does."""
    (length,) = struct.unpack_from("<I", content)
    header = json.loads(content[4 : 4 + length])
    at = 4 + length
    for name, shape in header["arrays"].items():
        size = int(np.prod(shape))
        header[name] = np.frombuffer(content, "<f4", size, at).reshape(shape)
        at += 4 * size
    assert at == len(content)
    return header


class Site:
    """A scored recording whose name must stay here, and its addresses."""

    def __init__(self, desk: Desk, path: Path) -> None:
        self.desk, self.path = desk, path
        self.model = desk.model()
        self.sha256 = known_hash(desk, path)

    def address(self, kind: str, index: int = 3, *, blind: bool = False, **query: str) -> str:
        token = sign(self.desk.workspace.signing_key(), self.sha256, blind=blind)
        return f"/explained/{token}/{kind}/{self.model.sha256}/{index}?{urlencode(query)}"

    def compute(self, question: str, **more: object) -> None:
        """Answer as the worker does."""
        arguments = {
            "question": question, "path": str(self.path), "model": "tiny", "index": 3,
            "method": "integrated-gradients", "baseline": "", "masks": [], "last": 3,
        }  # fmt: skip
        answer(self.desk, {**arguments, **more}, lambda done: None)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("site")
        patch.setenv("EEGDASH_WORKSPACE", str(folder / "workspace"))
        patch.setattr("eegdash.workflows.desk.SHIPPED_MODELS", folder / "none")
        for shared in (cache.desk, cache.queue, cache.explainer):
            shared.clear()
        desk = open_desk(Settings(workspace=folder / "workspace"))
        save_tiny_model(desk.workspace.models, seed=0, name="tiny")
        path = write_noise(desk.workspace.recordings / "Canary_Jane.edf", seconds=65)
        assert isinstance(score(desk, path, desk.model()), Scored)
        yield Site(desk, path)
        cache.queue().close()
        cache.explainer().close()
        for shared in (cache.desk, cache.queue, cache.explainer):
            shared.clear()


def test_a_map_is_what_the_library_computed_and_names_no_file(site: Site) -> None:
    site.compute("map")
    status, headers, body = ask(site.address("map", method="integrated-gradients"))
    assert status == 200
    assert "immutable" in headers["cache-control"]
    found = unpacked(body)
    made = explain(site.desk, Request(site.path, "tiny", 3))
    np.testing.assert_array_equal(found["values"], made.map.values)
    np.testing.assert_array_equal(found["power_db"], made.window.log_power_db)
    assert found["logit"] == pytest.approx(made.map.logit)
    assert found["baseline_logit"] == pytest.approx(made.map.baseline_logit)
    assert found["probability"] == pytest.approx(made.probability)
    assert (found["onset_s"], found["end_s"]) == (4.5, 13.5)
    assert found["baseline"]["name"] == made.baseline.name
    table = found["masses"]["physiological"]
    total = np.sum(table["positive"]) - np.sum(table["negative"])
    assert total == pytest.approx(float(made.map.values.sum()), abs=1e-3)
    assert b"Canary" not in body


def test_the_baseline_is_sent_in_decibels_of_the_window(site: Site) -> None:
    site.compute("map", baseline="blurred")
    made = explain(site.desk, Request(site.path, "tiny", 3, baseline="blurred"))
    window = made.window
    # the window's own values come back as its own decibels
    db = answers._decibels(window, window.features)
    np.testing.assert_allclose(db, window.log_power_db, atol=1e-3)
    status, _, body = ask(site.address("map", baseline="blurred"))
    assert status == 200
    blurred = unpacked(body)["baseline_db"]
    assert blurred.std() < window.log_power_db.std()


def test_a_cam_says_its_own_grid(site: Site) -> None:
    site.compute("map", method="grad-cam")
    found = unpacked(ask(site.address("map", method="grad-cam"))[2])
    assert len(found["native_shape"]) == 2
    assert found["native_shape"][0] < found["values"].shape[2]
    assert found["baseline"] is None
    assert found["completeness_error"] is None


def test_checks_masks_and_agreement_are_answered_once_computed(site: Site) -> None:
    for question in ("map", "checks", "masks"):
        site.compute(question)
    site.compute("map", method="grad-cam")
    checks = unpacked(ask(site.address("checks"))[2])
    assert checks["randomisation"]["n_networks"] >= 1
    for name in ("insertion", "deletion"):
        assert checks[name] is None or checks[name]["n_random"] >= 20
    changes = unpacked(ask(site.address("masks"))[2])["changes"]
    kinds = {change["mask"]["kind"] for change in changes}
    assert kinds == {"band", "region", "channel"}
    assert all(0 <= change["after"] <= 1 for change in changes)
    asked = site.address(
        "agreement", method="grad-cam", baseline="", other="integrated-gradients", other_baseline=""
    )
    assert -1 <= unpacked(ask(asked)[2])["rho"] <= 1
    unknown = site.address("agreement", other="occlusion", other_baseline="")
    assert ask(unknown)[0] == 404


def test_the_probability_along_the_trace_without_a_band(site: Site) -> None:
    assert ask(site.address("trace", 0))[0] == 404, "nothing is masked"
    assert ask(site.address("trace", 0, masks="band:no-such"))[0] == 404
    from eegdash.workflows.explain_what_if import masks_for

    theta = next(mask for mask in masks_for(site.desk, "tiny") if mask.name == "theta")
    mask = {"kind": theta.kind, "name": "theta", "low_hz": theta.low_hz, "high_hz": theta.high_hz}
    site.compute("trace", index=0, masks=[mask])
    found = unpacked(ask(site.address("trace", 0, masks="band:theta"))[2])
    assert found["first"] == 0
    assert found["titles"] == ["theta (4-8 Hz)"]
    assert found["after_pm"].min() >= -1
    assert found["after_pm"].max() <= 1000


def test_the_windows_of_a_span_are_answered_once_computed(site: Site) -> None:
    site.compute("span", last=6)
    found = unpacked(ask(site.address("span", last="6"))[2])
    assert found["indices"] == [3, 4, 5, 6]
    assert found["by_band"].shape == (2, len(found["bands"]), 4)
    assert found["by_region"].shape == (2, len(found["regions"]), 4)
    assert found["regions"][0] == ["LL", "left lateral"]
    made = explain(site.desk, Request(site.path, "tiny", 5)).map
    assert found["by_region"][0, :, 2].sum() == pytest.approx(made.positive_mass, rel=1e-4)
    assert ask(site.address("span", blind=True, last="6"))[0] == 403
    for missing in ({}, {"last": "x"}):
        assert ask(site.address("span", **missing))[0] == 404
    assert ask(site.address("span", last="100000"))[0] == 410


def test_the_nearest_quiet_window_comes_at_once(site: Site) -> None:
    status, _, body = ask(site.address("quiet"))
    found = unpacked(body)
    assert status == 200
    assert found["index"] is None or isinstance(found["index"], int)


def test_a_token_opens_its_own_recording_and_nothing_for_a_blinded_reader(site: Site) -> None:
    site.compute("map")
    assert ask(site.address("map", blind=True))[0] == 403
    assert ask(site.address("quiet", blind=True))[0] == 403
    good = site.address("map")
    assert ask(good.replace(good.split("/")[2], "forged"))[0] == 403
    assert ask(good.replace(site.model.sha256, "0" * 64))[0] == 404
    assert ask(site.address("secrets"))[0] == 404
    assert ask(site.address("map", method="none"))[0] == 410
    assert ask(good, "DELETE", x_waiting="1")[0] == 204


def test_what_is_not_there_is_promised_and_can_be_cancelled(site: Site) -> None:
    asked = site.address("map", 5, method="occlusion")
    status, headers, body = ask(asked)
    assert (status, headers["cache-control"]) == (202, "no-store")
    assert json.loads(body)["state"] in ("queued", "running")
    assert ask(asked, "DELETE")[0] == 204
    status, _, body = ask(asked, x_waiting="1")
    assert (status, body) == (410, b"Cancelled.")
    # another visit asks anew, and so does the reader who wants it after all
    assert ask(asked)[0] == 202
    assert ask(asked, "DELETE")[0] == 204
    assert ask(asked + "&again=1")[0] == 202
    assert ask(asked, "DELETE")[0] == 204
