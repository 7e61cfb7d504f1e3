"""Agreement of readers in a workspace: who is compared, on what time, and what is left out."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from labelled import add_recording, add_trace, say, state_whole
from sklearn.metrics import cohen_kappa_score

from eegdash.checkpoints import CheckpointInfo
from eegdash.workflows.agreement import DETECTOR_NAME, agreement, as_json
from eegdash.workflows.desk import Desk
from eegdash.workflows.readers import Reader

VIEWER = Reader("Chief")
SHAS = [f"{i:x}" * 64 for i in range(1, 7)]


def two_readers(desk: Desk, sha256: str) -> None:
    """Of 100 s: A marks 10-30 s, B marks 20-40 s and is unsure of 80-90 s."""
    say(desk, "A", sha256, 10, 30)
    say(desk, "B", sha256, 20, 40)
    say(desk, "B", sha256, 80, 90, "unsure")
    for reader in "AB":
        state_whole(desk, reader, sha256, seconds=100.0)


def test_a_pair_is_compared_second_by_second_where_both_know(desk: Desk) -> None:
    two_readers(desk, SHAS[0])
    report = agreement(desk, VIEWER, None)
    (pair,) = report.pairs
    assert (pair.one, pair.other, pair.n_recordings, pair.compared_s) == ("A", "B", 1, 90.0)
    assert pair.confusion.counts.tolist() == [[10, 10], [10, 60]]
    a = np.zeros(100, int)
    b = np.zeros(100, int)
    a[10:30], b[20:40] = 1, 1
    known = np.r_[0:80, 90:100]
    assert pair.kappa.value == pytest.approx(cohen_kappa_score(a[known], b[known]))
    assert math.isnan(pair.kappa.low)  # one recording gives no interval
    assert (pair.n_events_one, pair.n_matched_one, pair.events.value) == (1, 1, 1.0)
    assert report.group is not None
    assert report.group.compared_s == 90.0
    # two raters: Fleiss takes the mean of their margins (Scott's pi)
    share = np.array([40, 140]) / 180
    expected = float((share**2).sum())
    assert report.group.fleiss.value == pytest.approx((70 / 90 - expected) / (1 - expected))


def test_time_that_was_not_on_screen_is_not_compared_unless_asked(desk: Desk) -> None:
    say(desk, "A", SHAS[0], 10, 30)
    state_whole(desk, "A", SHAS[0], (0.0, 50.0), seconds=100.0)
    state_whole(desk, "B", SHAS[0], seconds=100.0)
    (pair,) = agreement(desk, VIEWER, None).pairs
    assert pair.compared_s == 50.0
    assert (pair.n_events_one, pair.n_matched_one, pair.events.value) == (1, 0, 0.0)
    (pair,) = agreement(desk, VIEWER, None, whole_after_sign_off=True).pairs
    assert pair.compared_s == 100.0


def test_silence_is_no_opinion(desk: Desk) -> None:
    say(desk, "A", SHAS[0], 10, 30)
    say(desk, "B", SHAS[0], 50, 60)
    report = agreement(desk, VIEWER, None)
    assert report.pairs == ()
    assert report.group is None


def test_intervals_come_from_several_recordings(desk: Desk) -> None:
    for number, sha256 in enumerate(SHAS):
        say(desk, "A", sha256, 10, 30)
        say(desk, "B", sha256, 10 + 4 * number, 30 + 4 * number)
        for reader in "AB":
            state_whole(desk, reader, sha256, seconds=100.0)
    (pair,) = agreement(desk, VIEWER, None).pairs
    assert pair.kappa.low < pair.kappa.value < pair.kappa.high
    assert pair.events.low < pair.events.value <= pair.events.high <= 1
    assert (pair.n_recordings, pair.n_events_one) == (6, 6)
    assert agreement(desk, VIEWER, None).pairs[0].kappa == pair.kappa  # seeded


def test_readers_are_compared_with_the_detector_where_it_was_scored(
    desk: Desk, tiny_model: CheckpointInfo
) -> None:
    sha256 = add_recording(desk, "a.edf")
    add_trace(desk, sha256, tiny_model, (100, 130, 900))
    say(desk, "A", sha256, 100, 130)
    state_whole(desk, "A", sha256)
    report = agreement(desk, VIEWER, tiny_model)
    (pair,) = report.with_detector
    assert (pair.one, pair.other) == ("A", DETECTOR_NAME)
    counts = pair.confusion.counts
    assert counts[0, 0] >= 28
    assert counts[1, 0] + counts[0, 1] <= 6
    # 3.75 s at either end that no window reaches are not compared
    assert 290 <= pair.compared_s <= 293
    assert (report.model, report.threshold_pm) == ("tiny", 500)
    blinded = agreement(desk, Reader("A", blinded=True), tiny_model)
    assert blinded.with_detector == ()
    assert any("not to be revealed" in note for note in blinded.notes)


def test_a_reader_called_like_the_detector_is_a_reader(
    desk: Desk, tiny_model: CheckpointInfo
) -> None:
    sha256 = add_recording(desk, "a.edf")
    add_trace(desk, sha256, tiny_model, (100, 130, 900))
    state_whole(desk, DETECTOR_NAME, sha256)
    report = agreement(desk, VIEWER, tiny_model)
    assert report.readers == (DETECTOR_NAME,)
    assert report.with_detector[0].confusion.counts[1, 0] > 20


def test_a_viewer_who_may_not_see_others_gets_no_figures_of_them(desk: Desk) -> None:
    two_readers(desk, SHAS[0])
    hidden = replace(desk, settings=replace(desk.settings, others_hidden=True))
    report = agreement(hidden, Reader("A"), None)
    assert report.readers == ("A",)
    assert report.pairs == ()
    assert "Records withheld from you and left out: 3." in report.notes[0]
    assert agreement(desk, Reader("A", blinded=True), None).readers == ("A",)


def test_blinded_first_reads_alone_as_they_stood_when_committed(desk: Desk) -> None:
    sha256 = SHAS[0]
    for reader, onset in (("A", 10), ("B", 50)):
        mark = say(desk, reader, sha256, onset, onset + 20, blinded=True)
        state_whole(desk, reader, sha256, kind="first_read", blinded=True, seconds=100.0)
        if reader == "B":  # after seeing the detector, B follows A
            say(desk, "B", sha256, 10, 30, "agree", supersedes=mark.uuid, reason="saw it")
    (after,) = agreement(desk, VIEWER, None).pairs
    (before,) = agreement(desk, VIEWER, None, blinded_only=True).pairs
    assert after.events.value == 1.0
    assert before.events.value == 0.0
    assert before.confusion.counts.tolist() == [[0, 20], [20, 60]]


def test_adjudications_and_repeats_are_no_opinions(desk: Desk) -> None:
    two_readers(desk, SHAS[0])
    before = agreement(desk, VIEWER, None)
    first = desk.labels.all()[0]
    say(desk, "A", SHAS[0], 60, 70, "missed", repeat_of=first.uuid)
    say(desk, "C", SHAS[0], 60, 70, "adjudicated", role="adjudicator", event_type="sz")
    after = agreement(desk, VIEWER, None)
    assert after.readers == ("A", "B")
    assert as_json(after)["pairs"] == as_json(before)["pairs"]


def test_repeats_give_agreement_with_oneself(desk: Desk) -> None:
    first = [say(desk, "A", SHAS[0], 10 * i, 10 * i + 5) for i in range(6)]
    for number, label in enumerate(first):
        verdict = "disagree" if number == 5 else "missed"
        say(desk, "A", SHAS[0], label.onset_s, label.end_s, verdict, repeat_of=label.uuid)
    (found,) = agreement(desk, VIEWER, None).repeats
    assert (found.reader, found.n_repeats) == ("A", 6)
    assert found.confusion.counts.tolist() == [[5, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert found.same.value == pytest.approx(5 / 6)


def test_the_report_is_json_without_nan(desk: Desk) -> None:
    two_readers(desk, SHAS[0])
    found = as_json(agreement(desk, VIEWER, None))
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text)["pairs"][0]["cohen_kappa"]["low"] is None
    assert found["pairs"][0]["confusion"]["unit"] == "epochs of 1 s"
