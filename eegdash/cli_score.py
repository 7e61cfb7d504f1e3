"""``python -m eegdash score``: one by one here, or on processes and machines."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eegdash.checkpoints import CheckpointInfo
    from eegdash.workflows.desk import Desk
    from eegdash.workflows.files import NotWritten, Written
    from eegdash.workflows.many import Progress

RESEARCH_USE = "Research use, not for diagnosis."
_SAME_NAME = (
    "a recording of the same name was scored before it in this run. "
    "Score it by itself with another folder for --out."
)


def run_score(arguments: argparse.Namespace) -> int:
    """Score recordings, write their files, and say so line by line."""
    from eegdash.workflows.desk import open_desk
    from eegdash.workflows.files import NotWritten, expand

    desk = open_desk()
    model = desk.model(arguments.model)
    first, later = _first_of_each_name(list(expand(arguments.paths)))
    use_cluster = arguments.scheduler is not None or arguments.workers > 1
    score = _on_a_cluster if use_cluster and first else _one_by_one
    done = failed = 0
    try:
        for written in score(desk, model, first, arguments):
            if isinstance(written, NotWritten):
                failed += 1
            else:
                done += 1
            _say(written)
    except KeyboardInterrupt:
        print("Stopped. What was done is kept; the same command goes on.", file=sys.stderr)
        return 2
    for path in later:
        failed += 1
        # results are named after the recording: the first one's must not be overwritten
        _say(NotWritten(path, _SAME_NAME))
    if done + failed == 0:
        print("No recording was found at the given paths.", file=sys.stderr)
    print(f"{done} scored, {failed} failed, model {model.name} {model.sha256[:8]}. {RESEARCH_USE}")
    return 0 if done and not failed else 1 if done else 2


def _first_of_each_name(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return those whose results get a file name of their own, and those that would share it."""
    seen: set[str] = set()
    first: list[Path] = []
    later: list[Path] = []
    for path in paths:
        (later if path.stem in seen else first).append(path)
        seen.add(path.stem)
    return first, later


def _threshold_pm(arguments: argparse.Namespace) -> int | None:
    return None if arguments.threshold is None else round(1000 * arguments.threshold)


def _one_by_one(
    desk: Desk, model: CheckpointInfo, paths: Sequence[Path], arguments: argparse.Namespace
) -> Iterator[Written | NotWritten]:
    from eegdash.workflows.files import score_to_files

    for path in paths:
        yield score_to_files(
            desk, path, model, arguments.out, threshold_pm=_threshold_pm(arguments)
        )


def _on_a_cluster(
    desk: Desk, model: CheckpointInfo, paths: Sequence[Path], arguments: argparse.Namespace
) -> Iterator[Written | NotWritten]:
    from eegdash.workflows.cluster import local_cluster, remote_cluster
    from eegdash.workflows.files import write_outcome
    from eegdash.workflows.many import score_many

    def tell(state: Progress) -> None:
        if sys.stderr.isatty():
            under_way = f", {state.n_parts_done} of {state.n_parts} parts under way"
            text = f"{state.n_done} of {len(paths)} recordings{under_way if state.n_parts else ''}"
            print(f"\r{text:70s}\r", end="", file=sys.stderr, flush=True)

    with ExitStack() as stack:
        if arguments.scheduler is not None:
            if arguments.scheduler.startswith("tcp://"):
                print(_NOT_ENCRYPTED, file=sys.stderr)
            client = stack.enter_context(remote_cluster(arguments.scheduler))
        else:
            client = stack.enter_context(local_cluster(arguments.workers))
        for path, outcome in score_many(desk, paths, model, client, progress=tell):
            yield write_outcome(
                desk, path, model, arguments.out, outcome, threshold_pm=_threshold_pm(arguments)
            )


_NOT_ENCRYPTED = (
    "Note: tcp:// is neither encrypted nor does it ask who is there; whoever reaches the scheduler "
    "can run programs on its workers. Use it on a network of your own, or tls://."
)


def _say(written: Written | NotWritten) -> None:
    from eegdash.workflows.files import NotWritten

    if isinstance(written, NotWritten):
        print(f"FAILED  {written.path.name}: {written.reason}", file=sys.stderr)
        return
    found = f"{written.n_events} detection{'' if written.n_events == 1 else 's'}"
    note = f" ({written.note})" if written.note else ""
    print(f"scored  {written.path.name}: {found}{note}, {written.events.name}", flush=True)
