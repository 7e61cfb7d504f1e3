"""The example of docs/python-api.md is run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_example_runs(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    assert "300.0 s," in done.stdout
    assert "probability" in done.stdout
    (report,) = (tmp_path / "workspace" / "reports").glob("report-*")
    assert (report / "report.html").exists()
    assert len((tmp_path / "workspace" / "labels" / "labels.jsonl").read_bytes().splitlines()) == 1
    (events,) = tmp_path.glob("*_events.tsv")
    assert "\tsz\t" in events.read_text(encoding="utf-8")
