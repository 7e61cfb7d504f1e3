"""Damaged EDF and BDF files by the thousand: opened, or refused in words, and nothing else.

``EEGDASH_FUZZ_MUTANTS=100000`` examines more than the 2,400 of every run, ``EEGDASH_FUZZ_SEED``
begins elsewhere. Each process has an address space of 200 MB beside what it holds before the first
damaged file, so that no file can take more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MUTANTS = int(os.environ.get("EEGDASH_FUZZ_MUTANTS", "2400"))
SEED = int(os.environ.get("EEGDASH_FUZZ_SEED", "11"))
SCRIPT = Path(__file__).with_name("fuzz_edf.py")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the limits are those of Linux")
@pytest.mark.timeout(120 + MUTANTS // 10)
def test_damaged_files_open_or_are_refused_in_words(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path), str(SEED), str(MUTANTS)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{SCRIPT.parents[1]}{os.pathsep}{SCRIPT.parent}"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["problems"] == []
    assert found["opened"] + found["refused"] == MUTANTS >= 2000
    # the damage is neither harmless nor always fatal, and it finds many different refusals
    assert 0.2 < found["opened"] / MUTANTS < 0.9
    assert len(found["examples"]) >= 15
    assert found["slowest_s"] < 2
    assert len(found["vast"]) == 10
    assert "interrupted more than" in found["vast"].pop("two hundred thousand gaps")
    assert set(found["vast"].values()) == {"opened"}
    assert found["left"] == []
    assert found["labels"] == []
