"""What a raw tile says at a time, against MNE's samples filtered over the whole recording."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from eegdash.export import write_edf
from eegdash.io import open_recording
from eegdash.montage import ELECTRODES_10_20, LONGITUDINAL_BIPOLAR, MONTAGES, shown
from eegdash.plotting.tiles import NO_SAMPLE, RAW_TILE_S, DisplayFilter, raw_tile
from eegdash.preprocessing import margin_s
from eegdash.recording import Recording

mne = pytest.importorskip("mne")
Double = NDArray[np.float64]
FILTERS = [DisplayFilter(0, 0, 0), DisplayFilter(1, 70, 0), DisplayFilter(0.1, 30, 50)]
CLIPS = [
    "chb01_01_0-60s.edf", "chb01_03_2986-3036s.edf", "sparcnet_SZ_sample1.edf",
    "sparcnet_GPD_sample2.edf", "iiic_irr_A_Sample01.edf",
]  # fmt: skip
SHAPE_S = 0.1
"""Length of the spike that no page length may lose."""


def decoded(tile: bytes) -> tuple[Double, Double, float, bool]:
    """Return microvolt (NaN: no sample), microvolt per count, values a second, min/max pairs."""
    rows, values, rate, pairs = struct.unpack_from("<IIfI", tile)
    scale = np.frombuffer(tile, "<f4", rows, 16).astype(float)
    counts = np.frombuffer(tile, "<i2", rows * values, 16 + 4 * rows).reshape(rows, values)
    assert len(tile) == 16 + 4 * rows + 2 * rows * values + rows
    return np.where(counts == NO_SAMPLE, np.nan, counts * scale[:, None]), scale, rate, bool(pairs)


def by_mne(path: Path) -> tuple[dict[str, Double], float]:
    """Return microvolt by electrode or derivation, in the spelling of the montages."""
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
    names = {name.upper(): name for name in ELECTRODES_10_20}
    names |= {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
    found: dict[str, Double] = {}
    for label, volts in zip(raw.ch_names, raw.get_data(), strict=True):
        parts = label.upper().removeprefix("EEG ").split("-")
        plain = [names.get(part, "") for part in parts[:2]]
        name = "-".join(plain) if len(plain) == 2 and plain[1] else plain[0]
        found.setdefault(name, 1e6 * volts)
    return found, float(raw.info["sfreq"])


def derived(recorded: dict[str, Double], anode: str, cathode: str) -> Double:
    if f"{anode}-{cathode}" in recorded:
        return recorded[f"{anode}-{cathode}"]
    return recorded[anode] - recorded[cathode]


def filtered(values_uv: Double, sfreq: float, filters: DisplayFilter) -> Double:
    """Forward and backward over the whole recording, float64, continued oddly at both ends."""
    sections = []
    if filters.low_hz:
        sections.append(signal.butter(2, filters.low_hz, "highpass", fs=sfreq, output="sos"))
    if 0 < filters.high_hz < sfreq / 2:
        sections.append(signal.butter(2, filters.high_hz, "lowpass", fs=sfreq, output="sos"))
    if filters.notch_hz:
        sections.append(signal.tf2sos(*signal.iirnotch(filters.notch_hz, 30, fs=sfreq)))
    if not sections:
        return values_uv
    sos = np.concatenate(sections)
    if len(values_uv) <= margin_s(filters.low_hz, filters.notch_hz) * sfreq:
        # shorter than the filters remember: what is said of its ends is the usual convention
        return np.asarray(signal.sosfiltfilt(sos, values_uv, padlen=len(values_uv) - 1))
    around = min(round(200 * sfreq), 10 * len(values_uv))
    held = np.pad(values_uv, around, mode="reflect", reflect_type="odd")
    there = signal.sosfilt(sos, held)
    back = signal.sosfilt(sos, there[::-1])[::-1]
    return np.asarray(back[around:-around])


def check_every_tile(
    recording: Recording, expected: Double, recorded_peak_uv: float, filters: DisplayFilter
) -> None:
    """Compare all tiles of both levels, sample by sample or bin by bin."""
    matrix = shown(recording, MONTAGES["longitudinal-bipolar"]).matrix
    assert len(matrix.names) == 18
    single_precision = 8 * np.finfo(np.float32).eps * recorded_peak_uv
    for level, length_s in enumerate(RAW_TILE_S):
        for index in range(int(np.ceil(recording.duration_s / length_s))):
            uv, step_uv, rate, pairs = decoded(raw_tile(recording, matrix, filters, level, index))
            first = round(index * length_s * recording.sfreq)
            stop = round((index + 1) * length_s * recording.sfreq)
            part = expected[:, first:stop]
            allowed = step_uv[:, None] / 2 + single_precision
            if not pairs:
                assert uv.shape == part.shape
                assert (np.abs(uv - part) <= allowed).all(), (level, index)
                continue
            length = round(2 * recording.sfreq / rate)
            starts = np.arange(0, part.shape[1], length)
            low = np.minimum.reduceat(part, starts, axis=1)
            high = np.maximum.reduceat(part, starts, axis=1)
            assert (np.abs(uv[:, ::2] - low) <= allowed).all(), (level, index)
            assert (np.abs(uv[:, 1::2] - high) <= allowed).all(), (level, index)


def compare_with_mne(path: Path, filters: DisplayFilter) -> None:
    recorded, sfreq = by_mne(path)
    rows = [derived(recorded, d.anode, str(d.cathode)) for d in LONGITUDINAL_BIPOLAR]
    expected = np.stack([filtered(row, sfreq, filters) for row in rows])
    peak_uv = max(float(np.abs(values).max()) for values in recorded.values())
    check_every_tile(open_recording(path), expected, peak_uv, filters)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> dict[float, Path]:
    """Recordings of 125 s with offsets and drift of some mV and line noise; a short last tile."""
    folder = tmp_path_factory.mktemp("simulated")
    return {
        sfreq: write_drifting(folder / f"{sfreq:g}.edf", 125.0, sfreq)
        for sfreq in (200.0, 256.0, 512.0)
    }


def write_drifting(path: Path, seconds: float, sfreq: float) -> Path:
    rng = np.random.default_rng(round(sfreq))
    t = np.arange(round(seconds * sfreq)) / sfreq
    uv = 30 * rng.standard_normal((len(ELECTRODES_10_20), len(t)))
    uv += 3000 * rng.uniform(-1, 1, (len(uv), 1)) + 2000 * np.sin(2 * np.pi * 0.02 * t)
    uv += 200 * rng.uniform(0, 1, (len(uv), 1)) * np.sin(2 * np.pi * 50 * t)
    write_edf(path, uv.astype(np.float32), sfreq, ELECTRODES_10_20)
    return path


def named(filters: DisplayFilter) -> str:
    return f"{filters.low_hz:g}-{filters.high_hz:g}-{filters.notch_hz:g}"


@pytest.mark.parametrize("filters", FILTERS, ids=named)
@pytest.mark.parametrize("sfreq", [200.0, 256.0, 512.0])
def test_tiles_of_a_simulated_recording_are_its_filtered_samples(
    simulated: dict[float, Path], sfreq: float, filters: DisplayFilter
) -> None:
    compare_with_mne(simulated[sfreq], filters)


@pytest.mark.parametrize("filters", FILTERS, ids=named)
@pytest.mark.parametrize("name", CLIPS)
def test_tiles_of_a_real_recording_are_its_filtered_samples(
    data_pack: Path, name: str, filters: DisplayFilter
) -> None:
    compare_with_mne(data_pack / "seizure_clips" / name, filters)


def test_the_average_reference_is_that_of_the_good_electrodes(simulated: dict[float, Path]) -> None:
    path, filters = simulated[256.0], DisplayFilter(1, 70, 0)
    recorded, sfreq = by_mne(path)
    recording = open_recording(path)
    bad = (recording.ch_names.index("T7"), recording.ch_names.index("O2"))
    matrix = shown(recording, MONTAGES["average-reference"], bad=bad).matrix
    good = [recorded[name] for name in ELECTRODES_10_20 if name not in ("T7", "O2")]
    uv, step_uv, _, _ = decoded(raw_tile(recording, matrix, filters, 0, 3))
    for row, name in enumerate(ELECTRODES_10_20):
        expected = filtered(recorded[name] - np.mean(good, axis=0), sfreq, filters)
        error_uv = np.abs(uv[row] - expected[round(30 * sfreq) : round(40 * sfreq)]).max()
        assert error_uv <= step_uv[row] / 2 + 1e-3, name


@pytest.mark.parametrize("filters", [FILTERS[0], FILTERS[1]], ids=named)
@pytest.mark.parametrize("at_s", [3.004, 9.96, 59.97, 100.5])
def test_a_spike_of_100_ms_is_as_high_at_every_level(
    tmp_path: Path, filters: DisplayFilter, at_s: float
) -> None:
    """70 uV on a quiet background, also across the joins of tiles at 10 s and 60 s."""
    sfreq = 256.0
    t = np.arange(round(120 * sfreq)) / sfreq
    spike = 70 * np.clip(1 - np.abs(t - at_s - SHAPE_S / 2) / (SHAPE_S / 2), 0, None)
    rng = np.random.default_rng(1)
    uv = 3 * rng.standard_normal((2, len(t)))
    uv[0] += spike
    write_edf(tmp_path / "spike.edf", uv.astype(np.float32), sfreq, ("Fp1", "F7"))
    recorded, _ = by_mne(tmp_path / "spike.edf")
    expected = filtered(recorded["Fp1"], sfreq, filters)
    recording = open_recording(tmp_path / "spike.edf")
    matrix = shown(recording, MONTAGES["as-recorded"]).matrix
    here = slice(round(at_s * sfreq), round((at_s + SHAPE_S) * sfreq))
    peak_uv = expected[here].max()
    assert peak_uv > 45  # the filters leave it a spike
    for level, length_s in enumerate(RAW_TILE_S):
        values: list[float] = []
        for index in {int(at_s // length_s), int((at_s + SHAPE_S) // length_s)}:
            uv_tile, _, _, _ = decoded(raw_tile(recording, matrix, filters, level, index))
            values.append(float(np.nanmax(uv_tile[0])))
        assert abs(max(values) - peak_uv) < 0.01, level
