"""``python -m eegdash labels``: what is printed, written and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from labelled import add_recording, say, state_whole

from eegdash.cli import main
from eegdash.recording import alias_of
from eegdash.workflows.desk import Desk


@pytest.fixture
def sha256(desk: Desk) -> str:
    """Two readers on one recording: they agree at 100 s and differ at 10 and 20 s."""
    found = add_recording(desk, "Smith.edf")
    for reader, onset in (("A", 10), ("B", 20)):
        say(desk, reader, found, onset, onset + 15, reason="", comment="\x1b[31mred")
        say(desk, reader, found, 100, 110, event_type="sz_foc")
        state_whole(desk, reader, found)
    return found


def out(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["labels", *arguments]) == code
    return capsys.readouterr().out


def test_labels_are_listed_and_filtered(
    desk: Desk, sha256: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = out(capsys, "list")
    assert "6 of 6 shown; lines of the file: 6 verified, 0 hand-edited, 0 torn." in text
    assert "Smith" not in text
    found = json.loads(out(capsys, "list", "--reviewer", "A", "--verdict", "missed", "--json"))
    assert [x["onset_s"] for x in found["labels"]] == [100.0, 10.0]
    assert found["labels"][0]["status"] == "verified"
    one = json.loads(out(capsys, "list", "--recording", alias_of(sha256), "--limit", "1", "--json"))
    assert (one["n_matching"], len(one["labels"])) == (6, 1)
    assert out(capsys, "list", "--recording", "rec-00000000", code=2) == ""


def test_the_history_of_a_label_is_told(
    desk: Desk, sha256: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = desk.labels.all()[0]
    say(desk, "A", sha256, 10, 25, "unsure", supersedes=first.uuid, reason="chewing")
    text = out(capsys, "history", first.uuid)
    assert "    verdict: missed -> unsure" in text
    assert "\x1b" not in text
    assert "chewing" in text
    assert out(capsys, "history", "nothing", code=2) == ""


def test_agreement_is_told_in_words_and_in_json(
    desk: Desk, sha256: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = out(capsys, "agreement")
    assert "A and B: 0.08 h (recordings: 1)" in text
    assert "events: 2 of 2 and 2 of 2 overlap, agreement 1.00 (no interval)" in text
    found = json.loads(out(capsys, "agreement", "--json"))
    assert found["pairs"][0]["confusion"]["counts"] == [[15, 10], [10, 265]]
    assert found["group"]["fleiss_kappa"]["value"] == pytest.approx(
        found["pairs"][0]["cohen_kappa"]["value"]
    )
    out(capsys, "agreement", "--reader", "A", "--json", code=2)
    out(capsys, "agreement", "--blinded-only", code=2)


def test_consensus_and_one_readers_labels_are_written_under_an_alias(
    desk: Desk, sha256: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "consensus"
    text = out(capsys, "consensus", "--out", str(folder))
    assert f"wrote {alias_of(sha256)}_events.tsv" in text
    assert "lost: " in text
    assert sorted(x.name for x in folder.iterdir()) == [
        "coverage.tsv", f"{alias_of(sha256)}_events.tsv"
    ]  # fmt: skip
    found = json.loads(
        out(capsys, "export", "--format", "edf", "--reader", "A", "--out", str(folder), "--json")
    )
    assert (found["files"], found["n_seizures"]) == ([f"{alias_of(sha256)}_annotations.edf"], 2)
    out(capsys, "export", "--format", "szcore", code=2)
    out(capsys, "consensus", "--rule", "adjudicated", "--out", str(folder), code=2)


def test_what_was_exported_is_read_in_once(
    desk: Desk, sha256: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out(capsys, "export", "--format", "szcore", "--reader", "A", "--out", str(tmp_path))
    events = str(tmp_path / f"{alias_of(sha256)}_events.tsv")
    dry = json.loads(out(capsys, "import", events, "--said-by", "C", "--dry-run", "--json"))
    assert (dry[0]["n_labels"], dry[0]["saved"], len(desk.labels.all())) == (3, 0, 6)
    text = out(capsys, "import", events, "--said-by", "C", "--by", "Chief")
    assert "records 3, saved 3" in text
    labels = desk.labels.current(sha256, reviewer="C", kind="label").labels
    assert [(x.onset_s, x.end_s) for x in labels] == [(10.0, 25.0), (100.0, 110.0)]
    assert "read in by Chief" in labels[0].source
    assert "saved 0, there already 3" in out(capsys, "import", events, "--said-by", "C")
    (tmp_path / "bad.tsv").write_text("nothing")
    out(capsys, "import", str(tmp_path / "bad.tsv"), "--said-by", "C", code=2)
    out(capsys, "import", str(tmp_path / "bad.tsv"), events, "--said-by", "C", code=1)


def test_readers_are_told_with_the_guideline(
    desk: Desk, sha256: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from eegdash.workflows import readers

    readers.set_guideline(desk, "1.2", "", "A", decision_id="g")
    readers.assign(desk, [sha256], "C", "Chief", decision_id="a")
    text = out(capsys, "readers")
    assert text.startswith("guideline: 1.2\nA: 2 labels, 0 of 0 assigned")
    found = json.loads(out(capsys, "readers", "--json"))
    assert found["readers"][2]["open_recordings"] == [alias_of(sha256)]


def test_the_command_line_works_where_everybody_reads_blinded(
    desk: Desk, sha256: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EEGDASH_BLINDED", "1")
    assert "6 of 6 shown" in out(capsys, "list")
