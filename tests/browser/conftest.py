"""A served dashboard and a Chromium to drive it; skipped visibly where Chromium is missing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.chromium import FLAGS, chromium_path

ROOT = Path(__file__).resolve().parents[2]
# a shared machine may be busy: what is waited for comes, or it never does
expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a wait that ran out in Chromium be tried once more; the summary lists what was.

    On two busy cores one of some hundred page walks runs out of time now and then. What is wrong
    on the page fails again; a script error or a wrong number is never tried twice.
    """
    again = pytest.mark.flaky(
        reruns=1, only_rerun=["TimeoutError", "AssertionError: (Locator|Page) expected"]
    )
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(again)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all browser tests."""
    path = chromium_path()
    if path is None:
        pytest.skip("browser tests: Chromium is missing (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@dataclass
class Server:
    """A dashboard process on a workspace."""

    url: str
    workspace: Path
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """End the process that this fixture started."""
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=20)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start dashboards; all are ended with the session."""
    servers: list[Server] = []

    def start(
        workspace: Path,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Server:
        port = free_port()
        log = tmp_path_factory.mktemp("server") / "log.txt"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "streamlit",
                    "run",
                    "app.py",
                    f"--server.port={port}",
                    *options,
                ],
                cwd=ROOT,
                env={**os.environ, "EEGDASH_WORKSPACE": str(workspace), **(environment or {})},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        server = Server(f"http://127.0.0.1:{port}", workspace, process, log)
        servers.append(server)
        _wait_until_up(server)
        return server

    yield start
    for server in servers:
        server.stop()


def _wait_until_up(server: Server) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{server.url}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the dashboard did not start: {server.log.read_text()[-2000:]}")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser tab of a laptop's size; any script error fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(45_000)
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    context.close()
    assert not errors, errors
