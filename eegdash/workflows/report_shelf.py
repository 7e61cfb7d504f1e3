"""The reports of a workspace: asked for as a background job, listed, and taken along."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eegdash.errors import ReportError
from eegdash.workflows import reading
from eegdash.workflows.desk import Desk
from eegdash.workflows.report_subject import PERSON, Subject, of_person, of_recording

NAME = re.compile(r"report-[A-Za-z0-9_-]{1,120}")
_MOST_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report of the workspace.

    Parameters
    ----------
    name : str
        Of its folder.
    kind, subject : str
        ``recording`` or ``person``, and its alias or name.
    created_utc : str
    model, model_sha256 : str
        Title and hash of the detector.
    source : str
        Who worded the summary.
    recordings : tuple of str
        Hashes of all its recordings, and of those that stand behind what it says of the inside of
        the detector.
    """

    name: str
    kind: str
    subject: str
    created_utc: str
    model: str
    model_sha256: str
    source: str
    recordings: tuple[str, ...]


def answer(
    desk: Desk, arguments: Mapping[str, Any], progress: Callable[[float, str], None]
) -> dict[str, Any]:
    """Write a report as a background job: ``paths``, ``kind``, ``person`` and ``model``."""
    from eegdash.workflows.report import write_report  # jobs of other kinds need no matplotlib

    paths = [Path(path) for path in arguments["paths"]]
    subject: Subject = (
        of_person(desk, paths, str(arguments["person"]))
        if arguments["kind"] == PERSON
        else of_recording(desk, paths[0])
    )
    written = write_report(desk, subject, str(arguments["model"]), progress=progress)
    return {"name": written.folder.name}


def kept_reports(desk: Desk, *, reviewer: str = "", blinded: bool = False) -> list[KeptReport]:
    """Return the reports that a reader may see, the newest first.

    A report on any recording that the reader still has to read blinded is left out.
    """
    found = []
    for folder in desk.workspace.reports.glob("report-*"):
        report = _kept(folder) if NAME.fullmatch(folder.name) else None
        if report is not None and not any(
            reading.is_blind(desk, sha256, reviewer, wanted=blinded) for sha256 in report.recordings
        ):
            found.append(report)
    return sorted(found, key=lambda report: (report.created_utc, report.name), reverse=True)


def _kept(folder: Path) -> KeptReport | None:
    """Read what a report says of itself; None where it is no report."""
    try:
        path = folder / "report.json"
        if path.stat().st_size > _MOST_BYTES:
            return None
        facts = json.loads(path.read_text(encoding="utf-8"))
        rows = facts["recordings"]
        inside = facts.get("inside") or {"recordings": []}  # reports of before had none
        return KeptReport(
            name=folder.name,
            kind=str(facts["kind"]),
            subject=str(facts["subject"]["name"]),
            created_utc=str(facts["created_utc"]),
            model=str(facts["detector"]["title"]),
            model_sha256=str(facts["detector"]["sha256"]),
            source=str(facts["summary"]["source"]),
            recordings=tuple(
                dict.fromkeys(
                    [
                        *(str(row["sha256"]) for row in rows if row["sha256"]),
                        *map(str, inside["recordings"]),
                    ]
                )
            ),
        )
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def report_file(desk: Desk, name: str, file: str) -> bytes:
    """Return a file of a report.

    Raises
    ------
    ReportError
        If there is none of that name.
    """
    try:
        if NAME.fullmatch(name) and re.fullmatch(r"[A-Za-z0-9-]+\.[a-z]{2,4}", file):
            return (desk.workspace.reports / name / file).read_bytes()
    except OSError:
        pass
    raise ReportError("This report, or this part of it, is not there any more. Write it again.")


def has_file(desk: Desk, name: str, file: str) -> bool:
    """Return whether a report holds a file."""
    return (desk.workspace.reports / name / file).is_file()
