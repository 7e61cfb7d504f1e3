"""Labels from files of other programs, each saying who said it and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from eegdash.labels import DraftLabel, Label
from eegdash.workflows.desk import Desk
from eegdash.workflows.readers import Reader


@dataclass(frozen=True, slots=True)
class Import:
    """What a file holds, before anything is saved.

    Parameters
    ----------
    format : str
        Key of :data:`eegdash.workflows.labels_export.FORMATS`.
    drafts : tuple of DraftLabel
        In the order in which they will be appended.
    n_known : int
        Of these, how many are in the labels file already (they are not saved twice).
    recordings : tuple of str
        Hashes of the recordings they belong to.
    losses, problems : tuple of str
        What the labels file cannot hold; rows that are left out. Plain sentences.
    """

    format: str
    drafts: tuple[DraftLabel, ...]
    n_known: int
    recordings: tuple[str, ...]
    losses: tuple[str, ...]
    problems: tuple[str, ...]


def read_labels(
    desk: Desk,
    file_name: str,
    content: bytes,
    *,
    said_by: str,
    recording_sha256: str = "",
    format: str | None = None,
) -> Import:
    """Read a file of labels; nothing is saved yet.

    Parameters
    ----------
    file_name : str
        As the browser sent it: says the format, and the recording unless that is given. Kept
        nowhere.
    said_by : str
        Whose labels these are where the file does not say.

    Raises
    ------
    AnnotationError
        If the file cannot be read, or belongs to no recording of the workspace.
    """
    raise NotImplementedError


def save_import(desk: Desk, reader: Reader, found: Import) -> tuple[Label, ...]:
    """Append what was read; a second import of the same file adds nothing.

    Raises
    ------
    LabelNotSavedError
        If a label was not saved; those before it are, and importing again goes on.
    """
    raise NotImplementedError
