"""A copy without personal details, and what is said about a file that carries them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from edf_bytes import EdfBytes, Signal, annotations

from eegdash.cli import main
from eegdash.errors import RecordingError, WorkspaceError
from eegdash.export import write_deidentified
from eegdash.io import hash_file, open_recording
from eegdash.io.gate import read_header

NAME = "Canary_Jane"
EDF_PLUS = f"MCH-0234567 F 02-MAY-1951 {NAME}"
RECORDING = "Startdate 02-MAR-2021 PSG-1234/2021 Canary_Tech Telemetry03"


def content(kind: str = "EDF", reserved: str = "+C", **changes: object) -> bytes:
    tals = [
        b"+%d\x14\x14\x00+%d.5\x152\x14%s called\x14\x00" % (i, i, NAME.encode()) for i in range(3)
    ]
    signals = [
        Signal("EEG Fp1", transducer="Canary electrode", reserved="Canary", prefilter="HP:0.1Hz"),
        Signal("ECG", samples=8),
        annotations(tals, kind=kind, samples=40),
    ]
    given = {"patient": EDF_PLUS, "recording": RECORDING, **changes}
    more = {} if kind == "EDF" else {"version": b"\xffBIOSEMI", "width": 3}
    return EdfBytes(signals, reserved=f"{kind}{reserved}", **given, **more).build()  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["EDF", "BDF"])
@pytest.mark.parametrize("reserved", ["+C", "+D"])
def test_a_copy_holds_the_signal_and_nothing_of_the_person(
    tmp_path: Path, kind: str, reserved: str
) -> None:
    source = tmp_path / f"{NAME}.{kind.lower()}"
    source.write_bytes(content(kind, reserved))
    (tmp_path / "out").mkdir()
    copy = write_deidentified(source, tmp_path / "out", hash_file(source))
    assert copy.name == f"rec-{hash_file(source)[:8]}.{kind.lower()}"
    raw = copy.read_bytes()
    for word in (b"Canary", b"CANARY", b"MCH-0234567", b"1951", b"PSG-1234", b"Jane", b"2021"):
        assert word not in raw
    assert len(raw) == source.stat().st_size
    before, after = open_recording(source), open_recording(copy)
    np.testing.assert_array_equal(after.read(0, 12), before.read(0, 12))
    assert after.ch_names == before.ch_names
    assert after.blocks == before.blocks
    assert after.annotations == ()
    assert len(before.annotations) == 3
    assert before.start is not None
    assert after.start is not None
    assert after.start.time() == before.start.time()
    assert after.start.year == 1985
    assert read_header(copy, kind).personal == ()
    facts = json.loads(copy.with_suffix(".json").read_text())
    assert facts == {"derived_from": hash_file(source), "annotations": "removed"}
    assert source.read_bytes() == content(kind, reserved)


def test_annotations_stay_where_that_is_wanted(tmp_path: Path) -> None:
    source = tmp_path / "a.edf"
    source.write_bytes(content())
    copy = write_deidentified(source, tmp_path, hash_file(source), keep_annotations=True)
    assert len(open_recording(copy).annotations) == 3


def test_the_command_copies_each_file_and_says_what_was_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.edf").write_bytes(content())
    (tmp_path / "b.set").write_bytes(b"x")
    (tmp_path / "c.edf").write_bytes(b"")
    files = [str(tmp_path / name) for name in ("a.edf", "b.set", "c.edf", "d.edf")]
    out_folder = tmp_path / "new" / "folder"
    assert main(["deidentify", *files, "--out", str(out_folder)]) == 1
    out, err = capsys.readouterr()
    (copy,) = out_folder.glob("*.edf")
    assert f"copied  a.edf to {copy.name}" in out
    assert "annotations in the file are removed" in out
    assert "b.set is neither EDF nor BDF" in err
    assert "c.edf is empty" in err
    assert "d.edf" in err
    assert main(["deidentify", str(copy), "--out", str(tmp_path / "again")]) == 0
    assert main(["deidentify", files[1], "--out", str(out_folder)]) == 2


def test_a_copy_never_takes_the_place_of_its_source(tmp_path: Path) -> None:
    source = tmp_path / "a.edf"
    source.write_bytes(content())
    sha256 = hash_file(source)
    linked = tmp_path / f"rec-{sha256[:8]}.edf"
    source.rename(linked)
    with pytest.raises(RecordingError, match="is the copy itself"):
        write_deidentified(linked, tmp_path, sha256)
    assert hash_file(linked) == sha256
    with pytest.raises(WorkspaceError, match="could not be written"):
        write_deidentified(linked, tmp_path / "absent", sha256)


PERSONAL = {
    "all": (EDF_PLUS, RECORDING, "+C", "a", ("patient code", "birth date", "patient's name",
                                             "admission code", "technician's name")),
    "nothing": ("X X X X", "Startdate X X X X", "+C", "a", ()),
    "sex alone": ("X F X X", "Startdate 02-MAR-2021 X X Telemetry03", "+C", "a", ()),
    "name": ("X F X Canary_Jane", "Startdate X X X X", "+C", "a", ("the patient's name",)),
    "name in the file's name": (
        "X X X Canary_Jane", "Startdate X X X X", "+C", "night_JANE_2",
        ("the patient's name", "a word of it also in the file's name")),
    "anonymous": ("Anonymous X X Anonymized", "Startdate X X X X", "+C", "a", ()),
    "free text": ("Jane Canary, 1951", "ward 7, Dr. Who", "", "a",
                  ("text in the field for the patient", "text in the field for the recording")),
    "free and empty": ("", "", "", "a", ()),
    "more than four": ("X X X X Jane", "Startdate X X X X", "+C", "a",
                       ("further text on the patient",)),
    "not ASCII": ("X X X Müller", "Startdate X X X X", "+C", "a", ("the patient's name",)),
}  # fmt: skip


@pytest.mark.parametrize("case", PERSONAL)
def test_a_header_that_names_somebody_is_said_and_not_quoted(tmp_path: Path, case: str) -> None:
    patient, recording, reserved, stem, expected = PERSONAL[case]
    tals = annotations([b"+0\x14\x14\x00", b"+1\x14\x14\x00", b"+2\x14\x14\x00"])
    signals = [Signal(), *([tals] if reserved else [])]
    path = tmp_path / f"{stem}.edf"
    form = f"EDF{reserved}" if reserved else ""
    path.write_bytes(EdfBytes(signals, reserved=form, patient=patient, recording=recording).build())
    notes = [note for note in open_recording(path).warnings if "deidentify" in note]
    assert len(notes) == (1 if expected else 0)
    for words in expected:
        assert words in notes[0]
    for word in ("Canary", "Jane", "1951", "MCH", "Müller", "Who"):
        assert all(word not in note for note in notes)
    if not expected:
        assert read_header(path, "EDF").personal == ()


def test_info_warns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.edf"
    path.write_bytes(content())
    assert main(["info", str(path)]) == 0
    out, _ = capsys.readouterr()
    (note,) = [line for line in out.splitlines() if "deidentify" in line]
    assert "the patient's name" in note
    assert NAME not in out
