"""The two amplitudes against a plain computation on the whole recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated_files import write_noise

from eegdash.io import open_recording
from eegdash.montage import MONTAGES, resolve
from eegdash.preprocessing import filter_uv, resample_uv
from eegdash.recording import Block, Recording
from eegdash.scoring import baselines
from eegdash.scoring.blocks import derivation_blocks


def whole_uv(recording: Recording) -> np.ndarray:
    """Derivations at 256 Hz in one piece."""
    matrix = resolve(recording, MONTAGES["longitudinal-bipolar"])
    signal_uv = recording.read(0, recording.n_samples, matrix.picks)
    return resample_uv(matrix.apply(signal_uv), recording.sfreq, 256.0)


@pytest.mark.parametrize("sfreq", [128.0, 200.0, 256.0, 500.0])
def test_they_equal_a_plain_computation_wherever_blocks_begin(
    tmp_path: Path, sfreq: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eegdash.scoring.amplitude._BLOCK_S", 12.0)
    recording = open_recording(write_noise(tmp_path / "a.edf", seconds=47, sfreq=sfreq))
    found = baselines(recording)
    filtered = filter_uv(whole_uv(recording), 256.0, low_hz=1, high_hz=40).astype(np.float64)
    assert len(found.rms_uv) == (47 * 2 // 3) - 6 + 1
    for window in range(len(found.rms_uv)):
        part = filtered[:, window * 384 : window * 384 + 2304]
        assert found.rms_uv[window] == pytest.approx(np.sqrt(np.mean(part**2)), rel=1e-4)
        length = np.mean(np.abs(np.diff(part, axis=1)))
        assert found.line_length_uv[window] == pytest.approx(length, rel=1e-4)


def test_a_sine_has_the_amplitudes_of_the_formula(tmp_path: Path) -> None:
    template = open_recording(write_noise(tmp_path / "a.edf", seconds=60, sfreq=256))
    time_s = np.arange(60 * 256) / 256
    rows = np.array([k % 2 for k in range(19)])  # neighbours of a chain do not all differ

    class Sines:
        def read(self, first: int, last: int, picks: list[int]) -> np.ndarray:
            wave = 100 * np.sin(2 * np.pi * 8 * time_s[first:last])
            return (rows[picks, None] * wave).astype(np.float32)

    recording = replace(template, source=Sines(), blocks=(Block(0, 0, 60 * 256),))
    weights = resolve(recording, MONTAGES["longitudinal-bipolar"])
    carried = np.abs(weights.weights @ rows[list(weights.picks)])  # 0 or 1 per derivation
    found = baselines(recording)
    # 8 Hz: 32 samples a period, each moves by 4 x 100 uV in all
    assert found.rms_uv[20] == pytest.approx(100 * np.sqrt(carried.mean() / 2), rel=0.01)
    assert found.line_length_uv[20] == pytest.approx(400 / 32 * carried.mean(), rel=0.02)


def test_scaling_the_recording_scales_both_and_a_gap_has_none(tmp_path: Path) -> None:
    recording = open_recording(write_noise(tmp_path / "a.edf", seconds=60))
    blocks = (Block(0, 0, 20 * 128), Block(30.0, 20 * 128, 30 * 128))
    found = baselines(replace(recording, blocks=blocks))
    start = np.arange(len(found.rms_uv)) * 1.5
    in_gap = (start + 9 > 20) & (start < 30)
    assert (np.isnan(found.rms_uv) == in_gap).all()
    assert (np.isnan(found.line_length_uv) == in_gap).all()


def test_a_recording_shorter_than_a_window_has_no_window(tmp_path: Path) -> None:
    recording = open_recording(write_noise(tmp_path / "a.edf", seconds=8))
    assert baselines(recording).rms_uv.shape == (0,)


@pytest.mark.parametrize("sfreq", [160.0, 250.0, 512.0])
def test_blocks_are_the_whole_recording_cut(tmp_path: Path, sfreq: float) -> None:
    recording = open_recording(write_noise(tmp_path / "a.edf", seconds=30, sfreq=sfreq))
    whole = whole_uv(recording)
    for block in derivation_blocks(
        recording, "longitudinal-bipolar", 256.0, length=7000, block=1537, margin=100
    ):
        assert block.first <= max(block.start - 100, 0)
        begin = block.start - block.first
        part = block.signal_uv[:, begin : begin + block.stop - block.start]
        np.testing.assert_allclose(part, whole[:, block.start : block.stop], atol=1e-2)
