"""The EDF and BDF readers: pages, rates, channels, and every sample against MNE."""

from __future__ import annotations

import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from edf_bytes import EdfBytes, Signal, annotations

from eegdash.errors import RecordingError
from eegdash.export import write_edf
from eegdash.io import open_recording
from eegdash.io.tal import parse_tals, time_alone


def digital(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-20_000, 20_000, n)


def build(tmp_path: Path, file: EdfBytes) -> Path:
    path = tmp_path / "x.edf"
    path.write_bytes(file.build())
    return path


def test_mixed_rates_follow_the_eeg_and_pages_equal_the_whole(tmp_path: Path) -> None:
    signals = [
        Signal("Fp1", samples=64, digital=digital(64 * 40)),
        Signal("ECG", samples=256, digital=digital(256 * 40, 1)),
        Signal("Fp2", samples=40, digital=digital(40 * 40, 2)),
        Signal("SpO2", "%", samples=1, digital=np.arange(40)),
        Signal("Status", "", samples=8, digital=np.arange(320)),
    ]
    recording = open_recording(build(tmp_path, EdfBytes(signals, 40)))
    assert recording.sfreq == 64
    assert recording.eeg == (True, False, True, False, False)
    assert any("(1, 8, 40, 64, 256 Hz)" in warning for warning in recording.warnings)
    whole = recording.read(0, recording.n_samples)
    for start, stop in ((0, 64), (1, 2), (777, 1403), (2500, 2560), (64, 128)):
        np.testing.assert_allclose(recording.read(start, stop), whole[:, start:stop], atol=2e-3)
    # triggers hold their value, they are not filtered
    np.testing.assert_allclose(whole[4], np.repeat(np.arange(320), 8) * 0.1, atol=0.01)


def test_resampling_keeps_a_tone_in_time_and_height(tmp_path: Path) -> None:
    def tone(rate: int) -> np.ndarray:
        return np.round(10_000 * np.sin(2 * np.pi * 3 * np.arange(rate * 30) / rate))

    signals = [
        Signal("Fp1", samples=200, digital=tone(200)),
        Signal("Fp2", samples=50, digital=tone(50)),
    ]
    recording = open_recording(build(tmp_path, EdfBytes(signals, 30)))
    one, other = recording.read(400, 5600)
    assert np.abs(one).max() == pytest.approx(1000, rel=0.01)
    np.testing.assert_allclose(one, other, atol=5)


def test_resampling_never_looks_across_a_gap(tmp_path: Path) -> None:
    slow = np.concatenate([np.zeros(100), np.full(100, 20_000)])
    tals = annotations([b"+%d\x14\x14\x00" % (i if i < 10 else i + 60) for i in range(20)])
    signals = [Signal("Fp1", samples=40), Signal("Fp2", samples=10, digital=slow), tals]
    recording = open_recording(build(tmp_path, EdfBytes(signals, 20, reserved="EDF+D")))
    assert recording.gaps == ((10.0, 70.0),)
    before, after = recording.read(0, 400, [1]), recording.read(2800, 3200, [1])
    np.testing.assert_allclose(before, 0, atol=0.1)
    np.testing.assert_allclose(after, 2000, rtol=1e-3)  # the ripple of the filter


def test_records_larger_than_the_reading_buffer(tmp_path: Path) -> None:
    n = 300_000
    signals = [Signal("Fp1", samples=n, digital=digital(2 * n)), Signal("Fp2", samples=n)]
    recording = open_recording(build(tmp_path, EdfBytes(signals, 2, duration=1000)))
    expected = digital(2 * n) * 0.1
    for start, stop in ((0, 5), (n - 3, n + 3), (2 * n - 1, 2 * n), (0, 2 * n)):
        np.testing.assert_allclose(
            recording.read(start, stop, [0])[0], expected[start:stop], atol=0.02
        )


def test_pages_are_served_from_several_threads(tmp_path: Path) -> None:
    path = build(tmp_path, EdfBytes([Signal(samples=256, digital=digital(256 * 60))], 60))
    recording = open_recording(path)
    whole = recording.read(0, recording.n_samples)
    starts = list(range(0, 14_000, 97))
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda start: recording.read(start, start + 512), starts))
    for start, page in zip(starts, pages, strict=True):
        np.testing.assert_array_equal(page, whole[:, start : start + 512])


def test_a_file_that_changed_is_not_read_on(tmp_path: Path) -> None:
    file = EdfBytes([Signal(samples=256)], 60)
    recording = open_recording(build(tmp_path, file))
    (tmp_path / "x.edf").write_bytes(file.build()[:-5000])
    with pytest.raises(RecordingError, match=r"x\.edf has changed since it was opened"):
        recording.read(0, 10)


def test_opening_does_not_read_the_samples(tmp_path: Path) -> None:
    path = tmp_path / "x.edf"
    header = EdfBytes([Signal(samples=1000)], n_records=0, stated_records=200_000).header()
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + 200_000 * 2000)  # sparse, 400 MB
    began = time.thread_time()  # of this thread: a busy machine does not count
    recording = open_recording(path, sha256="0" * 64)
    assert time.thread_time() - began < 0.1
    assert recording.duration_s == 200_000


def test_a_channel_without_unit_is_eeg_only_by_its_name(tmp_path: Path) -> None:
    signals = [Signal("C3", ""), Signal("something", ""), Signal("T8", "DegC"), Signal("x", "mV")]
    recording = open_recording(build(tmp_path, EdfBytes(signals)))
    assert recording.eeg == (True, False, False, True)
    assert any("microvolt is assumed" in warning for warning in recording.warnings)


def test_page_and_hour_stay_inside_their_budget(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    minute = rng.standard_normal((23, 256 * 60)).astype(np.float32) * 50
    path = tmp_path / "hour.edf"
    write_edf(path, np.tile(minute, 20), 256, [f"C{i}" for i in range(23)])
    recording = open_recording(path, sha256="0" * 64)
    page_s, read_s = [], time.perf_counter()
    for start in range(0, recording.n_samples, 256 * 60):
        recording.read(start, start + 256 * 60)
    read_s = time.perf_counter() - read_s
    for start in range(0, 256 * 600, 2560):
        began = time.perf_counter()
        recording.read(start, start + 2560)
        page_s.append(time.perf_counter() - began)
    assert np.median(page_s) < 0.015
    assert read_s * 3 < 1.5  # 20 minutes stand for the hour


def uniform_files(data_pack: Path) -> list[Path]:
    odd = {"git_lfs_pointer.edf", "malformed_numeric_header.edf", "SC4001EC-Hypnogram.edf"}
    mixed = {"datarec_0_5.bdf", "short_psg.edf", "test_uneven_samp.edf", "evt.bdf"}
    files = [*data_pack.glob("**/*.edf"), *data_pack.glob("hostile/*.bdf")]
    return [p for p in sorted(files) if p.name not in odd | mixed]


def test_every_sample_of_the_data_pack_is_what_mne_reads(data_pack: Path) -> None:
    import mne

    files = uniform_files(data_pack)
    assert len(files) > 50
    for path in files:
        recording = open_recording(path)
        read_raw = mne.io.read_raw_bdf if path.suffix == ".bdf" else mne.io.read_raw_edf
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            raw = read_raw(path, stim_channel=False, verbose="error")
            expected = raw.get_data()
        assert raw.n_times == recording.n_samples
        found = recording.read(0, recording.n_samples)
        for row, name in enumerate(recording.ch_names):
            if name == "Status":  # not a voltage: left in its own unit here
                continue
            np.testing.assert_allclose(
                found[row], expected[row] * 1e6, rtol=1e-6, atol=1e-4, err_msg=f"{path.name} {name}"
            )


def test_annotations_of_the_data_pack_are_what_mne_reads(data_pack: Path) -> None:
    import mne

    for path in uniform_files(data_pack):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_raw = mne.io.read_raw_bdf if path.suffix == ".bdf" else mne.io.read_raw_edf
            expected = read_raw(path, verbose="error").annotations
        found = open_recording(path).annotations
        np.testing.assert_allclose([a.onset_s for a in found], expected.onset, atol=1e-4)
        assert [a.text for a in found] == list(expected.description)


@pytest.mark.parametrize(
    "content",
    [b"+0\x14\x14", b"+86399.5\x14\x14", b"-3\x14\x14", b"+1.\x14\x14"],
)
def test_a_list_that_only_keeps_the_time_is_read_like_any_other(content: bytes) -> None:
    (tal,), unreadable = parse_tals(content)
    assert unreadable == 0
    assert tal.keeps_time
    assert tal.texts == ()
    assert time_alone(content) == tal.onset_s


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"+0\x14",
        b"+0\x14\x14x\x14",
        b"+0\x151\x14\x14",
        b"+0\x14\x14\x00+1\x14\x14",
        b"0\x14\x14",
    ],
)
def test_what_says_more_than_the_time_is_read_in_full(content: bytes) -> None:
    assert time_alone(content) is None
