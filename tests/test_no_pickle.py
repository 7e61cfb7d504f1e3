"""Nothing is unpickled: not by what the code says, and not by what it does when it runs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from simulated_files import write_noise
from tiny_models import save_tiny_model

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "eegdash"
SOURCES = sorted([*PACKAGE.rglob("*.py"), ROOT / "app.py", *(ROOT / "pages").glob("*.py")])
# modules that unpickle what they are given, or send pickles between processes
BANNED = {
    "pickle", "_pickle", "cPickle", "cloudpickle", "dill", "jsonpickle", "joblib", "shelve",
    "marshal", "multiprocessing", "concurrent.futures.process",
    "concurrent.futures.ProcessPoolExecutor", "dask", "distributed",
}  # fmt: skip
# file -> what it alone may import; every entry is a documented decision
EXCEPTIONS = {
    # Dask sends pickles between the machines of one installation (SECURITY.md)
    "eegdash/workflows/cluster.py": {"dask", "distributed"},
    "eegdash/workflows/many.py": {"distributed"},
}
# functions of others that unpickle, by the end of their name
CALLS = {
    "torch.load", "torch.save", "torch.hub.load", "pd.read_pickle", "pandas.read_pickle",
    "to_pickle", "read_pickle", "joblib.load", "ProcessPoolExecutor",
}  # fmt: skip


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_the_sources_are_found() -> None:
    assert len(SOURCES) > 150


def broken_rules(path: Path) -> Iterator[str]:
    """Yield what a module imports or calls that unpickles, or may."""
    allowed = EXCEPTIONS.get(str(path.relative_to(ROOT)), set())
    for name in imports(path):
        parts = name.split(".")
        tops = {".".join(parts[: i + 1]) for i in range(len(parts))}
        if tops & (BANNED - allowed):
            yield f"imports {name}"
    for name, call in calls(path):
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if name.endswith(tuple(CALLS)):
            yield f"calls {name} in line {call.lineno}"
        reads = name.endswith(("np.load", "numpy.load", "read_array", "write_array", "np.save"))
        if given.get("allow_pickle", "True" if reads else "False") != "False":
            yield f"{name} may unpickle in line {call.lineno}"
        # Streamlit's cache on disk is a pickle
        if "persist" in given and name.endswith(("cache_data", "cache_resource")):
            yield f"{name} persists in line {call.lineno}"


def test_no_module_imports_or_calls_what_unpickles() -> None:
    found = [f"{p.relative_to(ROOT)}: {rule}" for p in SOURCES for rule in broken_rules(p)]
    assert found == []


@pytest.mark.parametrize(
    "code",
    ["import pickle", "from joblib import load", "import torch\ntorch.load('x')",
     "import numpy as np\nnp.load('x')", "np.load('x', allow_pickle=True)",
     "from concurrent.futures import ProcessPoolExecutor",
     "@st.cache_data(persist='disk')\ndef f(): ...",
     "from multiprocessing.pool import ThreadPool", "import dask.distributed"],
)  # fmt: skip
def test_the_rules_find_what_they_are_for(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "x.py").write_text(code)
    assert list(broken_rules(tmp_path / "x.py"))


RUN = """
import sys
seen = []
def hook(event, arguments):
    if event == "pickle.find_class":
        seen.append(arguments)
sys.addaudithook(hook)
import io, pickle
pickle.loads(b"cos\\ngetcwd\\n.")
if len(seen) != 1:
    sys.exit("the hook does not see what is unpickled")
seen.clear()
from eegdash.cli import main
code = main(sys.argv[1:]) or main(sys.argv[1:])  # the second time from the cache
from eegdash.workflows.desk import open_desk
from eegdash.workflows.tasks import tasks
from pathlib import Path
tasks()["prepare"]({"path": sys.argv[2]}, lambda done: None)
if seen:
    sys.exit(f"unpickled: {seen[:5]}")
sys.exit(code)
"""


def test_scoring_twice_through_the_cache_unpickles_nothing(tmp_path: Path) -> None:
    """CPython tells of every class that an unpickler looks up (audit event pickle.find_class)."""
    save_tiny_model(tmp_path / "models", seed=0, name="tiny")
    path = write_noise(tmp_path / "night.edf", seconds=15)
    done = subprocess.run(
        [sys.executable, "-c", RUN, "score", str(path), "--model",
         str(tmp_path / "models" / "tiny"), "--out", str(tmp_path / "out")],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={"EEGDASH_WORKSPACE": str(tmp_path / "workspace"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1500:]
    assert done.stdout.count("1 scored") == 2
