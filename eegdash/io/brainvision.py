"""BrainVision recordings: a header (``.vhdr``), markers (``.vmrk``) and data (``.eeg``)."""

from __future__ import annotations

import re
from pathlib import Path

from eegdash.errors import NotAnEegError, RecordingError
from eegdash.io.mne_raw import describe, recording_of
from eegdash.recording import Recording

_MAX_HEADER_BYTES = 4 << 20
_COMPANION = re.compile(r"^\s*(DataFile|MarkerFile)\s*=\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE)


def read_brainvision(path: Path, *, sha256: str | None = None) -> Recording:
    """Open a BrainVision recording by its header file.

    The hash covers header, data and, where there is one, marker file, in this order.

    Parameters
    ----------
    path : Path
        The ``.vhdr`` file; data and markers lie in the same folder.
    sha256 : str, optional
        Hash over the files, where it is already known.

    Returns
    -------
    Recording

    Raises
    ------
    RecordingError
        If a companion file is missing or the header cannot be read.
    """
    companions = _companions(path)
    described = describe(path, "BrainVision", "read_raw_brainvision", beside=companions)
    return recording_of(
        path, described, format_name="BrainVision", sha256=sha256, files=[path, *companions]
    )


def _companions(path: Path) -> list[Path]:
    """Data and marker file that the header names; they must lie beside it."""
    with path.open("rb") as file:
        length = min(path.stat().st_size, _MAX_HEADER_BYTES)
        text = file.read(length).decode("utf-8", errors="replace")
    if "brain vision" not in text[:200].lower() and "brainvision" not in text[:200].lower():
        raise NotAnEegError(
            f"{path.name} does not begin as BrainVision headers do. "
            "Choose the .vhdr file that the recorder wrote."
        )
    named = {key.lower(): name for key, name in _COMPANION.findall(text)}
    if "datafile" not in named:
        raise RecordingError(
            f"{path.name} does not name its data file. Export the recording again."
        )
    found: list[Path] = []
    for key in ("datafile", "markerfile"):
        if key not in named:
            continue
        name = named[key].replace("$b", path.stem)
        # a header from elsewhere must not reach into other folders
        if "/" in name or "\\" in name or name in (".", "..") or "\x00" in name:
            raise RecordingError(
                f"{path.name} names a file in another folder. Put header, data and markers in "
                "one folder and correct the names in the header."
            )
        companion = path.with_name(name)
        if not companion.is_file():
            raise RecordingError(
                f"{path.name} needs the file {name} beside it, which is missing. "
                "Copy it into the same folder and open the recording again."
            )
        found.append(companion)
    return found
