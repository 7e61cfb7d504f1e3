"""From an MNE ``Raw`` to a Recording; shared by the BrainVision, EEGLAB and FIF readers."""

from __future__ import annotations

import configparser
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Annotation
from eegdash.errors import NotAnEegError, RecordingError
from eegdash.io.channels import is_eeg, unique_names
from eegdash.io.content import check_not_foreign
from eegdash.io.hashing import hash_files
from eegdash.recording import Block, Recording

# What parsers raise on bytes they did not expect; listed, so that a mistake of ours
# (a misspelt name, say) is not shown to the reader as a damaged file.
PARSER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    UnboundLocalError,  # scipy, on a damaged .set
    ValueError,
    configparser.Error,
    struct.error,
    zlib.error,
)
_CHILD_S = 20.0
_CHILD_BYTES = 8 << 30
_VOLT_TYPES = frozenset({"eeg", "eog", "ecg", "emg", "seeg", "ecog", "dbs", "bio"})


@dataclass(frozen=True, slots=True)
class MneSource:
    """Pages of an MNE ``Raw``; one at a time, because MNE's readers share state.

    Parameters
    ----------
    raw : mne.io.Raw
    factors : ndarray of float64, shape (n_channels,)
        Microvolt per unit of MNE (volt); 1 for channels that are not a voltage.
    name : str
        File name for messages.
    """

    raw: Any
    factors: NDArray[np.float64]
    name: str
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, first: int, last: int, picks: Sequence[int]) -> NDArray[np.float32]:
        """Return samples ``first:last``, shape (n_picks, last - first), microvolt."""
        rows = list(picks)
        if not rows or last <= first:
            return np.empty((len(rows), max(last - first, 0)), dtype=np.float32)
        try:
            with self.lock, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                values, _ = self.raw[rows, first:last]
        except PARSER_ERRORS as error:
            raise RecordingError(
                f"{self.name} could not be read between samples {first} and {last}. "
                "It may have changed since it was opened; open it again."
            ) from error
        with np.errstate(over="ignore", invalid="ignore"):
            signal_uv = np.asarray(values * self.factors[rows, np.newaxis], dtype=np.float32)
        signal_uv[~np.isfinite(signal_uv)] = (
            np.nan
        )  # one mark for what is not a number of microvolt
        return signal_uv


# Opens the file as open_raw does and touches its ends, under limits of its own.
_CHILD = """
import sys, warnings
try:
    import resource
    limit = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
except ImportError:
    pass
import mne
warnings.simplefilter("ignore")
raw = getattr(mne.io, sys.argv[1])(sys.argv[2], preload=False, verbose="error")
raw[:, :1], raw[:, raw.n_times - 1:]
"""


def _survives(path: Path, function: str) -> bool:
    """Open the file in a child process first: a damaged FIF sends MNE round in circles.

    It costs the start of Python and the import of MNE, about half a second.
    """
    command = [sys.executable, "-I", "-c", _CHILD, function, str(path.resolve())]
    try:
        done = subprocess.run(
            [*command, str(_CHILD_BYTES)], capture_output=True, timeout=_CHILD_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def open_raw(path: Path, format_name: str, function: str) -> Any:
    """Call a reader of MNE without preloading; what it raises becomes a sentence.

    MNE's own warnings concern names and settings of its writers; they are not shown.

    Parameters
    ----------
    path : Path
    format_name : str
        For messages.
    function : str
        Name of the reader in ``mne.io``.
    """
    with path.open("rb") as file:
        head = file.read(256)
    if not head:
        raise NotAnEegError(
            f"{path.name} is empty (0 bytes). The copy probably failed; copy the file again."
        )
    check_not_foreign(path, head)
    refusal = RecordingError(
        f"{path.name} cannot be read as {format_name}. It may be damaged, incomplete or of "
        "another kind; export it as EDF from the program that recorded it."
    )
    if not _survives(path, function):
        raise refusal
    import mne

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(mne.io, function)(path, preload=False, verbose="error")
    except PARSER_ERRORS as error:
        raise refusal from error


def recording_from_raw(
    path: Path,
    raw: Any,
    *,
    format_name: str,
    sha256: str | None,
    files: Sequence[Path],
    notes: Sequence[str] = (),
) -> Recording:
    """Describe an opened ``Raw`` as a Recording.

    Parameters
    ----------
    path : Path
        The file that was opened.
    raw : mne.io.Raw
    format_name : str
    sha256 : str or None
        Hash over ``files``, where it is already known.
    files : sequence of Path
        All files of the recording, header first (see :func:`eegdash.io.hashing.hash_files`).
    notes : sequence of str
        Warnings of the reader.
    """
    sfreq = float(raw.info["sfreq"])
    n_samples = int(raw.n_times)
    if not (np.isfinite(sfreq) and sfreq > 0 and n_samples > 0):
        raise RecordingError(
            f"{path.name} states a rate of {sfreq:g} Hz and {n_samples} samples; both should be "
            "above 0. Export the recording again."
        )
    types = [str(t) for t in raw.get_channel_types()]
    labels = [str(name).strip() for name in raw.ch_names]
    eeg = tuple(
        kind == "eeg" and is_eeg(label, "V") for kind, label in zip(types, labels, strict=True)
    )
    names, repeated = unique_names(labels)
    found, boundaries = _annotations(raw)
    warned = list(notes)
    if repeated:
        warned.append(f"Channel names occur more than once ({', '.join(repeated)}).")
    if not any(eeg):
        warned.append("The file holds no EEG signal.")
    if boundaries:
        warned.append(
            f"The file marks {boundaries} boundaries where signal was cut out. How long the gaps "
            "were is not stated, so the parts are shown as if they followed one another."
        )
    # the patient's details are not ours to keep
    raw.info["subject_info"] = None
    factors = np.array([1e6 if kind in _VOLT_TYPES else 1.0 for kind in types])
    measured = raw.info["meas_date"]
    # samples may begin later than the measurement
    start = measured and measured.replace(tzinfo=None) + timedelta(seconds=float(raw.first_time))
    return Recording(
        path=path,
        sha256=sha256 or hash_files(files),
        sfreq=sfreq,
        ch_names=names,
        blocks=(Block(0.0, 0, n_samples),),
        start=start,
        annotations=found,
        warnings=tuple(warned),
        source=MneSource(raw, factors, path.name),
        eeg=eeg,
        format=format_name,
    )


def _annotations(raw: Any) -> tuple[tuple[Annotation, ...], int]:
    """Annotations in seconds from the first sample, and how many mark a boundary."""
    # with a measurement date MNE counts onsets from it, not from the first sample
    shift_s = float(raw.first_time) if raw.annotations.orig_time is not None else 0.0
    found: list[Annotation] = []
    boundaries = 0
    for onset, duration, text in zip(
        raw.annotations.onset, raw.annotations.duration, raw.annotations.description, strict=True
    ):
        boundaries += "boundary" in str(text).lower() or "EDGE" in str(text)
        onset_s, length_s = float(onset) - shift_s, float(duration)
        if np.isfinite(onset_s) and onset_s >= 0:
            length_s = length_s if np.isfinite(length_s) and length_s > 0 else 0.0
            found.append(Annotation(onset_s, length_s, text=str(text)))
    return tuple(sorted(found, key=lambda a: a.onset_s)), boundaries
