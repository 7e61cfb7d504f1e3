"""The desk: workspace, cache and labels of one installation, opened together."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from eegdash.cache import AnalysisCache
from eegdash.checkpoints import CheckpointInfo, list_checkpoints
from eegdash.errors import CheckpointError, LabelNotSavedError, WorkspaceError
from eegdash.labels import DraftLabel, Label, LabelBook, open_labels
from eegdash.settings import Settings
from eegdash.timings import TIMINGS
from eegdash.workflows.locked_points import with_locked_point
from eegdash.workflows.model_decisions import DecisionHistory, decision_history, usable
from eegdash.workflows.reading_plan import current_guideline
from eegdash.workspace import Workspace

_LOG = logging.getLogger(__name__)
SHIPPED_MODELS = Path(__file__).resolve().parents[2] / "models"
DEFAULT_MODEL = "spectrogram-cnn-lstm"


@dataclass(frozen=True, slots=True)
class Desk:
    """What every use case works with.

    Parameters
    ----------
    settings : Settings
    workspace : Workspace
    cache : AnalysisCache
    labels : LabelBook
    """

    settings: Settings
    workspace: Workspace
    cache: AnalysisCache
    labels: LabelBook

    def append(self, draft: DraftLabel) -> Label:
        """Append a label that carries the version of the guideline that holds now.

        Raises
        ------
        LabelNotSavedError
            If it was not saved.
        """
        if not draft.guideline and not draft.source:
            try:
                held = current_guideline(self.workspace)
            except WorkspaceError as error:
                raise LabelNotSavedError(f"NOT saved: {error}") from error
            draft = replace(draft, guideline=held.version if held else "")
        with TIMINGS.measure("label append"):
            return self.labels.append(draft)

    def models(self) -> list[CheckpointInfo]:
        """Return the usable models, shipped and of the workspace; the default comes first.

        A model that was taught from labels is among them once it was promoted. A model whose
        operating point was locked in this workspace carries that point.
        """
        history = self._decisions()
        found = [info for info in self.checkpoints() if not info.problem]
        names = {info.sha256: info.name for info in found}
        first = names.get(history.default() or "", DEFAULT_MODEL)
        return sorted(usable(found, history), key=lambda info: info.name != first)

    def checkpoints(self) -> list[CheckpointInfo]:
        """Return all models, also candidates, discarded ones and those that cannot be used."""
        found = list_checkpoints(SHIPPED_MODELS, self.workspace.models)
        return [info if info.problem else self._operating(info) for info in found]

    def checkpoint(self, sha256: str) -> CheckpointInfo:
        """Return a model by its hash, whether it is offered to readers or not.

        Raises
        ------
        CheckpointError
            If there is none.
        """
        for info in self.checkpoints():
            if info.sha256 == sha256 and not info.problem:
                return info
        raise CheckpointError(
            "The detector is not in the models folders any more. Reload the page and choose again."
        )

    def _decisions(self) -> DecisionHistory:
        try:
            return decision_history(self.workspace)
        except WorkspaceError as error:
            # the EEG must stay readable; the page Models says what is wrong
            _LOG.warning("no taught detector is in use: %s", type(error).__name__)
            return DecisionHistory()

    def _operating(self, info: CheckpointInfo) -> CheckpointInfo:
        try:
            return with_locked_point(self.workspace, info)
        except WorkspaceError as error:
            # the EEG must stay readable; the page Operating point says what is wrong
            _LOG.warning("the model's own operating point is used: %s", type(error).__name__)
            return info

    def model(self, name: str | None = None) -> CheckpointInfo:
        """Return a model by name or by the path of its folder, or the default.

        Raises
        ------
        CheckpointError
            If there is none of that name, or it cannot be used.
        """
        models = self.models()
        for info in models:
            if name is None or info.name == name:
                return info
        if name is None:
            raise CheckpointError(
                "There is no detector: the models folder holds none that can be used. "
                "Copy one there, or train one."
            )
        for info in list_checkpoints(Path(name).parent):
            if info.folder == Path(name) and not info.problem:
                return info
        for info in self.checkpoints():
            if info.problem and name in (info.name, info.folder.name):
                raise CheckpointError(info.problem)
            if info.name == name:
                raise CheckpointError(
                    f"{name} was taught from labels and is not promoted. Promote it on the page "
                    "Models, or name its folder to use it all the same."
                )
        known = ", ".join(info.name for info in models) or "none"
        raise CheckpointError(
            f"There is no model called {name}. Models found: {known}. "
            "A model of your own is found in the folder models of the workspace, or by its path."
        )


def open_desk(settings: Settings | None = None) -> Desk:
    """Open the workspace, making its folders where they are missing.

    Raises
    ------
    WorkspaceError
        If the workspace cannot be made.
    """
    settings = settings or Settings.from_environment()
    workspace = Workspace(settings.workspace).create()
    return Desk(
        settings=settings,
        workspace=workspace,
        cache=AnalysisCache(workspace.cache),
        labels=open_labels(workspace.labels, settings.labels_url),
    )
