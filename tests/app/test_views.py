"""What is kept of a reader's view over a reload."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eegdash.ui.session import Chosen, View


def test_bad_channels_and_hidden_rows_come_back() -> None:
    view = View(start_s=20.0, bad=[3, 11], hidden=["Fp1-F7", "Cz-Pz"])
    again = View.from_remembered(json.loads(json.dumps(view.remembered())))
    assert (again.start_s, again.bad, again.hidden) == (20.0, [3, 11], ["Fp1-F7", "Cz-Pz"])


def test_a_view_that_was_kept_before_there_were_bad_channels_has_none() -> None:
    record = View(start_s=5.0).remembered()
    del record["bad"], record["hidden"]
    again = View.from_remembered(record)
    assert (again.start_s, again.bad, again.hidden) == (5.0, [], [])


def test_each_detector_keeps_its_own_operating_point() -> None:
    rules = {"smoothing_s": 4.5, "hysteresis": 1.0, "merge_gap_s": 3.0, "min_duration_s": 6.0}
    points = {"a" * 64: Chosen(590, rules), "b" * 64: Chosen(300, {**rules, "hysteresis": 0.5})}
    view = View(start_s=7.0, chosen=points)
    again = View.from_remembered(json.loads(json.dumps(view.remembered())))
    assert (again.start_s, again.chosen) == (7.0, points)


@pytest.mark.parametrize(
    "changes",
    [
        {"bad": ["T7"]},
        {"bad": 3},
        {"hidden": 1},
        {"bad": None},
        {"chosen": 1},
        {"chosen": {"a": {"threshold_pm": 1}}},
    ],
)
def test_a_record_that_makes_no_sense_is_an_empty_view(changes: dict[str, Any]) -> None:
    again = View.from_remembered({**View(start_s=9.0).remembered(), **changes})
    assert (again.start_s, again.bad, again.hidden) == (0.0, [], [])
