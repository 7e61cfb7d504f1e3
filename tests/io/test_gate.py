"""The header gate: what a hostile or damaged EDF gets, in time and memory that are bounded."""

from __future__ import annotations

import random
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from edf_bytes import EdfBytes, Signal, annotations

from eegdash.errors import HeaderError, NotAnEegError, RecordingError
from eegdash.io import open_recording
from eegdash.io.gate import read_header


def big(**changes: object) -> bytes:
    """A file of about 20 kB with one thing changed."""
    return EdfBytes(signals=[Signal(samples=100)], n_records=100, **changes).build()  # type: ignore[arg-type]


def signal(**changes: object) -> bytes:
    return EdfBytes(signals=[Signal(**changes)]).build()  # type: ignore[arg-type]


def zipped(tmp_path: Path) -> bytes:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.edf", big())
    return archive.read_bytes()


NOT_AN_EEG = {
    "empty": (b"", "is empty"),
    "short": (b"\x01\x02\x03", "not an EEG"),
    "text": (b"Patient,Time\n" * 100, "holds text"),
    "short text": (b"hello", "holds text"),
    "gzip": (b"\x1f\x8b\x08\x00" + b"\x00" * 400, "gzip archive"),
    "git lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "git lfs pull",
    ),
    "png": (b"\x89PNG\r\n\x1a\n" + b"\x00" * 400, "PNG picture"),
    "pdf": (b"%PDF-1.7\n" + b"\x00" * 400, "PDF document"),
    "wrong magic": (b"\x07" * 4000, "does not begin as EDF"),
    "a BDF": (b"\xffBIOSEMI" + big()[8:], "Rename it to end in .bdf"),
}
HEADERS = {
    "magic only": (b"0       ", "cut off"),
    "cut in the header": (big()[:300], "inside its header"),
    "no data": (big()[:512], "no complete data record"),
    "9999 signals": (big(n_signals=9999), "found 9999"),
    "0 signals": (big(n_signals=0), "found 0"),
    "negative signals": (big(n_signals=-1), "found -1"),
    "signals text": (big(n_signals="many"), "number of signals, found 'many'"),
    "header bytes": (big(header_bytes=768), "found 768"),
    "header bytes text": (big(header_bytes="x"), "bytes in the header"),
    "more signals": (big(n_signals=7, header_bytes=2048), "damaged header"),
    "records text": (big(stated_records="lots"), "number of data records, found 'lots'"),
    "records negative": (big(stated_records=-2), "found -2"),
    "records zero": (big(stated_records=0), "found 0"),
    "records fraction": (big(stated_records="1.5"), "found '1.5'"),
    "duration zero": (big(duration=0), "more than 0 s"),
    "duration negative": (big(duration=-1), "more than 0 s"),
    "duration nan": (big(duration="nan"), "found 'nan'"),
    "duration inf": (big(duration="inf"), "found 'inf'"),
    "duration overflow": (big(duration="1e999"), "found '1e999'"),
    "duration tiny": (big(duration="1e-300"), "more than 200000 per second"),
    "duration a year": (big(duration=99999999), "at most a day"),
    "lasts years": (EdfBytes(n_records=500, duration=86400).build(), "longer than a year"),
    "samples zero": (big()[: 256 + 216] + b"0".ljust(8) + big()[256 + 224 :], "found 0"),
    "samples negative": (big()[: 256 + 216] + b"-5".ljust(8) + big()[256 + 224 :], "found -5"),
    "samples absurd": (big()[: 256 + 216] + b"99999999" + big()[256 + 224 :], "damaged header"),
    "physical equal": (signal(physical_min=5, physical_max=5), "different physical"),
    "physical nan": (signal(physical_max="nan"), "physical maximum of signal 1 (Fp1)"),
    "physical inf": (signal(physical_min="-inf"), "physical minimum of signal 1 (Fp1)"),
    "physical empty": (signal(physical_min=""), "found nothing"),
    "digital equal": (signal(digital_min=7, digital_max=7), "different digital"),
    "digital text": (signal(digital_max="32k"), "digital maximum of signal 1 (Fp1)"),
    "digital huge": (signal(digital_max=99999999), "whole numbers"),
}  # fmt: skip


def refused(tmp_path: Path, content: bytes, error: type[RecordingError]) -> str:
    path = tmp_path / "patient.edf"
    path.write_bytes(content)
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(error) as caught:
        open_recording(path)
    seconds = time.perf_counter() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 1
    assert peak < 200e6
    message = str(caught.value)
    assert message.startswith("patient.edf ")
    assert message.endswith(".")
    assert str(tmp_path) not in message
    return message


@pytest.mark.parametrize("case", NOT_AN_EEG)
def test_what_is_not_an_eeg_is_refused_in_words(tmp_path: Path, case: str) -> None:
    content, expected = NOT_AN_EEG[case]
    assert expected in refused(tmp_path, content, NotAnEegError)


def test_a_renamed_archive_is_refused_in_words(tmp_path: Path) -> None:
    assert "ZIP archive" in refused(tmp_path, zipped(tmp_path), NotAnEegError)


@pytest.mark.parametrize("case", HEADERS)
def test_a_broken_header_is_refused_in_words(tmp_path: Path, case: str) -> None:
    content, expected = HEADERS[case]
    assert expected in refused(tmp_path, content, HeaderError)


@pytest.mark.parametrize(
    ("stated", "cut", "says"),
    [
        (-1, 0, "does not say how many records follow (-1), found 100."),
        (5000, 0, "says 5000 records, found 100."),
        (100, 150, "says 100 records, found 99 and 50 bytes of an incomplete one."),
        (40, 0, "says 40 records, found 100."),
    ],
)
def test_a_wrong_record_count_gives_the_complete_records(
    tmp_path: Path, stated: int, cut: int, says: str
) -> None:
    content = big(stated_records=stated)
    path = tmp_path / "x.edf"
    path.write_bytes(content[: len(content) - cut])
    recording = open_recording(path)
    assert any(says in warning for warning in recording.warnings), recording.warnings
    assert recording.duration_s == (99 if cut else 100)
    assert recording.read(0, 100)[0, 10] == pytest.approx(1.0, abs=0.01)


def test_a_sound_file_has_no_warning(tmp_path: Path) -> None:
    path = tmp_path / "x.edf"
    path.write_bytes(big())
    assert open_recording(path).warnings == ()


def test_placeholder_with_equal_ranges_does_not_cost_the_eeg(tmp_path: Path) -> None:
    """CHB-MIT has channels named '-' whose ranges are 0 to 0."""
    path = tmp_path / "x.edf"
    empty = Signal(label="-", physical_min=0, physical_max=0, digital_min=0, digital_max=0)
    path.write_bytes(EdfBytes([Signal(), empty]).build())
    recording = open_recording(path)
    assert recording.eeg == (True, False)
    page = recording.read(0, 4)
    assert list(page[0]) == pytest.approx([0, 0.1, 0.2, 0.3], abs=0.01)
    assert all(value != value for value in page[1])  # nan: its scale is not defined


def test_patient_fields_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.edf"
    path.write_bytes(
        big(
            patient="CANARY F 01-JAN-1950 Canary_Name", recording="Startdate 02-MAR-2021 CANARY X X"
        )
    )
    assert "CANARY" not in repr(read_header(path, "EDF")).upper()
    assert "CANARY" not in repr(open_recording(path)).upper()


def test_gate_reads_little_of_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "x.edf"
    header = EdfBytes(signals=[Signal(samples=1000)], n_records=0, stated_records=500_000).header()
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + 500_000 * 2000)  # sparse, 1 GB
    tracemalloc.start()
    began = time.perf_counter()
    header_read = read_header(path, "EDF")
    seconds = time.perf_counter() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert header_read.n_records == 500_000
    assert seconds < 0.1
    assert peak < 1e6


@pytest.mark.parametrize("name", ["../up.edf", "a\x00b.edf", "x" * 300 + ".edf", "missing.edf"])
def test_odd_names_are_not_found_in_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordingError, match="was not found"):
        open_recording(tmp_path / name)


def test_unusual_but_legal_names_open(tmp_path: Path) -> None:
    for name in ("Anfall_ä_日本.edf", "a\u202efde.edf", "UPPER.EDF"):
        path = tmp_path / name
        path.write_bytes(big())
        assert open_recording(path).path.name == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.txt", "Expected one of .edf"),
        ("a.fif.gz", "Unpack"),
        ("a.eeg", "a.vhdr"),
        ("a.fdt", "a.set"),
    ],
)
def test_other_suffixes_are_refused_with_a_remedy(tmp_path: Path, name: str, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(big())
    with pytest.raises(RecordingError, match=says):
        open_recording(path)


BAD_TALS = {
    "invalid utf-8": (b"+1\x14\xff\xfe\x14\x00", "not UTF-8", 1),
    "nan onset": (b"+nan\x14x\x14\x00", "1 annotations of the file were left out", 0),
    "negative onset": (b"-5\x14x\x14\x00", "before its start", 0),
    "after the end": (b"+999\x14x\x14\x00", "after its end", 0),
    "garbage": (b"\x01\x02\x14\x15\x15\x00", "left out", 0),
}


@pytest.mark.parametrize("case", BAD_TALS)
def test_bad_annotations_leave_the_signal_readable(tmp_path: Path, case: str) -> None:
    tal, says, kept = BAD_TALS[case]
    tals = annotations([b"+0\x14\x14\x00" + tal, b"+1\x14\x14\x00", b"+2\x14\x14\x00"])
    path = tmp_path / "x.edf"
    path.write_bytes(EdfBytes([Signal(), tals], reserved="EDF+C").build())
    recording = open_recording(path)
    assert any(says in warning for warning in recording.warnings), recording.warnings
    assert len(recording.annotations) == kept
    assert recording.read(0, 12)[0, 11] == pytest.approx(1.1, abs=0.01)


def mutated(content: bytes, rng: random.Random) -> bytes:
    """A few fields overwritten, bytes flipped or cut out."""
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 3, 20))):
        at = rng.randrange(len(damaged))
        kind = rng.randrange(4)
        if kind == 0:
            damaged[at] = rng.randrange(256)
        elif kind == 1:
            damaged[at : at + 1] = bytes([rng.choice(b"0123456789-+. e\x00\xff\x14\x15")])
        elif kind == 2:
            fields = (b"99999999", b"-1      ", b"nan     ", b"1e300   ", b"0       ", b"\xff" * 8)
            damaged[at : at + 8] = rng.choice(fields)
        else:
            del damaged[at : at + rng.choice((1, 40, 200))]
    return bytes(damaged)


def test_random_damage_opens_or_is_refused_in_words(tmp_path: Path) -> None:
    tals = [b"+%d\x14\x14\x00+%d.5\x151\x14sz\x14\x00" % (i, i) for i in range(6)]
    signals = [Signal(), Signal("ECG", samples=8), annotations(tals)]
    content = EdfBytes(signals, 6, reserved="EDF+D").build()
    rng = random.Random(11)
    refusals: list[str] = []
    for _ in range(500):
        path = tmp_path / "x.edf"
        path.write_bytes(mutated(content, rng))
        began = time.perf_counter()
        try:
            recording = open_recording(path)
            for start in (-5, 0, recording.n_samples // 2, recording.n_samples - 50):
                page = recording.read(start, start + 100)
                assert page.shape == (len(recording.ch_names), 100)
        except RecordingError as error:
            refusals.append(str(error))
        assert time.perf_counter() - began < 1
    assert 100 < len(refusals) < 450
    assert all(message.startswith("x.edf ") for message in refusals)
