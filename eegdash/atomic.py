"""Writing a file so that a reader sees the old one or the new one, never half of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eegdash.errors import WorkspaceError

_REMEDY = "Check that the folder exists, may be written to and has space."


@contextmanager
def replacing(path: Path, *, mode: int = 0o644, remedy: str = _REMEDY) -> Iterator[Path]:
    """Give a temporary path in the same folder that takes the place of ``path`` on success.

    Parameters
    ----------
    path : Path
    mode : int
        Permissions of the new file.
    remedy : str
        What the reader may do where it fails, a sentence for the message.

    Yields
    ------
    Path
        Written by the caller; flushed to disk and renamed when the block ends without an
        error, removed otherwise.

    Raises
    ------
    WorkspaceError
        If the folder is missing, read-only or full.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise _cannot_write(path, error, remedy) from error
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(mode)  # mkstemp keeps a file from all others
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, error, remedy) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file so that a reader sees the old or the new content, never a part.

    Raises
    ------
    WorkspaceError
        If the file cannot be written.
    """
    with replacing(path, mode=mode) as temporary:
        temporary.write_bytes(content)


def _cannot_write(path: Path, error: OSError, remedy: str) -> WorkspaceError:
    reason = error.strerror or type(error).__name__
    return WorkspaceError(f"{path.name} could not be written ({reason}). {remedy}")
