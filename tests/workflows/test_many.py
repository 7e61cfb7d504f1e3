"""Scoring on a cluster: the same bits as one by one, and what happens when something dies."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import psutil
import pytest
from poisoned_process import Poison
from simulated_files import write_noise

from eegdash.checkpoints import CheckpointInfo
from eegdash.cli import main
from eegdash.detection import PART_SEGMENTS
from eegdash.settings import Settings
from eegdash.workflows import library, parts
from eegdash.workflows.cluster import _key_of_this_run, local_cluster, mend
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.many import RETRIES, Progress, score_many
from eegdash.workflows.parts import Looked, Refused, Work
from eegdash.workflows.score import Failed, Outcome, Scored, score

CANARY = "Canary-Patient-Name"
# Dask leaves sockets of processes that died to the garbage collector, at whatever moment
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def own_main() -> Iterator[None]:
    """Started processes run the main module again, and a page that was tested before is none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
        yield


@pytest.fixture(scope="module")
def harm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which harmful recordings count what they did."""
    return tmp_path_factory.mktemp("harm")


@pytest.fixture(scope="module")
def client(harm: Path) -> Iterator[Any]:
    """Two processes of this machine, as ``--workers 2`` starts them."""
    with local_cluster(2) as client:
        client.register_plugin(Poison(harm))
        yield client
    gc.collect()  # here, where what is left behind by Dask is no fault of a test


@pytest.fixture
def other_desk(tmp_path: Path) -> Desk:
    """A workspace that knows nothing of what the first one holds."""
    return open_desk(Settings(workspace=tmp_path / "other"))


def await_both(client: Any) -> None:
    """Wait until both processes are there again, after a test in which some died."""
    deadline = time.monotonic() + 60
    while len(client.nthreads()) < 2:
        assert time.monotonic() < deadline
        mend(client)
        time.sleep(0.1)


def run(
    desk: Desk, paths: list[Path], model: CheckpointInfo, client: Any, **more: Any
) -> dict[str, Outcome]:
    return {path.name: outcome for path, outcome in score_many(desk, paths, model, client, **more)}


def stored_bytes(desk: Desk, path: Path, model: CheckpointInfo) -> tuple[bytes, str]:
    """What the workspace keeps of a trace: its values, and all that goes with them."""
    from eegdash.workflows.score import _key

    opened = library.open_path(desk, path)
    keys = [
        _key(opened.recording.sha256, opened.mapping, model.sha256, k) for k in ("values", "grid")
    ]
    values, grid = desk.cache.get_array(keys[0]), desk.cache.get_json(keys[1])
    assert values is not None
    assert len(np.unique(values)) > 5
    return values.tobytes(), json.dumps(grid)


@pytest.mark.parametrize("part_segments", [PART_SEGMENTS, 100])
def test_what_is_stored_is_that_of_one_process_bit_for_bit(
    desk: Desk,
    other_desk: Desk,
    tiny_model: CheckpointInfo,
    client: Any,
    tmp_path: Path,
    part_segments: int,
) -> None:
    long = write_noise(tmp_path / "in" / "long.edf", seconds=450, sfreq=250.0)
    short = write_noise(tmp_path / "in" / "short.edf", seconds=20, seed=3)
    told: list[Progress] = []
    found = run(
        other_desk,
        [long, short],
        tiny_model,
        client,
        part_segments=part_segments,
        progress=told.append,
    )
    for path in (long, short):
        alone = score(desk, path, tiny_model)
        together = found[path.name]
        assert isinstance(alone, Scored)
        assert isinstance(together, Scored)
        assert alone.trace.background == together.trace.background
        assert stored_bytes(desk, path, tiny_model) == stored_bytes(other_desk, path, tiny_model)
    assert told[-1] == Progress(2, 0, 0)
    assert max(state.n_parts for state in told) >= -(-297 // part_segments)


def test_parts_cover_a_recording_once() -> None:
    assert parts.part_spans(5, 1280) == ((0, 5),)
    assert parts.part_spans(2561, 1280) == ((0, 1280), (1280, 2560), (2560, 2561))


def test_what_is_stored_is_not_scored_again(
    desk: Desk, tiny_model: CheckpointInfo, tmp_path: Path
) -> None:
    path = write_noise(tmp_path / "night.edf")
    before = score(desk, path, tiny_model)

    class Nobody:
        status = "running"

        def nthreads(self) -> dict[str, int]:
            return {"one": 1}

        def submit(self, *args: object, **kwargs: object) -> None:
            raise AssertionError("it was scored again")

    found = run(desk, [path], tiny_model, Nobody())
    assert isinstance(before, Scored)
    again = found["night.edf"]
    assert isinstance(again, Scored)
    np.testing.assert_array_equal(again.trace.probability_pm, before.trace.probability_pm)


def test_a_file_that_was_moved_is_known_again_by_its_hash(
    desk: Desk, tiny_model: CheckpointInfo, client: Any, tmp_path: Path, harm: Path
) -> None:
    path = write_noise(tmp_path / "night.edf")
    assert isinstance(score(desk, path, tiny_model), Scored)
    moved = path.rename(tmp_path / "slow-moved.edf")
    assert isinstance(run(desk, [moved], tiny_model, client)["slow-moved.edf"], Scored)
    assert not (harm / "slow-moved").exists()  # no part was encoded


def test_a_recording_that_kills_its_process_fails_alone(
    desk: Desk, tiny_model: CheckpointInfo, client: Any, tmp_path: Path, harm: Path
) -> None:
    folder = tmp_path / "in"
    good = [write_noise(folder / f"good{i}.edf", seed=i) for i in range(4)]
    poison = write_noise(folder / "kills.edf", seed=9)
    text = folder / "text.edf"
    text.write_text("no EEG at all\n" * 100)
    found = run(desk, [*good[:2], poison, text, *good[2:]], tiny_model, client)
    assert [path.name for path in good if not isinstance(found[path.name], Scored)] == [], found
    killed, refused = found["kills.edf"], found["text.edf"]
    assert isinstance(killed, Failed)
    assert killed.reason.startswith("kills.edf ended every process that tried to score it.")
    assert isinstance(refused, Failed)
    assert refused.reason.startswith("text.edf holds text, not an EEG.")
    assert (harm / "kills").stat().st_size == 4  # twice among others, twice by itself


def test_a_process_that_is_killed_from_outside_costs_nothing_but_time(
    desk: Desk, other_desk: Desk, tiny_model: CheckpointInfo, client: Any, tmp_path: Path
) -> None:
    await_both(client)
    path = write_noise(tmp_path / "slow-long.edf", seconds=600)
    # one that an earlier test ended may still be among them
    pids = list(client.run(os.getpid).values())
    killed: list[int] = []

    def kill(state: Progress) -> None:
        while pids and not killed and state.n_parts_done >= 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pids[-1], signal.SIGKILL)
                killed.append(pids[-1])
            pids.pop()

    found = run(other_desk, [path], tiny_model, client, part_segments=100, progress=kill)
    assert killed
    assert isinstance(found["slow-long.edf"], Scored)
    assert isinstance(score(desk, path, tiny_model), Scored)
    assert stored_bytes(desk, path, tiny_model) == stored_bytes(other_desk, path, tiny_model)


def test_a_drive_that_stumbles_is_asked_again(
    desk: Desk, tiny_model: CheckpointInfo, client: Any, tmp_path: Path, harm: Path
) -> None:
    await_both(client)
    once = write_noise(tmp_path / "stumbles-1.edf")
    always = write_noise(tmp_path / "stumbles-99.edf", seed=1)
    found = run(desk, [once, always], tiny_model, client)
    assert isinstance(found["stumbles-1.edf"], Scored)
    failed = found["stumbles-99.edf"]
    assert isinstance(failed, Failed)
    assert failed.reason == (
        "stumbles-99.edf could not be read in 3 attempts (reading failed (Input/output error)). "
        "Check the drive it is on, then repeat the command."
    )
    assert (harm / "stumbles-99").stat().st_size == 1 + RETRIES


def test_the_processes_answer_on_this_machine_only_and_only_with_the_key(client: Any) -> None:
    pids = [os.getpid(), *client.run(os.getpid).values()]
    places = [
        (pid, connection.laddr)
        for pid in pids
        for connection in psutil.Process(pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {pid for pid, _ in places} >= set(pids[1:])
    assert {place.ip for _, place in places} == {"127.0.0.1"}
    address = client.scheduler.address
    assert address.startswith("tls://127.0.0.1:")
    from distributed import Client
    from distributed.security import Security

    # whoever knows the address and the certificate, but holds another key, is turned away
    other = _key_of_this_run()
    stranger = Security(
        require_encryption=True,
        tls_ca_file=client.security.tls_ca_file,
        tls_client_cert=other.tls_client_cert,
        tls_client_key=other.tls_client_key,
    )
    with pytest.raises(OSError):
        Client(address, security=stranger, timeout=4)


# ---- what a process checks, without a cluster ---------------------------------------------


@pytest.fixture
def work(tmp_path: Path, tiny_model: CheckpointInfo) -> Work:
    path = write_noise(tmp_path / f"{CANARY}.edf")
    return Work(str(path), str(tiny_model.folder), tiny_model.sha256, parts.software())


def refusal(value: object) -> str:
    assert isinstance(value, Refused)
    return value.reason


def test_a_process_tells_the_hash_and_the_number_of_segments(work: Work) -> None:
    found = parts.look(work)
    assert isinstance(found, Looked)
    assert (found.duration_s, found.n_segments) == (60.0, 39)
    assert found.sha256 == library.hash_file(work.file)
    with_hash = replace(work, sha256=found.sha256)
    trace = parts.join_parts(
        with_hash, found, [parts.encode_part(with_hash, a, b) for a, b in ((0, 17), (17, 39))]
    )
    assert not isinstance(trace, Refused)
    assert trace.n_windows == 35


def test_a_process_refuses_another_recording_detector_or_software(
    work: Work, tmp_path: Path
) -> None:
    found = parts.look(work)
    assert isinstance(found, Looked)
    other = replace(work, sha256="0" * 64)
    assert "not the same file" in refusal(parts.encode_part(other, 0, 39))
    write_noise(work.file, seed=5)  # replaced while it was scored
    after = replace(work, sha256=found.sha256)
    assert "not the same file" in refusal(parts.encode_part(after, 0, 39))
    detector = replace(work, model_sha256="1" * 64)
    assert "does not have the detector tiny of the hash 11111111" in refusal(parts.look(detector))
    old = replace(work, versions=("eegdash 0.0.1", *work.versions[1:]))
    assert "other software (eegdash 0." in refusal(parts.look(old))
    work.file.unlink()
    assert "Was it moved or removed?" in refusal(parts.look(work))


def test_a_part_that_was_refused_refuses_the_recording(work: Work) -> None:
    looked = Looked("a" * 64, 60.0, 39)
    assert refusal(parts.join_parts(work, looked, [Refused("because")])) == "because"


def test_no_text_of_a_task_names_the_file(work: Work) -> None:
    told = replace(work, mapping=((CANARY, "Fp1"),))
    codes = parts.encode_part(work, 0, 39)
    for value in (told, parts.look(work), Refused(CANARY), codes):
        assert CANARY not in repr(value)
        assert str(work.file.parent) not in repr(value)
    assert len(repr(codes)) < 100


# ---- the command --------------------------------------------------------------------------


def test_the_command_on_two_processes_writes_what_it_writes_alone(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    for i in range(3):
        write_noise(folder / f"night{i}.edf", seed=i)
    write_noise(folder / "again" / "night0.edf", seed=7)
    (folder / "broken.edf").write_bytes(b"0" * 600)
    arguments = ["score", str(folder), "--model", "tiny", "--out"]
    assert main([*arguments, str(tmp_path / "alone")]) == 1
    alone = capsys.readouterr()
    monkeypatch.setenv("EEGDASH_WORKSPACE", str(tmp_path / "fresh"))
    assert main([*arguments, str(tmp_path / "two"), "--workers", "2"]) == 1
    two = capsys.readouterr()
    assert sorted(two.out.splitlines()) == sorted(alone.out.splitlines())
    assert sorted(two.err.splitlines()) == sorted(alone.err.splitlines())
    written = sorted(path.name for path in (tmp_path / "alone").iterdir())
    assert len(written) == 6
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == written
    for name in written:
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Address of a scheduler with a worker that this program did not start."""
    import dask
    from distributed import LocalCluster

    quiet = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
    with (
        dask.config.set(quiet),
        LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            host="127.0.0.1",
            protocol="tcp://",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
        ) as cluster,
    ):
        yield cluster.scheduler_address


def test_the_command_uses_a_scheduler_that_runs_already(
    desk: Desk,
    elsewhere: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "in"
    for name in ("good", CANARY):
        write_noise(folder / f"{name}.edf", seed=len(name))
    arguments = ["score", str(folder), "--model", "tiny", "--out"]
    assert main([*arguments, str(tmp_path / "alone")]) == 0
    # twice, by two who know nothing of each other: none is given what the other one asked for
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)  # progress is for who looks on
    for who, threshold in (("first", "0"), ("second", "0.5")):
        monkeypatch.setenv("EEGDASH_WORKSPACE", str(tmp_path / who))
        more = ["--scheduler", elsewhere, "--threshold", threshold]
        assert main([*arguments, str(tmp_path / who), *more]) == 0
    said = capsys.readouterr()
    assert said.out.count("2 scored, 0 failed") == 3
    assert said.err.count("Note: tcp:// is neither encrypted") == 2
    assert CANARY not in said.err
    assert "\r0 of 2 recordings, 0 of 1 parts under way" in said.err
    assert "\r2 of 2 recordings " in said.err
    for path in (tmp_path / "alone").iterdir():
        assert (tmp_path / "second" / path.name).read_bytes() == path.read_bytes()


def test_workers_that_cannot_run_this_program_are_said(
    desk: Desk,
    elsewhere: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def not_found() -> None:
        raise ModuleNotFoundError("No module named 'eegdash'")

    monkeypatch.setattr("eegdash.workflows.cluster.software", not_found)
    path = write_noise(tmp_path / "night.edf")
    assert main(["score", str(path), "--out", str(tmp_path), "--scheduler", elsewhere]) == 2
    assert "cannot run this program (ModuleNotFoundError). Start some with" in (
        capsys.readouterr().err
    )


def test_a_scheduler_that_does_not_answer_is_said(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eegdash.workflows.cluster._START_S", 4.0)
    path = write_noise(tmp_path / "night.edf")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        code = main(["score", str(path), "--out", str(tmp_path), "--scheduler", address])
    assert code == 2
    note, error = capsys.readouterr().err.strip().splitlines()
    assert note.startswith("Note: tcp:// is neither encrypted")
    assert error.startswith(f"No Dask scheduler answers at {address}")


@pytest.mark.parametrize("workers", ["0", "-1", "many", "1e9"])
def test_a_number_of_processes_that_is_none_is_refused(tmp_path: Path, workers: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["score", str(tmp_path), f"--workers={workers}"])
    assert caught.value.code == 2
