"""The recording: facts about a file, and its signal read lazily in pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Annotation
from eegdash.errors import RecordingError

ALIAS_PREFIX = "rec-"


class SignalSource(Protocol):
    """What a reader hands to a :class:`Recording`: samples as stored, without gaps."""

    def read(self, first: int, last: int, picks: Sequence[int]) -> NDArray[np.float32]:
        """Return microvolt ``first:last`` of the picked channels, (n_picks, last - first)."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """A contiguous run of stored samples and where it lies in time.

    A continuous file has one block at 0 s. Between the blocks of a discontinuous file lie gaps.
    """

    onset_s: float
    first: int
    n_samples: int


@dataclass(frozen=True, slots=True)
class Recording:
    """An EEG recording; immutable, cheap to keep, signal read on demand.

    Parameters
    ----------
    path : Path
        The file. Shown on the reader's own screen only.
    sha256 : str
        Hash of the file's bytes; identifies the recording everywhere.
    sfreq : float
        Samples per second of ``signal_uv`` (the highest rate among the EEG channels).
    ch_names : tuple of str
        Unique channel names, trimmed as stored; a duplicate gets the suffix ``-0``, ``-1`` ...
    blocks : tuple of Block
        Where the stored samples lie in time, ordered.
    start : datetime or None
        Clock time of 0 s, with fraction, where the file states one.
    annotations : tuple of Annotation
        Annotations inside the file (free text has an empty ``event_type``).
    warnings : tuple of str
        Sentences for the reader: what is odd about the file and what was done about it.
    source : SignalSource
        Gives the samples.
    eeg : tuple of bool
        Per channel: False for stimulus, ECG, respiration, placeholders and the like.
    format : str
        Name of the reader, e.g. ``"EDF+"``.
    incomplete : str
        The warning that says that the file holds less, or more, than its header announces; empty
        where it does not.
    personal : str
        The warning that says that the file holds personal details; empty where it does not.
    """

    path: Path
    sha256: str
    sfreq: float
    ch_names: tuple[str, ...]
    blocks: tuple[Block, ...]
    start: datetime | None
    annotations: tuple[Annotation, ...]
    warnings: tuple[str, ...]
    source: SignalSource
    eeg: tuple[bool, ...]
    format: str
    incomplete: str = ""
    personal: str = ""

    @property
    def alias(self) -> str:
        """Name that may leave the reader's screen: ``rec-`` and 8 hex digits of the hash."""
        return alias_of(self.sha256)

    @property
    def duration_s(self) -> float:
        """Seconds from the start to the end of the file, gaps included."""
        if not self.blocks:
            return 0.0
        last = self.blocks[-1]
        return last.onset_s + last.n_samples / self.sfreq

    @property
    def n_samples(self) -> int:
        """Samples per channel on the recording's time line, gaps included."""
        return round(self.duration_s * self.sfreq)

    @property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Spans (start_s, stop_s) without stored samples."""
        found: list[tuple[float, float]] = []
        position = 0.0
        for block in self.blocks:
            # half a sample of slack: record onsets are decimal text
            if block.onset_s - position > 0.5 / self.sfreq:
                found.append((position, block.onset_s))
            position = block.onset_s + block.n_samples / self.sfreq
        return tuple(found)

    def read(
        self, start: int, stop: int, picks: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Return ``signal_uv`` of samples ``start:stop`` on the time line.

        Parameters
        ----------
        start, stop : int
            Sample indices on the recording's time line; may reach beyond it.
        picks : sequence of int or None
            Channel indices in the order wanted; None for all.

        Returns
        -------
        ndarray of float32, shape (n_picks, stop - start)
            Microvolt; NaN inside gaps and outside the recording.

        Raises
        ------
        RecordingError
            If the file went away, changed, or its drive fails.
        """
        channels = list(range(len(self.ch_names))) if picks is None else list(picks)
        signal_uv = np.full((len(channels), max(stop - start, 0)), np.nan, dtype=np.float32)
        for block in self.blocks:
            origin = round(block.onset_s * self.sfreq)
            lo, hi = max(start, origin), min(stop, origin + block.n_samples)
            if lo < hi:
                stored = lo - origin + block.first
                signal_uv[:, lo - start : hi - start] = self._stored(
                    stored, stored + hi - lo, channels
                )
        return signal_uv

    def _stored(self, first: int, last: int, picks: Sequence[int]) -> NDArray[np.float32]:
        try:
            return self.source.read(first, last, picks)
        except OSError as error:
            raise RecordingError(
                f"{self.path.name} cannot be read any more ({error.strerror}). "
                "Was it moved or removed? Put it back, or open it where it is now."
            ) from error


def alias_of(sha256: str) -> str:
    """Return the alias ``rec-`` + 8 hex digits of a recording hash."""
    return ALIAS_PREFIX + sha256[:8]
