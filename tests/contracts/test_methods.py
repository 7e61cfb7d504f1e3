"""The contract of attribution methods: every entry of METHODS on every shipped network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from attribution_cases import MODELS, detector, seizure

from eegdash.attribution import BASELINES, METHODS, default_baseline
from eegdash.attribution.baselines import Baseline, make_baseline
from eegdash.attribution.maps import UNITS, Attribution
from eegdash.attribution.methods import attribute
from eegdash.checkpoints import Detector
from eegdash.errors import AttributionError

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
PAIRS = [(model, method) for model in MODELS for method in METHODS]


def baseline_of(model: str, name: str = "") -> Baseline:
    case, config = seizure(model, 5), detector(model).config
    return make_baseline(name or default_baseline(config.features), config, case.window, case.quiet)


def explained(model: str, method: str, **options: Any) -> Attribution:
    found = detector(model)
    return attribute(method, found, seizure(model, 5).window, baseline_of(model), **options)


def offered(model: str, method: str) -> None:
    problem = METHODS[method].problem(detector(model))
    if problem:
        # a refusal is a sentence with a remedy, and the method itself refuses as well
        assert problem.endswith(".")
        assert "Choose" in problem
        with pytest.raises(AttributionError, match="Choose"):
            explained(model, method)
        pytest.skip(problem)


def state_of(found: Detector) -> dict[str, Any]:
    network = found.network
    return {
        "weights": {k: v.clone() for k, v in network.state_dict().items()},
        "training": [m.training for m in network.modules()],
        "gradients": [(p.requires_grad, p.grad) for p in network.parameters()],
        "hooks": [[list(getattr(m, name)) for name in _HOOKS] for m in network.modules()],
        "attributes": [sorted(vars(m)) for m in network.modules()],
        "torch": torch.random.get_rng_state(),
        "numpy": np.random.get_state()[1].tolist(),
        "threads": torch.get_num_threads(),
    }


def assert_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name in ("training", "gradients", "hooks", "attributes", "numpy", "threads"):
        assert before[name] == after[name], name
    assert torch.equal(before["torch"], after["torch"])
    for name, value in before["weights"].items():
        assert torch.equal(value, after["weights"][name]), name


@pytest.mark.parametrize(("model", "method"), PAIRS)
def test_values_lie_on_the_grid_of_the_features(model: str, method: str) -> None:
    offered(model, method)
    found, case = explained(model, method), seizure(model, 5)
    assert found.method == method
    assert found.unit in UNITS
    assert found.values.dtype == np.float32
    assert found.values.shape == case.window.shape
    assert np.isfinite(found.values).all()
    assert found.limit > 0
    assert found.ch_names == detector(model).config.ch_names
    assert len(found.time_s) == found.values.shape[-1]
    assert found.logit == pytest.approx(case.logit, abs=1e-4)
    assert bool(found.baseline) == METHODS[method].needs_baseline
    assert (found.native is not None) == ("cam" in method)
    assert found.parameters


@pytest.mark.parametrize(("model", "method"), PAIRS)
def test_the_network_is_left_exactly_as_it_was(model: str, method: str) -> None:
    offered(model, method)
    used, window = detector(model), seizure(model, 5).window[None]
    logit, before = used.logits(window), state_of(used)
    first = explained(model, method)
    assert_same(before, state_of(used))
    assert np.array_equal(used.logits(window), logit)
    assert np.array_equal(explained(model, method).values, first.values)


class StoppedError(Exception):
    """Raised by a reader who cancels."""


@pytest.mark.parametrize(("model", "method"), PAIRS)
def test_a_failure_inside_the_network_leaves_it_as_it_was(
    model: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered(model, method)
    used, before = detector(model), state_of(detector(model))
    window, baseline = seizure(model, 5).window, baseline_of(model)
    head = type(used.network).head

    def fail(self: Any, codes: torch.Tensor) -> torch.Tensor:
        head(self, codes)
        raise StoppedError

    with monkeypatch.context() as patched:
        patched.setattr(type(used.network), "head", fail)
        with pytest.raises(StoppedError):
            attribute(method, used, window, baseline)
    assert_same(before, state_of(used))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "method", ["integrated-gradients", "gradient-shap", "occlusion", "saliency"]
)
def test_long_methods_tell_how_far_they_are_and_can_be_stopped(model: str, method: str) -> None:
    told: list[float] = []
    explained(model, method, progress=told.append)
    assert told
    assert told == sorted(told)
    assert told[-1] == 1

    def stop(done: float) -> None:
        raise StoppedError

    before = state_of(detector(model))
    with pytest.raises(StoppedError):
        explained(model, method, progress=stop)
    assert_same(before, state_of(detector(model)))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", list(BASELINES))
def test_every_baseline_fits_or_is_refused_in_words(model: str, name: str) -> None:
    config = detector(model).config
    if config.features not in BASELINES[name].features:
        with pytest.raises(AttributionError, match="Choose one of"):
            baseline_of(model, name)
        return
    made = baseline_of(model, name)
    window = seizure(model, 5).window
    assert made.values.shape == window.shape
    assert made.values.dtype == np.float32
    assert made.samples.shape[1:] == window.shape
    assert made.note
    assert np.isfinite(made.samples).all()
    found = attribute("occlusion", detector(model), window, made)
    assert found.baseline == name


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("usual", [True, False])
def test_integrated_gradients_are_complete_on_the_shipped_networks(
    model: str, seed: int, usual: bool
) -> None:
    """Within 2 % of the difference of the logits, or 0.05 logit, whichever is larger."""
    used, case = detector(model), seizure(model, seed)
    name = default_baseline(used.config.features) if usual else "interictal-window"
    baseline = make_baseline(name, used.config, case.window, case.quiet)
    found = attribute("integrated-gradients", used, case.window, baseline)
    assert found.completeness_error is not None
    allowed = max(0.05, 0.02 * abs(found.logit - found.baseline_logit))
    assert abs(found.completeness_error) <= allowed
    assert found.complete


def test_from_silence_the_raw_network_misses_its_sum_and_the_map_says_so() -> None:
    """Its answer does not depend on loudness, so that nothing changes along the path."""
    found = attribute(
        "integrated-gradients",
        detector("shallow-cnn"),
        seizure("shallow-cnn", 5).window,
        baseline_of("shallow-cnn", "zeros"),
    )
    assert found.complete is False
    assert found.parameters["steps"] <= 256


def test_integrated_gradients_take_more_steps_only_where_the_sum_is_missed() -> None:
    steps = set()
    for seed in range(6):
        case, used = seizure("shallow-cnn", seed), detector("shallow-cnn")
        baseline = make_baseline("interictal-surrogate", used.config, case.window, case.quiet)
        found = attribute("integrated-gradients", used, case.window, baseline)
        steps.add(found.parameters["steps"])
        assert found.complete
    assert 64 in steps
    assert steps <= {64, 128, 256}


@pytest.mark.parametrize("model", MODELS)
def test_deep_lift_is_not_offered_where_its_sum_does_not_hold(model: str) -> None:
    problem = METHODS["deep-lift"].problem(detector(model))
    assert "add up" in problem


def test_two_readers_at_once_get_what_each_would_get_alone() -> None:
    from concurrent.futures import ThreadPoolExecutor

    asked = ["grad-cam", "saliency", "hires-cam", "gradient-shap"]
    alone = [explained("shallow-cnn", method).values for method in asked]
    before = state_of(detector("shallow-cnn"))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda method: explained("shallow-cnn", method).values, asked * 3))
    for found, expected in zip(together, alone * 3, strict=True):
        assert np.array_equal(found, expected)
    assert_same(before, state_of(detector("shallow-cnn")))
