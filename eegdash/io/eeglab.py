"""EEGLAB data sets: ``.set``, with the samples inside or in a separate ``.fdt``."""

from __future__ import annotations

import warnings
from pathlib import Path

from eegdash.errors import RecordingError
from eegdash.io.mne_raw import PARSER_ERRORS, open_raw, recording_from_raw
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
    raw = open_raw(path, "EEGLAB", "read_raw_eeglab")
    return recording_from_raw(path, raw, format_name="EEGLAB", sha256=sha256, files=files)


def _separate_data(path: Path) -> list[Path]:
    """Return the ``.fdt`` that belongs to the data set, if its samples lie apart."""
    with path.open("rb") as file:
        head = file.read(128)
    if b"MATLAB 7.3" in head or head.startswith(b"\x89HDF"):
        raise RecordingError(
            f"{path.name} is in MATLAB 7.3 format, which is not read here. In EEGLAB, save the "
            "data set again with the option 'v7.3' switched off, or export it as EDF."
        )
    from scipy.io import loadmat, whosmat
    from scipy.io.matlab import MatReadError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kinds = {name: kind for name, _, kind in whosmat(str(path))}
            wanted = ["EEG"] if "EEG" in kinds else ["data", "trials"]
            loaded = loadmat(
                str(path), variable_names=wanted, squeeze_me=True, struct_as_record=False
            )
            fields = vars(loaded["EEG"]) if "EEG" in loaded else loaded
            data, trials = fields["data"], int(fields.get("trials", 1))
    except (*PARSER_ERRORS, MatReadError) as error:
        raise RecordingError(
            f"{path.name} cannot be read as EEGLAB. A data set saved by EEGLAB was expected; "
            "save it again there, or export it as EDF."
        ) from error
    if trials > 1:
        raise RecordingError(
            f"{path.name} holds {trials} epochs; a continuous recording is needed. "
            "Open the data set from before it was cut into epochs."
        )
    if not isinstance(data, str):
        return []
    companion = path.with_suffix(".fdt")
    if not companion.is_file():
        raise RecordingError(
            f"{path.name} needs the file {companion.name} beside it, which is missing. "
            "Copy it into the same folder and open the recording again."
        )
    return [companion]
