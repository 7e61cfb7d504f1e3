"""The exception tree of the project.

::

    EegdashError
    +-- RecordingError            a recording cannot be opened or read
    |   +-- HeaderError           the header gate refused the file
    |   +-- UnsupportedFormatError
    |   +-- NotAnEegError         e.g. a Git LFS pointer, a text file, a renamed archive
    +-- NotScorableError          the recording opens, but this detector cannot score it
    |   +-- MissingChannelsError
    |   +-- TooShortError
    +-- AnnotationError           an annotation file cannot be read
    +-- DatasetError              a data set cannot be found, downloaded or split by person
    +-- CheckpointError           a model folder is incomplete, changed or not trusted
    +-- AttributionError          a map was asked for that this model or window cannot give
    +-- ReportError               a report cannot be written, or its language model not be asked
    +-- LabelNotSavedError        an append to the labels file was not acknowledged
    +-- WorkspaceError            a folder is missing, read-only or outside the workspace
    +-- JobError                  a background job failed or was cancelled
        +-- JobCancelledError

Every message is a sentence for the reader: what was expected, what was found,
and the remedy. Messages name a file by its name, never by its path.
"""

from __future__ import annotations

from collections.abc import Sequence


class EegdashError(Exception):
    """Base of all errors that are shown to the reader in words."""


class RecordingError(EegdashError):
    """A recording cannot be opened or read."""


class HeaderError(RecordingError):
    """The header of a file breaks its format so that nothing after it can be trusted."""


class UnsupportedFormatError(RecordingError):
    """The file is of a kind that no reader knows."""


class NotAnEegError(RecordingError):
    """The file carries the suffix of a recording but holds something else."""


class NotScorableError(EegdashError):
    """The recording opens, but the chosen detector cannot score it."""


class MissingChannelsError(NotScorableError):
    """Electrodes or derivations that the montage needs are not in the recording.

    Attributes
    ----------
    missing : tuple of str
        Names of the missing electrodes.
    """

    def __init__(self, message: str, missing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = tuple(missing)


class TooShortError(NotScorableError):
    """The recording is shorter than one window of the detector."""


class AnnotationError(EegdashError):
    """An annotation file cannot be read."""


class DatasetError(EegdashError):
    """A data set cannot be found, downloaded or split by person."""


class CheckpointError(EegdashError):
    """A model folder is incomplete, was changed, or is not trusted."""


class AttributionError(EegdashError):
    """A map was asked for that this model or window cannot give."""


class ReportError(EegdashError):
    """A report cannot be written, or the language model behind its summary cannot be asked."""


class LabelNotSavedError(EegdashError):
    """An append to the labels file was not acknowledged; the label is NOT saved."""


class WorkspaceError(EegdashError):
    """A workspace folder is missing, read-only, or a path points outside it."""


class JobError(EegdashError):
    """A background job failed."""


class JobCancelledError(JobError):
    """A background job was cancelled by the reader."""
