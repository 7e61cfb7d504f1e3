"""What other detectors say about a recording: events or a trace in a file beside it.

``<stem>_desc-<name>_events.tsv`` (SzCORE) or ``<stem>_desc-<name>_trace.csv`` (``time_s`` and
``probability``), where ``<stem>`` is the name of the recording's file without its suffix. Such a
file is never taken for the reference.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eegdash.atomic import write_atomically
from eegdash.detection import PostProcessing
from eegdash.errors import AnnotationError
from eegdash.export.trace_csv import read_trace_csv
from eegdash.io.events_tsv import read_events_tsv
from eegdash.io.reference import DERIVATIVE
from eegdash.workflows.hypotheses import Hypothesis, of_events_file, of_trace
from eegdash.workflows.library import Opened

EVENTS, TRACE = "events", "trace"
_SUFFIX = {EVENTS: "_events.tsv", TRACE: "_trace.csv"}
_UNNAMED = "other"
_NAME = re.compile(r"[A-Za-z0-9+.-]{1,60}")
_UNFIT = re.compile(r"[^A-Za-z0-9+.-]+")
_SHORTEST_STEP_S = 0.01


@dataclass(frozen=True, slots=True)
class OtherOutput:
    """One file of another detector: ``kind`` is ``events`` or ``trace``."""

    name: str
    kind: str
    path: Path


def outputs_beside(recording: Path) -> dict[str, OtherOutput]:
    """Return the files of other detectors beside a recording, by detector.

    Of a detector that left both, the trace is taken: it can be thresholded.
    """
    return _among(recording, _outputs_in(recording.parent))


def detectors_beside(recordings: Iterable[Path]) -> list[str]:
    """Return the names of the detectors that left files beside any of the recordings."""
    outputs: dict[Path, list[Path]] = {}
    names: set[str] = set()
    for recording in recordings:
        if recording.parent not in outputs:
            outputs[recording.parent] = _outputs_in(recording.parent)
        names.update(_among(recording, outputs[recording.parent]))
    return sorted(names)


def _outputs_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if DERIVATIVE in path.name)


def _among(recording: Path, paths: Sequence[Path]) -> dict[str, OtherOutput]:
    found: dict[str, OtherOutput] = {}
    stems = _stems(recording)
    for kind in (EVENTS, TRACE):
        for path in paths:
            stem, _, rest = path.name.partition(DERIVATIVE)
            name = rest.removesuffix(_SUFFIX[kind])
            if stem in stems and name != rest and _NAME.fullmatch(name):
                found[name] = OtherOutput(name, kind, path)
    return found


def _stems(recording: Path) -> set[str]:
    """Names that results of a recording begin with; BIDS leaves out the ``_eeg`` at its end."""
    return {recording.stem, recording.stem.removesuffix("_eeg")}


def keep_output(recordings: Sequence[Path], file_name: str, content: bytes) -> OtherOutput:
    """Keep an uploaded file beside the recording that its name names.

    Parameters
    ----------
    recordings : sequence of Path
        Those it may belong to; where there is one only, the file need not name it.
    file_name : str
        As the browser sent it; never used as a path.
    content : bytes

    Raises
    ------
    AnnotationError
        If it belongs to none of the recordings or to several, or holds neither events nor a trace.
    WorkspaceError
        If it cannot be written.
    """
    base = file_name.replace("\\", "/").rsplit("/", 1)[-1].replace("\0", "")
    kind = TRACE if base.lower().endswith(".csv") else EVENTS
    stem = re.sub(r"(_events|_trace)?\.(tsv|csv)$", "", base, flags=re.IGNORECASE)
    about, _, name = stem.partition(DERIVATIVE)
    matching = [path for path in recordings if about in _stems(path)]
    if not matching and len(recordings) == 1:
        matching, name = list(recordings), name or stem
    if len(matching) != 1:
        raise AnnotationError(
            f"{base} names none of the chosen recordings, or several. Call it like the recording, "
            f"with {DERIVATIVE}NAME_events.tsv or {DERIVATIVE}NAME_trace.csv behind, or choose the "
            "one recording it belongs to."
        )
    name = _UNFIT.sub("-", name).strip("-")[:60] or _UNNAMED
    target = matching[0].with_name(f"{matching[0].stem}{DERIVATIVE}{name}{_SUFFIX[kind]}")
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / f"trial{_SUFFIX[kind]}"
        trial.write_bytes(content)
        try:
            _check(trial, kind)
        except AnnotationError as error:
            # the words name the trial file, which the reader has never seen
            raise AnnotationError(str(error).replace(trial.name, base)) from error
    write_atomically(target, content)
    return OtherOutput(name, kind, target)


def _check(path: Path, kind: str) -> None:
    if kind == EVENTS:
        read_events_tsv(path)
    else:
        read_trace_csv(path, duration_s=math.inf, recording_sha256="")


def hypothesis_of(output: OtherOutput, opened: Opened, post: PostProcessing) -> Hypothesis:
    """Return the detections of another detector at any threshold.

    A trace is thresholded under the event rules ``post``; events are taken as they are.

    Raises
    ------
    AnnotationError
        If the file cannot be read.
    """
    recording = opened.recording
    if output.kind == EVENTS:
        return of_events_file(output.path, recording.duration_s)
    trace = read_trace_csv(
        output.path,
        duration_s=recording.duration_s,
        recording_sha256=recording.sha256,
        model=output.name,
    )
    if trace.step_s < _SHORTEST_STEP_S:
        raise AnnotationError(
            f"{output.path.name} has a row every {1000 * trace.step_s:g} ms; "
            f"{1000 * _SHORTEST_STEP_S:g} ms is the least. Export it with fewer rows."
        )
    return of_trace(trace, post)
