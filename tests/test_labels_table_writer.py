"""``labels.csv`` follows the labels file, once for many labels in a row."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from eegdash.errors import WorkspaceError
from eegdash.labels import DraftLabel, LabelStore
from eegdash.ui.cache import TableWriter


def append(store: LabelStore, number: int) -> None:
    store.append(
        DraftLabel(
            idempotency_id=f"id-{number}",
            reviewer="A",
            recording_sha256="0" * 64,
            onset_s=float(number),
            duration_s=10.0,
            verdict="unsure",
        )
    )


def test_many_labels_in_a_row_make_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LabelStore(tmp_path)
    written: list[bool] = []
    original = LabelStore.write_csv
    monkeypatch.setattr(LabelStore, "write_csv", lambda self: written.append(original(self)))
    writer = TableWriter(store, after_s=2.0)
    for number in range(20):
        append(store, number)
        writer.soon()
    deadline = time.monotonic() + 20
    while not written and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    assert written == [True]
    assert len((tmp_path / "labels.csv").read_text(encoding="utf-8-sig").splitlines()) == 21


def test_a_table_that_cannot_be_written_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: LabelStore) -> bool:
        raise WorkspaceError("labels.csv of Mr. Canary could not be written")

    monkeypatch.setattr(LabelStore, "write_csv", fail)
    TableWriter(LabelStore(tmp_path)).now()
    assert "labels.csv could not be written" in caplog.text
    assert "Canary" not in caplog.text
