"""What is kept of a reader's view over a reload."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eegdash.ui.session import View


def test_bad_channels_and_hidden_rows_come_back() -> None:
    view = View(start_s=20.0, bad=[3, 11], hidden=["Fp1-F7", "Cz-Pz"])
    again = View.from_remembered(json.loads(json.dumps(view.remembered())))
    assert (again.start_s, again.bad, again.hidden) == (20.0, [3, 11], ["Fp1-F7", "Cz-Pz"])


def test_a_view_that_was_kept_before_there_were_bad_channels_has_none() -> None:
    record = View(start_s=5.0).remembered()
    del record["bad"], record["hidden"]
    again = View.from_remembered(record)
    assert (again.start_s, again.bad, again.hidden) == (5.0, [], [])


@pytest.mark.parametrize("changes", [{"bad": ["T7"]}, {"bad": 3}, {"hidden": 1}, {"bad": None}])
def test_a_record_that_makes_no_sense_is_an_empty_view(changes: dict[str, Any]) -> None:
    again = View.from_remembered({**View(start_s=9.0).remembered(), **changes})
    assert (again.start_s, again.bad, again.hidden) == (0.0, [], [])
