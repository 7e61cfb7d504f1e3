"""Parsers of others in processes of their own, with limits, warm, and replaced when they fail.

MNE and SciPy read BrainVision, EEGLAB and FIF. A damaged or planted file may send them round in
circles or ask for all memory, so the server never calls them itself: a child does
(:mod:`eegdash.io.mne_child`), under a limit of memory that follows the size of the file and a limit
of time. A child that dies costs its one request; another one follows. EDF and BDF need no child:
their header passes :mod:`eegdash.io.gate`, and their samples are plain integers
(``docs/decisions/0008-hostile-files.md`` has the reasons and the measurements).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from eegdash.errors import RecordingError

ANSWER_S = 10.0
"""Time for a request beside :data:`BYTES_PER_S`; opening a sound file takes some 10 ms."""
BYTES_PER_S = 20e6
MOST_BYTES = 8 << 30
"""Address space of a child, whatever the size of the file."""
ROOM_BYTES = 512 << 20
"""What a child may take beside what it holds, for a file of no size."""
_MOST_CHILDREN = 3
_CHILD = Path(__file__).with_name("mne_child.py")
# what a child that is gone, or says anything else than the agreed lines, makes fail here
_FAULTS = (OSError, ValueError, KeyError, TypeError, AttributeError)


class ParserRefusedError(Exception):
    """A parser could not make sense of the file, or did not come back in time."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file as a child opens it.

    Parameters
    ----------
    files : tuple of Path
        All that is known to belong to the recording; the first one is opened.
    function : str
        Name of the reader in ``mne.io``; empty where none is needed.
    stamp : str
        Sizes and times of change when it was opened: a file that changed is another file.
    size : int
        Bytes of all files.
    """

    files: tuple[Path, ...]
    function: str
    stamp: str
    size: int

    @classmethod
    def of(cls, files: Sequence[Path], function: str) -> Source:
        """Take the stamp of the files of a recording."""
        found = [one.stat() for one in files]
        return cls(tuple(files), function, _stamp(files), sum(one.st_size for one in found))

    @property
    def name(self) -> str:
        """File name for messages."""
        return self.files[0].name

    def check_unchanged(self) -> None:
        """Raise a RecordingError if the files are not what was opened any more."""
        try:
            same = _stamp(self.files) == self.stamp
        except OSError:
            same = False
        if not same:
            raise RecordingError(f"{self.name} has changed since it was opened. Open it again.")


def _stamp(files: Sequence[Path]) -> str:
    found = [one.stat() for one in files]
    return "|".join(f"{one.st_size}.{one.st_mtime_ns}" for one in found)


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    holds: set[tuple[str, str]] = field(default_factory=set)

    @property
    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self.process.stdin is None or self.process.stdout is None:
            raise OSError("no pipes")
        return self.process.stdin, self.process.stdout

    def ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Send a request and take the answer; fails with one of :data:`_FAULTS`."""
        stdin, _ = self.pipes
        stdin.write(json.dumps(request).encode("ascii") + b"\n")
        stdin.flush()
        return self.answer()

    def answer(self) -> tuple[dict[str, Any], bytes]:
        _, stdout = self.pipes
        said = json.loads(stdout.readline())
        length = int(said.get("bytes", 0))
        content = stdout.read(length) if length else b""
        if len(content) != length:
            raise OSError("the answer was cut off")
        return said, content

    def end(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Parsers:
    """A few children that parse, one request each at a time."""

    def __init__(self) -> None:
        self._idle: list[_Child] = []
        self._count = 0
        self._changed = threading.Condition()

    def ask(self, source: Source, do: str, **request: Any) -> tuple[dict[str, Any], bytes]:
        """Have a child do something with a file.

        Returns
        -------
        answer : dict
        content : bytes

        Raises
        ------
        ParserRefusedError
            If the parser failed, took too long or too much memory.
        """
        asked = {
            "do": do,
            "path": str(source.files[0].resolve()),
            "function": source.function,
            "stamp": source.stamp,
            "size": source.size,
            "limit_s": ANSWER_S + source.size / BYTES_PER_S,
            "room_bytes": ROOM_BYTES,
            "most_bytes": MOST_BYTES,
            **request,
        }
        with self._child((asked["path"], source.stamp)) as child:
            answer, content = child.ask(asked)
            if answer.get("refused") == "MemoryError":
                raise OSError("out of memory")  # what is left of it is not worth keeping
        if "refused" in answer:
            raise ParserRefusedError(str(answer["refused"]))
        return answer, content

    def close(self) -> None:
        """End the children that are idle; the others end with this process."""
        with self._changed:
            idle, self._idle = self._idle, []
            self._count -= len(idle)
        for child in idle:
            child.end()

    @contextlib.contextmanager
    def _child(self, wanted: tuple[str, str]) -> Iterator[_Child]:
        """Lend a child, preferably one that holds the file; a child that failed is not kept."""
        child = self._taken(wanted)
        sound = False
        try:
            child = child or self._started()
            yield child
            child.holds.add(wanted)
            sound = True
        except _FAULTS as error:
            raise ParserRefusedError(type(error).__name__) from error
        finally:
            if child is not None and not sound:
                child.end()
            with self._changed:
                if child is not None and sound:
                    self._idle.append(child)
                else:
                    self._count -= 1
                self._changed.notify()

    def _taken(self, wanted: tuple[str, str]) -> _Child | None:
        """Take an idle child; None leaves room to start one."""
        with self._changed:
            while not self._idle and self._count >= _MOST_CHILDREN:
                self._changed.wait()
            for child in self._idle:
                if wanted in child.holds and child.process.poll() is None:
                    self._idle.remove(child)
                    return child
            while self._idle:
                child = self._idle.pop(0)
                if child.process.poll() is None:
                    return child
                child.end()
                self._count -= 1
            self._count += 1
            return None

    @staticmethod
    def _started() -> _Child:
        """Start a child and wait until it is warm; about a second, most of it MNE's import."""
        child = _Child(
            subprocess.Popen(
                [sys.executable, "-I", str(_CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # threads of a numerical library count against the address space
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        )
        child.answer()
        return child


PARSERS = Parsers()
atexit.register(PARSERS.close)
