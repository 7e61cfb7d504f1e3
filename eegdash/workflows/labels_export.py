"""Labels and consensus as files of other programs; what a format cannot hold is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eegdash.workflows.desk import Desk
from eegdash.workflows.readers import Reader

FORMATS: Mapping[str, str] = {
    "szcore": "SzCORE / BIDS events (TSV)",
    "edf": "EDF+ with annotations",
    "chbmit": "CHB-MIT style summary (text)",
    "csv": "table of all label records (CSV)",
}
MAJORITY, ADJUDICATED, ONE_READER = "majority", "adjudicated", "reader"
RULES: Mapping[str, str] = {
    MAJORITY: "majority of the readers",
    ADJUDICATED: "adjudicated only",
    ONE_READER: "one reader",
}


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file to be downloaded or written: its name holds an alias, never a file's own name."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Export:
    """What leaves.

    Parameters
    ----------
    files : tuple of ExportedFile
    n_recordings, n_seizures : int
    known_s, unknown_s : float
        Time that the export makes a statement on, and time it leaves unknown, s.
    losses : tuple of str
        What the format cannot hold, in plain sentences.
    """

    files: tuple[ExportedFile, ...]
    n_recordings: int
    n_seizures: int
    known_s: float
    unknown_s: float
    losses: tuple[str, ...]

    def as_zip(self) -> ExportedFile:
        """Return all files in one, with ``LOSSES.txt`` saying what was lost."""
        raise NotImplementedError


def export_labels(
    desk: Desk,
    reader: Reader,
    format: str,
    *,
    rule: str = MAJORITY,
    one_reader: str = "",
    recordings: Sequence[str] | None = None,
    min_readers: int = 2,
    whole_after_sign_off: bool = False,
) -> Export:
    """Return the consensus (or one reader's labels) as files; ``csv`` exports every record.

    Parameters
    ----------
    format : str
        Key of :data:`FORMATS`.
    rule : str
        Key of :data:`RULES`.
    min_readers : int
        For the majority: fewer readers than this leave a span unknown.
    whole_after_sign_off : bool
        See :func:`eegdash.workflows.agreement.agreement`.

    Raises
    ------
    WorkspaceError
        If there is nothing to export, in words.
    """
    raise NotImplementedError
