"""What readers said, as truth and weight of windows: in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from eegdash.checkpoints import DetectorConfig
from eegdash.training.opinions import (
    Meaning,
    Opinion,
    OpinionTargets,
    OpinionWeights,
    Source,
    opinion_targets,
)

# windows of 9 s every 1.5 s: centres at 4.5, 6, 7.5 ... 153 s
CONFIG = DetectorConfig("t", "T", "spectrogram-cnn-lstm", {}, sfreq=80.0)
N = 100
CENTRE_S = 4.5 + 1.5 * np.arange(N)
WEIGHTS = OpinionWeights(corrected=4.0, confirmed=1.0, read=0.5, unread=0.25)


def said(
    meaning: Meaning, onset_s: float, end_s: float, reader: str = "A", *, ruled: bool = False
) -> Opinion:
    return Opinion(onset_s, end_s, meaning, reader, adjudicated=ruled)


def targets(
    *opinions: Opinion,
    detections: tuple[tuple[float, float], ...] = (),
    finished: bool = False,
    contested: tuple[tuple[float, float], ...] = (),
) -> OpinionTargets:
    return opinion_targets(
        opinions,
        detections,
        n_windows=N,
        config=CONFIG,
        finished=finished,
        contested=contested,
        weights=WEIGHTS,
    )


def inside(onset_s: float, end_s: float) -> np.ndarray:
    return (onset_s <= CENTRE_S) & (end_s > CENTRE_S)


def well_inside(onset_s: float, end_s: float) -> np.ndarray:
    """Windows of a seizure that are not too close to its edges."""
    return inside(onset_s, end_s) & (CENTRE_S - onset_s >= 1.5) & (end_s - CENTRE_S >= 1.5)


def test_a_missed_seizure_is_a_seizure_and_weighs_as_a_correction() -> None:
    found = targets(said(Meaning.SEIZURE, 30, 60))
    np.testing.assert_array_equal(found.seizure, inside(30, 60))
    assert set(found.weight[well_inside(30, 60)]) == {4.0}
    assert set(found.weight[~inside(28, 62)]) == {0.25}
    near = np.abs(CENTRE_S[:, None] - [30, 60]).min(axis=1) < 1.5
    assert set(found.weight[near]) == {0.0}


def test_an_agreed_detection_is_a_confirmation() -> None:
    found = targets(said(Meaning.SEIZURE, 30, 60), detections=((33.0, 57.0),))
    assert found.seizure[inside(30, 60)].all()
    assert set(found.weight[well_inside(30, 60)]) == {1.0}


def test_a_rejected_detection_is_free_of_seizures_in_its_span_alone() -> None:
    found = targets(said(Meaning.FREE, 30, 60), detections=((30.0, 60.0), (90.0, 120.0)))
    assert not found.seizure.any()
    assert set(found.weight[inside(30, 60)]) == {4.0}
    assert set(found.weight[inside(90, 120)]) == {0.0}, "nobody judged the other detection"
    assert set(found.weight[~inside(30, 60) & ~inside(90, 120)]) == {0.25}


def test_rejecting_what_this_detector_never_found_corrects_nothing() -> None:
    found = targets(said(Meaning.FREE, 30, 60))
    assert set(found.weight[inside(30, 60)]) == {1.0}
    assert set(found.source[inside(30, 60)]) == {Source.CONFIRMED}


def test_unsure_is_left_out() -> None:
    found = targets(said(Meaning.UNSURE, 30, 60), detections=((30.0, 60.0),))
    assert set(found.weight[inside(30, 60)]) == {0.0}
    assert not found.seizure.any()
    assert found.counts()[Source.LEFT_OUT] == inside(30, 60).sum()


def test_in_one_readers_words_the_true_span_wins_over_the_rejected_detection() -> None:
    found = targets(
        said(Meaning.FREE, 30, 90), said(Meaning.SEIZURE, 50, 70), detections=((30.0, 90.0),)
    )
    np.testing.assert_array_equal(found.seizure, inside(50, 70))
    assert set(found.weight[inside(30, 48)]) == {4.0}
    assert set(found.weight[well_inside(50, 70)]) == {1.0}, "the detection did touch it"


def test_two_readers_who_contradict_each_other_teach_nothing() -> None:
    found = targets(said(Meaning.SEIZURE, 30, 60), said(Meaning.FREE, 45, 75, "B"))
    assert set(found.weight[inside(45, 60)]) == {0.0}
    assert found.seizure[well_inside(30, 45)].all()
    assert not found.seizure[inside(45, N)].any()
    assert (found.weight[inside(63, 75)] > 0).all()


@pytest.mark.parametrize("ruling", [Meaning.SEIZURE, Meaning.FREE])
def test_an_adjudication_settles_it(ruling: Meaning) -> None:
    found = targets(
        said(Meaning.SEIZURE, 30, 60), said(Meaning.FREE, 30, 60, "B"),
        said(ruling, 30, 60, "C", ruled=True), detections=((30.0, 60.0),),
    )  # fmt: skip
    middle = well_inside(30, 60)
    assert found.seizure[middle].all() == (ruling is Meaning.SEIZURE)
    assert set(found.weight[middle]) == {1.0 if ruling is Meaning.SEIZURE else 4.0}


def test_records_in_conflict_are_left_out() -> None:
    found = targets(contested=((30.0, 60.0),), finished=True)
    assert set(found.weight[inside(30, 60)]) == {0.0}
    assert set(found.weight[~inside(30, 60)]) == {0.5}


def test_background_of_a_finished_reading_weighs_more() -> None:
    assert set(targets(finished=True).weight) == {0.5}
    assert set(targets().weight) == {0.25}
    assert set(targets(finished=True, detections=((30.0, 60.0),)).weight[inside(30, 60)]) == {0.0}
