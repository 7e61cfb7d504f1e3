"""Whole commands that are killed, and places that cannot be written: what is left, what is said.

Parts of this are tried elsewhere, where the part is; docs/faults.md says where, for every fault.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil
import pytest
from simulated_files import write_noise
from taught_workspace import put, say

from eegdash import detection
from eegdash.checkpoints import CheckpointInfo, list_checkpoints
from eegdash.cli import main
from eegdash.workflows.desk import Desk
from eegdash.workflows.library import known_hash
from eegdash.workflows.score import Failed, is_scored, score
from eegdash.workflows.teach import teach, unfinished

ROOT = Path(__file__).resolve().parents[1]
_LIMIT_S = 120.0


@contextmanager
def started(
    *arguments: object, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run Python in a process group of its own, as a terminal does."""
    # tests that run in the background are started with Ctrl-C ignored, and would hand that on
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
            text=True,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)


def command(*arguments: object, workspace: Path) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run ``python -m eegdash``."""
    environment = {"EEGDASH_WORKSPACE": str(workspace)}
    return started("-m", "eegdash", *arguments, environment=environment)


def kill(process: subprocess.Popen[str]) -> None:
    """End the process alone, as the kernel does when memory is short."""
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL


def await_line(process: subprocess.Popen[str], beginning: str) -> str:
    """Wait until the command prints a line."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(beginning):
            return line
    raise AssertionError(f"it ended without a line {beginning!r}")


def await_file(folder: Path, pattern: str, process: subprocess.Popen[str]) -> Path:
    """Wait until the command has written a file."""
    deadline = time.monotonic() + _LIMIT_S
    while time.monotonic() < deadline:
        found = next(iter(folder.glob(pattern)), None)
        if found is not None:
            return found
        assert process.poll() is None, "it ended too early"
        time.sleep(0.002)
    raise AssertionError(f"no {pattern} after {_LIMIT_S:.0f} s")


def ended(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that still run after a while."""
    return psutil.wait_procs(processes, timeout=30)[1]


def written(folder: Path) -> dict[str, bytes]:
    """Return the results in a folder, without what a kill may leave half-written."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if not path.name.startswith(".writing-")
    }


# ---- scoring --------------------------------------------------------------------------------


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Some recordings, the later ones long enough to be killed in."""
    for i in range(4):
        write_noise(tmp_path / "in" / f"night{i}.edf", seconds=40 if i == 0 else 1200, seed=i)
    return tmp_path / "in"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_scoring_goes_on_where_it_was(
    recordings: Path,
    tmp_path: Path,
    tiny_models: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
) -> None:
    workspace, out, model = tmp_path / "workspace", tmp_path / "out", tiny_models / "tiny"
    arguments = ("score", recordings, "--model", model, "--out", out)
    with command(*arguments, "--workers", workers, workspace=workspace) as process:
        await_line(process, "scored  night")
        children = psutil.Process(process.pid).children(recursive=True)
        kill(process)
    assert len(children) >= (workers if workers > 1 else 0)
    assert ended(children) == []  # nothing goes on without the one who asked
    before = written(out)
    n_done = len([name for name in before if name.endswith("events.tsv")])
    assert n_done >= 1
    scored = []
    detect = detection.detect
    monkeypatch.setattr(
        detection, "detect", lambda *a, **k: scored.append(a[0].path.stem) or detect(*a, **k)
    )
    monkeypatch.setenv("EEGDASH_WORKSPACE", str(workspace))
    assert main([str(argument) for argument in arguments]) == 0
    assert len(scored) <= 4 - n_done
    monkeypatch.setenv("EEGDASH_WORKSPACE", str(tmp_path / "fresh"))
    whole = ("score", recordings, "--model", model, "--out", tmp_path / "whole")
    assert main([str(argument) for argument in whole]) == 0
    assert written(out) == written(tmp_path / "whole")
    assert before.items() <= written(out).items()


def test_ctrl_c_ends_a_scoring_on_processes_without_orphans(
    recordings: Path, tmp_path: Path, tiny_models: Path
) -> None:
    arguments = ("score", recordings, "--model", tiny_models / "tiny", "--out", tmp_path / "out")
    with command(*arguments, "--workers", 2, workspace=tmp_path / "workspace") as process:
        await_line(process, "scored  night")
        children = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of them
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.strip() == "Stopped. What was done is kept; the same command goes on."
    assert children
    assert ended(children) == []


# ---- training, teaching, labels, reports ------------------------------------------------------


def test_a_killed_training_goes_on(tmp_path: Path) -> None:
    arguments = ("train", "--hours", 0.05, "--epochs", 3, "--seed", 2, "--out")
    workspace = tmp_path / "workspace"
    with command(*arguments, tmp_path / "model", workspace=workspace) as process:
        await_file(tmp_path, ".model-training/state.json", process)
        kill(process)
    assert not (tmp_path / "model").exists()
    for folder in (tmp_path, tmp_path / "whole"):
        # on as many cores as before: a sum on more of them has other last bits
        with command(*arguments, folder / "model", workspace=workspace) as process:
            process.communicate(timeout=_LIMIT_S)
        assert process.returncode == 0
    weights = [folder / "model" / "model.safetensors" for folder in (tmp_path, tmp_path / "whole")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_killed_report_leaves_none_and_is_written_again(
    tmp_path: Path, tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "workspace"
    path = write_noise(tmp_path / "night.edf", seconds=90)
    arguments = ("report", path, "--model", tiny_models / "tiny", "--no-llm")
    with command(*arguments, workspace=workspace) as process:
        await_file(workspace, "cache/cache.db", process)
        time.sleep(0.5)  # somewhere on the way
        kill(process)
    left = [entry.name for entry in (workspace / "reports").iterdir()]
    assert all(name.startswith(".unfinished") for name in left)
    monkeypatch.setenv("EEGDASH_WORKSPACE", str(workspace))
    assert main([str(argument) for argument in arguments]) == 0
    [folder] = [p for p in (workspace / "reports").iterdir() if not p.name.startswith(".")]
    assert json.loads((folder / "report.json").read_text())["files"]


_TEACH = """
import sys
from pathlib import Path
from taught_workspace import QUICK, model
from eegdash.settings import Settings
from eegdash.workflows import desk as desks
from eegdash.workflows.teach import request_now, teach
from eegdash.workflows.teach_labels import TeachChoice
desks.SHIPPED_MODELS = Path(sys.argv[2])
desk = desks.open_desk(Settings(workspace=Path(sys.argv[1])))
choice = TeachChoice(keep_aside=0.0)
teach(desk, request_now(desk, model(desk), choice=choice, parameters=QUICK, reviewer="AB"))
"""


def test_a_killed_teaching_is_found_and_goes_on(desk: Desk, tiny_models: Path) -> None:
    for number in range(2):
        sha256 = put(desk, f"labelled{number}", number)
        say(desk, sha256, "missed", 20, 50)
        say(desk, sha256, "disagree", 70, 90)
    arguments = (desk.workspace.root, tiny_models)
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    with started("-c", _TEACH, *arguments, environment=environment) as process:
        await_file(desk.workspace.models, ".teach-*/fit/state.json", process)
        kill(process)
    assert [info.name for info in desk.models()] == ["other", "tiny"]
    [run] = unfinished(desk)
    found = teach(desk, run.request)
    assert found.sha256 not in {info.sha256 for info in list_checkpoints(tiny_models)}
    assert not unfinished(desk)
    assert len(desk.labels.all()) == 4


# ---- recordings that change -------------------------------------------------------------------


@pytest.mark.parametrize("how", ["replaced", "removed", "cut short"])
def test_a_recording_that_changes_while_it_is_scored_fails_and_leaves_no_trace(
    desk: Desk, tiny_model: CheckpointInfo, tmp_path: Path, how: str
) -> None:
    path = write_noise(desk.workspace.recordings / "night.edf", seconds=600)
    sha256 = known_hash(desk, path)
    other = write_noise(tmp_path / "other.edf", seconds=600, seed=1)

    changes = {
        "removed": path.unlink,
        "replaced": lambda: other.replace(path),
        "cut short": lambda: os.truncate(path, path.stat().st_size // 2),
    }

    def change(done: float) -> None:
        if how in changes and done > 0.3:
            changes.pop(how)()

    outcome = score(desk, path, tiny_model, change)
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("night.edf ")
    assert outcome.reason.endswith(".")
    assert not is_scored(desk, sha256, tiny_model)


# ---- places that cannot be written ------------------------------------------------------------


def test_a_read_only_workspace_is_said_in_words(
    tmp_path: Path, tiny_models: Path, desk: Desk
) -> None:
    path = write_noise(tmp_path / "night.edf", seconds=30)
    scoring = ("score", path, "--model", tiny_models / "tiny", "--out", tmp_path / "out")
    label = (
        "from eegdash.workflows.desk import open_desk; from eegdash.labels import DraftLabel; "
        "open_desk().append(DraftLabel(idempotency_id='a', reviewer='A', "
        f"recording_sha256={'ab' * 32!r}, onset_s=1.0, duration_s=2.0, verdict='agree'))"
    )
    with read_only(desk.workspace.root):
        code, out, err = without_rights("-m", "eegdash", *scoring, workspace=desk.workspace.root)
        _, _, not_saved = without_rights("-c", label, workspace=desk.workspace.root)
        inside = desk.workspace.root / "inside"
        refused, _, words = without_rights("-m", "eegdash", "labels", "list", workspace=inside)
    assert code == 2
    assert err.startswith("FAILED  night.edf: hashes.json could not be written (Permission denied)")
    assert "LabelNotSavedError: NOT saved: " in not_saved
    assert refused == 2
    assert "cannot be made (Permission denied)" in words
    for text in (out, err, words):
        assert "Traceback" not in text
        assert str(tmp_path) not in text
    assert desk.labels.all() == []


def test_a_full_disk_is_said_and_a_recording_is_never_half_written(
    tmp_path: Path, tiny_models: Path
) -> None:
    recordings = tmp_path / "in"
    for i in range(2):
        write_noise(recordings / f"night{i}.edf", seconds=300, seed=i)
    out, workspace = tmp_path / "out", tmp_path / "workspace"
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
    run = "from eegdash.cli import main; sys.exit(main(sys.argv[1:]))"
    scoring = ("score", recordings, "--model", tiny_models / "tiny", "--out", out)
    code, _, err = without_rights("-c", limit + run, *scoring, workspace=workspace)
    assert code in (1, 2)
    assert re.search(r"^FAILED  night1.edf: .*(File too large|disk)", err, re.MULTILINE), err
    assert "Traceback" not in err
    assert all(path.name.endswith((".tsv", ".csv")) for path in out.iterdir())
    for path in out.glob("*_events.tsv"):
        assert path.with_name(path.name.replace("_events.tsv", "_trace.csv")).exists()
    # with room again the same command does the rest
    again = without_rights("-c", "import sys; " + run, *scoring, workspace=workspace)
    assert again[0] == 0, again[2]
    assert len(written(out)) == 4


def without_rights(*arguments: object, workspace: Path) -> tuple[int, str, str]:
    """Run Python as somebody whom read-only folders stop, also where the tests run as root."""
    prefix: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv (util-linux) is missing, and root may write everywhere")
        prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"]
    environment = {**os.environ, "EEGDASH_WORKSPACE": str(workspace), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*prefix, sys.executable, *map(str, arguments)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_LIMIT_S, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@contextmanager
def read_only(root: Path) -> Iterator[None]:
    """Take the right to write from a folder and all in it."""
    entries = [root, *root.rglob("*")]
    modes = [entry.stat().st_mode for entry in entries]
    for entry in entries:
        entry.chmod(0o555 if entry.is_dir() else 0o444)
    try:
        yield
    finally:
        for entry, mode in zip(entries, modes, strict=True):
            entry.chmod(mode)
