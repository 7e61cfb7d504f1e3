"""How well detections agree with a reference: by events, by seconds, by windows.

Event and sample scores follow SzCORE (Dan et al., Epilepsia 2025, doi 10.1111/epi.18113) as
implemented in ``timescoring``. Only time in which the truth is known enters; counts are added and
rates follow from the sums. What is undefined is NaN, to be shown as "n/a" and never as 0.
"""

from __future__ import annotations

from eegdash.scoring.amplitude import Baselines, baselines
from eegdash.scoring.counts import (
    EventScores,
    MeanRates,
    MeanScores,
    SampleScores,
    Scores,
    Spread,
    mean_over_subjects,
    micro,
    spread,
)
from eegdash.scoring.false_alarms import (
    GAINS,
    AlarmRate,
    GainTest,
    alarm_rate,
    gain_test,
    passing_threshold,
)
from eegdash.scoring.operating import (
    Choice,
    Criterion,
    OperatingCurve,
    OperatingTable,
    PersonRates,
    choose_threshold,
)
from eegdash.scoring.ranking import (
    Estimate,
    RankCurve,
    Separation,
    auroc,
    auroc_difference,
    average_precision,
    rank_curve,
    separation,
)
from eegdash.scoring.reliability import Calibration, calibration
from eegdash.scoring.szcore import (
    EVENT_RATE_HZ,
    MAX_EVENT_S,
    MERGE_GAP_S,
    TOLERANCE_END_S,
    TOLERANCE_START_S,
    score_events,
)
from eegdash.scoring.thresholds import (
    THRESHOLD_STEP_PM,
    ThresholdTable,
    events_table,
    threshold_grid,
    threshold_table,
)
from eegdash.scoring.windows import (
    WindowCounts,
    WindowLabels,
    WindowScores,
    window_auroc,
    window_counts,
    window_labels,
    window_scores,
)

__all__ = [
    "EVENT_RATE_HZ",
    "GAINS",
    "MAX_EVENT_S",
    "MERGE_GAP_S",
    "THRESHOLD_STEP_PM",
    "TOLERANCE_END_S",
    "TOLERANCE_START_S",
    "AlarmRate",
    "Baselines",
    "Calibration",
    "Choice",
    "Criterion",
    "Estimate",
    "EventScores",
    "GainTest",
    "MeanRates",
    "MeanScores",
    "OperatingCurve",
    "OperatingTable",
    "PersonRates",
    "RankCurve",
    "SampleScores",
    "Scores",
    "Separation",
    "Spread",
    "ThresholdTable",
    "WindowCounts",
    "WindowLabels",
    "WindowScores",
    "alarm_rate",
    "auroc",
    "auroc_difference",
    "average_precision",
    "baselines",
    "calibration",
    "choose_threshold",
    "events_table",
    "gain_test",
    "mean_over_subjects",
    "micro",
    "passing_threshold",
    "rank_curve",
    "score_events",
    "separation",
    "spread",
    "threshold_grid",
    "threshold_table",
    "window_auroc",
    "window_counts",
    "window_labels",
    "window_scores",
]
