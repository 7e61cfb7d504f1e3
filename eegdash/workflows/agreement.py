"""How far readers agree: among each other, with the detector, and with themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eegdash.checkpoints import CheckpointInfo
from eegdash.labels.agreement import Confusion, Interval
from eegdash.workflows.desk import Desk
from eegdash.workflows.readers import Reader

DETECTOR_NAME = "detector"
EPOCH_S = 1.0


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two raters on what both read.

    Parameters
    ----------
    one, other : str
        Names; :data:`DETECTOR_NAME` stands for the detector at its locked operating point.
    n_recordings : int
    compared_s : float
        Time of which both stated what it is, s.
    confusion : Confusion
        Epochs of 1 s: ``one`` in rows, ``other`` in columns, seizure first.
    kappa, ac1 : Interval
        Cohen's kappa and Gwet's AC1 over the epochs.
    events : Interval
        Agreement on seizures (events), 0 to 1: the share of both raters' events that overlap an
        event of the other (proportion of specific agreement).
    n_events_one, n_events_other, n_matched_one, n_matched_other : int
    """

    one: str
    other: str
    n_recordings: int
    compared_s: float
    confusion: Confusion
    kappa: Interval
    ac1: Interval
    events: Interval
    n_events_one: int
    n_events_other: int
    n_matched_one: int
    n_matched_other: int


@dataclass(frozen=True, slots=True)
class GroupAgreement:
    """All readers together, over the epochs that two or more of them read."""

    readers: tuple[str, ...]
    n_recordings: int
    compared_s: float
    fleiss: Interval
    ac1: Interval


@dataclass(frozen=True, slots=True)
class SelfAgreement:
    """A reader on hidden repeats: first and second statement on the same spans.

    ``confusion`` counts spans (not epochs): seizure, no seizure, unsure.
    """

    reader: str
    n_repeats: int
    confusion: Confusion
    same: Interval
    kappa: Interval
    ac1: Interval


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """Everything the agreement page shows; intervals are 95 % by bootstrap over recordings.

    ``notes`` are plain sentences: what was left out, and why.
    """

    pairs: tuple[PairAgreement, ...]
    with_detector: tuple[PairAgreement, ...]
    group: GroupAgreement | None
    repeats: tuple[SelfAgreement, ...]
    readers: tuple[str, ...]
    model: str
    model_sha256: str
    threshold_pm: int | None
    blinded_only: bool
    n_recordings: int
    notes: tuple[str, ...]


def agreement(
    desk: Desk,
    reader: Reader,
    model: CheckpointInfo | None,
    *,
    readers: Sequence[str] | None = None,
    recordings: Sequence[str] | None = None,
    blinded_only: bool = False,
    whole_after_sign_off: bool = False,
    seed: int = 0,
    n_boot: int = 1000,
) -> AgreementReport:
    """Return the agreement over what the viewer may see.

    Parameters
    ----------
    readers, recordings : sequence of str, optional
        Only these.
    blinded_only : bool
        Only blinded first reads (labels made before the reader saw the detector's output).
    whole_after_sign_off : bool
        Take a first read or sign-off as a statement on the whole recording; otherwise only on
        what had been on the reader's screen.
    """
    raise NotImplementedError


def as_json(report: AgreementReport) -> dict[str, object]:
    """Return the report as JSON values; undefined numbers are None."""
    raise NotImplementedError
