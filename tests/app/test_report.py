"""The page Report: what it says, what it withholds, and what its address opens."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from simulated_files import write_events, write_noise
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from eegdash.checkpoints import CheckpointInfo
from eegdash.labels import DraftLabel
from eegdash.settings import Settings
from eegdash.ui import report_routes, security
from eegdash.workflows import library
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.report_shelf import answer, kept_reports
from eegdash.workflows.report_subject import choices

MAIN = str(Path(__file__).resolve().parents[2] / "eegdash" / "ui" / "main.py")
PAGE = "../../pages/report.py"

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit"),
    pytest.mark.usefixtures("fresh_process"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> tuple[Desk, str]:
    """A workspace with a recording and a report on it, and the name of that report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eegdash.workflows.desk.SHIPPED_MODELS", tiny_models)
        desk = open_desk(Settings(workspace=tmp_path_factory.mktemp("made") / "workspace"))
        path = write_noise(desk.workspace.recordings / "chb20_01.edf", seconds=40)
        write_events(path, [(12.0, 10.0)], 40.0)
        told: list[tuple[float, str]] = []
        arguments = {"paths": [str(path)], "kind": "recording", "person": "", "model": "tiny"}
        result = answer(desk, arguments, lambda done, stage: told.append((done, stage)))
        assert told[-1] == (1.0, "done")
        assert "example 1 of 5" in {stage for _, stage in told}
        return desk, str(result["name"])


@pytest.fixture
def path(desk: Desk, made: tuple[Desk, str]) -> Path:
    shutil.copytree(made[0].workspace.recordings, desk.workspace.recordings, dirs_exist_ok=True)
    return desk.workspace.recordings / "chb20_01.edf"


@pytest.fixture
def written(desk: Desk, path: Path, made: tuple[Desk, str]) -> str:
    """The name of a report on that recording."""
    source, name = made
    shutil.copytree(source.workspace.reports / name, desk.workspace.reports / name)
    return name


def opened(**state: Any) -> AppTest:
    at = AppTest.from_file(MAIN, default_timeout=30).run()
    return fine(at.switch_page(PAGE).run())


def fine(at: AppTest) -> AppTest:
    assert [e.value for e in at.exception] == []
    return at


def texts(at: AppTest) -> str:
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error)
    return "\n".join(str(e.value) for kind in kinds for e in kind).replace("\\", "")


def previews(at: AppTest) -> list[str]:
    return [element.proto.src for element in at.get("iframe")]


def test_an_empty_workspace_says_where_to_begin() -> None:
    assert "There is no recording yet" in texts(opened())


def test_a_report_is_written_shown_and_offered(path: Path, desk: Desk, tiny_models: Path) -> None:
    # the worker is a process of its own and knows the models of the workspace
    shutil.copytree(tiny_models, desk.workspace.models, dirs_exist_ok=True)
    at = opened()
    assert "No report has been written on this choice yet" in texts(at)
    assert "not scored yet; that is done first" in texts(at)
    next(b for b in at.button if b.label == "Write a report").click()
    at.run()
    deadline = time.monotonic() + 90
    while not previews(at) and time.monotonic() < deadline:
        time.sleep(0.5)
        fine(at.run())
    assert len(previews(at)) == 1, texts(at)
    report = kept_reports(desk)[0]
    assert report.subject == library.facts(desk, path).alias
    assert "chb20" not in report.name


def test_a_person_is_offered_with_all_recordings(
    path: Path, desk: Desk, tiny_model: CheckpointInfo
) -> None:
    assert [c.key[:10] for c in choices(desk, tiny_model)] == ["recording:"]
    write_noise(desk.workspace.recordings / "chb20_02.edf", seconds=20, seed=4)
    person = choices(desk, tiny_model)[-1]
    assert person.key == "person:chb20"
    assert len(person.subject.paths) == 2


def test_who_reads_blinded_sees_no_report_until_the_first_read(
    desk: Desk, path: Path, written: str, tiny_model: CheckpointInfo
) -> None:
    assert [r.name for r in kept_reports(desk, reviewer="Dr A", blinded=True)] == []
    assert choices(desk, tiny_model, reviewer="Dr A", blinded=True)[0].withheld
    at = opened()
    assert len(previews(at)) == 1
    next(t for t in at.toggle if t.label == "Read blinded").set_value(True)
    fine(at.run())
    assert previews(at) == []
    assert "withheld" in texts(at)
    assert "Write a report" not in [b.label for b in at.button]
    sha256 = library.known_hash(desk, path)
    desk.labels.append(
        DraftLabel(
            idempotency_id="1", reviewer="Dr A", recording_sha256=sha256, onset_s=0.0,
            duration_s=40.0, kind="first_read", blinded=True,
        )
    )  # fmt: skip
    assert [r.name for r in kept_reports(desk, reviewer="Dr A", blinded=True)] == [written]
    assert not choices(desk, tiny_model, reviewer="Dr A", blinded=True)[0].withheld


def test_an_address_opens_its_report_and_no_other(desk: Desk, written: str) -> None:
    with TestClient(Starlette(routes=report_routes.ROUTES)) as client:
        found = client.get(report_routes.address(written))
        assert found.status_code == 200
        assert "EEG Spectrogram Model" in found.text
        policy = found.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert found.headers["x-frame-options"] == "SAMEORIGIN"
        key = desk.workspace.signing_key()
        for name in ("report:../../etc", "report:report-gone", "report:"):
            token = security.sign(key, name)
            assert client.get(f"/reports/{token}/report.html").status_code == 410
        # a token of a recording, and one of a blinded reader, open no report
        for token in (
            security.sign(key, "0" * 64),
            security.sign(key, f"report:{written}", blind=True),
            "forged",
        ):
            assert client.get(f"/reports/{token}/report.html").status_code == 403


def test_what_is_no_report_is_left_out(desk: Desk, written: str) -> None:
    for name, content in (("report-torn", "{"), ("report-odd", "[1]"), (".unfinished-x", "{}")):
        (desk.workspace.reports / name).mkdir()
        (desk.workspace.reports / name / "report.json").write_text(content)
    (desk.workspace.reports / "report-empty").mkdir()
    assert [report.name for report in kept_reports(desk)] == [written]
