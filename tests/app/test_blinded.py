"""Reading blinded on the pages: what the server sends to such a reader, and what it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from simulated_files import write_events, write_noise
from streamlit.testing.v1 import AppTest

from eegdash.labels import DraftLabel
from eegdash.ui import cache, security
from eegdash.workflows import library, reading, score
from eegdash.workflows.desk import Desk

MAIN = str(Path(__file__).resolve().parents[2] / "eegdash" / "ui" / "main.py")
OTHER = "Dr. Elsewhere"

pytestmark = [
    pytest.mark.usefixtures("fresh_process"),
    # AppTest runs scripts without the server that these belong to
    pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit"),
]


@pytest.fixture
def path(desk: Desk) -> Path:
    """A scored recording with a reference, a note of its own, and what another reader said."""
    made = write_noise(
        desk.workspace.recordings / "night.edf", seconds=90, notes=[(20.0, 2.5, "photic 10 Hz")]
    )
    write_events(made, [(30, 15)], 90)
    model = desk.model()
    assert isinstance(score.score(desk, made, model), score.Scored)
    sha256 = library.known_hash(desk, made)
    for kind, verdict in (("label", "missed"), ("sign_off", None)):
        desk.labels.append(
            DraftLabel(
                idempotency_id=kind, reviewer=OTHER, recording_sha256=sha256, onset_s=40.0,
                duration_s=9.0, verdict=verdict, kind=kind,
            )
        )  # fmt: skip
    return made


def fine(at: AppTest) -> AppTest:
    assert [e.value for e in at.exception] == []
    return at


def texts(at: AppTest) -> str:
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.text)
    return "\n".join(str(e.value) for kind in kinds for e in kind).replace("\\", "")


def sent(at: AppTest) -> dict[str, Any]:
    """Return the data that the viewer was given."""
    found = [
        json.loads(element.proto.json)
        for element in at.get("bidi_component")
        if element.proto.component_name.endswith("eeg_review_viewer")
    ]
    (data,) = found
    assert isinstance(data, dict)
    return data


def reading_as(reviewer: str, *, blinded: bool) -> AppTest:
    at = fine(AppTest.from_file(MAIN, default_timeout=30).run())
    field = next(f for f in at.text_input if f.label.startswith("Your name"))
    at = fine(field.input(reviewer).run())
    if blinded and not at.toggle(key="blinded").value:
        at = fine(at.toggle(key="blinded").set_value(True).run())
    return at


def review(at: AppTest) -> AppTest:
    return fine(next(b for b in at.button if b.label == "Review").click().run())


def test_everything_is_there_for_a_reader_who_is_not_blinded(path: Path) -> None:
    at = reading_as("AB", blinded=False)
    assert "reference: 1 seizure" in texts(at)
    assert "detections reviewed" in texts(at)
    assert f"signed off by {OTHER}" in texts(at)
    data = sent(review(at))
    assert data["blinded"] is False
    assert data["trace"]["address"]
    assert data["reference"]["seizures"] == [[30.0, 45.0]]
    assert data["notes"]["n"] == 1
    assert [x["reviewer"] for x in data["labels"]] == [OTHER]
    assert [x["reviewer"] for x in data["sign_offs"]] == [OTHER]


def test_nothing_of_it_reaches_a_blinded_reader(path: Path, desk: Desk) -> None:
    at = reading_as("AB", blinded=True)
    listed = texts(at)
    for word in ("reference", "detection", "seizure", "label", OTHER):
        assert word not in listed.lower().replace(OTHER.lower(), OTHER), word
    assert "hidden until you commit a first read" in listed
    at = review(at)
    assert "Blinded first read" in texts(at)
    data = sent(at)
    assert data["blinded"] is True
    withheld = {name: data[name] for name in ("trace", "reference", "notes")}
    assert withheld == {"trace": None, "reference": None, "notes": None}
    assert (data["labels"], data["sign_offs"], data["undo"]) == ([], [], None)
    assert OTHER not in json.dumps(data)
    grant = security.verified(desk.workspace.signing_key(), data["base"].split("/")[2])
    assert grant is not None
    assert grant.blind


def test_the_list_does_not_count_what_others_said_where_that_is_hidden(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ":gray[1 label, " in texts(reading_as("AB", blinded=False))
    monkeypatch.setenv("EEGDASH_OTHERS_LABELS", "hidden")
    cache.desk.clear()
    assert ":gray[no label of yours]" in texts(reading_as("AB", blinded=False))
    assert ":gray[1 label of yours, " in texts(reading_as(OTHER, blinded=False))


def test_without_a_name_a_blinded_reader_sees_nothing_either(path: Path) -> None:
    at = fine(AppTest.from_file(MAIN, default_timeout=30).run())
    at = fine(at.toggle(key="blinded").set_value(True).run())
    data = sent(review(at))
    assert data["blinded"] is True
    assert data["trace"] is None
    assert data["labels"] == []


def test_the_setting_leaves_no_choice(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EEGDASH_BLINDED", "1")
    cache.desk.clear()
    at = reading_as("AB", blinded=False)
    assert at.toggle(key="blinded").value
    assert at.toggle(key="blinded").disabled
    assert sent(review(at))["blinded"] is True


def test_after_the_commitment_everything_is_shown_to_this_reader_alone(
    path: Path, desk: Desk
) -> None:
    sha256 = library.known_hash(desk, path)
    decision = {"id": "first", "action": "first_read"}
    reading.decide(cache.desk(), sha256, 90.0, "AB", decision, None, blinded=True)
    at = reading_as("AB", blinded=True)
    assert "reference: 1 seizure" in texts(at)
    at = review(at)
    data = sent(at)
    assert "Blinded first read" not in texts(at)
    assert (data["blinded"], data["first_read"]) == (False, True)
    assert data["trace"]["address"]
    assert data["reference"] is not None
    assert sent(review(reading_as("CD", blinded=True)))["blinded"] is True


def test_that_the_output_was_shown_before_is_known_to_a_later_blinded_read(path: Path) -> None:
    at = review(reading_as("AB", blinded=False))
    assert sent(at)["shown_before"] is True
    at = fine(at.toggle(key="blinded").set_value(True).run())
    data = sent(at)
    assert (data["blinded"], data["shown_before"]) == (True, True)
    assert data["trace"] is None
    assert sent(review(reading_as("CD", blinded=True)))["shown_before"] is False


# ---- the address -----------------------------------------------------------------------------


def opened_at(path: Path, desk: Desk, **params: str) -> dict[str, Any]:
    alias = library.facts(desk, path).alias
    at = AppTest.from_file(MAIN, default_timeout=30)
    at.query_params["recording"] = alias
    for name, value in params.items():
        at.query_params[name] = value
    return sent(fine(fine(at.run()).switch_page("../../pages/review.py").run()))


def test_an_address_leads_to_its_place(path: Path, desk: Desk) -> None:
    seek = opened_at(path, desk, t="41.5", page="20")["seek"]
    assert (seek["start_s"], seek["page_s"]) == (41.5, 20.0)


@pytest.mark.parametrize("t", ["", "x", "-5", "nan", "inf", "1e3", "1;2", "0x10", "\u0663"])
def test_a_time_that_is_none_is_passed_over(path: Path, desk: Desk, t: str) -> None:
    seek = opened_at(path, desk, t=t, page="20")["seek"]
    assert (seek["start_s"], seek["page_s"]) == (0.0, None)


def test_the_list_says_who_signed_off(path: Path, desk: Desk) -> None:
    decision = {"id": "s", "action": "sign_off", "viewed": [[0, 90]]}
    sha256 = library.known_hash(desk, path)
    made = reading.decide(cache.desk(), sha256, 90.0, "A_B", decision, None, blinded=False)
    at = reading_as("A_B", blinded=False)
    assert f"signed off by {OTHER} on {made.time_utc[:10]}, A_B on" in texts(at)
