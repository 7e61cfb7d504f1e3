"""A report on a recording and on a person: figures recomputed, nobody named, all or nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
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
from eegdash.settings import Settings
from eegdash.workflows import library
from eegdash.workflows.agreement import agreement, as_json
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.files import simulate_to_file
from eegdash.workflows.locked_points import LockedPoint, OnRecording, append_point
from eegdash.workflows.mechanism import analyse
from eegdash.workflows.mechanism_saved import figures_of, save_result
from eegdash.workflows.mechanism_windows import ActivationRequest
from eegdash.workflows.readers import Reader
from eegdash.workflows.report import WrittenReport, write_report
from eegdash.workflows.report_shelf import kept_reports
from eegdash.workflows.report_subject import of_paths, of_person, of_recording
from eegdash.workflows.score import Scored, score

CANARY = "CANARY^Patient"
SEIZURES = ((31.5, 12.0), (90.0, 9.0))
SECONDS = 150.0


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Iterator[Desk]:
    """A workspace that these tests share: what one of them computed, the next one finds.

    Whatever is written here, labels and locked points included, is written by a fixture; a test
    that adds to it takes a workspace of its own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eegdash.workflows.desk.SHIPPED_MODELS", tiny_models)
        yield open_desk(Settings(workspace=tmp_path_factory.mktemp("reports") / "workspace"))


@pytest.fixture(scope="module")
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
    label(desk, found, "Dr A", "disagree", 30.0, reason="muscle", comment=f"asked {CANARY}")
    label(desk, found, "Dr B", "missed", 60.0, reason=f"{CANARY} said so")
    label(desk, found, "<script>alert(1)</script>|x", "unsure", 70.0)
    label(desk, found, "Dr B", "agree", 30.0, duration_s=6.0)
    return found


@pytest.fixture(scope="module")
def written(desk: Desk, path: Path) -> WrittenReport:
    """The report on that recording, PDF and all; most tests look at this one."""
    return write_report(desk, of_recording(desk, path), "tiny")


@pytest.fixture
def no_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Pango: where the PDF is not what is tested, it costs seconds."""

    def missing(html: str) -> bytes:
        raise ReportError("No PDF was made: the library Pango is not on this machine.")

    monkeypatch.setattr("eegdash.workflows.report.pdf_from_html", missing)


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
    desk: Desk, path: Path, tiny_model: CheckpointInfo, written: WrittenReport
) -> None:
    outcome = score(desk, path, tiny_model)
    assert isinstance(outcome, Scored)
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
    desk: Desk, path: Path, no_pdf: None, caplog: pytest.LogCaptureFixture, written: WrittenReport
) -> None:
    caplog.set_level("DEBUG")
    with server(said("The detector was looked at.")) as (url, asked):
        # what is logged and asked meanwhile counts, too
        write_report(desk, of_recording(desk, path), "tiny", endpoint=Endpoint(url, "model"))
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
    desk: Desk, tiny_model: CheckpointInfo, no_pdf: None
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
        of_paths(
            desk, [write_noise(desk.workspace.recordings / "whose.edf", seconds=20), *paths], None
        )


def test_without_a_reference_no_figure_is_made_up(desk: Desk, no_pdf: None) -> None:
    path = write_noise(desk.workspace.recordings / "unknown.edf", seconds=45)
    facts = read(write_report(desk, of_recording(desk, path), "tiny"))
    assert facts["metrics"] is None
    assert facts["curves"] is None
    assert {e["truth"] for e in facts["examples"]} == {"not known"}
    assert "No accuracy can be stated" in " ".join(facts["summary"]["conclusion"])


def test_a_threshold_that_was_tuned_here_is_said_to_flatter(
    tmp_path: Path, desk: Desk, path: Path, tiny_model: CheckpointInfo, no_pdf: None
) -> None:
    # a point that is locked stays; all else of the workspace may be used again
    folder = tmp_path / "workspace"
    shutil.copytree(desk.workspace.root, folder)
    desk = open_desk(Settings(workspace=folder))
    path = desk.workspace.recordings / path.name
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


def test_a_planted_shortcut_is_named_end_to_end(desk: Desk, no_pdf: None) -> None:
    trusting = open_desk(replace(desk.settings, trusted_packages=(PACKAGE,)))
    save_planted(desk.workspace.models)
    path = write_noise(desk.workspace.recordings / "tagged.edf", seconds=90, seed=5)
    facts = read(write_report(trusting, of_recording(trusting, path), "planted"))
    signs = {sign["name"]: sign["raised"] for sign in facts["alarm"]["signs"]}
    assert signs["same profile"] is True
    assert facts["alarm"]["top_seizure"]["band"] == "theta (4-8 Hz)"
    assert facts["alarm"]["top_seizure"]["region"] == "LL"
    words = " ".join(facts["summary"]["conclusion"])
    assert "suspect: it looks at the same band and region for both classes" in words
    assert "theta (4-8 Hz), left lateral" in words
    assert "no map by grad-cam" in json.dumps(facts["examples"]).lower()


def test_what_cannot_be_scored_leaves_no_report(
    desk: Desk, tiny_model: CheckpointInfo, no_pdf: None
) -> None:
    short = write_noise(desk.workspace.recordings / f"{CANARY}-short.edf", seconds=5)
    with pytest.raises(ReportError, match="Nothing could be scored") as caught:
        write_report(desk, of_recording(desk, short), tiny_model.name)
    assert "CANARY" not in str(caught.value)
    long = write_noise(desk.workspace.recordings / "long.edf", seconds=30, seed=2)
    facts = read(write_report(desk, of_person(desk, [short, long], "p1"), tiny_model.name))
    assert facts["balance"]["n_failed"] == 1
    assert "CANARY" not in json.dumps(facts)
    assert "never counted as free of seizures" in json.dumps(facts["summary"])


@pytest.mark.parametrize("moment", ["performance", "figures", "pages"])
def test_a_cancelled_report_leaves_nothing(
    desk: Desk, path: Path, moment: str, written: WrittenReport
) -> None:
    before = sorted(desk.workspace.reports.iterdir())

    class CancelledError(Exception):
        pass

    def stop(done: float, what: str) -> None:
        if what == moment:
            raise CancelledError

    with pytest.raises(CancelledError):
        write_report(desk, of_recording(desk, path), "tiny", progress=stop)
    assert sorted(desk.workspace.reports.iterdir()) == before


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


def killed_while_writing(command: list[str], environment: dict[str, str], out: Path) -> int:
    """Run a command, kill it as soon as it writes; return how many files there were by then."""
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        begun: list[Path] = []
        while not begun and process.poll() is None:
            time.sleep(0.001)
            begun = list(out.glob(".unfinished-report-*/*"))
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
    return len(begun)


def test_a_command_that_is_killed_while_it_writes_leaves_nothing_that_is_a_report(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, written: WrittenReport
) -> None:
    """The whole process gets SIGKILL in the moment when files of the report lie on the disk."""
    out = desk.workspace.root.parent / "out"
    command = [
        sys.executable, "-m", "eegdash", "report", str(path), "--model", str(tiny_model.folder),
        "--out", str(out), "--no-llm",
    ]  # fmt: skip
    environment = {**os.environ, "EEGDASH_WORKSPACE": str(desk.workspace.root)}
    begun = 0
    for _ in range(5):  # on a busy machine the last file may be written before the signal comes
        begun = killed_while_writing(command, environment, out)
        if not list(out.glob("report-*")):
            break
        shutil.rmtree(out)
    # it was killed between the first file and the last
    assert 0 < begun < len(read(written)["files"])
    assert [folder.name[:12] for folder in out.iterdir()] == [".unfinished-"]
    # on the shelf it is no report, whatever it holds
    shutil.copytree(next(out.iterdir()), desk.workspace.reports / ".unfinished-report-killed")
    assert {kept.name for kept in kept_reports(desk)} == {
        folder.name for folder in desk.workspace.reports.glob("report-*")
    }
    shutil.rmtree(desk.workspace.reports / ".unfinished-report-killed")
    # and the workspace that it was killed in gives the same figures as before
    again = write_report(desk, of_recording(desk, path), "tiny", parent=out)
    assert read(again)["metrics"] == read(written)["metrics"]
    assert read(again)["examples"] == read(written)["examples"]


def test_a_machine_without_pango_gets_all_but_the_pdf(desk: Desk, path: Path, no_pdf: None) -> None:
    written = write_report(desk, of_recording(desk, path), "tiny")
    assert not (written.folder / "report.pdf").exists()
    assert written.notes
    assert "Pango" in (written.folder / "report.html").read_text(encoding="utf-8")
    assert "report.pdf" not in read(written)["files"]


def test_agreement_is_that_of_the_page_labels(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, written: WrittenReport
) -> None:
    found = read(written)["reviews"]["agreement"]
    sha256 = library.known_hash(desk, path)
    shown = as_json(agreement(desk, Reader("Dr A"), tiny_model, recordings=[sha256]))
    assert found == json.loads(json.dumps(shown))
    pair = next(x for x in found["pairs"] if {x["one"], x["other"]} == {"Dr A", "Dr B"})
    # Dr A rejected 30 to 40 s, Dr B called 30 to 36 s a seizure: six seconds known to both
    assert pair["compared_s"] == 6.0
    assert pair["gwet_ac1"]["value"] == pytest.approx(-1.0)
    text = (written.folder / "report.html").read_text(encoding="utf-8")
    assert "Dr A and Dr B (Cohen)" in text
    assert "were judged by two readers or more" in text
    assert "Dr A" not in json.dumps(read(written)["summary"]["digest"])


def test_where_readers_do_not_see_each_other_no_report_tells(
    desk: Desk, path: Path, no_pdf: None
) -> None:
    hidden = replace(desk, settings=replace(desk.settings, others_hidden=True))
    facts = read(found := write_report(hidden, of_recording(hidden, path), "tiny"))
    assert facts["reviews"]["readers"] == facts["reviews"]["disagreements"] == []
    for file in ("report.json", "report.html", "report.md"):
        text = (found.folder / file).read_text(encoding="utf-8")
        assert "Dr A" not in text
        assert "do not see each other" in text


def test_what_was_saved_of_the_inside_is_told_and_withheld_with_it(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, other_model: CheckpointInfo, no_pdf: None,
    written: WrittenReport,
) -> None:  # fmt: skip
    assert read(written)["inside"] is None
    assert "Inside the detector" not in (written.folder / "report.html").read_text("utf-8")
    other = write_noise(desk.workspace.recordings / f"{CANARY}-2.edf", seconds=60, seed=9)
    write_events(other, [(20.0, 20.0)], 60.0)
    analysed = ActivationRequest(tiny_model, (path, other), 40)
    parameters = {"summary": "mean", "seed": 0}
    made = analyse(desk, analysed, "structure", parameters, lambda done: None)
    saved = [save_result(desk, made, note=CANARY)]
    for change in (
        {"model_sha256": other_model.sha256}, {"untrained": True}, {"changed": {"kind": "scaled"}},
    ):  # fmt: skip
        elsewhere = {**made, "provenance": {**made["provenance"], **change, "activations": "x"}}
        content = {**elsewhere, "parameters": {**parameters, "seed": len(saved)}}
        saved.append(save_result(desk, content))
    (desk.workspace.reports / "mechanism" / "torn.json").write_text('{"schema": 1, "kind":')
    facts = read(found := write_report(desk, of_recording(desk, path), "tiny"))
    inside = facts["inside"]
    assert (inside["n_recordings"], inside["n_here"]) == (2, 1)
    (row,) = inside["results"]
    assert row["seed"] == 0, "of these weights, trained, and of EEG as it is"
    expected = figures_of(made)
    shown = {figure["name"]: figure["value"] for figure in row["figures"]}
    assert shown == {name: expected[name] for name in shown}
    assert len(shown) + row["n_left_out"] == len(expected)
    for file in found.folder.iterdir():
        assert b"CANARY" not in file.read_bytes(), file.name
    assert "6. Inside the detector" in (found.folder / "report.html").read_text("utf-8")
    # a reader who has read this recording, but still has to read the other one blinded
    sha256 = library.known_hash(desk, path)
    desk.labels.append(
        DraftLabel(
            idempotency_id="first", reviewer="Dr C", recording_sha256=sha256,
            onset_s=0.0, duration_s=SECONDS, kind="first_read", blinded=True,
        )
    )  # fmt: skip
    names = {kept.name for kept in kept_reports(desk, reviewer="Dr C", blinded=True)}
    assert written.folder.name in names
    assert found.folder.name not in names
    for one in saved:
        one.unlink()


def test_the_shipped_detector_is_no_suspect_on_a_simulated_recording(
    desk: Desk, no_pdf: None
) -> None:
    path = desk.workspace.recordings / "simulated.edf"
    simulate_to_file(path, duration_s=300.0, n_seizures=2, seed=11)
    model = str(SHIPPED / MODELS[0])
    facts = read(write_report(desk, of_recording(desk, path), model))
    signs = {sign["name"]: sign["raised"] for sign in facts["alarm"]["signs"]}
    assert signs["same profile"] is False
    assert not facts["alarm"]["raised"]
    assert "suspect" not in " ".join(facts["summary"]["conclusion"])
