"""Spectrogram tiles against closed forms and against direct computation over the recording."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import pytest
from memory_recordings import Memory, noise, recording, sine
from numpy.typing import NDArray

from eegdash.montage import ELECTRODES_10_20, LONGITUDINAL_BIPOLAR, MONTAGES, resolve
from eegdash.plotting import spectrogram_tiles as tiles
from eegdash.plotting.pyramid import LEVELS, TILE_COLUMNS, tile_bytes
from eegdash.plotting.spectrogram_tiles import (
    DB_HIGH,
    DB_LOW,
    Panel,
    chosen_panels,
    spectrogram_grid,
    spectrogram_panels,
    spectrogram_tile,
    spectrogram_tiles,
)
from eegdash.recording import Block, Recording

BIPOLAR = tuple(d.name for d in LONGITUDINAL_BIPOLAR)
AS_RECORDED = MONTAGES["as-recorded"]


# ---- spectrogram ----------------------------------------------------------------------------


def one_panel(made: Recording) -> list[Panel]:
    return [Panel("one", "one", resolve(made, AS_RECORDED))]


def all_tiles(
    made: Recording, panels: list[Panel] | None = None
) -> dict[tuple[int, int], NDArray[np.uint8]]:
    found: dict[tuple[int, int], NDArray[np.uint8]] = {}
    for level, index, power in spectrogram_tiles(made, panels or one_panel(made)):
        assert (level, index) not in found
        found[level, index] = power
    return found


def level_of(found: dict[tuple[int, int], NDArray[np.uint8]], level: int) -> NDArray[np.uint8]:
    indices = sorted(index for at, index in found if at == level)
    assert indices == list(range(len(indices)))
    return np.concatenate([found[level, index] for index in indices], axis=1)


def decibel(value: NDArray[np.uint8] | int) -> NDArray[np.float64]:
    return DB_LOW + (np.asarray(value, dtype=float) - 1) * (DB_HIGH - DB_LOW) / 254


@pytest.mark.parametrize(("hz", "peak_uv"), [(10.0, 50.0), (3.0, 200.0), (40.0, 5.0)])
def test_a_sine_lands_in_its_bin_with_the_power_of_the_closed_form(
    hz: float, peak_uv: float
) -> None:
    made = recording(sine(60, hz, peak_uv))
    power = level_of(all_tiles(made), 0)
    grid = spectrogram_grid(made)
    assert power.shape == (1, 60, grid.n_bins)
    column = power[0, 30]
    assert (int(column.argmax()) + 1) * grid.bin_hz == hz
    # Hann window of T seconds on a whole number of periods: density at the bin is A^2 T / 3
    expected = 10 * np.log10(peak_uv**2 * tiles.WINDOW_S / 3)
    assert abs(decibel(int(column.max())) - expected) <= 0.5 * 100 / 254 + 0.01
    # and half the amplitude, a quarter of the power, in the bins beside it
    beside = decibel(column[column.argmax() + 1 : column.argmax() + 2])
    assert abs(beside[0] - (expected - 6.02)) <= 0.5 * 100 / 254 + 0.01


@pytest.mark.parametrize("second", [1, 100, 119, 120, 121, 255, 256, 298])
def test_a_burst_lies_in_the_column_of_its_second(second: int) -> None:
    signal = 0.01 * noise(1, 300)
    first = round((second - 0.25) * 256)
    signal[:, first : first + 128] += sine(0.5, 10, 100)
    power = level_of(all_tiles(recording(signal)), 0)[0, :, 19].astype(int)
    assert power.argmax() == second
    assert power[second] > np.delete(power, [second - 1, second, second + 1]).max() + 20


def test_a_higher_level_averages_power_and_not_decibels() -> None:
    quiet, loud = sine(2, 10, 1), sine(2, 10, 100)
    signal = np.tile(np.concatenate([loud, quiet], axis=1), (1, 300))
    found = all_tiles(recording(signal))
    fine = decibel(level_of(found, 0)[0, :, 19])
    for level in (1, 2, 3):
        coarse = decibel(level_of(found, level)[0, :, 19])
        n = 4**level
        expected = [
            10 * np.log10(np.mean(10 ** (fine[k * n : (k + 1) * n] / 10)))
            for k in range(len(coarse))
        ]
        assert np.abs(coarse - expected).max() < 0.45
        # the mean of the decibels is far away
        assert abs(coarse[5] - fine[5 * n : 6 * n].mean()) > 5


def test_every_panel_is_the_mean_power_of_its_derivations() -> None:
    signal = np.concatenate([sine(20, 10, 10), sine(20, 10, 30)])
    made = recording(signal, names=("Fp1", "F7"))
    power = level_of(all_tiles(made), 0)[0, 10, 19]
    assert abs(decibel(int(power)) - 10 * np.log10((100 + 900) / 2 * 2 / 3)) < 0.21


@pytest.mark.parametrize("sfreq", [256.0, 200.0, 500.0])
def test_the_borders_of_chunks_cannot_be_seen(
    sfreq: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = recording(noise(1, 301.3, sfreq), sfreq)
    in_chunks = all_tiles(made)
    monkeypatch.setattr(tiles, "CHUNK_COLUMNS", 10_000)
    at_once = all_tiles(made)
    assert in_chunks.keys() == at_once.keys()
    for key, power in in_chunks.items():
        difference = np.abs(power.astype(int) - at_once[key].astype(int))
        assert difference.max() <= 1, key
    monkeypatch.setattr(tiles, "CHUNK_COLUMNS", 7)
    for key, power in all_tiles(made).items():
        assert np.abs(power.astype(int) - at_once[key].astype(int)).max() <= 1, key


@pytest.mark.parametrize(
    ("seconds", "columns"), [(0.5, 1), (1.0, 1), (2.0, 2), (121.0, 121), (255, 255), (256, 256),
                             (257, 257), (1025.5, 1026)],
)  # fmt: skip
def test_every_length_gives_the_tiles_that_the_grid_states(seconds: float, columns: int) -> None:
    made = recording(noise(1, seconds))
    grid = spectrogram_grid(made)
    found = all_tiles(made)
    assert grid.n_columns == columns
    for level in range(LEVELS):
        assert sum(1 for at, _ in found if at == level) == grid.tiles(level)
        power = level_of(found, level)
        assert power.shape == (1, grid.columns(level), grid.n_bins)
        for index in range(grid.tiles(level) - 1):
            assert found[level, index].shape[1] == TILE_COLUMNS
    # a recording of less than one frame has no power; any longer one has it in every column
    assert (level_of(found, 0) > 0).all() == (seconds >= 1)


def test_a_gap_is_no_data_in_every_frame_that_touches_it() -> None:
    made = recording(
        noise(1, 30), blocks=(Block(0.0, 0, 10 * 256), Block(20.0, 10 * 256, 20 * 256))
    )
    power = level_of(all_tiles(made), 0)[0, :, 19]
    assert power.shape == (40,)
    # column k is the frame from k - 1 to k + 1
    assert np.flatnonzero(power == 0).tolist() == list(range(10, 21))


def test_progress_ends_at_one() -> None:
    made = recording(noise(1, 300))
    told: list[float] = []
    list(spectrogram_tiles(made, one_panel(made), told.append))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_memory_is_bounded_by_chunks() -> None:
    made = recording(noise(1, 1000))
    list(spectrogram_tiles(made, one_panel(made)))
    assert isinstance(made.source, Memory)
    assert made.source.longest <= 256 * (120 + 3)


def test_slow_recordings_have_fewer_bins_and_the_slowest_none() -> None:
    assert spectrogram_grid(recording(noise(1, 60, 100.0), 100.0)).n_bins == 100
    assert spectrogram_grid(recording(noise(1, 60, 500.0), 500.0)).n_bins == 140
    slow = recording(np.zeros((1, 60), np.float32), 0.5)
    assert spectrogram_grid(slow).n_bins == 0
    assert all_tiles(slow) == {}
    assert list(spectrogram_tiles(recording(noise(1, 5)), [])) == []


def test_tile_bytes_state_their_shape() -> None:
    power = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    content = tile_bytes(power)
    assert struct.unpack_from("<IIII", content) == (2, 4, 3, 0)
    assert content[16:] == bytes(range(24))


# ---- panels and montages --------------------------------------------------------------------


@pytest.mark.parametrize("names", [ELECTRODES_10_20, BIPOLAR], ids=["referential", "bipolar"])
def test_known_electrodes_give_the_four_regions(names: Sequence[str]) -> None:
    made = recording(noise(len(names), 12), names=names)
    panels = spectrogram_panels(made)
    assert [panel.name for panel in panels] == ["LL", "RL", "LP", "RP"]
    assert panels[0].matrix.names == ("Fp1-F7", "F7-T7", "T7-P7", "P7-O1")


def test_a_region_keeps_what_there_is_and_one_without_anything_is_left_out() -> None:
    panels = spectrogram_panels(recording(noise(3, 12), names=("Fp1", "F7", "T7")))
    assert [(panel.name, panel.matrix.names) for panel in panels] == [("LL", ("Fp1-F7", "F7-T7"))]


def test_unknown_names_give_the_first_four_eeg_channels() -> None:
    names = ("ECG", "E1", "E2", "E3", "E4", "E5")
    signal = noise(6, 12)
    made = recording(signal, names=names, eeg=(False, True, True, True, True, True))
    panels = spectrogram_panels(made)
    assert [panel.name for panel in panels] == ["E1", "E2", "E3", "E4"]
    assert [panel.matrix.picks for panel in panels] == [(1,), (2,), (3,), (4,)]
    assert level_of(all_tiles(made, panels), 0).shape[0] == 4


def test_a_channel_map_gives_regions_to_unknown_names() -> None:
    made = recording(noise(2, 12), names=("E1", "E2"))
    panels = spectrogram_panels(made, {"E1": "Fp2", "E2": "F8"})
    assert [(panel.name, panel.matrix.names) for panel in panels] == [("RL", ("Fp2-F8",))]


def test_a_recording_without_eeg_has_no_panels() -> None:
    assert spectrogram_panels(recording(noise(1, 12), names=("ECG",), eeg=(False,))) == []
    assert spectrogram_panels(recording(noise(0, 12), names=())) == []


# ---- one tile by itself, and chosen rows -----------------------------------------------------


@pytest.mark.parametrize("sfreq", [128.0, 200.0, 256.0, 500.0])
def test_a_tile_by_itself_is_that_of_the_whole_recording(sfreq: float) -> None:
    blocks = (
        Block(0.0, 0, round(700 * sfreq)),
        Block(740.0, round(700 * sfreq), round(600 * sfreq)),
    )
    made = recording(noise(1, 1300, sfreq), sfreq, blocks=blocks)
    found = all_tiles(made)
    for (level, index), power in found.items():
        alone = spectrogram_tile(made, one_panel(made), level, index)
        assert alone.shape == power.shape
        # chunks begin elsewhere: a rounding of the FFT may fall on the other side of a step
        assert np.abs(alone.astype(int) - power.astype(int)).max() <= 1
        assert np.array_equal(alone == 0, power == 0)


def test_a_tile_by_itself_reads_only_its_own_part() -> None:
    made = recording(noise(1, 900))
    spectrogram_tile(made, one_panel(made), 0, 2)
    assert isinstance(made.source, Memory)
    assert made.source.longest <= 256 * (120 + 3)


@pytest.mark.parametrize(("level", "index"), [(0, 2), (1, 1), (4, 0), (-1, 0), (0, -1)])
def test_a_tile_that_is_none_is_refused(level: int, index: int) -> None:
    made = recording(noise(1, 300))
    with pytest.raises(IndexError, match="no tile"):
        spectrogram_tile(made, one_panel(made), level, index)


def test_chosen_rows_are_the_power_of_their_own_derivation() -> None:
    signal = np.concatenate([sine(20, 10, 40), sine(20, 10, 10), sine(20, 6, 30)])
    made = recording(signal, names=("Fp1", "F7", "F3"))
    matrix = resolve(made, MONTAGES["as-recorded"])
    panels = chosen_panels(matrix, [2, 0])
    assert [(panel.name, panel.matrix.picks) for panel in panels] == [("F3", (2,)), ("Fp1", (0,))]
    power = spectrogram_tile(made, panels, 0, 0)
    assert abs(decibel(int(power[0, 10, 11])) - 10 * np.log10(30**2 * 2 / 3)) < 0.21
    assert abs(decibel(int(power[1, 10, 19])) - 10 * np.log10(40**2 * 2 / 3)) < 0.21


def test_a_chosen_difference_is_the_power_of_the_difference() -> None:
    signal = np.concatenate([sine(20, 10, 40), sine(20, 10, 10)] * 10)[:19]
    made = recording(signal, names=ELECTRODES_10_20)
    matrix = resolve(made, MONTAGES["longitudinal-bipolar"])
    (panel,) = chosen_panels(matrix, [0])
    assert panel.title == "Fp1-F7"
    uv = signal[ELECTRODES_10_20.index("Fp1")] - signal[ELECTRODES_10_20.index("F7")]
    expected = 10 * np.log10(max(float(np.abs(uv).max()), 1e-9) ** 2 * 2 / 3)
    power = spectrogram_tile(made, [panel], 0, 0)
    assert abs(decibel(int(power[0, 10, 19])) - max(expected, DB_LOW)) < 0.21


@pytest.mark.parametrize("rows", [[], [0, 1, 2, 3, 4], [0, 0], [19], [-1]])
def test_rows_that_cannot_be_are_refused(rows: list[int]) -> None:
    made = recording(noise(19, 12), names=ELECTRODES_10_20)
    with pytest.raises(ValueError, match="one to 4 different rows"):
        chosen_panels(resolve(made, MONTAGES["as-recorded"]), rows)
