"""Labels: what reviewers said about detections, append-only and traceable."""

from __future__ import annotations

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
    "LabelLine",
    "LabelStore",
    "LineStatus",
]
