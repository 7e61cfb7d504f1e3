"""EDF+ written while its signal is made: whole or not at all, as other programs read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import edfio
import numpy as np
import pytest

from eegdash.errors import RecordingError
from eegdash.export import write_edf_stream
from eegdash.io import open_recording

SIGNAL = (100 * np.random.default_rng(0).standard_normal((3, 2560))).astype(np.float32)
NAMES = ("Fp1", "F7", "T7")


def test_edfio_reads_it(tmp_path: Path) -> None:
    write_edf_stream(tmp_path / "a.edf", [SIGNAL], 256.0, NAMES, n_samples=2560)
    edf = edfio.read_edf(tmp_path / "a.edf")
    assert edf.labels == NAMES
    assert edf.num_data_records == 10
    assert edf.data_record_duration == 1
    assert [signal.physical_dimension for signal in edf.signals] == ["uV"] * 3
    assert [signal.physical_range for signal in edf.signals] == [(-3276.8, 3276.7)] * 3
    for signal, row in zip(edf.signals, SIGNAL, strict=True):
        np.testing.assert_allclose(signal.data, row, atol=0.0501)
    assert (tmp_path / "a.edf").read_bytes()[8:88].split() == [b"X"] * 4


@pytest.mark.parametrize(("n", "sfreq"), [(2624, 256.0), (500, 1000.0), (999, 500.0), (25, 12.5)])
def test_broken_seconds_keep_their_length(tmp_path: Path, n: int, sfreq: float) -> None:
    signal = np.arange(n, dtype=np.float32)[None] % 1000
    parts = np.array_split(signal, 7, axis=1)
    write_edf_stream(tmp_path / "a.edf", parts, sfreq, ["Fp1"], n_samples=n)
    recording = open_recording(tmp_path / "a.edf")
    assert (recording.n_samples, recording.sfreq) == (n, pytest.approx(sfreq))
    assert recording.warnings == ()
    assert recording.gaps == ()
    np.testing.assert_allclose(recording.read(0, n), signal, atol=0.051)


def test_what_is_too_large_is_clipped(tmp_path: Path) -> None:
    signal = np.array([[-1e5, 1e5, -3276.8, 3276.7]], dtype=np.float32)
    write_edf_stream(tmp_path / "a.edf", [signal], 4.0, ["Fp1"], n_samples=4)
    found = open_recording(tmp_path / "a.edf").read(0, 4)
    np.testing.assert_allclose(found[0], [-3276.8, 3276.7, -3276.8, 3276.7], atol=1e-3)


@pytest.mark.parametrize(
    ("names", "n", "words"),
    [
        (NAMES, 2559, "no whole number"),
        (NAMES, 2816, "2816 samples were announced, 2560 came"),
        (NAMES, 0, "at least one sample"),
        (NAMES[:2], 2560, "one name per channel"),
        (("Fp1", "F7", "µ"), 2560, "ASCII"),
        (("Fp1", "F7", "x" * 17), 2560, "1 to 16 characters"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    tmp_path: Path, names: tuple[str, ...], n: int, words: str
) -> None:
    with pytest.raises(RecordingError, match=f"a.edf was not written.*{words}"):
        write_edf_stream(tmp_path / "a.edf", [SIGNAL], 256.0, names, n_samples=n)
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    path.write_bytes(b"old")

    def broken() -> Iterator[np.ndarray]:
        yield SIGNAL
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_edf_stream(path, broken(), 256.0, NAMES, n_samples=5120)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.edf"]


def test_values_that_are_none_are_refused(tmp_path: Path) -> None:
    signal = SIGNAL.copy()
    signal[1, 3] = np.nan
    with pytest.raises(RecordingError, match="finite"):
        write_edf_stream(tmp_path / "a.edf", [signal], 256.0, NAMES, n_samples=2560)
