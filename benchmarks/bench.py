"""What the figures share: recordings made once, served dashboards, a Chromium."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.chromium import FLAGS, chromium_path
from benchmarks.figures import BenchmarkError
from benchmarks.recordings import HOURS_OF_DAY, SEED, write_day, write_hour, write_short

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).with_name("peers")
VIEWPORT = {"width": 1280, "height": 800}
_UP_TIMEOUT_S = 60.0
_SHORT_S = 120


@dataclass(frozen=True, slots=True)
class Command:
    """What one finished command took: wall and processor time, s; peak resident memory, MB."""

    seconds: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class DayScored:
    """What scoring 24 h took, and around it, for comparison, 1 h and 2 min."""

    day: Command
    hour: list[Command]
    short: list[Command]


@dataclass(frozen=True, slots=True)
class Site:
    """A workspace with one recording."""

    workspace: Path
    recording: Path
    hours: float
    alias: str

    @property
    def length(self) -> str:
        """Length of the recording in words."""
        return f"{self.hours:g} h"


class Bench:
    """Everything that is costly to make, made when a figure first asks for it.

    Parameters
    ----------
    folder : Path
        Empty folder for recordings and workspaces; the caller removes it.
    quick : bool
        Whether the 24 h recording is left out.
    stack : ExitStack
        Ends the browser with the run.
    """

    def __init__(self, folder: Path, *, quick: bool, stack: ExitStack) -> None:
        self.folder = folder
        self.quick = quick
        self._stack = stack

    # ---- recordings ------------------------------------------------------------------------

    @cached_property
    def half_hour(self) -> Site:
        """30 min of 19 referential electrodes, scored."""
        from eegdash.workflows.files import simulate_to_file

        path = self._recordings("half-hour") / "half_hour.edf"
        simulate_to_file(path, duration_s=1800.0, n_seizures=3, seed=SEED)
        site = _site(path, 0.5)
        _finish(site)
        return site

    @cached_property
    def hour_file(self) -> Path:
        """1 h of 23 channels at 256 Hz, plain EDF, scored nowhere."""
        path = self._recordings("hour") / "hour.edf"
        write_hour(path)
        return path

    @cached_property
    def hour(self) -> Site:
        """The same hour, scored."""
        site = _site(self.hour_file, 1.0)
        _finish(site)
        return site

    @cached_property
    def day_scored(self) -> tuple[Site, DayScored]:
        """24 h of 23 channels, and what scoring it on the command line took."""
        path = self._recordings("day") / "day.edf"
        write_day(path, self.hour_file)
        short_file = self.new_folder("short") / "short.edf"
        write_short(short_file, self.hour_file, _SHORT_S)
        # the shorter ones before and after, because a shared machine is never the same for long
        hour, short = [self.score_afresh(self.hour_file)], [self.score_afresh(short_file)]
        day = score_command(path, path.parent.parent, self.new_folder("results"))
        hour.append(self.score_afresh(self.hour_file))
        short.append(self.score_afresh(short_file))
        site = _site(path, float(HOURS_OF_DAY))
        _finish(site)
        return site, DayScored(day, hour, short)

    def score_afresh(self, path: Path) -> Command:
        """Score on the command line in a new process and a new workspace."""
        return score_command(path, self.new_folder("cold"), self.new_folder("results"))

    @property
    def long(self) -> Site:
        """The 24 h recording, or the hour in a quick run."""
        return self.hour if self.quick else self.day_scored[0]

    def _recordings(self, name: str) -> Path:
        folder = self.folder / name / "recordings"
        folder.mkdir(parents=True)
        return folder

    def new_folder(self, name: str) -> Path:
        """Return an empty folder of its own."""
        for k in range(10_000):
            folder = self.folder / f"{name}-{k}"
            if not folder.exists():
                folder.mkdir()
                return folder
        raise BenchmarkError(f"Too many folders called {name}.")

    def repeats(self, wanted: int) -> int:
        """Return how often to measure what is slow: fewer times in a quick run."""
        return min(wanted, 3) if self.quick else wanted

    # ---- browser ---------------------------------------------------------------------------

    @cached_property
    def browser(self) -> Browser:
        """One Chromium for all figures."""
        path = chromium_path()
        if path is None:
            raise BenchmarkError("Chromium is missing (Debian: apt-get install chromium).")
        try:
            from playwright.sync_api import sync_playwright
        except ImportError as error:
            raise BenchmarkError(
                "Playwright is missing: pip install -r requirements-dev.txt"
            ) from error
        playwright = self._stack.enter_context(sync_playwright())
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        self._stack.callback(launched.close)
        return launched

    @contextmanager
    def tab(self) -> Iterator[Page]:
        """Open a tab with empty caches."""
        context = self.browser.new_context(viewport=VIEWPORT)
        context.set_default_timeout(60_000)
        try:
            yield context.new_page()
        finally:
            context.close()


def _site(path: Path, hours: float) -> Site:
    from eegdash.io import hash_file
    from eegdash.recording import alias_of

    return Site(path.parent.parent, path, hours, alias_of(hash_file(path)))


def _finish(site: Site) -> None:
    """Score and prepare the display as the dashboard's worker does, in a process of its own."""
    from eegdash.workflows.desk import DEFAULT_MODEL

    code = (
        "import sys; from pathlib import Path; from eegdash.workflows.tasks import tasks; "
        "tasks()['score']({'path': sys.argv[1], 'model': sys.argv[2]}, lambda done: None)"
    )
    run([sys.executable, "-c", code, str(site.recording), DEFAULT_MODEL], site.workspace)


def score_command(path: Path, workspace: Path, out: Path) -> Command:
    """Score a recording on the command line, in a fresh process."""
    command = [sys.executable, "-m", "eegdash", "score", str(path), "--out", str(out)]
    return run(command, workspace)


def run(command: Sequence[str], workspace: Path) -> Command:
    """Run a command to its end and measure it.

    Raises
    ------
    BenchmarkError
        If it fails; with the end of what it said.
    """
    log = workspace / "command.log"
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=_environment(workspace), stdout=out, stderr=subprocess.STDOUT
        )
        try:
            # wait4 and not wait: it gives the peak memory of this child alone
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # a run that is ended from outside ends what it started
            process.kill()
            process.wait()
            raise
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = log.read_text(encoding="utf-8", errors="replace")[-800:]
        raise BenchmarkError(f"A command ended with {process.returncode}: {said}")
    return Command(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _environment(workspace: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "EEGDASH_WORKSPACE": str(workspace), **more}


# ---- servers -------------------------------------------------------------------------------


@contextmanager
def serve(
    script: Path, folder: Path, *, wait: bool = True, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Serve a Streamlit script as ``streamlit run`` does, and give its address.

    Parameters
    ----------
    script : Path
    folder : Path
        Workspace of the dashboard; the server's log goes there.
    wait : bool
        Whether to wait until it answers.
    environment : mapping of str to str, optional
        More variables.
    """
    with serve_process(script, folder, environment=environment) as (url, _):
        if wait:
            wait_until_up(url)
        yield url


@contextmanager
def serve_process(
    script: Path, folder: Path, *, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, int]]:
    """Do the same without waiting, and give the address and the id of the process."""
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    with (folder / "server.log").open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,  # for the same .streamlit/config.toml everywhere
            env=_environment(folder, **(environment or {})),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        _end(process)


def dashboard(site: Site) -> Any:
    """Serve the dashboard on a site's workspace."""
    return serve(ROOT / "app.py", site.workspace)


def wait_until_up(url: str) -> None:
    """Wait until the port of an address takes connections.

    Raises
    ------
    BenchmarkError
        If it never does.
    """
    port = int(url.rsplit(":", 1)[1])
    deadline = time.monotonic() + _UP_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.01)
    raise BenchmarkError(f"A server did not start within {_UP_TIMEOUT_S:.0f} s.")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
