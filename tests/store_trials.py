"""Trials that a label store must pass, and stores that are broken on purpose and must fail.

Run in a process of its own, because it forks: ``python tests/store_trials.py TRIAL STORE FOLDER``
prints what went wrong as a JSON list, empty where nothing did.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from eegdash.errors import LabelNotSavedError
from eegdash.labels import DraftLabel, Label, LabelStore, LineStatus
from eegdash.labels import book as book_module

SHA = "ab" * 32
KILLS = 250


def draft(key: str, **changes: object) -> DraftLabel:
    values: dict[str, object] = {
        "idempotency_id": key,
        "reviewer": "A",
        "recording_sha256": SHA,
        "onset_s": 12.0,
        "duration_s": 9.0,
        "verdict": "agree",
        "comment": "x" * 200,
    }
    return DraftLabel(**{**values, **changes})  # type: ignore[arg-type]


# -- stores that are broken on purpose -----------------------------------------------------


class AcknowledgesEarly(LabelStore):
    """Returns at once and writes in the background, as a fast-looking store would."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._waiting: list[DraftLabel] = []

    def append(self, draft: DraftLabel) -> Label:
        """Acknowledge five labels, then write them."""
        from eegdash.labels.record import from_draft

        self._waiting.append(draft)
        if len(self._waiting) >= 5:
            for one in self._waiting:
                super().append(one)
            self._waiting = []
        return from_draft(draft, uuid=str(uuid.uuid4()), seq=1, time_utc="2026-01-01T00:00:00Z")


class Unlocked(LabelStore):
    """Takes no lock: two writers read the same last sequence number."""

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        yield


class LeavesHalfLines(LabelStore):
    """Does not cut a failed append back."""

    def _cut_back(self, fd: int, old_size: int, written: int, idempotency_id: str) -> None:
        pass


class SwallowsErrors(LabelStore):
    """Acknowledges what was not written."""

    def append(self, draft: DraftLabel) -> Label:
        """Pretend."""
        from eegdash.labels.record import from_draft

        try:
            return super().append(draft)
        except LabelNotSavedError:
            return from_draft(draft, uuid=str(uuid.uuid4()), seq=1, time_utc="2026-01-01T00:00:00Z")


class DropsEdits(LabelStore):
    """Silently leaves out lines whose checksum does not match."""

    def _add(self, line: bytes) -> None:
        from eegdash.labels.index import read_line

        if read_line(1, line).status is LineStatus.VERIFIED:
            super()._add(line)


class OrdersByClock(LabelStore):
    """Trusts the clock instead of the sequence."""

    def for_recording(self, sha256: str) -> list[Label]:
        """Return records by time."""
        return sorted(super().for_recording(sha256), key=lambda label: label.time_utc)


class CountsClicks(LabelStore):
    """Takes every click for a new label."""

    def append(self, draft: DraftLabel) -> Label:
        """Append under a new id."""
        from dataclasses import replace

        return super().append(replace(draft, idempotency_id=str(uuid.uuid4())))


class ReadsOnce(LabelStore):
    """Reads the file when it starts and never again, as a cache would."""

    def _refresh(self) -> int:
        return 0 if self._inode else super()._refresh()


STORES: dict[str, Callable[[Path], LabelStore]] = {
    kind.__name__: kind
    for kind in (
        LabelStore, AcknowledgesEarly, Unlocked, LeavesHalfLines, SwallowsErrors, DropsEdits,
        OrdersByClock, CountsClicks, ReadsOnce,
    )
}  # fmt: skip


# -- trials --------------------------------------------------------------------------------


def _problems(folder: Path, acknowledged: list[str], *, torn: int = 0) -> list[str]:
    """Compare what was acknowledged, by idempotency id, with what a fresh store finds."""
    found = LabelStore(folder)
    there = {label.idempotency_id for label in found.all()}
    lost = set(acknowledged) - there
    problems = [f"{len(lost)} of {len(acknowledged)} acknowledged labels lost"] if lost else []
    seqs = [label.seq for label in found.all()]
    if len(seqs) != len(set(seqs)):
        problems.append(f"{len(seqs) - len(set(seqs))} sequence numbers given twice")
    if found.status_counts()[LineStatus.TORN] > torn:
        problems.append(f"{found.status_counts()[LineStatus.TORN]} torn lines")
    return problems


def kill_9(make: Callable[[Path], LabelStore], folder: Path, trials: int = KILLS) -> list[str]:
    """Kill a writer at a random moment, again and again."""
    rng = random.Random(0)
    store = make(folder)
    acknowledged: list[str] = []
    for trial in range(trials):
        store.refresh()
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            for number in range(10_000):
                label = store.append(draft(f"{trial}-{number}"))
                os.write(writer, label.idempotency_id.encode() + b"\n")
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as stream:
            first = stream.readline()  # the writer is at work
            time.sleep(rng.uniform(0, 0.004))
            os.kill(pid, signal.SIGKILL)
            said = first + stream.read()
        os.waitpid(pid, 0)
        # a last word without its newline was not acknowledged in full
        acknowledged += said.decode().split("\n")[:-1]
    LabelStore(folder).append(draft("after the last kill"))
    problems = _problems(folder, acknowledged, torn=trials)
    if len(acknowledged) < trials:
        problems.append(f"only {len(acknowledged)} labels in {trials} trials")
    return problems


def eight_at_once(make: Callable[[Path], LabelStore], folder: Path) -> list[str]:
    """Eight processes append together."""
    started, go = os.pipe()
    pipes: list[int] = []
    pids: list[int] = []
    for name in range(8):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(go)
            os.read(started, 1)  # ends for all at once when the parent closes its end
            store = make(folder)
            for number in range(40):
                label = store.append(draft(f"{name}-{number}"))
                os.write(writer, label.idempotency_id.encode() + b"\n")
            os._exit(0)
        os.close(writer)
        pipes.append(reader)
        pids.append(pid)
    os.close(go)
    acknowledged: list[str] = []
    for reader in pipes:
        with os.fdopen(reader, "rb") as stream:
            acknowledged += stream.read().decode().split()
    failed = [pid for pid in pids if os.waitpid(pid, 0)[1] != 0]
    problems = _problems(folder, acknowledged)
    if failed or len(acknowledged) != 320:
        problems.append(f"{len(failed)} writers failed, {len(acknowledged)} of 320 acknowledged")
    return problems


def disk_full(make: Callable[[Path], LabelStore], folder: Path) -> list[str]:
    """Let the kernel stop a write in the middle of a line, at several places."""
    store = make(folder)
    acknowledged = [store.append(draft("first")).idempotency_id]
    told = 0
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    for room in (0, 1, 100, 400, 700, 1500):
        limit = store.path.stat().st_size + room
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            for number in range(10):
                acknowledged.append(store.append(draft(f"{room}-{number}")).idempotency_id)
        except LabelNotSavedError as error:
            told += str(error).startswith("NOT saved")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        acknowledged.append(store.append(draft(f"{room}-again")).idempotency_id)
    problems = _problems(folder, acknowledged)
    return problems if told == 6 else [*problems, f"told {told} times of 6"]


def hand_edits(make: Callable[[Path], LabelStore], folder: Path) -> list[str]:
    """Edit, garble and type lines; nothing may vanish, everything is counted."""
    store = make(folder)
    for key in "abcde":
        store.append(draft(key))
    lines = store.path.read_bytes().splitlines()
    lines[1] = lines[1].replace(b'"agree"', b'"unsure"')
    lines[3] = lines[3][:50]
    typed = json.loads(lines[4])
    typed.update(uuid=str(uuid.uuid4()), seq=9, idempotency_id="typed")
    store.path.write_bytes(b"\n".join([*lines, json.dumps(typed).encode()]))
    label = store.append(draft("f"))
    counts = [store.status_counts()[status] for status in LineStatus]
    problems = [] if counts == [4, 2, 1] else [f"counted {counts}, expected [4, 2, 1]"]
    verdicts = [x.verdict for x in store.for_recording(SHA)]
    if verdicts.count("unsure") != 1 or len(verdicts) != 6:
        problems.append(f"found {verdicts}")
    if label.seq != 10:
        problems.append(f"the label after a typed line has the number {label.seq}")
    if not store.path.read_bytes().startswith(b"\n".join(lines)):
        problems.append("the file was rewritten")
    return problems


def clock_set_back(make: Callable[[Path], LabelStore], folder: Path) -> list[str]:
    """Set the clock back between labels; the order in which they were said stays."""
    hours = iter([0, 1, -5, -4, -100])

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 11, 3, 12, tzinfo=book_module.UTC) + timedelta(hours=next(hours))

    real, book_module.datetime = book_module.datetime, Clock  # type: ignore[misc, assignment]
    try:
        store = make(folder)
        first = store.append(draft("a"))
        for key in "bcde":
            store.append(draft(key, verdict="unsure", reason=key, supersedes=first.uuid))
    finally:
        book_module.datetime = real  # type: ignore[misc]
    found = [x.idempotency_id for x in make(folder).for_recording(SHA)]
    return [] if found == list("abcde") else [f"order {found}"]


def double_clicks(make: Callable[[Path], LabelStore], folder: Path) -> list[str]:
    """Send every form twice: at once from two threads, and again after a restart."""
    store = make(folder)
    answers: list[str] = []

    def click(key: str) -> None:
        answers.append(store.append(draft(key)).uuid)

    for number in range(20):
        threads = [threading.Thread(target=click, args=(f"form-{number}",)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers.append(make(folder).append(draft(f"form-{number}")).uuid)
    n_labels = len(LabelStore(folder).all())
    if n_labels != 20 or len(set(answers)) != 20:
        return [f"{n_labels} labels and {len(set(answers))} answers from 20 forms"]
    return []


class Server:
    """A store in a process of its own, asked line by line over a socket, as a browser would."""

    def __init__(self, make: Callable[[Path], LabelStore], folder: Path) -> None:
        here, there = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            here.close()
            store = make(folder)
            with there.makefile("rw", encoding="utf-8") as lines:
                for line in lines:
                    lines.write(json.dumps(_served(store, json.loads(line))) + "\n")
                    lines.flush()
            os._exit(0)
        there.close()
        self._socket = here
        self._lines = here.makefile("rw", encoding="utf-8")

    def say(self, *asked: object) -> None:
        """Ask without waiting for the answer."""
        self._lines.write(json.dumps(asked) + "\n")
        self._lines.flush()

    def answer(self) -> object:
        """Return the answer to what was asked first of what is open."""
        return json.loads(self._lines.readline())

    def ask(self, *asked: object) -> object:
        """Ask and wait for the answer."""
        self.say(*asked)
        return self.answer()

    def stop(self) -> bool:
        """End the process; return whether it ended well."""
        # the other server was forked with a copy of this end: closing it alone would end nothing
        self._socket.shutdown(socket.SHUT_RDWR)
        return os.waitpid(self.pid, 0)[1] == 0


def _served(store: LabelStore, asked: list[object]) -> object:
    what, *more = asked
    if what == "append":
        key, changes = more
        assert isinstance(changes, dict)
        try:
            return store.append(draft(str(key), **changes)).uuid
        except LabelNotSavedError:
            return None
    if what == "current":
        return [x.uuid for x in store.current(SHA).labels]
    return [x.uuid for x in store.for_recording(SHA)]


def two_servers(make: Callable[[Path], LabelStore], folder: Path) -> list[str]:
    """Two server processes on one workspace: each sees, and may change, what the other saved."""
    one, other = Server(make, folder), Server(make, folder)
    assert one.pid != other.pid
    one.ask("append", "start", {})
    acknowledged = ["start"]
    problems: list[str] = []
    other.ask("all")  # both have read the file before anything else happens
    for number in range(20):
        here, there = (one, other) if number % 2 else (other, one)
        here.say("append", f"form-{number}", {})  # the same form from two tabs, at once
        there.say("append", f"form-{number}", {})
        first, again = here.answer(), there.answer()
        if first != again:
            problems.append("the same form was saved by both servers")
        acknowledged.append(f"form-{number}")
        alone = here.ask("append", f"alone-{number}", {})
        acknowledged.append(f"alone-{number}")
        if alone not in list(there.ask("all")):  # type: ignore[call-overload]
            problems.append("a label of the other server is not seen")
        change = {"verdict": "unsure", "reason": "x", "supersedes": alone}
        second = there.ask("append", f"change-{number}", change)
        if second is None:
            problems.append("a label of the other server cannot be changed")
            continue
        acknowledged.append(f"change-{number}")
        if second not in list(here.ask("current")):  # type: ignore[call-overload]
            problems.append("the change is not current for the other server")
    if not (one.stop() & other.stop()):
        problems.append("a server ended with an error")
    return [*problems[:5], *_problems(folder, acknowledged)]


TRIALS: dict[str, Callable[..., list[str]]] = {
    trial.__name__: trial
    for trial in (
        kill_9, eight_at_once, disk_full, hand_edits, clock_set_back, double_clicks, two_servers
    )
}  # fmt: skip

if __name__ == "__main__":
    trial_name, store_name, where, *more = sys.argv[1:]
    outcome = TRIALS[trial_name](STORES[store_name], Path(where), *map(int, more))
    sys.stdout.write(json.dumps(outcome))
