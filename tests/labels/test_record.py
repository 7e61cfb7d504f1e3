"""A label's fields and its line."""

from __future__ import annotations

import json
import math
import zlib

import numpy as np
import pytest

from eegdash.errors import LabelNotSavedError
from eegdash.labels import DraftLabel, LineStatus
from eegdash.labels.index import read_line
from eegdash.labels.record import FIELD_NAMES, from_draft, parse_line

SHA = "ab" * 32
UUID = "12345678-1234-4234-8234-123456789abc"
DESIGN_ORDER = (
    *("schema", "kind", "uuid", "idempotency_id", "seq", "time_utc", "reviewer", "role"),
    *("recording_sha256", "recording_alias", "onset_s", "duration_s", "verdict", "event_type"),
    *("reason", "comment", "confidence", "blinded", "model", "model_sha256", "threshold"),
    *("postprocessing", "probability", "supersedes"),
)


def draft(**changes: object) -> DraftLabel:
    values: dict[str, object] = {
        "idempotency_id": "form-1",
        "reviewer": "A",
        "recording_sha256": SHA,
        "onset_s": 1.5,
        "duration_s": 9,
        "verdict": "agree",
    }
    return DraftLabel(**{**values, **changes})  # type: ignore[arg-type]


def line_of(**changes: object) -> bytes:
    return from_draft(
        draft(**changes), uuid=UUID, seq=1, time_utc="2026-11-03T12:34:56.789Z"
    ).to_line()


def test_line_holds_the_fields_in_the_order_of_the_design_then_the_checksum():
    line = line_of(comment="é")
    assert tuple(FIELD_NAMES) == tuple(DESIGN_ORDER)
    assert list(json.loads(line)) == [*DESIGN_ORDER, "crc32"]
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert "é".encode() in line


# written by the version before the added fields
OLD_LINE = (
    b'{"schema":1,"kind":"label","uuid":"12345678-1234-4234-8234-123456789abc",'
    b'"idempotency_id":"form-1","seq":1,"time_utc":"2026-11-03T12:34:56.789Z","reviewer":"A",'
    b'"role":"reader","recording_sha256":"abababababababababababababababababababababababababababab'
    b'abababab","recording_alias":"rec-abababab","onset_s":1.5,"duration_s":9.0,"verdict":"agree",'
    b'"event_type":"","reason":"","comment":"","confidence":null,"blinded":false,"model":"",'
    b'"model_sha256":"","threshold":null,"postprocessing":null,"probability":null,'
    b'"supersedes":null,"crc32":"CRC"}\n'
)


def test_a_line_from_before_the_added_fields_is_verified_and_the_same_byte_for_byte():
    record = json.loads(OLD_LINE)
    del record["crc32"]
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    line = OLD_LINE.replace(b"CRC", f"{zlib.crc32(text.encode()):08x}".encode())
    label = parse_line(line)
    assert label.status is LineStatus.VERIFIED
    assert (label.guideline, label.source, label.repeat_of, label.seen) == ("", "", None, None)
    assert label.to_line() == line == line_of()


def test_added_fields_are_written_where_they_say_something_and_read_back():
    line = line_of(guideline="1.2", source="SzCORE", repeat_of=UUID)
    record = json.loads(line)
    assert list(record)[-4:] == ["guideline", "source", "repeat_of", "crc32"]
    assert parse_line(line).to_line() == line
    whole = line_of(kind="sign_off", verdict=None, seen=[[20, 30.0004], (0, 5), [4, 10]])
    assert json.loads(whole)["seen"] == [[0.0, 10.0], [20.0, 30.0]]
    assert parse_line(whole).seen == ((0.0, 10.0), (20.0, 30.0))
    assert parse_line(whole).to_line() == whole


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"guideline": "x" * 61}, "guideline"),
        ({"source": 3}, "source"),
        ({"repeat_of": "x"}, "repeats"),
        ({"seen": [[0, 1]]}, "what was seen"),
        ({"kind": "sign_off", "verdict": None, "seen": [[1, 0]]}, "list of spans"),
        ({"kind": "sign_off", "verdict": None, "seen": [1]}, "list of spans"),
        ({"kind": "sign_off", "verdict": None, "seen": "x"}, "list of spans"),
        ({"kind": "sign_off", "verdict": None, "seen": [[0, math.nan]]}, "finite"),
        (
            {"kind": "sign_off", "verdict": None, "seen": [[i, i + 0.5] for i in range(5001)]},
            "more than 5000",
        ),
    ],
)
def test_an_added_field_that_is_not_allowed_is_refused_in_words(changes, word):
    with pytest.raises(LabelNotSavedError, match=word):
        draft(**changes)


def test_checksum_is_the_crc_of_sorted_compact_utf8_json_of_the_other_keys():
    record = json.loads(line_of(comment="Größe", postprocessing={"z": 1.0, "a": 2.5}))
    crc = record.pop("crc32")
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert crc == f"{zlib.crc32(text.encode('utf-8')):08x}"


@pytest.mark.parametrize("old", [b'"agree"', b"1.5", b"form-1", b'"schema":1', b"rec-abab"])
def test_any_change_of_the_content_makes_a_line_hand_edited(old):
    line = line_of()
    assert parse_line(line).status is LineStatus.VERIFIED
    new = {b'"agree"': b'"unsure"', b"1.5": b"1.25", b'"schema":1': b'"schema":2'}
    edited = line.replace(old, new.get(old, b"changed"), 1)
    assert edited != line
    assert parse_line(edited).status is LineStatus.HAND_EDITED


def test_a_line_typed_by_hand_needs_only_the_essential_fields():
    record = json.loads(line_of())
    short = {key: record[key] for key in record if key not in {"crc32", "model", "schema", "role"}}
    label = parse_line(json.dumps(short).encode() + b"\r")
    assert (label.status, label.role, label.model) == (LineStatus.HAND_EDITED, "reader", "")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"12",
        b"{}",
        b"\xff\xfe{}",
        b"[" * 100_000,
        line_of()[:-20],
        line_of().replace(b"1.5", b"NaN", 1),
        line_of().replace(b"1.5", b"-1.5", 1),
        line_of().replace(b'"seq":1', b'"seq":true', 1),
        line_of().replace(b'"seq":1', b'"seq":99999999999999', 1),
        line_of().replace(b'"agree"', b'"maybe"', 1),
        line_of().replace(b'"agree"', b'["agree"]', 1),
        line_of().replace(b'"comment":""', b'"comment":"\\ud800"', 1),
        line_of().replace(b'"postprocessing":null', b'"postprocessing":{"a":[1]}', 1),
        line_of().replace(b'"probability":null', b'"probability":7', 1),
    ],
    ids=range(17),
)
def test_a_line_that_is_no_record_is_refused_with_a_reason(line):
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        parse_line(line)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"onset_s": -0.1}, "onset"),
        ({"onset_s": math.nan}, "onset"),
        ({"onset_s": "3"}, "onset"),
        ({"onset_s": True}, "onset"),
        ({"duration_s": 0}, "duration"),
        ({"duration_s": 0.0004}, "duration"),
        ({"duration_s": math.inf}, "duration"),
        ({"verdict": "yes"}, "verdict"),
        ({"verdict": None}, "verdict"),
        ({"kind": "event"}, "kind"),
        ({"kind": "sign_off"}, "verdict"),
        ({"role": "boss"}, "role"),
        ({"reviewer": " "}, "reviewer"),
        ({"reviewer": "A\nB"}, "reviewer"),
        ({"reviewer": "A" * 101}, "reviewer"),
        ({"comment": "x" * 4001}, "comment"),
        ({"comment": "\ud83e"}, "comment"),
        ({"comment": None}, "comment"),
        ({"event_type": "seizure"}, "event type"),
        ({"recording_sha256": "AB" * 32}, "SHA-256"),
        ({"model_sha256": "abc"}, "SHA-256"),
        ({"confidence": 1.01}, "confidence"),
        ({"threshold_pm": 1001}, "threshold"),
        ({"threshold_pm": 0.7}, "threshold"),
        ({"probability_pm": -1}, "probability"),
        ({"postprocessing": {"smoothing_s": math.nan}}, "post-processing"),
        ({"blinded": "no"}, "blinded"),
        ({"idempotency_id": ""}, "idempotency"),
        ({"supersedes": "x", "reason": "r"}, "supersedes"),
        ({"supersedes": UUID}, "reason"),
        ({"verdict": "retract", "reason": "undo"}, "retraction"),
        ({"verdict": "adjudicated", "event_type": "sz"}, "adjudicator"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_in_words(changes, word):
    with pytest.raises(LabelNotSavedError, match=rf"^NOT saved: .*{word}"):
        draft(**changes)


@pytest.mark.parametrize("depth", range(100, 1200, 20))
def test_deep_nesting_is_read_or_refused_but_never_crashes(depth):
    line = line_of().replace(b'"schema":1', b'"x":' + b"[" * depth + b"]" * depth, 1)
    assert read_line(1, line).status in {LineStatus.HAND_EDITED, LineStatus.TORN}


def test_numbers_are_stored_in_one_form():
    one = draft(onset_s=np.float64(-0.0), duration_s=np.float32(0.1), threshold_pm=np.int64(700))
    assert math.copysign(1, one.onset_s) == 1
    assert one.duration_s == 0.1
    assert type(one.threshold_pm) is int
