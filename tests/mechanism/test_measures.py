"""Measures against closed forms, naive formulas and limits."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from planted_network import CARRIERS, N_UNITS, PlantedNetwork, planted_windows
from scipy.stats import kstest
from sklearn.metrics import roc_auc_score

from eegdash.errors import WorkspaceError
from eegdash.mechanism import activations
from eegdash.mechanism.descriptors import describe, descriptor_names, name_units
from eegdash.mechanism.ensembles import (
    contributions,
    find_ensemble,
    largest_size,
    on_held_out,
    selectivity,
    stability,
)
from eegdash.mechanism.layers import sites
from eegdash.mechanism.perturbation import BATTERY, Perturbation, apply
from eegdash.mechanism.redundancy import (
    cka_between,
    linear_cka,
    participation_ratio,
    redundancy,
    unit_correlations,
)
from eegdash.mechanism.selection import Supply, halves, select_windows
from eegdash.mechanism.separation import (
    PictureParameters,
    grouped_folds,
    pca_scores,
    picture,
    picture_quality,
    probe,
    silhouette,
    within_folds_auroc,
)
from eegdash.mechanism.sparsity import hoyer, sparsity, treves_rolls
from eegdash.mechanism.statistics import against_null, auroc, group_interval
from eegdash.mechanism.stimuli import stimuli, stimulus_windows
from eegdash.mechanism.units import first_filters, frequency_response, preferred_windows
from eegdash.networks.shallow_cnn import ShallowCnn
from eegdash.networks.spectrogram_cnn_lstm import SpectrogramCnnLstm

RNG = np.random.default_rng(0)


# ---- statistics ----------------------------------------------------------------------------


def test_auroc_of_columns_is_that_of_scikit_learn() -> None:
    values = RNG.integers(0, 5, (60, 4)).astype(float)  # many ties
    positive = RNG.random(60) < 0.4
    expected = [roc_auc_score(positive, column) for column in values.T]
    np.testing.assert_allclose(auroc(values, positive), expected)
    assert math.isnan(float(auroc(values[:, 0], np.ones(60, dtype=bool))))


def test_percentile_and_p_of_a_null_by_hand() -> None:
    found = against_null(3.0, np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.percentile == 100 * 2.5 / 4
    assert found.p == (1 + 2) / 5
    assert against_null(9.0, np.arange(99.0) / 100).p == 0.01
    nothing = against_null(1.0, np.empty(0))
    assert math.isnan(nothing.p)
    assert nothing.as_dict()["p"] is None


def test_an_interval_resamples_groups_and_not_windows() -> None:
    group = np.repeat(np.arange(10), 100)
    values = RNG.normal(size=10)[group]  # windows of a group are all alike
    found = group_interval(lambda used: float(values[used].mean()), group)
    naive = 1.96 * values.std() / math.sqrt(len(values))
    assert found.high - found.low > 5 * naive
    alone = group_interval(lambda used: float(values[used].mean()), 0 * group)
    assert math.isnan(alone.low)
    assert alone.n_groups == 1


# ---- sparsity ------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", [treves_rolls, hoyer])
def test_sparseness_is_0_for_even_and_1_for_one_of_n(measure) -> None:
    one = np.zeros(20)
    one[3] = 7.0
    assert measure(np.full(20, 2.5)) == pytest.approx(0)
    assert measure(one) == pytest.approx(1)
    assert measure(5 * one + 5) == pytest.approx(measure(one + 1)), "a scale changes nothing"
    assert math.isnan(float(measure(np.zeros(20))))


def test_sparseness_in_between_by_hand() -> None:
    # two of four: mean 1/2, mean square 1/2, activity 1/2
    assert treves_rolls(np.array([1.0, 1, 0, 0])) == pytest.approx((1 - 0.5) / (1 - 0.25))
    assert hoyer(np.array([1.0, 1, 0, 0])) == pytest.approx((2 - math.sqrt(2)) / (2 - 1))


def test_dead_and_always_on_units_are_named_and_nulls_differ_from_structure() -> None:
    table = RNG.gamma(0.3, 1.0, (300, 6)) * (RNG.random((300, 6)) < 0.3)
    table[:, 2] = 0
    table[:, 4] = 1 + 0.01 * RNG.random(300)
    found = sparsity(table, np.arange(300) % 2 == 0, n_nulls=20)
    assert found.dead == [2]
    assert found.always_on == [4]
    independent = RNG.gamma(0.3, 1.0, (300, 6))
    null = sparsity(independent, np.arange(300) % 2 == 0, n_nulls=40).population["hoyer"]
    assert 0.01 < null.p < 0.99, "independent units are as sparse as their null"
    # all units at the same moments: the population is never sparse, less than the null
    together = RNG.gamma(0.3, 1.0, (300, 1)) * np.ones((1, 6))
    alike = sparsity(together, np.arange(300) % 2 == 0, n_nulls=20).population["hoyer"]
    assert alike.percentile == 0


# ---- redundancy ----------------------------------------------------------------------------


def naive_cka(x, y) -> float:
    """Kornblith 2019 by Gram matrices and HSIC, as the paper defines it."""
    n = len(x)
    h = np.eye(n) - np.ones((n, n)) / n

    def hsic(k, m) -> float:
        return float(np.trace(k @ h @ m @ h))

    k, m = x @ x.T, y @ y.T
    return hsic(k, m) / math.sqrt(hsic(k, k) * hsic(m, m))


def test_linear_cka_is_the_gram_form_and_has_its_invariances() -> None:
    x, y = RNG.normal(size=(40, 7)), RNG.normal(size=(40, 5))
    y[:, 0] += 2 * x[:, 1]
    assert linear_cka(x, y) == pytest.approx(naive_cka(x, y))
    rotation, _ = np.linalg.qr(RNG.normal(size=(7, 7)))
    assert linear_cka(3 * x @ rotation + 2, y) == pytest.approx(linear_cka(x, y))
    assert linear_cka(x, x @ rotation) == pytest.approx(1)
    assert linear_cka(x * [9, 1, 1, 1, 1, 1, 1], y) != pytest.approx(linear_cka(x, y))
    assert math.isnan(linear_cka(np.ones((40, 2)), y))


def test_cka_of_unrelated_layers_lies_within_its_null() -> None:
    layers = {"a": RNG.normal(size=(200, 8)), "b": RNG.normal(size=(200, 8))}
    layers["c"] = layers["a"] @ RNG.normal(size=(8, 8))
    cka, null = cka_between(layers, n_nulls=40)
    assert cka[0, 1] < 1.3 * null[0, 1]
    assert cka[0, 2] > 3 * null[0, 2]


def test_participation_ratio_counts_dimensions() -> None:
    assert participation_ratio(RNG.normal(size=(20000, 6))) == pytest.approx(6, rel=0.01)
    line = RNG.normal(size=(100, 1)) * np.arange(1, 7)
    assert participation_ratio(line) == pytest.approx(1)
    # variances 4 and 1: (4 + 1)^2 / (16 + 1)
    exact = np.array([[2, 0], [-2, 0], [0, 1], [0, -1]]) * math.sqrt(2)
    assert participation_ratio(exact) == pytest.approx(25 / 17)


def test_unit_correlations_are_pearsons_and_dead_units_have_none() -> None:
    table = RNG.normal(size=(50, 4))
    table[:, 1] = -3 * table[:, 0] + 2
    table[:, 3] = 5
    found = unit_correlations(table)
    np.testing.assert_allclose(found[:3, :3], np.corrcoef(table[:, :3].T))
    assert found[0, 1] == pytest.approx(-1)
    assert np.isnan(found[3]).all()
    independent = redundancy(RNG.normal(size=(300, 8)), n_nulls=60)
    assert 0.01 < independent.correlation.p < 0.99
    copied = redundancy(RNG.normal(size=(300, 2))[:, [0, 0, 0, 1, 1, 1]], n_nulls=20)
    assert copied.correlation.percentile == 100
    assert copied.dimensions.value == pytest.approx(2, rel=0.1)


# ---- separation ----------------------------------------------------------------------------


def test_the_probe_finds_what_is_there_and_its_control_is_at_chance() -> None:
    seizure, group = np.arange(240) % 2 == 0, np.arange(240) // 2 % 8
    table = RNG.normal(size=(240, 6))
    table[:, 1] += 1.5 * seizure
    found = probe(table, seizure, group)
    # the best a probe can do with one shifted normal: Phi(1.5 / sqrt 2) = 0.856
    assert found.auroc.value == pytest.approx(0.856, abs=0.06)
    assert found.control.null_mean == pytest.approx(0.5, abs=0.05)
    assert found.above_control
    nothing = probe(RNG.normal(size=(240, 6)), seizure, group)
    assert not nothing.above_control


def test_no_group_is_in_two_folds_and_group_identity_does_not_leak() -> None:
    group = np.repeat(np.arange(12), 20)
    seizure = RNG.random(240) < 0.5
    fold = grouped_folds(seizure, group)
    assert fold is not None
    assert all(len(np.unique(fold[group == g])) == 1 for g in range(12))
    # each group has its own signature and mostly one class: windows of a group seen in training
    # would give the answer away, unseen groups do not
    seizure = (group % 2 == 0) ^ (RNG.random(240) < 0.1)
    signature = RNG.normal(size=(12, 30))[group] + 0.01 * RNG.normal(size=(240, 30))
    honest = probe(signature, seizure, group, n_shuffles=5)
    leaking = probe(signature, seizure, np.arange(240), n_shuffles=5)
    assert leaking.auroc.value > 0.85
    assert honest.auroc.value < 0.75


def test_without_two_groups_of_each_class_there_is_no_probe() -> None:
    seizure, group = np.arange(40) < 20, (np.arange(40) < 20).astype(np.int64)
    found = probe(RNG.normal(size=(40, 3)), seizure, group)
    assert found.n_folds == 0
    assert math.isnan(found.auroc.value)


def test_pairs_are_compared_within_a_fold_only() -> None:
    score = np.array([0.0, 1.0, 10.0, 11.0])
    seizure = np.array([False, True, False, True])
    assert within_folds_auroc(score, seizure, np.array([0, 0, 1, 1])) == 1
    assert auroc(score, seizure) == 0.75


def test_pca_scores_keep_distances_and_leave_dead_units_out() -> None:
    table = RNG.normal(size=(30, 5))
    table[:, 2] = 4
    scores = pca_scores(table)
    assert scores.shape == (30, 4)
    alive = np.delete(table, 2, axis=1)
    alive = (alive - alive.mean(0)) / alive.std(0)
    np.testing.assert_allclose(scores @ scores.T, alive @ alive.T, atol=1e-9)
    assert (np.diff(scores.var(axis=0)) <= 1e-12).all()


def test_silhouette_is_high_for_apart_classes_and_its_control_is_not() -> None:
    seizure, group = np.arange(120) % 2 == 0, np.arange(120) // 2 % 6
    table = RNG.normal(size=(120, 4)) + 8 * seizure[:, None]
    found = silhouette(table, seizure, group, n_shuffles=10)
    assert found.value.value > 0.5
    assert abs(found.control.null_mean) < 0.05


def test_the_picture_follows_its_seed_and_keeps_apart_what_is_apart() -> None:
    seizure = np.arange(90) % 2 == 0
    scores = pca_scores(RNG.normal(size=(90, 5)) + 9 * seizure[:, None])
    parameters = PictureParameters(n_neighbors=10)
    first = picture(scores, parameters)
    np.testing.assert_array_equal(first, picture(scores, parameters))
    quality = picture_quality(scores, first, seizure, parameters)
    assert quality.same_label == 1
    assert quality.trustworthiness > 0.7


# ---- ensembles -----------------------------------------------------------------------------


def test_selectivity_by_hand_and_its_limits() -> None:
    seizure = np.array([True, True, False, False])
    table = np.array([[2.0, 0, 1, 0], [4.0, 0, 1, 0], [1.0, 3, 1, 0], [1.0, 1, 1, 0]])
    found = selectivity(table, seizure)
    np.testing.assert_allclose(found[:3], [(3 - 1) / (3 + 1), -1, 0])
    assert math.isnan(found[3])


@pytest.mark.parametrize("method", ["auc", "attribution", "clustering"])
def test_every_method_returns_the_planted_units(method: str) -> None:
    network, (x, seizure, group) = PlantedNetwork(), planted_windows()
    layers = sites(network)
    values = activations.window_activations(network, layers, x, n_channels=1)["conv1.mean"]
    given = contributions(network, layers, x)["conv1"]
    first, second = halves(group, seizure)
    found = find_ensemble(
        "conv1", values[first], seizure[first], method=method, contributions=given[first]
    )
    assert found.units == CARRIERS
    tested = on_held_out(found, values[second], seizure[second], group[second])
    assert tested.auroc.value == 1
    assert tested.random.percentile > 95


def test_contributions_are_weight_times_activation_by_hand() -> None:
    network, (x, _, _) = PlantedNetwork(), planted_windows(20)
    found = contributions(network, sites(network), x)
    answers = x.mean(axis=(1, 3))
    for layer in ("conv1", "dense"):
        expected = np.zeros_like(answers)
        expected[:, list(CARRIERS)] = 2 * answers[:, list(CARRIERS)]
        np.testing.assert_allclose(found[layer], expected, rtol=1e-4, atol=1e-5)
    from captum.attr import LayerConductance, LayerGradientXActivation

    by_captum = LayerGradientXActivation(network, network.dense).attribute(torch.from_numpy(x))
    np.testing.assert_allclose(found["dense"], by_captum.detach().numpy(), rtol=1e-4, atol=1e-5)
    conducted = LayerConductance(network, network.dense).attribute(torch.from_numpy(x), n_steps=20)
    # its steps leave out both ends of the way from the baseline
    np.testing.assert_allclose(found["dense"], conducted.detach().numpy(), rtol=0.01, atol=1e-4)


def test_no_ensemble_is_larger_than_a_quarter_of_its_layer() -> None:
    seizure = np.arange(100) % 2 == 0
    values = RNG.normal(size=(100, 20)) + 3 * seizure[:, None]
    assert len(find_ensemble("x", values, seizure).units) == largest_size(20) == 5


def test_stability_of_equal_and_of_random_ensembles() -> None:
    values, seizure = planted_windows()[0].mean(axis=(1, 3)), planted_windows()[1]
    equal = stability([find_ensemble("x", values, seizure, seed=k) for k in range(4)], N_UNITS)
    assert equal.jaccard == 1
    assert equal.expected < 0.6
    assert [k for k, share in enumerate(equal.share) if share == 1] == list(CARRIERS)


def test_ensembles_of_labels_without_meaning_are_no_better_than_chance_on_the_other_half() -> None:
    p = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(160, 24))
        seizure, group = np.arange(160) % 2 == 0, np.arange(160) // 2 % 8
        first, second = halves(group, seizure, seed=seed)
        found = find_ensemble("x", values[first], seizure[first], seed=seed)
        tested = on_held_out(found, values[second], seizure[second], group[second], n_random=99)
        p.append(tested.random.p)
    assert kstest(p, "uniform").pvalue > 0.01


# ---- selection -----------------------------------------------------------------------------


def test_windows_are_balanced_over_classes_groups_and_recordings() -> None:
    everything = np.ones(400, dtype=bool)
    some = np.arange(400) < 60
    supplies = [
        Supply(everything, some, "a"),
        Supply(everything, some, "a"),
        Supply(everything, some, "b"),
        Supply(everything, np.zeros(400, dtype=bool), "c"),
    ]
    chosen = select_windows(supplies, 120)
    seizures = [int(s.seizure[k].sum()) for s, k in zip(supplies, chosen, strict=True)]
    others = [len(k) - n for k, n in zip(chosen, seizures, strict=True)]
    assert seizures == [15, 15, 30, 0]
    assert others == [10, 10, 20, 20]
    again = select_windows(supplies, 120)
    assert all((a == b).all() for a, b in zip(chosen, again, strict=True))
    few = select_windows([Supply(everything, np.arange(400) < 4, "a")], 120)[0]
    assert int((few < 4).sum()) == 4
    assert len(few) == 64
    unknown = select_windows([Supply(np.arange(400) < 10, some, "a")], 120)[0]
    assert unknown.max() < 10


def test_halves_share_no_group_and_both_have_seizures() -> None:
    group = np.repeat(np.arange(7), 10)
    seizure = (group < 3) & (np.arange(70) % 2 == 0)
    for seed in range(10):
        first, second = halves(group, seizure, seed=seed)
        assert not set(group[first]) & set(group[second])
        assert (first ^ second).all()
        assert seizure[first].any()
        assert seizure[second].any()
    with pytest.raises(ValueError, match="one half"):
        halves(group, seizure & (group == 0))


# ---- activations on disk -------------------------------------------------------------------


def written(folder: Path, n: int = 30):
    network, (x, seizure, group) = PlantedNetwork(), planted_windows(n)
    writer = activations.ActivationWriter(
        folder, network, n_windows=n, n_channels=1, n_descriptors=2
    )
    facts = {
        "recording": group,
        "group": group,
        "window": np.arange(n),
        "time_s": np.arange(n) * 1.5,
        "seizure": seizure,
        "descriptors": np.zeros((n, 2)),
    }
    return network, x, facts, writer


def test_activations_are_streamed_and_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    network, x, facts, writer = written(folder)
    for part in (slice(0, 7), slice(7, 30)):
        writer.add(network, x[part], {name: values[part] for name, values in facts.items()})
    assert activations.load(folder) is None, "nothing is found before it is finished"
    writer.finish({"model": "m"})
    found = activations.load(folder)
    assert found is not None
    assert found.layers == ("conv1", "dense")
    assert isinstance(found.of("conv1"), np.memmap)
    np.testing.assert_allclose(found.of("conv1"), x.mean(axis=(1, 3)), rtol=1e-5)
    np.testing.assert_allclose(found.of("conv1", "max"), x.max(axis=(1, 3)), rtol=1e-5)
    logits = network(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(found.fact("logit"), logits, atol=1e-4)
    assert (found.seizure == facts["seizure"]).all()


def test_a_set_beyond_the_limit_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="Choose fewer windows"):
        activations.ActivationWriter(
            tmp_path / "set",
            PlantedNetwork(),
            n_windows=10**6,
            n_channels=18,
            n_descriptors=2,
            max_bytes=10**6,
        )
    assert not list(tmp_path.iterdir())


def test_old_sets_give_way_and_what_was_cancelled_is_removed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        network, x, facts, writer = written(tmp_path / name)
        writer.add(network, x, facts)
        writer.finish({})
    written(tmp_path / "three")  # a run that was cancelled
    activations.prune(tmp_path, keep=tmp_path / "two", max_bytes=1)
    assert [p.name for p in tmp_path.iterdir()] == ["two"]


def test_a_damaged_description_is_no_set(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "meta.json").write_text("{")
    assert activations.load(tmp_path / "set") is None


# ---- perturbation --------------------------------------------------------------------------


def tone(*frequencies: float) -> np.ndarray:
    t = np.arange(720) / 80
    return np.stack([sum(np.sin(2 * np.pi * f * t + c) for f in frequencies) for c in range(3)])


def power_at(signal, frequency: float) -> float:
    spectrum = np.abs(np.fft.rfft(signal[0, 200:520])) ** 2
    return float(spectrum[round(frequency * 320 / 80)])


def test_filters_remove_and_keep_their_band() -> None:
    both = tone(5, 20).astype(np.float32)
    rng = np.random.default_rng(0)
    stopped = apply(both, 80, Perturbation("band-stop", 4, 8), rng)
    passed = apply(both, 80, Perturbation("band-pass", 4, 8), rng)
    assert power_at(stopped, 5) < 1e-3 * power_at(both, 5)
    assert power_at(stopped, 20) == pytest.approx(power_at(both, 20), rel=0.02)
    assert power_at(passed, 20) < 1e-3 * power_at(both, 20)
    np.testing.assert_allclose(stopped + passed, both, atol=1e-4)


def test_the_other_changes_by_their_definition() -> None:
    signal = RNG.normal(size=(6, 501)).astype(np.float32)
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(
        apply(signal, 80, Perturbation("scaled", factor=3), rng), 3 * signal
    )
    np.testing.assert_array_equal(apply(signal, 80, Perturbation("reversed"), rng), signal[:, ::-1])
    permuted = apply(signal, 80, Perturbation("permuted"), rng)
    assert sorted(map(tuple, permuted)) == sorted(map(tuple, signal))
    for odd_or_even in (signal, signal[:, :500]):
        turned = apply(odd_or_even, 80, Perturbation("phases"), rng)
        np.testing.assert_allclose(
            np.abs(np.fft.rfft(turned)), np.abs(np.fft.rfft(odd_or_even)), rtol=1e-3, atol=1e-3
        )
        np.testing.assert_allclose(np.cov(turned), np.cov(odd_or_even), atol=2e-2)
        assert not np.allclose(turned, odd_or_even)
    assert len({p.title for p in BATTERY}) == len(BATTERY)
    with pytest.raises(ValueError, match="none of"):
        Perturbation("louder")
    with pytest.raises(ValueError, match="band"):
        Perturbation("band-stop", 8, 4)


# ---- descriptors and units -----------------------------------------------------------------


def test_descriptors_say_what_a_signal_is() -> None:
    names = descriptor_names(80)
    left, right = np.array([True, True, False, False]), np.array([False, False, True, True])

    def of(signal):
        return dict(zip(names, describe(signal, 80, left=left, right=right), strict=True))

    noise = 0.5 * RNG.normal(size=(4, 720))
    t = np.arange(720) / 80
    theta = noise + 50 * np.sin(2 * np.pi * 5 * t)
    found = of(theta)
    assert found["peak frequency (Hz)"] == 5
    assert found["rhythmicity (dB)"] > 20 > of(noise)["rhythmicity (dB)"]
    assert found["theta share"] > 0.95
    assert found["amplitude (log RMS)"] == pytest.approx(math.log10(50 / math.sqrt(2)), abs=0.01)
    # a sine of amplitude a and frequency f has line length 4 a f per second
    assert found["line length (log)"] == pytest.approx(math.log10(4 * 50 * 5), abs=0.02)
    assert of(theta * [[0], [0], [1], [1]])["left-right asymmetry"] == pytest.approx(1, abs=1e-6)
    assert of(theta * np.linspace(0, 1, 720))["change within the window (dB)"] > 6
    spiky = noise.copy()
    spiky[:, 100::160] += 200
    assert of(spiky)["spikes per second"] == pytest.approx(5 / 9, abs=0.35)
    assert of(spiky)["spikes per second"] > 3 * of(noise)["spikes per second"]


def test_a_unit_is_named_by_what_it_follows_and_noise_is_not() -> None:
    names = descriptor_names(80)
    table = RNG.normal(size=(240, len(names)))
    k = names.index("theta share")
    values = np.stack([2 * table[:, k] + 0.3 * RNG.normal(size=240), RNG.normal(size=240)], axis=1)
    seizure, group = np.arange(240) % 2 == 0, np.arange(240) // 2 % 8
    follows, noise = name_units(values, table, names, seizure, group)
    assert follows.name == "more theta share"
    assert follows.explained.value > 0.9
    assert follows.explained.p <= 0.05
    assert follows.weights[0][0] == "theta share"
    assert noise.name == "no descriptor names it"
    assert noise.explained.value < 0.1


def test_frequency_response_of_a_known_filter() -> None:
    t = np.arange(40) / 80
    taps = np.stack([np.sin(2 * np.pi * 10 * t) * np.hanning(40), np.ones(40)])
    freqs, gain = frequency_response(taps, 80)
    assert freqs[int(np.argmax(gain[0]))] == pytest.approx(10, abs=0.5)
    assert freqs[int(np.argmax(gain[1]))] == 0
    assert gain.max() == 0


def test_first_filters_of_both_architectures() -> None:
    raw = first_filters(ShallowCnn(), sfreq=80, frame_s=1 / 80, bin_hz=None)
    assert raw is not None
    assert raw.weights.shape == (16, 21)
    assert raw.gain_db is not None
    of_spectrogram = first_filters(SpectrogramCnnLstm(), sfreq=80, frame_s=0.25, bin_hz=1.0)
    assert of_spectrogram is not None
    assert of_spectrogram.weights.shape == (8, 5, 3)
    assert of_spectrogram.gain_db is None


def test_preferred_windows_come_from_several_groups() -> None:
    activation, group = np.arange(20.0), (np.arange(20) < 15).astype(np.int64)
    found = preferred_windows(activation, group, n=4)
    assert found == (19, 18, 14, 13)
    assert preferred_windows(activation, 0 * group, n=4) == (19, 18, 17, 16)


def test_stimuli_differ_in_the_rhythm_alone() -> None:
    regions = {"left": [0, 1], "right": [2, 3]}
    wanted = stimuli(tuple(regions), best_hz=6)
    x = stimulus_windows(wanted, sfreq=80, n_samples=720, n_channels=4, regions=regions)
    background = x[0]
    loud = next(k for k, s in enumerate(wanted) if s.frequency_hz == 6 and s.amplitude_uv == 80)
    wave = x[loud] - background
    assert np.abs(wave).max() == pytest.approx(80, rel=0.02)
    freqs = np.fft.rfftfreq(720, 1 / 80)
    assert freqs[int(np.argmax(np.abs(np.fft.rfft(wave[0, 0]))))] == pytest.approx(6, abs=0.1)
    right = next(k for k, s in enumerate(wanted) if s.region == "right")
    np.testing.assert_array_equal(x[right][:, :2], background[:, :2])
