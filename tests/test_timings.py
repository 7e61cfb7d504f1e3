"""Times of stages: closed forms, failures, many threads."""

from __future__ import annotations

import logging
import threading

import pytest

from eegdash.timings import StageTimes, Timings


def test_the_percentiles_are_the_nearest_ranks_of_the_latest_thousand() -> None:
    timings = Timings()
    for value in (9e9, *range(1, 1001)):  # the first is older than the latest thousand
        timings.add("open", float(value))
    assert timings.table() == [StageTimes("open", 1001, 0, 500.0, 950.0, 1000.0)]
    timings.add("a", 0.25)
    assert timings.table()[0] == StageTimes("a", 1, 0, 0.25, 0.25, 0.25)
    timings.add("a", 0.5)
    timings.add("a", 0.75)  # half of three are two, 95 % are all
    assert timings.table()[0] == StageTimes("a", 3, 0, 0.5, 0.75, 0.75)


def test_an_error_is_counted_and_goes_on() -> None:
    timings = Timings()
    with pytest.raises(KeyError), timings.measure("append"):
        raise KeyError
    with timings.measure("append"):
        pass
    (row,) = timings.table()
    assert (row.n, row.n_failed) == (2, 1)


def test_what_leaves_a_page_without_fault_is_no_failure() -> None:
    # Streamlit ends a run of a page by what is no Exception
    timings = Timings()
    with pytest.raises(KeyboardInterrupt), timings.measure("page"):
        raise KeyboardInterrupt
    assert timings.table()[0].n_failed == 0


def test_threads_lose_nothing() -> None:
    timings = Timings()

    def add() -> None:
        for _ in range(500):
            timings.add("tile", 1.0, failed=True)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (row,) = timings.table()
    assert (row.n, row.n_failed) == (4000, 4000)


def test_what_is_frequent_stays_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    timings = Timings()
    with caplog.at_level(logging.INFO, logger="eegdash"):
        timings.add("score", 1.5, waited_s=0.25)
        timings.add("tile", 0.01, frequent=True)
    (record,) = caplog.records
    given = vars(record)
    assert (given["stage"], given["seconds"], given["waited_s"]) == ("score", 1.5, 0.25)
    assert given["outcome"] == "done"
