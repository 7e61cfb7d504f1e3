"""Clauses of the EDF+ specification (https://www.edfplus.info/specs/edfplus.html) and of EDF."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from edf_bytes import EdfBytes, Signal, annotations

from eegdash.io.edf import read_bdf, read_edf
from eegdash.io.tal import parse_tals
from eegdash.recording import Recording


def opened(tmp_path: Path, file: EdfBytes, suffix: str = ".edf") -> Recording:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(file.build())
    return (read_edf if suffix == ".edf" else read_bdf)(path)


def plus(tals: list[bytes], reserved: str = "EDF+C", **changes: object) -> EdfBytes:
    signals = [Signal(), annotations(tals)]
    return EdfBytes(signals=signals, n_records=len(tals), reserved=reserved, **changes)  # type: ignore[arg-type]


def test_2_2_2_tal_holds_onset_duration_and_several_texts() -> None:
    tals, unreadable = parse_tals(
        b"+180\x14Lights off\x14Close door\x14\x00-0.5\x1525.5\x14a\x14\x00\x00"
    )
    assert unreadable == 0
    assert [(t.onset_s, t.duration_s, t.texts) for t in tals] == [
        (180.0, 0.0, ("Lights off", "Close door")),
        (-0.5, 25.5, ("a",)),
    ]


@pytest.mark.parametrize(
    "stamp", [b"180", b"+nan", b"+1e5", b"+1,5", b"+", b"+1\x15-2", b"+1\x15x"]
)
def test_2_2_2_onset_has_a_sign_and_only_digits_and_a_point(stamp: bytes) -> None:
    assert parse_tals(stamp + b"\x14a\x14\x00") == ([], 1)


def test_2_2_3_annotation_text_is_utf_8(tmp_path: Path) -> None:
    text = "中文 é"
    recording = opened(
        tmp_path, plus([b"+0\x14\x14\x00+1\x14" + text.encode() + b"\x14\x00", b"+1\x14\x14"])
    )
    assert [a.text for a in recording.annotations] == [text]
    assert recording.warnings == ()


def test_2_2_4_first_tal_gives_the_fraction_of_the_start_second(tmp_path: Path) -> None:
    recording = opened(
        tmp_path, plus([b"+0.25\x14\x14\x00", b"+1.25\x14\x14\x00+1.75\x151\x14spike\x14\x00"])
    )
    assert recording.start == datetime(2021, 3, 2, 10, 20, 30, 250_000)
    # seconds from the first sample, so that annotation and signal share one zero
    assert [(a.onset_s, a.duration_s) for a in recording.annotations] == [(1.5, 1.0)]
    assert recording.blocks[0].onset_s == 0.0


def test_2_2_4_edf_plus_d_record_onsets_leave_gaps(tmp_path: Path) -> None:
    tals = [
        b"+0\x14\x14\x00",
        b"+1\x14\x14\x00",
        b"+100\x14\x14\x00+100.5\x14late\x14\x00",
        b"+101\x14\x14\x00",
    ]
    recording = opened(tmp_path, plus(tals, "EDF+D"))
    assert recording.gaps == ((2.0, 100.0),)
    assert recording.duration_s == 102.0
    assert recording.annotations[0].onset_s == 100.5
    page = recording.read(0, recording.n_samples)[0]
    assert np.isnan(page[8:400]).all()
    np.testing.assert_allclose(page[:8], np.arange(8) * 0.1, atol=0.01)
    np.testing.assert_allclose(page[400:], np.arange(8, 16) * 0.1, atol=0.01)
    assert any("interrupted 1 time" in warning for warning in recording.warnings)


def test_2_2_4_edf_plus_d_without_gaps_is_one_block(tmp_path: Path) -> None:
    recording = opened(tmp_path, plus([b"+0.5\x14\x14\x00", b"+1.5\x14\x14\x00"], "EDF+D"))
    assert recording.gaps == ()
    assert len(recording.blocks) == 1


def test_2_2_4_edf_plus_d_unreadable_onset_is_said(tmp_path: Path) -> None:
    tals = [b"+0\x14\x14\x00", b"+nan\x14\x14\x00", b"+50\x14\x14\x00", b"+9\x14\x14\x00"]
    recording = opened(tmp_path, plus(tals, "EDF+D"))
    assert recording.gaps == ((2.0, 50.0),)
    assert any("2 of 4 records" in warning for warning in recording.warnings)


def test_2_2_4_absurd_record_onset_does_not_stretch_the_recording(tmp_path: Path) -> None:
    tals = [b"+0\x14\x14\x00", b"+99999999999999\x14\x14\x00"]
    recording = opened(tmp_path, plus(tals, "EDF+D"))
    assert recording.duration_s == 2.0
    assert any("1 of 2 records" in warning for warning in recording.warnings)


def test_2_1_3_annotations_only_file_has_records_of_zero_duration(tmp_path: Path) -> None:
    file = EdfBytes(
        signals=[annotations([b"+0\x14\x14\x00+30\x1510\x14Sleep stage W\x14\x00"])],
        n_records=1,
        duration=0,
        reserved="EDF+C",
    )
    recording = opened(tmp_path, file)
    assert recording.ch_names == ()
    assert (recording.sfreq, recording.duration_s, recording.n_samples) == (1.0, 0.0, 0)
    assert recording.read(0, 10).shape == (0, 10)
    assert [(a.onset_s, a.duration_s) for a in recording.annotations] == [(30.0, 10.0)]
    assert "The file holds no EEG signal." in recording.warnings


def test_bdf_plus_annotations_lie_in_24_bit_samples(tmp_path: Path) -> None:
    digital = np.array([-8388608, -1, 0, 8388607, 1, 2, 3, 4])
    signal = Signal(
        digital_min=-8388608, digital_max=8388607, physical_min=-262144, physical_max=262144,
        digital=digital,
    )  # fmt: skip
    tals = annotations([b"+0\x14\x14\x00+0.5\x14sz\x14\x00", b"+1\x14\x14\x00"], kind="BDF")
    file = EdfBytes([signal, tals], 2, reserved="BDF+C", version=b"\xffBIOSEMI", width=3)
    recording = opened(tmp_path, file, ".bdf")
    step = 524288 / (2**24 - 1)
    np.testing.assert_allclose(
        recording.read(0, 8)[0], (digital + 8388608) * step - 262144, rtol=1e-6, atol=step / 2
    )
    assert [a.text for a in recording.annotations] == ["sz"]


@pytest.mark.parametrize(
    ("date", "year"),
    [("01.01.85", 1985), ("01.01.99", 1999), ("29.09.65", 2065), ("01.01.00", 2000)],
)
def test_edf_two_digit_years_count_from_1985(tmp_path: Path, date: str, year: int) -> None:
    recording = opened(tmp_path, EdfBytes(date=date))
    assert recording.start is not None
    assert recording.start.year == year


@pytest.mark.parametrize(
    ("date", "time"), [("31.02.20", "10.00.00"), ("XX.XX.XX", "10.00.00"), ("01.01.20", "25.00.00")]
)
def test_unreadable_start_is_no_start_and_a_warning(tmp_path: Path, date: str, time: str) -> None:
    recording = opened(tmp_path, EdfBytes(date=date, time=time))
    assert recording.start is None
    assert any("start date" in warning for warning in recording.warnings)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("uV", 1.0),
        ("UV", 1.0),
        (b"\xb5V", 1.0),
        ("µV".encode(), 1.0),
        ("mV", 1e3),
        ("V", 1e6),
        ("nV", 1e-3),
    ],
)
def test_physical_dimension_is_converted_to_microvolt(
    tmp_path: Path, unit: object, factor: float
) -> None:
    recording = opened(tmp_path, EdfBytes(signals=[Signal(unit=unit)]))
    assert recording.eeg == (True,)
    np.testing.assert_allclose(
        recording.read(0, 4)[0], np.arange(4) * 0.1 * factor, atol=1e-3 * factor
    )


def test_negative_amplification_swaps_physical_limits(tmp_path: Path) -> None:
    recording = opened(
        tmp_path, EdfBytes(signals=[Signal(physical_min=3276.8, physical_max=-3276.7)])
    )
    np.testing.assert_allclose(recording.read(0, 4)[0], -np.arange(4) * 0.1, atol=1e-2)
