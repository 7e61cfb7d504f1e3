"""The layout of the code: who may import whom, and what stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "eegdash"
PAGES = sorted((ROOT / "pages").glob("*.py"))
HEAVY = {"torch", "mne", "captum", "sklearn", "pandas", "scipy", "matplotlib", "plotly"}


def imported(path: Path) -> set[str]:
    """Return the top packages that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def contracts() -> list[dict[str, Any]]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = config["tool"]["importlinter"]["contracts"]
    return found


def modules() -> set[str]:
    """Return the modules and packages directly inside ``eegdash``."""
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    return files | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_there_are_pages() -> None:
    assert {path.stem for path in PAGES} >= {"recordings", "review"}


@pytest.mark.parametrize("path", [*PAGES, ROOT / "app.py"], ids=lambda path: path.name)
def test_a_page_holds_no_class_and_imports_nothing_heavy(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert not imported(path) & {"numpy", *HEAVY}
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 80


def test_only_ui_app_and_pages_import_streamlit() -> None:
    users = {
        path.relative_to(ROOT)
        for path in (*PACKAGE.rglob("*.py"), *ROOT.glob("*.py"), *PAGES)
        if "streamlit" in imported(path)
    }
    elsewhere = {
        str(path)
        for path in users
        if path.parts[:2] != ("eegdash", "ui") and path.parts[0] not in ("app.py", "pages")
    }
    assert users
    assert elsewhere == set()


def test_every_module_has_its_place_among_the_layers() -> None:
    (layers,) = (c for c in contracts() if c["type"] == "layers")
    assert layers["exhaustive"]
    placed = [
        name.strip("() ")
        for layer in layers["layers"]
        for name in layer.replace(":", "|").split("|")
    ]
    assert len(placed) == len(set(placed))
    assert modules() <= set(placed)


def test_every_module_but_ui_is_kept_from_streamlit() -> None:
    (forbidden,) = (c for c in contracts() if c["type"] == "forbidden")
    assert forbidden["forbidden_modules"] == ["streamlit"]
    kept = {name.removeprefix("eegdash.") for name in forbidden["source_modules"]}
    assert modules() - {"ui", "__main__"} <= kept


def loaded_after(code: str) -> set[str]:
    """Return the packages that a fresh interpreter holds after running ``code``."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import eegdash.ui.recordings, eegdash.ui.review, eegdash.ui.frame, eegdash.ui.lifespan",
        "import eegdash.workflows.library, eegdash.workflows.tasks, eegdash.workflows.review",
        "import eegdash.cli; eegdash.cli._parser()",
    ],
    ids=["ui", "workflows", "cli"],
)
def test_starting_imports_nothing_heavy(code: str) -> None:
    # Streamlit itself may import pandas; whatever this project adds is counted
    streamlit = loaded_after("import streamlit") if "eegdash.ui" in code else set()
    assert (loaded_after(code) - streamlit) & HEAVY == set()


def test_the_command_line_starts_without_numpy() -> None:
    assert "numpy" not in loaded_after("import eegdash.cli; eegdash.cli._parser()")


def test_no_source_file_carries_a_path_of_a_machine() -> None:
    for path in (*PACKAGE.rglob("*"), *PAGES, *(ROOT / "tests").rglob("*.py")):
        if path.suffix in (".py", ".js", ".css"):
            text = path.read_text(encoding="utf-8")
            # built here, so that this line is not what it looks for
            for start in ("work", "home", "Users"):
                assert f'"/{start}/' not in text, path.name
