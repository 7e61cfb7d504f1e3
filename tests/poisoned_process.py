"""Recordings that harm the process which reads them, for tests of clusters.

A plugin, because a process that died is replaced by one that knows nothing of a patch.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin

from eegdash.workflows import parts

_look = parts.look
_encode = parts.encode_part


@dataclass
class Poison(WorkerPlugin):
    """Makes recordings do harm by what their names begin with.

    ``kills``: the process dies. ``stumbles-N``: reading fails N times. ``slow``: each part takes
    a while. What happened is counted in the folder.
    """

    folder: Path
    name: str = "poison"

    def setup(self, worker: Any) -> None:
        """Put the harm in place of the tasks; they are looked up by name in each process."""
        parts.look = self._harmful_look
        parts.encode_part = self._slow_part

    def teardown(self, worker: Any) -> None:
        """Take it away again."""
        parts.look, parts.encode_part = _look, _encode

    def _harmful_look(self, work: parts.Work) -> Any:
        name = work.file.stem
        if name.startswith("kills"):
            self._count(name)
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("stumbles"):

            def stumble() -> Any:
                if self._count(name) <= int(name.split("-")[1]):
                    raise OSError(errno.EIO, os.strerror(errno.EIO), work.path)
                return _look(work)

            return parts.in_words(work, stumble)
        return _look(work)

    def _slow_part(self, work: parts.Work, first: int, stop: int) -> Any:
        if work.file.stem.startswith("slow"):
            self._count(work.file.stem)
            time.sleep(0.3)
        return _encode(work, first, stop)

    def _count(self, name: str) -> int:
        with (self.folder / name).open("ab") as stream:
            stream.write(b".")
        return (self.folder / name).stat().st_size
