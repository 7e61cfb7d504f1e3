"""Shared fixtures: the data pack (skipped visibly where absent), a tiny detector, a fresh desk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import postgres_server
import pytest
import torch
from postgres_server import Database, PostgresServer
from tiny_models import save_tiny_model

from eegdash.checkpoints import CheckpointInfo, list_checkpoints
from eegdash.labels.database import create_table
from eegdash.settings import Settings
from eegdash.workflows.desk import Desk, open_desk

DATA_PACK = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Seed PyTorch before any fixture of a test, so that no test depends on those before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def data_pack() -> Path:
    """Folder of real clips beside the checkout, or a skip that says what is missing."""
    if not DATA_PACK.is_dir():
        pytest.skip("the data pack ../shared/data is not beside the checkout")
    return DATA_PACK


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with two model folders, ``tiny`` and ``other``, whose weights differ."""
    folder = tmp_path_factory.mktemp("models")
    save_tiny_model(folder, seed=0, name="tiny")
    save_tiny_model(folder, seed=1, name="other")
    return folder


@pytest.fixture
def tiny_model(tiny_models: Path) -> CheckpointInfo:
    """The detector ``tiny``: real code, untrained weights."""
    return next(info for info in list_checkpoints(tiny_models) if info.name == "tiny")


@pytest.fixture
def other_model(tiny_models: Path) -> CheckpointInfo:
    """A detector of the same kind with other weights."""
    return next(info for info in list_checkpoints(tiny_models) if info.name == "other")


@pytest.fixture
def desk(tmp_path: Path, tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An empty workspace whose only detectors are the untrained ones."""
    monkeypatch.setattr("eegdash.workflows.desk.SHIPPED_MODELS", tiny_models)
    monkeypatch.setenv("EEGDASH_WORKSPACE", str(tmp_path / "workspace"))
    return open_desk(Settings(workspace=tmp_path / "workspace"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server on loopback, or a skip that says what is missing."""
    where = postgres_server.programs()
    if where is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with postgres_server.running(where) as server:
        yield server


@pytest.fixture
def label_database(postgres: PostgresServer) -> Database:
    """A database with the table of labels."""
    made = postgres.database()
    create_table(made.owner_url, postgres_server.USER)
    return made
