"""What the queue has offered to readers: never twice by accident, and hidden repeats.

Kept in ``offers.jsonl`` in the state folder of the workspace; see :mod:`eegdash.workflows.journal`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eegdash.errors import WorkspaceError
from eegdash.labels import DraftLabel, Label
from eegdash.workflows.desk import Desk
from eegdash.workflows.journal import append_record, read_journal

_LOG = logging.getLogger(__name__)
NAME = "offers"
SAME = 0.5
"""Spans are the same where they share at least this much of the shorter one."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A span that was offered to a reader.

    Parameters
    ----------
    uuid, reader, recording_sha256, why : str
    onset_s, duration_s : float
    whole : bool
        The recording as a whole.
    after_seq : int
        Sequence number of the newest record when it was offered: what is newer answers it.
    repeat_of : str or None
        The reader's own label (uuid) whose span this is; the reader is not told.
    aside : bool
        Put aside by the reader.
    """

    uuid: str
    reader: str
    recording_sha256: str
    onset_s: float
    duration_s: float
    why: str
    whole: bool
    after_seq: int
    repeat_of: str | None
    aside: bool = False

    @property
    def end_s(self) -> float:
        """End of the span, s."""
        return self.onset_s + self.duration_s


def offers_to(desk: Desk, reader: str) -> list[Offer]:
    """Return what was offered to a reader, oldest first.

    Raises
    ------
    WorkspaceError
        If the file cannot be read.
    """
    name = reader.strip()
    records = [x for x in read_journal(desk.workspace, NAME).records if x.get("reader") == name]
    aside = {x["offer"] for x in records if x["kind"] == "aside"}
    return [_offer(x, x["uuid"] in aside) for x in records if x["kind"] == "offer"]


def _offer(record: Mapping[str, Any], aside: bool) -> Offer:
    return Offer(
        uuid=record["uuid"],
        reader=record["reader"],
        recording_sha256=record["recording"],
        onset_s=record["onset_s"],
        duration_s=record["duration_s"],
        why=record["why"],
        whole=record["whole"],
        after_seq=record["after_seq"],
        repeat_of=record["repeat_of"],
        aside=aside,
    )


def remember(desk: Desk, offer: Offer) -> Offer:
    """Keep an offer; one whose uuid is there already is returned as it stands.

    Raises
    ------
    WorkspaceError
        If it could not be kept.
    """
    saved = append_record(
        desk.workspace,
        NAME,
        offer.uuid,
        {
            "kind": "offer",
            "reader": offer.reader,
            "recording": offer.recording_sha256,
            "onset_s": offer.onset_s,
            "duration_s": offer.duration_s,
            "why": offer.why,
            "whole": offer.whole,
            "after_seq": offer.after_seq,
            "repeat_of": offer.repeat_of,
        },
    )
    return _offer(saved, False)


def set_aside(desk: Desk, offer: Offer, decision_id: str) -> None:
    """Keep that a reader put an offer aside.

    Raises
    ------
    WorkspaceError
        If it could not be kept.
    """
    record = {"kind": "aside", "offer": offer.uuid, "reader": offer.reader}
    append_record(desk.workspace, NAME, decision_id, record)


def is_kept(desk: Desk, decision_id: str) -> bool:
    """Return whether a decision about the queue is kept already: a second click is none."""
    return any(x["uuid"] == decision_id for x in read_journal(desk.workspace, NAME).records)


def is_answered(desk: Desk, offer: Offer) -> bool:
    """Return whether the reader said something on an offered span since it was offered."""
    newer = [
        x
        for x in desk.labels.current(
            offer.recording_sha256, reviewer=offer.reader, repeats=True
        ).labels
        if x.seq > offer.after_seq
    ]
    if offer.whole:
        return any(x.kind in ("first_read", "sign_off") for x in newer)
    return any(
        x.kind == "label" and overlaps(x.onset_s, x.end_s, offer.onset_s, offer.end_s)
        for x in newer
    )


def same_span(a_onset_s: float, a_end_s: float, b_onset_s: float, b_end_s: float) -> bool:
    """Return whether two spans share at least half of the shorter one."""
    shorter = min(a_end_s - a_onset_s, b_end_s - b_onset_s)
    return min(a_end_s, b_end_s) - max(a_onset_s, b_onset_s) >= SAME * shorter > 0


def overlaps(a_onset_s: float, a_end_s: float, b_onset_s: float, b_end_s: float) -> bool:
    """Return whether two spans share any time."""
    return a_onset_s < b_end_s and b_onset_s < a_end_s


def repeated_by(desk: Desk, draft: DraftLabel, replaced: Label | None) -> str | None:
    """Return which label a new one repeats: that of the reader's open hidden repeat, if any.

    A label that takes the place of a repeat is one itself.
    """
    if replaced is not None:
        return replaced.repeat_of
    latest = _latest(desk, draft.reviewer)
    if (
        latest is None
        or latest.repeat_of is None
        or latest.aside
        or latest.recording_sha256 != draft.recording_sha256
        or is_answered(desk, latest)
    ):
        return None
    end_s = draft.onset_s + draft.duration_s
    same = same_span(draft.onset_s, end_s, latest.onset_s, latest.end_s)
    return latest.repeat_of if same else None


def concealed(desk: Desk, recording_sha256: str, reviewer: str) -> frozenset[str]:
    """Return the labels (uuids) not to be shown on the review page.

    While a hidden repeat is the newest offer, the label that it repeats; the repeats of earlier
    offers always, since they are no further opinions.
    """
    labels = desk.labels.for_recording(recording_sha256)
    repeats = [x for x in labels if x.repeat_of is not None]
    latest = _latest(desk, reviewer) if reviewer.strip() else None
    asked = latest.repeat_of if latest is not None and not latest.aside else None
    if asked is None:
        return frozenset(x.uuid for x in repeats)
    others = {x.uuid for x in repeats if x.repeat_of != asked or x.reviewer != reviewer.strip()}
    return _first_answer(desk, asked) | others


def asked_again(desk: Desk, reviewer: str) -> frozenset[str]:
    """Return the labels (uuids) that no list may show a reader: what an open hidden repeat asks.

    Once the repeat is answered they are shown again.
    """
    latest = _latest(desk, reviewer) if reviewer.strip() else None
    if latest is None or latest.repeat_of is None or latest.aside or is_answered(desk, latest):
        return frozenset()
    return _first_answer(desk, latest.repeat_of)


def _first_answer(desk: Desk, asked: str) -> frozenset[str]:
    """Return a repeated label with all its versions, without the repeats of it."""
    return frozenset(x.uuid for x in desk.labels.history(asked) if x.repeat_of is None)


def _latest(desk: Desk, reviewer: str) -> Offer | None:
    """Return the newest offer; a queue that cannot be read must not keep a label from being saved.

    What is said then counts as an opinion, which errs on the side of keeping it.
    """
    try:
        offers = offers_to(desk, reviewer)
    except WorkspaceError as error:
        _LOG.warning("the offers of the queue cannot be read: %s", type(error).__name__)
        return None
    return offers[-1] if offers else None
