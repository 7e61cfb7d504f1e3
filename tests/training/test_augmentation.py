"""Augmentation changes what amplifiers and people differ in, and nothing it says it leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eegdash.checkpoints import DERIVATIONS, DetectorConfig, Normalisation
from eegdash.montage import LONGITUDINAL_BIPOLAR
from eegdash.training.augmentation import MIRROR, Augmentation, augmented

NAMES = tuple(d.name for d in LONGITUDINAL_BIPOLAR)
CONFIG = DetectorConfig(
    "t", "T", "spectrogram-cnn-lstm", {}, ch_names=NAMES, normalisation=Normalisation(scale=0.5)
)
RAW = replace(CONFIG, features=DERIVATIONS, normalisation=Normalisation())
NOTHING = Augmentation(
    gain_decades=0, channel_decades=0, envelope=0, filtered=0,
    contrast=0, warp=0, noise=0, dropped=0,
)  # fmt: skip


def part_of(config: DetectorConfig) -> np.ndarray:
    shape = (5, 18, 240) if config.features == DERIVATIONS else (5, 18, 40, 9)
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_mirror_swaps_left_and_right_and_keeps_the_midline() -> None:
    mirrored = [NAMES[i] for i in MIRROR]
    assert mirrored[NAMES.index("Fp1-F7")] == "Fp2-F8"
    assert mirrored[NAMES.index("P4-O2")] == "P3-O1"
    assert mirrored[NAMES.index("Fz-Cz")] == "Fz-Cz"
    assert [MIRROR[i] for i in MIRROR] == list(range(18))


@pytest.mark.parametrize("config", [CONFIG, RAW], ids=["log-power", "derivations"])
def test_without_any_change_the_part_or_its_mirror_comes_back(config: DetectorConfig) -> None:
    part = part_of(config)
    seen = set()
    for seed in range(8):
        found = augmented(part, config, NOTHING, np.random.default_rng(seed))
        plain = np.allclose(found, part, atol=1e-5)
        assert plain or np.allclose(found, part[:, MIRROR], atol=1e-5)
        seen.add(plain)
    assert seen == {True, False}


@pytest.mark.parametrize("config", [CONFIG, RAW], ids=["log-power", "derivations"])
def test_it_is_seeded_keeps_the_shape_and_leaves_its_input_alone(config: DetectorConfig) -> None:
    part = part_of(config)
    before = part.copy()
    twice = [augmented(part, config, Augmentation(), np.random.default_rng(3)) for _ in range(2)]
    np.testing.assert_array_equal(twice[0], twice[1])
    assert twice[0].shape == part.shape
    assert twice[0].dtype == np.float32
    assert np.isfinite(twice[0]).all()
    assert not np.allclose(twice[0], part)
    np.testing.assert_array_equal(part, before)


def test_gain_is_one_shift_of_log_power_and_one_factor_of_samples() -> None:
    chosen = replace(NOTHING, gain_decades=0.3)
    change = augmented(np.zeros((2, 3, 40, 9), "f4"), CONFIG, chosen, np.random.default_rng(1))
    assert np.ptp(change) < 1e-6
    decades = float(change.mean()) * CONFIG.normalisation.scale / 2
    assert 0 < abs(decades) <= 0.3
    part = part_of(RAW)[:, :3]
    ratio = augmented(part, RAW, chosen, np.random.default_rng(1)) / part
    assert np.ptp(ratio) < 1e-5
    assert abs(np.log10(float(ratio.mean()))) <= 0.3


def test_lost_derivations_say_nothing() -> None:
    chosen = replace(NOTHING, dropped=1.0)
    found = augmented(part_of(RAW), RAW, chosen, np.random.default_rng(2))
    silent = (found == 0).all(axis=(0, 2))
    assert 1 <= silent.sum() <= 4
    found = augmented(part_of(CONFIG), CONFIG, chosen, np.random.default_rng(2))
    kept = ~np.array([any(np.array_equal(found[:, i], found[:, j]) for j in range(18) if j != i)
                      or np.abs(found[:, i]).max() < 2.5 for i in range(18)])  # fmt: skip
    mean = found[:, kept].mean(axis=1)
    lost = np.flatnonzero(~kept)
    assert len(lost) >= 1
    np.testing.assert_allclose(found[:, lost[0]], mean, atol=1e-5)


def test_warp_moves_a_peak_by_its_factor() -> None:
    part = np.zeros((1, 1, 40, 9), dtype=np.float32)
    part[:, :, 19] = 1  # 20 Hz
    chosen = replace(NOTHING, warp=0.2)
    peaks = []
    for seed in range(20):
        found = augmented(part, CONFIG, chosen, np.random.default_rng(seed))[0, 0, :, 0]
        peaks.append(1 + float(np.sum(np.arange(40) * found) / found.sum()))
    assert min(peaks) < 18.5
    assert max(peaks) > 21.5
    assert all(20 / 1.25 <= peak <= 20 * 1.25 for peak in peaks)
