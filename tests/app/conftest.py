"""A fresh server process for tests of the pages and routes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eegdash.ui import cache
from eegdash.workflows.desk import Desk


@pytest.fixture
def fresh_process(desk: Desk) -> Iterator[None]:
    """Give a test its own desk and queue, as a fresh server has them."""
    cache.desk.clear()
    cache.queue.clear()
    yield
    cache.queue().close()
    cache.desk.clear()
    cache.queue.clear()
