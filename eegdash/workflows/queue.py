"""What a reader should look at next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eegdash.checkpoints import CheckpointInfo
from eegdash.workflows.desk import Desk
from eegdash.workflows.readers import Reader

DETECTOR, UNCERTAIN, READERS, TIME = "detector", "uncertain", "readers", "time"
ORDERS: Mapping[str, str] = {
    DETECTOR: "readers and detector disagree most first",
    UNCERTAIN: "probability nearest to the threshold first",
    READERS: "readers disagree most among themselves first",
    TIME: "in the order of the recordings, from their start",
}


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A span to look at.

    Parameters
    ----------
    recording_sha256, name : str
        ``name`` is the file name, for the reader's own screen.
    onset_s, duration_s : float
        The whole recording where the reader is to read it blinded first.
    why : str
        In words a clinician understands; says nothing of the detector or of others to a blinded
        reader, and is that of a new span for a hidden repeat.
    score : float
        What the order sorted by, larger first; not for display.
    whole : bool
        The item is the recording as a whole (blinded first read).
    """

    recording_sha256: str
    name: str
    onset_s: float
    duration_s: float
    why: str
    score: float
    whole: bool = False


@dataclass(frozen=True, slots=True)
class QueueState:
    """The reader's queue now.

    Parameters
    ----------
    open : QueueItem or None
        What was offered last and is neither labelled nor put aside.
    n_waiting : int
        Spans that wait, the open one not counted.
    n_done, n_put_aside : int
        Offered spans that were labelled, and that were put aside.
    coming : tuple of QueueItem
        The next few, in order; hidden repeats are not told.
    note : str
        Why nothing waits and what to do, in words; empty where something waits.
    """

    open: QueueItem | None
    n_waiting: int
    n_done: int
    n_put_aside: int
    coming: tuple[QueueItem, ...]
    note: str


def state(
    desk: Desk,
    reader: Reader,
    model: CheckpointInfo | None,
    order: str = DETECTOR,
    *,
    again: bool = False,
) -> QueueState:
    """Return the queue of a reader.

    Parameters
    ----------
    order : str
        Key of :data:`ORDERS`.
    again : bool
        Also spans that were put aside or labelled by this reader before.

    Where recordings are assigned to the reader, only those are in the queue.
    """
    raise NotImplementedError


def take_next(
    desk: Desk,
    reader: Reader,
    model: CheckpointInfo | None,
    order: str = DETECTOR,
    *,
    again: bool = False,
    decision_id: str,
) -> QueueItem | None:
    """Offer the next span and remember that it was offered; None where nothing waits.

    While an item is open it is returned again. A share of the offers are hidden repeats: spans
    that the reader labelled before, shown without that label.

    Raises
    ------
    WorkspaceError
        If it could not be remembered.
    """
    raise NotImplementedError


def put_aside(desk: Desk, reader: Reader, *, decision_id: str) -> None:
    """Put the open item aside; it is not offered again unless asked."""
    raise NotImplementedError


def concealed(desk: Desk, recording_sha256: str, reviewer: str) -> frozenset[str]:
    """Return the labels (uuids) not to be shown on the review page: what a hidden repeat repeats
    while it is open, and later the repeats themselves."""
    raise NotImplementedError
