"""Recordings from files: one reader per format, found by suffix.

A format is a module with ``read_<format>(path, *, sha256=None) -> Recording`` and one line in
:data:`READERS`; the contract tests run every entry.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from eegdash.errors import NotAnEegError, RecordingError, UnsupportedFormatError
from eegdash.io.brainvision import read_brainvision
from eegdash.io.edf import read_bdf, read_edf
from eegdash.io.eeglab import read_eeglab
from eegdash.io.fif import read_fif
from eegdash.io.hashing import hash_file
from eegdash.io.reference import read_reference
from eegdash.recording import Recording

__all__ = ["READERS", "Reader", "hash_file", "open_recording", "read_reference"]


class Reader(Protocol):
    """What every entry of :data:`READERS` is."""

    def __call__(self, path: Path, *, sha256: str | None = None) -> Recording:
        """Open the file lazily."""
        ...


READERS: dict[str, Reader] = {
    ".edf": read_edf,
    ".bdf": read_bdf,
    ".vhdr": read_brainvision,
    ".set": read_eeglab,
    ".fif": read_fif,
}
# files that people choose although another one of the same recording is meant
_MEANT = {".eeg": ".vhdr", ".vmrk": ".vhdr", ".fdt": ".set"}


def open_recording(path: Path, *, sha256: str | None = None) -> Recording:
    """Open a recording by the reader of its suffix; samples are read later, page by page.

    Parameters
    ----------
    path : Path
    sha256 : str, optional
        Hash of the recording where it is already known; computed otherwise. For formats of
        several files it covers them all (:func:`eegdash.io.hashing.hash_files`).

    Returns
    -------
    Recording

    Raises
    ------
    UnsupportedFormatError
        If no reader knows the suffix.
    RecordingError
        If the file is missing, damaged, or not an EEG.
    """
    suffix = path.suffix.lower()
    if suffix == ".gz":
        raise NotAnEegError(f"{path.name} is compressed. Unpack it and open the recording inside.")
    if suffix in _MEANT:
        meant = path.with_suffix(_MEANT[suffix]).name
        raise UnsupportedFormatError(
            f"{path.name} is one part of a recording. Open its header file {meant} instead."
        )
    reader = READERS.get(suffix)
    if reader is None:
        known = ", ".join(READERS)
        raise UnsupportedFormatError(
            f"{path.name} is of a kind that is not read here. Expected one of {known}; "
            "export the recording as EDF."
        )
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # a name that is too long, or with a NUL in it
        is_file = False
    if not is_file:
        raise RecordingError(f"{path.name[:200]} was not found. Check its name and folder.")
    return reader(path, sha256=sha256)
