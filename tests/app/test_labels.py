"""The labels page, run without a browser: what stands on it, and what it saves."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labelled import add_recording, add_trace, say, state_whole
from streamlit.testing.v1 import AppTest

from eegdash.checkpoints import CheckpointInfo
from eegdash.labels import LabelStore
from eegdash.recording import alias_of
from eegdash.ui import cache, identity
from eegdash.workflows import readers
from eegdash.workflows.desk import Desk

MAIN = str(Path(__file__).resolve().parents[2] / "eegdash" / "ui" / "main.py")
LABELS, REVIEW = "../../pages/labels.py", "../../pages/review.py"
ANA, BEN = "Dr. Ana", "Dr. Ben"

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


@pytest.fixture
def sha256(desk: Desk, tiny_model: CheckpointInfo, other_model: CheckpointInfo) -> str:
    """A recording with two detections, which two readers judge differently."""
    found = add_recording(desk, "night.edf")
    for model in (tiny_model, other_model):  # whichever is the default of this installation
        add_trace(desk, found, model, (60, 90, 900), (180, 200, 700))
    shown = {"model": "tiny", "model_sha256": tiny_model.sha256, "threshold_pm": 500}
    say(desk, ANA, found, 60, 90, "agree", event_type="sz", **shown)
    say(desk, BEN, found, 60, 90, "disagree", reason="muscle", comment="=1+1 chewing", **shown)
    for reader in (ANA, BEN):
        state_whole(desk, reader, found)
    return found


def opened(name: str = "", *, part: str = "", adjudicator: bool = False) -> AppTest:
    at = AppTest.from_file(MAIN, default_timeout=30).run()
    if name:
        field = next(f for f in at.text_input if f.label.startswith("Your name"))
        at = field.input(name).run()
    at = fine(at.switch_page(LABELS).run())
    if adjudicator:
        at = fine(control(at, "Your role").set_value("adjudicator").run())
    if part:
        at = fine(control(at, "Part of the page").set_value(part).run())
    return at


def fine(at: AppTest) -> AppTest:
    assert [e.value for e in at.exception] == []
    return at


def control(at: AppTest, label: str) -> Any:
    kinds = (at.segmented_control, at.pills, at.selectbox, at.text_input, at.toggle, at.multiselect)
    return next(c for kind in kinds for c in kind if c.label == label)


def button(at: AppTest, label: str) -> Any:
    return next(b for b in at.button if b.label == label)


def texts(at: AppTest) -> str:
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.text, at.success)
    return "\n".join(str(e.value) for kind in kinds for e in kind).replace("\\", "")


def table(at: AppTest, column: str) -> Any:
    return next(frame.value for frame in at.dataframe if column in frame.value.columns)


def everything(at: AppTest) -> str:
    """Return all that the page shows, tables and choices included."""
    tables = "\n".join(frame.value.to_csv() for frame in at.dataframe)
    choices = "\n".join(str(s.options) for s in (*at.selectbox, *at.multiselect))
    return "\n".join((texts(at), tables, choices))


# ---- all labels -------------------------------------------------------------------------------


def test_without_labels_every_part_says_what_to_do_next() -> None:
    said = {
        "all": "There are no labels yet",
        "next": "Enter your name",
        "team": "Nobody has labelled yet",
        "agreement": "There is nothing to compare yet",
        "adjudicate": "Enter your name",
        "files": "Enter your name",
    }
    at = opened()
    for part, words in said.items():
        at = fine(control(at, "Part of the page").set_value(part).run())
        assert words in texts(at), part
        assert "Research use, not for diagnosis." in texts(at)


def test_every_label_is_listed_with_who_said_what(sha256: str) -> None:
    at = opened(ANA)
    shown = table(at, "Verdict")
    assert sorted(zip(shown["Reader"], shown["Verdict"], strict=True)) == [
        (ANA, "✓ agree"),
        (BEN, "✗ disagree"),
    ]
    assert set(shown["Recording"]) == {"night.edf"}
    assert set(shown["Go"]) == {"0:01:00"}
    assert "4 lines in the labels file: 4 verified, 0 hand-edited, 0 torn" in texts(at)


def test_a_filter_narrows_the_list_and_is_remembered_over_a_reload(sha256: str) -> None:
    at = opened(ANA)
    at = fine(control(at, "Reader").set_value(BEN).run())
    assert list(table(at, "Verdict")["Reader"]) == [BEN]
    again = opened(ANA)  # a new session of the same reader
    assert list(table(again, "Verdict")["Reader"]) == [BEN]
    other = opened("Dr. Chi")
    assert len(table(other, "Verdict")) == 2
    again = fine(button(again, "Clear all filters").click().run())
    assert len(table(again, "Verdict")) == 2
    assert len(table(opened(ANA), "Verdict")) == 2


def test_a_filter_that_fits_nothing_says_how_to_go_on(sha256: str) -> None:
    at = opened(ANA)
    at = fine(control(at, "Find").input("absent").run())
    assert "No label fits these filters" in texts(at)


def test_hand_edited_and_torn_lines_are_counted_and_explained(desk: Desk, sha256: str) -> None:
    lines = desk.labels.path.read_bytes().splitlines()
    lines[0] = lines[0].replace(b'"comment":""', b'"comment":"edited"')
    desk.labels.path.write_bytes(b"\n".join([*lines, b'{"schema":1,"kind":"lab', b""]))
    at = opened(ANA)
    labels = [e.label.replace("\\", "") for e in at.expander]
    assert any("3 verified, 1 hand-edited, 1 torn" in label for label in labels)
    assert "Check it with whoever changed it" in texts(at)
    assert "Do not delete the line" in texts(at)
    assert list(table(at, "What is odd")["Status"]) == ["torn", "hand-edited"]


# ---- one label --------------------------------------------------------------------------------


def chosen(at: AppTest, uuid: str) -> AppTest:
    """Choose a label as a click on its row does; a table has no clicks without a browser."""
    at.session_state["session"].labels[ANA].uuid = uuid
    return fine(at.run())


def own_label(sha256: str) -> Any:
    return next(x for x in cache.desk().labels.all() if x.reviewer == ANA and x.kind == "label")


def test_a_change_needs_a_reason_and_keeps_the_form(sha256: str) -> None:
    label = own_label(sha256)
    at = chosen(opened(ANA), label.uuid)
    at.selectbox(key=f"change-{label.uuid}-verdict").set_value("unsure")
    at = fine(button(at, "Save the change").click().run())
    assert "NOT saved: say why the label is changed" in texts(at)
    assert at.selectbox(key=f"change-{label.uuid}-verdict").value == "unsure"
    assert len(cache.desk().labels.all()) == 4


def test_a_label_is_changed_once_and_taken_back_and_its_history_says_all(sha256: str) -> None:
    label = own_label(sha256)
    at = chosen(opened(ANA), label.uuid)
    at.selectbox(key=f"change-{label.uuid}-verdict").set_value("disagree")
    at.text_input(key=f"change-{label.uuid}-end").set_value("0:01:20")
    at.selectbox(key=f"change-{label.uuid}-why").set_value("muscle")
    at = fine(button(at, "Save the change").click().run())
    store = cache.desk().labels
    (made,) = store.current(sha256, reviewer=ANA, kind="label").labels
    assert (made.verdict, made.onset_s, made.duration_s) == ("disagree", 60.0, 20.0)
    assert (made.supersedes, made.reason) == (label.uuid, "muscle")
    assert "Changed. The label before it stays" in texts(at)
    assert "agree → disagree" in texts(at)
    at = fine(button(at, "Undo the last step").click().run())
    (back,) = store.current(sha256, reviewer=ANA, kind="label").labels
    assert (back.verdict, back.duration_s, back.supersedes) == ("agree", 30.0, made.uuid)
    assert "**History** (3)" in texts(at)
    assert len(store.all()) == 6


def test_the_same_change_sent_twice_is_saved_once(sha256: str) -> None:
    label = own_label(sha256)
    for _ in range(2):  # two tabs, or a click that the browser repeats
        at = chosen(opened(ANA), label.uuid)
        if [s for s in at.selectbox if s.key == f"change-{label.uuid}-verdict"]:
            at.selectbox(key=f"change-{label.uuid}-verdict").set_value("unsure")
            at.selectbox(key=f"change-{label.uuid}-why").set_value("movement")
            fine(button(at, "Save the change").click().run())
    said = [x.verdict for x in cache.desk().labels.all() if x.reviewer == ANA and x.verdict]
    assert said == ["agree", "unsure"]


def test_the_label_of_another_reader_cannot_be_changed_here(sha256: str) -> None:
    other = next(x for x in cache.desk().labels.all() if x.verdict == "disagree")
    at = chosen(opened(ANA), other.uuid)
    assert "✗ disagree" in texts(at)
    assert "=1+1 chewing" in texts(at)
    assert [b.label for b in at.button if b.label in ("Save the change", "Take it back")] == []


def test_the_eeg_is_one_click_away(sha256: str) -> None:
    at = chosen(opened(ANA), own_label(sha256).uuid)
    at = fine(button(at, "Show in the EEG").click().run())
    assert "night.edf" in texts(at)
    session = at.session_state["session"]
    assert (session.recording_sha256, session.link.start_s) == (sha256, 57.5)


# ---- who sees what ----------------------------------------------------------------------------


def test_a_blinded_reader_is_shown_nothing_of_others_anywhere(sha256: str) -> None:
    at = opened("Dr. New")
    at = fine(next(t for t in at.toggle if t.label == "Read blinded").set_value(True).run())
    for part in ("all", "next", "agreement", "adjudicate", "files"):
        at = fine(control(at, "Part of the page").set_value(part).run())
        shown = everything(at)
        for secret in ("✗ disagree", "chewing", "Others say", "0.90", "0.70", "detected"):
            assert secret not in shown, (part, secret)
    at = fine(control(at, "Part of the page").set_value("all").run())
    assert "4 records of other readers not shown" in texts(at)


def counted(at: AppTest) -> dict[str, object]:
    """What the part Readers says on how many labels each has."""
    found = table(at, "Unsure")
    numbers = [None if math.isnan(n) else int(n) for n in found["Labels"].astype(float)]
    return dict(zip(found["Reader"], numbers, strict=True))


def test_how_much_others_labelled_is_told_only_where_their_labels_are(
    sha256: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = opened(ANA, part="team")
    assert counted(at) == {ANA: 1, BEN: 1}
    at = fine(next(t for t in at.toggle if t.label == "Read blinded").set_value(True).run())
    assert counted(at) == {ANA: 1, BEN: None}
    assert "How much others labelled is not shown" in texts(at)
    monkeypatch.setenv("EEGDASH_OTHERS_LABELS", "hidden")
    cache.desk.clear()
    assert counted(opened(BEN, part="team")) == {ANA: None, BEN: 1}
    assert counted(opened(BEN, part="team", adjudicator=True)) == {ANA: 1, BEN: 1}


def test_a_blinded_adjudicator_decides_nothing_that_was_not_read(sha256: str) -> None:
    at = opened("Dr. New", part="adjudicate", adjudicator=True)
    assert "It is a seizure" in [b.label for b in at.button]
    at = fine(next(t for t in at.toggle if t.label == "Read blinded").set_value(True).run())
    assert "It is a seizure" not in [b.label for b in at.button]
    assert "chewing" not in everything(at)


def test_others_labels_stay_hidden_where_the_installation_says_so(
    sha256: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EEGDASH_OTHERS_LABELS", "hidden")
    cache.desk.clear()
    at = opened(ANA)
    assert list(table(at, "Verdict")["Reader"]) == [ANA]
    assert "2 records of other readers not shown" in texts(at)
    recordings = fine(at.switch_page("../../pages/recordings.py").run())
    assert f"signed off by {ANA}" in texts(recordings)
    assert BEN not in texts(recordings)
    at = opened(ANA, adjudicator=True)
    assert set(table(at, "Verdict")["Reader"]) == {ANA, BEN}


def test_a_role_is_not_inherited_by_the_next_name(sha256: str) -> None:
    at = opened("Dr. Chief", part="adjudicate", adjudicator=True)
    assert "It is a seizure" in [b.label for b in at.button]
    field = next(f for f in at.text_input if f.label.startswith("Your name"))
    at = fine(field.input("Dr. Next").run())
    assert "It is a seizure" not in [b.label for b in at.button]


def test_only_who_is_named_may_adjudicate(sha256: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EEGDASH_ADJUDICATORS", "Dr. Chief")
    cache.desk.clear()
    at = opened(ANA, part="adjudicate")
    assert control(at, "Your role").disabled
    assert "Here an adjudicator decides" in texts(at)
    at = opened("Dr. Chief", part="adjudicate", adjudicator=True)
    assert "It is a seizure" in [b.label for b in at.button]


# ---- queue and readers ------------------------------------------------------------------------


def test_the_queue_offers_what_readers_dispute_and_leads_to_it(sha256: str) -> None:
    at = opened("Dr. Chi", part="next")
    at = fine(control(at, "Order").set_value("readers").run())
    assert "Others say" in str(list(table(at, "Why")["Why"]))
    at = fine(button(at, "Next").click().run())
    session = at.session_state["session"]
    item = session.queue["Dr. Chi"].state.open
    assert item.onset_s < 75 < item.onset_s + item.duration_s  # what was disputed
    assert (session.recording_sha256, session.link.start_s) == (
        sha256,
        pytest.approx(item.onset_s - 2.5, abs=0.1),
    )
    at = fine(at.switch_page(LABELS).run())
    assert "Open: night.edf" in texts(at)
    at = fine(button(at, "Put it aside").click().run())
    (bar,) = at.get("progress")
    assert "1 put aside" in bar.proto.text


def test_an_adjudicator_assigns_states_the_guideline_and_the_repeats(sha256: str) -> None:
    at = opened(ANA, part="team")
    assert "Only an adjudicator can change this" in texts(at)
    assert button(at, "Assign").disabled
    at = opened("Dr. Chief", part="team", adjudicator=True)
    at.multiselect(key="assign-recordings").set_value([sha256])
    at.selectbox(key="assign-reader").set_value(BEN)
    at = fine(button(at, "Assign").click().run())
    assert "1 recording assigned to Dr. Ben" in texts(at)
    assert "✓ done  night.edf" in texts(at)  # it was signed off before it was assigned
    at.text_input(key="guideline-version").set_value("2.1")
    at = fine(button(at, "From now on").click().run())
    at.select_slider(key="repeat-share").set_value(0.1)
    at = fine(button(at, "Use this share").click().run())
    desk = cache.desk()
    assert [x.reader for x in readers.assignments(desk)] == [BEN]
    held = readers.guideline(desk)
    assert held is not None
    assert (held.version, held.by) == ("2.1", "Dr. Chief")
    assert readers.repeat_share(desk) == 0.1
    assert say(desk, BEN, sha256, 1, 5).guideline == "2.1"


def test_an_empty_version_is_refused_in_words(sha256: str) -> None:
    at = opened("Dr. Chief", part="team", adjudicator=True)
    at = fine(button(at, "From now on").click().run())
    assert "version" in "\n".join(e.value for e in at.error)
    assert readers.guidelines(cache.desk()) == ()


# ---- agreement, adjudication, files -----------------------------------------------------------


def test_agreement_says_how_much_was_compared(sha256: str) -> None:
    at = opened(ANA, part="agreement")
    shown = table(at, "Cohen's kappa (95 %)")
    assert [tuple(row) for row in shown[["One", "Other"]].itertuples(index=False)] == [
        (ANA, BEN),
        (ANA, "detector"),
        (BEN, "detector"),
    ]
    # Ana: 30 s of 300 s; Ben: none. Both agree on 270 of 300 epochs
    assert shown["Epochs of 1 s"][0] == 300
    assert "the same in 270 of 300 (90.0 %)" in texts(at)
    assert "300 epochs of 1 s" in texts(at)
    assert "hidden repeats" in texts(at)


def test_a_decision_is_a_label_of_its_own_and_can_be_changed_with_a_reason(sha256: str) -> None:
    at = opened("Dr. Chief", part="adjudicate", adjudicator=True)
    before = cache.desk().labels.all()
    at = fine(button(at, "It is a seizure").click().run())
    every = cache.desk().labels.all()
    assert every[:-1] == before
    made = every[-1]
    assert (made.verdict, made.role, made.event_type) == ("adjudicated", "adjudicator", "sz")
    assert (made.reviewer, made.onset_s, made.duration_s) == ("Dr. Chief", 60.0, 30.0)
    assert "Decided: seizure" in texts(at)
    assert "No open case" in texts(at)
    at = fine(control(at, "Cases").set_value("decided").run())
    at = fine(button(at, "It is no seizure").click().run())
    assert "\n".join(e.value for e in at.error).startswith("NOT saved")
    why = next(t for t in at.text_input if t.label == "Why is the decision changed?")
    why.set_value("seen with video")
    at = fine(button(at, "It is no seizure").click().run())
    last = cache.desk().labels.all()[-1]
    assert (last.event_type, last.supersedes, last.reason) == ("bckg", made.uuid, "seen with video")


def test_two_changes_of_one_label_are_settled_by_keeping_one(desk: Desk, sha256: str) -> None:
    label = own_label(sha256)
    for verdict in ("unsure", "disagree"):
        say(desk, ANA, sha256, 60, 90, verdict, supersedes=label.uuid, reason="second thoughts")
    at = opened("Dr. Chief", part="adjudicate", adjudicator=True)
    assert "Two changes of one label contradict each other" in texts(at)
    keep = [b for b in at.button if b.label == "Keep this one"]
    assert len(keep) == 2
    fine(keep[0].click().run())
    found = cache.desk().labels.current(sha256, reviewer=ANA, kind="label")
    assert found.conflicts == ()
    assert len(found.labels) == 1


@pytest.mark.parametrize("kind", ["szcore", "edf", "chbmit", "csv"])
def test_an_export_is_prepared_and_named_by_alias(sha256: str, kind: str) -> None:
    at = opened(ANA, part="files")
    at = fine(control(at, "Format").set_value(kind).run())
    if kind != "csv":
        at = fine(control(at, "What counts").set_value("reader").run())
    at = fine(button(at, "Prepare the files").click().run())
    (download,) = at.get("download_button")
    assert "night" not in download.label
    _, made = at.session_state["session"].labels[ANA].export
    assert made.files
    # another choice makes what was prepared one for other parameters: it is not offered
    at = fine(control(at, "Recordings").set_value([sha256]).run())
    assert list(at.get("download_button")) == []


def test_an_import_shows_what_it_holds_before_anything_is_saved(desk: Desk, sha256: str) -> None:
    at = opened(ANA, part="files")
    content = (
        b"onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"
        b"10.0\t20.0\tsz\tn/a\tn/a\tn/a\t300\n"
    )
    at.file_uploader[0].upload("night_events.tsv", content, "text/plain")
    at = fine(at.run())
    assert "Say whose labels these are" in texts(at)
    at.text_input(key="import-by").set_value("Dr. Elsewhere")
    at = fine(at.selectbox(key="import-recording").set_value(sha256).run())
    assert len(desk.labels.all()) == 4
    save = next(b for b in at.button if b.label.startswith("Save "))
    at = fine(save.click().run())
    assert "saved, with where they come from" in texts(at)
    added = LabelStore(desk.workspace.labels).all()[4:]
    assert added
    assert {x.reviewer for x in added} == {"Dr. Elsewhere"}
    assert all(x.source for x in added)


def test_an_export_comes_back_with_what_its_coverage_says(desk: Desk, sha256: str) -> None:
    at = opened(ANA, part="files")
    alias = alias_of(sha256)
    events = (
        b"onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"
        b"10.0\t20.0\tsz\tn/a\tn/a\tn/a\t300\n"
    )
    coverage = f"file\tknown_from_s\tknown_to_s\n{alias}.edf\t5\t200\n".encode()
    assert at.file_uploader[0].proto.max_upload_size_mb == 64  # what is larger is not read
    at.file_uploader[0].upload("coverage.tsv", coverage, "text/plain")
    at = fine(at.text_input(key="import-by").set_value("Dr. Elsewhere").run())
    assert "Add the file of labels that this one belongs to" in texts(at)
    at.file_uploader[0].set_value(
        [
            ("coverage.tsv", coverage, "text/plain"),
            ("LOSSES.txt", b"Nothing was lost.\n", "text/plain"),
            (f"{alias}_events.tsv", events, "text/plain"),
        ]
    )
    at = fine(at.run())
    save = next(b for b in at.button if b.label.startswith("Save "))
    at = fine(save.click().run())
    added = LabelStore(desk.workspace.labels).all()[4:]
    (read,) = [x for x in added if x.kind == "sign_off"]
    assert (read.onset_s, read.duration_s) == (5.0, 195.0)


PAYLOAD = '<a href="//e.x/1">![x](//e.x/2)</a>'


def test_names_and_comments_are_never_markup(desk: Desk, sha256: str) -> None:
    say(desk, PAYLOAD, sha256, 100, 120, comment=PAYLOAD, reason=PAYLOAD)
    readers.assign(desk, [sha256], PAYLOAD, PAYLOAD, decision_id="a")
    readers.set_guideline(desk, PAYLOAD, PAYLOAD, PAYLOAD, decision_id="g")
    at = opened("Dr. Chief", adjudicator=True)
    at.session_state["session"].labels["Dr. Chief"].uuid = desk.labels.all()[-1].uuid
    seen = 0
    for part in ("all", "next", "team", "agreement", "adjudicate", "files"):
        at = fine(control(at, "Part of the page").set_value(part).run())
        drawn = [str(e.value) for kind in (at.markdown, at.caption, at.error) for e in kind]
        drawn += [e.label for kind in (at.expander, at.button) for e in kind]
        charts = [chart.proto.spec for chart in at.get("plotly_chart")]
        assert [spec for spec in charts if "<a " in spec] == [], part  # their text is HTML
        markup = re.compile(r"(?<!\\)(<a |!\[)")
        assert [text for text in drawn if markup.search(text)] == [], part
        seen += sum("e.x" in text.replace("\\", "") for text in drawn)
    assert seen > 5  # it stands there, as text


# ---- who reads --------------------------------------------------------------------------------


class User(dict[str, Any]):
    """Stands for ``st.user`` of an installation with an identity provider."""


def test_a_login_takes_the_place_of_the_typed_name(
    sha256: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = User(is_logged_in=True, name="Ana  Lima", email="ana@hospital.example")
    monkeypatch.setattr("eegdash.ui.identity.st.user", user)
    at = fine(AppTest.from_file(MAIN, default_timeout=30).run())
    assert [f for f in at.text_input if f.label.startswith("Your name")] == []
    assert at.session_state["session"].reviewer == "Ana Lima (ana@hospital.example)"
    user["is_logged_in"] = False
    at = fine(at.run())
    assert at.session_state["session"].reviewer == ""
    assert [b.label for b in at.button if b.key == "login-None"] == ["Log in"]
    # what a tab remembers from before does not stand in for a login
    assert not identity.provided() or identity.logged_in() == ""


def test_a_login_that_cannot_work_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eegdash.ui.identity.st.user", User(is_logged_in=False))
    monkeypatch.setattr("streamlit.user_info.is_authlib_installed", lambda: False)
    at = fine(AppTest.from_file(MAIN, default_timeout=30).run())
    at = fine(next(b for b in at.button if b.key == "login-None").click().run())
    assert "the package Authlib is missing" in texts(at)
