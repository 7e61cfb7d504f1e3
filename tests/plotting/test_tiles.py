"""Tiles of the viewer against direct computation over the whole recording."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from memory_recordings import Memory, noise, recording
from numpy.typing import NDArray

from eegdash.montage import ELECTRODES_10_20, LONGITUDINAL_BIPOLAR, MONTAGES, resolve
from eegdash.plotting import tiles
from eegdash.plotting.tiles import (
    NO_SAMPLE,
    RAW_TILE_S,
    DisplayFilter,
    montage_choices,
    raw_tile,
)
from eegdash.preprocessing import filter_uv
from eegdash.recording import Block

Float = NDArray[np.float32]
BIPOLAR = tuple(d.name for d in LONGITUDINAL_BIPOLAR)
AS_RECORDED = MONTAGES["as-recorded"]
BANANA = MONTAGES["longitudinal-bipolar"]


def decode(tile: bytes) -> tuple[Float, float, bool]:
    """Return microvolt (NaN: no sample), values a second and whether these are pairs."""
    rows, values, rate, pairs = struct.unpack_from("<IIfI", tile)
    scale = np.frombuffer(tile, "<f4", rows, 16)
    counts = np.frombuffer(tile, "<i2", rows * values, 16 + 4 * rows).reshape(rows, values)
    assert len(tile) == 16 + 4 * rows + 2 * rows * values + rows
    assert pairs in (0, 1)
    uv = counts * scale[:, None]
    return np.where(counts == NO_SAMPLE, np.nan, uv).astype(np.float32), rate, bool(pairs)


# ---- raw tiles ------------------------------------------------------------------------------


def test_raw_tile_carries_the_filtered_samples_to_a_count() -> None:
    signal = noise(2, 30)
    made = recording(signal, names=("Fp1", "F7"))
    uv, rate, pairs = decode(
        raw_tile(made, resolve(made, AS_RECORDED), DisplayFilter(0, 0, 0), 0, 1)
    )
    assert (rate, pairs, uv.shape) == (256.0, False, (2, 2560))
    expected = signal[:, 2560:5120]
    count_uv = np.abs(expected).max(axis=1, keepdims=True) / 32767
    assert (np.abs(uv - expected) <= 0.51 * count_uv).all()


@pytest.mark.parametrize(
    "filters",
    [DisplayFilter(), DisplayFilter(0.5, 30, 50), DisplayFilter(1, 70, 60), DisplayFilter(0, 15)],
)
def test_tiles_join_without_an_edge(filters: DisplayFilter) -> None:
    made = recording(noise(19, 80), names=ELECTRODES_10_20)
    matrix = resolve(made, BANANA)
    whole = filter_uv(
        matrix.apply(made.read(0, made.n_samples, list(matrix.picks))),
        256.0,
        low_hz=filters.low_hz or None,
        high_hz=filters.high_hz or None,
        notch_hz=filters.notch_hz or None,
    )
    parts = [decode(raw_tile(made, matrix, filters, 0, i))[0] for i in range(8)]
    joined = np.concatenate(parts, axis=1)
    assert joined.shape == whole.shape
    inner = slice(10 * 256, -10 * 256)
    assert np.abs(joined - whole)[:, inner].max() < 0.5


def test_the_last_tile_is_as_long_as_the_recording() -> None:
    made = recording(noise(1, 23.5))
    matrix = resolve(made, AS_RECORDED)
    shapes = [decode(raw_tile(made, matrix, DisplayFilter(), 0, i))[0].shape for i in range(4)]
    assert shapes == [(1, 2560), (1, 2560), (1, 896), (1, 0)]


def test_a_gap_is_no_sample_and_nothing_else_is() -> None:
    signal = noise(1, 20)
    blocks = (Block(0.0, 0, 6 * 256), Block(11.0, 6 * 256, 14 * 256))
    made = recording(signal, blocks=blocks)
    matrix = resolve(made, AS_RECORDED)
    first = decode(raw_tile(made, matrix, DisplayFilter(), 0, 0))[0]
    second = decode(raw_tile(made, matrix, DisplayFilter(), 0, 1))[0]
    missing = np.isnan(np.concatenate([first, second], axis=1))[0]
    assert missing.tolist() == [6 * 256 <= i < 11 * 256 for i in range(20 * 256)]


def test_a_gap_over_a_whole_tile_is_all_no_sample() -> None:
    made = recording(noise(1, 10), blocks=(Block(0.0, 0, 1280), Block(40.0, 1280, 1280)))
    matrix = resolve(made, AS_RECORDED)
    for level, index in ((0, 1), (0, 2)):
        uv = decode(raw_tile(made, matrix, DisplayFilter(), level, index))[0]
        assert uv.shape == (1, 2560)
        assert np.isnan(uv).all()


def test_a_flat_channel_stays_flat() -> None:
    made = recording(np.zeros((1, 5120), np.float32))
    uv = decode(raw_tile(made, resolve(made, AS_RECORDED), DisplayFilter(), 0, 0))[0]
    assert (uv == 0).all()


@pytest.mark.parametrize("sfreq", [256.0, 200.0, 500.0])
def test_the_long_tile_keeps_every_extreme(sfreq: float) -> None:
    signal = noise(1, 120, sfreq)
    spikes = [round(s * sfreq) for s in (3.0, 61.234, 119.99)]
    signal[0, spikes] += [900, -800, 700]
    made = recording(signal, sfreq)
    matrix, off = resolve(made, AS_RECORDED), DisplayFilter(0, 0, 0)
    for index in range(2):
        uv, rate, pairs = decode(raw_tile(made, matrix, off, 1, index))
        part = signal[:, round(60 * index * sfreq) : round(60 * (index + 1) * sfreq)]
        assert pairs
        assert rate <= tiles.RAW_RATE[1]
        length = round(2 * sfreq / rate)
        count_uv = float(np.abs(part).max()) / 32767
        low, high = uv[0, ::2], uv[0, 1::2]
        for k in range(len(low)):
            samples = part[0, k * length : (k + 1) * length]
            assert abs(low[k] - samples.min()) <= count_uv
            assert abs(high[k] - samples.max()) <= count_uv
        assert len(low) * length >= part.shape[1]


def test_more_samples_than_the_page_needs_are_thinned_on_the_short_tile_too() -> None:
    made = recording(noise(1, 20, 1000.0), 1000.0)
    uv, rate, pairs = decode(
        raw_tile(made, resolve(made, AS_RECORDED), DisplayFilter(0, 0, 0), 0, 0)
    )
    assert pairs
    assert rate == 250.0
    assert uv.shape == (1, 2500)


def test_a_tile_reads_only_its_own_part_of_a_long_recording() -> None:
    made = recording(noise(1, 900))
    matrix = resolve(made, AS_RECORDED)
    raw_tile(made, matrix, DisplayFilter(), 0, 40)
    assert isinstance(made.source, Memory)
    assert made.source.longest <= 256 * (RAW_TILE_S[0] + 2 * 5)


# ---- montages -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("Fp1-F7", "L"), ("Fp2-F8", "R"), ("Fz-Cz", "M"), ("Fp1-Fp2", "M"), ("F7-Fp1", "L"),
        ("F3-Fz", "L"), ("Fz-F4", "M"), ("P8-O2", "R"), ("C3-Cz", "L"),
    ],
)  # fmt: skip
def test_sides(name: str, side: str) -> None:
    choices = montage_choices(recording(noise(19, 12), names=ELECTRODES_10_20))
    sides = {
        row: at for choice in choices for row, at in zip(choice.names, choice.sides, strict=True)
    }
    assert sides[name] == side


def test_every_montage_is_offered_or_says_why_not() -> None:
    complete = montage_choices(recording(noise(19, 12), names=ELECTRODES_10_20))
    assert [choice.name for choice in complete] == list(MONTAGES)
    assert all(choice.available and not choice.why and choice.names for choice in complete)
    assert all(len(choice.sides) == len(choice.names) for choice in complete)
    some = {c.name: c for c in montage_choices(recording(noise(2, 12), names=("Fp1", "E9")))}
    assert not some["longitudinal-bipolar"].available
    assert "Fp2" in some["longitudinal-bipolar"].why
    assert some["as-recorded"].available
    assert some["average-reference"].names == ("Fp1-Av",)


def test_a_recording_without_signal_offers_no_montage() -> None:
    assert not any(c.available for c in montage_choices(recording(noise(0, 12), names=())))
