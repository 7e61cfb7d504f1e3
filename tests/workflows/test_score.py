"""Scoring: stored and reloaded, never confused, and a failure is never a trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated_files import write_events, write_noise

from eegdash.annotations import Annotation, Reference
from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import PostProcessing, ProbabilityTrace, detect
from eegdash.errors import CheckpointError, EegdashError, RecordingError
from eegdash.labels import DraftLabel
from eegdash.montage import ELECTRODES_10_20
from eegdash.plotting.trend_tiles import KINDS
from eegdash.workflows import display, library, score
from eegdash.workflows.desk import Desk
from eegdash.workflows.score import Failed, Scored
from eegdash.workflows.tasks import tasks


@pytest.fixture
def path(desk: Desk) -> Path:
    return write_noise(desk.workspace.recordings / "night.edf")


def scored(desk: Desk, path: Path, model: CheckpointInfo) -> ProbabilityTrace:
    outcome = score.score(desk, path, model)
    assert isinstance(outcome, Scored), outcome
    return outcome.trace


def same(a: ProbabilityTrace, b: ProbabilityTrace) -> bool:
    values = np.array_equal(a.probability_pm, b.probability_pm)
    return values and replace(a, probability_pm=b.probability_pm) == replace(b)


def test_a_score_is_stored_and_reloads_identically_without_the_network(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []
    outcome = score.score(desk, path, tiny_model, told.append)
    assert isinstance(outcome, Scored)
    trace = outcome.trace
    assert trace.n_windows == 35
    assert len(np.unique(trace.probability_pm)) > 5
    assert told[-1] == 1

    def refuse(*args: object, **kwargs: object) -> None:
        raise EegdashError("the network was called again")

    monkeypatch.setattr("eegdash.detection.detect", refuse)
    again = scored(desk, path, tiny_model)
    opened = library.open_path(desk, path)
    loaded = score.load_trace(desk, opened, tiny_model)
    assert loaded is not None
    for other in (again, loaded):
        assert same(trace, other)
        assert other.recording_sha256 == opened.recording.sha256
        assert (other.model, other.model_sha256) == ("tiny", tiny_model.sha256)
    assert score.is_scored(desk, opened.recording.sha256, tiny_model)


def test_another_model_is_not_confused(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, other_model: CheckpointInfo
) -> None:
    first = scored(desk, path, tiny_model)
    opened = library.open_path(desk, path)
    assert score.load_trace(desk, opened, other_model) is None
    assert not score.is_scored(desk, opened.recording.sha256, other_model)
    second = scored(desk, path, other_model)
    assert not np.array_equal(first.probability_pm, second.probability_pm)
    reloaded = score.load_trace(desk, opened, tiny_model)
    assert reloaded is not None
    assert same(reloaded, first)


def test_another_channel_map_is_not_confused(desk: Desk, tiny_model: CheckpointInfo) -> None:
    names = [f"E{i}" for i in range(19)]
    path = write_noise(desk.workspace.recordings / "net.edf", names=names)
    sha256 = library.known_hash(desk, path)
    assert isinstance(score.score(desk, path, tiny_model), Failed)
    library.save_channel_map(desk, sha256, dict(zip(names, ELECTRODES_10_20, strict=True)))
    first = scored(desk, path, tiny_model)
    turned = dict(zip(names, ELECTRODES_10_20[::-1], strict=True))
    library.save_channel_map(desk, sha256, turned)
    opened = library.open_path(desk, path)
    assert score.load_trace(desk, opened, tiny_model) is None
    second = scored(desk, path, tiny_model)
    assert not np.array_equal(first.probability_pm, second.probability_pm)


def test_a_changed_file_is_not_shown_with_the_old_trace(
    desk: Desk, path: Path, tiny_model: CheckpointInfo
) -> None:
    scored(desk, path, tiny_model)
    write_noise(path, seed=1)
    assert score.load_trace(desk, library.open_path(desk, path), tiny_model) is None


def test_a_deleted_cache_is_computed_again(
    desk: Desk, path: Path, tiny_model: CheckpointInfo
) -> None:
    first = scored(desk, path, tiny_model)
    desk.cache.clear()
    assert not score.is_scored(desk, first.recording_sha256, tiny_model)
    assert same(first, scored(desk, path, tiny_model))


def test_missing_channels_fail_by_name_and_leave_no_trace(
    desk: Desk, tiny_model: CheckpointInfo
) -> None:
    names = [n for n in ELECTRODES_10_20 if n not in ("F7", "F8")]
    path = write_noise(desk.workspace.recordings / "some.edf", names=names)
    outcome = score.score(desk, path, tiny_model)
    assert isinstance(outcome, Failed)
    assert "F7, F8" in outcome.reason
    assert outcome.reason.startswith("some.edf")
    assert score.load_trace(desk, library.open_path(desk, path), tiny_model) is None


@pytest.mark.parametrize(("seconds", "works"), [(1, False), (8, False), (9, True)])
def test_nine_seconds_are_the_shortest(
    desk: Desk, tiny_model: CheckpointInfo, seconds: float, works: bool
) -> None:
    path = write_noise(desk.workspace.recordings / "short.edf", seconds=seconds)
    outcome = score.score(desk, path, tiny_model)
    assert isinstance(outcome, Scored if works else Failed)
    # what the list says before scoring is what scoring says
    assert (library.facts(desk, path).not_scorable == "") == works


def test_a_broken_file_and_a_broken_model_fail_in_words(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, tmp_path: Path
) -> None:
    broken = desk.workspace.recordings / "broken.edf"
    broken.write_bytes(b"0" * 1000)
    for outcome in (
        score.score(desk, broken, tiny_model),
        score.score(desk, path, replace(tiny_model, folder=tmp_path / "absent")),
    ):
        assert isinstance(outcome, Failed)
        assert outcome.reason.endswith(".")
        assert str(tmp_path) not in outcome.reason


def test_the_trace_is_that_of_detect(desk: Desk, path: Path, tiny_model: CheckpointInfo) -> None:
    from eegdash.checkpoints import load_checkpoint

    opened = library.open_path(desk, path)
    direct = detect(opened.recording, load_checkpoint(tiny_model.folder))
    assert same(scored(desk, path, tiny_model), direct)


def test_a_poisoned_cache_is_not_a_trace(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = scored(desk, path, tiny_model)
    get = desk.cache.get_array
    monkeypatch.setattr(
        type(desk.cache), "get_array", lambda self, key: get(key).astype(np.float32)
    )
    opened = library.open_path(desk, path)
    assert score.load_trace(desk, opened, tiny_model) is None
    monkeypatch.undo()
    assert trace.n_windows == 35


# ---- metrics ------------------------------------------------------------------------------


def ramp() -> ProbabilityTrace:
    """A trace of 10 min whose probability peaks at 900 per mille from 200 to 260 s."""
    n = 395
    centres = 4.5 + 1.5 * np.arange(n)
    pm = np.where((centres >= 200) & (centres < 260), 900, 100).astype(np.uint16)
    return ProbabilityTrace(pm, 4.5, 1.5, 600.0, "m", "a" * 64, "b" * 64)


def test_metrics_are_a_row_per_threshold_and_undefined_values_are_none(desk: Desk) -> None:
    seizure = Annotation(onset_s=200, duration_s=60, event_type="sz")
    table = score.metrics_table(
        desk, ramp(), Reference((seizure,), ((0.0, 600.0),), "test"), PostProcessing()
    )
    assert {len(rows) for rows in table.values()} == {101}
    assert (table["tp"][50], table["fp"][50], table["sensitivity"][50]) == (1, 0, 1.0)
    assert (table["tp"][100], table["sensitivity"][100]) == (0, 0.0)
    assert table["precision"][100] is None
    assert all(isinstance(value, int) for value in table["tp"])


def test_without_a_seizure_sensitivity_is_undefined_and_not_zero(desk: Desk) -> None:
    table = score.metrics_table(
        desk, ramp(), Reference((), ((0.0, 600.0),), "test"), PostProcessing()
    )
    assert set(table["sensitivity"]) == {None}
    assert table["fp"][50] == 1


def test_a_table_is_stored_by_trace_reference_and_post_processing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seizure = Annotation(onset_s=200, duration_s=60, event_type="sz")
    known = Reference((seizure,), ((0.0, 600.0),), "test")
    first = score.metrics_table(desk, ramp(), known, PostProcessing())
    calls: list[object] = []
    from eegdash import scoring

    real = scoring.threshold_table

    def counted(*args: object) -> object:
        calls.append(args)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(scoring, "threshold_table", counted)
    assert score.metrics_table(desk, ramp(), known, PostProcessing()) == first
    assert calls == []
    flat = replace(ramp(), probability_pm=np.full(395, 100, np.uint16))
    longer = Reference((replace(seizure, duration_s=90),), ((0.0, 600.0),), "test")
    part = Reference((seizure,), ((0.0, 300.0),), "test")
    score.metrics_table(desk, flat, known, PostProcessing())
    score.metrics_table(desk, ramp(), longer, PostProcessing())
    score.metrics_table(desk, ramp(), part, PostProcessing())
    score.metrics_table(desk, ramp(), known, PostProcessing(min_duration_s=90))
    assert len(calls) == 4


# ---- what the worker runs ---------------------------------------------------------------------


def test_the_score_task_prepares_all_that_the_page_shows(
    desk: Desk, path: Path, tiny_model: CheckpointInfo
) -> None:
    write_events(path, [(20, 20)], 60)
    told: list[float] = []
    result = tasks(desk)["score"]({"path": str(path), "model": "tiny"}, told.append)
    assert result == {"windows": 35}
    assert told == sorted(told)
    opened = library.open_path(desk, path)
    assert score.load_trace(desk, opened, tiny_model) is not None
    for kind in KINDS:
        assert display.display_tile(desk, display.display_key(opened, kind), 0, 0) is not None
    found = score.scored_summary(desk, path, tiny_model)
    assert (found.threshold_pm, found.n_labels) == (500, 0)


def test_the_list_counts_what_this_reader_reviewed_and_the_labels_of_all(
    desk: Desk, path: Path, tiny_model: CheckpointInfo
) -> None:
    assert isinstance(score.score(desk, path, tiny_model), score.Scored)
    always = replace(tiny_model, threshold_pm=0)  # one detection, 3.75 s to 56.25 s
    sha256 = library.known_hash(desk, path)
    for reviewer, onset_s, duration_s in (("A", 5.0, 50.0), ("B", 20.0, 10.0)):
        desk.labels.append(
            DraftLabel(
                idempotency_id=reviewer, reviewer=reviewer, recording_sha256=sha256,
                onset_s=onset_s, duration_s=duration_s, verdict="agree",
            )
        )  # fmt: skip
    for reviewer, n_reviewed in (("A", 1), ("B", 0), ("", 0)):
        found = score.scored_summary(desk, path, always, reviewer)
        assert (found.n_events, found.n_labels, found.n_reviewed) == (1, 2, n_reviewed)
        own = score.scored_summary(desk, path, always, reviewer, own_only=True)
        assert (own.n_labels, own.n_reviewed) == (1 if reviewer else 0, n_reviewed)


def test_a_task_that_fails_says_why(desk: Desk) -> None:
    path = write_noise(desk.workspace.recordings / "short.edf", seconds=5)
    with pytest.raises(RecordingError, match=r"5\.0 s"):
        tasks(desk)["score"]({"path": str(path), "model": "tiny"}, lambda done: None)
    with pytest.raises(CheckpointError, match="no model called absent"):
        tasks(desk)["score"]({"path": str(path), "model": "absent"}, lambda done: None)


def test_a_result_that_cannot_be_kept_is_a_failure(
    desk: Desk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = type(desk.cache).put_json
    monkeypatch.setattr(
        type(desk.cache),
        "put_json",
        lambda self, key, value: "first_centre_s" not in value and put(self, key, value),
    )
    with pytest.raises(EegdashError, match="could not be kept"):
        tasks(desk)["score"]({"path": str(path), "model": "tiny"}, lambda done: None)


# ---- the desk -------------------------------------------------------------------------------


def test_models_are_found_by_name_and_a_damaged_one_says_why(desk: Desk) -> None:
    assert {info.name for info in desk.models()} == {"tiny", "other"}
    assert desk.model("tiny").name == "tiny"
    assert desk.model().name in ("tiny", "other")
    with pytest.raises(CheckpointError, match=r"no model called best\. Models found: other, tiny"):
        desk.model("best")
    damaged = desk.workspace.models / "damaged"
    damaged.mkdir()
    (damaged / "config.json").write_text("{")
    assert {info.name for info in desk.models()} == {"tiny", "other"}
    with pytest.raises(CheckpointError, match="not valid JSON"):
        desk.model("damaged")


def test_without_any_model_the_refusal_says_what_to_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("eegdash.workflows.desk.SHIPPED_MODELS", tmp_path / "none")
    assert desk.models() == []
    with pytest.raises(CheckpointError, match="There is no detector"):
        desk.model()
