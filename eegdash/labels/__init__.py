"""Labels: what reviewers said about detections, append-only and traceable."""

from __future__ import annotations

from pathlib import Path

from eegdash.labels.book import LabelBook
from eegdash.labels.checks import KINDS, ROLES, VERDICTS, InvalidLabelError
from eegdash.labels.index import Conflict, CurrentLabels, LabelLine
from eegdash.labels.record import DraftLabel, Label, LineStatus
from eegdash.labels.store import LabelStore

__all__ = [
    "KINDS",
    "ROLES",
    "VERDICTS",
    "Conflict",
    "CurrentLabels",
    "DraftLabel",
    "InvalidLabelError",
    "Label",
    "LabelBook",
    "LabelLine",
    "LabelStore",
    "LineStatus",
    "open_labels",
]


def open_labels(folder: Path, url: str = "") -> LabelBook:
    """Return the labels of an installation: in a file, or where ``url`` says in PostgreSQL.

    Parameters
    ----------
    folder : Path
        Labels folder of the workspace.
    url : str
        ``postgresql+psycopg://...`` or empty.

    Raises
    ------
    WorkspaceError
        If the address is not understood.
    """
    if not url:
        return LabelStore(folder)
    # SQLAlchemy takes a quarter of a second to import, which a file need not pay
    from eegdash.labels.database import DatabaseLabelStore

    return DatabaseLabelStore(url, folder)
