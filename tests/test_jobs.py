"""The job queue against a real worker process, and the worker's own side."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from eegdash.errors import JobError, RecordingError
from eegdash.jobs import Job, JobQueue, Told, work
from eegdash.logs import where_it_failed
from eegdash.timings import Timings

CANARY = "Canary-Patient-Name"

WORKER = """
import os, sys, time
from eegdash.errors import RecordingError
from eegdash.jobs import work

def double(arguments, progress):
    for step in range(1, 5):
        progress(step / 4)
    return {"value": 2 * arguments["value"], "pid": os.getpid()}

def refuse(arguments, progress):
    raise RecordingError("night.edf was not found.")

def sleep(arguments, progress):
    progress(0.5)
    with open(arguments["mark"], "w") as file:
        file.write(str(os.getpid()))
    time.sleep(60)
    return {}

def die(arguments, progress):
    os._exit(3)

def babble(arguments, progress):
    print(arguments["line"], flush=True)
    return {}

work({"double": double, "refuse": refuse, "sleep": sleep, "die": die, "babble": babble},
     sys.stdin, sys.stdout)
"""


@pytest.fixture
def jobs() -> Iterator[JobQueue]:
    queue = JobQueue([sys.executable, "-c", WORKER])
    yield queue
    queue.close()


def wait(queue: JobQueue, job: Job, until: Callable[[Job], bool], seconds: float = 20) -> Job:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = queue.get(job.id)
        assert found is not None
        if until(found):
            return found
        time.sleep(0.005)
    raise AssertionError(f"still {queue.get(job.id)}")


def finished(queue: JobQueue, job: Job) -> Job:
    return wait(queue, job, lambda found: not found.active)


def process_of(mark: Path) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if mark.exists() and mark.read_text():
            return int(mark.read_text())
        time.sleep(0.005)
    raise AssertionError("the task did not start")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.005)
    return not alive(pid)


def test_a_job_gives_its_result_and_the_worker_stays_warm(jobs: JobQueue) -> None:
    first = finished(jobs, jobs.submit("double", "a", {"value": 21}))
    assert (first.state, first.progress, first.message) == ("done", 1.0, "")
    assert first.result is not None
    assert first.result["value"] == 42
    second = finished(jobs, jobs.submit("double", "b", {"value": 1}))
    assert second.result is not None
    assert second.result["pid"] == first.result["pid"]
    assert jobs.active() == []
    assert jobs.latest("double", "a") == first
    assert jobs.latest("double", "absent") is None
    assert jobs.get("absent") is None


def test_progress_is_seen_while_it_runs(jobs: JobQueue, tmp_path: Path) -> None:
    job = jobs.submit("sleep", "a", {"mark": str(tmp_path / "mark")})
    found = wait(jobs, job, lambda found: found.progress == 0.5)
    assert (found.state, found.active) == ("running", True)


def test_a_refusal_is_the_sentence_of_the_error(jobs: JobQueue) -> None:
    job = finished(jobs, jobs.submit("refuse", "a", {}))
    assert (job.state, job.message) == ("failed", "night.edf was not found.")
    assert finished(jobs, jobs.submit("double", "b", {"value": 1})).state == "done"


def test_cancelling_a_running_job_ends_its_process_and_the_next_gets_a_new_one(
    jobs: JobQueue, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    job = jobs.submit("sleep", "a", {"mark": str(mark)})
    after = jobs.submit("double", "b", {"value": 4})
    pid = process_of(mark)
    jobs.cancel(job.id)
    assert gone(pid)
    done = finished(jobs, after)
    assert done.state == "done"
    assert done.result is not None
    assert done.result["value"] == 8
    assert done.result["pid"] != pid
    cancelled = jobs.get(job.id)
    assert cancelled is not None
    assert (cancelled.state, cancelled.message) == ("cancelled", "Cancelled.")


def test_cancelling_again_and_again_never_harms_the_next_job(
    jobs: JobQueue, tmp_path: Path
) -> None:
    for i in range(8):
        mark = tmp_path / f"mark-{i}"
        running = jobs.submit("sleep", f"s{i}", {"mark": str(mark)})
        process_of(mark)
        jobs.cancel(running.id)
        assert finished(jobs, jobs.submit("double", f"d{i}", {"value": i})).state == "done"


def test_a_job_cancelled_as_it_starts_does_not_run(jobs: JobQueue, tmp_path: Path) -> None:
    for i in range(20):
        job = jobs.submit("sleep", f"s{i}", {"mark": str(tmp_path / f"mark-{i}")})
        time.sleep(i / 2000)
        jobs.cancel(job.id)
    # 60 s of sleep for one that was missed
    assert finished(jobs, jobs.submit("double", "d", {"value": 1})).state == "done"


def test_a_waiting_job_is_cancelled_without_starting(jobs: JobQueue, tmp_path: Path) -> None:
    running = jobs.submit("sleep", "a", {"mark": str(tmp_path / "first")})
    waiting = jobs.submit("sleep", "b", {"mark": str(tmp_path / "second")})
    process_of(tmp_path / "first")
    jobs.cancel(waiting.id)
    jobs.cancel(waiting.id)  # a second time is nothing
    jobs.cancel("absent")
    assert [job.id for job in jobs.active()] == [running.id]
    jobs.cancel(running.id)
    assert finished(jobs, jobs.submit("double", "c", {"value": 1})).state == "done"
    assert not (tmp_path / "second").exists()


def test_a_worker_killed_from_outside_fails_its_job_in_words_and_the_next_works(
    jobs: JobQueue, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    job = jobs.submit("sleep", "a", {"mark": str(mark)})
    os.kill(process_of(mark), signal.SIGKILL)
    failed = finished(jobs, job)
    assert failed.state == "failed"
    assert failed.message.startswith("The background process ended before the job was done.")
    assert finished(jobs, jobs.submit("double", "b", {"value": 1})).state == "done"


def test_a_worker_that_dies_between_jobs_is_replaced(jobs: JobQueue) -> None:
    first = finished(jobs, jobs.submit("double", "a", {"value": 1}))
    assert first.result is not None
    os.kill(first.result["pid"], signal.SIGKILL)
    assert gone(first.result["pid"])
    assert finished(jobs, jobs.submit("double", "b", {"value": 1})).state == "done"


def test_a_task_that_ends_the_process_fails_in_words(jobs: JobQueue) -> None:
    assert "ended before the job was done" in finished(jobs, jobs.submit("die", "a", {})).message


@pytest.mark.parametrize("line", ["not JSON", "5", "null", "[]", '{"id": 7}', "\ufeff{"])
def test_lines_of_another_kind_never_stop_the_queue(jobs: JobQueue, line: str) -> None:
    job = finished(jobs, jobs.submit("babble", "a", {"line": line}))
    assert job.state in ("done", "failed")
    assert finished(jobs, jobs.submit("double", "b", {"value": 1})).state == "done"


def test_arguments_that_cannot_be_sent_fail_and_the_queue_goes_on(jobs: JobQueue) -> None:
    assert finished(jobs, jobs.submit("double", "a", {"value": object()})).state == "failed"
    assert finished(jobs, jobs.submit("double", "b", {"value": 1})).state == "done"


def test_a_worker_that_cannot_be_started_is_a_failed_job(tmp_path: Path) -> None:
    queue = JobQueue([str(tmp_path / "absent")])
    try:
        assert finished(queue, queue.submit("double", "a", {})).state == "failed"
        assert finished(queue, queue.submit("double", "b", {})).state == "failed"
    finally:
        queue.close()


def test_a_waiting_job_knows_how_many_are_before_it(jobs: JobQueue, tmp_path: Path) -> None:
    running = jobs.submit("sleep", "a", {"mark": str(tmp_path / "mark")})
    second, third = (jobs.submit("double", name, {"value": 1}) for name in "bc")
    assert [jobs.ahead(job.id) for job in (running, second, third)] == [0, 1, 2]
    jobs.cancel(second.id)
    assert jobs.ahead(third.id) == 1
    jobs.cancel(running.id)
    finished(jobs, third)
    assert jobs.ahead(third.id) == 0
    assert jobs.ahead("absent") == 0


def test_equal_subjects_run_once_while_active(jobs: JobQueue, tmp_path: Path) -> None:
    arguments = {"mark": str(tmp_path / "mark")}
    first = jobs.submit("sleep", "a", arguments)
    assert jobs.submit("sleep", "a", arguments).id == first.id
    other_task = jobs.submit("double", "a", {"value": 1})
    assert other_task.id != first.id
    jobs.cancel(first.id)
    again = jobs.submit("sleep", "a", arguments)
    assert again.id != first.id
    latest = jobs.latest("sleep", "a")
    assert latest is not None
    assert latest.id == again.id


def test_old_jobs_are_forgotten_and_cancelled_ones_do_not_stop_the_queue(
    jobs: JobQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eegdash.jobs._KEPT_JOBS", 5)
    running = jobs.submit("sleep", "a", {"mark": str(tmp_path / "mark")})
    process_of(tmp_path / "mark")
    waiting = [jobs.submit("double", f"w{i}", {"value": i}) for i in range(20)]
    for job in waiting:
        jobs.cancel(job.id)
    last = jobs.submit("double", "last", {"value": 3})
    assert jobs.get(waiting[0].id) is None
    jobs.cancel(running.id)
    done = finished(jobs, last)
    assert (done.state, done.result and done.result["value"]) == ("done", 6)


def test_close_ends_the_worker_and_the_thread(tmp_path: Path) -> None:
    queue = JobQueue([sys.executable, "-c", WORKER])
    job = queue.submit("sleep", "a", {"mark": str(tmp_path / "mark")})
    waiting = queue.submit("double", "b", {"value": 1})
    pid = process_of(tmp_path / "mark")
    before = time.monotonic()
    queue.close()
    assert time.monotonic() - before < 5
    assert gone(pid)
    ended, unstarted = queue.get(job.id), queue.get(waiting.id)
    assert ended is not None
    assert ended.state == "failed"
    assert unstarted is not None
    assert unstarted.state == "queued"
    assert "jobs" not in {thread.name for thread in threading.enumerate()}


def test_closing_an_unused_queue_starts_nothing() -> None:
    queue = JobQueue(["/nothing/such"])
    queue.close()
    assert queue.active() == []


# ---- the worker's side ---------------------------------------------------------------------


def served(tasks: Mapping[str, Any], *requests: Mapping[str, Any]) -> list[dict[str, Any]]:
    out = io.StringIO()
    work(tasks, io.StringIO("".join(json.dumps(r) + "\n" for r in requests)), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_progress_is_thinned_but_ends_at_one() -> None:
    def slow(arguments: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
        for i in range(10_001):
            progress(i / 10_000)
        return {}

    answers = served({"slow": slow}, {"id": "1", "task": "slow", "arguments": {}})
    shares = [a["progress"] for a in answers if "progress" in a]
    assert len(shares) <= 102
    assert shares[-1] == 1
    assert shares == sorted(shares)
    assert answers[-1] == {"id": "1", "result": {}}


def test_a_new_stage_is_told_at_once() -> None:
    def staged(arguments: Mapping[str, Any], progress: Told) -> dict[str, Any]:
        for stage in ("reading", "reading", "drawing"):
            progress(0.001, stage)
        return {}

    answers = served({"staged": staged}, {"id": "1", "task": "staged", "arguments": {}})
    assert [a.get("stage") for a in answers] == ["reading", "drawing", None]


def test_an_unexpected_fault_tells_its_kind_and_never_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fault(arguments: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
        raise RuntimeError(f"{CANARY}.edf is broken")

    with caplog.at_level(logging.DEBUG):
        answers = served(
            {"fault": fault, "ok": lambda arguments, progress: {"fine": True}},
            {"id": "1", "task": "fault", "arguments": {"path": f"/data/{CANARY}.edf"}},
            {"id": "2", "task": "unknown", "arguments": {}},
            {"id": "3", "task": "ok", "arguments": {}},
        )
    assert "RuntimeError" in answers[0]["error"]
    assert "KeyError" in answers[1]["error"]
    assert answers[2] == {"id": "3", "result": {"fine": True}}
    assert CANARY not in answers[0]["error"]
    assert "RuntimeError at test_jobs.py:" in caplog.text
    assert CANARY not in caplog.text


def test_too_little_memory_is_said_in_words() -> None:
    def large(arguments: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
        raise MemoryError

    (answer,) = served({"large": large}, {"id": "1", "task": "large", "arguments": {}})
    assert answer["error"].startswith("There is not enough memory")


def test_the_queue_logs_no_name_when_its_worker_dies(
    caplog: pytest.LogCaptureFixture, jobs: JobQueue
) -> None:
    with caplog.at_level(logging.DEBUG):
        finished(jobs, jobs.submit("babble", CANARY, {"line": CANARY}))
        finished(jobs, jobs.submit("refuse", CANARY, {"path": f"{CANARY}.edf"}))
        finished(jobs, jobs.submit("double", CANARY, {"value": {CANARY}}))
    assert CANARY not in caplog.text


def test_where_it_failed_names_lines_and_not_the_message() -> None:
    def inner() -> None:
        raise RecordingError(CANARY)

    with pytest.raises(RecordingError) as caught:
        inner()
    text = where_it_failed(caught.value)
    line = inner.__code__.co_firstlineno + 1
    assert text.startswith(f"RecordingError at test_jobs.py:{line} < test_jobs.py:")
    assert CANARY not in text
    assert str(Path(__file__).parent) not in text
    assert where_it_failed(JobError("x")) == "JobError at "


def test_the_time_of_a_job_is_noted_without_its_waiting(
    jobs: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    timings = Timings()
    monkeypatch.setattr("eegdash.jobs.TIMINGS", timings)
    finished(jobs, jobs.submit("double", "a", {"value": 1}))
    finished(jobs, jobs.submit("refuse", "b", {}))
    deadline = time.monotonic() + 20  # noted just after the job is seen to be done
    while len(timings.table()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    found = {row.stage: (row.n, row.n_failed) for row in timings.table()}
    assert found == {"job: double": (1, 0), "job: refuse": (1, 1)}
