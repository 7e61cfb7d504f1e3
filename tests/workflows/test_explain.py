"""Explaining windows: as detection read them, stored, cancellable, and never confused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from attribution_cases import MODELS, SHIPPED
from simulated_files import write_noise

from eegdash.attribution import METHODS, faithfulness, network_call
from eegdash.attribution.masks import BAND, Mask
from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import UNSCORED, ProbabilityTrace
from eegdash.errors import AttributionError, CheckpointError
from eegdash.workflows import explain_material
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain import Request, explain, stored_explanation
from eegdash.workflows.explain_alarm import shortcut_alarm, stored_alarm, windows_for_alarm
from eegdash.workflows.explain_checks import (
    agreement,
    check,
    stability,
    stored_checks,
    stored_stability,
)
from eegdash.workflows.explain_job import answer
from eegdash.workflows.explain_methods import stored_unsuitable_methods, unsuitable_methods
from eegdash.workflows.explain_span import (
    MOST_WINDOWS,
    explain_span,
    stored_span,
    windows_between,
)
from eegdash.workflows.explain_what_if import (
    masks_for,
    stored_what_if,
    stored_what_if_trace,
    what_if,
    what_if_together,
    what_if_trace,
)
from eegdash.workflows.explain_windows import (
    nearest_confident_non_seizure,
    presets,
    window_at,
    windows_of_span,
)
from eegdash.workflows.model_decisions import Action, decide_model
from eegdash.workflows.score import Scored, score

IG = "integrated-gradients"


class CancelledError(Exception):
    """Raised where a reader cancels."""


def stop(done: float) -> None:
    raise CancelledError


@pytest.fixture
def path(desk: Desk) -> Path:
    return write_noise(desk.workspace.recordings / "Doe^Jane.edf")


@pytest.fixture
def request_(path: Path, tiny_model: CheckpointInfo) -> Request:
    return Request(path, tiny_model.name, 12)


def traced(desk: Desk, path: Path, model: str) -> ProbabilityTrace:
    outcome = score(desk, path, desk.model(model))
    assert isinstance(outcome, Scored), outcome
    return outcome.trace


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("sfreq", [128.0, 200.0])
def test_every_window_is_the_one_that_was_scored(desk: Desk, model: str, sfreq: float) -> None:
    """The logit of a window read alone gives the stored per mille, to the last digit."""
    path = write_noise(desk.workspace.recordings / "n.edf", seconds=31, sfreq=sfreq, seed=4)
    name = str(SHIPPED / model)
    trace = traced(desk, path, name)
    for index in (0, 7, trace.n_windows - 1):
        found = explain(desk, Request(path, name, index, "saliency"))
        assert round(1000 * found.probability) == trace.probability_pm[index]
        assert found.window.centre_s == pytest.approx(trace.time_s[index])
        assert found.window.end_s - found.window.onset_s == pytest.approx(9.0)
        assert found.window.scorable
        assert found.window.usable.shape == (3, 18)
        assert (found.window.log_power_db is not None) == (model == MODELS[0])


def test_the_triptych_is_shown_in_decibels(desk: Desk, request_: Request) -> None:
    found = explain(desk, request_)
    config = explain_material.open_material(desk, request_.path, request_.model).config
    expected = 10 * (found.window.features * config.normalisation.scale)
    np.testing.assert_allclose(found.window.log_power_db, expected, atol=1e-4)
    assert found.window.segment_onset_s == (18.0, 21.0, 24.0)


@pytest.mark.parametrize("method", [IG, "grad-cam", "occlusion"])
def test_a_stored_result_is_the_same_and_asks_no_network(
    desk: Desk, request_: Request, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = replace(request_, method=method)
    assert stored_explanation(desk, request) is None
    first = explain(desk, request)
    assert not first.from_cache

    def refuse(*_: Any) -> None:
        raise AssertionError("the network was loaded")

    monkeypatch.setattr(explain_material.Material, "detector", property(refuse))
    again = stored_explanation(desk, request)
    assert again is not None
    assert again.from_cache
    assert np.array_equal(again.map.values, first.map.values)
    assert np.array_equal(again.window.features, first.window.features)
    assert again.provenance == first.provenance
    assert again.map.completeness_error == first.map.completeness_error
    assert (again.map.native is None) == (first.map.native is None)
    if first.baseline is not None:
        assert again.baseline is not None
        assert np.array_equal(again.baseline.values, first.baseline.values)
        assert (again.baseline.note, again.baseline.logit) == (
            first.baseline.note,
            first.baseline.logit,
        )


def test_results_of_other_models_baselines_windows_and_maps_are_not_confused(
    desk: Desk, request_: Request, other_model: CheckpointInfo
) -> None:
    explain(desk, request_)
    for other in (
        replace(request_, model=other_model.name),
        replace(request_, index=13),
        replace(request_, method="gradient-shap"),
        replace(request_, baseline="training-mean"),
    ):
        assert stored_explanation(desk, other) is None
    # the usual baseline by name is the same question
    assert stored_explanation(desk, replace(request_, baseline="interictal-median")) is not None
    # scoring makes other quiet windows known, so that the old baseline no longer stands
    traced(desk, request_.path, request_.model)
    assert stored_explanation(desk, request_) is None


def test_provenance_names_hashes_and_no_person(desk: Desk, request_: Request) -> None:
    found = explain(desk, request_)
    text = json.dumps(found.provenance)
    assert "Doe" not in text
    assert str(request_.path.parent) not in text
    assert found.provenance["recording"] == f"rec-{found.provenance['recording_sha256'][:8]}"
    assert found.provenance["baseline"] == "interictal-median"
    assert found.provenance["window_s"] == [18.0, 27.0]
    assert found.provenance["parameters"]["steps"] == 64


def test_quiet_windows_are_those_of_the_lowest_probability(desk: Desk, request_: Request) -> None:
    trace = traced(desk, request_.path, request_.model)
    found = explain(desk, request_)
    assert found.baseline is not None
    lowest = np.sort(trace.probability_pm)[: round(0.2 * trace.n_windows)]
    assert f"the probability is {lowest[-1] / 1000:.2f} at most" in found.baseline.note
    assert "nobody has said" in found.baseline.note


def test_a_cancelled_explanation_leaves_nothing_and_can_be_asked_again(
    desk: Desk, request_: Request
) -> None:
    with pytest.raises(CancelledError):
        explain(desk, request_, stop)
    assert stored_explanation(desk, request_) is None
    told: list[float] = []
    explain(desk, request_, told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def test_what_cannot_be_explained_is_refused_in_words(desk: Desk, request_: Request) -> None:
    for changed, words in (
        ({"index": 9999}, "There is no window 9999"),
        ({"index": -1}, "There is no window -1"),
        ({"method": "magic"}, "no method called"),
        ({"baseline": "zeros"}, "does not fit this detector"),
        ({"baseline": "magic"}, "does not fit this detector"),
    ):
        with pytest.raises(AttributionError, match=words):
            explain(desk, replace(request_, **changed))
    with pytest.raises(CheckpointError):
        explain(desk, replace(request_, model="absent"))


def test_a_window_in_a_gap_is_refused(desk: Desk, tiny_model: CheckpointInfo) -> None:
    from eegdash.export import write_edf
    from eegdash.montage import ELECTRODES_10_20

    rng = np.random.default_rng(0)
    signal = 30 * rng.standard_normal((19, 40 * 128)).astype(np.float32)
    signal[:, 15 * 128 : 25 * 128] = 0  # flat, all of them
    path = desk.workspace.recordings / "flat.edf"
    write_edf(path, signal, 128.0, ELECTRODES_10_20)
    assert traced(desk, path, tiny_model.name).probability_pm[10] == UNSCORED
    with pytest.raises(AttributionError, match="was not scored"):
        explain(desk, Request(path, tiny_model.name, 10))


# ---- checks --------------------------------------------------------------------------------


def test_checks_are_stored_and_read_back(desk: Desk, request_: Request) -> None:
    assert stored_checks(desk, request_) is None
    with pytest.raises(CancelledError):
        check(desk, request_, stop)
    assert stored_checks(desk, request_) is None
    told: list[float] = []
    first = check(desk, request_, told.append)
    assert told[-1] == 1
    again = stored_checks(desk, request_)
    assert again is not None
    assert again.randomisation == first.randomisation
    assert again.insertion.auc == first.insertion.auc
    assert np.array_equal(again.deletion.random_low, first.deletion.random_low)
    assert again.insertion.n_random >= 20
    assert again.note == ""
    without = check(desk, replace(request_, method="grad-cam"))
    assert without.note == "Tested against: Interictal median."
    assert stored_stability(desk, request_) is None
    found = stability(desk, request_)
    assert stored_stability(desk, request_) == found


def test_maps_of_a_window_are_held_against_the_same_random_orders_and_networks(
    desk: Desk, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a scored recording, whose background makes a detector of its own."""
    assert len(traced(desk, request_.path, request_.model).background)
    curves: list[str] = []
    twins: list[int] = []
    along, randomised = faithfulness._along, network_call.randomised

    def counted(*arguments: Any) -> Any:
        curves.append("one")
        return along(*arguments)

    def made(network: Any, seed: int) -> Any:
        twins.append(seed)
        return randomised(network, seed)

    monkeypatch.setattr(faithfulness, "_along", counted)
    monkeypatch.setattr(network_call, "randomised", made)
    for cached in (faithfulness._random_logits, faithfulness._twin):
        cached.cache_clear()
    check(desk, request_)
    assert (len(curves), twins) == (2 + 2 * faithfulness.N_RANDOM, [0, 1, 2])
    check(desk, replace(request_, method="grad-cam"))
    assert (len(curves), twins) == (4 + 2 * faithfulness.N_RANDOM, [0, 1, 2])


def test_agreement_is_one_with_itself_and_none_between_other_grids(
    desk: Desk, request_: Request
) -> None:
    first = explain(desk, request_)
    second = explain(desk, replace(request_, method="gradient-shap"))
    raw = explain(desk, replace(request_, model=str(SHIPPED / "shallow-cnn")))
    found = agreement([first, second, first, raw])
    np.testing.assert_allclose(np.diag(found), 1.0)
    assert found[0, 2] == pytest.approx(1.0)
    assert -1 < found[0, 1] < 1
    assert np.isnan(found[3, :3]).all()
    np.testing.assert_array_equal(found, found.T)
    mixing = replace(
        first, map=replace(first.map, values=first.map.values.sum(axis=1), ch_names=())
    )
    assert agreement([first, mixing])[0, 1] == pytest.approx(1.0)


def test_methods_that_do_not_fit_are_known_once_tried(desk: Desk) -> None:
    info = desk.model(str(SHIPPED / "shallow-cnn"))
    assert stored_unsuitable_methods(desk, info) is None
    found = unsuitable_methods(desk, str(info.folder))
    assert set(found) == {"deep-lift"}
    assert stored_unsuitable_methods(desk, info) == found
    assert set(METHODS) > set(found)


# ---- windows -------------------------------------------------------------------------------


def made_trace(values: list[int]) -> ProbabilityTrace:
    pm = np.array(values, dtype=np.uint16)
    return ProbabilityTrace(pm, 4.5, 1.5, 1.5 * len(values) + 7.5, "m", "a" * 64, "b" * 64)


def test_windows_of_a_span_are_those_whose_centre_lies_in_it() -> None:
    trace = made_trace([100, 200, 900, 800, UNSCORED, 100])
    found = windows_of_span(trace, 6.0, 3.0)
    assert found.indices.tolist() == [1, 2, 3]
    assert found.probability.tolist() == [0.2, 0.9, 0.8]
    assert found.strongest == 2
    assert windows_of_span(trace, 6.1, 0.2).indices.tolist() == [1]
    gap = windows_of_span(trace, 10.4, 0.2)
    assert (gap.indices.tolist(), gap.strongest) == ([4], 4)
    assert np.isnan(gap.probability).all()
    assert [window_at(trace, t) for t in (-5, 4.5, 5.3, 1e6)] == [0, 0, 1, 5]


def test_the_quiet_neighbour_is_sure_and_shares_no_second() -> None:
    trace = made_trace([900] * 3 + [100] * 12 + [50] + [500] + [100] * 3)
    assert nearest_confident_non_seizure(trace, 2) == 8  # 9 s apart
    assert nearest_confident_non_seizure(trace, 19) == 13
    assert nearest_confident_non_seizure(made_trace([300] * 30), 3) is None
    assert nearest_confident_non_seizure(made_trace([900] + [UNSCORED] * 20), 0) is None


def test_presets_are_two_to_four_panels_or_say_what_is_missing(
    desk: Desk, request_: Request, other_model: CheckpointInfo
) -> None:
    def asked() -> dict[str, Any]:
        return {p.name: p for p in presets(desk, request_.path, request_.model, 12)}

    before = asked()
    assert list(before) == ["methods", "contrast", "tuning", "models"]
    assert before["contrast"].problem.startswith("Score the recording first")
    assert "fine-tuned" in before["tuning"].problem
    assert {r.model for r in before["models"].requests} == {"tiny", other_model.name}
    traced(desk, request_.path, request_.model)
    for preset in asked().values():
        assert bool(preset.problem) != bool(preset.requests)
        assert preset.problem or 2 <= len(preset.requests) <= 4
        assert all(request.method in METHODS for request in preset.requests)


def test_a_fine_tuned_model_is_shown_beside_the_one_it_began_from(
    desk: Desk, request_: Request, tiny_models: Path
) -> None:
    import shutil

    from safetensors.torch import load_file

    from eegdash.checkpoints import read_config, save_checkpoint
    from eegdash.networks import network_class

    config = read_config(tiny_models / "tiny")
    network = network_class(config.architecture)(**config.parameters)
    network.load_state_dict(load_file(tiny_models / "tiny" / "model.safetensors"))
    child = replace(
        config, name="tuned", temperature=2.0, training={"parent": {"sha256": config.sha256}}
    )
    save_checkpoint(desk.workspace.models / "tuned", child, network.eval(), card="# For tests\n")
    (tuned,) = (info for info in desk.checkpoints() if info.name == "tuned")
    try:
        promote = {"reviewer": "A", "comment": "for tests", "decision_id": str(uuid4())}
        decide_model(desk.workspace, tuned, Action.PROMOTE, **promote)
        for model in ("tiny", "tuned"):
            found = {p.name: p for p in presets(desk, request_.path, model, 12)}["tuning"]
            assert [r.model for r in found.requests[:2]] == ["tiny", "tuned"]
    finally:
        shutil.rmtree(desk.workspace.models / "tuned")


# ---- what if -------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["tiny", str(SHIPPED / "shallow-cnn")])
def test_masking_everything_gives_the_baseline_and_nothing_else_does(
    desk: Desk, path: Path, model: str
) -> None:
    request = Request(path, model, 12)
    masks = masks_for(desk, model)
    changes = what_if(desk, request, masks)
    assert [change.mask for change in changes] == list(masks)
    assert stored_what_if(desk, request, masks) == changes
    found = explain(desk, request)
    assert found.baseline is not None
    assert changes[0].before == pytest.approx(found.probability, abs=1e-6)
    slices = [mask for mask in masks if mask.kind == BAND and mask.name.startswith("B")]
    everything = what_if_together(desk, request, slices)
    assert everything.after == pytest.approx(found.baseline.probability, abs=1e-3)
    assert everything.logit_after == pytest.approx(found.baseline.logit, abs=1e-2)
    with pytest.raises(AttributionError, match="Nothing is masked"):
        what_if_together(desk, request, [])


def test_the_masked_trace_starts_from_the_stored_one(desk: Desk, request_: Request) -> None:
    trace = traced(desk, request_.path, request_.model)
    masks = [m for m in masks_for(desk, request_.model) if m.name in ("theta", "LL")]
    assert stored_what_if_trace(desk, request_, masks) is None
    with pytest.raises(CancelledError):
        what_if_trace(desk, request_, masks, progress=stop)
    assert stored_what_if_trace(desk, request_, masks) is None
    told: list[float] = []
    found = what_if_trace(desk, request_, masks, progress=told.append)
    assert told[-1] == 1
    assert np.array_equal(found.before_pm, trace.probability_pm)
    np.testing.assert_allclose(found.time_s, trace.time_s)
    assert not np.array_equal(found.after_pm, found.before_pm)
    one = what_if_together(desk, request_, masks)
    assert abs(int(found.after_pm[12]) - 1000 * one.after) <= 1
    again = stored_what_if_trace(desk, request_, masks[::-1])  # the order of masks says nothing
    assert again is not None
    assert np.array_equal(again.after_pm, found.after_pm)


def test_a_span_of_the_masked_trace_is_the_same_there(desk: Desk, request_: Request) -> None:
    masks = [Mask(BAND, "theta", 4.0, 8.0)]
    whole = what_if_trace(desk, request_, masks)
    part = what_if_trace(desk, request_, masks, span_s=(15.0, 24.0))
    assert part.time_s.tolist() == [15.0, 16.5, 18.0, 19.5, 21.0, 22.5, 24.0]
    assert np.array_equal(part.after_pm, whole.after_pm[part.first : part.first + 7])
    assert len(what_if_trace(desk, request_, masks, span_s=(1e6, 2e6)).time_s) == 1


def test_a_baseline_of_one_window_cannot_fill_a_trace(desk: Desk, request_: Request) -> None:
    blurred = replace(request_, baseline="blurred")
    with pytest.raises(AttributionError, match="Choose Interictal median"):
        what_if_trace(desk, blurred, [Mask(BAND, "theta", 4.0, 8.0)])
    assert what_if(desk, blurred, [Mask(BAND, "theta", 4.0, 8.0)])


# ---- spans ---------------------------------------------------------------------------------


def test_a_span_is_explained_window_by_window(desk: Desk, request_: Request) -> None:
    traced(desk, request_.path, request_.model)
    assert stored_span(desk, request_, 16) is None
    with pytest.raises(CancelledError):
        explain_span(desk, request_, 16, stop)
    assert stored_span(desk, request_, 16) is None
    assert stored_explanation(desk, request_) is not None, "what was explained by then is kept"
    told: list[float] = []
    found = explain_span(desk, request_, 16, told.append)
    assert told[-1] == 1
    assert found.indices.tolist() == [12, 13, 14, 15, 16]
    for place, index in enumerate(found.indices):
        stored = stored_explanation(desk, replace(request_, index=int(index)))
        assert stored is not None
        made = stored.map
        assert found.logit[place] == made.logit
        for rows in (found.by_band, found.by_region):
            assert rows[0, :, place].sum() == pytest.approx(made.positive_mass, rel=1e-4)
            assert rows[1, :, place].sum() == pytest.approx(made.negative_mass, rel=1e-4)
        assert found.by_slice.shape == (2, 5, 5)
    assert found.regions == ("LL", "LP", "ML", "RP", "RL")
    again = stored_span(desk, request_, 16)
    assert again is not None
    assert (again.bands, again.regions, again.step) == (found.bands, found.regions, 1)
    np.testing.assert_array_equal(again.by_band, found.by_band)
    assert stored_span(desk, replace(request_, method="grad-cam"), 16) is None
    with pytest.raises(AttributionError, match="before it begins"):
        explain_span(desk, request_, 11)
    with pytest.raises(AttributionError, match="Choose a time inside"):
        explain_span(desk, request_, 10_000)


def test_a_long_span_is_thinned_evenly() -> None:
    assert windows_between(3, 3 + MOST_WINDOWS - 1).tolist() == list(range(3, 3 + MOST_WINDOWS))
    long = windows_between(0, 1000)
    assert len(long) <= MOST_WINDOWS
    assert set(np.diff(long)) == {21}


def test_windows_of_a_gap_stay_empty_in_a_span(
    desk: Desk, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = traced(desk, request_.path, request_.model)
    holed = replace(trace, probability_pm=trace.probability_pm.copy())
    holed.probability_pm[13] = UNSCORED
    monkeypatch.setattr(explain_material, "stored_trace", lambda *_: holed)
    found = explain_span(desk, request_, 14)
    assert np.isnan(found.logit).tolist() == [False, True, False]
    assert np.isnan(found.by_region[:, :, 1]).all()
    again = stored_span(desk, request_, 14)
    assert again is not None
    np.testing.assert_array_equal(again.by_region, found.by_region)
    holed.probability_pm[:] = UNSCORED
    with pytest.raises(AttributionError, match="No window of this span was scored"):
        explain_span(desk, replace(request_, index=20), 21)


def test_warming_up_loads_what_the_first_answer_needs(desk: Desk, request_: Request) -> None:
    explain_material.loaded_detector.cache_clear()
    arguments = {
        "question": "warm", "path": str(request_.path), "model": request_.model, "index": 0,
        "method": IG, "baseline": "",
    }  # fmt: skip
    assert answer(desk, arguments, lambda done: None) == {"question": "warm"}
    assert stored_unsuitable_methods(desk, desk.model(request_.model)) is not None
    assert explain_material.loaded_detector.cache_info().currsize == 1


# ---- shortcut alarm ------------------------------------------------------------------------


def test_the_alarm_is_computed_over_windows_of_both_classes_and_stored(
    desk: Desk, request_: Request, tiny_model: CheckpointInfo
) -> None:
    path, model = request_.path, request_.model
    assert windows_for_alarm(desk, [path], model) == ()  # not scored
    trace = traced(desk, path, model)
    windows = windows_for_alarm(desk, [path], model, per_class=4)
    for window in windows:
        pm = trace.probability_pm[window.index]
        assert pm >= tiny_model.threshold_pm if window.seizure else pm <= 200
    assert {window.seizure for window in windows} == {True, False}
    assert stored_alarm(desk, windows, model) is None
    told: list[float] = []
    report = shortcut_alarm(desk, windows, model, told.append)
    assert told[-1] == 1
    again = stored_alarm(desk, windows, model)
    assert again is not None
    assert again.signs == report.signs
    assert again.bands == report.bands
    np.testing.assert_array_equal(again.other_profile, report.other_profile)
    assert stored_alarm(desk, windows[1:], model) is None


def test_an_alarm_without_a_quiet_window_is_kept_as_well(desk: Desk, request_: Request) -> None:
    traced(desk, request_.path, request_.model)
    windows = windows_for_alarm(desk, [request_.path], request_.model, per_class=1)
    seizures = [window for window in windows if window.seizure]
    report = shortcut_alarm(desk, seizures, request_.model)
    assert report.n_other == 0
    assert np.isnan(report.other_profile).all()
    again = stored_alarm(desk, seizures, request_.model)
    assert again is not None
    assert np.isnan(again.other_profile).all()
    assert next(s for s in again.signs if s.name == "same profile").raised is None


# ---- what the server may import ------------------------------------------------------------


def test_reading_stored_results_imports_no_torch(desk: Desk, request_: Request) -> None:
    """The server's process shows what a worker computed; torch would cost it seconds and memory."""
    import subprocess
    import sys

    explain(desk, request_)
    code = (
        "import sys; from pathlib import Path; from eegdash.workflows import desk as d; "
        "from eegdash.settings import Settings; "
        "from eegdash.attribution.digest import digest; "
        "from eegdash.workflows import explain_checks, explain_job, explain_what_if; "
        "from eegdash.workflows.explain import Request, stored_explanation; "
        "d.SHIPPED_MODELS = Path(sys.argv[1]); "
        "desk = d.open_desk(Settings(workspace=Path(sys.argv[2]))); "
        "found = stored_explanation(desk, Request(Path(sys.argv[3]), 'tiny', 12)); "
        "digest(found.map); explain_checks.agreement([found, found]); "
        "explain_what_if.masks_for(desk, 'tiny'); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'captum')))"
    )
    models = desk.model("tiny").folder.parent
    arguments = [str(models), str(desk.workspace.root), str(request_.path)]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, timeout=120)
