"""What a process of a cluster does for one recording: look at it, encode a part, join the codes.

A task is told where the recording lies and which segments are meant, reads the signal itself and
returns codes, some tens of numbers a segment; no signal goes over the network. It writes nothing:
what is found is stored by the process that asked. Paths and channel names are kept out of the
text of these values, because Dask writes that text into its logs when a task fails.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from eegdash import __version__
from eegdash.checkpoints import Detector, list_checkpoints, load_checkpoint, read_config
from eegdash.detection import (
    PART_SEGMENTS,
    ProbabilityTrace,
    encode_segments,
    join_codes,
    segment_count,
)
from eegdash.errors import CheckpointError, EegdashError, JobError, RecordingError
from eegdash.io import open_recording
from eegdash.recording import Recording
from eegdash.settings import Settings
from eegdash.workflows.desk import SHIPPED_MODELS
from eegdash.workflows.library import file_stamp

_LOG = logging.getLogger(__name__)
Result = TypeVar("Result")
# what decides the last bits of a result
_PACKAGES = ("torch", "numpy", "scipy")
# a network drive that stumbles may answer when asked again; a file that is gone will not
_PASSING = frozenset(
    getattr(errno, name)
    for name in "EIO ESTALE ETIMEDOUT EAGAIN EINTR EBUSY ECONNRESET EHOSTDOWN EHOSTUNREACH".split()
)


@dataclass(frozen=True, slots=True)
class Work:
    """One recording and one detector, as a task is told of them.

    Parameters
    ----------
    path : str
        The recording, readable under this path by every process of the cluster.
    model_folder : str
        Where the detector lies for the one who asks; other machines look among their own, too.
    model_sha256 : str
        A detector of another hash is refused.
    versions : tuple of str
        Software of the one who asks (:func:`software`); another one is refused, because its
        results may differ in their last bits.
    sha256 : str
        Hash of the recording; a file of another hash is refused. Empty while it is not known.
    mapping : tuple of (str, str)
        Electrode for channel names that are not understood.
    """

    path: str = field(repr=False)
    model_folder: str = field(repr=False)
    model_sha256: str
    versions: tuple[str, ...]
    sha256: str = ""
    mapping: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def file(self) -> Path:
        """The recording."""
        return Path(self.path)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a recording is: all that must be known of it to share it out."""

    sha256: str
    duration_s: float
    n_segments: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A recording cannot be scored, in words that name it; asking again would not help."""

    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """Codes (n, dimension) of consecutive segments, and which of them may be scored (n,)."""

    codes: NDArray[np.float32] = field(repr=False)
    scorable: NDArray[np.bool_] = field(repr=False)


class PassingError(JobError):
    """A recording could not be read just now; its message names no file."""


def software() -> tuple[str, ...]:
    """Return the versions of what a trace depends on, ours first."""
    found = [f"eegdash {__version__}"]
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} missing")
    return tuple(found)


def part_spans(n_segments: int, part_segments: int = PART_SEGMENTS) -> tuple[tuple[int, int], ...]:
    """Return the parts (first, stop), in segments, in which a recording is encoded."""
    firsts = range(0, n_segments, part_segments)
    return tuple((first, min(first + part_segments, n_segments)) for first in firsts)


def look(work: Work) -> Looked | Refused:
    """Read and hash a recording once, and say how many segments it has."""

    def found() -> Looked:
        theirs = software()
        if theirs != work.versions:
            raise JobError(
                f"A machine of the cluster has {_differing(theirs, work.versions)} than this one, "
                "so its results could differ. Install the same versions there."
            )
        recording = _recording(work)
        config = read_config(_model_folder(work.model_folder, work.model_sha256))
        return Looked(recording.sha256, recording.duration_s, segment_count(recording, config))

    return in_words(work, found)


def encode_part(work: Work, first: int, stop: int) -> Codes | Refused:
    """Encode the segments ``first:stop`` of a recording."""

    def encoded() -> Codes:
        detector = _detector(work.model_folder, work.model_sha256)
        mapping = dict(work.mapping)
        return Codes(*encode_segments(_recording(work), detector, first, stop, mapping=mapping))

    return in_words(work, encoded)


def join_parts(
    work: Work, looked: Looked, parts: Sequence[Codes | Refused]
) -> ProbabilityTrace | Refused:
    """Return the trace of a recording from the codes of all its parts, in their order."""
    for part in parts:
        if isinstance(part, Refused):
            return part

    def joined() -> ProbabilityTrace:
        detector = _detector(work.model_folder, work.model_sha256)
        whole = [part for part in parts if isinstance(part, Codes)]
        codes = np.concatenate([part.codes for part in whole])
        scorable = np.concatenate([part.scorable for part in whole])
        return join_codes(looked, detector, codes, scorable)

    return in_words(work, joined)


def in_words(work: Work, do: Callable[[], Result]) -> Result | Refused:
    """Give a refusal back as a value: what is raised would be tried again, and logged."""
    try:
        return do()
    except EegdashError as error:
        if isinstance(error.__cause__, OSError):
            _raise_if_passing(error.__cause__)
        return Refused(str(error))
    except OSError as error:
        _raise_if_passing(error)
        return Refused(f"{work.file.name} cannot be read ({error.strerror}). Check the file.")
    except MemoryError:
        return Refused(f"There is not enough memory to score {work.file.name} on this machine.")
    except Exception as error:  # noqa: BLE001 - one recording must not stop the others
        _LOG.warning("a task failed: %s", type(error).__name__)
        return Refused(
            f"{work.file.name}: an unexpected fault stopped the scoring ({type(error).__name__})."
        )


def _raise_if_passing(error: OSError) -> None:
    if error.errno is not None and error.errno in _PASSING:
        # without the path that the error itself names
        raise PassingError(f"reading failed ({os.strerror(error.errno)})") from None


def _differing(theirs: Sequence[str], ours: Sequence[str]) -> str:
    other = [a for a, b in zip(theirs, ours, strict=False) if a != b]
    return f"other software ({', '.join(other) or 'of another kind'})"


def _recording(work: Work) -> Recording:
    """Open a recording; a process keeps the last few, and hashes each file once."""
    recording = _opened(work.path, file_stamp(work.file))
    if work.sha256 and recording.sha256 != work.sha256:
        raise RecordingError(
            f"{work.file.name} is not the same file for every machine of the cluster, or it "
            "changed while it was scored. Score it again when it is."
        )
    return recording


@lru_cache(maxsize=4)
def _opened(path: str, stamp: str) -> Recording:
    return open_recording(Path(path))


@lru_cache(maxsize=2)
def _detector(folder: str, sha256: str) -> Detector:
    trusted = Settings.from_environment().trusted_packages
    return load_checkpoint(_model_folder(folder, sha256), trusted_packages=trusted)


def _model_folder(folder: str, sha256: str) -> Path:
    """Return where this machine keeps the detector of a hash.

    Raises
    ------
    CheckpointError
        If it has none of that hash.
    """
    given = Path(folder)
    for info in list_checkpoints(given.parent, SHIPPED_MODELS):
        if info.sha256 == sha256 and not info.problem:
            return info.folder
    raise CheckpointError(
        f"A machine of the cluster does not have the detector {given.name} of the hash "
        f"{sha256[:8]}. Copy the model folder there, under the same path."
    )
