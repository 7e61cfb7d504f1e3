"""Event and sample scores of SzCORE (Dan et al., Epilepsia 2025, doi 10.1111/epi.18113).

As implemented in ``timescoring``. Only time in which the truth is known enters: each covered
interval is scored as a recording of its own, so that no tolerance leaks into unknown time.
"""

from __future__ import annotations

from collections.abc import Sequence

from eegdash.annotations import Reference
from eegdash.detection import Event
from eegdash.scoring.counts import EventScores, SampleScores, Scores, micro
from eegdash.scoring.intervals import Span, coverage_of, union, within

MERGE_GAP_S = 90.0
MAX_EVENT_S = 300.0
TOLERANCE_START_S = 30.0
TOLERANCE_END_S = 60.0
EVENT_RATE_HZ = 10


def score_events(reference: Reference, events: Sequence[Event], duration_s: float) -> Scores:
    """Score detections against a reference, where the truth is known.

    Parameters
    ----------
    reference : Reference
        Its coverage restricts the scoring; seizures and detections are clipped to it.
    events : sequence of Event
    duration_s : float
        Length of the recording, s.

    Returns
    -------
    Scores
        All counts are 0 and all rates NaN if nothing is covered.
    """
    truth = union((a.onset_s, a.end_s) for a in reference.seizures)
    covered = coverage_of(reference, duration_s)
    return score_spans(truth, union((e.onset_s, e.end_s) for e in events), covered)


def score_spans(truth: list[Span], found: list[Span], covered: list[Span]) -> Scores:
    """Score disjoint sorted spans of detections inside the covered intervals."""
    return micro(
        _score_interval(within(truth, interval), within(found, interval), stop - start)
        for interval in covered
        for start, stop in [interval]
    )


def _score_interval(truth: list[Span], found: list[Span], duration_s: float) -> Scores:
    """Score one interval with times relative to its start."""
    from timescoring.annotations import Annotation
    from timescoring.scoring import EventScoring, SampleScoring

    n_event = round(duration_s * EVENT_RATE_HZ)
    n_sample = round(n_event / EVENT_RATE_HZ)
    if n_event == 0:  # timescoring divides by the number of samples
        return Scores(EventScores(duration_s=duration_s), SampleScores(duration_s=0.0))
    ref = Annotation(_sampled(truth), EVENT_RATE_HZ, n_event)
    hyp = Annotation(_sampled(found), EVENT_RATE_HZ, n_event)
    parameters = EventScoring.Parameters(
        toleranceStart=TOLERANCE_START_S,
        toleranceEnd=TOLERANCE_END_S,
        minOverlap=0,
        maxEventDuration=MAX_EVENT_S,
        minDurationBetweenEvents=MERGE_GAP_S,
    )
    by_event = EventScoring(ref, hyp, parameters)
    events = EventScores(
        tp=int(by_event.tp),
        fp=int(by_event.fp),
        n_ref=int(by_event.refTrue),
        duration_s=duration_s,
    )
    if n_sample == 0:
        return Scores(events, SampleScores())
    by_sample = SampleScoring(ref, hyp, fs=1)
    samples = SampleScores(
        tp=int(by_sample.tp),
        fp=int(by_sample.fp),
        n_ref=int(by_sample.refTrue),
        duration_s=float(by_sample.numSamples),
    )
    return Scores(events, samples)


def _sampled(spans: list[Span]) -> list[Span]:
    """Leave out spans without a sample at 10 Hz, such as slivers cut off by the coverage.

    ``timescoring`` would count an empty detection as false even inside a seizure.
    """
    return [s for s in spans if round(s[0] * EVENT_RATE_HZ) < round(s[1] * EVENT_RATE_HZ)]
