"""What a detector says about a recording: one of our models, or files of any other program."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from eegdash.cache import cache_key
from eegdash.checkpoints import CheckpointInfo, read_config
from eegdash.detection import Event, PostProcessing, ProbabilityTrace, find_events, trace_on_grid
from eegdash.errors import AnnotationError, DatasetError
from eegdash.export.trace_csv import read_trace_csv
from eegdash.io.events_tsv import read_events_tsv
from eegdash.io.hashing import hash_file
from eegdash.recording import Recording, SignalSource
from eegdash.workflows.desk import Desk
from eegdash.workflows.library import channel_map, mapping_key
from eegdash.workflows.score import post_of, stored_trace

if TYPE_CHECKING:
    from eegdash.checkpoints import Detector

_VERSION = 1
_DERIVATIVE = re.compile(r"_desc-[^_]+")
_ENDINGS = ("_trace.csv", ".csv", "_events.tsv")


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Detections of one recording at any threshold.

    Parameters
    ----------
    events_at : callable
        Gives the detections at a threshold in per mille.
    duration_s, scored_s : float
        Length of the recording and how much of it was scored, s.
    trace : ProbabilityTrace or None
        None where only events are known; then there are no window figures.
    post : PostProcessing or None
        What made events of the trace.
    sha256 : str
        Hash of the model or of the file the detections come from.
    """

    events_at: Callable[[int], Sequence[Event]]
    duration_s: float
    scored_s: float
    trace: ProbabilityTrace | None
    post: PostProcessing | None
    sha256: str


class Detections(Protocol):
    """A detector that can be evaluated."""

    name: str
    sha256: str
    threshold_pm: int
    post: PostProcessing
    can_scale: bool
    """Whether it can be run on a scaled recording, for the gain test."""

    def hypothesis(self, recording: Recording, path: Path) -> Hypothesis:
        """Return the detections of a recording."""
        ...

    def scaled_trace(self, recording: Recording, gain: float) -> ProbabilityTrace:
        """Return the trace of the recording multiplied by ``gain``."""
        ...


class ModelDetections:
    """One of the models of the desk; results are kept in the cache.

    Parameters
    ----------
    desk : Desk
    model : CheckpointInfo
    """

    can_scale = True

    def __init__(self, desk: Desk, model: CheckpointInfo) -> None:
        self._desk, self._model = desk, model
        self.name, self.sha256 = model.name, model.sha256
        self.threshold_pm, self.post = model.threshold_pm, post_of(model)

    def hypothesis(self, recording: Recording, path: Path) -> Hypothesis:
        """Score the recording, or take the stored result.

        Raises
        ------
        NotScorableError
            If the model cannot score it.
        """
        trace = self.scaled_trace(recording, 1.0)
        return of_trace(trace, self.post)

    def scaled_trace(self, recording: Recording, gain: float) -> ProbabilityTrace:
        """Score the recording multiplied by a gain."""
        mapping = channel_map(self._desk, recording.sha256)
        if gain == 1.0:
            stored = stored_trace(self._desk, recording.sha256, mapping, self._model)
            if stored is not None:
                return stored
        key = cache_key(
            recording.sha256,
            self.sha256,
            "trace-scaled",
            version=_VERSION,
            mapping=mapping_key(mapping),
            gain=round(gain, 6),
        )
        values = self._desk.cache.get_array(key)
        if values is None or values.dtype != np.uint16:
            trace = self._detect(recording, gain, mapping)
            self._desk.cache.put_array(key, trace.probability_pm)
            return trace
        return trace_on_grid(values, recording, read_config(self._model.folder))

    @cached_property
    def _detector(self) -> Detector:
        from eegdash.checkpoints import load_checkpoint  # imports torch

        trusted = self._desk.settings.trusted_packages
        return load_checkpoint(self._model.folder, trusted_packages=trusted)

    def _detect(
        self, recording: Recording, gain: float, mapping: Mapping[str, str]
    ) -> ProbabilityTrace:
        from eegdash.detection import detect

        scaled = replace(recording, source=_Scaled(recording.source, gain))
        return detect(scaled, self._detector, mapping=mapping)


@dataclass(frozen=True, slots=True)
class _Scaled:
    source: SignalSource
    gain: float

    def read(self, first: int, last: int, picks: Sequence[int]) -> NDArray[np.float32]:
        """Return microvolt ``first:last`` of the picked channels, multiplied by the gain."""
        values = self.source.read(first, last, picks)
        return values if self.gain == 1.0 else values * np.float32(self.gain)


class FileDetections:
    """Traces and events that another program wrote, found by the name of the recording.

    Looked for below ``folder``, for a recording ``night.edf``: ``night_trace.csv`` or ``night.csv``
    (columns ``time_s,probability``), else ``night_events.tsv`` (SzCORE); ``_desc-<name>`` may stand
    before the ending, and ``_eeg`` at the end of a BIDS name may be left out. A confidence in an
    events file is what the threshold is compared with; an event without one stands at any.

    Parameters
    ----------
    folder : Path
    threshold_pm : int
        What the detections are reported at unless another is chosen.
    post : PostProcessing, optional
        Makes events of a trace.
    """

    can_scale = False

    def __init__(
        self, folder: Path, *, threshold_pm: int = 500, post: PostProcessing | None = None
    ) -> None:
        if not folder.is_dir():
            raise DatasetError(
                f"{folder.name} was not found. Name the folder that holds the detections."
            )
        self._folder = folder
        self.name, self.sha256 = folder.name, ""
        self.threshold_pm, self.post = threshold_pm, post or PostProcessing()

    def hypothesis(self, recording: Recording, path: Path) -> Hypothesis:
        """Read the detections of a recording.

        Raises
        ------
        AnnotationError
            If there are none, or they cannot be read. No file is never "no seizure".
        """
        found = self._find(path)
        if found is None:
            raise AnnotationError(
                f"{path.name}: {self._folder.name} holds no detections of it. Expected "
                f"{path.stem}_trace.csv or {path.stem}_events.tsv there, which says so if there "
                "was no seizure."
            )
        if found.suffix == ".csv":
            trace = read_trace_csv(
                found, duration_s=recording.duration_s, recording_sha256=recording.sha256
            )
            return of_trace(trace, self.post)
        return of_events_file(found, recording.duration_s)

    def scaled_trace(self, recording: Recording, gain: float) -> ProbabilityTrace:
        """Refuse: another program's files say nothing about a scaled recording."""
        raise DatasetError("Detections that were read from files cannot be made on scaled EEG.")

    def _find(self, path: Path) -> Path | None:
        stems = {path.stem, path.stem.removesuffix("_eeg")}
        return next((p for ending in _ENDINGS for p in self._named(stems, ending, path)), None)

    def _named(self, stems: set[str], ending: str, path: Path) -> Iterator[Path]:
        for candidate in self._by_ending[ending]:
            bare = candidate.name.removesuffix(ending)
            beside = candidate.parent.resolve() == path.parent.resolve()
            if beside and not _DERIVATIVE.search(bare):
                continue  # that is the reference itself
            if _DERIVATIVE.sub("", bare) in stems:
                yield candidate

    @cached_property
    def _by_ending(self) -> dict[str, list[Path]]:
        files = sorted(p for p in self._folder.rglob("*") if p.is_file())
        return {ending: [p for p in files if p.name.endswith(ending)] for ending in _ENDINGS}


def of_trace(trace: ProbabilityTrace, post: PostProcessing) -> Hypothesis:
    """Return the hypothesis of a probability trace."""
    return Hypothesis(
        events_at=lambda threshold_pm: find_events(trace, threshold_pm, post),
        duration_s=trace.duration_s,
        scored_s=trace.scored_s,
        trace=trace,
        post=post,
        sha256=trace.model_sha256,
    )


def of_events_file(path: Path, duration_s: float) -> Hypothesis:
    """Return the hypothesis of a SzCORE events file; confidence is the probability of an event.

    Raises
    ------
    AnnotationError
        If the file cannot be read.
    """
    annotations, _ = read_events_tsv(path)
    found = [
        Event(a.onset_s, a.duration_s, 1000 if a.confidence is None else round(1000 * a.confidence),
              0, 0)
        for a in annotations
        if a.is_seizure
    ]  # fmt: skip
    return Hypothesis(
        events_at=lambda threshold_pm: [e for e in found if e.peak_pm >= threshold_pm],
        duration_s=duration_s,
        scored_s=duration_s,
        trace=None,
        post=None,
        sha256=hash_file(path),
    )
