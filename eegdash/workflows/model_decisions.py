"""Which taught detectors are in use: promotions and discards, each with who, when and why.

They stand in ``model_decisions.jsonl`` in the folder ``state`` of the workspace, one record a
line (:mod:`eegdash.workflows.journal`). A line is only ever appended. The newest one of a model
says its status; a taught model without any is a candidate, which nobody is offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from eegdash import __version__
from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import WorkspaceError
from eegdash.workflows.journal import Journal, append, content_of, now_utc, read_journal
from eegdash.workspace import Workspace

NAME = "model_decisions"


class Action(StrEnum):
    """What may be decided about a taught model."""

    PROMOTE = "promote"
    DISCARD = "discard"
    WITHDRAW = "withdraw"


class Status(StrEnum):
    """What a model is to the readers of an installation."""

    CAME = "in use"
    CANDIDATE = "candidate"
    PROMOTED = "promoted"
    DISCARDED = "discarded"


_STATUS = {
    Action.PROMOTE: Status.PROMOTED,
    Action.DISCARD: Status.DISCARDED,
    Action.WITHDRAW: Status.CANDIDATE,
}


@dataclass(frozen=True, slots=True)
class ModelDecision:
    """A decision about a taught model.

    Parameters
    ----------
    uuid : str
        Of the decision: the same one is kept once.
    time_utc, reviewer, comment : str
        When, who, and why in their words.
    action : Action
    default : bool
        With a promotion: it is offered first from now on.
    model, model_sha256, parent_sha256 : str
    version : str
        Of this program.
    """

    uuid: str
    time_utc: str
    reviewer: str
    comment: str
    action: Action
    default: bool
    model: str
    model_sha256: str
    parent_sha256: str
    version: str = __version__

    def as_dict(self) -> dict[str, Any]:
        """Return the record as JSON values, without its CRC."""
        return {**asdict(self), "action": str(self.action)}


@dataclass(frozen=True, slots=True)
class DecisionHistory:
    """All decisions, oldest first, and how many lines could not be read."""

    decisions: tuple[ModelDecision, ...] = ()
    n_unreadable: int = 0

    def of_model(self, model_sha256: str) -> tuple[ModelDecision, ...]:
        """Return the decisions about one model, oldest first; the last one holds."""
        return tuple(d for d in self.decisions if d.model_sha256 == model_sha256)

    def status(self, model: CheckpointInfo) -> Status:
        """Return what a model is now."""
        if not model.parent_sha256:
            return Status.CAME
        found = self.of_model(model.sha256)
        return _STATUS[found[-1].action] if found else Status.CANDIDATE

    def default(self) -> str | None:
        """Return the hash of the model that was last made the default and is still promoted."""
        standing = {d.model_sha256: d for d in self.decisions}  # the newest of each
        for decision in reversed(self.decisions):
            newest = standing[decision.model_sha256]
            if decision is newest and newest.action is Action.PROMOTE and newest.default:
                return newest.model_sha256
        return None


def decision_history(workspace: Workspace) -> DecisionHistory:
    """Return what was decided in a workspace.

    Raises
    ------
    WorkspaceError
        If the file is there and cannot be read.
    """
    meanwhile = "until then no taught detector is in use"
    return _history(read_journal(workspace, NAME, meanwhile=meanwhile))


def decide_model(
    workspace: Workspace,
    model: CheckpointInfo,
    action: Action,
    *,
    reviewer: str,
    comment: str,
    decision_id: str,
    default: bool = False,
) -> ModelDecision:
    """Append a decision durably; one whose ``decision_id`` is there already stands as it is.

    Raises
    ------
    WorkspaceError
        If nobody's name or reason is given, the model was not taught here, or it was not saved.
    """
    _check(model, reviewer, comment)
    decision = ModelDecision(
        uuid=decision_id,
        time_utc=now_utc(),
        reviewer=reviewer.strip(),
        comment=comment.strip(),
        action=action,
        default=default and action is Action.PROMOTE,
        model=model.name,
        model_sha256=model.sha256,
        parent_sha256=model.parent_sha256,
    )
    record = append(workspace, NAME, decision.as_dict(), again="decide again")
    return _decision(content_of(record))


def _check(model: CheckpointInfo, reviewer: str, comment: str) -> None:
    if not reviewer.strip():
        raise WorkspaceError(
            "NOT saved: enter your name or initials at the top of the page first, so that the "
            "record says who decided."
        )
    if not comment.strip():
        raise WorkspaceError("NOT saved: say in a few words why; the record keeps it.")
    if not model.parent_sha256:
        raise WorkspaceError(
            f"NOT saved: {model.name} was not taught from labels, so it needs no promotion."
        )


@lru_cache(maxsize=4)
def _history(journal: Journal) -> DecisionHistory:
    return DecisionHistory(*journal.parsed(_decision))


def _decision(record: dict[str, Any]) -> ModelDecision:
    """Read a record; what was changed by hand is none: nothing is promoted silently."""
    return ModelDecision(**{**record, "action": Action(record["action"])})


def usable(models: Sequence[CheckpointInfo], history: DecisionHistory) -> list[CheckpointInfo]:
    """Return the models that readers are offered: those that came so, and promoted ones."""
    return [m for m in models if history.status(m) in (Status.CAME, Status.PROMOTED)]
