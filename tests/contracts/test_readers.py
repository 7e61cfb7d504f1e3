"""One contract for every entry of READERS, on files written by other libraries."""

from __future__ import annotations

import dataclasses
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from format_files import EVENT_S, N_SAMPLES, NAMES, SFREQ, WRITERS, signal_uv

from eegdash.io import READERS, hash_file, open_recording
from eegdash.io.hashing import hash_files
from eegdash.recording import Recording


@pytest.fixture(params=sorted(READERS))
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[Path], float]:
    write, lsb_uv = WRITERS[request.param]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the writing library
        path, files = write(tmp_path)
    return path, files, lsb_uv


@pytest.fixture
def recording(written: tuple[Path, list[Path], float]) -> Recording:
    return open_recording(written[0])


def test_every_reader_has_a_contract_file() -> None:
    assert set(WRITERS) == set(READERS)


def test_facts(recording: Recording) -> None:
    assert recording.ch_names == tuple(NAMES)
    assert recording.sfreq == SFREQ
    assert recording.duration_s == 60.0
    assert recording.n_samples == N_SAMPLES
    assert recording.gaps == ()
    assert recording.warnings == ()
    assert len(set(recording.ch_names)) == len(recording.ch_names)
    assert recording.eeg[:4] == (True,) * 4
    assert recording.eeg[4] is False


def test_signal_is_float32_microvolt_within_one_step(
    written: tuple[Path, list[Path], float], recording: Recording
) -> None:
    found = recording.read(0, recording.n_samples)
    assert found.dtype == np.float32
    assert found.shape == (5, N_SAMPLES)
    # float32 itself holds 200 uV to 1.5e-5
    np.testing.assert_allclose(found, signal_uv(), rtol=0, atol=written[2] + 2e-5)


def test_page_is_the_slice_of_the_whole(recording: Recording) -> None:
    whole = recording.read(0, recording.n_samples)
    for start, stop in ((0, 1), (0, 2000), (199, 201), (5_000, 7_345), (N_SAMPLES - 7, N_SAMPLES)):
        np.testing.assert_array_equal(recording.read(start, stop), whole[:, start:stop])


def test_picks_come_in_the_order_asked(recording: Recording) -> None:
    whole = recording.read(0, 400)
    np.testing.assert_array_equal(recording.read(0, 400, [3, 0, 3]), whole[[3, 0, 3]])
    assert recording.read(0, 400, []).shape == (0, 400)


def test_beyond_the_ends_is_nan(recording: Recording) -> None:
    page = recording.read(-50, 50)
    assert np.isnan(page[:, :50]).all()
    assert np.isfinite(page[:, 50:]).all()
    page = recording.read(N_SAMPLES - 10, N_SAMPLES + 30)
    assert np.isfinite(page[:, :10]).all()
    assert np.isnan(page[:, 10:]).all()
    assert np.isnan(recording.read(N_SAMPLES + 5, N_SAMPLES + 9)).all()


def test_annotation_keeps_its_time(recording: Recording) -> None:
    times = [
        (a.onset_s, a.duration_s) for a in recording.annotations if "New Segment" not in a.text
    ]
    assert times == [(pytest.approx(EVENT_S, abs=1e-3), pytest.approx(2.0, abs=1e-3))]
    assert all(a.event_type == "" for a in recording.annotations)


def test_hash_covers_every_file(
    written: tuple[Path, list[Path], float], recording: Recording
) -> None:
    path, files, _ = written
    assert recording.sha256 == hash_files(files)
    if len(files) == 1:
        assert recording.sha256 == hash_file(path)
    data = files[1] if len(files) > 1 else files[0]
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(bytes(content))
    assert hash_files(files) != recording.sha256


def test_a_known_hash_is_taken_over(written: tuple[Path, list[Path], float]) -> None:
    assert open_recording(written[0], sha256="ab" * 32).sha256 == "ab" * 32


def test_recording_is_immutable(recording: Recording) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        recording.sfreq = 1.0  # type: ignore[misc]


def test_opening_reads_no_samples(written: tuple[Path, list[Path], float]) -> None:
    open_recording(written[0])  # imports of the library are not the file's memory
    tracemalloc.start()
    open_recording(written[0], sha256="0" * 64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    as_float64 = 5 * N_SAMPLES * 8
    assert peak < as_float64 / 2 + 100_000


def test_damage_is_a_sentence(written: tuple[Path, list[Path], float]) -> None:
    from eegdash.errors import RecordingError

    path = written[0]
    path.write_bytes(b"\x07garbage" * 5000)
    with pytest.raises(RecordingError) as caught:
        open_recording(path)
    assert path.name in str(caught.value)
    assert str(path.parent) not in str(caught.value)


def test_empty_and_foreign_files_are_sentences(written: tuple[Path, list[Path], float]) -> None:
    from eegdash.errors import RecordingError

    path = written[0]
    for content in (
        b"",
        b"version https://git-lfs.github.com/spec/v1\n",
        b"PK\x03\x04" + b"\0" * 500,
    ):
        path.write_bytes(content)
        with pytest.raises(RecordingError, match=path.name):
            open_recording(path)


def test_missing_companion_is_named(written: tuple[Path, list[Path], float]) -> None:
    from eegdash.errors import RecordingError

    path, files, _ = written
    for companion in files[1:]:
        content = companion.read_bytes()
        companion.unlink()
        with pytest.raises(RecordingError, match=rf"needs the file {companion.name}"):
            open_recording(path)
        companion.write_bytes(content)
    assert open_recording(path).ch_names == tuple(NAMES)
