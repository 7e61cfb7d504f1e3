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
from torch import nn

from eegdash.errors import CheckpointError
from eegdash.mechanism.activations import window_activations
from eegdash.mechanism.controls import matched_controls
from eegdash.mechanism.effects import Outcomes, effect_of
from eegdash.mechanism.ensembles import find_ensemble
from eegdash.mechanism.layers import site_of, sites
from eegdash.mechanism.replay import Replay
from eegdash.mechanism.selection import halves
from eegdash.mechanism.silencing import (
    MODES,
    Altering,
    Fill,
    Intervention,
    SegmentRunner,
    altered,
    altered_logits,
    measure_fill,
)
from eegdash.mechanism.statistics import against_null, auroc
from eegdash.networks.hooks import hooked, methods_replaced
from eegdash.networks.in_recording import InRecording
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


def silencing_p(network, x, seizure, group, seed: int, layer: str = "conv1") -> float:
    """p of silencing the three best units of one half, on the other half."""
    values = window_activations(network, sites(network), x, n_channels=4)[f"{layer}.mean"]
    first, second = halves(group, seizure, seed=seed)
    # three units, for an ensemble of one has only few others to be compared with
    chosen = np.argsort(-auroc(values[first], seizure[first]))[:3]
    altering = silencer(network, layer, x[first])
    units = tuple(sorted(int(k) for k in chosen))
    controls = matched_controls(units, altering.fill.mean.numpy(), n=60, seed=seed).ensembles
    rows = [Intervention(layer, c) for c in ((), units, *controls)]
    logits = altered_logits(network, altering, x[second], rows)
    assert float(np.ptp(logits[0])) > 0, "the network answers"
    areas = auroc(logits.T, seizure[second])
    return against_null(float(areas[0] - areas[1]), areas[0] - areas[2:]).p


def meaningless(shape: tuple[int, ...], seed: int):
    rng = np.random.default_rng(1000 + seed)
    x = rng.uniform(0.5, 2, (96, 3, *shape)).astype(np.float32)
    return x, np.arange(96) % 2 == 0, np.arange(96) // 2 % 6


def test_without_information_the_p_values_are_uniform() -> None:
    p = [silencing_p(RandomNetwork(k), *meaningless((N_UNITS, N_TIMES), k), k) for k in range(40)]
    assert kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(p) <= 0.05) < 0.15


def test_on_untrained_networks_of_a_shipped_kind_nothing_is_significant() -> None:
    p = []
    for seed in range(30):
        torch.manual_seed(seed)
        network = ShallowCnn(n_channels=4, n_samples=60, width=16, dimension=12).eval()
        with torch.no_grad():  # the levels go past the units, and would tie most ranks
            network.level.weight.zero_()
            n_units = network.code.out_features
            network.dense.weight.view(12, 3, -1)[:, :, n_units:] = 0
        x, seizure, group = meaningless(network.input_shape, seed)
        noise = np.random.default_rng(seed).standard_normal(x.shape).astype(np.float32)
        p.append(silencing_p(network, 20 * noise, seizure, group, seed))
    assert kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(p) <= 0.05) < 0.15


def test_with_information_the_same_p_values_are_not_uniform() -> None:
    p = [silencing_p(PlantedNetwork(), *planted_windows(n_groups=6, seed=k), k) for k in range(8)]
    assert max(p) <= 0.05
    assert kstest(p, "uniform").pvalue < 1e-3, "the test above could have failed"


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
    nothing = dict.fromkeys(
        ((network.conv1, "forward"), (network.norm1, "forward"), (network, "encode")), fail
    )
    with pytest.raises(RuntimeError, match="in a hook"), methods_replaced(nothing):
        network(torch.from_numpy(x))
    assert hooks_of(network) == 0
    assert all({"forward", "encode"}.isdisjoint(m.__dict__) for m in network.modules())
    torch.testing.assert_close(network(torch.from_numpy(x)).detach(), before)


def test_a_hook_that_cannot_be_attached_removes_those_before_it() -> None:
    network = PlantedNetwork()
    targets = dict.fromkeys((network.conv1, "no module"), print)
    with pytest.raises(AttributeError), hooked(targets):
        pass
    assert hooks_of(network) == 0


def test_a_method_of_the_instance_comes_back_as_it_was() -> None:
    network = PlantedNetwork()
    own = network.__dict__["encode"] = lambda features: features
    with methods_replaced({(network, "encode"): print}):
        assert network.encode is print
    assert network.encode is own


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
            nn.init.uniform_(module.weight, 0.5, 2.0)  # as training leaves them: neither 1 nor 0
            nn.init.normal_(module.bias, 0, 0.2)
    return network.eval()


def plainly(network, altering, x, wanted):
    """The codes and logits as they are without any saving: a hook, and the whole network."""
    codes = []
    for intervention in wanted:
        with torch.inference_mode(), altered(network, altering, intervention):
            codes.append(network.encode(x))
    return codes


def interventions(layer: str, n_units: int, mode: str) -> list[Intervention]:
    few, most = (0, n_units - 1), tuple(range(1, n_units))
    return [
        Intervention(layer, few, mode),
        Intervention(layer, few, mode, dose=0.3),
        Intervention(layer, few, mode, keep_only=True),
        Intervention(layer, most, mode, dose=0.75),
        Intervention(layer, (), mode),
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["shallow", "spectrogram"])
def test_what_is_left_out_changes_no_code(kind: str, mode: str) -> None:
    inner = shipped(kind)
    network = InRecording(inner, torch.full((inner.n_levels,), 0.4)).eval()
    x = torch.randn(19, *network.input_shape)  # more than one part, and not a multiple of it
    windows = x[:12].reshape(4, 3, *network.input_shape).numpy()
    by_sums = set()
    for site in sites(inner):
        if not site.in_encoder:
            continue
        altering = Altering(site, measure_fill([(network, windows)], site), seed=5)
        wanted = interventions(site.layer, site.n_units, mode)
        runner = SegmentRunner(network, altering, wanted)
        own, *found = runner.codes(x.numpy(), offset=0)
        torch.testing.assert_close(own, network.encode(x).detach(), atol=1e-6, rtol=1e-6)
        for quick, full in zip(found, plainly(network, altering, x, wanted), strict=True):
            torch.testing.assert_close(quick, full, atol=2e-5, rtol=2e-5)
        assert not torch.allclose(found[0], own), "the units take part"
        torch.testing.assert_close(found[-1], own, atol=1e-5, rtol=1e-5)
        assert runner._run.replay.possible
        if runner._run.by_sums:
            by_sums.add(site.layer)
    assert by_sums == {"conv1", "conv2"}, "where a convolution follows, sums stand for it"


class TwoLayers(PlantedNetwork):
    """A second convolution, which sees all units of the first, or groups of them."""

    groups = 1

    def __init__(self) -> None:
        super().__init__()
        self.conv2 = nn.Conv1d(N_UNITS, N_UNITS, 3, padding=1, groups=self.groups)
        self.layers = ("conv1", "conv2")


class Shortcut(TwoLayers):
    """The input goes past the layer as well, and the next convolution sees it, too."""

    def encode(self, features: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(self.norm1(self.conv1(features)))
        return (self.conv2(maps + features.flip(2)) + features).mean(dim=2)


class Grouped(TwoLayers):
    """A convolution follows, but each of its outputs sees four of the units only."""

    groups = 4

    def encode(self, features: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(self.norm1(self.conv1(features)))
        return torch.relu(self.conv2(maps)).mean(dim=2)


class Twice(TwoLayers):
    """The layer runs twice, so that no single answer of it stands for what follows."""

    def encode(self, features: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(self.norm1(self.conv1(features)))
        maps = torch.relu(self.norm1(self.conv1(maps.flip(1))))
        return torch.relu(self.conv2(maps)).mean(dim=2)


class Wider(PlantedNetwork):
    """What lies before the layer cannot be left out, for its size decides that of a factor."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Conv1d(N_UNITS, N_UNITS + 1, 1)
        self.factor = nn.Parameter(torch.rand(N_UNITS + 1, 1))
        self.conv1 = nn.Conv1d(N_UNITS + 1, N_UNITS, 1)
        self.layers = ("conv1",)

    def encode(self, features: torch.Tensor) -> torch.Tensor:
        return super().encode(self.conv0(features) * self.factor)


@pytest.mark.parametrize(
    ("kind", "layer", "possible"),
    [
        (Shortcut, "conv1", True),
        (Shortcut, "conv2", True),
        (Grouped, "conv1", True),
        (Wider, "conv1", False),
    ],
)
def test_a_network_that_cannot_be_cut_there_is_run_as_a_whole(
    kind: type[PlantedNetwork], layer: str, possible: bool
) -> None:
    torch.manual_seed(0)
    network = kind().eval()
    x = torch.randn(21, *network.input_shape)
    site = site_of(network, layer)
    fill = measure_fill([(network, x.reshape(7, 3, *network.input_shape).numpy())], site)
    altering = Altering(site, fill)
    wanted = interventions(layer, N_UNITS, "mean")
    runner = SegmentRunner(network, altering, wanted)
    assert not runner._run.by_sums
    assert runner._run.replay.possible == possible
    if kind in (Shortcut, Wider):
        assert not runner._run.replay._of_one, "every segment is needed"
    _, *found = runner.codes(x.numpy(), offset=0)
    for quick, full in zip(found, plainly(network, altering, x, wanted), strict=True):
        torch.testing.assert_close(quick, full, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["shallow", "spectrogram"])
def test_several_answers_of_a_layer_give_the_codes_of_as_many_full_passes(kind: str) -> None:
    network = shipped(kind)
    x = torch.randn(5, *network.input_shape)
    for name in ("conv1", "norm2", "conv3", "code"):
        module = network.get_submodule(name)
        replay = Replay(network, module)
        assert replay.possible, name
        with torch.inference_mode():
            started = replay.start(x)
            answers = [started.kept[module] * factor for factor in (1.0, 0.5, -1.0)]
            quick = replay.codes(started, torch.cat(answers)).reshape(3, len(x), -1)
            for one, answer in zip(quick, answers, strict=True):
                with hooked({module: lambda m, i, o, answer=answer: answer}):
                    full = network.encode(x)
                torch.testing.assert_close(one, full, atol=1e-5, rtol=1e-5)


def test_a_layer_that_runs_twice_has_no_units_to_ask() -> None:
    with pytest.raises(CheckpointError, match="conv1 runs 2 times"):
        sites(Twice())


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
