"""Evaluation end to end, with a detector whose every probability is known."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated_files import write_events, write_noise
from sklearn.metrics import average_precision_score, confusion_matrix, f1_score, roc_auc_score

from eegdash.annotations import Annotation, Reference
from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import UNSCORED, PostProcessing, ProbabilityTrace, find_events
from eegdash.errors import TooShortError
from eegdash.export import write_trace_csv
from eegdash.io.dataset import Dataset, DatasetItem
from eegdash.io.layouts import read_dataset
from eegdash.recording import Block, Recording
from eegdash.scoring import Criterion, score_events, window_labels
from eegdash.workflows.desk import Desk
from eegdash.workflows.evaluate import evaluate
from eegdash.workflows.evaluation import Evaluation
from eegdash.workflows.evaluation_report import as_json, as_text
from eegdash.workflows.hypotheses import FileDetections, Hypothesis, ModelDetections, of_trace

POST = PostProcessing()


class Known:
    """A detector that answers with a function of the recording's number and the gain."""

    name, sha256, threshold_pm, post = "known", "f" * 64, 615, POST
    can_scale = True

    def __init__(self, *, loudness: bool = False, fails: str = "") -> None:
        self.loudness, self.fails = loudness, fails

    def hypothesis(self, recording: Recording, path: Path) -> Hypothesis:
        if path.stem == self.fails:
            raise TooShortError(f"{path.name} is too short.")
        return of_trace(self.scaled_trace(recording, 1.0), self.post)

    def scaled_trace(self, recording: Recording, gain: float) -> ProbabilityTrace:
        n = max(int((recording.duration_s - 9) / 1.5) + 1, 0)
        rng = np.random.default_rng(int(recording.sha256[:8], 16))
        level = np.convolve(rng.normal(size=n + 8), np.ones(9) / 3, "valid")
        values = np.clip(450 + 250 * level, 5, 1000)
        if self.loudness:
            values = np.clip(values * gain, 0, 1000)
        values = values.astype(np.uint16)
        values[5:7] = UNSCORED
        return ProbabilityTrace(values, 4.5, 1.5, recording.duration_s, "known", "f" * 64,
                                recording.sha256)  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people in two sessions each; every second recording has seizures."""
    root = tmp_path_factory.mktemp("written") / "data"
    for k in range(6):
        path = write_noise(root / f"sub-{k % 3}" / f"sub-{k % 3}_night{k}.edf", seconds=240, seed=k)
        write_events(path, [(40, 30), (170, 25)] if k % 2 else [], 240)
    return root


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(written, tmp_path / "data"))


def truth_of(path: Path) -> Reference:
    events = path.with_name(f"{path.stem}_events.tsv").read_text().splitlines()[1:]
    rows = [row.split("\t") for row in events]
    seizures = [Annotation(float(r[0]), float(r[1]), r[2]) for r in rows]
    return Reference(tuple(seizures), ((0.0, 240.0),), "test")


def _item(folder: Path, stem: str) -> DatasetItem:
    """One recording, as if nobody knew whose it is."""
    found = next(i for i in read_dataset(folder).items if i.path.stem == stem)
    return replace(found, person="")


def test_every_figure_equals_a_plain_computation(desk: Desk, folder: Path) -> None:
    found = evaluate(desk, read_dataset(folder), Known())
    assert found.threshold_pm == 615
    assert [g.name for g in found.groups] == ["recordings"]
    group = found.groups[0]
    probability, truth, n_alarms = [], [], 0
    scores: dict[str, list[Any]] = {}
    for item in read_dataset(folder).items:
        recording, reference = item.open()[0], truth_of(item.path)
        trace = Known().scaled_trace(recording, 1.0)
        labels = window_labels(trace, reference)
        used = labels.known & trace.scored
        probability.append(trace.probability_pm[used])
        truth.append(labels.seizure[used])
        events = find_events(trace, 615, POST)
        scores.setdefault(item.person, []).append(score_events(reference, events, 240))
        n_alarms += 0 if reference.seizures else len(events)
    values, seizure = np.concatenate(probability), np.concatenate(truth)
    point = group.at(615)
    tn, fp, fn, tp = confusion_matrix(seizure, values >= 615).ravel()
    windows = point.windows
    assert (windows.tn, windows.fp, windows.fn, windows.tp) == (tn, fp, fn, tp)
    assert windows.weighted_f1 == pytest.approx(
        f1_score(seizure, values >= 615, average="weighted")
    )
    every = [s for mine in scores.values() for s in mine]
    assert point.scores.events.tp == sum(s.events.tp for s in every)
    assert point.scores.events.fp_per_24h == pytest.approx(
        sum(s.events.fp for s in every) * 86400 / 1440
    )
    by_person = [sum(s.events.fp for s in mine) * 86400 / 480 for mine in scores.values()]
    assert point.over_persons.event_fp_per_24h.mean == pytest.approx(np.mean(by_person))
    assert point.over_persons.event_fp_per_24h.sd == pytest.approx(np.std(by_person, ddof=1))
    detector = group.separations[0]
    assert detector.auroc.value == pytest.approx(roc_auc_score(seizure, values))
    assert detector.auprc.value == pytest.approx(average_precision_score(seizure, values))
    assert (detector.n_windows, detector.n_recordings, detector.n_persons) == (len(values), 6, 3)
    assert detector.n_seizure == seizure.sum()
    assert point.alarms.n_alarms == n_alarms
    assert point.alarms.hours == pytest.approx(3 * 153 * 1.5 / 3600)
    assert group.calibration is not None
    assert group.calibration.brier == pytest.approx(np.mean((values / 1000 - seizure) ** 2))
    assert [s.name for s in group.separations] == ["detector", "root mean square", "line length"]
    assert len({(s.n_windows, s.n_seizure) for s in group.separations}) == 1
    for entry in group.separations[1:]:
        difference = detector.auroc.value - entry.auroc.value
        assert group.gained[entry.name].value == pytest.approx(difference)


def test_the_gain_test_takes_recordings_without_seizures(desk: Desk, folder: Path) -> None:
    dataset = read_dataset(folder)
    gain = evaluate(desk, dataset, Known(loudness=True)).groups[0].gain
    assert gain is not None
    free = [i for i in dataset.items if not truth_of(i.path).seizures]

    def windows(factor: float) -> np.ndarray:
        traces = [Known(loudness=True).scaled_trace(i.open()[0], factor) for i in free]
        return np.concatenate([t.probability_pm[t.scored] for t in traces])

    assert gain.n_windows == len(windows(1.0)) == 3 * 153
    assert gain.share == pytest.approx((windows(1.0) >= gain.threshold_pm).mean())
    assert gain.shares[3.0] == pytest.approx((windows(3.0) >= gain.threshold_pm).mean())
    assert gain.shares[3.0] > 0.3 > gain.shares[1 / 3]
    same = evaluate(desk, dataset, Known()).groups[0].gain
    assert same is not None
    assert set(same.shares.values()) == {same.share}
    assert evaluate(desk, dataset, Known(), gains=()).groups[0].gain is None


def test_a_failure_is_not_a_recording_without_seizures(desk: Desk, folder: Path) -> None:
    found = evaluate(desk, read_dataset(folder), Known(fails="sub-0_night0"))
    assert found.overall is not None
    assert len(found.overall.recordings) == 5
    assert [(e.name, e.failed) for e in found.left_out] == [("sub-0_night0.edf", True)]
    assert any("1 of the recordings failed" in w for w in found.warnings)
    assert "FAILED  sub-0_night0.edf: sub-0_night0.edf is too short." in as_text(found)


def test_unknown_truth_enters_no_figure(desk: Desk, folder: Path) -> None:
    write_noise(folder / "sub-0" / "sub-0_unknown.edf", seconds=60)
    (folder / "sub-1" / "coverage.tsv").write_text(
        "file\tknown_from_s\tknown_to_s\tnote\nsub-1_night1.edf\t100\t200\tx\n"
        "sub-1_night4.edf\t\t\tnot read\n"
    )
    found = evaluate(desk, read_dataset(folder), Known())
    assert {e.name: e.failed for e in found.left_out} == {
        "sub-0_unknown.edf": False,
        "sub-1_night4.edf": False,
    }
    group = found.groups[0]
    part = next(r for r in group.recordings if r.name == "sub-1_night1.edf")
    assert part.covered_s == 100
    assert part.table.n_ref[0] == 1
    text = as_text(evaluate(desk, Dataset("x", (_item(folder, "sub-1_night1"),)), Known()))
    assert "no recording is known to be free of seizures throughout" in text
    assert "1 person (1 not stated, one per recording)" in text
    assert part.counts.n_seizure + part.counts.n_free == 65  # of 101.25 to 198.75 s
    assert not part.seizure_free


def test_where_no_detection_is_possible_no_seizure_counts_as_missed(
    desk: Desk, tmp_path: Path
) -> None:
    path = write_noise(tmp_path / "d" / "sub-1_short.edf", seconds=13)
    write_events(path, [(0, 13)], 13)
    found = evaluate(desk, read_dataset(tmp_path / "d"), Known())
    group = found.groups[0]
    assert group.at(0).scores.events.n_ref == 0
    assert group.at(0).windows.n == 3
    assert any("shortest detection lasts (6 s)" in w for w in found.warnings)
    assert "n/a" in as_text(found)


def test_a_threshold_chosen_here_is_said_to_flatter(desk: Desk, folder: Path) -> None:
    dataset = read_dataset(folder)
    found = evaluate(desk, dataset, Known(), criterion=Criterion.WINDOW_F1)
    assert found.choice is not None
    assert found.threshold_pm == found.choice.threshold_pm
    group = found.groups[0]
    best = max(group.at(int(t)).windows.f1 for t in group.table.threshold_pm)
    assert group.at(found.threshold_pm).windows.f1 == pytest.approx(best)
    assert any("chosen on the recordings it is scored on" in w for w in found.warnings)
    assert "(chosen on these recordings for window-f1" in as_text(found)
    none = evaluate(desk, dataset, Known(), criterion=Criterion.SENSITIVITY, target=2.0)
    assert none.choice is None
    assert none.threshold_pm == 615
    assert any("reaches what was asked for" in w for w in none.warnings)
    given = evaluate(desk, dataset, Known(), threshold_pm=333)
    assert (given.threshold_pm, given.choice) == (333, None)
    assert not any("chosen on" in w for w in given.warnings)


@pytest.mark.parametrize(
    ("key", "says"), [("persons", "1 of these persons (sub-2)"), ("recordings_sha256", "on 1 of")]
)
def test_training_on_what_is_scored_is_said(desk: Desk, folder: Path, key: str, says: str) -> None:
    dataset = read_dataset(folder)
    values = {"persons": ["recordings/sub-2", "recordings/sub-9"],
              "recordings_sha256": [dataset.items[0].open()[0].sha256]}  # fmt: skip
    training: Mapping[str, Any] = {key: values[key]}
    found = evaluate(desk, dataset, Known(), training=training)
    assert any(says in w for w in found.warnings)
    assert not any("was trained" in w for w in evaluate(desk, dataset, Known()).warnings)


def test_few_persons_seizures_and_hours_are_said(desk: Desk, folder: Path) -> None:
    words = " ".join(evaluate(desk, read_dataset(folder), Known()).warnings)
    # SzCORE merges gaps below 90 s; from 70 to 170 s are 100 s
    assert (
        "recordings: only 3 persons, 6 seizures that could be detected as events, 24.0 min" in words
    )


def test_groups_are_compared_within_themselves_only(desk: Desk, folder: Path) -> None:
    dataset = read_dataset(folder)
    items = tuple(
        replace(item, group="quiet" if not truth_of(item.path).seizures else "ward")
        for item in dataset.items
    )
    found = evaluate(desk, replace(dataset, items=items), Known())
    quiet, ward = found.groups
    assert (quiet.name, ward.name) == ("quiet", "ward")
    assert quiet.separations == ()
    assert len(ward.separations) == 3
    assert found.overall is not None
    assert found.overall.separations == ()
    assert any("Compare within a group" in w for w in found.warnings)
    assert math.isnan(quiet.at(615).scores.events.sensitivity)
    assert "SzCORE events sensitivity n/a (0 of 0)" in as_text(found)


def test_json_has_null_for_what_is_undefined_and_no_file_name(desk: Desk, folder: Path) -> None:
    found = evaluate(desk, read_dataset(folder), Known(fails="sub-0_night0"))
    text = json.dumps(as_json(found), allow_nan=False)
    values = json.loads(text)
    assert "night" not in text
    assert (values["failed"], values["left_out"]) == (1, 0)
    assert values["detector_sha256"] == "f" * 64
    assert values["postprocessing"]["smoothing_s"] == 4.5
    group = values["groups"][0]
    point = found.groups[0].at(615)
    assert group["windows"]["tp"] == point.windows.tp
    assert group["events"]["f1"] == pytest.approx(point.scores.events.f1)
    assert len(group["operating_curve"]["sensitivity"]) == 102
    assert group["separations"][0]["auroc"]["n_resamples"] == 2000
    assert group["gain"]["shares"].keys() == {"3", "0.3333"}
    free = next(r for r in values["recordings"] if r["seizure_free"])
    assert free["events"]["sensitivity"] is None
    assert free["alias"].startswith("rec-")
    assert sum(r["windows"]["tp"] for r in values["recordings"]) == point.windows.tp


def test_detections_of_another_program_are_scored_alike(
    desk: Desk, folder: Path, tmp_path: Path
) -> None:
    dataset = read_dataset(folder)
    for item in dataset.items:
        trace = Known().scaled_trace(item.open()[0], 1.0)
        (tmp_path / "out").mkdir(exist_ok=True)
        write_trace_csv(tmp_path / "out" / f"{item.path.stem}_trace.csv", trace)
    theirs = evaluate(desk, dataset, FileDetections(tmp_path / "out", threshold_pm=615))
    ours = evaluate(desk, dataset, Known())
    assert theirs.groups[0].at(615).scores == ours.groups[0].at(615).scores
    assert theirs.groups[0].separations == ours.groups[0].separations
    assert theirs.groups[0].gain is None
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    item = dataset.items[0]
    (tmp_path / "out" / f"{item.path.stem}_events.tsv").write_text(
        "onset\tduration\teventType\n5\t10\tsz\n"
    )
    only = evaluate(desk, dataset, FileDetections(tmp_path / "out"))
    assert sum(e.failed for e in only.left_out) == 5
    assert only.groups[0].rank is None
    assert only.groups[0].at(500).scores.events.fp == 1
    assert as_json(only)["groups"][0]["windows"]["accuracy"] is None


def test_sex_and_age_are_shown_where_the_data_set_says_them(desk: Desk, tmp_path: Path) -> None:
    root = tmp_path / "chbmit"
    for case in ("chb01", "chb21"):
        write_events(write_noise(root / case / f"{case}_01.edf", seconds=60), [], 60)
    (root / "SUBJECT-INFO").write_text("chb01\tF\t11\nchb21\tF\t13\n")
    found = evaluate(desk, read_dataset(root), Known(), gains=())
    assert found.subjects == {"CHB-MIT/chb01": "F, 11 years"}  # chb21 is the same girl
    assert "CHB-MIT/chb01 (F, 11 years)" in as_text(found)
    assert as_json(found)["groups"][0]["persons"][0]["subject"] == "F, 11 years"


def test_nothing_that_can_be_scored_gives_no_figures(desk: Desk, tmp_path: Path) -> None:
    write_noise(tmp_path / "d" / "night.edf", seconds=20)
    found = evaluate(desk, read_dataset(tmp_path / "d"), Known(), criterion=Criterion.EVENT_F1)
    assert found.overall is None
    assert found.groups == ()
    assert "there are no figures" in " ".join(found.warnings)
    assert as_json(found)["recordings"] == []
    assert "left out  night.edf" in as_text(found)


class Unmeasured(Known):
    """Windows of a length to which no amplitude belongs, which saves its computation."""

    def scaled_trace(self, recording: Recording, gain: float) -> ProbabilityTrace:
        return replace(super().scaled_trace(recording, gain), first_centre_s=5.0)


class _Silence:
    def read(self, first: int, last: int, picks: Any) -> np.ndarray:
        return np.zeros((len(picks), last - first), dtype=np.float32)


def test_the_threshold_of_24_h_moves_in_less_than_a_tenth_of_a_second(desk: Desk) -> None:
    seizures = tuple(Annotation(3600.0 * k, 70.0, "sz") for k in range(1, 24))
    reference = Reference(seizures, ((0.0, 86400.0),), "test")
    names = tuple("Fp1 Fp2 F7 F3 Fz F4 F8 T7 C3 Cz C4 T8 P7 P3 Pz P4 P8 O1 O2".split())
    recording = Recording(
        Path("day.edf"), "ab" * 32, 16.0, names, (Block(0, 0, 16 * 86400),), None, (), (),
        _Silence(), (True,) * 19, "test",
    )  # fmt: skip
    item = DatasetItem(Path("day.edf"), "p", "g", lambda path: (recording, reference))
    found = evaluate(desk, Dataset("test", (item,)), Unmeasured(), gains=())
    assert found.groups[0].separations[0].n_windows > 57_000
    assert len(found.groups[0].separations) == 1
    times = []
    for threshold in range(50, 1000, 50):
        start = time.perf_counter()
        found.groups[0].at(threshold)
        times.append(time.perf_counter() - start)
    assert np.median(times) < 0.1


# ---- real recordings -------------------------------------------------------------------------


def shipped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> CheckpointInfo:
    models = Path(__file__).resolve().parents[2] / "models"
    monkeypatch.setattr("eegdash.workflows.desk.SHIPPED_MODELS", models)
    return desk.model("spectrogram-cnn-lstm")


@pytest.fixture
def evaluated(desk: Desk, data_pack: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    source = ModelDetections(desk, shipped(desk, monkeypatch))
    clips = read_dataset(data_pack / "seizure_clips")
    windows = read_dataset(data_pack / "ictal_windows")
    return evaluate(desk, replace(clips, items=clips.items + windows.items), source, gains=())


def test_the_data_pack_counts_what_its_tables_say(evaluated: Evaluation) -> None:
    chb, iiic = evaluated.groups
    assert (chb.name, iiic.name) == ("CHB-MIT", "IIIC")
    assert (len(chb.recordings), len(iiic.recordings)) == (15, 12)
    assert {r.person for r in chb.recordings} == {"chb01", "chb02", "chb03"}
    assert not any(r.person_stated for r in iiic.recordings)
    assert chb.at(500).windows.n == 35 + 28 + 19 + 12
    # of 20 to 30 s six windows of 1.5 s are known; the clip of 10 s has one
    assert iiic.at(500).windows.n == 11 * 6 + 1
    assert int(iiic.table.n_ref[:, 0].sum()) == 2
    left = {entry.name for entry in evaluated.left_out}
    assert left == {"chb_unknown_awake.edf", "iiic_irr_B_Sample02.edf",
                    "sparcnet_Other_sample2.edf"}  # fmt: skip
    assert not any(entry.failed for entry in evaluated.left_out)
