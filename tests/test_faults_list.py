"""docs/faults.md names tests; they exist, and every fault has one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
ROWS = [
    row.split("|") for row in TEXT.splitlines() if row.startswith("| ") and "tests |" not in row
]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_fault_names_a_test() -> None:
    assert len(ROWS) > 20
    for row in ROWS:
        assert NAMED.search(row[3]), row[1]


def test_every_test_that_is_named_exists_and_checks_something() -> None:
    for file, name in NAMED.findall(TEXT):
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
        assert found, f"{file}::{name}"
        checks = [
            n
            for n in ast.walk(found[0])
            if isinstance(n, ast.Assert) or (isinstance(n, ast.Attribute) and n.attr == "raises")
            or (isinstance(n, ast.Attribute) and n.attr.startswith("assert_"))
        ]  # fmt: skip
        assert checks, f"{file}::{name} checks nothing"
