"""The queue of whoever reads now, wherever it is acted on: the labels page or the review page."""

from __future__ import annotations

import secrets
from dataclasses import replace

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import EegdashError
from eegdash.ui import cache, identity
from eegdash.ui.choices import chosen_model
from eegdash.ui.session import queue_view
from eegdash.workflows import queue
from eegdash.workflows.offers import is_answered, offers_to
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
    """Say after a label whether the open span is answered, for a reader who follows the queue.

    The queue itself is not gathered anew: at 10^5 labels that would keep the reader waiting for
    the word that the label was saved.
    """
    view = queue_view()
    if view.state is None:
        return
    try:
        offers = offers_to(cache.desk(), identity.reader().name)
        answered = not offers or offers[-1].aside or is_answered(cache.desk(), offers[-1])
        if view.state.open is not None and answered:
            view.state = replace(view.state, open=None, n_done=view.state.n_done + 1)
        elif view.state.open is None and not answered:  # the answer was taken back
            view.state = state()
    except EegdashError as error:  # the label is saved, whatever the queue's file is like
        view.say(str(error))


def _model() -> CheckpointInfo | None:
    return chosen_model(cache.desk().models())
