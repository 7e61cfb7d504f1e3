"""What a component loads: its module, and every module that one of them imports."""

from __future__ import annotations

import posixpath
from pathlib import Path

import pytest

from eegdash.ui import scripts

FOLDER = Path(scripts.__file__).parent
ENTRIES = [f"{path.parent.name}/{path.stem}.js" for path in sorted(FOLDER.glob("*/*.css"))]


def imported(name: str) -> set[str]:
    """Read the imports of a module line by line: its address ends the line."""
    found = set()
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line.startswith(("import ", "} from ", "export {")) and line.endswith('.js";'):
            wanted = line.split('"')[1]
            found.add(posixpath.normpath(posixpath.join(posixpath.dirname(name), wanted)))
    return found


def test_there_is_a_component_for_every_style() -> None:
    assert {"viewer/viewer.js", "operating/operating.js"} <= set(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_component_loads_what_its_modules_import_and_no_more(entry: str) -> None:
    loaded = set(scripts.modules(entry))
    assert loaded == {entry}.union(*map(imported, loaded))


def test_every_script_is_used() -> None:
    assert set(scripts.scripts()) == {name for entry in ENTRIES for name in scripts.modules(entry)}


def test_an_import_of_nothing_is_noticed_when_the_server_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = {"a/a.js": b'import { x } from "../b/gone.js";'}
    monkeypatch.setattr(scripts, "scripts", lambda: broken)
    with pytest.raises(KeyError, match=r"b/gone\.js"):
        scripts.modules("a/a.js")
