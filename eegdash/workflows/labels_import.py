"""Labels from files of other programs, each saying who said it and where it comes from."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from eegdash.annotations import BACKGROUND, SEIZURE_PREFIX, Annotation
from eegdash.errors import AnnotationError, EegdashError
from eegdash.io import open_recording
from eegdash.io.chbmit import read_summary
from eegdash.io.events_tsv import read_events_tsv
from eegdash.labels import DraftLabel, Label
from eegdash.labels.spans import Spans, common, in_seconds, joined, spans_of
from eegdash.recording import ALIAS_PREFIX, alias_of
from eegdash.workflows.desk import Desk
from eegdash.workflows.label_rows import ORIGIN, read_rows
from eegdash.workflows.labels_export import FORMATS, KNOWN
from eegdash.workflows.readers import Reader
from eegdash.workflows.recording_names import durations_s, files_by_hash
from eegdash.workflows.review import named

MAX_BYTES = 64 << 20
_BY_ENDING = {".tsv": "szcore", ".edf": "edf", ".txt": "chbmit", ".csv": "csv"}
_PART = re.compile(r"_desc-[A-Za-z0-9+.-]+$")
_EVENT = re.compile(r"(bckg|sz(?:_[A-Za-z0-9]+)*)(?:\s*;\s*confidence\s+([01](?:\.\d+)?))?")


@dataclass(frozen=True, slots=True)
class Import:
    """What a file holds, before anything is saved.

    Parameters
    ----------
    format : str
        Key of :data:`eegdash.workflows.labels_export.FORMATS`.
    drafts : tuple of DraftLabel
        In the order in which they will be appended.
    n_known : int
        Of these, how many are in the labels file already (they are not saved twice).
    recordings : tuple of str
        Hashes of the recordings they belong to.
    losses, problems : tuple of str
        What the labels file cannot hold; rows that are left out. Plain sentences.
    uuids : tuple of str
        For each draft, what the file calls it; ``supersedes`` and ``repeat_of`` of the drafts are
        the file's own until they are saved. Empty where the file has no names.
    """

    format: str
    drafts: tuple[DraftLabel, ...]
    n_known: int
    recordings: tuple[str, ...]
    losses: tuple[str, ...]
    problems: tuple[str, ...]
    uuids: tuple[str, ...] = ()


_ALL_READ = (
    "The file does not say which time was read. As SzCORE has it, the rest of the recording counts "
    "as read and free of seizures."
)


@dataclass(slots=True)
class _Found:
    """What a file says about one recording."""

    seizures: list[Annotation] = field(default_factory=list)
    known: Spans | None = None


def read_labels(
    desk: Desk,
    file_name: str,
    content: bytes,
    *,
    said_by: str,
    recording_sha256: str = "",
    format: str | None = None,
    coverage: bytes | None = None,
) -> Import:
    """Read a file of labels; nothing is saved yet.

    A seizure becomes a label with the verdict ``missed`` (a seizure marked by hand); what the file
    says to be known becomes one sign-off per recording over that time.

    Parameters
    ----------
    desk : Desk
    file_name : str
        As the browser sent it: says the format, and the recording unless that is given. Kept
        nowhere.
    content : bytes
    said_by : str
        Whose labels these are where the file does not say.
    recording_sha256 : str
        The recording, where the file's name does not say.
    format : str, optional
        Key of :data:`eegdash.workflows.labels_export.FORMATS`.
    coverage : bytes, optional
        The ``coverage.tsv`` that belongs to SzCORE events.

    Raises
    ------
    AnnotationError
        If the file cannot be read, or belongs to no recording of the workspace.
    """
    base = file_name.replace("\\", "/").rsplit("/", 1)[-1].replace("\0", "")
    kind = format or _BY_ENDING.get(Path(base).suffix.lower(), "")
    if kind not in FORMATS:
        raise AnnotationError(
            f"{base[:80]} is not a file of labels that can be read. Expected are SzCORE events "
            "(.tsv), EDF+ annotations (.edf), a CHB-MIT summary (.txt) or a table of labels (.csv)."
        )
    if len(content) > MAX_BYTES:
        raise AnnotationError(f"{base[:80]} is larger than {MAX_BYTES >> 20} MB.")
    who = named(said_by)
    files = files_by_hash(desk)
    mark = hashlib.sha256(content).hexdigest()
    if kind == "csv":
        rows = read_rows(base, content, who, mark, _Places(desk, files))
        return _import(desk, kind, rows.drafts, rows.losses, rows.problems, rows.uuids)
    losses: list[str] = []
    problems: list[str] = []
    places = _Places(desk, files)
    if kind == "chbmit":
        found = _from_summary(base, content, places, recording_sha256, problems)
    else:
        sha256 = recording_sha256 or places.of(_stem(base))
        if not sha256:
            raise AnnotationError(_no_recording(base))
        read = _from_events if kind == "szcore" else _from_edf
        found = {sha256: read(base, content, losses, problems)}
        if kind == "szcore" and coverage is not None:
            _restrict(found[sha256], coverage, sha256, files.get(sha256))
        if kind == "szcore" and found[sha256].known is None:
            losses.append(_ALL_READ)
    drafts = _drafts(desk, found, who, f"{FORMATS[kind]}, file {mark[:12]}", mark, losses)
    return _import(desk, kind, drafts, losses, problems, ())


def save_import(
    desk: Desk,
    reader: Reader,
    found: Import,
    *,
    report: Callable[[int, int], None] | None = None,
) -> tuple[Label, ...]:
    """Append what was read; a second import of the same file adds nothing.

    Parameters
    ----------
    desk : Desk
    reader : Reader
        Who reads it in; the labels say so.
    found : Import
    report : callable, optional
        Told how many of how many are done. What it raises stops the import; what was saved stays,
        and importing again goes on.

    Raises
    ------
    LabelNotSavedError
        If a label was not saved; those before it are, and importing again goes on.
    """
    importer = named(reader.name)
    saved: list[Label] = []
    here: dict[str, str] = {}
    for number, draft in enumerate(found.drafts):
        if report is not None:
            report(number, len(found.drafts))
        theirs = found.uuids[number] if found.uuids else ""
        known = _already_here(desk, theirs, draft)
        if known is not None:
            here[theirs] = known.uuid
            continue
        for name in ("supersedes", "repeat_of"):
            named_there = getattr(draft, name)
            if named_there is not None:
                draft = replace(draft, **{name: here.get(named_there, named_there)})
        draft = replace(draft, source=f"{draft.source}; read in by {importer}")
        label = desk.append(draft)
        here[theirs] = label.uuid
        saved.append(label)
    return tuple(saved)


def _already_here(desk: Desk, uuid: str, draft: DraftLabel) -> Label | None:
    """Return the label that an imported one is: saved here first, or read in before.

    A label that went to another workspace and came back names its first uuid in its source.
    """
    origin = ORIGIN.search(draft.source)
    for name in (uuid, origin[1] if origin else ""):
        found = desk.labels.find(name)
        if found is not None and found.recording_sha256 == draft.recording_sha256:
            return found
    return desk.labels.saved_as(draft.idempotency_id)


def _import(
    desk: Desk,
    kind: str,
    drafts: Sequence[DraftLabel],
    losses: Sequence[str],
    problems: Sequence[str],
    uuids: Sequence[str],
) -> Import:
    names = uuids or [""] * len(drafts)
    known = sum(
        _already_here(desk, name, x) is not None for name, x in zip(names, drafts, strict=True)
    )
    hashes = dict.fromkeys(x.recording_sha256 for x in drafts)
    return Import(
        kind, tuple(drafts), known, tuple(hashes), tuple(losses), tuple(problems), tuple(uuids)
    )


class _Places:
    """Finds recordings by alias or by the stem of their file's name."""

    def __init__(self, desk: Desk, files: Mapping[str, Path]) -> None:
        self._by_name: dict[str, str] = {}
        for sha256 in desk.labels.recordings():
            self._by_name.setdefault(alias_of(sha256), sha256)
        for sha256, path in files.items():
            self._by_name.setdefault(alias_of(sha256), sha256)
            self._by_name.setdefault(path.stem, sha256)
            self._by_name.setdefault(path.stem.removesuffix("_eeg"), sha256)

    def of(self, stem: str) -> str:
        """Return the hash, empty where there is no such recording."""
        return self._by_name.get(stem, "")


def _stem(base: str) -> str:
    """Return the name of the recording that a file of labels is named after."""
    stem = Path(base).stem
    for ending in ("_events", "_annotations"):
        stem = stem.removesuffix(ending)
    return _PART.sub("", stem)


def _no_recording(base: str) -> str:
    return (
        f"{base[:80]} names no recording of the workspace. Call it like the recording or by its "
        f"alias ({ALIAS_PREFIX}...), or choose the recording it belongs to."
    )


def _from_events(base: str, content: bytes, losses: list[str], problems: list[str]) -> _Found:
    with _as_file(base, content) as path:
        rows, warnings = read_events_tsv(path)
    problems += warnings
    channels = sum(bool(a.channels) for a in rows)
    if channels:
        losses.append(f"Channels are not kept (events that name some: {channels}).")
    if any(a.date_time is not None for a in rows):
        losses.append("The start that the file states is not kept; the recording has its own.")
    stated = [a for a in rows if a.event_type == BACKGROUND]
    seizures = [a for a in rows if a.is_seizure]
    if stated:
        return _Found(seizures, spans_of((a.onset_s, a.end_s) for a in [*stated, *seizures]))
    return _Found(seizures, None)


def _from_edf(base: str, content: bytes, losses: list[str], problems: list[str]) -> _Found:
    with _as_file(base, content) as path:
        try:
            annotations = open_recording(path).annotations
        except EegdashError as error:
            raise AnnotationError(str(error)) from error
    found = _Found(known=spans_of([]))
    known: list[tuple[float, float]] = []
    other = 0
    for one in annotations:
        text = one.text.strip()
        match = _EVENT.fullmatch(text)
        if text == KNOWN or (match and match[1] == BACKGROUND):
            known.append((one.onset_s, one.end_s))
        elif match and one.duration_s > 0:
            stated = None if match[2] is None else min(float(match[2]), 1.0)
            event_type = match[1].lower()
            found.seizures.append(Annotation(one.onset_s, one.duration_s, event_type, stated))
        elif text.lower() in ("seizure", SEIZURE_PREFIX) and one.duration_s > 0:
            found.seizures.append(Annotation(one.onset_s, one.duration_s, SEIZURE_PREFIX))
        else:
            other += 1
    if other:
        problems.append(f"Annotations left out, as they name no seizure with a duration: {other}.")
    if known:
        seizures = [(a.onset_s, a.end_s) for a in found.seizures]
        found.known = spans_of([*known, *seizures])
    else:
        losses.append("The file does not say which time was read: the rest stays unknown.")
    return found


def _from_summary(
    base: str, content: bytes, places: _Places, recording_sha256: str, problems: list[str]
) -> dict[str, _Found]:
    with _as_file(base, content) as path:
        listed = read_summary(path)
    found: dict[str, _Found] = {}
    absent = 0
    for name, seizures in listed.items():
        sha256 = places.of(Path(name).stem)
        if not sha256 and len(listed) == 1:
            sha256 = recording_sha256
        if not sha256 or (recording_sha256 and sha256 != recording_sha256):
            absent += 1
            continue
        found[sha256] = _Found(list(seizures), None)
    if not found:
        raise AnnotationError(_no_recording(base))
    if absent:
        problems.append(f"Recordings of the summary that are not in the workspace: {absent}.")
    return found


def _restrict(found: _Found, coverage: bytes, sha256: str, path: Path | None) -> None:
    """Take over which time the ``coverage.tsv`` beside an events file says to be known."""
    names = {alias_of(sha256), *([] if path is None else [path.stem])}
    lines = coverage.decode("utf-8-sig", errors="replace").replace("\r", "").split("\n")
    header, *rows = [line.split("\t") for line in lines]
    spans: list[tuple[float, float]] = []
    for cells in rows:
        row = dict(zip(header, cells, strict=False))
        if Path(row.get("file", "").strip()).stem in names:
            try:
                start_s, stop_s = float(row["known_from_s"]), float(row["known_to_s"])
            except (KeyError, ValueError):
                continue
            if 0 <= start_s < stop_s < 1e9:
                spans.append((start_s, stop_s))
    if spans:
        found.known = spans_of(spans)


def _drafts(
    desk: Desk,
    found: Mapping[str, _Found],
    who: str,
    source: str,
    mark: str,
    losses: list[str],
) -> list[DraftLabel]:
    lengths = durations_s(desk, desk.labels.all(), found)
    drafts: list[DraftLabel] = []
    for sha256, said in found.items():
        key = f"import:{mark[:24]}:{sha256[:16]}"
        length_s = lengths.get(sha256)
        seizures = [a for a in said.seizures if a.duration_s > 0]
        for number, one in enumerate(seizures):
            drafts.append(
                DraftLabel(
                    idempotency_id=f"{key}:{number}",
                    reviewer=who,
                    recording_sha256=sha256,
                    onset_s=one.onset_s,
                    duration_s=one.duration_s,
                    verdict="missed",
                    event_type=one.event_type.lower(),
                    confidence=one.confidence,
                    source=source,
                )
            )
        read = _read(said, seizures, length_s, losses)
        if len(read):
            drafts.append(_sign_off(key, who, sha256, read, bool(seizures), source))
    return drafts


def _read(
    said: _Found, seizures: Sequence[Annotation], length_s: float | None, losses: list[str]
) -> Spans:
    """Which time counts as read: what the file states, else the whole recording."""
    marked = spans_of((a.onset_s, a.end_s) for a in seizures)
    if said.known is None and length_s is None:
        losses.append(
            "The length of a recording is not known, so only its seizures are taken over."
        )
        return spans_of([])
    whole = spans_of([(0.0, length_s)]) if length_s is not None else None
    if said.known is None:
        return spans_of([]) if whole is None else whole
    if not len(said.known):
        return said.known
    stated = joined(said.known, marked)
    return stated if whole is None else common(stated, whole)


def _sign_off(
    key: str, who: str, sha256: str, read: Spans, any_seizure: bool, source: str
) -> DraftLabel:
    spans = in_seconds(read)
    return DraftLabel(
        idempotency_id=f"{key}:read",
        reviewer=who,
        recording_sha256=sha256,
        onset_s=spans[0][0],
        duration_s=spans[-1][1] - spans[0][0],
        kind="sign_off",
        event_type="" if any_seizure else BACKGROUND,
        seen=tuple(spans),
        source=source,
    )


@contextmanager
def _as_file(base: str, content: bytes) -> Iterator[Path]:
    """Give the content as a file whose name the readers' messages may name."""
    name = re.sub(r"[^A-Za-z0-9._+-]", "-", base)[-100:].lstrip(".") or "labels"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path
