"""Use cases that end in files: scoring to disk, simulation, the demo recording."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import PostProcessing, ProbabilityTrace, find_events
from eegdash.errors import EegdashError, RecordingError
from eegdash.export import (
    write_edf_stream,
    write_events_tsv,
    write_trace_csv,
    write_truth_tsv,
)
from eegdash.io import READERS
from eegdash.simulation import (
    SEIZURES,
    SimulatedRecording,
    Simulation,
    demo,
    draw_person,
    plan_simulation,
)
from eegdash.workflows.desk import Desk
from eegdash.workflows.library import open_path, recording_files
from eegdash.workflows.score import (
    Failed,
    Outcome,
    Progress,
    as_annotations,
    post_of,
    score,
)

DEMO_NAME = "demo_simulated.edf"


@dataclass(frozen=True, slots=True)
class Written:
    """A recording was scored and its files were written."""

    path: Path
    events: Path
    trace: Path
    n_events: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class NotWritten:
    """A recording failed; nothing was written for it."""

    path: Path
    reason: str


def expand(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the recordings among files and folders; a file is taken whatever its suffix."""
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in READERS)
        else:
            yield path


def score_to_files(
    desk: Desk,
    path: Path,
    model: CheckpointInfo,
    out: Path,
    *,
    threshold_pm: int | None = None,
    progress: Progress | None = None,
) -> Written | NotWritten:
    """Score a recording and write its events (SzCORE) and its trace.

    Parameters
    ----------
    desk : Desk
    path : Path
    model : CheckpointInfo
    out : Path
        Folder of the results, made if missing.
    threshold_pm : int, optional
        Per mille; default the locked operating point of the model.
    progress : callable, optional

    Returns
    -------
    Written or NotWritten
    """
    return write_outcome(
        desk, path, model, out, score(desk, path, model, progress), threshold_pm=threshold_pm
    )


def write_outcome(
    desk: Desk,
    path: Path,
    model: CheckpointInfo,
    out: Path,
    outcome: Outcome,
    *,
    threshold_pm: int | None = None,
) -> Written | NotWritten:
    """Write the events and the trace of a recording that was scored; parameters as above."""
    if isinstance(outcome, Failed):
        return NotWritten(path, outcome.reason)
    trace = outcome.trace
    threshold = model.threshold_pm if threshold_pm is None else threshold_pm
    events = find_events(trace, threshold, post_of(model))
    stem = f"{path.stem}_desc-{model.name}"
    names = out / f"{stem}_events.tsv", out / f"{stem}_trace.csv"
    written = Written(path, *names, len(events), note=_too_little(trace, post_of(model)))
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_trace_csv(written.trace, trace)
        write_events_tsv(
            written.events,
            as_annotations(events),
            duration_s=trace.duration_s,
            start=open_path(desk, path).recording.start,
        )
    except EegdashError as error:
        return NotWritten(path, str(error))
    except OSError as error:
        reason = f"The folder {out.name} cannot be written ({error.strerror}). Choose another."
        return NotWritten(path, reason)
    return written


def _too_little(trace: ProbabilityTrace, post: PostProcessing) -> str:
    """Say so where no detection was possible: that is not the same as no seizure."""
    if trace.scored_s >= post.min_duration_s:
        return ""
    return (
        f"only {trace.scored_s:.1f} s could be scored and a detection needs "
        f"{post.min_duration_s:g} s, so none was possible"
    )


def write_simulation(recording: SimulatedRecording | Simulation, path: Path) -> None:
    """Write a simulated recording as EDF+ with its truth beside it, block by block.

    The truth stands in the events file only, not among the annotations of the EDF.
    """
    write_edf_stream(
        path,
        recording.blocks(),
        recording.sfreq,
        recording.ch_names,
        n_samples=recording.n_samples,
    )
    write_events_tsv(
        path.with_name(f"{path.stem}_events.tsv"),
        recording.annotations,
        duration_s=recording.duration_s,
    )


def simulate_to_file(
    path: Path,
    *,
    duration_s: float,
    n_seizures: int,
    seed: int,
    kinds: Sequence[str] = SEIZURES,
    changes: Mapping[str, Any] | None = None,
    all_truth: bool = False,
) -> None:
    """Simulate a recording of any length and write it in bounded memory.

    Parameters
    ----------
    path : Path
        EDF file; its folder is made if missing.
    duration_s : float
    n_seizures : int
    seed : int
    kinds : sequence of str
        Kinds of seizures to draw from.
    changes : mapping, optional
        Fields of the person that are chosen instead of drawn. A pattern that is chosen occurs.
    all_truth : bool
        Also write every pattern and artefact, as ``<stem>_truth.tsv``.

    Raises
    ------
    RecordingError
        If the seizures do not fit, a choice is unknown, or the file cannot be written.
    """
    if path.suffix.lower() != ".edf":
        raise RecordingError(f"{path.name}: a simulation is written as EDF; name it something.edf.")
    try:
        recording = plan_simulation(
            duration_s,
            seed=seed,
            n_seizures=n_seizures,
            kinds=kinds,
            person=draw_person(seed, **(changes or {})),
            each_pattern="patterns" in (changes or {}),
        )
    except ValueError as error:
        raise RecordingError(f"The recording cannot be simulated: {error}") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    write_simulation(recording, path)
    if all_truth:
        write_truth_tsv(path.with_name(f"{path.stem}_truth.tsv"), recording.truth)


def ensure_demo(desk: Desk) -> bool:
    """Put the simulated demo recording into an empty workspace; return whether it did."""
    if recording_files(desk):
        return False
    # written under a hidden name first: the list of recordings never shows half a file
    target = desk.workspace.recordings / DEMO_NAME
    hidden = target.with_name(f".{DEMO_NAME}")
    write_simulation(demo(), hidden)
    hidden.with_name(f"{hidden.stem}_events.tsv").replace(
        target.with_name(f"{target.stem}_events.tsv")
    )
    hidden.replace(target)
    return True
