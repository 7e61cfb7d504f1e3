"""The benchmarks name their figures and budgets, and judge as they say; nothing is timed here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import FIGURES, main
from benchmarks.figures import Figure, Row, at_most, percentile_95, table
from benchmarks.recordings import HOURS_OF_DAY, NOTES_OF_DAY, write_day

ROOT = Path(__file__).resolve().parents[1]


def test_list_names_every_figure_with_its_budget() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    budgets = [line for line in done.stdout.splitlines() if "budget: " in line]
    assert len(budgets) == len(FIGURES) >= 8
    for figure in FIGURES:
        assert f"{figure.name} " in done.stdout
        assert f"budget: {figure.budget}" in done.stdout


def test_listing_imports_neither_torch_nor_a_browser() -> None:
    code = (
        "import sys, benchmarks.__main__ as b; b.main(['--list']); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'playwright', 'streamlit', 'mne')))"
    )
    subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, timeout=60
    )


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_every_figure_says_its_budget(figure: Figure) -> None:
    assert figure.title
    assert any(c.isdigit() for c in figure.budget) or figure.budget.startswith("none")


def test_an_unknown_figure_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["page-flop"])
    assert "page-flop" in capsys.readouterr().err


def test_verdicts_and_percentiles() -> None:
    assert at_most(4.0, 4.0)
    assert not at_most(4.01, 4.0)
    assert percentile_95([7.0]) == 7.0
    assert percentile_95([float(v) for v in range(101)]) == pytest.approx(95.0)
    text = table(
        [
            Row(what="fast", median=1.0, unit="s", budget="<= 2 s", within=True),
            Row(what="slow", median=3.0, unit="s", budget="<= 2 s", within=False),
            Row(what="explains", median=1234.0, unit="ms"),
        ]
    )
    fast, slow, explains = text.splitlines()[2:]
    assert "within" in fast
    assert "OVER" in slow
    assert "within" not in explains
    assert "OVER" not in explains
    assert "1,234 ms" in explains


def test_a_day_is_an_hour_repeated_record_by_record(tmp_path: Path) -> None:
    import edfio
    import numpy as np

    from eegdash.annotations import Annotation
    from eegdash.export import write_events_tsv
    from eegdash.io import open_recording, read_reference

    hour = tmp_path / "hour.edf"
    values = np.random.default_rng(0).normal(0, 50, 3600 * 4)
    signal = edfio.EdfSignal(
        values, 4, label="FP1-F7", physical_dimension="uV", physical_range=(-500, 500)
    )
    edfio.Edf([signal], data_record_duration=1).write(hour)
    write_events_tsv(
        tmp_path / "hour_events.tsv", [Annotation(100.0, 30.0, "sz")], duration_s=3600.0
    )
    day = tmp_path / "day.edf"

    write_day(day, hour)

    one, all_day = open_recording(hour), open_recording(day)
    assert all_day.duration_s == HOURS_OF_DAY * 3600
    assert all_day.gaps == ()
    expected = one.read(0, 400, [0])
    for k in (0, 1, HOURS_OF_DAY - 1):
        found = all_day.read(k * one.n_samples, k * one.n_samples + 400, [0])
        np.testing.assert_array_equal(found, expected)
    reference = read_reference(day, all_day)
    assert reference is not None
    onsets = [seizure.onset_s for seizure in reference.seizures]
    assert onsets == [100.0 + 3600 * k for k in range(HOURS_OF_DAY)]
    notes = [(note.onset_s, note.text) for note in all_day.annotations]
    assert len(notes) == NOTES_OF_DAY
    assert all(text for _, text in notes)
    assert notes[0][0] < 60
    assert notes[-1][0] > HOURS_OF_DAY * 3600 - 60
    assert all_day.start is not None
