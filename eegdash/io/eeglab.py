"""EEGLAB data sets: ``.set``, with the samples inside or in a separate ``.fdt``."""

from __future__ import annotations

from pathlib import Path

from eegdash.errors import RecordingError
from eegdash.io.mne_raw import describe, recording_of
from eegdash.io.parser import PARSERS, ParserRefusedError, Source
from eegdash.recording import Recording


def read_eeglab(path: Path, *, sha256: str | None = None) -> Recording:
    """Open an EEGLAB data set.

    The hash covers the ``.set`` and, where the samples lie apart, the ``.fdt`` after it.

    Parameters
    ----------
    path : Path
        The ``.set`` file; the ``.fdt`` lies in the same folder.
    sha256 : str, optional
        Hash over the files, where it is already known.

    Returns
    -------
    Recording

    Raises
    ------
    RecordingError
        If the ``.fdt`` is missing, the data are epochs, or the file cannot be read.
    """
    files = [path, *_separate_data(path)]
    described = describe(path, "EEGLAB", "read_raw_eeglab", beside=files[1:])
    return recording_of(path, described, format_name="EEGLAB", sha256=sha256, files=files)


def _separate_data(path: Path) -> list[Path]:
    """Return the ``.fdt`` that belongs to the data set, if its samples lie apart."""
    with path.open("rb") as file:
        head = file.read(128)
    if b"MATLAB 7.3" in head or head.startswith(b"\x89HDF"):
        raise RecordingError(
            f"{path.name} is in MATLAB 7.3 format, which is not read here. In EEGLAB, save the "
            "data set again with the option 'v7.3' switched off, or export it as EDF."
        )
    try:
        found, _ = PARSERS.ask(Source.of([path], ""), "data_set")
    except ParserRefusedError as error:
        raise RecordingError(
            f"{path.name} cannot be read as EEGLAB. A data set saved by EEGLAB was expected; "
            "save it again there, or export it as EDF."
        ) from error
    if found["trials"] > 1:
        raise RecordingError(
            f"{path.name} holds {found['trials']} epochs; a continuous recording is needed. "
            "Open the data set from before it was cut into epochs."
        )
    if not found["apart"]:
        return []
    companion = path.with_suffix(".fdt")
    if not companion.is_file():
        raise RecordingError(
            f"{path.name} needs the file {companion.name} beside it, which is missing. "
            "Copy it into the same folder and open the recording again."
        )
    return [companion]
