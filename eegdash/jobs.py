"""Background jobs: a queue and a worker process that speaks lines of JSON.

Scoring holds the interpreter lock for seconds; in a process of its own it never freezes a
reader's page, can be cancelled at any moment, and takes nothing down when it dies. The worker
is an ordinary command that reads one task a line on its standard input,
``{"id": ..., "task": ..., "arguments": {...}}``, and answers on its standard output with lines
``{"id": ..., "progress": 0.4, "stage": ""}``, then ``{"id": ..., "result": {...}}`` or
``{"id": ..., "error": "a sentence"}``. It stays warm between tasks.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any, Protocol

from eegdash.errors import EegdashError, JobError
from eegdash.logs import where_it_failed
from eegdash.timings import TIMINGS

_LOG = logging.getLogger(__name__)
_KEPT_JOBS = 1000
WORKER_COMMAND = (sys.executable, "-m", "eegdash", "worker")


class Told(Protocol):
    """What a task calls as it goes on."""

    def __call__(self, done: float, stage: str = "") -> None:
        """Say the share done, 0 to 1, and what is being done, in words for the reader."""


Task = Callable[[Mapping[str, Any], Told], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Job:
    """State of one job at one moment.

    Parameters
    ----------
    id : str
    task : str
        Name of the task in the worker.
    subject : str
        What the job is about (a recording hash and a model); equal subjects run once.
    state : str
        ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``.
    progress : float
        0 to 1.
    stage : str
        What is being done, in words; empty where the task does not say.
    message : str
        Why it failed, in words.
    result : mapping
        What the task returned.
    """

    id: str
    task: str
    subject: str
    state: str = "queued"
    progress: float = 0.0
    stage: str = ""
    message: str = ""
    result: Mapping[str, Any] | None = None

    @property
    def active(self) -> bool:
        """Whether the job waits or runs."""
        return self.state in ("queued", "running")


class JobQueue:
    """Runs jobs one after the other in a worker process.

    Parameters
    ----------
    command : sequence of str
        The worker, see the module's text.
    environment : mapping of str to str, optional
        Environment of the worker; the process's own by default.
    """

    def __init__(
        self,
        command: Sequence[str] = WORKER_COMMAND,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = tuple(command)
        self._environment = dict(environment) if environment is not None else None
        self._jobs: dict[str, Job] = {}
        self._arguments: dict[str, Mapping[str, Any]] = {}
        self._waiting: queue.Queue[str | None] = queue.Queue()
        self._since: dict[str, float] = {}  # when a job was asked for
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[str] | None = None
        self._killed = False
        self._thread = threading.Thread(target=self._serve, name="jobs", daemon=True)
        self._closed = False
        self._thread.start()

    def submit(self, task: str, subject: str, arguments: Mapping[str, Any]) -> Job:
        """Queue a job; if one with the same task and subject waits or runs, return that."""
        with self._lock:
            for job in self._jobs.values():
                if job.active and (job.task, job.subject) == (task, subject):
                    return job
            job = Job(id=uuid.uuid4().hex, task=task, subject=subject)
            self._jobs[job.id] = job
            self._arguments[job.id] = dict(arguments)
            self._since[job.id] = time.monotonic()
            self._forget_old()
        self._waiting.put(job.id)
        return job

    def get(self, job_id: str) -> Job | None:
        """Return the state of a job."""
        with self._lock:
            return self._jobs.get(job_id)

    def latest(self, task: str, subject: str) -> Job | None:
        """Return the newest job of a task and subject."""
        with self._lock:
            for job in reversed(self._jobs.values()):
                if (job.task, job.subject) == (task, subject):
                    return job
        return None

    def newest(self, task: str) -> Job | None:
        """Return the newest job of a task, whatever it is about."""
        with self._lock:
            found = [job for job in self._jobs.values() if job.task == task]
        return found[-1] if found else None

    def active(self) -> list[Job]:
        """Return the jobs that wait or run, in the order they will run."""
        with self._lock:
            return [job for job in self._jobs.values() if job.active]

    def ahead(self, job_id: str) -> int:
        """Return how many jobs run or wait before this one."""
        ids = [job.id for job in self.active()]
        return ids.index(job_id) if job_id in ids else 0

    def cancel(self, job_id: str) -> None:
        """Cancel a job. A running one is ended with its worker; a new worker follows."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or not job.active:
                return
            self._jobs[job_id] = replace(job, state="cancelled", message="Cancelled.")
            if job.state == "running" and self._worker is not None:
                self._worker.kill()
                self._killed = True  # it may still look alive when the next job starts

    def close(self) -> None:
        """End the worker and the queue."""
        with self._lock:
            self._closed = True
            if self._worker is not None:
                self._worker.kill()
        self._waiting.put(None)
        self._thread.join(timeout=10)

    def _forget_old(self) -> None:
        finished = [job.id for job in self._jobs.values() if not job.active]
        for job_id in finished[: max(len(self._jobs) - _KEPT_JOBS, 0)]:
            del self._jobs[job_id]

    def _serve(self) -> None:
        while (job_id := self._waiting.get()) is not None:
            with self._lock:
                arguments = self._arguments.pop(job_id)
                waited_s = time.monotonic() - self._since.pop(job_id)
                job = self._jobs.get(job_id)  # a cancelled one may be forgotten by now
                if self._closed or job is None or job.state != "queued":
                    continue
                self._jobs[job_id] = replace(job, state="running")
            start = time.monotonic()
            try:
                self._run(job_id, job.task, arguments)
            except _WORKER_FAULTS as error:
                _LOG.warning("job %s: the worker failed: %s", job_id, type(error).__name__)
                self._end_worker()
                self._finish(job_id, state="failed", message=_DIED)
            self._note(job, time.monotonic() - start, waited_s)
        self._end_worker()

    def _note(self, job: Job, seconds: float, waited_s: float) -> None:
        ended = self.get(job.id)
        if ended is not None and ended.state != "cancelled":
            failed = ended.state == "failed"
            TIMINGS.add(f"job: {job.task}", seconds, failed=failed, waited_s=waited_s)

    def _run(self, job_id: str, task: str, arguments: Mapping[str, Any]) -> None:
        worker = self._started_worker(job_id)
        if worker is None:
            return
        stdin, stdout = _pipes(worker)
        request = {"id": job_id, "task": task, "arguments": dict(arguments)}
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        for line in stdout:
            answer = json.loads(line)
            if answer.get("id") != job_id:
                continue
            if "progress" in answer:
                share, stage = float(answer["progress"]), str(answer["stage"])
                self._finish(job_id, state="running", progress=share, stage=stage)
            elif "error" in answer:
                self._finish(job_id, state="failed", message=str(answer["error"]))
                return
            else:
                self._finish(job_id, state="done", progress=1.0, result=answer["result"])
                return
        # end of output: the worker is gone, by cancel() or by a fault of its own
        self._end_worker()
        self._finish(job_id, state="failed", message=_DIED)

    def _started_worker(self, job_id: str) -> subprocess.Popen[str] | None:
        """Return a live worker; None if the job was cancelled or the queue closed meanwhile."""
        if self._killed or (self._worker is not None and self._worker.poll() is not None):
            self._end_worker()
        with self._lock:
            job = self._jobs.get(job_id)
            if self._closed or job is None or not job.active:
                return None
            if self._worker is None:
                self._worker = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    env=self._environment,
                )
            return self._worker

    def _finish(self, job_id: str, **changes: Any) -> None:
        with self._lock:
            job = self._jobs.get(job_id)
            # a cancelled job stays cancelled, whatever its worker still says
            if job is not None and job.active:
                self._jobs[job_id] = replace(job, **changes)

    def _end_worker(self) -> None:
        with self._lock:
            worker, self._worker = self._worker, None
            self._killed = False
        if worker is None:
            return
        worker.kill()
        worker.wait(timeout=10)
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


_DIED = (
    "The background process ended before the job was done. "
    "Start the job again; if it ends again, the recording may be too large for this machine."
)


# what a worker that dies, or answers anything else than the agreed lines, makes fail here
_WORKER_FAULTS = (OSError, ValueError, TypeError, LookupError, AttributeError, EegdashError)


def _pipes(worker: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    if worker.stdin is None or worker.stdout is None:
        raise JobError("The background process could not be started.")
    return worker.stdin, worker.stdout


def work(tasks: Mapping[str, Task], lines: IO[str], out: IO[str]) -> None:
    """Serve tasks until the input ends: the worker's side of :class:`JobQueue`.

    Parameters
    ----------
    tasks : mapping of str to callable
        ``task(arguments, progress) -> result``.
    lines, out : text streams
        Requests and answers, one JSON object a line.
    """

    def answer(job_id: str, **content: Any) -> None:
        out.write(json.dumps({"id": job_id, **content}) + "\n")
        out.flush()

    for line in lines:
        request = json.loads(line)
        job_id = request["id"]
        last, now = -1.0, ""

        def progress(done: float, stage: str = "", job_id: str = job_id) -> None:
            nonlocal last, now
            if done - last >= 0.01 or done >= 1 or stage != now:
                last, now = done, stage
                answer(job_id, progress=done, stage=stage)

        try:
            result = tasks[request["task"]](request["arguments"], progress)
        except EegdashError as error:
            answer(job_id, error=str(error))
        except MemoryError:
            answer(job_id, error="There is not enough memory for this job on this machine.")
        except Exception as error:  # noqa: BLE001 - the worker outlives any single task
            _LOG.warning("task %s failed: %s", request["task"], where_it_failed(error))
            answer(
                job_id,
                error=f"An unexpected fault stopped the job ({type(error).__name__}). "
                "The log of the server has the details.",
            )
        else:
            answer(job_id, result=result)
