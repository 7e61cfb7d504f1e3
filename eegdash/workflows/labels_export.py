"""Labels and consensus as files of other programs; what a format cannot hold is said."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from eegdash.annotations import BACKGROUND, Annotation
from eegdash.errors import WorkspaceError
from eegdash.export import (
    whole_seconds,
    write_chbmit_summary,
    write_edf_annotations,
    write_events_tsv,
)
from eegdash.io.reference import COVERAGE_FILE
from eegdash.labels import Label, LineStatus
from eegdash.labels.consensus import Consensus, majority, of_one, overruled
from eegdash.labels.opinions import UNSURE, decisions_of, stance, standing
from eegdash.labels.spans import Spans, common, in_seconds, spans_of, total_s, without
from eegdash.labels.table import write_table
from eegdash.recording import alias_of
from eegdash.workflows.desk import Desk
from eegdash.workflows.opinion_material import Opinions, opinions
from eegdash.workflows.readers import Reader, Sight
from eegdash.workflows.recording_names import durations_s

FORMATS: Mapping[str, str] = {
    "szcore": "SzCORE / BIDS events (TSV)",
    "edf": "EDF+ with annotations",
    "chbmit": "CHB-MIT style summary (text)",
    "csv": "table of all label records (CSV)",
}
MAJORITY, ADJUDICATED, ONE_READER = "majority", "adjudicated", "reader"
RULES: Mapping[str, str] = {
    MAJORITY: "majority of the readers; the decision where a case was adjudicated",
    ADJUDICATED: "adjudicated only",
    ONE_READER: "one reader",
}
KNOWN = "truth known"
"""Text of the EDF+ annotations that say where the export makes a statement."""
LOSSES_FILE = "LOSSES.txt"
_RESEARCH = "Research use, not for diagnosis."


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file to be downloaded or written: its name holds an alias, never a file's own name."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Export:
    """What leaves.

    Parameters
    ----------
    files : tuple of ExportedFile
    n_recordings, n_seizures : int
    known_s, unknown_s : float
        Time that the export makes a statement on, and time it leaves unknown, s.
    losses : tuple of str
        What the format cannot hold, in plain sentences.
    """

    files: tuple[ExportedFile, ...]
    n_recordings: int
    n_seizures: int
    known_s: float
    unknown_s: float
    losses: tuple[str, ...]

    def as_zip(self) -> ExportedFile:
        """Return all files in one, with ``LOSSES.txt`` saying what was lost."""
        stream = io.BytesIO()
        words = "\n".join([_RESEARCH, *(self.losses or ("Nothing was lost.",)), ""])
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in (*self.files, ExportedFile(LOSSES_FILE, words.encode())):
                # a fixed time, so that equal labels make equal files
                archive.writestr(zipfile.ZipInfo(file.name), file.content)
        return ExportedFile("labels.zip", stream.getvalue())


@dataclass(frozen=True, slots=True, eq=False)
class _Truth:
    """What is exported of one recording; ``duration_s`` is a guess where ``measured`` is false."""

    sha256: str
    consensus: Consensus
    duration_s: float
    measured: bool
    unsure: int

    @property
    def alias(self) -> str:
        return alias_of(self.sha256)

    @property
    def whole(self) -> bool:
        """Whether the truth of the whole recording is known, but for a tenth of a second."""
        return self.measured and self.duration_s - total_s(self.consensus.known) <= 0.1


def export_labels(
    desk: Desk,
    reader: Reader,
    format: str,
    *,
    rule: str = MAJORITY,
    one_reader: str = "",
    recordings: Sequence[str] | None = None,
    min_readers: int = 2,
    whole_after_sign_off: bool = False,
) -> Export:
    """Return the consensus (or one reader's labels) as files; ``csv`` exports every record.

    Where readers were unsure, tied, fewer than ``min_readers``, or said nothing, the export says
    nothing either.

    Parameters
    ----------
    desk : Desk
    reader : Reader
        Who is looking: what is withheld from them is not exported.
    format : str
        Key of :data:`FORMATS`.
    rule : str
        Key of :data:`RULES`.
    one_reader : str
        Whose labels, for the rule ``reader``.
    recordings : sequence of str, optional
        Only these hashes.
    min_readers : int
        For the majority: fewer readers than this leave a span unknown.
    whole_after_sign_off : bool
        See :func:`eegdash.workflows.agreement.agreement`.

    Raises
    ------
    WorkspaceError
        If there is nothing to export, in words.
    """
    if format not in FORMATS or rule not in RULES:
        raise WorkspaceError(
            f"Choose one of the formats {', '.join(FORMATS)} and of the rules {', '.join(RULES)}."
        )
    wanted = None if recordings is None else set(recordings)
    if format == "csv":
        return _records(desk, reader, wanted)
    material, _ = opinions(
        desk,
        reader,
        recordings=wanted,
        readers={one_reader} if rule == ONE_READER else None,
        whole_after_sign_off=whole_after_sign_off,
    )
    lengths = durations_s(
        desk, [x for one in material for x in one.records], [x.recording_sha256 for x in material]
    )
    truths = [_truth(one, rule, one_reader, min_readers, lengths) for one in material]
    truths = [x for x in truths if len(x.consensus.known)]
    if not truths:
        raise WorkspaceError(_nothing(rule, one_reader, min_readers))
    files, lost = _WRITE[format](truths)
    seizures = [a for x in truths for a in x.consensus.seizures]
    known_s = sum(total_s(x.consensus.known) for x in truths)
    unknown_s = sum(max(x.duration_s - total_s(x.consensus.known), 0.0) for x in truths)
    return Export(
        files=tuple(files),
        n_recordings=len(truths),
        n_seizures=len(seizures),
        known_s=known_s,
        unknown_s=unknown_s,
        losses=(*lost, *_common_losses(truths)),
    )


def _nothing(rule: str, one_reader: str, min_readers: int) -> str:
    if rule == ADJUDICATED:
        return "Nothing was adjudicated yet: decide cases first, or export by majority."
    if rule == ONE_READER:
        return f"{one_reader or 'This reader'} has said nothing that could be exported."
    return (
        f"There is no span on which enough readers ({min_readers}) made a statement. Let another "
        "reader read, or export one reader's labels."
    )


def _truth(
    one: Opinions, rule: str, one_reader: str, min_readers: int, lengths: Mapping[str, float]
) -> _Truth:
    labels = [x for x in standing(one.records) if x.kind == "label" and x.repeat_of is None]
    decided = [x for x in labels if x.verdict == "adjudicated"]
    said = [x for x in labels if x.verdict != "adjudicated"]
    decisions = decisions_of(one.records)
    if rule == ADJUDICATED:
        consensus = of_one(decisions, decided)
        said = []
    elif rule == ONE_READER:
        said = [x for x in said if x.reviewer == one_reader]
        own = one.readings.get(one_reader)
        consensus = Consensus((), spans_of([])) if own is None else of_one(own, said)
    else:
        votes = majority(one.readings, said, min_readers=min_readers)
        consensus = overruled(votes, decisions, decided)
    unsure = [x for x in said if stance(x) == UNSURE]
    length = lengths.get(one.recording_sha256)
    known_end = consensus.known[-1, 1] / 1000 if len(consensus.known) else 0.0
    return _Truth(
        one.recording_sha256,
        _within(consensus, length),
        known_end if length is None else length,
        length is not None,
        len(unsure),
    )


def _within(consensus: Consensus, length_s: float | None) -> Consensus:
    """Cut what reaches beyond the end of the recording."""
    if length_s is None:
        return consensus
    inside = spans_of([(0.0, length_s)])
    seizures = tuple(
        Annotation(a.onset_s, min(a.end_s, length_s) - a.onset_s, a.event_type, a.confidence)
        for a in consensus.seizures
        if a.onset_s < length_s
    )
    return Consensus(seizures, common(consensus.known, inside))


# -- formats -------------------------------------------------------------------------------


def _szcore(truths: Sequence[_Truth]) -> tuple[list[ExportedFile], list[str]]:
    files: list[ExportedFile] = []
    rows = ["file\tknown_from_s\tknown_to_s\tnote"]
    for truth in truths:
        free = without(truth.consensus.known, _seizure_spans(truth))
        rest = [Annotation(a, b - a, BACKGROUND) for a, b in in_seconds(free)]
        events = truth.consensus.seizures or tuple(rest)
        files.append(
            _written(
                f"{truth.alias}_events.tsv",
                partial(write_events_tsv, annotations=events, duration_s=truth.duration_s),
            )
        )
        for start_s, stop_s in in_seconds(truth.consensus.known):
            rows.append(f"{truth.alias}.edf\t{start_s:.3f}\t{stop_s:.3f}\tas read")
    files.append(ExportedFile(COVERAGE_FILE, ("\n".join(rows) + "\n").encode()))
    losses = ["Starts of recordings are left out (written as 1985-01-01): they may tell who it is."]
    times = [t for x in truths for a in x.consensus.seizures for t in (a.onset_s, a.duration_s)]
    if any(abs(100 * t - round(100 * t)) > 1e-6 for t in times):
        losses.append("Times of seizures are rounded to 0.01 s.")
    if any(round(a.confidence or 0.0, 2) != (a.confidence or 0.0)
           for x in truths for a in x.consensus.seizures):  # fmt: skip
        losses.append("Confidence is rounded to two decimals.")
    in_part = sum(not x.whole for x in truths)
    if in_part:
        losses.append(
            f"Recordings known in part only: {in_part}. {COVERAGE_FILE} says where; a program "
            "that does not read it takes the rest for free of seizures."
        )
    return files, losses


def _edf(truths: Sequence[_Truth]) -> tuple[list[ExportedFile], list[str]]:
    files = []
    for truth in truths:
        notes = [Annotation(a, b - a, text=KNOWN) for a, b in in_seconds(truth.consensus.known)]
        for one in truth.consensus.seizures:
            stated = "" if one.confidence is None else f"; confidence {one.confidence:g}"
            notes.append(Annotation(one.onset_s, one.duration_s, text=f"{one.event_type}{stated}"))
        files.append(
            _written(
                f"{truth.alias}_annotations.edf",
                partial(write_edf_annotations, annotations=notes),
            )
        )
    return files, ["The EDF+ files hold annotations and no signal; open them beside the EEG."]


def _chbmit(truths: Sequence[_Truth]) -> tuple[list[ExportedFile], list[str]]:
    listed = {
        f"{x.alias}.edf": x.consensus.seizures for x in truths if x.consensus.seizures or x.whole
    }
    losses: list[str] = []
    left_out = len(truths) - len(listed)
    if left_out:
        losses.append(
            f"Recordings without a seizure left out: {left_out}. They are known in part only, "
            "and a summary would say that they hold none."
        )
    if not listed:
        raise WorkspaceError(
            "A summary would claim more than the readers said: no recording has a seizure or was "
            "read as a whole. Choose SzCORE events, which keep what is unknown."
        )
    seizures = [a for found in listed.values() for a in found]
    if any(whole_seconds(a) != (a.onset_s, a.end_s) for a in seizures):
        losses.append("Onsets and ends are rounded to whole seconds.")
    if any(a.event_type != "sz" for a in seizures):
        losses.append("Types of seizures are not in a summary.")
    if any(a.confidence is not None for a in seizures):
        losses.append("Confidence is not in a summary.")
    if any(not x.whole for x in truths if f"{x.alias}.edf" in listed):
        losses.append("A summary cannot say which time was not read; it looks free of seizures.")
    file = _written("rec-summary.txt", lambda path: write_chbmit_summary(path, listed))
    return [file], losses


_WRITE: Mapping[str, Callable[[Sequence[_Truth]], tuple[list[ExportedFile], list[str]]]] = {
    "szcore": _szcore,
    "edf": _edf,
    "chbmit": _chbmit,
}


def _common_losses(truths: Sequence[_Truth]) -> list[str]:
    losses = ["Who said what, reasons, comments and changes are not in these files."]
    unsure = sum(x.unsure for x in truths)
    if unsure:
        losses.append(f"Spans called unsure and left unknown: {unsure}.")
    guessed = sum(not x.measured for x in truths)
    if guessed:
        losses.append(
            f"Recordings whose length is not known, because their files are not in the "
            f"workspace: {guessed}. The end of the last statement stands for it."
        )
    return losses


def _records(desk: Desk, reader: Reader, wanted: set[str] | None) -> Export:
    """Every record that the viewer may see, as the table of the labels file."""
    sight = Sight(desk, reader)
    every = desk.labels.lines
    known = [x for x in every if x.label is not None]
    chosen = [
        x
        for x in known
        if x.label is not None
        and (wanted is None or x.label.recording_sha256 in wanted)
        and sight.sees(x.label)
    ]
    if not chosen:
        raise WorkspaceError("There is no label to export yet. Label something on Review first.")
    losses: list[str] = []
    torn = sum(x.status is LineStatus.TORN for x in every)
    if torn:
        losses.append(f"Torn lines of the labels file left out: {torn}.")
    if len(chosen) < len(known):
        losses.append(f"Records not chosen, or withheld: {len(known) - len(chosen)}.")
    labels: list[Label] = [x.label for x in chosen if x.label is not None]
    return Export(
        files=(_written("labels.csv", lambda path: write_table(path, chosen)),),
        n_recordings=len({x.recording_sha256 for x in labels}),
        n_seizures=sum(x.kind == "label" and stance(x) == "seizure" for x in standing(labels)),
        known_s=0.0,
        unknown_s=0.0,
        losses=tuple(losses),
    )


def _seizure_spans(truth: _Truth) -> Spans:
    return spans_of((a.onset_s, a.end_s) for a in truth.consensus.seizures)


def _written(name: str, write: Callable[[Path], None]) -> ExportedFile:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return ExportedFile(name, path.read_bytes())
