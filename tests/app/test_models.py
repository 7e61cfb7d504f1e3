"""The page Models without a browser: provenance, the plan of a teaching, decisions, blinding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from taught_workspace import QUICK, model, put, say

from eegdash.checkpoints import CheckpointInfo
from eegdash.ui import cache
from eegdash.ui.models.cards import safe_card
from eegdash.workflows.comparison import compare_and_keep
from eegdash.workflows.desk import Desk
from eegdash.workflows.model_decisions import Status, decision_history
from eegdash.workflows.teach import TeachRequest, request_now, teach
from eegdash.workflows.teach_labels import TeachChoice

MAIN = str(Path(__file__).resolve().parents[2] / "eegdash" / "ui" / "main.py")
PAGE = "../../pages/models.py"

pytestmark = [
    # AppTest runs scripts without the server that these belong to
    pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit"),
]


@pytest.fixture(autouse=True)
def _fresh_process(desk: Desk) -> Iterator[None]:
    cache.desk.clear()
    cache.queue.clear()
    yield
    cache.queue().close()
    cache.desk.clear()
    cache.queue.clear()


def fine(at: AppTest) -> AppTest:
    assert [e.value for e in at.exception] == []
    return at


def opened(view: str = "Detectors", *, reader: str = "AB", blinded: bool = False) -> AppTest:
    at = fine(AppTest.from_file(MAIN, default_timeout=60).run())
    at = fine(at.switch_page(PAGE).run())
    [field] = [x for x in at.text_input if x.label == "Your name or initials"]
    at = fine(field.input(reader).run())
    if blinded:
        at = fine(at.toggle(key="blinded").set_value(True).run())
    return fine(at.button_group(key="models-view").select(view).run())


def texts(at: AppTest) -> str:
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.success, at.text, at.toast)
    return "\n".join(str(e.value) for kind in kinds for e in kind).replace("\\", "")


def test_detectors_are_listed_with_hash_and_threshold(desk: Desk) -> None:
    page = texts(opened())
    for info in desk.models():
        assert info.sha256[:16] in page
        assert info.title in page
    assert "Research use, not for diagnosis." in page


def test_without_labels_the_page_says_what_to_do(desk: Desk) -> None:
    put(desk, "one")
    page = texts(opened("Teach"))
    assert "0 labels will be used" in page
    assert "Go to Review and say where the detector is right" in page


def test_the_plan_counts_what_is_used_and_what_is_not(desk: Desk) -> None:
    sha256 = put(desk, "one")
    say(desk, sha256, "missed", 20, 50)
    say(desk, sha256, "disagree", 70, 90)
    say(desk, sha256, "unsure", 100, 110)
    at = opened("Teach")
    page = texts(at)
    assert "2 labels will be used" in page
    assert "1 seizure that a reader marked as missed" in page
    assert "1 label left out" in page
    assert "1 unsure" in page
    [start] = [b for b in at.button if b.label == "Teach"]
    fine(start.click().run())
    job = cache.queue().newest("teach")
    assert job is not None
    cache.queue().cancel(job.id)


def test_the_plan_does_not_tell_what_others_said_where_that_is_hidden(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = put(desk, "one")
    say(desk, sha256, "missed", 20, 50)
    monkeypatch.setenv("EEGDASH_OTHERS_LABELS", "hidden")
    cache.desk.clear()
    assert "1 seizure that a reader marked as missed" in texts(opened("Teach"))  # one's own
    say(desk, sha256, "disagree", 70, 90, reviewer="CD")
    say(desk, sha256, "unsure", 100, 110, reviewer="CD")
    page = texts(opened("Teach"))
    assert "2 labels will be used" in page
    assert "What others said is not shown" in page
    for told in ("missed", "rejected", "1 unsure"):
        assert told not in page


def test_nobody_teaches_without_a_name(desk: Desk) -> None:
    say(desk, put(desk, "one"), "missed", 20, 50)
    at = opened("Teach", reader="")
    [start] = [b for b in at.button if b.label == "Teach"]
    assert start.disabled


@pytest.fixture
def candidate(desk: Desk) -> CheckpointInfo:
    sha256 = put(desk, "labelled")
    say(desk, sha256, "missed", 20, 50)
    put(desk, "aside", 5, seizures=[(40.0, 60.0)])
    request: TeachRequest = request_now(
        desk, model(desk), choice=TeachChoice(keep_aside=0.0), parameters=QUICK
    )
    return teach(desk, request)


def test_a_candidate_shows_before_and_after_and_is_promoted_by_hand(
    desk: Desk, candidate: CheckpointInfo
) -> None:
    at = opened()
    page = texts(at)
    assert "candidate, not in use" in page
    assert candidate.parent_sha256[:8] in page
    assert "Event F1: found and false in one number" in page
    assert "aside.edf" in str([box.options for box in at.selectbox])
    key = candidate.name
    at = fine(at.button(key=f"promote-{key}").click().run())
    assert "say in a few words why" in texts(at)
    assert decision_history(desk.workspace).status(candidate) is Status.CANDIDATE
    fine(at.text_input(key=f"why-{key}").input("finds the short ones").run())
    at = fine(at.button(key=f"promote-{key}").click().run())
    assert decision_history(desk.workspace).status(candidate) is Status.PROMOTED
    assert "finds the short ones" in texts(at)
    assert candidate.name in [info.name for info in desk.models()]
    # a blinded reader who has not read it hears nothing of the recording that was kept aside
    hidden = opened(blinded=True)
    assert "aside.edf" not in str([box.options for box in hidden.selectbox])
    assert "Hidden: it speaks of 1 recording" in texts(hidden)
    assert "Event F1" not in texts(hidden)


def test_a_blinded_reader_sees_no_plan_and_no_comparison(desk: Desk) -> None:
    sha256 = put(desk, "one", seizures=[(40.0, 60.0)])
    say(desk, sha256, "missed", 20, 50, reviewer="CD")
    page = texts(opened("Teach", blinded=True))
    assert "Hidden: it speaks of 1 recording" in page
    assert "labels will be used" not in page
    page = texts(opened("Compare", blinded=True))
    assert "1 withheld until your first read is committed" in page
    assert not [b for b in opened("Compare", blinded=True).button if "Compare on" in b.label]


def test_two_detectors_are_compared_on_recordings_with_a_reference(desk: Desk) -> None:
    sha256 = put(desk, "one", seizures=[(40.0, 60.0)])
    at = opened("Compare")
    assert [b.label for b in at.button if b.label.startswith("Compare on")] == [
        "Compare on 1 recording"
    ]
    both = [info for info in desk.checkpoints() if not info.problem]
    assert both[0].name == "other"
    compare_and_keep(desk, both[0], both[1], [sha256])
    page = texts(opened("Compare"))
    assert "1 recording of 1 person" in page
    assert "False detections per 24 h" in page


def test_a_card_cannot_load_or_run_anything() -> None:
    card = (
        "# A\n- ![x](http://e.vil/p.png)\n<script>x</script>\n| [a](http://e.vil) | b |\n|---|---|"
    )
    shown = safe_card(card)
    assert "![" not in shown
    assert "](" not in shown
    assert shown.count("<") == shown.count("\\<")
    assert shown.splitlines()[0] == "#### A"
    assert shown.splitlines()[-1] == "|:---|:---|"
