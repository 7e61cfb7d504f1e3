"""What a raw tile and the list of montages say of their rows, and the notes of a file."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import pytest
from memory_recordings import recording as recording_of
from numpy.typing import NDArray

from eegdash.annotations import Annotation
from eegdash.montage import ELECTRODES_10_20, MONTAGES, shown
from eegdash.plotting.tiles import (
    FLAT,
    INCOMPLETE,
    SATURATED,
    DisplayFilter,
    bin_samples,
    channel_labels,
    file_notes,
    montage_choices,
    raw_tile,
)
from eegdash.recording import Block, Recording

Float = NDArray[np.float32]
SFREQ = 128.0
CHB_MIT = (
    "FP1-F7 F7-T7 T7-P7 P7-O1 FP1-F3 F3-C3 C3-P3 P3-O1 FP2-F4 F4-C4 C4-P4 P4-O2 FP2-F8 F8-T8 "
    "T8-P8 P8-O2 FZ-CZ CZ-PZ P7-T7 T7-FT9 FT9-FT10 FT10-T8"
).split()


def recording(
    names: Sequence[str],
    signal_uv: Float | None = None,
    *,
    blocks: tuple[Block, ...] | None = None,
    notes: Sequence[Annotation] = (),
) -> Recording:
    if signal_uv is None:
        signal_uv = noise(len(names), 30)
    return recording_of(signal_uv, SFREQ, names, blocks, notes=notes)


def noise(rows: int, seconds: float) -> Float:
    rng = np.random.default_rng(0)
    return 30 * rng.standard_normal((rows, round(seconds * SFREQ)), dtype=np.float32)


def flags(made: Recording, montage: str, index: int, filters: DisplayFilter) -> list[int]:
    matrix = shown(made, MONTAGES[montage]).matrix
    tile = raw_tile(made, matrix, filters, 0, index)
    rows = struct.unpack_from("<I", tile)[0]
    return list(tile[-rows:])


# ---- what is wrong with a row ------------------------------------------------------------------


def test_every_row_says_what_is_wrong_with_its_own_channels_on_its_own_tile() -> None:
    signal = noise(19, 30)
    at = {name: i for i, name in enumerate(ELECTRODES_10_20)}
    second = slice(round(10 * SFREQ), round(20 * SFREQ))
    signal[at["T7"], second] = 12.5
    signal[at["O2"], second] = np.clip(10 * signal[at["O2"], second], -100, 100)
    signal[at["Fz"], round(15 * SFREQ)] = np.nan
    made = recording(ELECTRODES_10_20, signal)
    for filters in (DisplayFilter(0, 0, 0), DisplayFilter(1, 30, 50)):
        found = dict(
            zip(
                (d.name for d in MONTAGES["longitudinal-bipolar"].derivations),
                flags(made, "longitudinal-bipolar", 1, filters),
                strict=True,
            )
        )
        assert {name: flag for name, flag in found.items() if flag} == {
            "F7-T7": FLAT, "T7-P7": FLAT, "P4-O2": SATURATED, "P8-O2": SATURATED,
            "Fz-Cz": INCOMPLETE,
        }  # fmt: skip
        assert not any(flags(made, "longitudinal-bipolar", 0, filters))
        assert not any(flags(made, "longitudinal-bipolar", 2, filters))


def test_in_an_average_reference_a_flat_electrode_marks_its_own_row_only() -> None:
    signal = noise(19, 10)
    signal[3] = 0
    found = flags(recording(ELECTRODES_10_20, signal), "average-reference", 0, DisplayFilter())
    assert [i for i, flag in enumerate(found) if flag] == [3]


def test_two_faults_of_one_row_are_both_said() -> None:
    signal = noise(19, 10)
    signal[0] = 0  # Fp1
    signal[2] = np.clip(10 * signal[2], -50, 50)  # F7
    found = flags(recording(ELECTRODES_10_20, signal), "longitudinal-bipolar", 0, DisplayFilter())
    assert found[0] == FLAT + SATURATED


def test_a_gap_is_no_fault_of_a_channel() -> None:
    blocks = (Block(0.0, 0, round(6 * SFREQ)), Block(9.0, round(6 * SFREQ), round(24 * SFREQ)))
    made = recording(ELECTRODES_10_20, blocks=blocks)
    assert not any(flags(made, "longitudinal-bipolar", 0, DisplayFilter()))
    # and half a second between two gaps is too short to call a channel flat
    signal = np.zeros((19, 64), np.float32)
    made = recording(ELECTRODES_10_20, signal, blocks=(Block(4.0, 0, 64),))
    assert not any(flags(made, "longitudinal-bipolar", 0, DisplayFilter()))


# ---- montages -----------------------------------------------------------------------------------


def test_a_montage_made_of_paths_says_what_is_left_out_and_what_is_a_sum() -> None:
    by_name = {c.name: c for c in montage_choices(recording(CHB_MIT))}
    transverse = by_name["transverse-bipolar"]
    assert transverse.available
    assert transverse.n_wanted == 18
    assert transverse.why == (
        "12 of 18 derivations; none of the recorded channels lead to "
        "F3-Fz, Fz-F4, C3-Cz, Cz-C4, P3-Pz, Pz-P4"
    )
    sums = dict(zip(transverse.names, transverse.sums, strict=True))
    assert sums["F7-F3"] == ""  # of two channels, as any subtraction
    assert sums["T7-C3"] == "\N{MINUS SIGN} FP1-F7 \N{MINUS SIGN} F7-T7 + FP1-F3 + F3-C3"
    assert not by_name["average-reference"].available
    assert "common reference" in by_name["average-reference"].why
    complete = by_name["longitudinal-bipolar"]
    assert (complete.why, complete.n_wanted) == ("", 18)
    assert complete.inputs == tuple((i,) for i in range(18))


def test_rows_of_a_referential_recording_name_two_channels() -> None:
    by_name = {c.name: c for c in montage_choices(recording(ELECTRODES_10_20))}
    assert by_name["longitudinal-bipolar"].inputs[0] == (0, 2)  # Fp1 and F7
    assert by_name["average-reference"].inputs[0] == (0,)
    assert not any(any(choice.sums) for choice in by_name.values())


# ---- notes --------------------------------------------------------------------------------------


def test_notes_are_ordered_inside_the_recording_and_on_one_line() -> None:
    notes = [
        Annotation(20.0, 1.0, text="later"),
        Annotation(3.0, 0.0, text="eyes\n open\t"),
        Annotation(31.0, 0.0, text="after the end"),
        Annotation(-1.0, 0.0, text="before the start"),
        Annotation(4.0, 0.0, text="  "),
        Annotation(5.0, 0.0, text="x" * 2000),
    ]
    made = recording(("Fp1",), notes=notes)
    assert file_notes(made) == [
        (3.0, 0.0, "eyes open"),
        (5.0, 0.0, "x" * 300),
        (20.0, 1.0, "later"),
    ]


def test_labels_are_the_electrodes_where_they_are_known_and_unique() -> None:
    names = ("EEG FP1-REF", "T8-P8-0", "T8-P8-1", "FZ-CZ", "ECG", "E9")
    assert channel_labels(recording(names), {"E9": "O1"}) == (
        "Fp1", "T8-P8-0", "T8-P8-1", "Fz-Cz", "ECG", "O1",
    )  # fmt: skip


@pytest.mark.parametrize(("sfreq", "samples"), [(64, 1), (128, 4), (200, 7), (256, 8), (500, 16)])
def test_a_pair_of_the_long_tile_is_of_as_many_samples_as_is_said(
    sfreq: float, samples: int
) -> None:
    assert bin_samples(sfreq, 1) == samples
    assert bin_samples(sfreq, 0) == (1 if sfreq <= 256 else 4)
