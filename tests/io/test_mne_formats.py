"""What the BrainVision, EEGLAB and FIF readers add to the common contract."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from format_files import WRITERS
from hostile_cases import mutated

from eegdash.errors import RecordingError
from eegdash.io import open_recording
from eegdash.io.parser import PARSERS

SIGNAL_UV = np.random.default_rng(3).standard_normal((2, 1000)).astype(np.float32) * 40


def write_set(path: Path, *, compressed: bool = False, **changes: object) -> None:
    from scipy.io import savemat

    names = ("times", "epoch", "icawinv", "icasphere", "icaweights", "urchanlocs", "event")
    fields: dict[str, object] = {name: [] for name in names}
    fields |= {
        "nbchan": 2.0, "trials": 1.0, "pnts": 1000.0, "srate": 100.0, "xmin": 0.0, "xmax": 9.99,
        "data": SIGNAL_UV, "chaninfo": {"plotrad": []}, "setname": "a", "ref": "common",
        "chanlocs": np.array([("Fp1",), ("F7",)], dtype=[("labels", object)]),
    }  # fmt: skip
    savemat(path, {"EEG": fields | changes}, appendmat=False, do_compression=compressed)


def test_eeglab_samples_inside_the_set(tmp_path: Path) -> None:
    write_set(tmp_path / "a.set")
    recording = open_recording(tmp_path / "a.set")
    np.testing.assert_allclose(recording.read(0, 1000), SIGNAL_UV, atol=1e-4)


def test_eeglab_epochs_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path / "a.set", trials=10.0, pnts=100.0, data=SIGNAL_UV.reshape(2, 100, 10))
    with pytest.raises(RecordingError, match="holds 10 epochs"):
        open_recording(tmp_path / "a.set")


def test_eeglab_matlab_7_3_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.set").write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(600))
    with pytest.raises(RecordingError, match=r"'v7\.3' switched off"):
        open_recording(tmp_path / "a.set")


def test_eeglab_boundary_is_said_and_is_no_gap(tmp_path: Path) -> None:
    event = np.array(
        [(501.0, "boundary", 5000.0)],
        dtype=[("latency", object), ("type", object), ("duration", object)],
    )
    write_set(tmp_path / "a.set", event=event)
    recording = open_recording(tmp_path / "a.set")
    assert recording.gaps == ()
    assert any("1 boundaries" in warning for warning in recording.warnings)


def test_fif_that_begins_after_its_measurement(tmp_path: Path) -> None:
    import mne

    info = mne.create_info(["Fp1", "F7"], 100.0, "eeg")
    raw = mne.io.RawArray(SIGNAL_UV * 1e-6, info, first_samp=250, verbose="error")
    raw.set_meas_date(datetime(2020, 1, 1, 12, tzinfo=UTC))
    raw.info["subject_info"] = {"last_name": "CANARY", "id": 1}
    raw.set_annotations(mne.Annotations([4.5], [1.0], ["mark"], orig_time=raw.info["meas_date"]))
    raw.save(tmp_path / "a_eeg.fif", verbose="error")
    recording = open_recording(tmp_path / "a_eeg.fif")
    assert recording.start == datetime(2020, 1, 1, 12, 0, 2, 500_000)
    assert [a.onset_s for a in recording.annotations] == [2.0]
    np.testing.assert_allclose(recording.read(0, 1000), SIGNAL_UV, atol=1e-4)
    # who it is never leaves the process that parses
    assert "CANARY" not in repr(recording)
    assert recording.warnings == (recording.personal,)
    assert "holds the patient's name. " in recording.personal
    facts, content = PARSERS.ask(recording.source.source, "describe")  # type: ignore[attr-defined]
    assert "CANARY" not in repr(facts) + repr(content)


@pytest.mark.parametrize("name", ["../b.eeg", "/etc/passwd", "..\\b.eeg"])
def test_brainvision_header_cannot_reach_into_other_folders(tmp_path: Path, name: str) -> None:
    header = (
        f"Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nDataFile={name}\n"
    )
    (tmp_path / "a.vhdr").write_text(header)
    with pytest.raises(RecordingError, match="in another folder"):
        open_recording(tmp_path / "a.vhdr")


def test_fif_whose_tags_run_in_a_circle_is_refused_in_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MNE never returns from such a file; the process that parses it is ended and replaced."""
    import mne

    info = mne.create_info(["Fp1", "F7"], 100.0, "eeg")
    path = tmp_path / "a_eeg.fif"
    mne.io.RawArray(SIGNAL_UV * 1e-6, info, verbose="error").save(path, verbose="error")
    content = bytearray(path.read_bytes())
    content[52:56] = (-1).to_bytes(4, "big", signed=True)  # no directory: the tags are walked
    content[68:72] = (56).to_bytes(4, "big")  # the third tag is its own successor
    path.write_bytes(bytes(content))
    sound = tmp_path / "b_eeg.fif"
    mne.io.RawArray(SIGNAL_UV * 1e-6, info, verbose="error").save(sound, verbose="error")
    before = open_recording(sound)
    monkeypatch.setattr("eegdash.io.parser.ANSWER_S", 2.0)
    began = time.perf_counter()
    with pytest.raises(RecordingError, match=r"a_eeg\.fif cannot be read as FIF"):
        open_recording(path)
    assert 2.0 <= time.perf_counter() - began < 15
    # the one that took its place serves what was open before
    np.testing.assert_allclose(before.read(0, 1000), SIGNAL_UV, atol=1e-4)


def test_a_file_that_asks_for_too_much_memory_is_refused_and_the_next_one_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zeros take a thousandth of their room in a compressed file."""
    write_set(tmp_path / "a.set")
    bomb = np.zeros((2, 40_000_000), np.int8)
    write_set(tmp_path / "b.set", data=bomb, pnts=4e7, compressed=True)
    assert (tmp_path / "b.set").stat().st_size < 500_000
    monkeypatch.setattr("eegdash.io.parser.ROOM_BYTES", 150 << 20)
    with pytest.raises(RecordingError, match=r"b\.set cannot be read as EEGLAB"):
        open_recording(tmp_path / "b.set")
    assert open_recording(tmp_path / "a.set").n_samples == 1000


@pytest.mark.parametrize("suffix", [".vhdr", ".set", ".fif"])
def test_damaged_files_open_or_are_refused_in_words(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eegdash.io.parser.ANSWER_S", 2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the writing library
        path, files = WRITERS[suffix][0](tmp_path)
    sound = {file: file.read_bytes() for file in files}
    rng = random.Random(3)
    said = []
    for _ in range(int(os.environ.get("EEGDASH_FUZZ_MUTANTS", "2400")) // 80):
        for file, content in sound.items():
            file.write_bytes(content)
        damaged = rng.choice([path, *files])
        damaged.write_bytes(mutated(sound[damaged], rng))
        try:
            recording = open_recording(path)
            recording.read(0, 100)
            recording.read(recording.n_samples - 50, recording.n_samples + 50)
        except RecordingError as error:
            said.append(str(error))
    assert 3 < len(said) < 28 or "EEGDASH_FUZZ_MUTANTS" in os.environ
    assert all(path.name in words and str(tmp_path) not in words for words in said)


def test_a_process_that_was_killed_is_replaced(tmp_path: Path) -> None:
    write_set(tmp_path / "a.set")
    recording = open_recording(tmp_path / "a.set")
    for child in PARSERS._idle:
        child.process.kill()
        child.process.wait(timeout=10)
    np.testing.assert_allclose(recording.read(0, 1000), SIGNAL_UV, atol=1e-4)


def test_readers_at_once_get_what_each_would_get_alone(tmp_path: Path) -> None:
    for name in "abcd":
        write_set(tmp_path / f"{name}.set", data=SIGNAL_UV * (ord(name) - 90))
    recordings = [open_recording(tmp_path / f"{name}.set") for name in "abcd"]
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda i: recordings[i % 4].read(i, i + 100), range(80)))
    for i, page in enumerate(pages):
        expected = SIGNAL_UV[:, i : i + 100] * (ord("abcd"[i % 4]) - 90)
        np.testing.assert_allclose(page, expected, rtol=1e-5, atol=1e-3)


def test_a_recording_that_is_replaced_while_open_is_not_read_on(tmp_path: Path) -> None:
    write_set(tmp_path / "a.set")
    recording = open_recording(tmp_path / "a.set")
    write_set(tmp_path / "a.set", data=SIGNAL_UV[:, ::-1].copy(), setname="another")
    with pytest.raises(RecordingError, match="has changed since it was opened"):
        recording.read(0, 10)
    (tmp_path / "a.set").unlink()
    with pytest.raises(RecordingError, match="has changed since it was opened"):
        recording.read(0, 10)


def test_importing_the_readers_imports_no_heavy_library() -> None:
    heavy = {"mne", "scipy.signal", "scipy.io", "pandas", "wfdb", "torch", "edfio"}
    code = "import sys, eegdash.io, eegdash.export; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert heavy & set(done.stdout.split()) == set()
