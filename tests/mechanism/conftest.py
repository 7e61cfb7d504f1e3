"""Networks of these tests compute on one core, as in the analyses: the second is often busy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eegdash.networks.threads import one_thread


@pytest.fixture(autouse=True)
def _one_core() -> Iterator[None]:
    with one_thread():
        yield
