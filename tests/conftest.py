"""Shared fixtures: the data pack (skipped visibly where absent) and a fresh workspace folder."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA_PACK = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_pack() -> Path:
    """Folder of real clips beside the checkout, or a skip that says what is missing."""
    if not DATA_PACK.is_dir():
        pytest.skip("the data pack ../shared/data is not beside the checkout")
    return DATA_PACK
