"""The command line of evaluation and download: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulated_files import write_events, write_noise

from eegdash.cli import main
from eegdash.errors import DatasetError
from eegdash.io.physionet import BASE_URL, Downloaded, DownloadProgress

pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for k in range(2):
        path = write_noise(folder / f"sub-{k}_night.edf", seconds=90, seed=k)
        write_events(path, [(30, 20)] if k else [], 90)
    return folder


def test_evaluate_prints_tables_and_writes_figures(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out_file = tmp_path / "out.json"
    arguments = ["evaluate", str(data), "--model", "tiny", "--json", str(out_file)]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert out.startswith("detector      tiny ")
    assert "== recordings: 2 recordings, 2 persons, 3.0 min of known truth" in out
    for words in ("SzCORE events sensitivity", "root mean square", "gain test", "sub-1_night.edf",
                  "Brier", "Research use", "wrote out.json", "seizure-free"):  # fmt: skip
        assert words in out
    assert "2 of 2" in err
    assert str(tmp_path) not in out + err
    values = json.loads(out_file.read_text())
    assert values["detector"] == "tiny"
    assert "night" not in out_file.read_text()
    assert values["groups"][0]["gain"] is not None


def test_evaluate_counts_failures_in_its_exit_code(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "sub-2_night.edf").write_bytes(b"0" * 600)
    assert main(["evaluate", str(data), "--model", "tiny", "--no-gain"]) == 1
    out = capsys.readouterr().out
    assert "FAILED  sub-2_night.edf" in out
    assert "gain test" not in out
    for path in data.glob("sub-[01]*"):
        path.unlink()
    assert main(["evaluate", str(data), "--model", "tiny"]) == 2
    assert main(["evaluate", str(data / "absent")]) == 2
    assert "absent was not found" in capsys.readouterr().err


def test_evaluate_takes_another_programs_detections(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for k, row in enumerate(("0\t90\tbckg", "35\t10\tsz")):
        (theirs / f"sub-{k}_night_events.tsv").write_text(f"onset\tduration\teventType\n{row}\n")
    assert main(["evaluate", str(data), "--detections", str(theirs)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("detector      theirs\n")
    assert "SzCORE events sensitivity 100.0 % (1 of 1)  precision 100.0 %" in out
    assert "AUROC" not in out


@pytest.mark.parametrize(
    ("choice", "words"),
    [("window-f1", "for window-f1"), ("fp-per-24h=5000", "for fp-per-24h of 5000"),
     ("sensitivity=0.5", "for sensitivity of 0.5")],
)  # fmt: skip
def test_evaluate_chooses_a_threshold(
    data: Path, choice: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(data), "--model", "tiny", "--no-gain", "--choose", choice]) == 0
    out = capsys.readouterr().out
    assert f"(chosen on these recordings {words}: " in out
    assert "flatter the detector" in out


@pytest.mark.parametrize("choice", ["best", "event-f1=3", "sensitivity", "sensitivity=x",
                                    "fp-per-24h=-1"])  # fmt: skip
def test_evaluate_refuses_a_criterion_that_is_none(data: Path, choice: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", str(data), f"--choose={choice}"])
    assert caught.value.code == 2


def test_download_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def fake(cases, out, *, base_url, progress, patience):  # type: ignore[no-untyped-def]
        asked.append((cases, out.name, base_url))
        patience.wait(0.0)
        progress(DownloadProgress("chb01/chb01_01.edf", 1 << 20, 40 << 20, 3, 47, 1 << 20, 600.0))
        return Downloaded(("chb01/chb01_01.edf",), ("RECORDS",), 42_000_000)

    monkeypatch.setattr("eegdash.io.physionet.download_chbmit", fake)
    arguments = ["download", "chbmit", "--case", "chb01", "--case", "chb03", "--out",
                 str(tmp_path / "set")]  # fmt: skip
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert asked == [(["chb01", "chb03"], "set", BASE_URL)]
    assert "3 of 47 files  chb01/chb01_01.edf  1 of 40 MB, about 10 min left" in err
    assert "the connection broke, trying again in 0 s" in err
    assert out.startswith("1 files downloaded (42.0 MB), 1 were there already")
    assert "ODC-By" in out
    assert main(["download", "chbmit", "--all", "--base-url", "http://x/"]) == 0
    assert asked[-1] == ([], "chbmit", "http://x/")


def test_download_asks_for_a_case_and_passes_refusals_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", "chbmit"]) == 2
    assert main(["download", "chbmit", "--all", "--case", "chb01"]) == 2
    assert capsys.readouterr().err.count("--case") == 2

    def refuse(*arguments: object, **more: object) -> None:
        raise DatasetError("The disk is full.")

    monkeypatch.setattr("eegdash.io.physionet.download_chbmit", refuse)
    assert main(["download", "chbmit", "--case", "chb01"]) == 2
    assert capsys.readouterr().err == "The disk is full.\n"
