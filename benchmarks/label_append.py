"""Appending one label to a file of 10^5, until it is acknowledged."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Row, at_most, number, percentile_95

if TYPE_CHECKING:
    from eegdash.labels import DraftLabel

_LABELS = 100_000
_APPENDS = 200
_P95_MS = 20.0
_SHA256 = "ab" * 32


def measure(bench: Bench) -> Iterator[Row]:
    """Open a store of 10^5 labels, append to it, and compare with a bare write and fsync."""
    from eegdash.labels import LabelStore

    folder = bench.new_folder("labels")
    line = _write_labels(folder / "labels.jsonl", _LABELS)
    store = LabelStore(folder)
    began = time.perf_counter()
    store.refresh()
    opened_s = time.perf_counter() - began
    appended = []
    for k in range(_APPENDS):
        draft = _draft(_LABELS + k)
        began = time.perf_counter()
        store.append(draft)
        appended.append(1000 * (time.perf_counter() - began))
    bare = _bare_ms(folder / "bare.jsonl", line)
    yield Row(
        what=f"label append, acknowledged, at {_LABELS:,} labels",
        median=median(appended),
        p95=percentile_95(appended),
        unit="ms",
        n=len(appended),
        budget=f"p95 <= {_P95_MS:g} ms",
        within=at_most(percentile_95(appended), _P95_MS),
        peer=f"{number(median(appended) / median(bare))}x a bare write + fsync "
        f"({number(median(bare))} ms)",
    )
    yield Row(what=f"first read of {_LABELS:,} labels", median=opened_s, unit="s")


def _draft(k: int) -> DraftLabel:
    from eegdash.labels import DraftLabel

    return DraftLabel(
        idempotency_id=f"{k:032x}",
        reviewer="bench",
        recording_sha256=_SHA256,
        onset_s=float(k % 86_000),
        duration_s=12.0,
        verdict="disagree",
        event_type="sz",
        reason="muscle",
        model="spectrogram-cnn-lstm",
        model_sha256="cd" * 32,
        threshold_pm=520,
        probability_pm=700,
        postprocessing={"smoothing_s": 4.5, "hysteresis": 1.0},
    )


def _write_labels(path: Path, count: int) -> bytes:
    """Write valid records without syncing each; return the last line."""
    import uuid

    from eegdash.labels.record import from_draft

    line = b""
    with path.open("wb") as out:
        for k in range(count):
            label = from_draft(
                _draft(k), uuid=str(uuid.UUID(int=k)), seq=k + 1, time_utc="2026-11-20T12:00:00Z"
            )
            line = label.to_line()
            out.write(line)
    return line


def _bare_ms(path: Path, line: bytes) -> list[float]:
    """The same number of writes of one such line, each synced, and nothing else, ms."""
    found = []
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        for _ in range(_APPENDS):
            began = time.perf_counter()
            os.write(fd, line)
            os.fsync(fd)
            found.append(1000 * (time.perf_counter() - began))
    finally:
        os.close(fd)
    return found


FIGURE = Figure(
    name="label-append",
    title="label append, acknowledged",
    budget=f"p95 <= {_P95_MS:g} ms at 10^5 labels",
    measure=measure,
)
