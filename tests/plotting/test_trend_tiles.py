"""Tiles of spectrogram, aEEG and rhythmicity from one pass over a recording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from memory_recordings import Memory
from memory_recordings import recording as recording_of
from numpy.typing import NDArray

from eegdash.io import open_recording
from eegdash.montage import ELECTRODES_10_20, LONGITUDINAL_BIPOLAR
from eegdash.plotting import trend_tiles
from eegdash.plotting.pyramid import LEVELS, TILE_COLUMNS
from eegdash.plotting.spectrogram_tiles import spectrogram_panels, spectrogram_tiles
from eegdash.plotting.trend_tiles import (
    AEEG,
    KINDS,
    RHYTHM_STEP_DB,
    RHYTHMICITY,
    SPECTROGRAM,
    aeeg_bytes,
    aeeg_trend,
    asymmetry_pairs,
    kind_grid,
    prepared_tiles,
    rhythm_bytes,
    rhythm_trend,
)
from eegdash.recording import Block, Recording
from eegdash.spectrogram import power_spectrogram
from eegdash.trends import aeeg_margins, rhythmicity_db

Float = NDArray[np.float32]
Tiles = dict[tuple[str, int, int], NDArray[np.uint8]]
BIPOLAR = tuple(d.name for d in LONGITUDINAL_BIPOLAR)


def recording(
    signal_uv: Float,
    sfreq: float = 256.0,
    names: Sequence[str] = BIPOLAR,
    blocks: tuple[Block, ...] | None = None,
) -> Recording:
    return recording_of(signal_uv, sfreq, names, blocks)


def noise(rows: int, seconds: float, sfreq: float = 256.0, seed: int = 0) -> Float:
    rng = np.random.default_rng(seed)
    n = round(seconds * sfreq)
    rhythm = 40 * np.sin(2 * np.pi * 6 * np.arange(n) / sfreq) * (np.arange(n) > n // 2)
    return (30 * rng.standard_normal((rows, n)) + rhythm).astype(np.float32)


def all_tiles(made: Recording, kinds: Sequence[str] = KINDS) -> Tiles:
    found: Tiles = {}
    for kind, level, index, values in prepared_tiles(made, kinds=kinds):
        assert (kind, level, index) not in found
        found[kind, level, index] = values
    return found


def level_of(found: Tiles, kind: str, level: int) -> NDArray[np.uint8]:
    indices = sorted(index for of, at, index in found if (of, at) == (kind, level))
    assert indices == list(range(len(indices)))
    return np.concatenate([found[kind, level, index] for index in indices], axis=1)


def microvolt(counts: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Read aEEG counts by the scale as it is documented."""
    height = (counts.astype(float) - 1) / 254
    value = np.where(height <= 0.5, 20 * height, 10 ** (2 * height))
    return np.where(counts == 0, np.nan, value)


def side_power(made: Recording, side: str) -> NDArray[np.float64]:
    """Mean power of a side's regions at whole seconds, from frames taken one by one."""
    rows = [i for i, n in enumerate(BIPOLAR) if ("1" in n or "7" in n or "3" in n) == (side == "L")]
    rows = [i for i in rows if "z" not in BIPOLAR[i]]
    assert len(rows) == 8
    signal = made.read(0, made.n_samples, rows)
    padded = np.concatenate([signal[:, :256][:, ::-1], signal, signal[:, -257:][:, ::-1]], axis=1)
    _, power = power_spectrogram(padded, 256.0, window_s=2.0, step_s=1.0, fmax_hz=70.0)
    return power[:, 1:].mean(axis=0).T


# ---- one pass ------------------------------------------------------------------------------------


def test_the_spectrogram_of_the_common_pass_is_that_of_its_own() -> None:
    made = recording(noise(18, 301.3))
    found = all_tiles(made)
    alone = {
        (SPECTROGRAM, level, index): power
        for level, index, power in spectrogram_tiles(made, spectrogram_panels(made))
    }
    assert alone.keys() == {key for key in found if key[0] == SPECTROGRAM}
    for key, power in alone.items():
        assert np.array_equal(found[key], power)


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_alone_is_the_same_as_with_the_others(kind: str) -> None:
    made = recording(noise(18, 150))
    together, alone = all_tiles(made), all_tiles(made, [kind])
    assert alone.keys() == {key for key in together if key[0] == kind}
    assert all(np.array_equal(together[key], values) for key, values in alone.items())


def test_the_recording_is_read_once_in_bounded_memory() -> None:
    made = recording(noise(18, 1000))
    all_tiles(made)
    assert isinstance(made.source, Memory)
    assert made.source.longest <= 256 * (120 + 5)
    assert made.source.total <= 256 * (1000 + 9 * 5)


@pytest.mark.parametrize("sfreq", [128.0, 200.0, 256.0, 500.0])
def test_the_borders_of_chunks_cannot_be_seen(
    sfreq: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = round(310.7 * sfreq)
    blocks = (Block(0.0, 0, n // 2), Block(200.0, n // 2, n - n // 2))
    made = recording(noise(18, 310.7, sfreq), sfreq, blocks=blocks)
    in_chunks = all_tiles(made)
    for columns in (15, 60, 10_000_005):
        monkeypatch.setattr(trend_tiles, "CHUNK_COLUMNS", columns)
        other = all_tiles(made)
        assert other.keys() == in_chunks.keys()
        for key, values in in_chunks.items():
            assert np.array_equal(values == 0, other[key] == 0), key
            # a value may fall on either side of a rounding step
            assert np.abs(values.astype(int) - other[key].astype(int)).max() <= 1, key


def test_tiles_are_the_direct_calculation_over_the_whole_recording() -> None:
    made = recording(noise(18, 180))
    found = all_tiles(made)
    aeeg = microvolt(level_of(found, AEEG, 0))
    padded = np.full((2, (2 + 180 + 2) * 256), np.nan, dtype=np.float32)
    rows = [BIPOLAR.index("C3-P3"), BIPOLAR.index("C4-P4")]
    padded[:, 512:-512] = made.read(0, made.n_samples, rows)
    expected = aeeg_margins(padded, 256.0, 12)
    assert aeeg.shape == expected.shape == (2, 12, 2)
    assert np.abs(aeeg / expected - 1).max() < 0.01  # a count is 0.9 % above 10 uV
    counts = level_of(found, RHYTHMICITY, 0).astype(float)
    excess = (counts - 1) * RHYTHM_STEP_DB
    for row, side in enumerate("LR"):
        power = side_power(made, side)[:180]
        context = np.full((1, 4 * 45 + 5, 140), np.nan)
        context[0, 2 : 2 + 180] = power
        direct = rhythmicity_db(context, 0.5 * np.arange(1, 141))[0, :, :80]
        known = np.isfinite(direct)
        assert np.array_equal(known, counts[row] > 0)
        assert np.abs(excess[row][known] - np.clip(direct[known], 0, 25.4)).max() < 0.06
    # 6 Hz in the second half
    assert excess[:, 30:40, 11].min() > 6
    assert excess[:, 5:15, 11].max() < 6


@pytest.mark.parametrize("seconds", [0.5, 1.9, 5.0, 14.0, 16.0, 100.0, 1100.0, 5000.0])
def test_every_length_gives_the_tiles_that_the_grid_states(seconds: float) -> None:
    made = recording(noise(18, seconds, 64.0), 64.0)
    found = all_tiles(made)
    for kind in KINDS:
        grid = kind_grid(made, kind)
        assert grid.n_bins > 0
        for level in range(LEVELS):
            values = level_of(found, kind, level)
            assert values.shape[1:] == (grid.columns(level), grid.n_bins)
            assert all(grid.holds(level, i) for i in range(grid.tiles(level)))
            assert not grid.holds(level, grid.tiles(level))
            for index in range(grid.tiles(level) - 1):
                assert found[kind, level, index].shape[1] == TILE_COLUMNS
    # what is too short for a value has none
    assert level_of(found, AEEG, 0).any() == (seconds > 8.5)
    assert level_of(found, RHYTHMICITY, 0).any() == (seconds >= 5)


def test_a_higher_level_is_the_mean_of_four_margins_and_the_strongest_of_four_rhythms() -> None:
    signal = noise(18, 1500)
    signal *= np.repeat([1, 0.5, 0.2, 1.2], signal.shape[1] // 4)
    made = recording(signal)
    found = all_tiles(made)
    fine_uv = microvolt(level_of(found, AEEG, 0))
    fine_db = (level_of(found, RHYTHMICITY, 0)[:, :, 3:].astype(float) - 1) * RHYTHM_STEP_DB
    for level in (1, 2, 3):
        n = 4**level
        coarse_uv = microvolt(level_of(found, AEEG, level))
        coarse_db = (level_of(found, RHYTHMICITY, level)[:, :, 3:] - 1.0) * RHYTHM_STEP_DB
        for k in range(fine_uv.shape[1] // n):
            mean = fine_uv[:, k * n : (k + 1) * n].mean(axis=1)
            assert np.abs(coarse_uv[:, k] / mean - 1).max() < 0.015
        for k in range(fine_db.shape[1] // n):
            part = fine_db[:, k * n : (k + 1) * n]
            # the strongest, so that a rhythm of a minute is seen on the trend of a day
            assert np.abs(coarse_db[:, k] - part.max(axis=1)).max() < 0.01


def test_a_gap_is_no_data() -> None:
    signal = noise(18, 120)
    blocks = (Block(0.0, 0, 60 * 256), Block(120.0, 60 * 256, 60 * 256))
    found = all_tiles(recording(signal, blocks=blocks))
    aeeg = level_of(found, AEEG, 0)
    rhythm = level_of(found, RHYTHMICITY, 0)[:, :, 20]
    assert (aeeg > 0).all(axis=(0, 2)).tolist() == [True] * 4 + [False] * 4 + [True] * 4
    assert (aeeg > 0).any(axis=(0, 2)).tolist() == [True] * 4 + [False] * 4 + [True] * 4
    known = (rhythm > 0).all(axis=0)
    assert known.tolist() == [k <= 14 or k >= 30 for k in range(45)]
    assert level_of(found, AEEG, 1)[0, :, 0].astype(bool).tolist() == [True, False, True]


# ---- what a recording can give -------------------------------------------------------------------


@pytest.mark.parametrize("names", [ELECTRODES_10_20, BIPOLAR], ids=["referential", "bipolar"])
def test_a_complete_recording_has_both_sides(names: Sequence[str]) -> None:
    made = recording(noise(len(names), 30), names=names)
    aeeg, rhythm = aeeg_trend(made), rhythm_trend(made)
    assert [(s.side, s.title) for s in aeeg.strips] == [("left", "C3-P3"), ("right", "C4-P4")]
    assert [(s.side, s.title) for s in rhythm.strips] == [
        ("left", "left lateral and left parasagittal"),
        ("right", "right lateral and right parasagittal"),
    ]
    assert aeeg.why == rhythm.why == ""
    assert asymmetry_pairs(spectrogram_panels(made)) == [(0, 1), (2, 3)]


def test_without_central_electrodes_both_sides_take_the_same_other_derivation() -> None:
    names = [n for n in ELECTRODES_10_20 if n not in ("C3", "P4")]
    trend = aeeg_trend(recording(noise(len(names), 30), names=names))
    assert [s.title for s in trend.strips] == ["Fp1-F3", "Fp2-F4"]


def test_one_side_alone_is_shown_and_the_other_is_said_to_be_absent() -> None:
    made = recording(noise(3, 60), names=("Fp1", "F7", "T7"))
    aeeg, rhythm = aeeg_trend(made), rhythm_trend(made)
    assert [s.side for s in aeeg.strips] == [s.side for s in rhythm.strips] == ["left"]
    assert "over the right side" in aeeg.why
    assert "over the right side" in rhythm.why
    assert asymmetry_pairs(spectrogram_panels(made)) == []
    found = all_tiles(made)
    assert found[AEEG, 0, 0].shape[0] == found[RHYTHMICITY, 0, 0].shape[0] == 1
    assert found[AEEG, 0, 0].any()
    assert found[RHYTHMICITY, 0, 0].any()


@pytest.mark.parametrize("names", [("E1", "E2", "E3"), ("Fz", "Cz", "Pz")])
def test_without_left_or_right_the_trend_is_absent_in_words(names: Sequence[str]) -> None:
    made = recording(noise(3, 60), names=names)
    for trend in (aeeg_trend(made), rhythm_trend(made)):
        assert trend.strips == ()
        assert "no derivation over the left or the right side" in trend.why
    assert {kind for kind, _, _ in all_tiles(made)} == {SPECTROGRAM}
    assert kind_grid(made, AEEG).n_bins == kind_grid(made, RHYTHMICITY).n_bins == 0


def test_a_slow_recording_has_no_aeeg_and_says_why() -> None:
    made = recording(noise(18, 60, 40.0), 40.0)
    assert "at least 50 samples a second; this recording has 40" in aeeg_trend(made).why
    assert {kind for kind, _, _ in all_tiles(made)} == {SPECTROGRAM, RHYTHMICITY}


def test_a_channel_map_gives_sides_to_unknown_names() -> None:
    names = [f"E{i}" for i in range(19)]
    mapping = dict(zip(names, ELECTRODES_10_20, strict=True))
    made = recording(noise(19, 60), names=names)
    assert [s.title for s in aeeg_trend(made, mapping).strips] == ["C3-P3", "C4-P4"]
    found = {kind for kind, *_ in prepared_tiles(made, mapping)}
    assert found == set(KINDS)


def test_progress_ends_at_one_and_nothing_wanted_is_nothing_done() -> None:
    made = recording(noise(18, 300))
    told: list[float] = []
    list(prepared_tiles(made, progress=told.append))
    assert told == sorted(told)
    assert told[-1] == 1
    assert list(prepared_tiles(made, kinds=[])) == []


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KeyError):
        kind_grid(recording(noise(18, 10)), "unknown")


# ---- bytes ---------------------------------------------------------------------------------------


def test_aeeg_counts_are_steps_of_the_semilogarithmic_scale() -> None:
    values = np.array([[[np.nan, 0, 6, 10, 31.6228, 100, 1000]]], np.float32)
    assert aeeg_bytes(values)[0, 0].tolist() == [0, 1, 77, 128, 192, 255, 255]
    spread = np.geomspace(0.5, 99, 300, dtype=np.float32)[None, None]
    assert np.abs(microvolt(aeeg_bytes(spread)) - spread).max() < 0.01 * 99
    assert np.abs(microvolt(aeeg_bytes(spread)) - spread)[spread < 10].max() < 0.041


def test_rhythm_counts_are_tenths_of_a_decibel() -> None:
    values = np.array([[[np.nan, -20, 0, 0.1, 12.34, 25.4, 90]]], np.float32)
    assert rhythm_bytes(values)[0, 0].tolist() == [0, 1, 1, 2, 124, 255, 255]


def test_real_clips_have_trends(data_pack: Path) -> None:
    path = next(iter(sorted((data_pack / "seizure_clips").glob("**/*.edf"))))
    made = open_recording(path)
    found = all_tiles(made)
    for kind in (AEEG, RHYTHMICITY):
        values = level_of(found, kind, 0)
        assert values.any()
    margins = microvolt(level_of(found, AEEG, 0))
    known = np.isfinite(margins).all(axis=2)
    assert (margins[..., 0][known] <= margins[..., 1][known]).all()
    assert 1 < np.nanmedian(margins) < 100
