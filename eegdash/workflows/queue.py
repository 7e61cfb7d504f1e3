"""What a reader should look at next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import LabelNotSavedError, WorkspaceError
from eegdash.labels import DraftLabel, Label
from eegdash.labels.opinions import NO_SEIZURE, SEIZURE, UNSURE
from eegdash.workflows.desk import Desk
from eegdash.workflows.offers import (
    Offer,
    concealed,
    is_kept,
    offers_to,
    overlaps,
    remember,
    repeated_by,
    set_aside,
)
from eegdash.workflows.queue_material import QueueItem, QueueMaterial, open_offer_of
from eegdash.workflows.queue_spans import (
    DETECTOR,
    READERS,
    TIME,
    UNCERTAIN,
    Detected,
    detected,
)
from eegdash.workflows.readers import Reader, Sight
from eegdash.workflows.review import named

__all__ = [  # one door for the pages
    "DETECTOR",
    "READERS",
    "TIME",
    "UNCERTAIN",
    "QueueItem",
    "concealed",
]

ORDERS: Mapping[str, str] = {
    DETECTOR: "readers and detector disagree most first",
    UNCERTAIN: "probability nearest to the threshold first",
    READERS: "readers disagree most among themselves first",
    TIME: "in the order of the recordings, from their start",
}
_COMING = 5


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
    gathered = QueueMaterial(desk, reader, model)
    waiting = gathered.waiting(order, again=again)
    open_offer = gathered.open_offer
    shown = gathered.item_of(open_offer) if open_offer else None
    answered = [x for x in gathered.offers if x is not open_offer and not x.aside]
    return QueueState(
        open=shown,
        n_waiting=len(waiting),
        n_done=len(answered),
        n_put_aside=sum(x.aside for x in gathered.offers),
        coming=tuple(gathered.item(x) for x in waiting[:_COMING]),
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
    gathered = QueueMaterial(desk, reader, model)
    if gathered.open_offer is not None:
        return gathered.item_of(gathered.open_offer)
    repeat = gathered.repeat()
    if repeat is not None:
        item, repeat_of = gathered.item_at(repeat), repeat.uuid
    else:
        waiting = gathered.waiting(order, again=again)
        if not waiting:
            return None
        item, repeat_of = gathered.item(waiting[0]), None
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
    if is_kept(desk, decision_id):
        return
    latest = open_offer_of(desk, offers_to(desk, reader.name))
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
    offer = open_offer_of(desk, offers_to(desk, name))
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
