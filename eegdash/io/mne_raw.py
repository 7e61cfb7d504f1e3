"""From what a parser says about a file to a Recording; for BrainVision, EEGLAB and FIF.

MNE itself runs in a process of its own (:mod:`eegdash.io.parser`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Annotation
from eegdash.errors import NotAnEegError, RecordingError
from eegdash.io.channels import is_eeg, unique_names
from eegdash.io.content import check_not_foreign
from eegdash.io.hashing import hash_files
from eegdash.io.identity import sentence
from eegdash.io.parser import PARSERS, ParserRefusedError, Source
from eegdash.recording import Block, Recording


@dataclass(frozen=True, slots=True)
class MneSource:
    """Pages of a file that MNE reads, in microvolt where a channel is a voltage.

    Parameters
    ----------
    source : Source
    """

    source: Source

    def read(self, first: int, last: int, picks: Sequence[int]) -> NDArray[np.float32]:
        """Return samples ``first:last``, shape (n_picks, last - first), microvolt."""
        rows = [int(pick) for pick in picks]
        shape = (len(rows), max(last - first, 0))
        if 0 in shape:
            return np.empty(shape, dtype=np.float32)
        self.source.check_unchanged()
        wanted = {"first": int(first), "last": int(last), "rows": rows}
        try:
            answer, content = PARSERS.ask(self.source, "read", **wanted)
        except ParserRefusedError as error:
            raise self._unreadable(first, last) from error
        if tuple(answer["shape"]) != shape:
            raise self._unreadable(first, last)
        # a copy, because what comes over a pipe cannot be written to
        return np.frombuffer(content, dtype="<f4").reshape(shape).astype(np.float32)

    def _unreadable(self, first: int, last: int) -> RecordingError:
        return RecordingError(
            f"{self.source.name} could not be read between samples {first} and {last}. "
            "It may have changed since it was opened; open it again."
        )


@dataclass(frozen=True, slots=True)
class Described:
    """What a parser says about a file, and where its samples come from."""

    source: Source
    facts: Mapping[str, Any]


def refusal(path: Path, format_name: str) -> RecordingError:
    """Return the error of a file that its parser refuses."""
    return RecordingError(
        f"{path.name} cannot be read as {format_name}. It may be damaged, incomplete or of "
        "another kind; export it as EDF from the program that recorded it."
    )


def describe(
    path: Path, format_name: str, function: str, *, beside: Sequence[Path] = ()
) -> Described:
    """Have a reader of MNE open a file, without its samples.

    MNE's own warnings concern names and settings of its writers; they are not shown.

    Parameters
    ----------
    path : Path
    format_name : str
        For messages.
    function : str
        Name of the reader in ``mne.io``.
    beside : sequence of Path
        Further files of the recording.

    Raises
    ------
    RecordingError
        If it is refused, or takes too long or too much memory.
    """
    with path.open("rb") as file:
        head = file.read(256)
    if not head:
        raise NotAnEegError(
            f"{path.name} is empty (0 bytes). The copy probably failed; copy the file again."
        )
    check_not_foreign(path, head)
    source = Source.of([path, *beside], function)
    try:
        facts, _ = PARSERS.ask(source, "describe")
    except ParserRefusedError as error:
        raise refusal(path, format_name) from error
    return Described(source, facts)


def recording_of(
    path: Path,
    described: Described,
    *,
    format_name: str,
    sha256: str | None,
    files: Sequence[Path],
) -> Recording:
    """Return the Recording of a file that a parser described.

    Parameters
    ----------
    path : Path
        The file that was opened.
    described : Described
    format_name : str
    sha256 : str or None
        Hash over ``files``, where it is already known.
    files : sequence of Path
        All files of the recording, header first (see :func:`eegdash.io.hashing.hash_files`).
    """
    facts = described.facts
    sfreq, n_samples = float(facts["sfreq"]), int(facts["n_times"])
    if not (np.isfinite(sfreq) and sfreq > 0 and n_samples > 0):
        raise RecordingError(
            f"{path.name} states a rate of {sfreq:g} Hz and {n_samples} samples; both should be "
            "above 0. Export the recording again."
        )
    labels = [name.strip() for name in facts["ch_names"]]
    eeg = tuple(
        kind == "eeg" and is_eeg(label, "V")
        for kind, label in zip(facts["types"], labels, strict=True)
    )
    names, repeated = unique_names(labels)
    found, boundaries = _annotations(facts)
    warned: list[str] = []
    if repeated:
        warned.append(f"Channel names occur more than once ({', '.join(repeated)}).")
    if not any(eeg):
        warned.append("The file holds no EEG signal.")
    if boundaries:
        warned.append(
            f"The file marks {boundaries} boundaries where signal was cut out. How long the gaps "
            "were is not stated, so the parts are shown as if they followed one another."
        )
    personal = sentence(facts["personal"], is_edf=False)
    return Recording(
        path=path,
        sha256=sha256 or hash_files(files),
        sfreq=sfreq,
        ch_names=names,
        blocks=(Block(0.0, 0, n_samples),),
        start=_start(facts),
        annotations=found,
        warnings=(*warned, *([personal] if personal else [])),
        source=MneSource(described.source),
        eeg=eeg,
        format=format_name,
        personal=personal,
    )


def _start(facts: Mapping[str, Any]) -> datetime | None:
    if not facts["measured"]:
        return None
    measured = datetime.fromisoformat(facts["measured"]).replace(tzinfo=None)
    # samples may begin later than the measurement
    return measured + timedelta(seconds=float(facts["first_time"]))


def _annotations(facts: Mapping[str, Any]) -> tuple[tuple[Annotation, ...], int]:
    """Annotations in seconds from the first sample, and how many mark a boundary."""
    shift_s = float(facts["first_time"]) if facts["from_measurement"] else 0.0
    found: list[Annotation] = []
    boundaries = 0
    for onset, length_s, text in facts["annotations"]:
        boundaries += "boundary" in text.lower() or "EDGE" in text
        onset_s = onset - shift_s
        if math.isfinite(onset_s) and onset_s >= 0:
            length_s = length_s if math.isfinite(length_s) and length_s > 0 else 0.0
            found.append(Annotation(onset_s, length_s, text=text))
    return tuple(sorted(found, key=lambda a: a.onset_s)), boundaries
