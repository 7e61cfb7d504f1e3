"""What a reader should look at next."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import LabelNotSavedError, WorkspaceError
from eegdash.labels import DraftLabel, Label
from eegdash.labels.opinions import NO_SEIZURE, SEIZURE, UNSURE, standing
from eegdash.workflows.desk import Desk
from eegdash.workflows.offers import (
    Offer,
    concealed,
    is_answered,
    offers_to,
    overlaps,
    remember,
    repeated_by,
    same_span,
    set_aside,
)
from eegdash.workflows.queue_spans import (
    DETECTOR,
    READERS,
    TIME,
    UNCERTAIN,
    Candidate,
    Detected,
    candidates,
    detected,
    score,
    words,
)
from eegdash.workflows.readers import Reader, Sight, assignments, repeat_share
from eegdash.workflows.recording_names import durations_s, files_by_hash, shown_name
from eegdash.workflows.review import named

__all__ = ["concealed"]  # one door for the pages

ORDERS: Mapping[str, str] = {
    DETECTOR: "readers and detector disagree most first",
    UNCERTAIN: "probability nearest to the threshold first",
    READERS: "readers disagree most among themselves first",
    TIME: "in the order of the recordings, from their start",
}
_REST = 5
"""A span is repeated after this many other labels of the reader at the earliest."""
_COMING = 5
_BLINDED = "Blinded first read: read the whole recording, then commit it"
_WHOLE = "Assigned to you: read it and sign it off"
_PLAIN = "A span to judge"


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A span to look at.

    Parameters
    ----------
    recording_sha256, name : str
        ``name`` is the file name, for the reader's own screen.
    onset_s, duration_s : float
        The whole recording where the reader is to read all of it.
    why : str
        In words a clinician understands; says nothing of the detector or of others to a blinded
        reader, and is that of a new span for a hidden repeat.
    score : float
        What the order sorted by, larger first; not for display.
    whole : bool
        The item is the recording as a whole.
    """

    recording_sha256: str
    name: str
    onset_s: float
    duration_s: float
    why: str
    score: float
    whole: bool = False

    @property
    def end_s(self) -> float:
        """End of the span, s."""
        return self.onset_s + self.duration_s


@dataclass(frozen=True, slots=True)
class QueueState:
    """The reader's queue now.

    Parameters
    ----------
    open : QueueItem or None
        What was offered last and is neither labelled nor put aside.
    n_waiting : int
        Spans that wait, the open one not counted.
    n_done, n_put_aside : int
        Offered spans that were labelled, and that were put aside.
    coming : tuple of QueueItem
        The next few, in order; hidden repeats are not told.
    note : str
        Why nothing waits and what to do, in words; empty where something waits.
    """

    open: QueueItem | None
    n_waiting: int
    n_done: int
    n_put_aside: int
    coming: tuple[QueueItem, ...]
    note: str


def state(
    desk: Desk,
    reader: Reader,
    model: CheckpointInfo | None,
    order: str = DETECTOR,
    *,
    again: bool = False,
) -> QueueState:
    """Return the queue of a reader.

    Where recordings are assigned to the reader, only those are in the queue.

    Parameters
    ----------
    desk : Desk
    reader : Reader
    model : CheckpointInfo or None
        The detector whose output orders the spans.
    order : str
        Key of :data:`ORDERS`.
    again : bool
        Also spans that were put aside or labelled by this reader before, the least often offered
        first.
    """
    if not reader.name.strip():
        return QueueState(None, 0, 0, 0, (), "Enter your name first: a queue is a reader's own.")
    gathered = _Gathered(desk, reader, model)
    waiting = gathered.waiting(order, again=again)
    open_offer = gathered.open_offer
    shown = gathered.item_of(open_offer) if open_offer else None
    answered = [x for x in gathered.offers if x is not open_offer and not x.aside]
    return QueueState(
        open=shown,
        n_waiting=len(waiting),
        n_done=len(answered),
        n_put_aside=sum(x.aside for x in gathered.offers),
        coming=tuple(waiting[:_COMING]),
        note="" if waiting or shown else gathered.why_nothing(),
    )


def take_next(
    desk: Desk,
    reader: Reader,
    model: CheckpointInfo | None,
    order: str = DETECTOR,
    *,
    again: bool = False,
    decision_id: str,
) -> QueueItem | None:
    """Offer the next span and remember that it was offered; None where nothing waits.

    While an item is open it is returned again. A share of the offers are hidden repeats: spans
    that the reader labelled before, shown without that label. Which offers these are, and which
    spans, follows from the reader's name and the number of offers so far, so that a reload changes
    nothing.

    Raises
    ------
    WorkspaceError
        If it could not be remembered.
    LabelNotSavedError
        If there is no name.
    """
    name = named(reader.name)
    gathered = _Gathered(desk, reader, model)
    if gathered.open_offer is not None:
        return gathered.item_of(gathered.open_offer)
    repeat = gathered.repeat()
    if repeat is not None:
        item, repeat_of = gathered.item_at(repeat), repeat.uuid
    else:
        waiting = gathered.waiting(order, again=again)
        if not waiting:
            return None
        item, repeat_of = waiting[0], None
    saved = remember(
        desk,
        Offer(
            uuid=decision_id,
            reader=name,
            recording_sha256=item.recording_sha256,
            onset_s=item.onset_s,
            duration_s=item.duration_s,
            why=item.why,
            whole=item.whole,
            after_seq=gathered.max_seq,
            repeat_of=repeat_of,
        ),
    )
    return gathered.item_of(saved)


def put_aside(desk: Desk, reader: Reader, *, decision_id: str) -> None:
    """Put the open item aside; it is not offered again unless asked.

    Raises
    ------
    WorkspaceError
        If it could not be kept, or nothing is open.
    """
    latest = _open_offer(desk, offers_to(desk, reader.name))
    if latest is None:
        raise WorkspaceError("There is nothing open in your queue to put aside.")
    set_aside(desk, latest, decision_id)


def judge(
    desk: Desk,
    reader: Reader,
    model: CheckpointInfo | None,
    says: str,
    *,
    event_type: str = "",
    reason: str = "",
    comment: str = "",
    confidence: float | None = None,
    decision_id: str,
) -> Label:
    """Save what the reader says about the open span, as a label of its own.

    Parameters
    ----------
    desk : Desk
    reader : Reader
    model : CheckpointInfo or None
        The detector on screen; none is recorded for a blinded reader.
    says : str
        ``seizure``, ``no seizure`` or ``unsure``.
    event_type, reason, comment : str
    confidence : float or None
        0 to 1.
    decision_id : str
        Of the form: sent twice, it is saved once.

    Raises
    ------
    LabelNotSavedError
        If nothing is open, the item is a whole recording, or it was not saved.
    """
    saved = desk.labels.saved_as(decision_id)
    if saved is not None:
        return saved
    name = named(reader.name)
    offer = _open_offer(desk, offers_to(desk, name))
    if offer is None or offer.whole:
        raise LabelNotSavedError(
            "NOT saved: no span is open in your queue. Take the next one, or read the recording "
            "on the review page."
        )
    blinded = Sight(desk, reader).blind(offer.recording_sha256)
    found = None if blinded else detected(desk, offer.recording_sha256, model)
    event = _detection_at(found, offer)
    marked = "agree" if event else "missed"
    verdicts = {SEIZURE: marked, NO_SEIZURE: "disagree", UNSURE: "unsure"}
    if says not in verdicts:
        raise LabelNotSavedError(f"NOT saved: say {', '.join(verdicts)}; found {says!r}.")
    draft = DraftLabel(
        idempotency_id=decision_id,
        reviewer=name,
        recording_sha256=offer.recording_sha256,
        onset_s=offer.onset_s,
        duration_s=offer.duration_s,
        verdict=verdicts[says],
        event_type=event_type,
        reason=reason,
        comment=comment,
        confidence=confidence,
        blinded=blinded,
        **_on_screen(found, model),
        probability_pm=event.peak_pm if event else None,
    )
    return desk.append(replace(draft, repeat_of=repeated_by(desk, draft, None)))


def _on_screen(found: Detected | None, model: CheckpointInfo | None) -> dict[str, Any]:
    if found is None or model is None:
        return {}
    return {
        "model": model.name,
        "model_sha256": model.sha256,
        "threshold_pm": found.threshold_pm,
        "postprocessing": dict(model.post),
    }


def _detection_at(found: Detected | None, offer: Offer) -> Any:
    touching = [
        event
        for event in (found.events if found else ())
        if overlaps(event.onset_s, event.end_s, offer.onset_s, offer.end_s)
    ]
    return max(touching, key=lambda event: event.peak_pm, default=None)


def _open_offer(desk: Desk, offers: Sequence[Offer]) -> Offer | None:
    latest = offers[-1] if offers else None
    if latest is None or latest.aside or is_answered(desk, latest):
        return None
    return latest


class _Gathered:
    """Labels, offers and recordings of one look at the queue, read once."""

    def __init__(self, desk: Desk, reader: Reader, model: CheckpointInfo | None) -> None:
        self._desk, self._reader, self._model = desk, reader, model
        self._name = reader.name.strip()
        records = desk.labels.all()
        self._records = records
        self.max_seq = records[-1].seq if records else 0
        self._sight = Sight(desk, reader, records)
        self._files = files_by_hash(desk)
        self._given = [x.recording_sha256 for x in assignments(desk, self._name)]
        self.offers = offers_to(desk, self._name)
        self.open_offer = _open_offer(desk, self.offers)
        self._own: dict[str, list[Label]] = {}
        self._others: dict[str, list[Label]] = {}
        for label in standing(records):
            if label.repeat_of is None:
                mine = self._own if label.reviewer == self._name else self._others
                mine.setdefault(label.recording_sha256, []).append(label)

    def scope(self) -> list[str]:
        """Hashes of the recordings in the queue: the assigned ones, or all of the workspace."""
        if self._given:
            return [x for x in self._given if x in self._files]
        return sorted(self._files, key=lambda x: self._files[x].name)

    def waiting(self, order: str, *, again: bool) -> list[QueueItem]:
        """Return what may be offered, in order."""
        offered: dict[str, list[Offer]] = {}
        for offer in self.offers:
            offered.setdefault(offer.recording_sha256, []).append(offer)
        ranked: list[tuple[int, float, int, float, QueueItem]] = []
        for number, sha256 in enumerate(self.scope()):
            before = offered.get(sha256, [])
            for item in self._items(sha256, order):
                times = sum(self._is_offered(item, offer) for offer in before)
                if self._is_open(item) or (not again and (times or self._is_labelled(item))):
                    continue
                ranked.append((times if again else 0, -item.score, number, item.onset_s, item))
        return [item for *_, item in sorted(ranked, key=lambda x: x[:4])]

    def _items(self, sha256: str, order: str) -> list[QueueItem]:
        if self._sight.blind(sha256):
            return [self._whole(sha256, _BLINDED)]
        found = detected(self._desk, sha256, self._model)
        spans = candidates(found, self._told(sha256), order)
        if not spans and sha256 in self._given and not self._signed(sha256):
            return [self._whole(sha256, _WHOLE)]
        return [self._item(sha256, span, found, order) for span in spans]

    def _told(self, sha256: str) -> list[Label]:
        """Others' opinions that this reader may be told of."""
        if not self._sight.others(sha256):
            return []
        return [x for x in self._others.get(sha256, ()) if x.kind == "label"]

    def _item(self, sha256: str, span: Candidate, found: Detected | None, order: str) -> QueueItem:
        threshold_pm = found.threshold_pm if found else 0
        return QueueItem(
            recording_sha256=sha256,
            name=shown_name(sha256, self._files),
            onset_s=round(span.onset_s, 3),
            duration_s=round(span.end_s - span.onset_s, 3),
            why=words(span, threshold_pm) or _PLAIN,
            score=score(span, order, threshold_pm),
        )

    def _whole(self, sha256: str, why: str) -> QueueItem:
        lengths = durations_s(self._desk, self._records, [sha256], self._files)
        duration_s = lengths.get(sha256, 0.0)
        name = shown_name(sha256, self._files)
        return QueueItem(sha256, name, 0.0, duration_s, why, -1.0, whole=True)

    def _signed(self, sha256: str) -> bool:
        return any(x.kind == "sign_off" for x in self._own.get(sha256, ()))

    def _is_labelled(self, item: QueueItem) -> bool:
        own = self._own.get(item.recording_sha256, ())
        if item.whole:
            return any(x.kind != "label" for x in own)
        return any(
            x.kind == "label" and overlaps(x.onset_s, x.end_s, item.onset_s, item.end_s)
            for x in own
        )

    def _is_offered(self, item: QueueItem, offer: Offer) -> bool:
        if item.whole or offer.whole:
            return item.whole and offer.whole
        return same_span(item.onset_s, item.end_s, offer.onset_s, offer.end_s)

    def _is_open(self, item: QueueItem) -> bool:
        offer = self.open_offer
        return (
            offer is not None
            and offer.recording_sha256 == item.recording_sha256
            and self._is_offered(item, offer)
        )

    def item_of(self, offer: Offer) -> QueueItem:
        """Return an offer as it is shown."""
        return QueueItem(
            recording_sha256=offer.recording_sha256,
            name=shown_name(offer.recording_sha256, self._files),
            onset_s=offer.onset_s,
            duration_s=offer.duration_s,
            why=offer.why,
            score=0.0,
            whole=offer.whole,
        )

    def item_at(self, label: Label) -> QueueItem:
        """Return the span of a label as it would be offered had the reader never labelled it."""
        sha256 = label.recording_sha256
        found = detected(self._desk, sha256, self._model)
        for span in candidates(found, self._told(sha256), DETECTOR):
            if same_span(span.onset_s, span.end_s, label.onset_s, label.end_s):
                return self._item(sha256, span, found, DETECTOR)
        name = shown_name(sha256, self._files)
        return QueueItem(sha256, name, label.onset_s, label.duration_s, _PLAIN, 0.0)

    def repeat(self) -> Label | None:
        """Return the own label to be repeated now; None where it is a new span's turn."""
        share = repeat_share(self._desk)
        seed = hashlib.sha256(f"{self._name}|{len(self.offers)}".encode()).digest()
        rng = np.random.default_rng(list(seed))
        if rng.random() >= share:
            return None
        asked = {x.repeat_of for x in self.offers}
        in_scope = set(self.scope())
        own = sorted(
            (x for labels in self._own.values() for x in labels if x.kind == "label"),
            key=lambda x: x.seq,
        )
        possible = [
            x
            for x in own[: max(len(own) - _REST, 0)]
            if x.uuid not in asked
            and not x.source
            and x.verdict != "adjudicated"
            and x.recording_sha256 in in_scope
            and not self._sight.blind(x.recording_sha256)
        ]
        return possible[int(rng.integers(len(possible)))] if possible else None

    def why_nothing(self) -> str:
        """Say in words why the queue is empty."""
        if not self._files:
            return "There is no recording in the workspace. Add one on the Recordings page."
        scope = self.scope()
        if self._given and not scope:
            return "None of the recordings assigned to you is in the workspace."
        unscored = [x for x in scope if detected(self._desk, x, self._model) is None]
        if self._model is not None and unscored and not any(map(self._told, scope)):
            return (
                f"{len(unscored)} of {len(scope)} recordings are not scored yet. Score them on "
                "the Recordings page; the queue then knows which spans to show."
            )
        return "Nothing is left: every span was labelled or put aside."
