"""What an evaluation found: plain arrays and counts, ready for a page, a file or a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eegdash.detection import PostProcessing
from eegdash.scoring import (
    AlarmRate,
    Calibration,
    Choice,
    Estimate,
    GainTest,
    OperatingTable,
    PersonRates,
    RankCurve,
    Scores,
    Separation,
    ThresholdTable,
    WindowCounts,
    WindowScores,
    alarm_rate,
)

EVERYTHING = "all"

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of known truth that carry a probability; arrays of shape (n_windows,).

    ``rms_uv`` and ``line_length_uv`` are NaN where they could not be measured. ``gain_pm`` is for
    the gain test, in recordings without a seizure: by gain (1 as recorded) the probability of the
    windows that were scored at every gain.
    """

    probability_pm: Whole
    seizure: NDArray[np.bool_]
    rms_uv: Floats
    line_length_uv: Floats
    gain_pm: Mapping[float, Whole]


@dataclass(frozen=True, slots=True)
class EvaluatedRecording:
    """One recording with a known truth, at every threshold.

    Parameters
    ----------
    name : str
        File name, for the reader's own screen only.
    alias, person, person_key, group : str
        ``person`` is the alias where the data set does not say who was recorded.
    person_stated : bool
    duration_s, covered_s, scored_s : float
        Length, known truth, and what was scored, s.
    seizure_free : bool
        The truth is known throughout, and there is no seizure.
    events_possible : bool
        Enough was scored for the shortest detection; otherwise only the windows count.
    reference : str
        Where the truth comes from.
    hypothesis_sha256 : str
        Hash of the model or of the file of detections.
    table : ThresholdTable
    windows : Windows
    counts : WindowCounts
    """

    name: str
    alias: str
    person: str
    person_key: str
    group: str
    person_stated: bool
    duration_s: float
    covered_s: float
    scored_s: float
    seizure_free: bool
    events_possible: bool
    reference: str
    hypothesis_sha256: str
    table: ThresholdTable
    windows: Windows
    counts: WindowCounts


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A recording that entered no figure, and why; ``failed`` if it should have."""

    name: str
    reason: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Point:
    """Everything that follows from one threshold in one group."""

    threshold_pm: int
    scores: Scores
    over_persons: PersonRates
    windows: WindowScores
    alarms: AlarmRate


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of one group of recordings.

    Parameters
    ----------
    name : str
        :data:`EVERYTHING` for the sum over groups, which has no window comparison.
    recordings : tuple of EvaluatedRecording
        Rows of ``table``.
    table : OperatingTable
    separations : tuple of Separation
        The detector and the two baselines on the same windows; empty unless both classes occur.
    gained : mapping of str to Estimate
        AUROC of the detector minus that of each baseline, on the same windows and persons.
    rank : RankCurve or None
        ROC, precision-recall and F1 of the detector's windows at every threshold.
    calibration : Calibration or None
    gain : GainTest or None
        On the windows of recordings without a seizure.
    """

    name: str
    recordings: tuple[EvaluatedRecording, ...]
    table: OperatingTable
    separations: tuple[Separation, ...] = ()
    gained: Mapping[str, Estimate] = field(default_factory=dict)
    rank: RankCurve | None = None
    calibration: Calibration | None = None
    gain: GainTest | None = None

    def at(self, threshold_pm: int) -> Point:
        """Return the figures at a threshold; at one outside the table, of the next higher one."""
        index = self.table.index(threshold_pm)
        free = [row for row, r in enumerate(self.recordings) if r.seizure_free]
        n_alarms = int(self.table.n_events[free, index].sum())
        hours = sum(self.recordings[row].scored_s for row in free) / 3600
        return Point(
            threshold_pm=int(self.table.threshold_pm[index]),
            scores=self.table.micro(index),
            over_persons=self.table.over_persons(index),
            windows=self.table.windows(index),
            alarms=alarm_rate(n_alarms, hours),
        )


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A detector on a data set.

    Parameters
    ----------
    detector, detector_sha256 : str
    threshold_pm : int
        What the figures are reported at.
    choice : Choice or None
        How the threshold was chosen, where it was chosen on these recordings.
    post : PostProcessing
    layout : str
        How the data set is arranged.
    overall : Group or None
        None if no recording entered.
    groups : tuple of Group
    left_out : tuple of LeftOut
    warnings : tuple of str
        What a reader of the figures has to know, in sentences.
    subjects : mapping of str to str
        Sex and age in words by person key, where the data set says them.
    """

    detector: str
    detector_sha256: str
    threshold_pm: int
    choice: Choice | None
    post: PostProcessing
    layout: str
    overall: Group | None
    groups: tuple[Group, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    subjects: Mapping[str, str] = field(default_factory=dict)
