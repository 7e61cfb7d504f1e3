"""Score many recordings on a cluster of processes or machines, with the same results as one by one.

Per recording: one task looks at it (and hashes it), tasks encode its parts of 32 min, one task
joins their codes and judges the windows against the background of the whole recording. This
process keeps the results; nobody else writes to the workspace. A few recordings are under way at
a time, so that ten thousand need no more memory here than ten.
"""

from __future__ import annotations

import math
import queue
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import PART_SEGMENTS, ProbabilityTrace
from eegdash.errors import EegdashError
from eegdash.workflows import parts
from eegdash.workflows.cluster import mend
from eegdash.workflows.desk import Desk
from eegdash.workflows.library import (
    channel_map,
    file_stamp,
    remember_hash,
    remembered_hash,
)
from eegdash.workflows.parts import Looked, PassingError, Refused, Work
from eegdash.workflows.score import Failed, Outcome, Scored, store_trace, stored_trace

if TYPE_CHECKING:
    from distributed import Client, Future

RETRIES = 2
"""How often a task is tried again whose recording could not be read just now."""
_AHEAD = 2  # recordings under way for each process: enough that none waits
_LOOK_AGAIN_S = 1.0
_ALONE_S = 60.0  # without any process for so long, nothing will be scored any more
_NO_PROCESS = (
    "No process of the cluster is left to score it. Start workers again, then repeat the command: "
    "what was scored is kept."
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: recordings finished, parts finished of those under way."""

    n_done: int
    n_parts_done: int
    n_parts: int


@dataclass(slots=True, eq=False)
class _Run:
    """One recording under way."""

    path: Path
    stamp: str
    work: Work
    looked: Looked | None = None
    futures: list[Future] = field(default_factory=list)
    n_parts: int = 0
    n_parts_done: int = 0


def score_many(
    desk: Desk,
    paths: Iterable[Path],
    model: CheckpointInfo,
    client: Client,
    *,
    progress: Callable[[Progress], None] | None = None,
    part_segments: int = PART_SEGMENTS,
) -> Iterator[tuple[Path, Outcome]]:
    """Score recordings on a cluster and yield each as it is finished, in any order.

    A recording whose result is stored already is not scored again. One that ends the process
    that reads it is tried once more by itself at the end, so that no neighbour is blamed.

    Parameters
    ----------
    desk : Desk
        Of this process, the only one that writes.
    paths : iterable of Path
    model : CheckpointInfo
    client : distributed.Client
    progress : callable, optional
        Called whenever a part or a recording is finished.
    part_segments : int
        Length of the parts.

    Yields
    ------
    (Path, Scored or Failed)
    """
    runs = _Runs(desk, model, client, progress or (lambda state: None), part_segments)
    try:
        yield from runs.all(paths, _AHEAD * max(len(client.nthreads()), 1))
        suspects, runs.suspects = runs.suspects, []
        runs.last_chance = True
        yield from runs.all(suspects, 1)
    finally:
        runs.cancel()


class _Runs:
    """The recordings under way, and what their tasks answer."""

    def __init__(
        self,
        desk: Desk,
        model: CheckpointInfo,
        client: Client,
        progress: Callable[[Progress], None],
        part_segments: int,
    ) -> None:
        self._desk, self._model, self._client = desk, model, client
        self._progress, self._part_segments = progress, part_segments
        self._versions = parts.software()
        self._active: dict[str, _Run] = {}
        self._run_of: dict[str, str] = {}  # task -> run
        self._answers: queue.Queue[Future] = queue.Queue()
        # others may use the same scheduler, and a key that is known there is not computed again
        self._mark = uuid.uuid4().hex
        self._n_started = 0
        self._n_done = 0
        self._seen_s = self._mended_s = time.monotonic()
        self.suspects: list[Path] = []
        self.last_chance = False

    def all(self, paths: Iterable[Path], n_ahead: int) -> Iterator[tuple[Path, Outcome]]:
        """Run recordings, ``n_ahead`` at a time."""
        waiting: deque[Path] = deque(paths)
        while waiting or self._active:
            while waiting and len(self._active) < n_ahead:
                path = waiting.popleft()
                outcome = self._start(path)
                if outcome is not None:
                    yield self._finished(path, outcome)
            if not self._active:
                continue
            for path, outcome in self._step():
                yield self._finished(path, outcome)

    def cancel(self) -> None:
        """Give up what is under way; what is stored stays."""
        for name in list(self._active):
            self._drop(name)

    def _finished(self, path: Path, outcome: Outcome) -> tuple[Path, Outcome]:
        self._n_done += 1
        self._tell()
        return path, outcome

    def _tell(self) -> None:
        under_way = self._active.values()
        self._progress(
            Progress(
                self._n_done,
                sum(run.n_parts_done for run in under_way),
                sum(run.n_parts for run in under_way),
            )
        )

    # ---- one recording ---------------------------------------------------------------------

    def _start(self, path: Path) -> Outcome | None:
        """Begin a recording; return its outcome if there is nothing to do."""
        try:
            stamp = file_stamp(path)
            known = remembered_hash(self._desk, stamp) or ""
            stored = self._stored(known) if known else None
        except EegdashError as error:
            return Failed(str(error))
        if stored is not None:
            return Scored(stored)
        work = Work(
            path=str(path.resolve()),
            model_folder=str(self._model.folder.resolve()),
            model_sha256=self._model.sha256,
            versions=self._versions,
            sha256=known,
        )
        self._n_started += 1
        name = str(self._n_started)
        run = self._active[name] = _Run(path, stamp, work)
        self._submit(run, name, "look", parts.look, work)
        return None

    def _stored(self, sha256: str) -> ProbabilityTrace | None:
        return stored_trace(self._desk, sha256, channel_map(self._desk, sha256), self._model)

    def _submit(self, run: _Run, name: str, what: str, task: Any, *arguments: Any) -> None:
        # the key of a task stands in the logs of schedulers: it says nothing about the file
        future = self._client.submit(
            task, *arguments, key=f"{what}-{name}-{self._mark}", pure=False, retries=RETRIES
        )
        self._run_of[future.key] = name
        run.futures.append(future)
        future.add_done_callback(self._answers.put)

    def _step(self) -> list[tuple[Path, Outcome]]:
        """Wait for an answer, act on it, and return what is finished by it."""
        if time.monotonic() - self._mended_s > _LOOK_AGAIN_S:
            mend(self._client)
            self._mended_s = time.monotonic()
        try:
            future = self._answers.get(timeout=_LOOK_AGAIN_S)
        except queue.Empty:
            return self._alone()
        self._seen_s = time.monotonic()
        name = self._run_of.pop(future.key, "")
        run = self._active.get(name)
        if run is None:
            return []  # of a recording that was given up
        outcome = self._answered(run, name, future)
        self._tell()
        if outcome is None:
            return []
        self._drop(name)
        return [] if outcome == _SUSPECT else [(run.path, outcome)]

    def _answered(self, run: _Run, name: str, future: Future) -> Outcome | None:
        if future.status in ("pending", "lost"):
            self._again(name, future)
            return None
        if future.status == "cancelled":
            return Failed(f"{run.path.name}: {_NO_PROCESS}")
        what = future.key.split("-", 1)[0]
        if what == "part" and future.status == "finished":
            run.n_parts_done += 1
            return None
        try:
            value = future.result(timeout=_ALONE_S)
        except TimeoutError:
            self._again(name, future)
            return None
        except Exception as error:  # noqa: BLE001 - whatever a process raised
            return self._lost(run, error)
        if isinstance(value, Refused):
            return Failed(value.reason)
        try:
            return self._looked(run, name, value) if what == "look" else self._keep(run, value)
        except EegdashError as error:
            return Failed(str(error))

    def _again(self, name: str, future: Future) -> None:
        """Wait for a value once more that went with the process that held it."""
        self._run_of[future.key] = name
        future.add_done_callback(self._answers.put)

    def _looked(self, run: _Run, name: str, looked: Looked) -> Outcome | None:
        """Share a recording out, unless its result turns out to be stored."""
        if not run.work.sha256:
            remember_hash(self._desk, run.stamp, looked.sha256)
            stored = self._stored(looked.sha256)
            if stored is not None:
                return Scored(stored)
        mapping = tuple(sorted(channel_map(self._desk, looked.sha256).items()))
        run.looked = looked
        run.work = work = replace(run.work, sha256=looked.sha256, mapping=mapping)
        run.futures.clear()
        spans = parts.part_spans(looked.n_segments, self._part_segments)
        run.n_parts = len(spans)
        for first, stop in spans:
            self._submit(run, name, f"part-{first}", parts.encode_part, work, first, stop)
        self._submit(run, name, "join", parts.join_parts, work, looked, list(run.futures))
        return None

    def _keep(self, run: _Run, trace: ProbabilityTrace) -> Outcome:
        store_trace(self._desk, dict(run.work.mapping), self._model, trace)
        return Scored(trace)

    def _lost(self, run: _Run, error: Exception) -> Outcome | None:
        """Say why a task gave no value: its process died, or reading failed."""
        from distributed import KilledWorker

        if isinstance(error, KilledWorker) and not self.last_chance:
            # all tasks that wait at a process count as suspects when it dies
            self.suspects.append(run.path)
            return _SUSPECT
        if isinstance(error, KilledWorker):
            return Failed(
                f"{run.path.name} ended every process that tried to score it. It may be damaged, "
                "or need more memory than there is; the others were scored without it."
            )
        if isinstance(error, PassingError):
            return Failed(
                f"{run.path.name} could not be read in {1 + RETRIES} attempts ({error}). "
                "Check the drive it is on, then repeat the command."
            )
        return Failed(
            f"{run.path.name}: the cluster failed ({type(error).__name__}). Is the same version of "
            "this program installed on all its machines?"
        )

    def _alone(self) -> list[tuple[Path, Outcome]]:
        """Give everything up where no process has been there for a while."""
        now = time.monotonic()
        if self._client.status != "running":
            self._seen_s = -math.inf
        elif self._client.nthreads():
            self._seen_s = now
        if now - self._seen_s < _ALONE_S:
            return []
        given_up = [run.path for run in self._active.values()]
        self.cancel()
        return [(path, Failed(f"{path.name}: {_NO_PROCESS}")) for path in given_up]

    def _drop(self, name: str) -> None:
        run = self._active.pop(name)
        for future in run.futures:
            self._run_of.pop(future.key, None)
        pending = [future for future in run.futures if not future.done()]
        if pending and self._client.status == "running":
            self._client.cancel(pending)


_SUSPECT = Failed("")
