"""The command line: ``python -m eegdash info | score | evaluate | report | labels | train ...``.

Exit codes: 0 all done, 1 some recording failed, 2 nothing could be done.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from eegdash.cli_labels import add_labels
from eegdash.cli_score import RESEARCH_USE, run_score
from eegdash.errors import EegdashError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # who read it, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
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

    _add_score(commands)

    evaluate = commands.add_parser("evaluate", help="compare a detector with a reference")
    evaluate.add_argument("data", type=Path, help="folder of a data set, or a recording")
    evaluate.add_argument("--model", default=None, help="name of the detector, or its folder")
    evaluate.add_argument(
        "--detections", type=Path, default=None, help="folder of another program's files instead"
    )
    evaluate.add_argument("--threshold", type=_fraction, default=None, help="default locked")
    evaluate.add_argument(
        "--choose", type=_criterion, default=None, metavar="CRITERION",
        help="choose the threshold here: event-f1, window-f1, accuracy-sensitivity, "
        "fp-per-24h=N, sensitivity=N",
    )  # fmt: skip
    evaluate.add_argument("--no-gain", action="store_true", help="leave out the gain test")
    evaluate.add_argument("--json", type=Path, default=None, help="file to write the figures to")
    evaluate.set_defaults(run=_evaluate)

    _add_report(commands)

    _add_deidentify(commands)

    download = commands.add_parser("download", help="get a public data set, resumable")
    download.add_argument("dataset", choices=["chbmit"])
    download.add_argument("--case", action="append", default=[], help="chb01; again for more")
    download.add_argument("--all", action="store_true", help="all 24 cases, 43 GB")
    download.add_argument("--out", type=Path, default=Path("chbmit"), help="folder of the data set")
    download.add_argument("--base-url", default=None, help="another place of the same data set")
    download.set_defaults(run=_download)

    train = commands.add_parser("train", help="train a detector; repeated after a kill it goes on")
    train.add_argument("--out", type=Path, required=True, help="model folder to write")
    train.add_argument("--architecture", default="spectrogram-cnn-lstm", help="or shallow-cnn")
    train.add_argument(
        "--data", type=Path, default=None, help="data set with background and clips; else simulated"
    )
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--hours", type=_positive, default=None, help="EEG to fit on first")
    train.add_argument("--epochs", type=int, default=None)
    train.add_argument(
        "--refine", action="store_true", help="train further on the clips of --data; folds test it"
    )
    train.add_argument("--remark", default="", help="sentence for the limits on the model card")
    train.set_defaults(run=_train)

    simulate = commands.add_parser("simulate", help="write a simulated recording with its truth")
    simulate.add_argument("file", type=Path, help="EDF file to write")
    simulate.add_argument("--minutes", type=_positive, default=30.0)
    simulate.add_argument("--seizures", type=int, default=3)
    simulate.add_argument("--seed", type=int, default=0)
    _add_simulation_choices(simulate)
    simulate.set_defaults(run=_simulate)

    add_labels(commands)
    _add_teach(commands.add_parser("teach", help="teach a detector from the labels"))

    worker = commands.add_parser("worker", help="serve background jobs of the dashboard")
    worker.set_defaults(run=_worker)
    return parser


def _add_teach(teach: argparse.ArgumentParser) -> None:
    """Repeated after a kill, a teaching goes on."""
    teach.add_argument("--model", default=None, help="name of the detector, default the first")
    teach.add_argument("--seed", type=int, default=0)
    teach.add_argument(
        "--aside", type=_fraction, default=0.25, help="share of persons kept aside for scoring"
    )
    teach.add_argument(
        "--blinded", choices=["all", "blinded only", "without blinded"], default="all",
        help="which labels of blinded first reads are used",
    )  # fmt: skip
    teach.add_argument("--reader", action="append", default=[], help="only this reader; repeatable")
    teach.add_argument("--plan", action="store_true", help="only say what would be used")
    teach.set_defaults(run=_teach)


def _add_deidentify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    clean = commands.add_parser("deidentify", help="copy EDF or BDF without personal details")
    clean.add_argument("files", type=Path, nargs="+", metavar="FILE")
    clean.add_argument("--out", type=Path, default=Path(), help="folder of the copies")
    clean.add_argument(
        "--keep-annotations",
        action="store_true",
        help="keep the texts in the file; read them first",
    )
    clean.set_defaults(run=_deidentify)


def _add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    report = commands.add_parser("report", help="write a report on a recording or a person")
    report.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="a file, or a folder")
    report.add_argument("--person", default=None, help="whose recordings of the folder are meant")
    report.add_argument("--model", default=None, help="name of the detector, or its folder")
    report.add_argument("--out", type=Path, default=None, help="default: reports of the workspace")
    report.add_argument(
        "--no-llm", action="store_true", help="ask no language model, even if one is configured"
    )
    report.set_defaults(run=_report)


def _add_simulation_choices(simulate: argparse.ArgumentParser) -> None:
    """What is not chosen is drawn from the seed."""
    several = "several by commas"
    kinds = f"focal, spike-wave, fast onset, bilateral, critical; {several}; default any"
    simulate.add_argument("--kinds", type=_words, default=None, help=kinds)
    patterns = f"LPD, GPD, LRDA, GRDA, spike-wave burst, spike; {several}; '' for none"
    simulate.add_argument("--patterns", type=_words, default=None, help=patterns)
    states = "awake, drowsy, asleep, night or ill"
    simulate.add_argument("--state", dest="vigilance", metavar="STATE", default=None, help=states)
    artefacts = "how many artefacts beside blinks: 0 none, 1 about one a minute, 3 many"
    simulate.add_argument("--artefacts", dest="clutter", type=_amount, default=None, help=artefacts)
    reference = "ears (default), average or bipolar"
    simulate.add_argument("--reference", default=None, help=reference)
    simulate.add_argument(
        "--line", dest="line_hz", type=float, choices=(50.0, 60.0), help="line frequency, Hz"
    )
    simulate.add_argument(
        "--truth", action="store_true", help="also list patterns and artefacts in NAME_truth.tsv"
    )


def _add_score(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    score = commands.add_parser("score", help="score recordings, write events and traces")
    score.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="files or folders")
    score.add_argument("--model", default=None, help="name of the detector, or its folder")
    score.add_argument("--out", type=Path, default=Path(), help="folder of the results")
    score.add_argument("--threshold", type=_fraction, default=None, help="0 to 1, default locked")
    score.add_argument("--workers", type=_count, default=1, help="processes here, default 1")
    score.add_argument(
        "--scheduler", default=None, metavar="ADDRESS", help="Dask scheduler, tcp://host:8786"
    )
    score.set_defaults(run=run_score)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _amount(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 20:
        raise argparse.ArgumentTypeError("expected a number from 0 to 20")
    return value


def _fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("a threshold lies between 0 and 1")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 1024:
        raise argparse.ArgumentTypeError("expected a number from 1 to 1024")
    return value


def _criterion(text: str) -> tuple[str, float | None]:
    from eegdash.scoring import Criterion

    name, given, number = text.partition("=")
    known = {criterion.value: criterion for criterion in Criterion}
    if name not in known:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(known)}")
    if known[name].needs_target != bool(given):
        raise argparse.ArgumentTypeError(f"{name} {'needs' if not given else 'has no'} number")
    target = float(number) if given else None
    if target is not None and not 0 <= target < 1e6:
        raise argparse.ArgumentTypeError("expected a number of 0 or more")
    return name, target


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


def _evaluate(arguments: argparse.Namespace) -> int:
    from eegdash.workflows.evaluate import evaluate_folder
    from eegdash.workflows.evaluation_report import as_text, write_json

    criterion, target = arguments.choose or (None, None)
    evaluation = evaluate_folder(
        arguments.data,
        model=arguments.model,
        detections=arguments.detections,
        threshold_pm=None if arguments.threshold is None else round(1000 * arguments.threshold),
        criterion=criterion,
        target=target,
        with_gain=not arguments.no_gain,
        report=_recordings_done,
    )
    print(as_text(evaluation), end="")
    if arguments.json is not None:
        write_json(arguments.json, evaluation)
        print(f"wrote {arguments.json.name}")
    print(RESEARCH_USE)
    failed = any(entry.failed for entry in evaluation.left_out)
    return 2 if evaluation.overall is None else 1 if failed else 0


def _recordings_done(done: int, of: int, name: str) -> None:
    end = "\n" if done == of else ""
    print(f"\r{done} of {of}  {name[:50]:50s}", end=end, file=sys.stderr, flush=True)


def _report(arguments: argparse.Namespace) -> int:
    from eegdash.report.llm import Endpoint
    from eegdash.workflows.desk import open_desk
    from eegdash.workflows.report import write_report
    from eegdash.workflows.report_subject import of_paths

    def say(done: float, what: str) -> None:
        end = "\n" if done >= 1 else ""
        print(f"\r{100 * done:5.1f} %  {what:40s}", end=end, file=sys.stderr, flush=True)

    desk = open_desk()
    written = write_report(
        desk,
        of_paths(desk, arguments.paths, arguments.person),
        arguments.model,
        parent=arguments.out,
        endpoint=Endpoint() if arguments.no_llm else None,
        progress=say,
    )
    for note in written.notes:
        print(f"note: {note}")
    print(f"wrote {written.folder.name} in {written.seconds:.1f} s, summary: {written.source}")
    print(RESEARCH_USE)
    return 1 if written.n_failed else 0


def _deidentify(arguments: argparse.Namespace) -> int:
    from eegdash.export import write_deidentified
    from eegdash.io import hash_file

    arguments.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for path in arguments.files:
        try:
            copy = write_deidentified(
                path, arguments.out, hash_file(path), keep_annotations=arguments.keep_annotations
            )
        except EegdashError as error:
            failed += 1
            print(f"FAILED  {path.name}: {error}", file=sys.stderr)
        else:
            print(f"copied  {path.name} to {copy.name}")
    kept = "kept; read them" if arguments.keep_annotations else "removed"
    print(
        "Patient, recording and date fields are unknown in the copies; annotations in the file are "
        f"{kept}. Channel names and the signal itself are as they were."
    )
    return 0 if not failed else 1 if failed < len(arguments.files) else 2


def _download(arguments: argparse.Namespace) -> int:
    import time

    from eegdash.io.physionet import BASE_URL, DownloadProgress, Patience, download_chbmit

    if arguments.all == bool(arguments.case):
        print("Name a case with --case, or take all of them with --all.", file=sys.stderr)
        return 2

    def say(state: DownloadProgress) -> None:
        share = f"{state.file_bytes >> 20} of {state.file_size >> 20} MB"
        left = "" if state.remaining_s is None else f", about {_duration(state.remaining_s)} left"
        text = f"{state.n_done} of {state.n_files} files  {state.file}  {share}{left}"
        print(f"\r{text:78s}", end="", file=sys.stderr, flush=True)

    def wait(seconds: float) -> None:
        text = f"the connection broke, trying again in {seconds:.0f} s"
        print(f"\r{text:78s}", end="", file=sys.stderr, flush=True)
        time.sleep(seconds)

    found = download_chbmit(
        arguments.case,
        arguments.out,
        base_url=arguments.base_url or BASE_URL,
        progress=say,
        patience=Patience(wait=wait),
    )
    print(file=sys.stderr)
    print(
        f"{len(found.fetched)} files downloaded ({found.received_bytes / 1e6:.1f} MB), "
        f"{len(found.present)} were there already; all checksums are right."
    )
    print("CHB-MIT Scalp EEG Database 1.0.0, doi 10.13026/C2K01R, ODC-By 1.0.")
    return 0


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(round(seconds), 1)} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _train(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from eegdash.training.folds import RefineParameters
    from eegdash.training.recipe import Recipe, train

    recipe = Recipe(architecture=arguments.architecture, seed=arguments.seed)
    if arguments.hours is not None:
        recipe = replace(recipe, hours=arguments.hours)
    if arguments.epochs is not None:
        recipe = replace(recipe, fit=replace(recipe.fit, epochs=arguments.epochs))
    if arguments.refine:
        recipe = replace(recipe, refine=RefineParameters())
    summary = train(
        arguments.out, recipe, data=arguments.data, remark=arguments.remark, progress=_Progress()
    )
    print(f"\nwrote the model {summary.config.name} {summary.config.sha256[:8]}")
    for note in summary.notes:
        print(note)
    for name, value in summary.results.items():
        print(f"simulated people: {name:28s}{value:g}")
    for group, ranked in summary.left_out.items():
        for name, found in ranked.items():
            area = found.auroc
            print(
                f"persons left out, {group:10s}{name:18s}window AUROC {area.value:.3f} "
                f"({area.low:.3f} to {area.high:.3f}, {found.n_windows} windows, "
                f"{found.n_persons} persons)"
            )
    return 0


def _teach(arguments: argparse.Namespace) -> int:
    from eegdash.training.taught_card import FIGURES
    from eegdash.workflows.desk import open_desk
    from eegdash.workflows.teach import before_after, checked_plan, request_now, teach
    from eegdash.workflows.teach_labels import SIDE_WORDS, TeachChoice

    desk = open_desk()
    parent = desk.model(arguments.model)
    choice = TeachChoice(
        blinded=arguments.blinded, readers=tuple(arguments.reader), keep_aside=arguments.aside
    )
    request = request_now(desk, parent, choice=choice, seed=arguments.seed)
    plan = checked_plan(desk, request, parent)
    for verdict, n in sorted(plan.used.items()):
        print(f"used      {n} {verdict}")
    for why, n in sorted(plan.left_out.items()):
        print(f"left out  {n} {why}")
    for side, words in SIDE_WORDS.items():
        print(f"{words}: {len(plan.on(side))} recordings")
    if arguments.plan:
        return 0
    candidate = teach(desk, request, _Progress())
    print(f"\nwrote the candidate {candidate.name} {candidate.sha256[:8]}")
    for name, found in before_after(candidate).items():
        for key, title, form in FIGURES:
            values = found["figures"].get(key)
            if values and values["before"][0] is not None and values["after"][0] is not None:
                both = " -> ".join(form.format(values[side][0]) for side in ("before", "after"))
                print(f"{name:10s}{title:40s}{both}")
    print(f"It is not in use: promote or discard it on the page Models. {RESEARCH_USE}")
    return 0


class _Progress:
    """Prints the share done and how long the rest will take at this speed."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, done: float) -> None:
        """Print a share between 0 and 1."""
        left_s = (time.monotonic() - self._began) * (1 - done) / max(done, 1e-3)
        left = f"about {left_s / 60:.0f} min left" if left_s >= 60 else "less than a minute left"
        text = f"\r{100 * done:5.1f} %, {left:<23} "
        print(text, end="", file=sys.stderr, flush=True)


def _simulate(arguments: argparse.Namespace) -> int:
    from eegdash.workflows.files import simulate_to_file

    changes = {
        name: value
        for name in ("patterns", "vigilance", "clutter", "reference", "line_hz")
        if (value := getattr(arguments, name)) is not None
    }
    chosen = {} if arguments.kinds is None else {"kinds": arguments.kinds}
    simulate_to_file(
        arguments.file,
        duration_s=60 * arguments.minutes,
        n_seizures=arguments.seizures,
        seed=arguments.seed,
        changes=changes,
        all_truth=arguments.truth,
        **chosen,
    )
    print(f"wrote {arguments.file.name} and its truth beside it")
    return 0


def _worker(arguments: argparse.Namespace) -> int:
    from eegdash import logs
    from eegdash.jobs import work
    from eegdash.settings import Settings
    from eegdash.workflows.tasks import tasks

    logs.configure(Settings.from_environment().log)
    logs.withhold(Settings.from_environment().log)
    # answers go to the real standard output alone: whatever a library prints goes to the log
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    work(tasks(), sys.stdin, answers)
    return 0
