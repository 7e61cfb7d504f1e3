"""The hash that identifies a recording everywhere: SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from eegdash.errors import RecordingError


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
        64 lower-case hexadecimal digits.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RecordingError(
            f"{path.name} cannot be read ({error.strerror or type(error).__name__}). "
            "Check that the file is there and that you may read it."
        ) from error


def hash_files(paths: Sequence[Path]) -> str:
    """Return one hash of a recording that lies in several files.

    A single file has its own SHA-256. For several it is the SHA-256 of their lower-case
    hexadecimal SHA-256 digests, one per line in the order given (header file first), so that
    a change in any of them changes the hash while renaming them does not.
    """
    digests = [hash_file(path) for path in paths]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(digests).encode("ascii")).hexdigest()
