"""Calibration on held-out recordings: temperature, then a threshold that stays locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import Detector, DetectorConfig
from eegdash.detection import Event, PostProcessing, ProbabilityTrace, find_events
from eegdash.scoring import auroc
from eegdash.training.datasets import LabelledRecording
from eegdash.training.fit import held_out_logits, recording_logits

THRESHOLDS_PM = range(100, 951, 10)
SEIZURE_SHARE = 0.25
"""Share of seizure windows for which the threshold is chosen."""


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Seizures found (any overlap), seizures missed, and detections that touch no seizure."""

    found: int
    missed: int
    false: int

    @property
    def f1(self) -> float:
        """``2 TP / (2 TP + FP + FN)``; 0 if nothing was there and nothing found."""
        total = 2 * self.found + self.false + self.missed
        return 2 * self.found / total if total else 0.0


def fit_temperature(
    logits: NDArray[np.floating], seizure: NDArray[np.bool_], weight: NDArray[np.floating]
) -> float:
    """Return the temperature that minimises the weighted cross-entropy (Guo et al. 2017).

    Parameters
    ----------
    logits, seizure, weight : ndarray, shape (n_windows,)

    Returns
    -------
    float
        Between 1 and 20. It may only soften: simulated recordings are easier than real ones,
        and a surer answer than the training gave would be surer than anyone knows.
    """
    from scipy.optimize import minimize_scalar

    sign = np.where(seizure, -1.0, 1.0)

    def loss(log_temperature: float) -> float:
        terms = np.logaddexp(0.0, sign * logits / np.exp(log_temperature))
        return float(np.sum(weight * terms) / np.sum(weight))

    best = minimize_scalar(loss, bounds=(0.0, np.log(20.0)), method="bounded")
    return float(np.exp(best.x))


def trace_of(
    probability: NDArray[np.floating], *, step_s: float, window_s: float, duration_s: float
) -> ProbabilityTrace:
    """Return a trace of probabilities in per mille without provenance, for scoring in training."""
    per_mille = np.floor(1000 * probability + 0.5).astype(np.uint16)
    return ProbabilityTrace(per_mille, window_s / 2, step_s, duration_s, "", "", "")


def count_events(events: Sequence[Event], seizures: Sequence[tuple[float, float]]) -> EventCounts:
    """Count by any overlap, each seizure extended by 30 s before and 60 s after (SzCORE)."""
    extended = [(onset - 30, end + 60) for onset, end in seizures]
    found = sum(
        any(event.onset_s < end and event.end_s > onset for event in events)
        for onset, end in extended
    )
    false = sum(
        not any(event.onset_s < end and event.end_s > onset for onset, end in extended)
        for event in events
    )
    return EventCounts(found, len(seizures) - found, false)


def count_all(
    traces: Sequence[ProbabilityTrace],
    seizures: Sequence[Sequence[tuple[float, float]]],
    threshold_pm: int,
    post: PostProcessing,
) -> EventCounts:
    """Count events over several recordings."""
    counts = [
        count_events(find_events(trace, threshold_pm, post), truth)
        for trace, truth in zip(traces, seizures, strict=True)
    ]
    return EventCounts(
        sum(c.found for c in counts), sum(c.missed for c in counts), sum(c.false for c in counts)
    )


def choose_threshold(
    probability: NDArray[np.floating], seizure: NDArray[np.bool_], weight: NDArray[np.floating]
) -> tuple[int, list[float]]:
    """Return the threshold of the best window F1 and the F1 at every threshold tried.

    Windows rather than events decide: a detector that is always on has one event that touches
    every seizure. Where several are equally good, the middle of the longest run is taken: the
    choice that least depends on the recordings it was made on.

    Parameters
    ----------
    probability, seizure, weight : ndarray, shape (n_windows,)

    Returns
    -------
    threshold_pm : int
        One of :data:`THRESHOLDS_PM`.
    scores : list of float
    """
    sure = weight > 0
    per_mille, truth = np.floor(1000 * probability[sure] + 0.5), seizure[sure]
    counts = weight[sure].astype(np.float64)
    scores = []
    for threshold in THRESHOLDS_PM:
        positive = per_mille >= threshold
        total = counts[positive].sum() + counts[truth].sum()
        scores.append(float(2 * counts[positive & truth].sum() / total) if total else 0.0)
    best = max(scores) - 0.002  # closer than this is chance
    runs: list[list[int]] = []
    for threshold, score in zip(THRESHOLDS_PM, scores, strict=True):
        if score < best:
            continue
        if runs and threshold - runs[-1][-1] == THRESHOLDS_PM.step:
            runs[-1].append(threshold)
        else:
            runs.append([threshold])
    longest = max(runs, key=len)
    return longest[len(longest) // 2], scores


def calibrated(detector: Detector, held_out: Sequence[LabelledRecording]) -> DetectorConfig:
    """Return the config with temperature and threshold of held-out people, locked.

    Seizures are rarer in a recording than in training material: seizure-free windows count so
    much more that :data:`SEIZURE_SHARE` of all are seizure windows when the threshold is chosen.
    """
    config = replace(detector.config, temperature=1.0)
    logits, seizure, weight = held_out_logits(detector.network, held_out, config)
    temperature = round(fit_temperature(logits, seizure, weight), 4)
    config = replace(config, temperature=temperature)
    probability = Detector(config, detector.network).probability(logits)
    n_free, n_seizure = float(weight[~seizure].sum()), float(weight[seizure].sum())
    rarer = n_seizure * (1 - SEIZURE_SHARE) / SEIZURE_SHARE / n_free if n_free else 1.0
    threshold_pm, scores = choose_threshold(
        probability, seizure, weight * np.where(seizure, 1.0, max(rarer, 1.0))
    )
    return replace(
        config,
        threshold_pm=threshold_pm,
        post=PostProcessing().as_dict(),
        training={
            "thresholds_pm": list(THRESHOLDS_PM),
            "window_f1": [round(score, 4) for score in scores],
            "seizure_share": SEIZURE_SHARE,
        },
    )


def simulated_results(
    detector: Detector, recordings: Sequence[LabelledRecording]
) -> dict[str, float]:
    """Return window and event figures at the locked threshold; undefined figures are left out."""
    config = detector.config
    logits, seizure, weight = held_out_logits(detector.network, recordings, config)
    sure = weight > 0
    positive = detector.probability(logits)[sure] >= config.threshold_pm / 1000
    truth = seizure[sure]
    post = PostProcessing(**config.post)
    traces = [_trace(detector, recording) for recording in recordings]
    counts = count_all(traces, [r.seizures for r in recordings], config.threshold_pm, post)
    hours = sum(r.duration_s for r in recordings) / 3600
    results = {
        "window_auroc": auroc(logits[sure], truth),
        "window_sensitivity": float(positive[truth].mean()) if truth.any() else float("nan"),
        "window_specificity": float((~positive[~truth]).mean()),
        "event_sensitivity": counts.found / max(counts.found + counts.missed, 1),
        "event_f1": counts.f1,
        "false_detections_per_24h": counts.false / hours * 24,
        "seizures": float(counts.found + counts.missed),
        "hours": hours,
    }
    return {name: round(value, 4) for name, value in results.items() if np.isfinite(value)}


def _trace(detector: Detector, recording: LabelledRecording) -> ProbabilityTrace:
    config = detector.config
    return trace_of(
        detector.probability(recording_logits(detector.network, recording, config)),
        step_s=config.step_s,
        window_s=config.window_s,
        duration_s=recording.duration_s,
    )
