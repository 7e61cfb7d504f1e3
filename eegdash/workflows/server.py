"""What those who run a server want to know of it; it names no recording, person or reader."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from eegdash import __version__
from eegdash.errors import EegdashError
from eegdash.jobs import Job
from eegdash.timings import TIMINGS, StageTimes
from eegdash.workflows import library
from eegdash.workflows.desk import Desk

LEAST_FREE_MB = 200
_PACKAGES = ("streamlit", "torch", "mne", "numpy")
_STARTED = time.time()
_STATM = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """State of a server at one moment.

    Parameters
    ----------
    versions : tuple of (str, str)
        Of the program, of Python and of the packages that do the work.
    running_s : float
        Since this process began.
    n_cpus : int
    memory_mb : float or None
        Of this process, without its workers; None where the system does not say.
    free_mb, cache_mb : float
        Space left for the workspace, and what the analysis cache takes of it.
    n_recordings : int
        Files in the workspace.
    labels : str
        Where labels are kept, in words, without an address.
    n_labels : tuple of (str, int)
        Lines by their state: verified, edited by hand, torn.
    choices : tuple of (str, str)
        What the installation decided, by the variable that decides it.
    problems : tuple of str
        What keeps it from being used, in words.
    """

    versions: tuple[tuple[str, str], ...]
    running_s: float
    n_cpus: int
    memory_mb: float | None
    free_mb: float
    cache_mb: float
    n_recordings: int
    labels: str
    n_labels: tuple[tuple[str, int], ...]
    choices: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]


def problems(desk: Desk) -> list[str]:
    """Return what keeps labels from being read and saved, in words; empty where nothing does."""
    found = []
    if not os.access(desk.workspace.root, os.W_OK):
        found.append("The workspace is not writable.")
    free_mb = shutil.disk_usage(desk.workspace.root).free / 1e6
    if free_mb < LEAST_FREE_MB:
        found.append(f"The workspace has {free_mb:.0f} MB left; {LEAST_FREE_MB} MB are needed.")
    try:
        desk.labels.refresh()
    except EegdashError as error:
        found.append(f"Labels cannot be read ({type(error).__name__}).")
    return found


def server_facts(desk: Desk) -> ServerFacts:
    """Return the state of this process and of its workspace."""
    wrong = problems(desk)
    unread = any(problem.startswith("Labels") for problem in wrong)
    counts = {} if unread else desk.labels.status_counts()
    return ServerFacts(
        versions=(
            ("EEG review", __version__),
            ("Python", platform.python_version()),
            *((name, _version(name)) for name in _PACKAGES),
        ),
        running_s=time.time() - _STARTED,
        n_cpus=os.cpu_count() or 1,
        memory_mb=_memory_mb(),
        free_mb=shutil.disk_usage(desk.workspace.root).free / 1e6,
        cache_mb=_size_mb(desk.workspace.cache),
        n_recordings=len(library.recording_files(desk)),
        labels=desk.labels.place,
        n_labels=tuple((status.value, n) for status, n in counts.items()),
        choices=_choices(desk),
        problems=tuple(wrong),
    )


def report(facts: ServerFacts, jobs: Sequence[Job]) -> dict[str, Any]:
    """Return the facts, the times of the stages and the queue as JSON values."""
    return {
        "versions": dict(facts.versions),
        "running_s": round(facts.running_s),
        "n_cpus": facts.n_cpus,
        "memory_mb": None if facts.memory_mb is None else round(facts.memory_mb, 1),
        "free_mb": round(facts.free_mb),
        "cache_mb": round(facts.cache_mb, 1),
        "n_recordings": facts.n_recordings,
        "labels": facts.labels,
        "n_labels": dict(facts.n_labels),
        "choices": dict(facts.choices),
        "problems": list(facts.problems),
        "queue": [{"task": job.task, "state": job.state} for job in jobs],
        "stages": [
            {
                "stage": row.stage,
                "n": row.n,
                "n_failed": row.n_failed,
                "median_ms": round(1000 * row.median_s, 1),
                "p95_ms": round(1000 * row.p95_s, 1),
                "longest_ms": round(1000 * row.longest_s, 1),
            }
            for row in stage_times()
        ],
    }


def stage_times() -> list[StageTimes]:
    """Return how long each stage took in this process, by name."""
    return TIMINGS.table()


def _choices(desk: Desk) -> tuple[tuple[str, str], ...]:
    settings = desk.settings
    worded_by = settings.llm_model if settings.llm_base_url else ""
    named = len(settings.adjudicators)
    return (
        ("EEGDASH_BLINDED", "all read blinded first" if settings.blinded else "as readers choose"),
        ("EEGDASH_OTHERS_LABELS", "hidden" if settings.others_hidden else "shown"),
        ("EEGDASH_ADJUDICATORS", f"{named} named" if named else "every reader"),
        ("EEGDASH_LLM_MODEL", worded_by or "none, the program words reports"),
        ("EEGDASH_TRUSTED_PACKAGES", ", ".join(settings.trusted_packages) or "none"),
        ("EEGDASH_LOG", settings.log or "text"),
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _size_mb(folder: Path) -> float:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # the cache removes values meanwhile
            total += path.stat().st_size
    return total / 1e6


def _memory_mb() -> float | None:
    try:
        pages = int(_STATM.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
