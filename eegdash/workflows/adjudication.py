"""Adjudication: opinions on a span side by side, and the decision as a label of its own."""

from __future__ import annotations

from dataclasses import dataclass

from eegdash.checkpoints import CheckpointInfo
from eegdash.labels import Conflict, Label
from eegdash.workflows.desk import Desk
from eegdash.workflows.readers import Reader

OPEN, DECIDED = "open", "decided"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one reader said about a case.

    Parameters
    ----------
    reader : str
    says : str
        ``seizure``, ``no seizure``, ``unsure``, ``nothing marked`` (read, and marked nothing) or
        ``not read``.
    labels : tuple of Label
        The reader's labels in the span, all of them.
    """

    reader: str
    says: str
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A span on which readers differ, or that was decided.

    Parameters
    ----------
    key : str
        Stable while the labels stay; for widgets and decisions.
    recording_sha256, name : str
    onset_s, duration_s : float
        From the earliest onset to the latest end of the labels that touch each other, s.
    opinions : tuple of Opinion
        Of every reader who labelled or read the recording, by name.
    detector : str
        What the detector says in words (with its highest probability); empty where not scored.
    probability_pm : int or None
    decided : tuple of Label
        Adjudicated labels that stand in the span.
    state : str
        :data:`OPEN` or :data:`DECIDED`; a case whose labels changed after the decision is open.
    conflicts : tuple of Conflict
        Labels that supersede the same one.
    """

    key: str
    recording_sha256: str
    name: str
    onset_s: float
    duration_s: float
    opinions: tuple[Opinion, ...]
    detector: str
    probability_pm: int | None
    decided: tuple[Label, ...]
    state: str
    conflicts: tuple[Conflict, ...]

    @property
    def end_s(self) -> float:
        """End of the span, s."""
        return self.onset_s + self.duration_s


def cases(
    desk: Desk,
    reader: Reader,
    model: CheckpointInfo | None = None,
    *,
    state: str | None = OPEN,
    recording_sha256: str = "",
) -> tuple[Case, ...]:
    """Return the cases that an adjudicator may see, by recording and onset."""
    raise NotImplementedError


def adjudicate(
    desk: Desk,
    reader: Reader,
    case: Case,
    event_type: str,
    *,
    onset_s: float,
    duration_s: float,
    comment: str = "",
    reason: str = "",
    decision_id: str,
) -> Label:
    """Save the decision on a case as a label of its own (verdict ``adjudicated``).

    Opinions stay as they are. A standing decision in the span is superseded, with ``reason``.

    Parameters
    ----------
    event_type : str
        ``bckg`` (no seizure), ``sz`` or an SzCORE seizure type.

    Raises
    ------
    LabelNotSavedError
        If the role is not adjudicator, a reason is missing, or the file could not be written.
    """
    raise NotImplementedError


def settle(
    desk: Desk,
    reader: Reader,
    conflict: Conflict,
    keep_uuid: str,
    reason: str,
    *,
    decision_id: str,
) -> tuple[Label, ...]:
    """Settle a conflict: the labels of ``conflict`` except one are retracted, with the reason.

    Raises
    ------
    LabelNotSavedError
    """
    raise NotImplementedError
