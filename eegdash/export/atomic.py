"""Writing a file so that a reader sees the old one or the new one, never half of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eegdash.errors import WorkspaceError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder that takes the place of ``path`` on success.

    Parameters
    ----------
    path : Path

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
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise _cannot_write(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp keeps a file from all others
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _cannot_write(path: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"{path.name} could not be written ({error.strerror or type(error).__name__}). "
        "Check that the folder exists, may be written to and has space."
    )
