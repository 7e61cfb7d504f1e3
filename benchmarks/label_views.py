"""What the labels page asks for at 10^5 labels: list, queue, agreement, cases, consensus."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Row, at_most

if TYPE_CHECKING:
    from eegdash.workflows.desk import Desk

_RECORDINGS, _READERS, _EACH = 100, 5, 200
_LABELS = _RECORDINGS * _READERS * _EACH
_DAY_S = 86_400.0
_VERDICTS = ["missed", "disagree", "unsure"]
_TIMES = 5
_BUDGET_S = 1.0


def measure(bench: Bench) -> Iterator[Row]:
    """Time each view of a workspace with 10^5 labels of five readers, once warm."""
    from eegdash.settings import Settings
    from eegdash.workflows import (
        adjudication,
        agreement,
        labels_export,
        labels_list,
        queue,
        readers,
    )
    from eegdash.workflows.desk import open_desk
    from eegdash.workflows.readers import ADJUDICATOR, Reader

    desk = open_desk(Settings(workspace=bench.new_folder("label-views")))
    _write_labels(desk, [_write_recording(desk, k) for k in range(_RECORDINGS)])
    desk.labels.refresh()
    viewer, chief = Reader("bench"), Reader("chief", ADJUDICATOR)
    views: dict[str, Callable[[], object]] = {
        "list of labels": lambda: labels_list.listing(desk, viewer),
        "progress of readers": lambda: readers.progress(desk),
        "queue of a reader": lambda: queue.state(desk, viewer, None, queue.READERS),
        "agreement of five readers": lambda: agreement.agreement(desk, viewer, None),
        "cases to adjudicate": lambda: adjudication.cases(desk, chief),
        "consensus as SzCORE": lambda: labels_export.export_labels(desk, viewer, "szcore"),
    }
    timed = {what: _timed(view) for what, view in views.items()}
    for what in ("queue of a reader", "cases to adjudicate"):
        timed[f"{what}, one label later"] = _timed(views[what], lambda: _say_more(desk))
    for what, taken in timed.items():
        yield Row(
            what=f"{what} at {_LABELS:,} labels",
            median=median(taken),
            unit="s",
            n=_TIMES,
            budget=f"<= {_BUDGET_S:g} s",
            within=at_most(median(taken), _BUDGET_S),
        )


def _timed(view: Callable[[], object], before: Callable[[], object] = bool) -> list[float]:
    """Return how long a view takes, once warm, each time after ``before``, which is not timed."""
    view()
    taken: list[float] = []
    for _ in range(_TIMES):
        before()
        taken.append(_seconds(view))
    return taken


def _say_more(desk: Desk) -> None:
    """Append one more label, as another reader would meanwhile."""
    from eegdash.labels import DraftLabel

    sha256 = next(iter(desk.labels.recordings()))
    desk.labels.append(
        DraftLabel(
            idempotency_id=f"more-{time.monotonic_ns()}",
            reviewer="reader 0",
            recording_sha256=sha256,
            onset_s=50.0,
            duration_s=9.0,
            verdict="missed",
        )
    )


def _seconds(view: Callable[[], object]) -> float:
    began = time.perf_counter()
    view()
    return time.perf_counter() - began


def _write_recording(desk: Desk, number: int) -> str:
    """Write a day of one channel at 0.1 Hz: small, and as long as the labels reach."""
    import numpy as np

    from eegdash.export import write_edf
    from eegdash.io import hash_file

    path: Path = desk.workspace.recordings / f"bench_{number:03d}.edf"
    write_edf(path, np.full((1, 8640), float(number)), 0.1, ["Fp1"])
    return hash_file(path)


def _write_labels(desk: Desk, recordings: list[str]) -> None:
    """Write valid records of readers who differ, without syncing each."""
    import uuid

    import numpy as np

    from eegdash.labels.record import DraftLabel, from_draft
    from eegdash.labels.store import FILE_NAME

    rng = np.random.default_rng(0)
    seq = 0
    desk.labels.folder.mkdir(parents=True, exist_ok=True)
    with (desk.labels.folder / FILE_NAME).open("wb") as out:
        for reader in range(_READERS):
            for sha256 in recordings:
                drafts = [
                    DraftLabel(
                        idempotency_id=f"{reader}-{sha256[:16]}-{k}",
                        reviewer=f"reader {reader}",
                        recording_sha256=sha256,
                        onset_s=100 + 400.0 * k + float(rng.uniform(-10, 10)),
                        duration_s=20.0,
                        verdict=str(
                            rng.choice(["missed", "disagree", "unsure"], p=[0.6, 0.3, 0.1])
                        ),
                    )
                    for k in range(_EACH - 1)
                ]
                whole = DraftLabel(
                    idempotency_id=f"{reader}-{sha256[:16]}-read",
                    reviewer=f"reader {reader}",
                    recording_sha256=sha256,
                    onset_s=0.0,
                    duration_s=_DAY_S,
                    kind="sign_off",
                    seen=((0.0, _DAY_S),),
                )
                for draft in (*drafts, whole):
                    seq += 1
                    label = from_draft(
                        draft,
                        uuid=str(uuid.UUID(int=seq)),
                        seq=seq,
                        time_utc="2026-11-20T12:00:00Z",
                    )
                    out.write(label.to_line())


FIGURE = Figure(
    name="label-views",
    title="labels page: list, queue, agreement, cases, consensus",
    budget=f"each <= {_BUDGET_S:g} s at 10^5 labels",
    measure=measure,
)
