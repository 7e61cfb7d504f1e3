"""The recordings of a workspace: what is there, what it holds, how its channels are read."""

from __future__ import annotations

import glob
import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from eegdash.annotations import Reference
from eegdash.cache import cache_key
from eegdash.checkpoints import DetectorConfig
from eegdash.errors import EegdashError, MissingChannelsError, RecordingError
from eegdash.io import READERS, hash_file, open_recording, read_reference
from eegdash.io.reference import reference_files
from eegdash.montage import ELECTRODES_10_20, MONTAGES, parse_label, resolve
from eegdash.recording import Recording, alias_of
from eegdash.timings import TIMINGS
from eegdash.workflows.desk import Desk

_FACTS_VERSION = 2
# one window of the detectors that ship: three segments of 3 s
_WINDOW_S = DetectorConfig(name="", title="", architecture="", parameters={}).window_s
_SEVERAL = (".vhdr", ".set")
# The list asks every second, and a damaged FIF file takes a child process (0.3 s) to refuse. The
# reason may pass (too little memory), so it is asked again now and then.
_RETRY_S = 60.0
_MOST_PROBLEMS = 1000
_problems: dict[str, tuple[float, str]] = {}
# hash of a file by the hash of its path, size and time; what "hashes" in the workspace keeps
_hashes: dict[str, str] = {}
_DETECTOR_MONTAGE = MONTAGES["longitudinal-bipolar"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the list of recordings says about one file.

    Parameters
    ----------
    sha256 : str
        Empty where the file cannot be read at all.
    problem : str
        Why the file cannot be opened, in words; empty where it can.
    not_scorable : str
        Why no detector of the usual montage can score it, in words; empty where one can.
    personal : str
        Which personal details the file holds, in words that do not repeat them; empty if none.
    """

    sha256: str = ""
    problem: str = ""
    not_scorable: str = ""
    format: str = ""
    duration_s: float = 0.0
    sfreq: float = 0.0
    n_channels: int = 0
    n_eeg: int = 0
    n_gaps: int = 0
    start: str = ""
    n_seizures: int | None = None
    reference: str = ""
    unknown_channels: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    personal: str = ""

    @property
    def alias(self) -> str:
        """Name that may leave the reader's screen."""
        return alias_of(self.sha256)


@dataclass(frozen=True, slots=True)
class Opened:
    """A recording with its reference and the reader's channel map."""

    recording: Recording
    reference: Reference | None
    mapping: Mapping[str, str]


def recording_files(desk: Desk) -> list[Path]:
    """Return the files of the workspace that a reader knows, ordered by name."""
    return list(desk.workspace.recording_files(READERS))


def known_hash(desk: Desk, path: Path) -> str:
    """Return the hash of a file, remembered by path, size and time of change.

    Raises
    ------
    RecordingError
        If the file cannot be read.
    """
    stamp = file_stamp(path)
    remembered = remembered_hash(desk, stamp)
    if remembered is not None:
        return remembered
    # the hash of a format of several files covers them all, and its reader knows which
    sha256 = open_recording(path).sha256 if path.suffix.lower() in _SEVERAL else hash_file(path)
    remember_hash(desk, stamp, sha256)
    return sha256


def remembered_hash(desk: Desk, stamp: str) -> str | None:
    """Return the hash that a file of this stamp had when it was last read, or None."""
    if stamp in _hashes:
        return _hashes[stamp]
    stored = desk.workspace.read_state("hashes").get(stamp)
    if not isinstance(stored, str):
        return None
    _hashes[stamp] = stored
    return stored


def remember_hash(desk: Desk, stamp: str, sha256: str) -> None:
    """Keep the hash of a file; the stamp is that from before it was read."""
    desk.workspace.write_state("hashes", {**desk.workspace.read_state("hashes"), stamp: sha256})
    _hashes[stamp] = sha256


def file_stamp(path: Path) -> str:
    """Return a hash of path, size and time of change; a path itself may carry a patient's name.

    Raises
    ------
    RecordingError
        If the file is not there.
    """
    try:
        found = path.stat()
        marks = [f"{path.resolve()}|{found.st_size}|{found.st_mtime_ns}"]
        if path.suffix.lower() in _SEVERAL:
            for other in sorted(path.parent.glob(f"{glob.escape(path.stem)}.*")):
                found = other.stat()
                marks.append(f"{other.name}|{found.st_size}|{found.st_mtime_ns}")
    except OSError as error:
        raise RecordingError(
            f"{path.name} cannot be read ({error.strerror}). Was it moved or removed?"
        ) from error
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()


def facts(desk: Desk, path: Path) -> Facts:
    """Return what is known about a file; a file that cannot be opened is a fact too."""
    state = ""
    try:
        state = file_stamp(path)
        tried_s, problem = _problems.get(state, (-math.inf, ""))
        if time.monotonic() - tried_s < _RETRY_S:
            return Facts(problem=problem)
        sha256 = known_hash(desk, path)
        mapping = channel_map(desk, sha256)
        key = cache_key(
            sha256,
            "",
            "facts",
            version=_FACTS_VERSION,
            file=hashlib.sha256(str(path).encode()).hexdigest(),
            beside=_beside(path),
            mapping=mapping_key(mapping),
        )
        stored = desk.cache.get_json(key)
        if isinstance(stored, dict):
            return _facts_from(stored)
        found = _facts_of(open_path(desk, path))
    except EegdashError as error:
        if len(_problems) > _MOST_PROBLEMS:
            _problems.clear()
        _problems[state] = (time.monotonic(), str(error))
        return Facts(problem=str(error))
    desk.cache.put_json(key, asdict(found))
    return found


def _facts_from(stored: dict[str, Any]) -> Facts:
    for name in ("unknown_channels", "missing", "warnings"):
        stored[name] = tuple(stored[name])
    return Facts(**stored)


def _facts_of(opened: Opened) -> Facts:
    recording, reference = opened.recording, opened.reference
    unknown = tuple(
        name
        for name, is_eeg in zip(recording.ch_names, recording.eeg, strict=True)
        if is_eeg and parse_label(opened.mapping.get(name, name)) is None
    )
    found = Facts(
        sha256=recording.sha256,
        format=recording.format,
        duration_s=recording.duration_s,
        sfreq=recording.sfreq,
        n_channels=len(recording.ch_names),
        n_eeg=sum(recording.eeg),
        n_gaps=len(recording.gaps),
        start=recording.start.isoformat() if recording.start else "",
        n_seizures=len(reference.seizures) if reference and reference.coverage else None,
        reference=reference.source if reference else "",
        unknown_channels=unknown,
        warnings=recording.warnings + (reference.warnings if reference else ()),
        personal=recording.personal,
    )
    verdict = scorability(recording, opened.mapping)
    return replace(found, not_scorable=verdict.reason, missing=verdict.missing)


@dataclass(frozen=True, slots=True)
class Scorability:
    """Why a recording cannot be scored, in words; an empty reason means that it can."""

    reason: str = ""
    missing: tuple[str, ...] = ()


def scorability(recording: Recording, mapping: Mapping[str, str]) -> Scorability:
    """Say whether the usual detectors can score a recording, without loading one.

    Parameters
    ----------
    recording : Recording
    mapping : mapping of str to str
        The reader's channel map.

    Returns
    -------
    Scorability
    """
    try:
        resolve(recording, _DETECTOR_MONTAGE, mapping=mapping)
    except MissingChannelsError as error:
        return Scorability(str(error), error.missing)
    if recording.duration_s < _WINDOW_S:
        return Scorability(
            f"{recording.path.name} is {recording.duration_s:.1f} s long; "
            f"one window of the detector needs {_WINDOW_S:g} s. It is too short to score."
        )
    return Scorability()


def _beside(path: Path) -> str:
    """A mark that changes when a file changes on which the reference depends.

    Only these are looked at: to go through the folder took a second for 300 recordings in it.
    """
    marks = []
    for other in reference_files(path):
        try:
            found = other.stat()
        except OSError:
            continue  # not there
        marks.append(f"{other.name}|{found.st_size}|{found.st_mtime_ns}")
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()


@lru_cache(maxsize=16)
def _open(path: Path, sha256: str) -> Recording:
    with TIMINGS.measure("open a recording"):
        return open_recording(path, sha256=sha256)


def open_path(desk: Desk, path: Path) -> Opened:
    """Open a recording with its reference and channel map.

    Raises
    ------
    RecordingError
        If the file cannot be opened.
    """
    sha256 = known_hash(desk, path)
    recording = _open(path, sha256)
    try:
        reference = read_reference(path, recording)
    except EegdashError as error:
        # the signal is worth reading even where its annotations are not
        recording = replace(recording, warnings=(*recording.warnings, str(error)))
        reference = None
    return Opened(recording, reference, channel_map(desk, sha256))


def find_recording(desk: Desk, sha256: str) -> Path | None:
    """Return the file of the workspace with this hash."""
    return _find(desk, lambda found: found == sha256)


def find_alias(desk: Desk, alias: str) -> Path | None:
    """Return the file of the workspace with this alias (``rec-`` and 8 hex digits)."""
    return _find(desk, lambda found: alias_of(found) == alias)


def _find(desk: Desk, wanted: Callable[[str], bool]) -> Path | None:
    for path in recording_files(desk):
        try:
            if wanted(known_hash(desk, path)):
                return path
        except RecordingError:
            continue
    return None


def channel_map(desk: Desk, sha256: str) -> dict[str, str]:
    """Return which electrode the reader chose for channels with unknown names."""
    stored = desk.workspace.read_state(f"channels-{sha256[:16]}")
    return {str(k): str(v) for k, v in stored.items()}


def save_channel_map(desk: Desk, sha256: str, mapping: Mapping[str, str]) -> None:
    """Keep the reader's channel map of a recording.

    Raises
    ------
    RecordingError
        If one electrode is given to two channels.
    """
    chosen = {channel: electrode for channel, electrode in mapping.items() if electrode}
    twice = sorted({e for e in chosen.values() if list(chosen.values()).count(e) > 1})
    if twice:
        raise RecordingError(
            f"{', '.join(twice)} was chosen for more than one channel. "
            "Give each electrode to one channel."
        )
    desk.workspace.write_state(f"channels-{sha256[:16]}", chosen)


def mapping_key(mapping: Mapping[str, str]) -> str:
    """Return a hash of a channel map; channel names never enter a cache key as they are."""
    if not mapping:
        return ""
    text = "\n".join(f"{k}\t{v}" for k, v in sorted(mapping.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def electrode_names() -> tuple[str, ...]:
    """Return the electrodes of the 10-20 system, as a channel map offers them."""
    return tuple(ELECTRODES_10_20)


def start_of_day_s(start: datetime | None) -> float | None:
    """Return seconds after midnight of a recording's start, for clock times on an axis.

    Midnight of 1985-01-01 is what EDF files carry whose date was removed: no clock time.
    """
    if start is None or start.replace(tzinfo=None) == datetime(1985, 1, 1):
        return None
    return start.hour * 3600 + start.minute * 60 + start.second + start.microsecond / 1e6
