"""The command that writes a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulated_files import write_events, write_noise

from eegdash.cli import main
from eegdash.workflows.desk import Desk


def test_a_report_of_a_folder_of_one_person(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    for number in (1, 2):
        path = write_noise(data / f"chb20_0{number}.edf", seconds=25, seed=number)
        write_events(path, [(8.0, 9.0)], 25.0)
    out = tmp_path / "out"
    assert main(["report", str(data), "--person", "chb20", "--model", "tiny", "--out", str(out),
                 "--no-llm"]) == 0  # fmt: skip
    folder = next(out.iterdir())
    facts = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert facts["subject"] == {"name": "chb20", "person": "chb20", "n_recordings": 2}
    said = capsys.readouterr()
    assert folder.name in said.out
    assert "Research use, not for diagnosis." in said.out
    assert "100.0 %" in said.err
    assert main(["report", str(data), "--person", "chb99"]) == 2
    assert "Persons found: chb20" in capsys.readouterr().err
