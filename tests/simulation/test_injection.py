"""Events added to a recording come through its own montage and at its own size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eegdash.io import open_recording
from eegdash.montage import ELECTRODES_10_20, LONGITUDINAL_BIPOLAR
from eegdash.simulation import INJECTABLE, inject, inject_into, simulate
from eegdash.simulation.injection import background_rms_uv
from eegdash.training.datasets import bipolar_uv

QUIET = simulate(120, seed=21, n_seizures=0).signal_uv
NAMES = tuple(ELECTRODES_10_20)


def test_bipolar_and_referential_recordings_get_the_same_seizure() -> None:
    chains = bipolar_uv(QUIET)
    names = [d.name for d in LONGITUDINAL_BIPOLAR]
    zeros = np.zeros_like(QUIET)
    for kind in ("focal", "spike-wave"):
        a = inject_into(zeros, 256, NAMES, kind=kind, seed=3, onset_s=10, duration_s=40)
        b = inject_into(
            np.zeros_like(chains), 256, names, kind=kind, seed=3, onset_s=10, duration_s=40
        )
        np.testing.assert_allclose(bipolar_uv(a.signal_uv), b.signal_uv, atol=1e-2)
        assert b.truth.onset_s == a.truth.onset_s == 10


def test_it_is_scaled_to_the_recording() -> None:
    sizes = []
    for gain in (0.5, 4.0):
        signal = np.float32(gain) * QUIET
        result = inject_into(signal, 256, NAMES, kind="critical", seed=4, ratio=12)
        sizes.append(result.truth.peak_uv)
        assert result.truth.peak_uv == pytest.approx(12 * background_rms_uv(signal, 256), rel=0.02)
    assert sizes[1] == pytest.approx(8 * sizes[0], rel=0.02)


@pytest.mark.parametrize("kind", INJECTABLE)
def test_nothing_changes_outside_the_event(kind: str) -> None:
    result = inject_into(QUIET, 256, NAMES, kind=kind, seed=7, onset_s=None)
    first = round(result.truth.onset_s * 256)
    stop = first + round(result.truth.duration_s * 256)
    changed = np.flatnonzero((result.signal_uv != QUIET).any(axis=0))
    assert first <= changed[0]
    assert changed[-1] < stop + 2
    assert bool(result.annotations) == bool(result.truth.event_type)
    again = inject_into(QUIET, 256, NAMES, kind=kind, seed=7)
    np.testing.assert_array_equal(again.signal_uv, result.signal_uv)


def test_other_channels_offsets_and_gaps_stay() -> None:
    signal = np.vstack([QUIET + 2000, np.ones((1, QUIET.shape[1]), np.float32)])
    signal[2, 5000:6000] = np.nan
    names = (*NAMES, "ECG")
    result = inject_into(signal, 256, names, kind="focal", seed=1, onset_s=15, duration_s=60)
    np.testing.assert_array_equal(result.signal_uv[-1], signal[-1])
    assert np.isnan(result.signal_uv[2, 5000:6000]).all()
    assert np.isfinite(result.signal_uv[2, 6000:]).all()
    assert np.nanmedian(result.signal_uv[:-1]) == pytest.approx(2000, abs=100)


@pytest.mark.parametrize(
    ("names", "more", "words"),
    [
        (NAMES, {"kind": "dance"}, "dance is not among focal"),
        (NAMES, {"kind": "focal", "onset_s": 110.0, "duration_s": 30.0}, "does not fit"),
        (NAMES, {"kind": "focal", "duration_s": 1.0}, "too short"),
        ([f"x{k}" for k in range(19)], {"kind": "focal"}, "no channel is named"),
    ],
)
def test_what_cannot_be_added_is_said(
    names: list[str], more: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        inject_into(QUIET, 256, names, seed=0, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["chb01_01_0-60s.edf", "sparcnet_GRDA_sample1.edf"], ids=["bipolar", "referential"]
)
def test_a_seizure_in_a_real_recording(data_pack: Path, name: str) -> None:
    recording = open_recording(data_pack / "seizure_clips" / name)
    result = inject(recording, kind="focal", seed=2, onset_s=10.0, duration_s=25.0, ratio=12)
    before = recording.read(0, recording.n_samples)
    assert result.signal_uv.shape == before.shape
    changed = (result.signal_uv != before).any(axis=1)
    assert 15 < changed.sum() <= sum(recording.eeg)
    (annotation,) = result.annotations
    assert (annotation.onset_s, annotation.duration_s) == (10.0, 25.0)
    added = (result.signal_uv - before)[changed]
    assert (
        5 < np.ptp(added, axis=1).max() / background_rms_uv(before[changed], recording.sfreq) < 60
    )
