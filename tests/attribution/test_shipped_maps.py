"""Do the maps of the shipped networks say something true? Injected seizures, known truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from attribution_cases import MODELS, SEEDS, detector, inside, mapped, seizure

from eegdash.attribution import methods
from eegdash.attribution.baselines import Baseline
from eegdash.attribution.digest import digest
from eegdash.attribution.faithfulness import (
    N_RANDOM,
    SURVIVES,
    insertion_and_deletion,
    patches,
    randomisation,
    rank_correlation,
)
from eegdash.attribution.maps import PAST_LOGIT, Attribution
from eegdash.attribution.methods import attribute
from eegdash.attribution.stability import stability

IG, HIRES, GRAD_CAM = "integrated-gradients", "hires-cam", "grad-cam"


@pytest.mark.parametrize(("model", "method"), [*((m, IG) for m in MODELS), (MODELS[0], HIRES)])
def test_evidence_gathers_in_the_injected_place_and_band(model: str, method: str) -> None:
    """At least twice as dense as spread evenly, in place and band together, in every seizure."""
    for seed in SEEDS:
        found, _ = mapped(model, seed, method)
        assert inside(found, seizure(model, seed)).times_even >= 2.0, seed


@pytest.mark.parametrize("model", MODELS)
def test_the_strongest_derivation_carries_the_seizure(model: str) -> None:
    for seed in SEEDS:
        case = seizure(model, seed)
        assert 4 <= case.carriers.sum() <= 6, "the truth is a place, not the whole head"
        assert inside(mapped(model, seed, IG)[0], case).strongest, seed


@pytest.mark.parametrize(
    ("model", "method", "places", "bands"),
    [(MODELS[0], IG, 5, 5), (MODELS[0], HIRES, 5, 2), (MODELS[1], IG, 6, 5)],
)
def test_most_evidence_lies_in_the_derivations_and_the_band_of_the_seizure(
    model: str, method: str, places: int, bands: int
) -> None:
    """In all but one seizure by Integrated Gradients; that one has the weakest logit of the six.

    The derivations are those that carry 80 % of the power which the seizure adds to the window.
    """
    shares = [inside(mapped(model, s, method)[0], seizure(model, s)) for s in SEEDS]
    assert sum(share.place > 0.5 for share in shares) >= places
    assert sum(share.band > 0.5 for share in shares) >= bands


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("seed", [0, 2, 5])
def test_insertion_and_deletion_beat_random_maps_on_injected_seizures(
    model: str, seed: int
) -> None:
    found, baseline = mapped(model, seed, IG)
    window = seizure(model, seed).window
    insertion, deletion = insertion_and_deletion(detector(model), window, baseline, found)
    assert insertion.n_random == N_RANDOM == 20
    assert insertion.auc > insertion.random_auc_high > insertion.random_auc_mean
    assert deletion.auc < deletion.random_auc_low < deletion.random_auc_mean
    assert insertion.beats_random
    assert deletion.beats_random
    # both go from one end to the other
    for curve, ends in (
        (insertion, (found.baseline_logit, found.logit)),
        (deletion, (found.logit, found.baseline_logit)),
    ):
        assert (curve.logit[0], curve.logit[-1]) == pytest.approx(ends, abs=1e-3)


def test_a_random_map_does_not_beat_random_maps() -> None:
    found, baseline = mapped(MODELS[0], 5, IG)
    window, numbers = seizure(MODELS[0], 5).window, patches(detector(MODELS[0]))
    beaten = 0
    for seed in range(4):
        noise = np.random.default_rng(seed).standard_normal(numbers.max() + 1)[numbers]
        values = noise.astype(np.float32)
        random = Attribution(
            IG, "", values, found.ch_names, found.freqs_hz, found.time_s, "logit", 0.0
        )
        curves = insertion_and_deletion(detector(MODELS[0]), window, baseline, random)
        beaten += sum(curve.beats_random for curve in curves)
    assert beaten <= 2  # of eight; one in forty is expected on either side


def test_a_map_turned_upside_down_fails_both_tests() -> None:
    from dataclasses import replace

    found, baseline = mapped(MODELS[0], 5, IG)
    turned = replace(found, values=-found.values)
    window = seizure(MODELS[0], 5).window
    insertion, deletion = insertion_and_deletion(detector(MODELS[0]), window, baseline, turned)
    assert insertion.auc < insertion.random_auc_low
    assert deletion.auc > deletion.random_auc_high


@pytest.mark.parametrize("model", MODELS)
def test_an_activation_map_says_what_it_cannot_show(model: str) -> None:
    """The expert of the levels is the whole logit less that of what passed the convolutions."""
    used, window = detector(model), seizure(model, 5).window
    with torch.inference_mode():
        codes = used.network.encode(torch.from_numpy(window))[None]
        both = used.network.experts(codes)[0]
    found, _ = mapped(model, 5, GRAD_CAM)
    assert found.parameters[PAST_LOGIT] == pytest.approx(float(both[1]), abs=1e-4)
    assert found.logit == pytest.approx(float(both.sum()), abs=1e-4)
    (warning,) = [s for s in digest(found).sentences if "this map cannot show it" in s]
    assert f"{float(both[1]):+.2f} comes from how loud" in warning
    # Integrated Gradients go all ways, and need not say so
    assert not [s for s in digest(mapped(model, 5, IG)[0]).sentences if "cannot show it" in s]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", [IG, GRAD_CAM])
def test_shuffled_weights_change_the_map(model: str, method: str) -> None:
    found, baseline = mapped(model, 5, method)
    window = seizure(model, 5).window
    result = randomisation(detector(model), window, baseline, found)
    assert result.n_networks == 3
    assert abs(result.signed) < SURVIVES
    assert not result.survives


@pytest.mark.parametrize("model", MODELS)
def test_fewer_steps_for_the_shuffled_networks_change_no_correlation(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, baseline = mapped(model, 5, IG)
    arguments = (detector(model), seizure(model, 5).window, baseline, found)
    quick = randomisation(*arguments, n_networks=1)
    monkeypatch.setattr(methods, "twin_options", methods.quick_options)
    whole = randomisation(*arguments, n_networks=1)
    assert (quick.signed, quick.magnitude) == pytest.approx(
        (whole.signed, whole.magnitude), abs=5e-3
    )


def test_a_map_that_is_only_the_input_survives_and_is_flagged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, baseline = mapped(MODELS[0], 5, IG)
    window = seizure(MODELS[0], 5).window

    def input_itself(name: str, used: Any, window: Any, baseline: Any, **_: Any) -> Attribution:
        return Attribution(
            name, "", window, found.ch_names, found.freqs_hz, found.time_s, "logit", 0.0
        )

    monkeypatch.setattr(methods, "computed", input_itself)
    shown = input_itself(IG, None, window, baseline)
    result = randomisation(detector(MODELS[0]), window, baseline, shown)
    assert result.signed == pytest.approx(1.0)
    assert result.survives


def test_rank_correlation_of_a_constant_map_is_none_at_all() -> None:
    values = np.arange(10.0)
    assert rank_correlation(values, values**3) == pytest.approx(1.0)
    assert rank_correlation(values, np.ones(10)) == 0.0


@pytest.mark.parametrize("model", MODELS)
def test_patches_are_of_one_segment_and_cover_the_window(model: str) -> None:
    numbers = patches(detector(model))
    assert numbers.shape == seizure(model, 5).window.shape
    assert set(np.unique(numbers)) == set(range(numbers.max() + 1))
    of_segment = [set(np.unique(part)) for part in numbers]
    assert not of_segment[0] & of_segment[1]
    assert not of_segment[1] & of_segment[2]
    assert 200 <= numbers.max() + 1 <= 600


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", [IG, GRAD_CAM, "saliency"])
def test_stability_is_measured_beside_a_yardstick(model: str, method: str) -> None:
    found, baseline = mapped(model, 5, method)
    told: list[float] = []
    result = stability(
        detector(model), seizure(model, 5).window, baseline, found, progress=told.append
    )
    assert 0 <= result.infidelity < 10 * result.infidelity_nothing
    if method == GRAD_CAM:  # scaled as suits it best, it cannot be worse than nothing
        assert result.infidelity <= result.infidelity_nothing * 1.001
    assert 0 < result.sensitivity_max < 1
    assert told[-1] == 1


def test_infidelity_of_a_linear_network_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from attribution_cases import Linear, small

    from eegdash.checkpoints import Detector

    used = small(Linear())
    monkeypatch.setattr(Detector, "freqs_hz", np.arange(1.0, 7.0))
    monkeypatch.setattr(Detector, "frame_s", 0.5 + 0.25 * np.arange(5))
    rng = np.random.default_rng(0)
    window, start = rng.standard_normal((2, 3, *used.input_shape)).astype(np.float32)
    baseline = Baseline("trial", start, start[None])
    for method in (IG, "saliency"):
        found = attribute(method, used, window, baseline)
        result = stability(used, window, baseline, found)
        assert result.infidelity < 1e-6 < result.infidelity_nothing
