"""The layout of CHB-MIT (doi 10.13026/C2K01R): summaries, ``.seizures`` files, persons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from eegdash.annotations import Annotation
from eegdash.errors import AnnotationError
from eegdash.io.wfdb_marks import START, STOP, read_marks

SFREQ = 256.0
_CASE = re.compile(r"chb(\d{2})", re.IGNORECASE)
# case chb21 is a second admission of the girl of chb01 (README of the data set)
_SAME_PERSON = {"chb21": "chb01"}
_FILE_NAME = re.compile(r"^\s*File Name\s*:\s*(.+?)\s*$", re.IGNORECASE)
_COUNT = re.compile(r"^\s*Number of Seizures in File\s*:\s*(\d+)", re.IGNORECASE)
_TIME = re.compile(r"^\s*Seizure\s*(?:\d+\s+)?(Start|End) Time\s*:(.*)$", re.IGNORECASE)
_MAX_BYTES = 4 << 20
RECORDS = "RECORDS"
RECORDS_WITH_SEIZURES = "RECORDS-WITH-SEIZURES"
SUBJECT_INFO = "SUBJECT-INFO"


@dataclass(frozen=True, slots=True)
class Subject:
    """What ``SUBJECT-INFO`` says about a case; None where it says nothing readable."""

    sex: str | None
    age_years: float | None


def person_of(file_name: str) -> str | None:
    """Return the person of a CHB-MIT file, e.g. ``chb01`` for ``chb21_03.edf``.

    Split data by person, never by case. None if the name is not one of CHB-MIT.
    """
    match = _CASE.match(file_name)
    if match is None or file_name[match.end() : match.end() + 1].isdigit():
        return None
    case = match.group().lower()
    return _SAME_PERSON.get(case, case)


def summary_name(file_name: str) -> str | None:
    """Return the name of the summary that lists a file: ``chb17-summary.txt`` for chb17a_03."""
    match = _CASE.match(file_name)
    return f"{match.group().lower()}-summary.txt" if match else None


def read_record_list(path: Path) -> frozenset[str]:
    """Return the file names that ``RECORDS`` or ``RECORDS-WITH-SEIZURES`` lists.

    Raises
    ------
    AnnotationError
        If the file cannot be read.
    """
    return frozenset(line.strip().rpartition("/")[2] for line in _lines(path) if line.strip())


def read_subject_info(path: Path) -> dict[str, Subject]:
    """Return sex and age by case, ``chb01`` ...; chb24 is not listed in the original.

    Raises
    ------
    AnnotationError
        If the file cannot be read.
    """
    found: dict[str, Subject] = {}
    for line in _lines(path):
        cells = [cell.strip() for cell in line.split("\t")]
        if not _CASE.fullmatch(cells[0]):
            continue
        sex = cells[1].upper() if len(cells) > 1 and cells[1].upper() in ("F", "M") else None
        age = cells[2] if len(cells) > 2 else ""
        readable = re.fullmatch(r"\d+(\.\d+)?", age) is not None
        found[cells[0].lower()] = Subject(sex, float(age) if readable else None)
    return found


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise AnnotationError(
            f"{path.name} cannot be read ({error.strerror or type(error).__name__})."
        ) from error


def read_summary(path: Path) -> dict[str, list[Annotation]]:
    """Read the seizures of every file that a ``chbXX-summary.txt`` lists.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to list of Annotation
        By file name (``chb02_16+.edf`` has a plus sign); an empty list where the summary says
        that there was no seizure. Seconds from the start of each file.

    Raises
    ------
    AnnotationError
        If the seizures of a file do not match the number stated, or a time is not readable.
    """
    times: dict[str, list[tuple[str, int]]] = {}
    stated: dict[str, int] = {}
    current = ""
    for line in _lines(path):
        if named := _FILE_NAME.match(line):
            current = named.group(1)
            times[current] = []
        elif count := _COUNT.match(line):
            stated[current] = int(count.group(1))
        elif time := _TIME.match(line):
            times.setdefault(current, []).append((time.group(1).lower(), _last_integer(path, line)))
    if not times:
        raise AnnotationError(
            f"{path.name} lists no recording. A summary of CHB-MIT with 'File Name:' was expected."
        )
    return {name: _pair(path, name, times[name], stated.get(name, 0)) for name in times}


def _last_integer(path: Path, line: str) -> int:
    # the keys carry a number themselves in some files (Seizure 2 Start Time: 6235 seconds)
    numbers = re.findall(r"\d+", line.partition(":")[2])
    if not numbers:
        raise AnnotationError(f"{path.name}: no time in the line '{line.strip()[:80]}'.")
    return int(numbers[-1])


def _pair(path: Path, name: str, times: list[tuple[str, int]], stated: int) -> list[Annotation]:
    starts = [second for kind, second in times if kind == "start"]
    ends = [second for kind, second in times if kind == "end"]
    if len(starts) != len(ends) or len(starts) != stated:
        raise AnnotationError(
            f"{path.name}: {stated} seizures stated for {name}, found {len(starts)} starts and "
            f"{len(ends)} ends. Get the file again from the data set."
        )
    found = [
        Annotation(float(start), float(end - start), "sz")
        for start, end in zip(starts, ends, strict=True)
    ]
    if any(annotation.duration_s <= 0 for annotation in found):
        raise AnnotationError(f"{path.name}: a seizure of {name} ends before it starts.")
    return sorted(found, key=lambda annotation: annotation.onset_s)


def read_seizures(path: Path, *, sfreq: float = SFREQ) -> list[Annotation]:
    """Read a ``.edf.seizures`` file (WFDB annotations: ``[`` starts, ``]`` ends a seizure).

    Parameters
    ----------
    path : Path
    sfreq : float
        Samples per second of the recording, where the file does not state it.

    Returns
    -------
    list of Annotation
        Seconds from the start of the file.

    Raises
    ------
    AnnotationError
        If the file cannot be read or its marks do not pair up.
    """
    if not path.is_file():
        raise AnnotationError(f"{path.name} was not found.")
    if path.stat().st_size > _MAX_BYTES:
        raise AnnotationError(
            f"{path.name} is larger than {_MAX_BYTES >> 20} MB, too large for marks of seizures. "
            "Get it again from the data set."
        )
    try:
        marks, stated = read_marks(path.read_bytes())
    except (ValueError, OSError) as error:
        raise AnnotationError(
            f"{path.name} cannot be read as WFDB annotations. Get it again from the data set."
        ) from error
    rate = stated or sfreq
    found: list[Annotation] = []
    start: float | None = None
    for sample, code in marks:
        second = sample / rate
        if code == START and start is None:
            start = second
        elif code == STOP and start is not None and second >= start:
            found.append(Annotation(start, second - start, "sz"))
            start = None
        elif code in (START, STOP):
            raise AnnotationError(f"{path.name}: the marks of start and end do not alternate.")
    if start is not None:
        raise AnnotationError(f"{path.name}: the last seizure has no end.")
    return found
