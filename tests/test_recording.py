"""Recording: time line, gaps, NaN outside what is stored."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eegdash.recording import Block, Recording, alias_of


class Counting:
    """Sample number plus 1000 per channel."""

    def read(self, first: int, last: int, picks: Sequence[int]) -> np.ndarray:
        samples = np.arange(first, last, dtype=np.float32)
        return (
            np.stack([samples + 1000 * pick for pick in picks])
            if picks
            else np.empty((0, last - first), np.float32)
        )


def recording(*blocks: Block, sfreq: float = 10.0, n_channels: int = 2) -> Recording:
    return Recording(
        path=Path("a.edf"),
        sha256="0123456789" * 6 + "abcd",
        sfreq=sfreq,
        ch_names=tuple(f"c{i}" for i in range(n_channels)),
        blocks=blocks,
        start=None,
        annotations=(),
        warnings=(),
        source=Counting(),
        eeg=(True,) * n_channels,
        format="test",
    )


def test_continuous_recording() -> None:
    r = recording(Block(0.0, 0, 100))
    assert (r.duration_s, r.n_samples, r.gaps) == (10.0, 100, ())
    np.testing.assert_array_equal(
        r.read(20, 25, [1, 0]), [np.arange(1020, 1025), np.arange(20, 25)]
    )
    assert r.read(20, 25).dtype == np.float32


def test_gaps_are_nan_and_samples_keep_their_time() -> None:
    r = recording(Block(0.0, 0, 50), Block(8.0, 50, 20), Block(10.0, 70, 30))
    assert (r.duration_s, r.n_samples) == (13.0, 130)
    assert r.gaps == ((5.0, 8.0),)  # the third block follows the second at once
    page = r.read(0, 130, [0])[0]
    np.testing.assert_array_equal(page[:50], np.arange(50))
    assert np.isnan(page[50:80]).all()
    np.testing.assert_array_equal(page[80:], np.arange(50, 100))
    np.testing.assert_array_equal(r.read(45, 85, [0])[0], page[45:85])


def test_gap_before_the_first_block() -> None:
    r = recording(Block(2.0, 0, 10))
    assert r.gaps == ((0.0, 2.0),)
    assert np.isnan(r.read(0, 20)).all()


def test_onset_text_that_is_off_by_less_than_half_a_sample_is_no_gap() -> None:
    r = recording(Block(0.0, 0, 10), Block(1.04, 10, 10))
    assert r.gaps == ()
    assert np.isfinite(r.read(0, 20)).all()


def test_onset_between_samples_is_put_on_the_nearest() -> None:
    r = recording(Block(0.0, 0, 10), Block(5.26, 10, 10))
    page = r.read(0, r.n_samples, [0])[0]
    assert page[53] == 10
    assert np.isnan(page[52])


@pytest.mark.parametrize(("start", "stop"), [(-20, -10), (100, 120), (500, 501)])
def test_outside_is_nan(start: int, stop: int) -> None:
    page = recording(Block(0.0, 0, 100)).read(start, stop)
    assert page.shape == (2, stop - start)
    assert np.isnan(page).all()


def test_empty_requests() -> None:
    r = recording(Block(0.0, 0, 100))
    assert r.read(10, 10).shape == (2, 0)
    assert r.read(10, 5).shape == (2, 0)
    assert r.read(0, 5, []).shape == (0, 5)


def test_recording_without_signal() -> None:
    r = recording(sfreq=1.0, n_channels=0)
    assert (r.duration_s, r.n_samples, r.gaps) == (0.0, 0, ())
    assert r.read(0, 4).shape == (0, 4)


def test_alias_names_eight_digits_of_the_hash() -> None:
    r = recording()
    assert r.alias == alias_of(r.sha256) == "rec-01234567"


def test_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        recording().sfreq = 3.0  # type: ignore[misc]
