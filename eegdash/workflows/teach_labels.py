"""Which labels a detector may be taught from, what they mean, and which recordings stay aside.

Persons, not recordings or windows, are split: whoever is taught from is scored nowhere. Which
persons are kept aside follows from a hash of the person alone, so that the same ones stay aside in
every later teaching, and no ancestor of a detector was taught from them either.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from eegdash.annotations import BACKGROUND, SEIZURE_PREFIX, Annotation, Reference
from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import DatasetError, EegdashError
from eegdash.io.layouts import read_dataset
from eegdash.labels import CurrentLabels, Label
from eegdash.labels.index import LabelIndex
from eegdash.scoring.intervals import union
from eegdash.training.opinions import Meaning, Opinion
from eegdash.workflows import library
from eegdash.workflows.desk import Desk
from eegdash.workflows.operating_sets import training_record

ALL, BLINDED_ONLY, WITHOUT_BLINDED = "all", "blinded only", "without blinded"
BLINDED = (ALL, BLINDED_ONLY, WITHOUT_BLINDED)
TAUGHT, HELD, ASIDE, UNUSED = "taught", "choice", "aside", "unused"
SIDE_WORDS = {
    TAUGHT: "taught from",
    HELD: "to choose how much of the change is taken",
    ASIDE: "kept aside for before and after",
}
"""What the sides are for, in words."""
UNSURE, OVERRULED, CONTRADICTED = "unsure", "overruled", "contradicted"
_WORDS = {
    UNSURE: "unsure",
    OVERRULED: "replaced by an adjudication",
    CONTRADICTED: "contradicted by another reader, not adjudicated",
}
_VALIDATION_PERSONS = 5
_ADJUDICATED = "adjudicated"

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class TeachChoice:
    """Which labels are used, and how many persons stay aside.

    Parameters
    ----------
    blinded : str
        One of :data:`BLINDED`: whether labels of blinded first reads count as others do, alone,
        or not at all.
    readers : tuple of str
        Only what these readers said; empty for all.
    keep_aside : float
        Share of the labelled persons that is not taught from but scored, 0 to 1. Only recordings
        whose truth is known throughout (a reference, or a sign-off) can be kept aside.
    choice_share : float
        Share of the taught persons on whom it is chosen how much of the change is taken; from
        five persons on.
    """

    blinded: str = ALL
    readers: tuple[str, ...] = ()
    keep_aside: float = 0.25
    choice_share: float = 0.2

    def __post_init__(self) -> None:
        """Refuse what is no choice."""
        if self.blinded not in BLINDED or not 0 <= self.keep_aside <= 1:
            raise DatasetError(
                f"Labels of blinded reads are used as one of {', '.join(BLINDED)}, and the share "
                "that is kept aside lies from 0 to 1."
            )


@dataclass(frozen=True, slots=True)
class LabelsFile:
    """The labels as they stood after a number of lines, so that a killed teaching goes on alike.

    Parameters
    ----------
    n_lines : int
    sha256 : str
        Of these lines: ``head -n N labels.jsonl | sha256sum`` gives it again.
    """

    n_lines: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A recording with what readers said about it.

    Parameters
    ----------
    path : Path
    sha256, alias, person_key : str
    duration_s : float
    side : str
        ``taught``, ``choice``, ``aside`` or ``unused``.
    opinions : tuple of Opinion
    contested : tuple of (float, float)
        Spans of records that contradict each other in the labels file, s.
    finished : bool
        A reader signed it off or committed a first read.
    reference : Reference or None
        Truth for scoring: the file beside it, else the labels of a finished reading.
    """

    path: Path
    sha256: str
    alias: str
    person_key: str
    duration_s: float
    side: str
    opinions: tuple[Opinion, ...] = ()
    contested: tuple[Span, ...] = ()
    finished: bool = False
    reference: Reference | None = None


@dataclass(frozen=True, slots=True)
class TeachPlan:
    """What a detector would be taught from, and what it would be scored on.

    Parameters
    ----------
    labels : LabelsFile
    files : tuple of LabelledFile
    used : mapping of str to int
        Labels by verdict that are taught from or choose the share.
    left_out : mapping of str to int
        Labels by the reason why they are not.

    Raises
    ------
    DatasetError
        If a recording or a person is on two sides, or was taught to an ancestor and is scored.
    """

    labels: LabelsFile
    files: tuple[LabelledFile, ...]
    used: Mapping[str, int]
    left_out: Mapping[str, int]
    ancestors: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())

    def __post_init__(self) -> None:
        """Refuse what would leak."""
        refuse_leaks(self.files, self.ancestors)

    def on(self, side: str) -> tuple[LabelledFile, ...]:
        """Return the recordings of one side."""
        return tuple(file for file in self.files if file.side == side)

    @property
    def n_used(self) -> int:
        """Number of labels that are used."""
        return sum(self.used.values())


def refuse_leaks(
    files: Iterable[LabelledFile],
    ancestors: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset()),
) -> None:
    """Raise where something scored was trained on.

    Parameters
    ----------
    files : iterable of LabelledFile
    ancestors : (frozenset, frozenset)
        Recordings (hashes) and persons (keys) that the detector was trained on before.

    Raises
    ------
    DatasetError
    """
    side_of: dict[str, str] = {}
    for file in files:
        if file.side == UNUSED:
            continue
        for name in (file.sha256, file.person_key):
            if side_of.setdefault(name, file.side) != file.side:
                raise DatasetError(
                    f"{file.alias}: the same person or recording is on two sides, "
                    f"{side_of[name]} and {file.side}. Split by person: nothing that is scored "
                    "may be trained on."
                )
        if file.side == ASIDE and (file.sha256 in ancestors[0] or file.person_key in ancestors[1]):
            raise DatasetError(
                f"{file.alias}: the detector was trained on this recording or person before, so "
                "it cannot be scored on it."
            )


# ---- the labels file at one moment -----------------------------------------------------------


def labels_now(desk: Desk) -> LabelsFile:
    """Return the labels file as it stands."""
    lines = desk.labels.lines
    return labels_at(desk, lines[-1].number if lines else 0)


def labels_at(desk: Desk, n_lines: int) -> LabelsFile:
    """Return the first lines of the labels file; the file only grows, so they stay the same."""
    kept = b"".join(line + b"\n" for line in desk.labels.raw_lines()[:n_lines])
    return LabelsFile(n_lines, hashlib.sha256(kept).hexdigest())


class _Labels(Protocol):
    """What the plan asks of the labels: of the file as it stands, or of its first lines."""

    def recordings(self) -> dict[str, int]: ...

    def current(
        self, sha256: str, *, reviewer: str | None = None, kind: str | None = None
    ) -> CurrentLabels: ...


def _up_to(desk: Desk, n_lines: int) -> _Labels:
    lines = desk.labels.lines
    if not lines or lines[-1].number <= n_lines:
        return desk.labels  # indexed already: 10^5 labels are not taken in again
    index = LabelIndex()
    for line in lines:
        if line.number <= n_lines:
            index.add(line)
    return index


# ---- the plan ----------------------------------------------------------------------------------


def teach_plan(
    desk: Desk,
    parent: CheckpointInfo,
    choice: TeachChoice | None = None,
    labels: LabelsFile | None = None,
) -> TeachPlan:
    """Return what a detector would be taught from; nothing is computed yet.

    Parameters
    ----------
    desk : Desk
    parent : CheckpointInfo
        The detector that is taught.
    choice : TeachChoice, optional
    labels : LabelsFile, optional
        As they stand, by default.
    """
    chosen, at = choice or TeachChoice(), labels or labels_now(desk)
    index = _up_to(desk, at.n_lines)
    ancestors = training_record(parent)
    left_out: Counter[str] = Counter()
    files = [
        _labelled(desk, path, index, chosen, left_out) for path in _once(desk, index, left_out)
    ]
    files = _with_sides(files, chosen, ancestors)
    used = _used(files, index, chosen, left_out)
    return TeachPlan(at, tuple(files), dict(used), dict(left_out), ancestors)


def _once(desk: Desk, index: _Labels, left_out: Counter[str]) -> list[Path]:
    """Return each content of the workspace once, and count labels whose recording is gone."""
    found: dict[str, Path] = {}
    for path in library.recording_files(desk):
        facts = library.facts(desk, path)
        if not facts.problem and not facts.not_scorable:
            found.setdefault(facts.sha256, path)
    for sha256 in index.recordings():
        if sha256 not in found:
            gone = index.current(sha256, kind="label").labels
            left_out["recording not in the workspace, or not scorable"] += len(gone)
    return [path for path in found.values() if path]


def _labelled(
    desk: Desk, path: Path, index: _Labels, choice: TeachChoice, left_out: Counter[str]
) -> LabelledFile:
    facts = library.facts(desk, path)
    item = read_dataset(path).items[0]
    current = index.current(facts.sha256, kind="label")
    contested = {label.uuid for conflict in current.conflicts for label in conflict.labels}
    wanted = [label for label in current.labels if _wanted(label, choice)]
    opinions = tuple(
        opinion
        for label in wanted
        if label.uuid not in contested and (opinion := opinion_of(label)) is not None
    )
    spans = tuple((x.onset_s, x.end_s) for x in wanted if x.uuid in contested)
    finished = _finished(index, facts.sha256, choice)
    reference = _truth_beside(desk, path)
    if reference is None and finished:
        reference = truth_of_labels(opinions, spans, facts.duration_s)
    return LabelledFile(
        path=path,
        sha256=facts.sha256,
        alias=facts.alias,
        person_key=item.person_key or facts.alias,
        duration_s=facts.duration_s,
        side=UNUSED,
        opinions=opinions,
        contested=spans,
        finished=finished,
        reference=reference,
    )


def _truth_beside(desk: Desk, path: Path) -> Reference | None:
    try:
        reference = library.open_path(desk, path).reference
    except EegdashError:
        return None
    return reference if reference is not None and reference.coverage else None


def _wanted(label: Label, choice: TeachChoice) -> bool:
    if choice.readers and label.reviewer not in choice.readers:
        return False
    if choice.blinded == BLINDED_ONLY:
        return label.blinded or label.verdict == _ADJUDICATED
    return not (choice.blinded == WITHOUT_BLINDED and label.blinded)


def opinion_of(label: Label) -> Opinion | None:
    """Return what a label says about its span; None for a record that says nothing of a seizure."""
    meaning: Meaning | None = {
        "agree": Meaning.SEIZURE,
        "missed": Meaning.SEIZURE,
        "disagree": Meaning.FREE,
        "unsure": Meaning.UNSURE,
    }.get(label.verdict or "")
    ruled = label.verdict == _ADJUDICATED
    if ruled:
        is_seizure = label.event_type.startswith(SEIZURE_PREFIX)
        meaning = Meaning.SEIZURE if is_seizure else Meaning.FREE
    elif meaning is Meaning.SEIZURE and label.event_type == BACKGROUND:
        meaning = Meaning.FREE
    if meaning is None:
        return None
    return Opinion(label.onset_s, label.end_s, meaning, label.reviewer, adjudicated=ruled)


def _finished(index: _Labels, sha256: str, choice: TeachChoice) -> bool:
    kinds = ("first_read",) if choice.blinded == BLINDED_ONLY else ("first_read", "sign_off")
    return any(
        not choice.readers or label.reviewer in choice.readers
        for kind in kinds
        for label in index.current(sha256, kind=kind).labels
    )


def truth_of_labels(
    opinions: Sequence[Opinion], contested: Sequence[Span], duration_s: float
) -> Reference:
    """Return the truth that labels of a finished reading state, unknown where they do not agree.

    Parameters
    ----------
    opinions : sequence of Opinion
    contested : sequence of (float, float)
    duration_s : float

    Returns
    -------
    Reference
        Its coverage leaves out what is unsure, contested, or contradicted by another reader.
    """
    standing = judged(opinions)
    seizures = [
        o
        for o, how in zip(opinions, standing, strict=True)
        if o.meaning is Meaning.SEIZURE and how != OVERRULED
    ]
    unknown = [
        (o.onset_s, o.end_s)
        for o, how in zip(opinions, standing, strict=True)
        if how in (UNSURE, CONTRADICTED)
    ]
    coverage, at = [], 0.0
    for onset_s, end_s in union([*unknown, *contested]):
        coverage.append((at, min(onset_s, duration_s)))
        at = max(at, end_s)
    coverage.append((at, duration_s))
    return Reference(
        tuple(Annotation(o.onset_s, o.end_s - o.onset_s, SEIZURE_PREFIX) for o in seizures),
        tuple((start, stop) for start, stop in coverage if stop - start > 1e-6),
        "labels of a finished reading",
    )


def judged(opinions: Sequence[Opinion]) -> list[str]:
    """Return what becomes of each opinion beside the others.

    Parameters
    ----------
    opinions : sequence of Opinion
        Of one recording.

    Returns
    -------
    list of str
        ``unsure``; ``overruled`` where an adjudication touches it; ``contradicted`` where another
        reader says the opposite of a span that touches it and nobody ruled; empty where it stands.
    """
    onset = np.array([o.onset_s for o in opinions])
    end = np.array([o.end_s for o in opinions])
    ruling = np.array([o.adjudicated for o in opinions], dtype=np.bool_)
    seizure = np.array([o.meaning is Meaning.SEIZURE for o in opinions], dtype=np.bool_)
    free = np.array([o.meaning is Meaning.FREE for o in opinions], dtype=np.bool_)
    reader = np.array([o.reader for o in opinions])
    near = [(onset < o.end_s) & (end > o.onset_s) for o in opinions]
    overruled = [not o.adjudicated and bool(ruling[near[i]].any()) for i, o in enumerate(opinions)]
    open_ = ~ruling & ~np.array(overruled, dtype=np.bool_)
    found = []
    for i, opinion in enumerate(opinions):
        opposite = free if opinion.meaning is Meaning.SEIZURE else seizure
        others = near[i] & open_ & opposite & (reader != opinion.reader)
        if overruled[i]:
            found.append(OVERRULED)
        elif opinion.meaning is Meaning.UNSURE:
            found.append(UNSURE)
        else:
            found.append(CONTRADICTED if open_[i] and others.any() else "")
    return found


# ---- sides -------------------------------------------------------------------------------------


def _with_sides(
    files: Sequence[LabelledFile],
    choice: TeachChoice,
    ancestors: tuple[frozenset[str], frozenset[str]],
) -> list[LabelledFile]:
    """Give each person a side, and each recording that of its person or none."""
    by_person: dict[str, list[LabelledFile]] = {}
    for file in files:
        by_person.setdefault(file.person_key, []).append(file)
    sides: dict[str, str] = {}
    for person, own in by_person.items():
        trained = person in ancestors[1] or any(file.sha256 in ancestors[0] for file in own)
        teachable = any(_teachable(file) for file in own)
        scorable = any(file.reference is not None for file in own) and not trained
        if scorable and (not teachable or _drawn(person, "aside") < choice.keep_aside):
            sides[person] = ASIDE
        elif teachable:
            sides[person] = TAUGHT
    taught = [person for person, side in sides.items() if side == TAUGHT]
    if len(taught) >= _VALIDATION_PERSONS:
        ordered = sorted(taught, key=lambda person: _drawn(person, "choice"))
        for person in ordered[: round(choice.choice_share * len(taught))]:
            sides[person] = HELD
    return [replace(file, side=_side(file, sides.get(file.person_key, UNUSED))) for file in files]


def _side(file: LabelledFile, of_person: str) -> str:
    if of_person == ASIDE:
        return ASIDE if file.reference is not None else UNUSED
    return of_person if _teachable(file) else UNUSED


def _teachable(file: LabelledFile) -> bool:
    """Return whether anything definite was said, or all of it was read."""
    return file.finished or any(o.meaning is not Meaning.UNSURE for o in file.opinions)


def _drawn(person: str, purpose: str) -> float:
    """Return a number from 0 to 1 that follows from the person alone."""
    digest = hashlib.sha256(f"{purpose}|{person}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _used(
    files: Sequence[LabelledFile],
    index: _Labels,
    choice: TeachChoice,
    left_out: Counter[str],
) -> Counter[str]:
    """Count the labels that are used by verdict, and the others by reason."""
    used: Counter[str] = Counter()
    for file in files:
        current = index.current(file.sha256, kind="label")
        contested = _contested(current)
        standing = dict(zip(file.opinions, judged(file.opinions), strict=True))
        for label in current.labels:
            why = _why_not(label, file, contested, choice, standing)
            if why:
                left_out[why] += 1
            else:
                used[str(label.verdict)] += 1
    return used


def _contested(current: CurrentLabels) -> frozenset[str]:
    return frozenset(x.uuid for conflict in current.conflicts for x in conflict.labels)


def _why_not(
    label: Label,
    file: LabelledFile,
    contested: frozenset[str],
    choice: TeachChoice,
    standing: Mapping[Opinion, str],
) -> str:
    opinion = opinion_of(label)
    if choice.readers and label.reviewer not in choice.readers:
        return "of other readers"
    if not _wanted(label, choice):
        kind = (
            "not from a blinded read" if choice.blinded == BLINDED_ONLY else "from a blinded read"
        )
        return f"{kind}, as you chose"
    if file.side == ASIDE:
        return "kept aside for the comparison before and after"
    if label.uuid in contested:
        return "in conflict: two records change the same label"
    if opinion is None:
        return "that say nothing of a seizure"
    how = standing.get(opinion, "")
    if how:
        return _WORDS[how]
    return "" if file.side in (TAUGHT, HELD) else "of a person who is kept aside"
