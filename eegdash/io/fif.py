"""FIF files of MNE (``.fif``, also ``_eeg.fif`` and ``_raw.fif``)."""

from __future__ import annotations

from pathlib import Path

from eegdash.io.mne_raw import describe, recording_of
from eegdash.recording import Recording


def read_fif(path: Path, *, sha256: str | None = None) -> Recording:
    """Open a FIF file with a continuous recording.

    The hash covers all parts of a split recording, in their order.

    Parameters
    ----------
    path : Path
        The file, or the first part of a split recording.
    sha256 : str, optional
        Hash over the files, where it is already known.

    Returns
    -------
    Recording

    Raises
    ------
    RecordingError
        If the file, or a further part of it, cannot be read.
    """
    described = describe(path, "FIF", "read_raw_fif")
    files = [Path(name) for name in described.facts["files"]] or [path]
    return recording_of(path, described, format_name="FIF", sha256=sha256, files=files)
