"""The page of the operating point without a browser: what it says where nothing can be judged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from simulated_files import write_events, write_noise
from streamlit.testing.v1 import AppTest

from eegdash.checkpoints import CheckpointInfo
from eegdash.workflows.desk import Desk
from eegdash.workflows.operating_sets import candidates
from eegdash.workflows.score import Scored, score

ROOT = Path(__file__).resolve().parents[2]
MAIN = str(ROOT / "eegdash" / "ui" / "main.py")
PAGE = "../../pages/threshold.py"

pytestmark = [
    pytest.mark.usefixtures("fresh_process"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit"),
]


def opened() -> AppTest:
    return fine(AppTest.from_file(MAIN, default_timeout=30).run().switch_page(PAGE).run())


def fine(at: AppTest) -> AppTest:
    assert [e.value for e in at.exception] == []
    return at


def texts(at: AppTest) -> str:
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error)
    return "\n".join(str(e.value) for kind in kinds for e in kind).replace("\\", "")


def scored(desk: Desk, model: CheckpointInfo, name: str, seed: int) -> Path:
    path = write_noise(desk.workspace.recordings / name, seconds=60, seed=seed)
    write_events(path, [(20, 25)], 60)
    assert isinstance(score(desk, path, model), Scored)
    return path


def test_without_a_reference_the_page_says_how_to_give_one(desk: Desk) -> None:
    write_noise(desk.workspace.recordings / "night.edf", seconds=20)
    at = opened()
    assert "no recording has a reference yet" in texts(at)
    assert "NAME_events.tsv" in texts(at)


def test_without_a_result_the_page_says_to_score(desk: Desk) -> None:
    write_events(write_noise(desk.workspace.recordings / "night.edf", seconds=20), [(5, 9)], 20)
    assert "none is scored by this detector yet" in texts(opened())


def test_a_blinded_reader_sees_no_figure(desk: Desk, other_model: CheckpointInfo) -> None:
    scored(desk, other_model, "night.edf", 0)
    at = opened()
    assert "Recordings" in [box.label for box in at.selectbox]
    at = fine(at.toggle(key="blinded").set_value(True).run())
    assert "withheld until you commit your first read" in texts(at)
    assert "Recordings" not in [box.label for box in at.selectbox]


def test_sets_are_offered_and_one_that_vanished_gives_way_to_all(
    desk: Desk, other_model: CheckpointInfo
) -> None:
    one = scored(desk, other_model, "chb01_01.edf", 0)
    scored(desk, other_model, "chb21_02.edf", 1)
    scored(desk, other_model, "night_*x*.edf", 2)
    write_noise(desk.workspace.recordings / "plain.edf", seconds=20, seed=3)
    at = opened()
    box = at.selectbox(key="operating-set")
    assert box.options == [
        "All recordings with a reference (3)",
        "Person chb01 (2)",
        "chb01_01.edf",
        "chb21_02.edf",
        "night_*x*.edf",
    ]
    assert "Not among them: 1 no reference." in texts(at)
    at = fine(box.select("chb01_01.edf").run())
    one.unlink()
    at = fine(at.run())
    assert at.selectbox(key="operating-set").options[0] == "All recordings with a reference (2)"


def test_recordings_and_persons_of_the_training_are_pointed_out(
    desk: Desk, tiny_models: Path
) -> None:
    folder = desk.workspace.models / "trained"
    shutil.copytree(tiny_models / "tiny", folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"name": "trained", "title": "Trained"}
    (folder / "config.json").write_text(json.dumps(config))
    model = desk.model("trained")
    paths = [
        scored(desk, model, name, seed)
        for seed, name in enumerate(("chb21_02.edf", "chb03_01.edf", "night.edf"))
    ]
    night = next(c for c in candidates(desk, model) if c.path.name == "night.edf")
    # chb21 is the same person as chb01
    config["training"] = {"persons": ["CHB-MIT/chb01"], "recordings_sha256": [night.sha256]}
    (folder / "config.json").write_text(json.dumps(config))
    at = opened()
    at = fine(next(b for b in at.selectbox if b.label == "Detector").select("trained").run())
    (sent,) = (
        json.loads(element.proto.json)
        for element in at.get("bidi_component")
        if element.proto.component_name.endswith("eeg_operating_point")
    )
    assert {r["name"]: r["trained"] for r in sent["recordings"]} == {
        paths[0].name: True,
        paths[1].name: False,
        paths[2].name: True,
    }
