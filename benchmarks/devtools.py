"""A tab of Chromium without Playwright, to measure its memory.

Playwright has Chromium keep the bodies of all answers for its own use, up to 100 MB in the tab
that is measured (found by paging to and fro, which fetches nothing, beside paging on).
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.chromium import FLAGS, chromium_path
from benchmarks.figures import BenchmarkError

_TIMEOUT_S = 60.0
_RIGHT_ARROW = {"key": "ArrowRight", "code": "ArrowRight", "windowsVirtualKeyCode": 39}


class _Connection:
    """One end of the DevTools protocol: a command, then its answer."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._sent = 0

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._sent += 1
        command = {"id": self._sent, "method": method, "params": parameters}
        self._socket.send(json.dumps(command))
        while True:
            answer = json.loads(self._socket.recv(timeout=_TIMEOUT_S))
            if answer.get("id") == self._sent:
                return dict(answer.get("result", {}))


class Tab:
    """A page that can be pressed, asked and weighed."""

    def __init__(self, page: _Connection, browser: _Connection) -> None:
        self._page = page
        self._browser = browser

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        found = self._page.send("Runtime.evaluate", expression=expression, returnByValue=True)
        return found.get("result", {}).get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript expression is true.

        Raises
        ------
        BenchmarkError
            If it is not after a minute.
        """
        deadline = time.monotonic() + _TIMEOUT_S
        while not self.evaluate(condition):
            if time.monotonic() > deadline:
                raise BenchmarkError("The page did not come to what was waited for in a minute.")
            time.sleep(0.02)

    def press_right_arrow(self) -> None:
        """Press and release the right arrow."""
        for kind in ("keyDown", "keyUp"):
            self._page.send("Input.dispatchKeyEvent", type=kind, **_RIGHT_ARROW)

    def memory_mb(self) -> float:
        """Return the proportional memory of the page's process, MB (``Pss``, canvases included)."""
        processes = self._browser.send("SystemInfo.getProcessInfo")["processInfo"]
        sizes = [_pss_mb(process["id"]) for process in processes if process["type"] == "renderer"]
        if not sizes:
            raise BenchmarkError("Chromium does not say which process draws the page.")
        return max(sizes)


def _pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise BenchmarkError("The memory of a process is read from /proc (Linux).") from error
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@contextmanager
def open_tab(url: str, *, width: int, height: int) -> Iterator[Tab]:
    """Start a Chromium of its own on an address.

    Raises
    ------
    BenchmarkError
        If there is none, or it does not start.
    """
    from websockets.sync.client import connect

    path = chromium_path()
    if path is None:
        raise BenchmarkError("Chromium is missing (Debian: apt-get install chromium).")
    with ExitStack() as stack:
        profile = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        command = [path, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}"]
        command += [f"--window-size={width},{height}", url]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(process.wait, timeout=20)
        stack.callback(process.terminate)
        port = _port(Path(profile) / "DevToolsActivePort")
        pages = [page for page in _ask(port, "json") if page["type"] == "page"]
        browser = _ask(port, "json/version")
        addresses = [found["webSocketDebuggerUrl"] for found in (pages[0], browser)]
        sockets = [stack.enter_context(connect(a, max_size=None)) for a in addresses]
        yield Tab(_Connection(sockets[0]), _Connection(sockets[1]))


def _port(told: Path) -> int:
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        if told.exists() and len(lines := told.read_text(encoding="ascii").split()) >= 2:
            return int(lines[0])
        time.sleep(0.05)
    raise BenchmarkError("Chromium did not open its DevTools port in a minute.")


def _ask(port: int, what: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{what}", timeout=_TIMEOUT_S) as answer:
        return json.load(answer)
