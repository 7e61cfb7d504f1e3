"""Malformed and unusual files of the data pack, through the command line."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from eegdash.checkpoints import CheckpointInfo
from eegdash.cli import main
from eegdash.workflows.desk import Desk

HOSTILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "hostile"


def names() -> list[str]:
    """Return the files that the data pack lists; one that says so where there is no pack."""
    if not HOSTILE.is_dir():
        return ["the data pack is absent"]
    with (HOSTILE / "expected.tsv").open(encoding="utf-8", newline="") as table:
        return [row["file"] for row in csv.DictReader(table, delimiter="\t")]


# File -> exit code of "info" and words of its answer; after "score:" words of the refusal to score.
EXPECTED: dict[str, tuple[int, list[str], list[str]]] = {
    "malformed_numeric_header.edf": (2, ["physical maximum", "8e+003.5"], ["physical maximum"]),
    "git_lfs_pointer.edf": (2, ["Git LFS pointer", "not an EEG"], ["Git LFS pointer"]),
    "duplicate_channel_labels.edf": (
        0, ["EEG F1-Ref-0", "EEG F1-Ref-1", "more than once"], ["missing", "Fp1"]),
    "test_uneven_samp.edf": (0, ["12.8, 100 Hz", "different rates"], ["no 10-20 electrode"]),
    "mne_test.bdf": (0, ["2048 Hz", "1.000 s"], ["1.0 s", "9 s"]),
    "bdf_test.edf": (0, ["EEG Channel-1"], ["no 10-20 electrode", "map them"]),
    "test_edf_stim_channel.edf": (0, ["20 of 25", "9.594 s"], []),
    "SC4001EC-Hypnogram.edf": (0, ["0 of 0", "no EEG signal"], ["no 10-20 electrode"]),
    "short_psg.edf": (0, ["1, 100 Hz", "2 of 7"], ["montage"]),
    "test_utf8.edf": (0, ["698.000 s", "5 in the file"], ["missing", "Fp2"]),
    "test_subsecond.edf": (0, ["04:05:56.39"], ["missing", "Fp2"]),
    "szcore_unipolar.edf": (0, ["19 of 19", "Fp1-Avg"], ["2.0 s", "9 s"]),
    "datarec_0_5.bdf": (0, ["30.000 s", "1000, 1600, 1950, 1998, 2000 Hz"], ["10-20 electrode"]),
    "chb_header_2s_noise.edf": (
        0, ["T8-P8-0", "T8-P8-1", "2065", "more than once"], ["2.0 s", "9 s"]),
    "evt.bdf": (0, ["457 in the file", "no EEG signal", "0 of 1"], ["no 10-20 electrode"]),
}  # fmt: skip


@pytest.fixture
def hostile(data_pack: Path) -> Path:
    return data_pack / "hostile"


def test_every_file_of_the_list_is_expected_here(hostile: Path) -> None:
    assert sorted(names()) == sorted(EXPECTED)


@pytest.mark.parametrize("name", names())
def test_info_opens_or_refuses_in_words(
    hostile: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, words, _ = EXPECTED[name]
    assert main(["info", str(hostile / name)]) == code
    out, err = capsys.readouterr()
    said = out if code == 0 else err
    for word in words:
        assert word in said
    assert "Traceback" not in out + err
    assert str(hostile) not in out + err
    if code:
        assert (out, err.count("\n")) == ("", 1)


@pytest.mark.parametrize("name", names())
def test_score_fails_with_a_reason_and_never_writes_a_detection(
    hostile: Path,
    name: str,
    desk: Desk,
    tiny_model: CheckpointInfo,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, _, words = EXPECTED[name]
    arguments = ["--model", tiny_model.name, "--threshold", "0", "--out", str(tmp_path / "out")]
    code = main(["score", str(hostile / name), *arguments])
    out, err = capsys.readouterr()
    if name == "test_edf_stim_channel.edf":
        # 9.6 s of all electrodes: one window, without the stimulus channel, is a fair score
        assert (code, err) == (0, "")
        return
    assert code == 2
    assert err.startswith(f"FAILED  {name}: ")
    for word in words:
        assert word in err
    assert "0 scored, 1 failed" in out
    assert not (tmp_path / "out").exists()


def test_the_stimulus_channel_never_reaches_a_detector(hostile: Path) -> None:
    from eegdash.io import open_recording
    from eegdash.montage import MONTAGES, resolve

    recording = open_recording(hostile / "test_edf_stim_channel.edf")
    stimulus = recording.ch_names.index("DIG DTRIG")
    assert not recording.eeg[stimulus]
    for montage in MONTAGES.values():
        assert stimulus not in resolve(recording, montage).picks


def test_annotations_outside_ascii_are_readable(hostile: Path) -> None:
    from eegdash.io import open_recording

    texts = [a.text for a in open_recording(hostile / "test_utf8.edf").annotations]
    assert any(not text.isascii() for text in texts)
    assert not any("\ufffd" in text for text in texts)


def test_the_fraction_of_the_start_is_kept(hostile: Path) -> None:
    from eegdash.io import open_recording

    start = open_recording(hostile / "test_subsecond.edf").start
    assert start is not None
    assert start.microsecond == 394531
