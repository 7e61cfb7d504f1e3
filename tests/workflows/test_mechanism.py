"""Analyses of a detector's units on recordings of a workspace."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated_files import write_events, write_noise

from eegdash.checkpoints import CheckpointInfo, load_checkpoint
from eegdash.detection import detect
from eegdash.errors import DatasetError
from eegdash.jobs import Job, JobQueue
from eegdash.mechanism.perturbation import BATTERY, Perturbation
from eegdash.workflows import mechanism_altered
from eegdash.workflows.desk import Desk
from eegdash.workflows.library import open_path
from eegdash.workflows.mechanism import (
    analyse,
    compute_activations,
    load_activations,
    mechanism_task,
    stored_result,
)
from eegdash.workflows.mechanism_analyses import ANALYSES, INPUT
from eegdash.workflows.mechanism_points import UNJUDGED, points, window_eeg
from eegdash.workflows.mechanism_saved import (
    KINDS,
    comparable,
    compare,
    counterpart,
    figures_of,
    findings,
    save_result,
    saved_of_model,
    saved_results,
)
from eegdash.workflows.mechanism_silencing import altered_sha256
from eegdash.workflows.mechanism_told import told
from eegdash.workflows.mechanism_windows import (
    ActivationRequest,
    load_detector,
    untrained_copy,
)
from eegdash.workflows.reference_sets import NO_REFERENCE, WITHHELD, known_recordings
from eegdash.workflows.review import decide
from eegdash.workflows.score import Scored, load_trace, score

SECONDS = 60.0
BASE = {"summary": "mean", "seed": 0}


# covered by the tests of separation and perturbation below, and of the picture in the browser
_ELSEWHERE = ("picture", "stability", "separation", "perturbation")


def quiet(_: float) -> None:
    """Progress that nobody looks at."""


@pytest.fixture
def paths(desk: Desk) -> tuple[Path, ...]:
    """Recordings of four persons; the rhythm of the noise is the seizure."""
    found = []
    for k in range(4):
        path = write_noise(desk.workspace.recordings / f"chb0{k + 1}_01.edf", seed=k)
        write_events(path, [(2, 12), (31, 13)], SECONDS)
        found.append(path)
    return tuple(found)


@pytest.fixture
def request_(paths: tuple[Path, ...], tiny_model: CheckpointInfo) -> ActivationRequest:
    """Eighty windows of all of them."""
    return ActivationRequest(tiny_model, paths, 80)


def silencing(units: list[int], layer: str = "conv2", **changes: object) -> dict[str, object]:
    return {
        "layer": layer,
        "units": units,
        "mode": "mean",
        "keep_only": False,
        "n_controls": 4,
        "seed": 0,
        "half": "tested",
        **changes,
    }


def test_stored_logits_are_those_the_detector_scores_with(
    desk: Desk, request_: ActivationRequest
) -> None:
    seen: list[float] = []
    found = compute_activations(desk, request_, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)
    known = points(desk, found, request_.model)
    assert len(known["time_s"]) == len(found.seizure) == 80
    assert int(found.seizure.sum()) == 40
    assert len(set(known["group"])) == 4
    for k, path in enumerate(request_.paths):
        outcome = score(desk, path, request_.model)
        assert isinstance(outcome, Scored)
        mine = np.asarray(found.fact("recording")) == k
        window = np.asarray(found.fact("window"))[mine]
        scored = outcome.trace.probability_pm[window] / 1000
        np.testing.assert_allclose(np.array(known["probability"])[mine], scored, atol=6e-4)
        np.testing.assert_allclose(outcome.trace.time_s[window], np.array(known["time_s"])[mine])


def test_the_same_request_is_found_again_and_another_is_another(
    desk: Desk, request_: ActivationRequest
) -> None:
    key = request_.key(desk)
    compute_activations(desk, request_)
    assert load_activations(desk, key) is not None
    again = ActivationRequest.from_arguments(desk, json.loads(json.dumps(request_.as_arguments())))
    assert again.key(desk) == key
    for other in (
        replace(request_, seed=1),
        replace(request_, changed=Perturbation("reversed")),
        replace(request_, untrained=True),
        replace(request_, by="recording"),
    ):
        assert other.key(desk) != key
    write_events(request_.paths[0], [(2, 12)], SECONDS)
    assert request_.key(desk) != key, "another truth gives other windows"


def test_a_changed_input_changes_what_the_units_see(
    desk: Desk, request_: ActivationRequest
) -> None:
    plain = compute_activations(desk, request_)
    changed = replace(request_, changed=Perturbation("band-stop", 2, 8))
    filtered = compute_activations(desk, changed)
    names = list(plain.meta["descriptors"])
    theta = names.index("theta power (log)")
    both = [found.fact("descriptors")[:, theta] for found in (plain, filtered)]
    assert (np.asarray(both[1]) < np.asarray(both[0]) - 1).all()
    assert not np.allclose(plain.of("conv1"), filtered.of("conv1"))
    assert filtered.meta["input"] == "without 2-8 Hz"


@pytest.mark.parametrize("kind", [k for k in ANALYSES if k not in _ELSEWHERE])
def test_every_analysis_gives_finite_json_with_its_provenance(
    desk: Desk, request_: ActivationRequest, kind: str
) -> None:
    parameters = dict(BASE)
    if kind in ("units", "ensembles"):
        parameters |= {"layer": "conv2"}
    if kind == "silencing":
        parameters = silencing([0])
    found = analyse(desk, request_, kind, parameters, quiet)
    text = json.dumps(found, allow_nan=False)
    assert found["provenance"]["model_sha256"] == request_.model.sha256
    for path in request_.paths:
        assert path.stem not in text, "no file name enters a result"
    stored = stored_result(desk, request_.key(desk), kind, parameters)
    assert json.loads(text) == stored
    assert told(found).endswith(".") == (kind in KINDS)


def test_separation_has_the_input_and_every_layer(desk: Desk, request_: ActivationRequest) -> None:
    result = analyse(desk, request_, "separation", BASE, quiet)["result"]
    json.dumps(result, allow_nan=False)
    layers = [row["layer"] for row in result["layers"]]
    assert layers == [INPUT, "conv1", "conv2", "conv3", "code", "lstm", "dense"]
    # the rhythm is there or not, and the descriptors say so
    assert result["layers"][0]["probe"]["auroc"]["value"] > 0.7


def test_perturbations_start_from_the_scored_probability(
    desk: Desk, request_: ActivationRequest
) -> None:
    result = analyse(desk, request_, "perturbation", BASE, quiet)["result"]
    json.dumps(result, allow_nan=False)
    rows = result["rows"]
    assert [row["title"] for row in rows] == ["as recorded", *(p.title for p in BATTERY)]
    found = load_activations(desk, request_.key(desk))
    assert found is not None
    known = points(desk, found, request_.model)
    p, seizure = np.array(known["probability"]), found.seizure
    assert rows[0]["seizure"]["value"] == pytest.approx(p[seizure].mean(), abs=1e-3)
    assert rows[0]["other"]["value"] == pytest.approx(p[~seizure].mean(), abs=1e-3)
    assert rows[0]["seizure_change"]["value"] == 0


# ---- silencing -----------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["conv1", "code", "lstm", "dense"])
def test_the_unaltered_trace_is_the_models_and_the_altered_one_is_not(
    desk: Desk, request_: ActivationRequest, layer: str
) -> None:
    traces = {}
    for path in request_.paths:
        outcome = score(desk, path, request_.model)
        assert isinstance(outcome, Scored)
        traces[outcome.trace.recording_sha256] = outcome.trace.probability_pm
    everything = silencing([0, 1], layer=layer, mode="zero", half="all")
    result = analyse(desk, request_, "silencing", everything, quiet)["result"]
    assert result["label"] == "altered model"
    assert len(result["recordings"]) == 4
    changed = 0
    for row in result["recordings"]:
        own, other = row["model"], row["altered model"]
        # the codes are those of another batch size: a per mille may round the other way
        difference = np.abs(np.array(own["probability_pm"]) - traces[row["sha256"]].astype(int))
        assert difference.max() <= 1
        assert own["sha256"] == request_.model.sha256
        assert other["sha256"] not in ("", own["sha256"])
        assert other["name"].startswith("altered model")
        changed += int(other["probability_pm"] != own["probability_pm"])
    assert changed == 4
    for path in request_.paths:
        trace = load_trace(desk, open_path(desk, path), request_.model)
        assert trace is not None
        np.testing.assert_array_equal(trace.probability_pm, traces[trace.recording_sha256])
    # with every unit of the layer silenced no ensemble could take more away
    assert 0 <= result["whole_layer"]["value"] <= 1
    doses = result["doses"]
    assert [row["dose"] for row in doses] == [0, 0.25, 0.5, 0.75, 1]


def test_what_is_kept_as_the_models_trace_is_never_an_altered_one(
    desk: Desk, request_: ActivationRequest
) -> None:
    analyse(desk, request_, "silencing", silencing([0]), quiet)
    detector = load_checkpoint(request_.model.folder)
    for path in request_.paths:
        opened = open_path(desk, path)
        kept = load_trace(desk, opened, request_.model)
        assert kept is not None
        own = detect(opened.recording, detector, mapping=opened.mapping)
        np.testing.assert_array_equal(kept.probability_pm, own.probability_pm)


def test_only_recordings_of_the_other_half_are_tested(
    desk: Desk, request_: ActivationRequest
) -> None:
    result = analyse(desk, request_, "silencing", silencing([0]), quiet)["result"]
    assert len(result["recordings"]) == 2
    assert result["half"] == "tested"
    assert result["n_groups"] == 2


def test_the_result_does_not_depend_on_how_a_recording_is_cut(
    desk: Desk, request_: ActivationRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = analyse(desk, request_, "silencing", silencing([1], mode="zero"), quiet)["result"]
    monkeypatch.setattr(mechanism_altered, "_CHUNK", 7)
    cut = analyse(desk, request_, "silencing", silencing([1], mode="zero"), quiet)["result"]
    for a, b in zip(whole["recordings"], cut["recordings"], strict=True):
        for key in ("model", "altered model"):
            difference = np.subtract(a[key]["probability_pm"], b[key]["probability_pm"])
            assert np.abs(difference).max() <= 1
    drops = [r["effect"]["against_random"]["auroc_drop"]["value"] for r in (whole, cut)]
    assert drops[0] == pytest.approx(drops[1], abs=1e-3)


def test_of_a_long_recording_random_ensembles_see_a_part(
    desk: Desk, request_: ActivationRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mechanism_altered, "_CHUNK", 6)
    monkeypatch.setattr(mechanism_altered, "MAX_CONTROL_SEGMENTS", 24)
    result = analyse(desk, request_, "silencing", silencing([1]), quiet)["result"]
    compared = result["effect"]["against_random"]["auroc_drop"]
    assert compared["n"] >= 1
    # all windows count for the effect itself
    assert result["effect"]["n_seizure"] + result["effect"]["n_other"] > 60


@pytest.mark.parametrize("layer", ["conv1", "lstm"])
def test_silencing_on_changed_input_runs_each_window_as_it_was_changed(
    desk: Desk, request_: ActivationRequest, layer: str
) -> None:
    parameters = silencing([0, 1], layer=layer, mode="zero")
    plain = analyse(desk, request_, "silencing", parameters, quiet)["result"]
    # a change that changes nothing takes the other way through the windows to the same traces
    same = replace(request_, changed=Perturbation("scaled", factor=1.0))
    alike = analyse(desk, same, "silencing", parameters, quiet)["result"]
    for a, b in zip(plain["recordings"], alike["recordings"], strict=True):
        for key in ("model", "altered model"):
            difference = np.subtract(a[key]["probability_pm"], b[key]["probability_pm"])
            assert np.abs(difference).max() <= 1
    drops = [r["effect"]["against_random"]["auroc_drop"]["value"] for r in (plain, alike)]
    assert drops[0] == pytest.approx(drops[1], abs=1e-3)
    if layer != "conv1":
        return
    # and a change that does gives the probabilities that the activations were computed with
    changed = replace(request_, changed=Perturbation("reversed"))
    found = analyse(desk, changed, "silencing", parameters, quiet)
    kept = load_activations(desk, changed.key(desk))
    assert kept is not None
    known = points(desk, kept, changed.model)
    rows = {row["sha256"]: row["model"]["probability_pm"] for row in found["result"]["recordings"]}
    compared = 0
    for k, sha256 in enumerate(known["sha256"]):
        if sha256 in rows:
            pm = rows[sha256][int(kept.fact("window")[k])]
            assert abs(pm - 1000 * known["probability"][k]) <= 1
            compared += 1
    assert compared > 20


def test_of_a_long_recording_with_changed_input_random_ensembles_see_a_part(
    desk: Desk, request_: ActivationRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mechanism_altered, "MAX_CONTROL_SEGMENTS", 60)
    changed = replace(request_, changed=Perturbation("reversed"))
    result = analyse(desk, changed, "silencing", silencing([1]), quiet)["result"]
    assert result["effect"]["against_random"]["auroc_drop"]["n"] >= 1
    assert result["effect"]["n_seizure"] + result["effect"]["n_other"] > 60


def test_the_window_on_screen_is_what_the_detector_was_shown(
    desk: Desk, request_: ActivationRequest
) -> None:
    opened = open_path(desk, request_.paths[0])
    sha256 = opened.recording.sha256
    raw = window_eeg(desk, request_.model, sha256, 19.5)
    turned = window_eeg(desk, request_.model, sha256, 19.5, changed=Perturbation("reversed"))
    np.testing.assert_allclose(np.array(turned["uv"]), np.array(raw["uv"])[:, ::-1])


# ---- cancelling ----------------------------------------------------------------------------


class CancelledError(Exception):
    """Stands for the end of the worker."""


def cancel(_: float) -> None:
    raise CancelledError


def test_cancelled_while_windows_are_read_nothing_is_kept(
    desk: Desk, request_: ActivationRequest
) -> None:
    with pytest.raises(CancelledError):
        analyse(desk, request_, "overview", {}, cancel)
    assert load_activations(desk, request_.key(desk)) is None
    assert list((desk.workspace.cache / "mechanism").iterdir()) == []
    analyse(desk, request_, "overview", {}, quiet)
    assert load_activations(desk, request_.key(desk)) is not None


def test_every_analysis_can_be_cancelled_and_leaves_nothing(
    desk: Desk, request_: ActivationRequest
) -> None:
    compute_activations(desk, request_)
    for kind in ANALYSES:
        parameters = {**BASE, "layer": "conv2", "n_neighbors": 5, "min_dist": 0.1}
        if kind == "silencing":
            parameters = silencing([0])
        if kind == "overview":  # has nothing left to do
            continue
        with pytest.raises(CancelledError):
            analyse(desk, request_, kind, parameters, cancel)
        assert stored_result(desk, request_.key(desk), kind, parameters) is None, kind
    assert load_activations(desk, request_.key(desk)) is not None
    assert analyse(desk, request_, "structure", BASE, quiet)["kind"] == "structure"


def test_cancelling_in_the_queue_ends_the_worker_and_nothing_is_kept(
    desk: Desk, request_: ActivationRequest
) -> None:
    # through a real worker process: ten thousand random ensembles would take many minutes
    parameters = silencing([0], layer="code", n_controls=10_000, half="all")
    arguments = {
        "request": {**request_.as_arguments(), "model": str(request_.model.folder)},
        "model_sha256": request_.model.sha256,
        "kind": "silencing",
        "parameters": parameters,
    }
    jobs = JobQueue()
    try:
        job = jobs.submit("mechanism", "one", arguments)
        wait_until(lambda: state(jobs, job.id).progress > 0)
        worker = jobs._worker
        jobs.cancel(job.id)
        wait_until(lambda: state(jobs, job.id).state == "cancelled")
        assert worker is not None
        wait_until(lambda: worker.poll() is not None)
        assert stored_result(desk, request_.key(desk), "silencing", parameters) is None
    finally:
        jobs.close()


def state(jobs: JobQueue, job_id: str) -> Job:
    found = jobs.get(job_id)
    assert found is not None
    assert found.state != "failed", found.message
    return found


def wait_until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_altered_model_has_a_hash_of_its_own() -> None:
    from eegdash.mechanism.silencing import Intervention

    one, two = Intervention("conv1", (0,)), Intervention("conv1", (1,))
    hashes = {altered_sha256("a" * 64, one), altered_sha256("a" * 64, two), "a" * 64}
    assert len(hashes) == 3


# ---- what cannot be done -------------------------------------------------------------------


def test_seizures_of_one_person_cannot_be_tested_on_another(
    desk: Desk, request_: ActivationRequest
) -> None:
    one = replace(request_, paths=request_.paths[:1])
    separation = analyse(desk, one, "separation", BASE, quiet)["result"]
    assert separation["layers"][1]["probe"]["auroc"]["value"] is None
    with pytest.raises(DatasetError, match="at least two persons"):
        analyse(desk, one, "ensembles", {**BASE, "layer": "conv1"}, quiet)
    with pytest.raises(DatasetError, match="test on all recordings"):
        analyse(desk, one, "silencing", silencing([0]), quiet)
    alone = analyse(desk, one, "silencing", silencing([0], half="all"), quiet)["result"]
    assert alone["effect"]["claim"] is False
    assert alone["effect"]["auroc_after"]["low"] is None


def test_without_a_seizure_the_page_is_told_what_is_missing(
    desk: Desk, other_model: CheckpointInfo
) -> None:
    path = write_noise(desk.workspace.recordings / "calm.edf")
    write_events(path, [], SECONDS)
    with pytest.raises(DatasetError, match="no window of a seizure"):
        compute_activations(desk, ActivationRequest(other_model, (path,), 40))


def test_a_job_for_a_detector_that_was_replaced_is_refused(
    desk: Desk, request_: ActivationRequest
) -> None:
    arguments = {
        "request": request_.as_arguments(),
        "model_sha256": "0" * 64,
        "kind": "overview",
        "parameters": {},
    }
    with pytest.raises(Exception, match="replaced"):
        mechanism_task(desk, arguments, quiet)
    arguments["model_sha256"] = request_.model.sha256
    assert mechanism_task(desk, arguments, quiet) == {"kind": "overview"}


def test_an_untrained_copy_leaves_the_detector_as_it_is(
    desk: Desk, request_: ActivationRequest
) -> None:
    detector = load_detector(desk, request_.model, untrained=False, seed=0)
    before = {k: v.clone() for k, v in detector.network.state_dict().items()}
    copy = untrained_copy(detector, seed=1)
    again = untrained_copy(detector, seed=1)
    for name, values in detector.network.state_dict().items():
        assert (values == before[name]).all()
        assert (copy.network.state_dict()[name] == again.network.state_dict()[name]).all()
    assert not (copy.network.out.weight == detector.network.out.weight).all()


# ---- readers -------------------------------------------------------------------------------


def test_a_blinded_reader_gets_no_recording_that_is_withheld(
    desk: Desk, paths: tuple[Path, ...], other_model: CheckpointInfo
) -> None:
    write_noise(desk.workspace.recordings / "plain.edf", seconds=20, seed=9)
    assert [s.why_not for s in known_recordings(desk)] == ["", "", "", "", NO_REFERENCE]
    for reviewer in ("", "ab"):
        withheld = [
            s for s in known_recordings(desk, reviewer=reviewer, blinded=True) if not s.why_not
        ]
        assert withheld == []
    assert WITHHELD in {s.why_not for s in known_recordings(desk, blinded=True)}


def test_saved_results_are_compared_and_withheld_from_blinded_readers(
    desk: Desk, request_: ActivationRequest, other_model: CheckpointInfo
) -> None:
    first = analyse(desk, request_, "structure", BASE, quiet)
    second = analyse(desk, replace(request_, model=other_model), "structure", BASE, quiet)
    other_kind = analyse(desk, request_, "silencing", silencing([0]), quiet)
    for content in (first, second, other_kind):
        path = save_result(desk, content, note="ab")
        assert path.parent == desk.workspace.reports / "mechanism"
        for recording in request_.paths:
            assert recording.stem not in path.read_text()
    assert save_result(desk, first) == save_result(desk, first)
    known = {saved.content["provenance"]["model"]: saved for saved in saved_results(desk)[::-1]}
    known |= {s.kind: s for s in saved_results(desk) if s.kind == "silencing"}
    assert len(saved_results(desk)) == 3
    assert "altered model" in known["silencing"].title
    a, b = (
        next(
            s
            for s in saved_results(desk)
            if s.kind == "structure" and s.content["provenance"]["model"] == name
        )
        for name in ("other", "tiny")
    )
    rows = {row["figure"]: row for row in compare(a, b)}
    row = rows["dimensions, conv2"]
    assert row["A"] == figures_of(a.content)["dimensions, conv2"]
    assert row["B - A"] == pytest.approx(row["B"] - row["A"])
    assert comparable(a, b) == ""
    everything = saved_results(desk)
    one, two = (next(k for k, s in enumerate(everything) if s.path == x.path) for x in (a, b))
    assert counterpart(everything, everything[one]) == two
    assert counterpart(everything, everything[two]) == one
    alone = next(k for k, s in enumerate(everything) if s.kind == "silencing")
    assert counterpart(everything, everything[alone]) == alone
    by_kind = saved_of_model(desk, request_.model.sha256)
    assert {kind: len(found) for kind, found in by_kind.items()} == {
        "silencing": 1, "structure": 1,
    }  # fmt: skip
    assert saved_of_model(desk, "0" * 64) == {}
    assert saved_of_model(desk, request_.model.sha256, reviewer="ab", blinded=True) == {}
    assert "different kinds" in comparable(a, known["silencing"])
    assert saved_results(desk, reviewer="ab", blinded=True) == []
    (desk.workspace.reports / "mechanism" / "odd.json").write_text('{"schema": 1}')
    assert len(saved_results(desk)) == 3


def test_findings_follow_from_the_figures(desk: Desk, request_: ActivationRequest) -> None:
    assert [f.holds for f in findings({})] == [None, None, None]
    results = {
        "separation": analyse(desk, request_, "separation", BASE, quiet)["result"],
        "ensembles": analyse(desk, request_, "ensembles", {**BASE, "layer": "conv2"}, quiet)[
            "result"
        ],
        "silencing": analyse(desk, request_, "silencing", silencing([0]), quiet)["result"],
    }
    first, second, third = findings(results)
    assert third.holds is False, "two persons give no interval that ends below 0.6 by right"
    assert "matched random ensembles" in third.evidence
    assert second.holds in (True, False)
    # decided by the numbers, in either direction
    probe = results["separation"]["layers"][1]["probe"]
    plain_input = results["separation"]["layers"][0]["probe"]
    probe["above_control"], plain_input["above_control"] = True, False
    assert findings(results)[0].holds is True
    plain_input["above_control"] = True
    later = findings(results)[0]
    assert later.holds is False
    assert "does not begin there" in later.evidence
    assert first.claim == later.claim


def test_points_carry_the_readers_verdict_and_their_eeg(
    desk: Desk, request_: ActivationRequest
) -> None:
    found = compute_activations(desk, request_)
    known = points(desk, found, request_.model)
    assert set(known["verdict"]) == {UNJUDGED}
    row = known["seizure"].index(True)
    decision = {
        "id": "one", "action": "label", "verdict": "missed",
        "onset_s": known["time_s"][row] - 1, "duration_s": 2.0,
    }  # fmt: skip
    decide(desk, known["sha256"][row], "ab", decision, None)
    assert points(desk, found, request_.model)["verdict"][row] == "missed"
    eeg = window_eeg(desk, request_.model, known["sha256"][row], known["time_s"][row])
    assert len(eeg["uv"]) == len(eeg["names"]) == 18
    assert len(eeg["uv"][0]) == len(eeg["time_s"])
    middle = (eeg["time_s"][0] + eeg["time_s"][-1]) / 2
    assert middle == pytest.approx(known["time_s"][row], abs=0.01)
