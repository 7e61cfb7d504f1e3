"""Silencing: by hand on a planted network, at chance on random ones, and nothing stays altered."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted_network import (
    BIAS,
    CARRIERS,
    N_TIMES,
    N_UNITS,
    WEIGHT,
    PlantedNetwork,
    planted_windows,
    sigmoid,
)
from scipy.stats import kstest

from eegdash.mechanism.activations import window_activations
from eegdash.mechanism.controls import matched_controls
from eegdash.mechanism.effects import Outcomes, effect_of
from eegdash.mechanism.ensembles import find_ensemble
from eegdash.mechanism.hooks import forwards_replaced, hooked
from eegdash.mechanism.layers import site_of, sites
from eegdash.mechanism.replay import Replay
from eegdash.mechanism.selection import halves
from eegdash.mechanism.silencing import (
    Altering,
    Fill,
    Intervention,
    altered,
    altered_logits,
    measure_fill,
)
from eegdash.mechanism.statistics import against_null, auroc
from eegdash.networks.shallow_cnn import ShallowCnn
from eegdash.networks.spectrogram_cnn_lstm import SpectrogramCnnLstm


def silencer(network, layer, features):
    site = site_of(network, layer)
    return Altering(site, measure_fill([(network, features)], site))


@pytest.mark.parametrize("layer", ["conv1", "dense"])
def test_silencing_the_carriers_is_what_is_computed_by_hand(layer: str) -> None:
    network, (x, _, _) = PlantedNetwork(), planted_windows()
    altering = silencer(network, layer, x)
    answers = x.mean(axis=(1, 3)).astype(np.float64)  # positive, so nothing is rectified
    means = answers.mean(axis=0)
    rest = WEIGHT * answers[:, CARRIERS].sum(axis=1) + BIAS
    by_hand = {
        "mean": np.full(len(x), WEIGHT * means[list(CARRIERS)].sum() + BIAS),
        "zero": np.full(len(x), BIAS),
        # two of the three stay
        "one": rest - WEIGHT * answers[:, CARRIERS[0]],
        "half": (rest + WEIGHT * means[list(CARRIERS)].sum() + BIAS) / 2,
        "keep": rest,
        "kept away": np.full(len(x), BIAS),
    }
    others = tuple(k for k in range(N_UNITS) if k not in CARRIERS)
    wanted = {
        "mean": Intervention(layer, CARRIERS, "mean"),
        "zero": Intervention(layer, CARRIERS, "zero"),
        "one": Intervention(layer, CARRIERS[:1], "zero"),
        "half": Intervention(layer, CARRIERS, "mean", dose=0.5),
        "keep": Intervention(layer, CARRIERS, "zero", keep_only=True),
        "kept away": Intervention(layer, others, "zero", keep_only=True),
    }
    found = altered_logits(network, altering, x, list(wanted.values()))
    for row, name in zip(found, wanted, strict=True):
        np.testing.assert_allclose(row, by_hand[name], atol=2e-3, err_msg=name)


def test_clamping_up_drives_seizure_free_windows_to_seizure() -> None:
    network, (x, seizure, _) = PlantedNetwork(), planted_windows()
    altering = silencer(network, "conv1", x)
    high = float(np.quantile(x[:, :, CARRIERS[0]], 0.95))
    assert float(altering.fill.high[CARRIERS[0]]) == pytest.approx(high, abs=0.01)
    found = altered_logits(network, altering, x, [Intervention("conv1", CARRIERS, "clamp")])[0]
    assert (found[~seizure] > 0).all()


def test_resampled_units_answer_as_reference_segments_did() -> None:
    network, (x, seizure, _) = PlantedNetwork(), planted_windows()
    altering = silencer(network, "dense", x)
    found = altered_logits(network, altering, x, [Intervention("dense", CARRIERS, "resample")])[0]
    before = altered_logits(network, altering, x, [Intervention("dense", (), "zero")])[0]
    assert set(np.round(found, 2)) <= set(np.round(before, 2)), "a donor's answers stay together"
    assert abs(found[seizure].mean() - found[~seizure].mean()) < 0.35 * (
        before[seizure].mean() - before[~seizure].mean()
    )


def study(network, x, seizure, group, ensemble, altering, *, n=100, seed=0):
    means = altering.fill.mean.numpy()
    controls = matched_controls(ensemble, means, n=n, seed=seed)
    layer = altering.site.layer
    rows = [Intervention(layer, ensemble), *(Intervention(layer, c) for c in controls.ensembles)]
    before = altered_logits(network, altering, x, [Intervention(layer, ())])[0]
    found = altered_logits(network, altering, x, rows)
    return effect_of(Outcomes(before, found[0], found[1:], seizure, group), sigmoid, 0.5)


@pytest.mark.parametrize("layer", ["conv1", "dense"])
def test_the_planted_ensemble_is_found_and_meets_the_claim_and_random_ones_do_not(
    layer: str,
) -> None:
    network, (x, seizure, group) = PlantedNetwork(), planted_windows()
    values = window_activations(network, sites(network), x, n_channels=1)[f"{layer}.mean"]
    first, second = halves(group, seizure)
    assert not set(group[first]) & set(group[second])
    ensemble = find_ensemble(layer, values[first], seizure[first])
    assert ensemble.units == CARRIERS
    altering = silencer(network, layer, x[first])
    effect = study(network, x[second], seizure[second], group[second], CARRIERS, altering)
    assert effect.auroc_before.value == 1
    # nothing but the constant is left: all windows get the same logit
    assert effect.auroc_after.value == pytest.approx(0.5)
    assert effect.against_random["auroc_drop"].p <= 0.02
    assert effect.against_random["auroc_drop"].null_mean < 0.05
    assert effect.to_chance
    assert effect.specific
    # by hand: the mean of the carriers is 1.25, so the logit of every window is 0 or less by
    # rounding; "spared" then depends on the threshold, which here lies exactly there
    random = study(network, x[second], seizure[second], group[second], (0, 1, 3), altering)
    assert not random.to_chance
    assert not random.specific
    assert not random.claim


def test_the_claim_needs_all_three_parts() -> None:
    network, (x, seizure, group) = PlantedNetwork(), planted_windows()
    altering = silencer(network, "dense", x)
    zeroed = altered_logits(network, altering, x, [Intervention("dense", CARRIERS, "zero")])[0]
    before = altered_logits(network, altering, x, [Intervention("dense", ())])[0]
    silent = np.stack([before] * 40)  # random ensembles that do nothing
    met = effect_of(Outcomes(before, zeroed, silent, seizure, group), sigmoid, 0.5)
    assert met.claim
    assert met.recognised_after.value == 0
    alarmed = zeroed + 100  # everything is called seizure: chance, but the others are not left
    loud = effect_of(Outcomes(before, alarmed, silent, seizure, group), sigmoid, 0.5)
    assert loud.to_chance
    assert not loud.others_spared
    assert not loud.claim
    alike = np.stack([zeroed] * 40)  # random ensembles do the same
    vague = effect_of(Outcomes(before, zeroed, alike, seizure, group), sigmoid, 0.5)
    assert vague.to_chance
    assert not vague.specific
    assert not vague.claim
    alone = effect_of(Outcomes(before, zeroed, silent, seizure, 0 * group), sigmoid, 0.5)
    assert not alone.claim, "one recording gives no interval"


class RandomNetwork(PlantedNetwork):
    """Untrained: random weights behind the units."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weight in (self.dense.weight, self.out.weight):
                weight.copy_(torch.randn(weight.shape, generator=generator))
            self.out.bias.zero_()


def test_without_information_the_p_values_are_uniform() -> None:
    p = []
    for seed in range(40):
        rng = np.random.default_rng(1000 + seed)
        network = RandomNetwork(seed)
        x = rng.uniform(0.5, 2, (96, 3, N_UNITS, N_TIMES)).astype(np.float32)
        seizure, group = np.arange(96) % 2 == 0, np.arange(96) // 2 % 6
        values = window_activations(network, sites(network), x, n_channels=1)["conv1.mean"]
        first, second = halves(group, seizure, seed=seed)
        # three units, for an ensemble of one has only fifteen others to be compared with
        chosen = np.argsort(-auroc(values[first], seizure[first]))[:3]
        altering = silencer(network, "conv1", x[first])
        units = tuple(sorted(int(k) for k in chosen))
        means = altering.fill.mean.numpy()
        controls = matched_controls(units, means, n=60, seed=seed).ensembles
        rows = [Intervention("conv1", c) for c in ((), units, *controls)]
        logits = altered_logits(network, altering, x[second], rows)
        assert float(np.ptp(logits[0])) > 0, "the network answers"
        areas = auroc(logits.T, seizure[second])
        p.append(against_null(float(areas[0] - areas[1]), areas[0] - areas[2:]).p)
    assert kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(p) <= 0.05) < 0.15


# ---- nothing stays altered -----------------------------------------------------------------


def hooks_of(network) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules())


def test_the_failing_path_leaves_the_network_untouched() -> None:
    network, (x, _, _) = PlantedNetwork(), planted_windows(12)
    before = network(torch.from_numpy(x)).detach()
    altering = silencer(network, "conv1", x)
    silent = Intervention("conv1", CARRIERS, "zero")
    with altered(network, altering, silent):
        assert not torch.allclose(network(torch.from_numpy(x)), before)

    def fail(*_: object) -> None:
        raise RuntimeError("in a hook")

    with pytest.raises(RuntimeError, match="in a hook"), altered(network, altering, silent):
        fail()

    with pytest.raises(RuntimeError, match="in a hook"), hooked({network.norm1: fail}):
        network(torch.from_numpy(x))
    nothing = dict.fromkeys((network.conv1, network.norm1), fail)
    with pytest.raises(RuntimeError, match="in a hook"), forwards_replaced(nothing):
        network(torch.from_numpy(x))
    assert hooks_of(network) == 0
    assert all("forward" not in m.__dict__ for m in network.modules())
    torch.testing.assert_close(network(torch.from_numpy(x)).detach(), before)


def test_a_hook_that_cannot_be_attached_removes_those_before_it() -> None:
    network = PlantedNetwork()
    targets = dict.fromkeys((network.conv1, "no module"), print)
    with pytest.raises(AttributeError), hooked(targets):
        pass
    assert hooks_of(network) == 0


def test_an_intervention_that_has_no_meaning_is_refused() -> None:
    with pytest.raises(ValueError, match="none of"):
        Intervention("conv1", (0,), "delete")
    with pytest.raises(ValueError, match="between 0 and 1"):
        Intervention("conv1", (0,), dose=1.5)


# ---- the shipped architectures -------------------------------------------------------------


def shipped(kind: str):
    torch.manual_seed(3)
    if kind == "shallow":
        network = ShallowCnn(n_samples=240, width=4, dimension=12)
    else:
        network = SpectrogramCnnLstm(n_freqs=32, width=2, dimension=12)
    for module in network.modules():
        if hasattr(module, "running_mean"):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize("kind", ["shallow", "spectrogram"])
def test_reusing_the_layers_before_gives_the_codes_of_a_full_pass(kind: str) -> None:
    network = shipped(kind)
    x = torch.randn(7, *network.input_shape)
    for site in sites(network):
        if not site.in_encoder:
            continue
        replay = Replay(network, site)
        assert replay.possible, site.layer
        fill = measure_fill([(network, x[:6].reshape(2, 3, *network.input_shape).numpy())], site)
        altering = Altering(site, fill)
        intervention = Intervention(site.layer, (0, site.n_units - 1), "zero")
        with torch.inference_mode():
            _, output = replay.start(x)
            quick = replay.codes(x, altering.output(output, intervention))
            with altered(network, altering, intervention):
                full = network.encode(x)
        torch.testing.assert_close(quick, full, atol=1e-5, rtol=1e-5)
        assert not torch.allclose(full, network.encode(x)), "the units take part"


@pytest.mark.parametrize("kind", ["shallow", "spectrogram"])
def test_sites_of_the_shipped_networks(kind: str) -> None:
    network = shipped(kind)
    found = {site.layer: site for site in sites(network)}
    assert tuple(found) == network.layers
    assert found["conv1"].module == "norm1"
    assert found["conv1"].rectified
    assert found["conv2"].kind == "map"
    assert found["code"].kind == "segment"
    assert found["dense"].kind == "window"
    if kind == "spectrogram":
        assert found["lstm"].kind == "sequence"
        assert not found["lstm"].rectified


@pytest.mark.parametrize("kind", ["shallow", "spectrogram"])
def test_a_zeroed_unit_is_a_unit_whose_outgoing_weights_are_zero(kind: str) -> None:
    network = shipped(kind)
    x = torch.randn(4, 3, *network.input_shape)
    site = site_of(network, "conv1")
    nothing = torch.zeros(site.n_units)
    altering = Altering(site, Fill(nothing, nothing, nothing))
    found = altered_logits(network, altering, x.numpy(), [Intervention("conv1", (1,), "zero")])[0]
    with torch.no_grad():
        network.conv2.weight[:, 1] = 0
        expected = network(x)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


# ---- random ensembles ----------------------------------------------------------------------


def test_controls_match_in_size_and_activation_and_leave_dead_units_out() -> None:
    rng = np.random.default_rng(0)
    means = rng.uniform(0.1, 4, 40)
    means[[7, 9]] = 0
    controls = matched_controls((0, 1, 2, 3), means, n=100)
    assert len(set(controls.ensembles)) == 100
    assert (0, 1, 2, 3) not in controls.ensembles
    wanted = means[:4].sum()
    for ensemble in controls.ensembles:
        assert len(ensemble) == 4
        assert not {7, 9} & set(ensemble)
        assert abs(means[list(ensemble)].sum() - wanted) <= controls.tolerance * wanted
    assert controls.tolerance == 0.1


def test_a_small_layer_gives_all_the_ensembles_it_has() -> None:
    controls = matched_controls((0, 1), np.ones(5), n=100)
    assert len(controls.ensembles) == 9
    assert matched_controls((0, 1), np.ones(5), n=100).ensembles == controls.ensembles
