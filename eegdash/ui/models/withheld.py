"""What a reader who reads blinded may not see of models: whatever speaks of unread recordings."""

from __future__ import annotations

from collections.abc import Iterable

from eegdash.ui import cache
from eegdash.ui.session import session
from eegdash.workflows import reading


def unread(sha256s: Iterable[str]) -> list[str]:
    """Return the recordings of which nothing may be said to the reader of this session."""
    desk, reader = cache.desk(), session()
    return [
        sha256
        for sha256 in sha256s
        if reading.is_blind(desk, sha256, reader.reviewer, wanted=reader.blinded)
    ]


def words(n: int) -> str:
    """Return why something is not shown."""
    recordings = "1 recording" if n == 1 else f"{n} recordings"
    return (
        f"Hidden: it speaks of {recordings} that you have not read yet, and you read blinded. "
        "Commit your first read on the page Review, then it is shown."
    )
