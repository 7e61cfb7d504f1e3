"""What a trained detector says about real people without seizures whom it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import Detector
from eegdash.detection import PostProcessing, ProbabilityTrace, find_events
from eegdash.scoring import GAINS, AlarmRate, GainTest, alarm_rate, gain_test
from eegdash.training.calibration import trace_of
from eegdash.training.material import RealRecording


@dataclass(frozen=True, slots=True)
class BackgroundFigures:
    """False alarms at the locked threshold, and whether amplitude alone makes seizures."""

    alarms: AlarmRate
    gain: GainTest
    n_persons: int


def background_figures(
    detector: Detector, recordings: Sequence[RealRecording]
) -> BackgroundFigures:
    """Score seizure-free recordings as they are and at the gains of the gain test.

    Parameters
    ----------
    detector : Detector
        Calibrated.
    recordings : sequence of RealRecording
        Of persons who took no part in training or calibration.
    """
    post = PostProcessing(**detector.config.post)
    traces = [_trace(detector, r.derivations_uv) for r in recordings]
    n_alarms = sum(len(find_events(t, detector.config.threshold_pm, post)) for t in traces)
    scaled = {
        gain: _joined([_trace(detector, r.derivations_uv * np.float32(gain)) for r in recordings])
        for gain in GAINS
    }
    return BackgroundFigures(
        alarm_rate(n_alarms, sum(trace.scored_s for trace in traces) / 3600),
        gain_test(_joined(traces), scaled),
        len({recording.person for recording in recordings}),
    )


def _joined(traces: Sequence[ProbabilityTrace]) -> NDArray[np.int64]:
    return np.concatenate([trace.probability_pm for trace in traces]).astype(np.int64)


def _trace(detector: Detector, derivations_uv: NDArray[np.float32]) -> ProbabilityTrace:
    config = detector.config
    codes = detector.encode(detector.features(derivations_uv))
    triples = np.stack([codes[k : len(codes) - 4 + k] for k in (0, 2, 4)], axis=1)
    return trace_of(
        detector.probability(detector.head(triples, detector.background(codes))),
        step_s=config.step_s,
        window_s=config.window_s,
        duration_s=derivations_uv.shape[1] / config.sfreq,
    )
