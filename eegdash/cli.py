"""The command line: ``python -m eegdash info | score | train | simulate``.

Exit codes: 0 all done, 1 some recording failed, 2 nothing could be done.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from eegdash.errors import EegdashError

RESEARCH_USE = "Research use, not for diagnosis."
_SAME_NAME = (
    "a recording of the same name was scored before it in this run. "
    "Score it by itself with another folder for --out."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except EegdashError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        name = Path(str(error.filename)).name if error.filename else "A file"
        print(f"{name} cannot be used ({error.strerror}). Choose another place.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eegdash", description=RESEARCH_USE)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    info = commands.add_parser("info", help="facts of a recording")
    info.add_argument("file", type=Path)
    info.set_defaults(run=_info)

    score = commands.add_parser("score", help="score recordings, write events and traces")
    score.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="files or folders")
    score.add_argument("--model", default=None, help="name of the detector, or its folder")
    score.add_argument("--out", type=Path, default=Path(), help="folder of the results")
    score.add_argument("--threshold", type=_fraction, default=None, help="0 to 1, default locked")
    score.set_defaults(run=_score)

    train = commands.add_parser("train", help="train a detector on simulated EEG")
    train.add_argument("--out", type=Path, required=True, help="model folder to write")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--hours", type=_positive, default=None, help="simulated EEG to fit on")
    train.add_argument("--epochs", type=int, default=None)
    train.set_defaults(run=_train)

    simulate = commands.add_parser("simulate", help="write a simulated recording with its truth")
    simulate.add_argument("file", type=Path, help="EDF file to write")
    simulate.add_argument("--minutes", type=_positive, default=30.0)
    simulate.add_argument("--seizures", type=int, default=3)
    simulate.add_argument("--seed", type=int, default=0)
    simulate.set_defaults(run=_simulate)

    worker = commands.add_parser("worker", help="serve background jobs of the dashboard")
    worker.set_defaults(run=_worker)
    return parser


def _fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("a threshold lies between 0 and 1")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError("expected a number above 0")
    return value


def _info(arguments: argparse.Namespace) -> int:
    from eegdash.io import open_recording, read_reference
    from eegdash.workflows.library import scorability

    recording = open_recording(arguments.file)
    reference = read_reference(arguments.file, recording)
    start = recording.start.isoformat(sep=" ") if recording.start else "not stated"
    print(f"file          {recording.path.name}")
    print(f"alias         {recording.alias}")
    print(f"sha256        {recording.sha256}")
    print(f"format        {recording.format}")
    print(f"start         {start}")
    print(f"duration      {recording.duration_s:.3f} s")
    print(f"sampling      {recording.sfreq:g} Hz")
    print(f"channels      {', '.join(recording.ch_names) or 'none'}")
    print(f"EEG channels  {sum(recording.eeg)} of {len(recording.ch_names)}")
    for start_s, stop_s in recording.gaps:
        print(f"gap           {start_s:.3f} to {stop_s:.3f} s")
    print(f"annotations   {len(recording.annotations)} in the file")
    if reference is None:
        print("reference     none")
    else:
        print(f"reference     {_seizures(len(reference.seizures))} ({reference.source})")
        for seizure in reference.seizures:
            print(f"seizure       {seizure.onset_s:.2f} to {seizure.end_s:.2f} s")
    print(f"scoring       {scorability(recording, {}).reason or 'possible'}")
    for note in (*recording.warnings, *(reference.warnings if reference else ())):
        print(f"note          {note}")
    return 0


def _seizures(n: int) -> str:
    return f"{n} seizure" if n == 1 else f"{n} seizures"


def _score(arguments: argparse.Namespace) -> int:
    from eegdash.workflows.desk import open_desk
    from eegdash.workflows.files import NotWritten, Written, expand, score_to_files

    desk = open_desk()
    model = desk.model(arguments.model)
    threshold_pm = None if arguments.threshold is None else round(1000 * arguments.threshold)
    done = failed = 0
    stems: set[str] = set()
    for path in expand(arguments.paths):
        if path.stem in stems:
            # results are named after the recording: the first one's must not be overwritten
            outcome: Written | NotWritten = NotWritten(path, _SAME_NAME)
        else:
            outcome = score_to_files(desk, path, model, arguments.out, threshold_pm=threshold_pm)
        stems.add(path.stem)
        if isinstance(outcome, NotWritten):
            failed += 1
            print(f"FAILED  {path.name}: {outcome.reason}", file=sys.stderr)
        else:
            done += 1
            found = f"{outcome.n_events} detection{'' if outcome.n_events == 1 else 's'}"
            note = f" ({outcome.note})" if outcome.note else ""
            print(f"scored  {path.name}: {found}{note}, {outcome.events.name}")
    if done + failed == 0:
        print("No recording was found at the given paths.", file=sys.stderr)
    print(f"{done} scored, {failed} failed, model {model.name} {model.sha256[:8]}. {RESEARCH_USE}")
    return 0 if done and not failed else 1 if done else 2


def _train(arguments: argparse.Namespace) -> int:
    from eegdash.training.fit import train_on_simulation

    chosen = {
        name: value
        for name in ("hours", "epochs")
        if (value := getattr(arguments, name)) is not None
    }
    summary = train_on_simulation(arguments.out, seed=arguments.seed, progress=_progress, **chosen)
    print(f"\nwrote the model {summary.config.name} {summary.config.sha256[:8]}")
    for name, value in summary.results.items():
        print(f"{name:28s}{value:g}")
    return 0


def _progress(done: float) -> None:
    print(f"\r{100 * done:5.1f} %", end="", file=sys.stderr, flush=True)


def _simulate(arguments: argparse.Namespace) -> int:
    from eegdash.workflows.files import simulate_to_file

    simulate_to_file(
        arguments.file,
        duration_s=60 * arguments.minutes,
        n_seizures=arguments.seizures,
        seed=arguments.seed,
    )
    print(f"wrote {arguments.file.name} and its truth beside it")
    return 0


def _worker(arguments: argparse.Namespace) -> int:
    from eegdash.jobs import work
    from eegdash.workflows.tasks import tasks

    # answers go to the real standard output alone: whatever a library prints goes to the log
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    work(tasks(), sys.stdin, answers)
    return 0
