"""The queue of whoever reads now, wherever it is acted on: the labels page or the review page."""

from __future__ import annotations

import secrets

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import EegdashError
from eegdash.ui import cache, identity
from eegdash.ui.recordings import chosen_model
from eegdash.ui.session import queue_view
from eegdash.workflows import queue
from eegdash.workflows.queue import QueueItem, QueueState


def state() -> QueueState:
    """Return the queue as it is now."""
    view = queue_view()
    return queue.state(cache.desk(), identity.reader(), _model(), view.order, again=view.again)


def advance() -> QueueItem | None:
    """Offer the next span, and say it where none waits; the reader follows the queue from now."""
    view = queue_view()
    try:
        item = queue.take_next(
            cache.desk(),
            identity.reader(),
            _model(),
            view.order,
            again=view.again,
            decision_id=secrets.token_hex(16),
        )
        before, view.state = view.state, state()
    except EegdashError as error:
        view.say(str(error))
        return None
    if item is None:
        view.say(f"Nothing waits. {view.state.note}".strip())
    elif before is not None and before.open == item:
        view.say("This span is still open: label it, or put it aside.")
    return item


def put_aside() -> bool:
    """Put the open span aside; return whether it was."""
    view = queue_view()
    try:
        queue.put_aside(cache.desk(), identity.reader(), decision_id=secrets.token_hex(16))
        if view.state is not None:
            view.state = state()
    except EegdashError as error:
        view.say(str(error))
        return False
    return True


def refresh() -> None:
    """Bring the queue up to date after a label, for a reader who follows it."""
    if queue_view().state is not None:
        queue_view().state = state()


def _model() -> CheckpointInfo | None:
    return chosen_model(cache.desk().models())
