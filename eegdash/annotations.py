"""Reference annotations: what a human, or another detector, said about a recording."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

SEIZURE_PREFIX = "sz"
BACKGROUND = "bckg"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotated span.

    Parameters
    ----------
    onset_s, duration_s : float
        Seconds from the start of the file, gaps included.
    event_type : str
        SzCORE event type (``sz``, ``sz_foc_ia``, ``bckg`` ...) or ``""`` for free text.
    confidence : float or None
        0 to 1, None where not stated.
    channels : tuple of str
        Channels the annotation names; empty means all or not stated.
    text : str
        Free text of the file; untrusted, shown as plain text on the reader's screen only.
    date_time : datetime or None
        Start of the recording as the annotation file states it.
    recording_duration_s : float or None
        Length of the recording as the annotation file states it.
    """

    onset_s: float
    duration_s: float
    event_type: str = ""
    confidence: float | None = None
    channels: tuple[str, ...] = ()
    text: str = ""
    date_time: datetime | None = None
    recording_duration_s: float | None = None

    @property
    def end_s(self) -> float:
        """End of the span in seconds."""
        return self.onset_s + self.duration_s

    @property
    def is_seizure(self) -> bool:
        """True for any seizure type of the SzCORE vocabulary (``sz`` and ``sz_*``)."""
        return self.event_type == SEIZURE_PREFIX or self.event_type.startswith(SEIZURE_PREFIX + "_")


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known about the truth of one recording, and where it is known.

    Parameters
    ----------
    annotations : tuple of Annotation
        Seizures and background, ordered by onset.
    coverage : tuple of (float, float)
        Spans in seconds where the truth is known; nothing outside enters a metric.
    source : str
        Where the reference came from, in words, e.g. ``"SzCORE events file"``.
    warnings : tuple of str
        What the reader had to decide or could not read.
    """

    annotations: tuple[Annotation, ...]
    coverage: tuple[tuple[float, float], ...]
    source: str
    warnings: tuple[str, ...] = ()

    @property
    def seizures(self) -> tuple[Annotation, ...]:
        """The annotated seizures."""
        return tuple(a for a in self.annotations if a.is_seizure)
