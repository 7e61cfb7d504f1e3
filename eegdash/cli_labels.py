"""The command line for labels: ``python -m eegdash labels list | history | export | ...``.

Whoever runs it can read the labels file, so that nothing is withheld here as on the pages.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eegdash.errors import CheckpointError, EegdashError, WorkspaceError

if TYPE_CHECKING:
    from eegdash.labels import Label
    from eegdash.workflows.desk import Desk
    from eegdash.workflows.labels_export import Export
    from eegdash.workflows.readers import Reader

FORMATS = ("szcore", "edf", "chbmit", "csv")
_OWNER_URL = "EEGDASH_LABELS_OWNER_URL"
_RESEARCH = "Research use, not for diagnosis."


def add_labels(commands: Any) -> None:
    """Add the command ``labels`` with its sub-commands to a parser's sub-commands."""
    labels = commands.add_parser("labels", help="list, export, import and compare labels")
    parts = labels.add_subparsers(required=True, metavar="WHAT")
    _add_list(parts)
    _add_files(parts)
    compare = _part(parts, "agreement", _agreement, "how far readers agree, with intervals")
    compare.add_argument("--model", default=None, help="name of the detector to compare with")
    compare.add_argument("--reader", action="append", help="only this reader; again for more")
    compare.add_argument("--recording", action="append", metavar="ALIAS", help="rec-...; again")
    compare.add_argument("--blinded-only", action="store_true", help="blinded first reads alone")
    _add_whole(compare)
    _part(parts, "readers", _readers, "progress, pace and open work of every reader")
    _add_database(parts)


def _part(parts: Any, name: str, run: Any, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = parts.add_parser(name, help=words)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)
    return parser


def _add_list(parts: Any) -> None:
    listed = _part(parts, "list", _list, "labels, newest first")
    for name in ("reviewer", "verdict", "reason", "model", "person", "text"):
        listed.add_argument(f"--{name}", default="")
    listed.add_argument("--recording", default="", metavar="ALIAS", help="rec-...")
    listed.add_argument("--from", dest="from_date", default="", metavar="YYYY-MM-DD")
    listed.add_argument("--to", dest="to_date", default="", metavar="YYYY-MM-DD")
    listed.add_argument("--all", action="store_true", help="also superseded labels, retractions")
    listed.add_argument("--limit", type=int, default=100)
    told = _part(parts, "history", _history, "every step of one label")
    told.add_argument("uuid")


def _add_files(parts: Any) -> None:
    export = _part(parts, "export", _export, "all records (csv), or one reader's labels")
    export.add_argument("--format", choices=FORMATS, default="csv")
    export.add_argument("--reader", default="", help="whose labels; needed unless csv")
    consensus = _part(parts, "consensus", _consensus, "what readers say together, as files")
    consensus.add_argument("--format", choices=FORMATS[:3], default="szcore")
    consensus.add_argument("--rule", choices=("majority", "adjudicated"), default="majority")
    consensus.add_argument(
        "--min-readers", type=int, default=2, help="fewer than this leave a span unknown"
    )
    for parser in (export, consensus):
        parser.add_argument("--out", type=Path, default=Path(), help="folder to write to")
        parser.add_argument("--recording", action="append", metavar="ALIAS", help="rec-...; again")
        _add_whole(parser)
    taken = _part(parts, "import", _import, "labels from SzCORE, EDF+, CHB-MIT summary or CSV")
    taken.add_argument("files", type=Path, nargs="+", metavar="FILE")
    taken.add_argument("--said-by", required=True, help="whose labels, where a file does not say")
    taken.add_argument("--by", default="", help="who reads them in; default --said-by")
    taken.add_argument("--recording", default="", metavar="ALIAS", help="where names do not say")
    taken.add_argument("--dry-run", action="store_true", help="say what would be saved")


def _add_database(parts: Any) -> None:
    """Add what moves labels between the file and PostgreSQL; addresses come by environment only.

    A command line is seen by every user of the machine, and an address may hold a password.
    """
    make = _part(parts, "create-table", _create_table, "make the table of labels in PostgreSQL")
    make.description = f"The owner's address is read from {_OWNER_URL}."
    make.add_argument("--grant", required=True, metavar="USER", help="the dashboard's user")
    move = _part(parts, "migrate", _migrate, "copy all labels into PostgreSQL, or back")
    move.description = (
        "The address is read from EEGDASH_LABELS_URL. Stop the dashboard before: what is labelled "
        "while labels are copied stays behind."
    )
    way = move.add_mutually_exclusive_group(required=True)
    way.add_argument("--to-database", action="store_true", help="the workspace's labels file")
    way.add_argument("--to-folder", type=Path, metavar="FOLDER", help="as labels.jsonl, there")


def _add_whole(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--whole",
        action="store_true",
        help="a sign-off is a statement on the whole recording, not only on what was on screen",
    )


def _open() -> tuple[Desk, Reader]:
    from eegdash.workflows.desk import open_desk
    from eegdash.workflows.readers import Reader

    desk = open_desk()
    settings = replace(desk.settings, blinded=False, others_hidden=False)
    return replace(desk, settings=settings), Reader("")


def _hashes(desk: Desk, aliases: Sequence[str] | None) -> list[str] | None:
    """Return the hashes of recordings by alias; None for all."""
    from eegdash.recording import alias_of
    from eegdash.workflows.recording_names import files_by_hash

    if not aliases:
        return None
    known = {alias_of(x): x for x in (*desk.labels.recordings(), *files_by_hash(desk))}
    missing = [alias for alias in aliases if alias not in known]
    if missing:
        raise WorkspaceError(
            f"No recording is called {', '.join(missing)}. python -m eegdash info FILE tells the "
            "alias of a file; labels list tells those that are labelled."
        )
    return [known[alias] for alias in aliases]


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False))


def _list(arguments: argparse.Namespace) -> int:
    from eegdash.workflows.labels_list import ALL, STANDING, LabelFilter, listing

    desk, viewer = _open()
    chosen = _hashes(desk, [arguments.recording] if arguments.recording else None)
    names = ("reviewer", "verdict", "reason", "model", "person", "text", "from_date", "to_date")
    wanted = LabelFilter(
        **{name: getattr(arguments, name) for name in names},
        recording_sha256=chosen[0] if chosen else "",
        which=ALL if arguments.all else STANDING,
        kind="",
    )
    found = listing(desk, viewer, wanted, limit=max(arguments.limit, 0))
    if arguments.json:
        records = [{**x.label.as_dict(), "status": x.label.status.value} for x in found.rows]
        _print_json({"n_matching": found.n_matching, "lines": found.lines, "labels": records})
        return 0
    for row in found.rows:
        print(_line(row.label))
    lines = ", ".join(f"{n} {status}" for status, n in found.lines.items())
    print(f"{len(found.rows)} of {found.n_matching} shown; lines of the file: {lines}.")
    return 0


def _line(label: Label) -> str:
    what = label.verdict or label.kind.replace("_", " ")
    parts = [
        label.time_utc[:16].replace("T", " "),
        label.recording_alias,
        f"{label.onset_s:9.2f}-{label.end_s:.2f} s",
        f"{what:11s}",
        label.reviewer,
        label.event_type,
        label.reason,
    ]
    return "  ".join(_single(part) for part in (*parts, label.uuid) if part)


def _single(text: str) -> str:
    """Return text that cannot move the cursor of a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def _history(arguments: argparse.Namespace) -> int:
    from eegdash.workflows.labels_list import history

    desk, viewer = _open()
    steps = history(desk, viewer, arguments.uuid)
    if not steps:
        raise WorkspaceError(f"There is no label {arguments.uuid}; labels list tells their uuids.")
    if arguments.json:
        _print_json([{"what": x.what, **x.label.as_dict()} for x in steps])
        return 0
    for step in steps:
        print(_line(step.label))
        for field, before, after in step.changes:
            print(f"    {field}: {_single(before)} -> {_single(after)}")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    if arguments.format != "csv" and not arguments.reader:
        raise WorkspaceError(
            "Say whose labels with --reader NAME, or use labels consensus for all readers."
        )
    return _write(arguments, "reader", arguments.reader, 1)


def _consensus(arguments: argparse.Namespace) -> int:
    return _write(arguments, arguments.rule, "", arguments.min_readers)


def _write(arguments: argparse.Namespace, rule: str, reader: str, min_readers: int) -> int:
    from eegdash.atomic import write_atomically
    from eegdash.workflows.labels_export import export_labels

    desk, viewer = _open()
    found = export_labels(
        desk,
        viewer,
        arguments.format,
        rule=rule,
        one_reader=reader,
        recordings=_hashes(desk, arguments.recording),
        min_readers=min_readers,
        whole_after_sign_off=arguments.whole,
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    for file in found.files:
        write_atomically(arguments.out / file.name, file.content)
    _tell_export(found, arguments)
    return 0


def _tell_export(found: Export, arguments: argparse.Namespace) -> None:
    if arguments.json:
        _print_json(
            {
                "files": [x.name for x in found.files],
                "n_recordings": found.n_recordings,
                "n_seizures": found.n_seizures,
                "known_s": found.known_s,
                "unknown_s": found.unknown_s,
                "losses": list(found.losses),
            }
        )
        return
    for file in found.files:
        print(f"wrote {file.name}")
    known = ""
    if found.known_s:
        known = f"; {found.known_s / 3600:.2f} h known, {found.unknown_s / 3600:.2f} h left unknown"
    print(f"recordings: {found.n_recordings}, seizures: {found.n_seizures}{known}. {_RESEARCH}")
    for loss in found.losses:
        print(f"lost: {loss}")


def _import(arguments: argparse.Namespace) -> int:
    from eegdash.workflows.readers import Reader

    desk, _ = _open()
    chosen = _hashes(desk, [arguments.recording] if arguments.recording else None)
    reader = Reader((arguments.by or arguments.said_by).strip())
    told: list[dict[str, Any]] = []
    failed = 0
    for path in arguments.files:
        try:
            told.append(_import_one(desk, reader, path, arguments, chosen[0] if chosen else ""))
        except EegdashError as error:
            failed += 1
            print(f"FAILED  {path.name}: {error}", file=sys.stderr)
    if arguments.json:
        _print_json(told)
    else:
        for one in told:
            _tell_import(one)
    return 0 if not failed else 1 if told else 2


def _import_one(
    desk: Desk, reader: Reader, path: Path, arguments: argparse.Namespace, sha256: str
) -> dict[str, Any]:
    from eegdash.io.reference import COVERAGE_FILE
    from eegdash.workflows.labels_import import read_labels, save_import

    beside = path.with_name(COVERAGE_FILE)
    found = read_labels(
        desk,
        path.name,
        path.read_bytes(),
        said_by=arguments.said_by,
        recording_sha256=sha256,
        coverage=beside.read_bytes() if beside.is_file() else None,
    )
    if not arguments.dry_run:
        save_import(desk, reader, found)
    return {
        "file": path.name,
        "n_labels": len(found.drafts),
        "n_known": found.n_known,
        "saved": 0 if arguments.dry_run else len(found.drafts) - found.n_known,
        "losses": list(found.losses),
        "problems": list(found.problems),
    }


def _tell_import(one: dict[str, Any]) -> None:
    known = f", there already {one['n_known']}" if one["n_known"] else ""
    print(f"read  {one['file']}: records {one['n_labels']}, saved {one['saved']}{known}")
    for loss in one["losses"]:
        print(f"lost: {loss}")
    for problem in one["problems"]:
        print(f"note: {problem}")


def _agreement(arguments: argparse.Namespace) -> int:
    from eegdash.workflows.agreement import agreement, as_json
    from eegdash.workflows.agreement_text import as_text

    desk, viewer = _open()
    try:
        model = desk.model(arguments.model)
    except CheckpointError:
        if arguments.model is not None:
            raise
        model = None  # readers can be compared without any detector
    report = agreement(
        desk,
        viewer,
        model,
        readers=arguments.reader,
        recordings=_hashes(desk, arguments.recording),
        blinded_only=arguments.blinded_only,
        whole_after_sign_off=arguments.whole,
    )
    if arguments.json:
        _print_json(as_json(report))
    else:
        print(as_text(report))
        print(_RESEARCH)
    return 0 if report.pairs or report.with_detector or report.repeats else 2


def _readers(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from eegdash.recording import alias_of
    from eegdash.workflows.readers import guideline, progress

    desk, _ = _open()
    held = guideline(desk)
    found = progress(desk)
    if arguments.json:
        rows = [
            {**asdict(x), "open_recordings": [*map(alias_of, x.open_recordings)]} for x in found
        ]
        _print_json({"guideline": held.version if held else None, "readers": rows})
        return 0
    print(f"guideline: {held.version if held else 'none stated'}")
    for one in found:
        worked = f"{one.worked_s / 3600:.1f} h of work" if one.worked_s else "working time unknown"
        print(
            f"{_single(one.name)}: {one.n_labels} labels, {one.n_done} of {one.n_assigned} "
            f"assigned recordings done, {one.read_s / 3600:.2f} h of EEG seen, {worked}"
        )
    return 0


def _create_table(arguments: argparse.Namespace) -> int:
    from eegdash.labels.database import create_table

    owner_url = os.environ.get(_OWNER_URL, "").strip()
    if not owner_url:
        raise WorkspaceError(
            f"Set {_OWNER_URL} to the address of the database with a user that may create tables: "
            "postgresql+psycopg://owner:password@host/database."
        )
    create_table(owner_url, arguments.grant)
    if arguments.json:
        _print_json({"granted_to": arguments.grant, "rights": ["select", "insert"]})
    else:
        print(f"The table is there. {arguments.grant} may read and add labels, nothing else.")
    return 0


def _migrate(arguments: argparse.Namespace) -> int:
    from eegdash.labels.database import DatabaseLabelStore
    from eegdash.labels.migration import to_database, to_file
    from eegdash.settings import Settings
    from eegdash.workspace import Workspace

    settings = Settings.from_environment()
    if not settings.labels_url:
        raise WorkspaceError(
            "Set EEGDASH_LABELS_URL to the address of the label database: "
            "postgresql+psycopg://user:password@host/database."
        )
    folder = Workspace(settings.workspace).create().labels
    store = DatabaseLabelStore(settings.labels_url, folder)
    try:
        if arguments.to_database:
            moved = to_database(folder, store)
        else:
            moved = to_file(store, arguments.to_folder)
    finally:
        store.close()
    if arguments.json:
        _print_json({"lines": moved.n_lines, "sha256": moved.sha256})
    else:
        print(f"{moved.n_lines} lines copied and compared (SHA-256 {moved.sha256}).")
    return 0
