"""Views of a map, bands, masks and the digest: on maps made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from attribution_cases import CH_NAMES

from eegdash.attribution import (
    Attribution,
    equal_slices,
    physiological_bands,
    region_of,
    regions_of,
)
from eegdash.attribution.digest import digest
from eegdash.attribution.masks import BAND, CHANNEL, REGION, Mask, masked, possible_masks
from eegdash.checkpoints import DERIVATIONS, DetectorConfig, Stft
from eegdash.errors import AttributionError

FREQS = np.arange(1.0, 33.0)
SPECTROGRAM = DetectorConfig(
    "s", "Spectrogram", "x", {}, sfreq=80.0, stft=Stft(fmax_hz=32.0), ch_names=CH_NAMES
)
SAMPLES = DetectorConfig("r", "Raw", "x", {}, features=DERIVATIONS, sfreq=80.0, ch_names=CH_NAMES)


def made(values: Any, **changes: Any) -> Attribution:
    found = Attribution(
        "integrated-gradients",
        "interictal-median",
        np.asarray(values, dtype=np.float32),
        CH_NAMES,
        FREQS,
        0.5 + 0.25 * np.arange(9),
        "logit",
        2.0,
        -1.0,
        0.0,
    )
    return replace(found, **changes)


def blank() -> Any:
    return np.zeros((3, 18, 32, 9))


def test_regions_hold_every_derivation_once() -> None:
    rows = regions_of(CH_NAMES)
    assert list(rows) == ["LL", "LP", "ML", "RP", "RL"]
    assert sorted(np.concatenate(list(rows.values())).tolist()) == list(range(18))
    assert [region_of(n) for n in ("Fp1-F7", "C4-P4", "Fz-Cz", "ECG")] == ["LL", "RP", "ML", "all"]


def test_bands_are_half_open_and_slices_hold_every_frequency_once() -> None:
    bands = physiological_bands(FREQS)
    assert [b.name for b in bands] == ["delta", "theta", "alpha", "beta", "gamma"]
    assert bands[1].title == "theta (4-8 Hz)"
    assert physiological_bands(np.arange(1.0, 33.0))[-1].title == "gamma (30-32.5 Hz)"
    assert physiological_bands(np.arange(1.0, 100.0))[-1].title == "gamma (30-70 Hz)"
    assert physiological_bands(np.array([])) == ()
    for held in (bands, equal_slices(FREQS)):
        assert (np.sum([band.holds(FREQS) for band in held], axis=0) == 1).all()
    assert bands[1].holds(np.array([3.9, 4.0, 7.9, 8.0])).tolist() == [False, True, True, False]
    assert [b.name for b in equal_slices(FREQS)] == ["B1", "B2", "B3", "B4", "B5"]
    assert [b.name for b in physiological_bands(np.arange(1.0, 10.0))] == [
        "delta",
        "theta",
        "alpha",
    ]
    assert equal_slices(np.empty(0)) == ()


def test_for_and_against_in_one_place_do_not_cancel() -> None:
    """The artefact of averaging signed values over channels (0.50 for any input) cannot occur."""
    values = blank()
    values[0, 0, 4, 0], values[0, 1, 4, 0] = 3.0, -3.0  # both left lateral, 5 Hz
    found = made(values)
    masses = found.masses(physiological_bands(FREQS))
    theta, left = 1, masses.regions.index("LL")
    assert masses.positive[theta, left] == masses.negative[theta, left] == 3.0
    assert masses.positive.sum() == found.positive_mass == 3.0
    assert masses.negative.sum() == found.negative_mass == 3.0
    region = found.by_region()
    assert region.positive[0, left, 4, 0] == region.negative[0, left, 4, 0] == 3.0
    assert region.shown()[0, left, 4, 0] == 3.0


def test_views_keep_all_mass() -> None:
    found = made(np.random.default_rng(0).standard_normal((3, 18, 32, 9)))
    for parts in (found.by_channel(), found.by_region(), found.channel_time()):
        assert parts.positive.sum() == pytest.approx(found.positive_mass, rel=1e-4)
        assert parts.negative.sum() == pytest.approx(found.negative_mass, rel=1e-4)
        assert (parts.positive >= 0).all()
        assert (parts.negative >= 0).all()
    assert found.by_segment().sum(axis=1) == pytest.approx(
        [found.positive_mass, found.negative_mass], rel=1e-4
    )
    per_band = [found.band_parts(b).positive.sum() for b in physiological_bands(FREQS)]
    assert sum(per_band) == pytest.approx(found.positive_mass, rel=1e-4)
    assert found.channel_time().positive.shape == (3, 18, 9)


def test_nothing_for_a_seizure_is_said_and_not_drawn_large() -> None:
    against = blank()
    against[1, 5, 3, 3] = -4.0
    assert made(against).no_positive_evidence
    assert made(blank()).no_positive_evidence
    assert "no positive evidence" in digest(made(against)).sentences[0]
    against[0, 0, 0, 0] = 4.0
    assert not made(against).no_positive_evidence


@pytest.mark.parametrize(
    ("error", "difference", "complete"),
    [(0.049, 0.1, True), (0.051, 0.1, False), (0.19, 10.0, True), (0.21, 10.0, False)],
)
def test_completeness_allows_two_percent_or_a_twentieth_of_a_logit(
    error: float, difference: float, complete: bool
) -> None:
    found = made(blank(), logit=difference, baseline_logit=0.0, completeness_error=error)
    assert found.complete is complete
    assert made(blank(), completeness_error=None).complete is None


def test_the_digest_names_band_region_and_part() -> None:
    values = blank()
    values[2, 0:4, 3:7] = 1.0  # left lateral, theta, t=2
    values[0, 12:16, 20] = -0.5  # right lateral, beta
    found = digest(made(values))
    text = " ".join(found.sentences)
    assert "theta (4-8 Hz) 100 %" in text
    assert "left lateral, LL (100 %)" in text
    assert "100 % lies in t=2" in text
    assert "against lies in beta (13-30 Hz) 100 %; the region with most is right lateral" in text
    assert found.segments[0].tolist() == [0.0, 0.0, 144.0]
    assert [b.name for b in found.slices.bands] == ["B1", "B2", "B3", "B4", "B5"]
    assert found.slices.positive.sum() == found.clinical.positive.sum() == 144.0


def test_the_digest_warns_where_a_sum_is_missed_or_the_baseline_looks_like_a_seizure() -> None:
    values = blank()
    values[0, 0, 0, 0] = 1.0
    missed = digest(made(values, completeness_error=-1.5)).sentences
    assert any("1.50 instead of 3.00" in sentence for sentence in missed)
    odd = digest(made(values, baseline_logit=0.5)).sentences
    assert any("baseline itself looks more like a seizure" in sentence for sentence in odd)
    fine = digest(made(values)).sentences
    assert not any("baseline itself" in sentence or "instead" in sentence for sentence in fine)


def test_a_map_of_samples_without_frequencies_has_one_row() -> None:
    found = made(
        np.ones((3, 18, 240)), freqs_hz=np.empty(0), time_s=np.arange(240) / 80, unit="arbitrary"
    )
    masses = found.masses(physiological_bands(found.freqs_hz))
    assert masses.bands[0].name == "all frequencies"
    assert masses.positive.sum() == found.positive_mass
    sentences = digest(found).sentences
    assert any("no frequencies" in sentence for sentence in sentences)


# ---- masks ---------------------------------------------------------------------------------


def test_a_band_of_a_spectrogram_takes_the_baseline_and_nothing_else_changes() -> None:
    rng = np.random.default_rng(0)
    features, filling = rng.standard_normal((2, 3, 18, 32, 9)).astype(np.float32)
    theta = next(m for m in possible_masks(SPECTROGRAM) if m.name == "theta")
    result = masked(features, filling, [theta], SPECTROGRAM)
    inside = (FREQS >= 4) & (FREQS < 8)
    assert np.array_equal(result[:, :, inside], filling[:, :, inside])
    assert np.array_equal(result[:, :, ~inside], features[:, :, ~inside])


def test_a_region_and_a_channel_are_exchanged_whole_and_masks_unite() -> None:
    rng = np.random.default_rng(0)
    for config, shape in ((SPECTROGRAM, (3, 18, 32, 9)), (SAMPLES, (3, 18, 240))):
        features, filling = rng.standard_normal((2, *shape)).astype(np.float32)
        both = [Mask(REGION, "ML"), Mask(CHANNEL, "Fp1-F7")]
        result = masked(features, filling, both, config)
        rows = np.isin(np.arange(18), [0, 16, 17])
        assert np.array_equal(result[:, rows], filling[:, rows])
        assert np.array_equal(result[:, ~rows], features[:, ~rows])


def test_a_band_of_samples_is_exchanged_in_the_fourier_domain() -> None:
    t = np.arange(240) / 80
    slow, fast = np.sin(2 * np.pi * 2 * t), np.sin(2 * np.pi * 10 * t)
    features = np.broadcast_to(slow + fast, (3, 18, 240)).astype(np.float32)
    filling = np.broadcast_to(0.5 * slow + 0.25 * fast, features.shape).astype(np.float32)
    result = masked(features, filling, [Mask(BAND, "alpha", 8.0, 13.0)], SAMPLES)
    np.testing.assert_allclose(result[0, 0], slow + 0.25 * fast, atol=1e-5)


def test_everything_masked_is_the_baseline_itself() -> None:
    rng = np.random.default_rng(0)
    bands = [m for m in possible_masks(SAMPLES) if m.name.startswith("B") and m.kind == BAND]
    features, filling = rng.standard_normal((2, 3, 18, 240)).astype(np.float32)
    filling -= filling.mean(axis=2, keepdims=True)
    features -= features.mean(axis=2, keepdims=True)  # as the detector reads them
    np.testing.assert_allclose(masked(features, filling, bands, SAMPLES), filling, atol=1e-5)


def test_what_the_detector_does_not_see_cannot_be_masked() -> None:
    features = np.zeros((3, 18, 32, 9), dtype=np.float32)
    for mask in (Mask(BAND, "gamma", 40.0, 70.0), Mask(REGION, "XX"), Mask(CHANNEL, "ECG")):
        with pytest.raises(AttributionError, match="does not see"):
            masked(features, features, [mask], SPECTROGRAM)
    names = [mask.name for mask in possible_masks(SPECTROGRAM)]
    assert names[:10] == ["delta", "theta", "alpha", "beta", "gamma", "B1", "B2", "B3", "B4", "B5"]
    assert names[10:15] == ["LL", "LP", "ML", "RP", "RL"]
    assert names[15:] == list(CH_NAMES)
    assert Mask(REGION, "LL").title == "left lateral"
