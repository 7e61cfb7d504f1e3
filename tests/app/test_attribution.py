"""The page Attribution without a browser: what it says where there is nothing to explain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from simulated_files import write_noise
from streamlit.testing.v1 import AppTest

from eegdash.checkpoints import CheckpointInfo
from eegdash.export import write_trace_csv
from eegdash.ui import cache, security
from eegdash.ui.attribution import page
from eegdash.workflows import library, reading
from eegdash.workflows.desk import Desk
from eegdash.workflows.score import Scored, score

MAIN = str(Path(__file__).resolve().parents[2] / "eegdash" / "ui" / "main.py")
PAGE = "../../pages/attribution.py"

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")]


@pytest.fixture
def warmed() -> list[str]:
    """Names of the detectors for which a worker was made ready."""
    return []


@pytest.fixture(autouse=True)
def _fresh_process(
    desk: Desk, warmed: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    # a worker that imports torch would cost every test here some seconds
    monkeypatch.setattr(page, "warm_up", lambda path, model: warmed.append(model.name))
    for shared in (cache.desk, cache.queue, cache.explainer):
        shared.clear()
    yield
    cache.queue().close()
    cache.explainer().close()
    for shared in (cache.desk, cache.queue, cache.explainer):
        shared.clear()


@pytest.fixture
def path(desk: Desk) -> Path:
    return write_noise(desk.workspace.recordings / "night.edf", seconds=60)


def scored(desk: Desk, path: Path, model: CheckpointInfo) -> Scored:
    outcome = score(desk, path, model)
    assert isinstance(outcome, Scored)
    return outcome


def fine(at: AppTest) -> AppTest:
    assert [e.value for e in at.exception] == []
    return at


def opened(desk: Desk, path: Path, **params: str) -> AppTest:
    at = AppTest.from_file(MAIN, default_timeout=30)
    at.query_params["recording"] = library.facts(desk, path).alias
    for name, value in params.items():
        at.query_params[name] = value
    return fine(fine(at.run()).switch_page(PAGE).run())


def texts(at: AppTest) -> str:
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error)
    return "\n".join(str(e.value) for kind in kinds for e in kind).replace("\\", "")


def sent(at: AppTest) -> list[dict[str, Any]]:
    """Return what the component was given; nothing where it was not drawn."""
    return [
        json.loads(element.proto.json)
        for element in at.get("bidi_component")
        if element.proto.component_name.endswith("eeg_attribution")
    ]


def test_without_a_recording_it_says_where_to_choose_one(desk: Desk) -> None:
    at = fine(AppTest.from_file(MAIN, default_timeout=30).run().switch_page(PAGE).run())
    assert "Choose a recording on the **Recordings** page" in texts(at)
    assert sent(at) == []


def test_without_a_result_it_offers_to_score(desk: Desk, path: Path) -> None:
    at = opened(desk, path)
    assert "has not been scored yet" in texts(at)
    assert "An explanation starts from a probability" in texts(at)
    assert "Score it" in [button.label for button in at.button]
    assert sent(at) == []


def test_a_scored_recording_is_explained(
    desk: Desk,
    path: Path,
    tiny_model: CheckpointInfo,
    other_model: CheckpointInfo,
    warmed: list[str],
) -> None:
    trace = scored(desk, path, desk.model()).trace
    (data,) = sent(opened(desk, path))
    assert set(warmed) == {desk.model().name}
    assert data["windows"] == trace.n_windows
    assert {model["title"] for model in data["models"]} == {
        info.title for info in (tiny_model, other_model)
    }
    assert {"integrated-gradients", "grad-cam"} <= {method["name"] for method in data["methods"]}
    features = {name for kind in data["baselines"] for name in kind["features"]}
    assert data["models"][0]["features"] in features
    assert data["place"] is None
    assert "Research use" in data["research_use"]
    grant = security.verified(desk.workspace.signing_key(), data["base"].split("/")[2])
    assert grant is not None
    assert not grant.blind
    assert "night" not in json.dumps(data)


def test_an_address_leads_to_its_moment(desk: Desk, path: Path) -> None:
    scored(desk, path, desk.model())
    (data,) = sent(opened(desk, path, t="31.5"))
    assert data["place"] == {"kind": "page", "onset_s": 31.5, "end_s": 31.5}
    for nonsense in ("x", "-1", "1e5", "nan"):
        assert sent(opened(desk, path, t=nonsense))[0]["place"] is None


def test_a_blinded_reader_gets_no_reason_until_the_first_read(desk: Desk, path: Path) -> None:
    scored(desk, path, desk.model())
    at = opened(desk, path)
    assert len(sent(at)) == 1
    name = next(x for x in at.text_input if x.label == "Your name or initials")
    at = fine(name.set_value("AB").run())
    at = fine(at.toggle(key="blinded").set_value(True).run())
    assert sent(at) == []
    assert "withheld until you commit your first read" in texts(at)
    sha256 = library.known_hash(desk, path)
    decision = {"id": "first", "action": "first_read"}
    reading.decide(cache.desk(), sha256, 60.0, "AB", decision, None, blinded=True)
    assert len(sent(fine(at.run()))) == 1


def test_an_imported_detector_has_no_network_to_look_into(desk: Desk, path: Path) -> None:
    trace = scored(desk, path, desk.model()).trace
    write_trace_csv(path.with_name("night_desc-rival_trace.csv"), trace)
    at = opened(desk, path)
    assert "Of rival only results are here" in texts(at)
    assert "cannot be looked into" in texts(at)
    assert "rival" not in json.dumps(sent(at))


def test_without_any_detector_it_says_so(
    desk: Desk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eegdash.workflows.desk.SHIPPED_MODELS", desk.workspace.reports)
    at = opened(desk, path)
    assert "nothing to explain" in texts(at)


def test_a_file_that_was_replaced_is_said(desk: Desk, path: Path) -> None:
    at = opened(desk, path)
    path.write_bytes(b"not EEG any more")
    at = fine(at.run())
    assert sent(at) == []
    assert "not in the workspace any more" in texts(at)
