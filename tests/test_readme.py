"""The commands in the README are run, so that the README stays true."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from eegdash.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def test_every_command_line_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EEGDASH_WORKSPACE", str(tmp_path / "workspace"))
    ours = [line for line in commands() if line.startswith("python -m eegdash ")]
    assert len(ours) >= 4
    for line in ours:
        assert main(shlex.split(line)[3:]) == 0, line
    assert (tmp_path / "results" / "demo_desc-spectrogram-cnn-lstm_events.tsv").exists()
    assert (tmp_path / "my-model" / "model.safetensors").exists()


@pytest.mark.parametrize("target", ["app", "test"])
def test_the_make_targets_of_the_readme_exist(target: str) -> None:
    assert any(line.startswith(f"make {target}") for line in commands())
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_files_that_the_readme_names_exist() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
