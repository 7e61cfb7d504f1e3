"""What every threshold reaches on a set of recordings, beside timescoring and scikit-learn."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated_files import write_events, write_noise
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    roc_auc_score,
)
from sklearn.metrics import f1_score as sklearn_f1
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring, SampleScoring

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import PostProcessing, ProbabilityTrace, find_events
from eegdash.errors import RecordingError
from eegdash.scoring import Criterion, choose_threshold
from eegdash.workflows import library
from eegdash.workflows.desk import Desk
from eegdash.workflows.operating_point import figures_at
from eegdash.workflows.operating_tables import (
    TableRequest,
    compute_tables,
    operating_table,
    stored_tables,
)
from eegdash.workflows.score import Scored, score

POST = PostProcessing(min_duration_s=3.0)
SECONDS = 480.0
SEIZURES = {"one": [(30.0, 45.0), (220.0, 30.0), (400.0, 20.0)], "two": [(100.0, 25.0)], "free": []}


@pytest.fixture
def paths(desk: Desk, tiny_model: CheckpointInfo) -> tuple[Path, ...]:
    """Three recordings of noise, scored by an untrained detector, each with a reference."""
    found = []
    for seed, (name, spans) in enumerate(SEIZURES.items()):
        path = write_noise(
            desk.workspace.recordings / f"{name}.edf", seconds=SECONDS, seed=seed, sfreq=128.0
        )
        write_events(path, spans, SECONDS)
        assert isinstance(score(desk, path, tiny_model), Scored)
        found.append(path)
    return tuple(found)


def trace_of(desk: Desk, path: Path, model: CheckpointInfo) -> ProbabilityTrace:
    outcome = score(desk, path, model)
    assert isinstance(outcome, Scored)
    return outcome.trace


def expected_events(trace: ProbabilityTrace, spans: list[tuple[float, float]], pm: int):
    """Events and samples by timescoring itself, on the whole recording."""
    found = [(e.onset_s, e.end_s) for e in find_events(trace, pm, POST)]
    n = round(SECONDS * 10)
    ref = Annotation([(a, a + d) for a, d in spans], 10, n)
    hyp = Annotation(found, 10, n)
    return EventScoring(ref, hyp), SampleScoring(ref, hyp)


def test_event_and_second_counts_are_those_of_timescoring(
    desk: Desk, tiny_model: CheckpointInfo, paths: tuple[Path, ...]
) -> None:
    tables = compute_tables(desk, TableRequest(paths, tiny_model), POST)
    grid = tables["threshold_pm"]
    assert grid == list(range(0, 1001, 10))
    seen = set()
    for row, path in enumerate(paths):
        trace = trace_of(desk, path, tiny_model)
        for column in range(0, 101, 5):
            events, samples = expected_events(trace, SEIZURES[path.stem], grid[column])
            counts = {name: values[row][column] for name, values in tables["counts"].items()}
            assert (counts["tp"], counts["fp"], counts["n_ref"]) == (
                events.tp,
                events.fp,
                events.refTrue,
            )
            assert (counts["sample_tp"], counts["sample_fp"]) == (samples.tp, samples.fp)
            seen.add((counts["tp"], counts["fp"]))
    assert len(seen) > 3, "the thresholds made no difference"


def test_windows_ranking_and_calibration_are_those_of_scikit_learn(
    desk: Desk, tiny_model: CheckpointInfo, paths: tuple[Path, ...]
) -> None:
    tables = compute_tables(desk, TableRequest(paths, tiny_model), POST)
    probability, truth = [], []
    for path in paths:
        trace = trace_of(desk, path, tiny_model)
        start, stop = trace.time_s - trace.step_s / 2, trace.time_s + trace.step_s / 2
        inside = np.zeros(trace.n_windows)
        for onset, length in SEIZURES[path.stem]:
            inside += np.clip(np.minimum(stop, onset + length) - np.maximum(start, onset), 0, None)
        probability.append(trace.probability_pm[trace.scored].astype(int))
        truth.append((inside >= trace.step_s / 2 - 1e-4)[trace.scored])
    p, y = np.concatenate(probability), np.concatenate(truth)
    ranking = tables["ranking"]
    assert ranking["n_windows"] == len(p)
    assert ranking["n_seizure"] == y.sum()
    assert ranking["auroc"][0] == pytest.approx(roc_auc_score(y, p))
    assert ranking["auprc"][0] == pytest.approx(average_precision_score(y, p))
    assert tables["calibration"]["brier"] == pytest.approx(brier_score_loss(y, p / 1000))
    table = operating_table(tables)
    for threshold_pm in (0, 300, 500, 800, 1000):
        windows = table.windows(table.index(threshold_pm))
        tn, fp, fn, tp = confusion_matrix(y, p >= threshold_pm, labels=[False, True]).ravel()
        assert (windows.tn, windows.fp, windows.fn, windows.tp) == (tn, fp, fn, tp)
        weighted = sklearn_f1(y, p >= threshold_pm, average="weighted", zero_division=0)
        assert windows.weighted_f1 == pytest.approx(weighted)


def test_the_figures_at_a_threshold_are_sums_then_rates(
    desk: Desk, tiny_model: CheckpointInfo, paths: tuple[Path, ...]
) -> None:
    tables = compute_tables(desk, TableRequest(paths, tiny_model), POST)
    choice = choose_threshold(operating_table(tables).curve(), Criterion.EVENT_F1)
    assert choice is not None
    tp = fp = n_ref = 0
    for path in paths:
        trace = trace_of(desk, path, tiny_model)
        events, _ = expected_events(trace, SEIZURES[path.stem], choice.threshold_pm)
        tp, fp, n_ref = tp + events.tp, fp + events.fp, n_ref + events.refTrue
    figures = figures_at(tables, choice.threshold_pm)
    assert figures["event_f1"] == pytest.approx(2 * tp / (2 * tp + fp + n_ref - tp))
    assert figures["event_f1"] == pytest.approx(choice.value)
    assert figures["fp_per_24h"] == pytest.approx(fp * 86400 / (3 * SECONDS))
    assert figures["persons"] == 3
    free = compute_tables(desk, TableRequest(paths[2:], tiny_model), POST)
    assert figures_at(free, 1000)["event_sensitivity"] is None


def test_tables_are_kept_and_another_reference_rules_or_model_is_another_table(
    desk: Desk, tiny_model: CheckpointInfo, other_model: CheckpointInfo, paths: tuple[Path, ...]
) -> None:
    request = TableRequest(paths, tiny_model)
    key = request.key(desk)
    assert stored_tables(desk, key, POST) is None
    assert stored_tables(desk, key, PostProcessing()) is None
    tables = compute_tables(desk, request, POST)
    assert stored_tables(desk, key, POST) == tables
    assert TableRequest(paths, other_model).key(desk) != key
    assert TableRequest(paths[:2], tiny_model).key(desk) != key
    # a locked threshold on the grid of hundredths asks for no other table
    assert TableRequest(paths, replace(tiny_model, threshold_pm=620)).key(desk) == key
    write_events(paths[2], [(10.0, 50.0)], SECONDS)
    assert request.key(desk) != key
    again = compute_tables(desk, request, POST)
    assert again["counts"]["n_ref"][2] == [1] * 101
    assert tables["counts"]["n_ref"][2] == [0] * 101


def test_a_threshold_between_the_hundredths_gets_a_column_of_its_own(
    desk: Desk, tiny_model: CheckpointInfo, paths: tuple[Path, ...]
) -> None:
    tables = compute_tables(
        desk, TableRequest(paths[:1], replace(tiny_model, threshold_pm=593)), POST
    )
    assert 593 in tables["threshold_pm"]
    trace = trace_of(desk, paths[0], tiny_model)
    column = tables["threshold_pm"].index(593)
    assert tables["counts"]["n_events"][0][column] == len(find_events(trace, 593, POST))


def test_where_no_detection_was_possible_no_seizure_counts_as_missed(
    desk: Desk, tiny_model: CheckpointInfo, paths: tuple[Path, ...]
) -> None:
    rules = PostProcessing(min_duration_s=SECONDS)
    tables = compute_tables(desk, TableRequest(paths, tiny_model), rules)
    assert [r["events_possible"] for r in tables["recordings"]] == [False] * 3
    assert tables["counts"]["n_ref"][0] == [0] * 101
    assert tables["recordings"][0]["covered_s"] == 0
    assert tables["recordings"][0]["n_seizure_windows"] >= 95 // 1.5


def test_a_recording_that_is_not_scored_any_more_is_said_by_name(
    desk: Desk, tiny_model: CheckpointInfo, other_model: CheckpointInfo, paths: tuple[Path, ...]
) -> None:
    with pytest.raises(RecordingError, match=r"one\.edf is not scored any more"):
        compute_tables(desk, TableRequest(paths, other_model), POST)


def test_no_file_name_is_among_what_is_kept(
    desk: Desk, tiny_model: CheckpointInfo, paths: tuple[Path, ...]
) -> None:
    secret = paths[0].with_name("Canary_Jane.edf")
    shutil.move(paths[0], secret)
    shutil.move(paths[0].with_name("one_events.tsv"), secret.with_name("Canary_Jane_events.tsv"))
    tables = compute_tables(desk, TableRequest((secret,), tiny_model), POST)
    assert "Canary" not in repr(tables)
    assert tables["recordings"][0]["person"] == library.facts(desk, secret).alias
