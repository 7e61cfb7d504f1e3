"""A report on a recording and on a person: figures recomputed, nobody named, all or nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attribution_cases import MODELS, SHIPPED
from edf_bytes import text as field_text
from llm_server import said, server
from planted_shortcut import PACKAGE, save_planted
from scipy.stats import beta
from simulated_files import write_events, write_noise

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import ReportError
from eegdash.labels import DraftLabel
from eegdash.report import WITHOUT_LLM
from eegdash.report.llm import Endpoint
from eegdash.workflows import library
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.files import simulate_to_file
from eegdash.workflows.locked_points import LockedPoint, OnRecording, append_point
from eegdash.workflows.report import WrittenReport, write_report
from eegdash.workflows.report_reviews import kappa_of
from eegdash.workflows.report_subject import of_paths, of_person, of_recording
from eegdash.workflows.score import Scored, score

CANARY = "CANARY^Patient"
SEIZURES = ((31.5, 12.0), (90.0, 9.0))
SECONDS = 150.0


@pytest.fixture
def path(desk: Desk) -> Path:
    """A recording whose name, notes and labels name somebody."""
    notes = [(3.0, 1.0, f"{CANARY} moved")]
    found = write_noise(
        desk.workspace.recordings / f"{CANARY}.edf", seconds=SECONDS, seed=3, notes=notes
    )
    with found.open("rb+") as file:  # patient and recording field of the header
        file.seek(8)
        file.write(field_text(f"{CANARY} F 01-JAN-1950 {CANARY}", 80))
        file.write(field_text(f"Startdate 02-MAR-2021 {CANARY} {CANARY} X", 80))
    write_events(found, SEIZURES, SECONDS)
    return found


def label(desk: Desk, path: Path, reader: str, verdict: str, onset_s: float, **more: Any) -> None:
    desk.labels.append(
        DraftLabel(
            idempotency_id=f"{reader}-{verdict}-{onset_s}",
            reviewer=reader,
            recording_sha256=library.known_hash(desk, path),
            onset_s=onset_s,
            duration_s=more.pop("duration_s", 10.0),
            verdict=verdict,
            **more,
        )
    )


def read(written: WrittenReport) -> dict[str, Any]:
    found = json.loads((written.folder / "report.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


class Page(HTMLParser):
    """What a page loads, runs, and says of its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.alts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "data", "srcset", "action"):
                self.loads.append(value or "")
            if name == "alt":
                self.alts.append(value or "")


def exact(k: int, n: int, overlap: float) -> tuple[float, float]:
    """Clopper and Pearson with n / overlap observations, by scipy's beta distribution."""
    a, b = k / overlap, (n - k) / overlap
    low = beta.ppf(0.025, a, b + 1) if k else 0.0
    high = beta.ppf(0.975, a + 1, b) if k < n else 1.0
    return float(low), float(high)


def test_figures_of_a_recording_are_those_that_are_recomputed(
    desk: Desk, path: Path, tiny_model: CheckpointInfo
) -> None:
    outcome = score(desk, path, tiny_model)
    assert isinstance(outcome, Scored)
    written = write_report(desk, of_recording(desk, path), tiny_model.name)
    facts = read(written)
    # the truth of each window, without the code under test: half of its 1.5 s in a seizure
    centre = 4.5 + 1.5 * np.arange(outcome.trace.n_windows)
    inside = np.zeros(len(centre))
    for onset, duration in SEIZURES:
        begin, end = np.maximum(centre - 0.75, onset), np.minimum(centre + 0.75, onset + duration)
        inside += np.clip(end - begin, 0, None)
    truth = inside >= 0.75 - 1e-4
    called = outcome.trace.probability_pm >= tiny_model.threshold_pm
    tp, fp = int((truth & called).sum()), int((~truth & called).sum())
    fn, tn = int((truth & ~called).sum()), int((~truth & ~called).sum())
    assert min(tp, fp, fn, tn) > 0, "the case tests little"
    metrics = facts["metrics"]
    assert metrics["counts"] == {"tn": tn, "fp": fp, "fn": fn, "tp": tp}
    n = tn + fp + fn + tp
    expected = {
        "accuracy": ((tp + tn) / n, *exact(tp + tn, n, 6)),
        "sensitivity": (tp / (tp + fn), *exact(tp, tp + fn, 6)),
        "specificity": (tn / (tn + fp), *exact(tn, tn + fp, 6)),
    }
    j = [tp / (tp + fp + fn), *exact(tp, tp + fp + fn, 6)]
    expected["f1"] = tuple(2 * x / (1 + x) for x in j)
    for name, values in expected.items():
        found = metrics["windows"][name]
        assert [found[k] for k in ("value", "low", "high")] == pytest.approx(values), name
    free_f1 = 2 * tn / (2 * tn + fp + fn)
    weighted = ((tp + fn) * expected["f1"][0] + (tn + fp) * free_f1) / n
    assert metrics["windows"]["weighted_f1"]["value"] == pytest.approx(weighted)
    assert facts["balance"]["n_seizure"] == tp + fn
    assert facts["balance"]["seizure_share"] == pytest.approx((tp + fn) / n)
    _best_threshold(facts, truth, outcome.trace.probability_pm)
    _examples(facts, outcome.trace.probability_pm, truth, tiny_model.threshold_pm)


def _best_threshold(facts: dict[str, Any], truth: Any, pm: Any) -> None:
    best = next(b for b in facts["operating_point"]["best"] if b["criterion"] == "window-f1")

    def f1(threshold_pm: float) -> float:
        called = pm >= threshold_pm
        return float(2 * (truth & called).sum() / (truth.sum() + called.sum()))

    highest = max(f1(10 * step) for step in range(101))
    assert best["value"] == pytest.approx(max(highest, f1(1000 * best["threshold"])))
    assert f1(1000 * best["threshold"]) == pytest.approx(best["value"])


def _examples(facts: dict[str, Any], pm: Any, truth: Any, threshold_pm: int) -> None:
    by_kind = {e["kind"]: e for e in facts["examples"]}
    assert len(facts["examples"]) == 6
    free = np.flatnonzero(~truth)
    assert by_kind["the most confident false alarm"]["probability"] == pm[free].max() / 1000
    missed = pm[truth & (pm < threshold_pm)]
    assert by_kind["the most confident miss"]["probability"] == missed.min() / 1000
    for example in facts["examples"]:
        index = example["index"]
        assert example["centre_s"] == 4.5 + 1.5 * index
        assert example["truth"] == ("seizure" if truth[index] else "no seizure")
        assert example["predicted"] == ("seizure" if pm[index] >= threshold_pm else "no seizure")
        assert {m["method"] for m in example["maps"]} == {
            "grad-cam", "grad-cam++", "integrated-gradients",
        }  # fmt: skip


def test_a_report_names_nobody_and_loads_nothing(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, caplog: pytest.LogCaptureFixture
) -> None:
    label(desk, path, "Dr A", "disagree", 30.0, reason="muscle", comment=f"asked {CANARY}")
    label(desk, path, "Dr B", "missed", 60.0, reason=f"{CANARY} said so")
    label(desk, path, "<script>alert(1)</script>|x", "unsure", 70.0)
    caplog.set_level("DEBUG")
    with server(said("The detector was looked at.")) as (url, asked):
        endpoint = Endpoint(url, "model")
        written = write_report(desk, of_recording(desk, path), tiny_model.name, endpoint=endpoint)
    facts = read(written)
    assert asked
    assert "CANARY" not in json.dumps(asked)
    for kept in (desk.workspace.cache, desk.workspace.state):
        for file in kept.rglob("*"):
            assert "CANARY" not in file.name
            # facts of a file on the reader's own screen name its parts, never what they say
            assert file.is_dir() or b"CANARY" not in file.read_bytes(), file.name
    names = {p.name for p in written.folder.iterdir()}
    assert names == set(facts["files"])
    assert {"report.md", "report.html", "report.json", "report.pdf", "confusion.png"} <= names
    for file in written.folder.iterdir():
        content = file.read_bytes()
        for secret in (CANARY, CANARY.replace("^", ""), "CANARY"):
            assert secret.encode() not in content, file.name
    assert "CANARY" not in written.folder.name
    assert "CANARY" not in caplog.text
    assert "CANARY" not in json.dumps(facts["summary"]["digest"])
    assert "Dr A" not in json.dumps(facts["summary"]["digest"])
    page = Page()
    text = (written.folder / "report.html").read_text(encoding="utf-8")
    page.feed(text)
    assert "script" not in page.tags
    assert "&lt;script&gt;alert(1)" in text
    assert page.loads
    assert all(address.startswith("data:image/png;base64,") for address in page.loads)
    assert len(page.alts) == page.tags.count("img") == len(facts["files"]) - 4
    assert all(len(alt) > 20 for alt in page.alts)
    assert not re.search(r"url\(|@import|https?:", text.partition("</style>")[0])
    assert (written.folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    _markdown(written.folder, facts)
    assert facts["reviews"]["verdicts"]["missed"] == 1
    assert any("muscle" in who for d in facts["reviews"]["disagreements"] for who in d["who"]) or (
        facts["reviews"]["readers"][1]["disagree"] == 1
    )


def _markdown(folder: Path, facts: dict[str, Any]) -> None:
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "<script" not in text.replace("\\<script", "")
    pictures = re.findall(r"^!\[[^\]]+\]\(([^)]+)\)$", text, re.MULTILINE)
    assert sorted(pictures) == sorted(f for f in facts["files"] if f.endswith(".png"))


def test_a_report_of_a_person_states_the_balance_of_all_recordings(
    desk: Desk, tiny_model: CheckpointInfo
) -> None:
    paths = []
    for number in (1, 2):
        name = f"chb20_0{number}.edf"
        found = write_noise(desk.workspace.recordings / name, seconds=45, seed=number)
        write_events(found, ((12.0, 9.0),) if number == 1 else (), 45.0)
        paths.append(found)
    subject = of_paths(desk, paths, None)
    assert (subject.kind, subject.name) == ("person", "chb20")
    facts = read(write_report(desk, subject, tiny_model.name, endpoint=Endpoint()))
    assert facts["subject"] == {"name": "chb20", "person": "chb20", "n_recordings": 2}
    rows = facts["recordings"]
    assert [row["n_seizures"] for row in rows] == [1, 0]
    assert facts["balance"]["n_windows"] == sum(
        row["n_seizure_windows"] + row["n_free_windows"] for row in rows
    )
    assert facts["balance"]["n_free"] > facts["balance"]["n_seizure"] == 7
    assert facts["summary"]["source"] == WITHOUT_LLM
    with pytest.raises(ReportError, match="Name the person"):
        of_paths(desk, [write_noise(desk.workspace.recordings / "n.edf", seconds=20), *paths], None)


def test_without_a_reference_no_figure_is_made_up(desk: Desk, tiny_model: CheckpointInfo) -> None:
    path = write_noise(desk.workspace.recordings / "n.edf", seconds=60)
    facts = read(write_report(desk, of_recording(desk, path), tiny_model.name))
    assert facts["metrics"] is None
    assert facts["curves"] is None
    assert {e["truth"] for e in facts["examples"]} == {"not known"}
    assert "No accuracy can be stated" in " ".join(facts["summary"]["conclusion"])


def test_a_threshold_that_was_tuned_here_is_said_to_flatter(
    desk: Desk, path: Path, tiny_model: CheckpointInfo
) -> None:
    sha256 = library.known_hash(desk, path)
    here = OnRecording(sha256, f"rec-{sha256[:8]}", f"rec-{sha256[:8]}")
    point = LockedPoint(
        uuid="1", time_utc="2026-11-01T10:00:00Z", reviewer="Dr A", comment=CANARY,
        model=tiny_model.name, model_sha256=tiny_model.sha256, threshold_pm=600,
        post=tiny_model.post, criterion="event-f1", target=None, chosen_on=(sha256,),
        recordings=(here,), figures={}, version="1",
    )  # fmt: skip
    append_point(desk.workspace, point)
    facts = read(write_report(desk, of_recording(desk, path), tiny_model.name))
    assert facts["operating_point"]["threshold"] == 0.6
    words = " ".join(facts["summary"]["conclusion"])
    assert "chosen on 1 of the 1 recordings it is scored on here" in words
    assert CANARY not in json.dumps(facts)


def test_a_planted_shortcut_is_named_end_to_end(tmp_path: Path, desk: Desk) -> None:
    trusting = open_desk(replace(desk.settings, trusted_packages=(PACKAGE,)))
    save_planted(desk.workspace.models)
    path = write_noise(desk.workspace.recordings / "n.edf", seconds=120, seed=5)
    facts = read(write_report(trusting, of_recording(trusting, path), "planted"))
    signs = {sign["name"]: sign["raised"] for sign in facts["alarm"]["signs"]}
    assert signs["same profile"] is True
    assert facts["alarm"]["top_seizure"]["band"] == "theta (4-8 Hz)"
    assert facts["alarm"]["top_seizure"]["region"] == "LL"
    words = " ".join(facts["summary"]["conclusion"])
    assert "suspect: it looks at the same band and region for both classes" in words
    assert "theta (4-8 Hz), left lateral" in words
    assert "no map by grad-cam" in json.dumps(facts["examples"]).lower()


def test_what_cannot_be_scored_leaves_no_report(desk: Desk, tiny_model: CheckpointInfo) -> None:
    short = write_noise(desk.workspace.recordings / f"{CANARY}.edf", seconds=5)
    with pytest.raises(ReportError, match="Nothing could be scored") as caught:
        write_report(desk, of_recording(desk, short), tiny_model.name)
    assert "CANARY" not in str(caught.value)
    long = write_noise(desk.workspace.recordings / "n.edf", seconds=30, seed=2)
    facts = read(write_report(desk, of_person(desk, [short, long], "p1"), tiny_model.name))
    assert facts["balance"]["n_failed"] == 1
    assert "CANARY" not in json.dumps(facts)
    assert "never counted as free of seizures" in json.dumps(facts["summary"])


def test_a_cancelled_report_leaves_nothing(
    desk: Desk, path: Path, tiny_model: CheckpointInfo
) -> None:
    class CancelledError(Exception):
        pass

    def stop(done: float, what: str) -> None:
        if what == "pages":
            raise CancelledError

    with pytest.raises(CancelledError):
        write_report(desk, of_recording(desk, path), tiny_model.name, progress=stop)
    assert list(desk.workspace.reports.iterdir()) == []


_KILLED = """
import sys, time, pathlib
from eegdash.report import folder
original = pathlib.Path.rename
def slow(self, target):
    print("writing", flush=True)
    time.sleep(60)
    return original(self, target)
pathlib.Path.rename = slow
folder.write_folder(pathlib.Path(sys.argv[1]), "report-x", {"a.txt": b"a", "b.txt": b"b"})
"""


def test_a_kill_in_the_middle_leaves_no_half_report(tmp_path: Path) -> None:
    from eegdash.report.folder import write_folder

    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    process.stdout.close()
    left = list(tmp_path.iterdir())
    assert len(left) == 1
    assert left[0].name.startswith(".unfinished")
    old = time.time() - 7200
    os.utime(left[0], (old, old))
    first = write_folder(tmp_path, "report-x", {"a.txt": b"a"})
    second = write_folder(tmp_path, "report-x", {"a.txt": b"b"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report-x", "report-x-2"]
    assert (first / "a.txt").read_bytes() == b"a"
    assert (second / "a.txt").read_bytes() == b"b"


def test_a_machine_without_pango_gets_all_but_the_pdf(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(html: str) -> bytes:
        raise ReportError("No PDF was made: the library Pango is not on this machine.")

    monkeypatch.setattr("eegdash.workflows.report.pdf_from_html", missing)
    written = write_report(desk, of_recording(desk, path), tiny_model.name)
    assert not (written.folder / "report.pdf").exists()
    assert written.notes
    assert "Pango" in (written.folder / "report.html").read_text(encoding="utf-8")
    assert "report.pdf" not in read(written)["files"]


def test_kappa_is_that_of_a_worked_case() -> None:
    pairs = [("agree", "agree")] * 6 + [("disagree", "disagree")] * 2 + [("agree", "disagree")] * 2
    chance = 0.7**2 + 0.3**2
    assert kappa_of(pairs) == pytest.approx((0.8 - chance) / (1 - chance))
    assert kappa_of([("agree", "agree")]) is None
    assert kappa_of([]) is None


def test_the_shipped_detector_is_no_suspect_on_a_simulated_recording(desk: Desk) -> None:
    path = desk.workspace.recordings / "simulated.edf"
    simulate_to_file(path, duration_s=300.0, n_seizures=2, seed=11)
    model = str(SHIPPED / MODELS[0])
    facts = read(write_report(desk, of_recording(desk, path), model))
    signs = {sign["name"]: sign["raised"] for sign in facts["alarm"]["signs"]}
    assert signs["same profile"] is False
    assert not facts["alarm"]["raised"]
    assert "suspect" not in " ".join(facts["summary"]["conclusion"])
