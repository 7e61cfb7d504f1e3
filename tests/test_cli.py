"""The command line: what it prints, where, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from simulated_files import write_events, write_noise
from tiny_models import save_tiny_model

from eegdash.cli import main
from eegdash.detection import find_events
from eegdash.io import open_recording
from eegdash.simulation import PATTERNS, REFERENCES, SEIZURES, VIGILANCE
from eegdash.workflows.desk import Desk

pytestmark = pytest.mark.usefixtures("desk")


def test_info_states_the_facts_and_the_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_noise(tmp_path / "night.edf")
    write_events(path, [(12, 8.5)], 60)
    assert main(["info", str(path)]) == 0
    out, err = capsys.readouterr()
    facts = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert facts["file"] == "night.edf"
    assert facts["duration"] == "60.000 s"
    assert facts["sampling"] == "128 Hz"
    assert facts["seizure"] == "12.00 to 20.50 s"
    assert facts["scoring"] == "possible"
    assert err == ""
    assert str(tmp_path) not in out


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.edf", b"", "empty"),
        ("text.edf", b"hello, this is text\n" * 50, "text"),
        ("zip.edf", b"PK\x03\x04" + b"\0" * 500, "zip"),
        ("pointer.edf", b"version https://git-lfs.github.com/spec/v1\noid x\n", "git lfs pull"),
        ("notes.txt", b"hello", "kind"),
        ("absent.edf", None, "not found"),
    ],
)
def test_info_refuses_in_one_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    words: str,
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert main(["info", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(name)
    assert words in err.lower()
    assert err.count("\n") == 1
    assert str(tmp_path) not in err


def test_score_of_a_folder_with_a_broken_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out_folder = tmp_path / "in", tmp_path / "out"
    write_noise(folder / "good.edf")
    (folder / "broken.edf").write_bytes(b"0" * 600)
    code = main(["score", str(folder), "--model", "tiny", "--out", str(out_folder)])
    out, err = capsys.readouterr()
    assert code == 1
    assert err.startswith("FAILED  broken.edf: broken.edf ")
    assert err.count("\n") == 1
    assert "scored  good.edf" in out
    assert "1 scored, 1 failed, model tiny" in out
    assert "Research use" in out
    names = sorted(path.name for path in out_folder.iterdir())
    assert names == ["good_desc-tiny_events.tsv", "good_desc-tiny_trace.csv"]


def test_score_of_good_recordings_is_0_and_of_none_is_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_noise(tmp_path / "good.edf")
    arguments = ["--model", "tiny", "--out", str(tmp_path / "out")]
    assert main(["score", str(good), *arguments]) == 0
    (tmp_path / "empty").mkdir()
    assert main(["score", str(tmp_path / "empty"), *arguments]) == 2
    assert "No recording was found" in capsys.readouterr().err
    assert main(["score", str(tmp_path / "absent.edf"), *arguments]) == 2
    assert "FAILED  absent.edf" in capsys.readouterr().err


def test_two_recordings_of_one_name_never_overwrite_each_others_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_noise(tmp_path / "in" / "a" / "night.edf", seed=0)
    write_noise(tmp_path / "in" / "b" / "night.edf", seconds=30, seed=1)
    arguments = ["--model", "tiny", "--out", str(tmp_path / "out")]
    assert main(["score", str(tmp_path / "in"), *arguments]) == 1
    assert "same name" in capsys.readouterr().err
    trace = (tmp_path / "out" / "night_desc-tiny_trace.csv").read_text()
    assert len([x for x in trace.splitlines() if x[:1].isdigit()]) == 35  # of the first one


def test_a_threshold_of_zero_detects_everything_and_of_one_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = str(write_noise(tmp_path / "good.edf"))
    for threshold, found in (("0", "1 detection,"), ("1", "0 detections")):
        out = str(tmp_path / threshold)
        code = main(["score", good, "--model", "tiny", "--threshold", threshold, "--out", out])
        assert code == 0
        assert found in capsys.readouterr().out


@pytest.mark.parametrize("threshold", ["1.5", "-0.1", "nan", "high"])
def test_a_threshold_outside_0_to_1_is_refused(
    tmp_path: Path, threshold: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["score", str(tmp_path), f"--threshold={threshold}"])
    assert caught.value.code == 2
    assert "--threshold" in capsys.readouterr().err


def test_an_unknown_model_is_refused_with_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_noise(tmp_path / "good.edf")
    assert main(["score", str(good), "--model", "best", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(
        "There is no model called best. Models found: other, tiny. "
    )


def test_simulate_writes_a_recording_and_its_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sim.edf"
    arguments = ["simulate", str(path), "--minutes", "3", "--seizures", "1", "--seed", "5"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == "wrote sim.edf and its truth beside it\n"
    first = path.read_bytes()
    assert main(arguments) == 0
    assert path.read_bytes() == first
    assert main(["info", str(path)]) == 0
    assert "1 seizure (" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("sim.txt", [], "named|name it"),
        ("sim.edf", ["--seizures", "99", "--minutes", "1"], "do not fit"),
        ("sim.edf", ["--seizures", "-1", "--minutes", "1"], "simulated"),
        ("file/sim.edf", ["--seizures", "0", "--minutes", "1"], "cannot be used"),
    ],
)
def test_simulate_refuses_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, more: list[str], words: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["simulate", str(tmp_path / name), *more]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert any(word in err for word in words.split("|")), err
    assert str(tmp_path) not in err


@pytest.mark.parametrize("minutes", ["0", "-3", "nan", "inf", "many"])
def test_lengths_that_are_none_are_refused(tmp_path: Path, minutes: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["simulate", str(tmp_path / "sim.edf"), f"--minutes={minutes}"])
    assert caught.value.code == 2


def test_no_command_prints_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "usage: python -m eegdash" in capsys.readouterr().err


def run(*arguments: str, workspace: Path, text: str | None = None) -> tuple[int, str, str]:
    environment = {**os.environ, "EEGDASH_WORKSPACE": str(workspace), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "eegdash", *arguments],
        env=environment, capture_output=True, text=True, timeout=60, input=text, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_module_runs_as_a_command(tmp_path: Path) -> None:
    bad = tmp_path / "bad.edf"
    bad.write_bytes(b"text" * 100)
    code, out, err = run("info", str(bad), workspace=tmp_path / "ws")
    assert (code, out) == (2, "")
    assert err.startswith("bad.edf")
    assert "Traceback" not in err


def test_the_worker_answers_on_its_standard_output_alone(tmp_path: Path, desk: Desk) -> None:
    save_tiny_model(desk.workspace.models, seed=0, name="tiny")
    path = write_noise(desk.workspace.recordings / "night.edf", seconds=20)
    requests = [
        {"id": "1", "task": "score", "arguments": {"path": str(path), "model": "tiny"}},
        {"id": "2", "task": "score", "arguments": {"path": str(path), "model": "absent"}},
        {"id": "3", "task": "unknown", "arguments": {}},
    ]
    text = "".join(json.dumps(request) + "\n" for request in requests)
    code, out, err = run("worker", workspace=desk.workspace.root, text=text)
    assert code == 0
    answers = [json.loads(line) for line in out.splitlines()]
    ends = {a["id"]: a for a in answers if "progress" not in a}
    assert ends["1"]["result"] == {"windows": 8}
    assert ends["2"]["error"].startswith("There is no model called absent.")
    assert "KeyError" in ends["3"]["error"]
    assert "night" not in err
    # and this process finds what the worker kept
    from eegdash.workflows.library import open_path
    from eegdash.workflows.score import load_trace

    trace = load_trace(desk, open_path(desk, path), desk.model("tiny"))
    assert trace is not None
    assert find_events(trace, 0)


def test_train_writes_a_model_that_scores(
    tmp_path: Path, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    # ten minutes instead of hours: whether it learns is tested with the training itself
    folder = desk.workspace.models / "mine"
    assert main(["train", "--out", str(folder), "--hours", "0.16", "--epochs", "1"]) == 0
    out, err = capsys.readouterr()
    assert "mine" in out
    assert "Trained on simulated people alone" in out
    assert "100.0 %" in err
    assert re.search("min(ute)? left", err)
    assert {path.name for path in folder.iterdir()} >= {
        "config.json", "model.safetensors", "README.md",
    }  # fmt: skip
    good = write_noise(tmp_path / "good.edf")
    arguments = ["--model", "mine", "--out", str(tmp_path / "out")]
    assert main(["score", str(good), *arguments]) == 0


def test_simulate_takes_choices_and_lists_the_whole_truth(tmp_path: Path) -> None:
    path = tmp_path / "sim.edf"
    arguments = ["simulate", str(path), "--minutes", "2", "--seizures", "1", "--seed", "5"]
    arguments += ["--kinds", "spike-wave", "--patterns", "LPD,spike", "--state", "awake"]
    arguments += ["--artefacts", "3", "--reference", "bipolar", "--line", "60", "--truth"]
    assert main(arguments) == 0
    assert open_recording(path).ch_names[0] == "FP1-F7"
    lines = (tmp_path / "sim_truth.tsv").read_text().splitlines()
    rows = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
    (seizure,) = [row for row in rows if row["eventType"] != "n/a"]
    assert seizure["kind"] == "spike-wave"
    assert seizure["eventType"] == "sz_gen_nm_typical"
    assert len({row["kind"] for row in rows}) > 3
    onsets = [float(row["onset"]) for row in rows]
    assert onsets == sorted(onsets)
    assert f"{onsets[rows.index(seizure)]:.2f}" in (tmp_path / "sim_events.tsv").read_text()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--kinds", "grand mal"], "of the kinds focal, spike-wave"),
        (["--patterns", "LPDs"], "LPDs is not among LPD"),
        (["--state", "dead"], "dead is not among awake"),
        (["--reference", "nose"], "nose is not among ears"),
    ],
)
def test_simulate_names_what_it_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    assert main(["simulate", str(tmp_path / "sim.edf"), "--minutes", "2", *more]) == 2
    err = capsys.readouterr().err
    assert err.startswith("The recording cannot be simulated: ")
    assert words in err
    assert list(tmp_path.glob("*sim*")) == []


def test_the_help_of_simulate_names_every_choice(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name in (*SEIZURES, *PATTERNS, *VIGILANCE, *REFERENCES):
        assert name in text, name


def test_a_reader_of_the_output_who_leaves_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    write_noise(path)
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "eegdash", "info", str(path)],
            stdout=write_end,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(write_end)
    assert (done.stderr, done.returncode) == ("", 2)
