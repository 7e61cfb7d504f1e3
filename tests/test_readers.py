"""Several readers on one server, by the protocol of a browser: a short form of the benchmark.

``python -m benchmarks readers`` has the budgets; the limits here are generous, for busy machines.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from simulated_files import write_noise

from benchmarks.bench import ROOT, serve_process, wait_until_up
from benchmarks.figures import percentile_95
from benchmarks.reader_session import Notes, reader_session
from benchmarks.readers import beside_a_scoring, many_readers, settled_mb, soak
from eegdash.cli import main
from eegdash.io import hash_file
from eegdash.labels import open_labels
from eegdash.recording import alias_of

_SLOWEST_MS = 8000.0


@dataclass
class Site:
    """A served workspace with a scored recording and one that is not."""

    url: str
    pid: int
    workspace: Path
    sha256: str

    @property
    def alias(self) -> str:
        """Name of the scored recording."""
        return alias_of(self.sha256)

    def n_labels(self) -> int:
        """Labels on the disk, read anew."""
        return len(open_labels(self.workspace / "labels", "").for_recording(self.sha256))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    workspace = tmp_path_factory.mktemp("served")
    path = write_noise(workspace / "recordings" / "night.edf", seconds=120)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EEGDASH_WORKSPACE", str(workspace))
        assert main(["score", str(path), "--out", str(workspace / "results")]) == 0
    write_noise(workspace / "recordings" / "unscored.edf", seconds=600, seed=1)
    with serve_process(ROOT / "app.py", workspace) as (url, pid):
        wait_until_up(url)
        yield Site(url, pid, workspace, hash_file(path))


def test_three_readers_wait_little_and_lose_nothing(site: Site) -> None:
    before = site.n_labels()
    notes = asyncio.run(many_readers(site.url, site.alias, n_readers=3, steps=10, think_s=0.1))
    assert notes.errors == []
    assert len(notes.waits_ms["page"]) == 3 * 7
    assert notes.n_labels == 3 * 2
    assert site.n_labels() - before == notes.n_labels
    assert percentile_95(notes.all_ms) < _SLOWEST_MS


def test_a_scoring_does_not_stop_the_others(site: Site) -> None:
    notes, scoring_s = asyncio.run(
        beside_a_scoring(site.url, site.alias, "unscored.edf", n_readers=2, think_s=0.2)
    )
    assert notes.errors == []
    assert len(notes.all_ms) > 4
    # whoever waited for the scoring to end would have waited about as long as it took
    assert percentile_95(notes.all_ms) < max(500 * scoring_s, _SLOWEST_MS)


def test_sixty_sessions_leave_little_behind(site: Site) -> None:
    weights_mb = asyncio.run(soak(site.url, site.alias, site.pid, 60))
    assert len(weights_mb) == 60
    before, after = settled_mb(weights_mb)
    # 30 sessions of 2 MB each would be more; what one leaves behind is freed after two minutes
    assert after - before < 60


def test_settled_memory_is_that_after_the_first_sessions_and_at_the_end() -> None:
    assert settled_mb([10.0] * 300 + [20.0] * 100 + [30.0] * 600) == (20.0, 30.0)
    assert settled_mb([1.0, 2.0, 3.0, 4.0]) == (1.5, 3.5)


def test_a_server_that_is_killed_has_saved_what_it_acknowledged(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "recordings" / "night.edf", seconds=60)
    alias, notes = alias_of(hash_file(path)), Notes()

    async def label_until_killed(url: str, pid: int) -> None:
        async with reader_session(url, notes, "Reader") as session:
            await session.open_review(alias)
            for k in range(100):
                if k == 5:
                    asyncio.get_running_loop().call_later(0.05, os.kill, pid, signal.SIGKILL)
                await session.label(float(k % 40))

    with serve_process(ROOT / "app.py", tmp_path) as (url, pid):
        wait_until_up(url)
        with pytest.raises(Exception, match="close frame"):
            asyncio.run(label_until_killed(url, pid))
    assert 5 <= notes.n_labels < 100
    found = open_labels(tmp_path / "labels", "").for_recording(hash_file(path))
    # the last one may have been saved without a word of it reaching the reader
    assert notes.n_labels <= len(found) <= notes.n_labels + 1
