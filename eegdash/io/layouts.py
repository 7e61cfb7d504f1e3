"""How data sets are arranged in folders: one function per layout, tried in order.

A layout is a function ``(folder) -> Dataset | None`` and one line in :data:`LAYOUTS`; it returns
None for a folder that is arranged otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from eegdash.annotations import BACKGROUND, Annotation, Reference
from eegdash.errors import AnnotationError, DatasetError
from eegdash.io import READERS, open_recording, read_reference
from eegdash.io.chbmit import (
    RECORDS,
    RECORDS_WITH_SEIZURES,
    SUBJECT_INFO,
    Subject,
    person_of,
    read_record_list,
    read_subject_info,
)
from eegdash.io.dataset import Dataset, DatasetItem
from eegdash.io.window_arrays import read_window_array
from eegdash.recording import Recording

CHBMIT = "CHB-MIT"
IIIC = "IIIC"
# groups are written into exports: never the name of a folder, which may be that of a patient
BIDS = "BIDS"
PLAIN = "recordings"
_CASE_FOLDER = re.compile(r"chb\d{2}")
_RECORD_NAME = re.compile(r"chb\d{2}[a-z]?_\d{2,3}\+?\.edf")
_SUBJECT = re.compile(r"sub-([A-Za-z0-9]+)")
_NO_PERSON = (
    "The data set does not say who was recorded in {n} of {total} recordings; each counts as one "
    "person, and none of them can take part in a split by person."
)


def read_dataset(folder: Path) -> Dataset:
    """Find the recordings of a folder, or take a single file, with persons and truth.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If there is nothing to be read.
    """
    if folder.is_file():
        items: tuple[DatasetItem, ...] = (_plain_item(folder),)
        return Dataset("single recording", items, notes=_person_notes(items))
    if not folder.is_dir():
        raise DatasetError(f"{folder.name} was not found. Name a folder of recordings or a file.")
    for layout in LAYOUTS:
        found = layout(folder)
        if found is not None and found.items:
            return found
    raise DatasetError(
        f"{folder.name} holds no recording. Expected a folder of CHB-MIT (chbNN/chbNN_MM.edf), of "
        f"BIDS (sub-XX/eeg/*_eeg.edf), or files of the kinds {', '.join(READERS)}."
    )


def _open_beside(path: Path) -> tuple[Recording, Reference | None]:
    recording = open_recording(path)
    return recording, read_reference(path, recording)


# ---- CHB-MIT -------------------------------------------------------------------------------


def chbmit_layout(folder: Path) -> Dataset | None:
    """CHB-MIT as downloaded from PhysioNet: the whole data set, or the folder of one case."""
    if _CASE_FOLDER.fullmatch(folder.name) and _edf_files(folder):
        cases, root = [folder], folder.parent
    else:
        cases = [p for p in sorted(folder.glob("chb*")) if _CASE_FOLDER.fullmatch(p.name)]
        root = folder
    paths = [path for case in cases if case.is_dir() for path in _edf_files(case)]
    if not paths:
        return None
    items = tuple(DatasetItem(p, person_of(p.name) or "", CHBMIT, open_chbmit) for p in paths)
    subjects: Mapping[str, Subject] = {}
    if (root / SUBJECT_INFO).is_file():
        subjects = read_subject_info(root / SUBJECT_INFO)
    return Dataset("CHB-MIT", items, subjects, (*_missing_notes(root, cases, paths),))


def open_chbmit(path: Path) -> tuple[Recording, Reference | None]:
    """Open a record of CHB-MIT; one in no summary is free of seizures if the list says so.

    The summaries cover 676 of the 686 records. A record without summary and marks that
    ``RECORDS-WITH-SEIZURES`` does not name has no seizure; where that list is missing too, the
    truth is not known.
    """
    recording, reference = _open_beside(path)
    listed = [
        parent / RECORDS_WITH_SEIZURES
        for parent in (path.parent.parent, path.parent)
        if (parent / RECORDS_WITH_SEIZURES).is_file()
    ]
    if reference is not None or not listed or not _RECORD_NAME.fullmatch(path.name):
        return recording, reference  # a cut of a record has another name: the list says nothing
    if path.name in read_record_list(listed[0]):
        return recording, None
    whole = Annotation(0.0, recording.duration_s, BACKGROUND)
    return recording, Reference(
        (whole,), ((0.0, recording.duration_s),), f"CHB-MIT {RECORDS_WITH_SEIZURES}"
    )


def _edf_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("chb*.edf") if p.is_file() and person_of(p.name))


def _missing_notes(root: Path, cases: Iterable[Path], paths: Iterable[Path]) -> Iterable[str]:
    if not (root / RECORDS).is_file():
        return
    prefixes = tuple(case.name for case in cases)
    expected = {n for n in read_record_list(root / RECORDS) if n.startswith(prefixes)}
    missing = expected - {path.name for path in paths}
    if missing:
        yield (
            f"{len(missing)} of {len(expected)} recordings that {RECORDS} lists are not in the "
            "folder."
        )


# ---- BIDS ----------------------------------------------------------------------------------


def bids_layout(folder: Path) -> Dataset | None:
    """BIDS as SzCORE uses it: ``sub-XX/[ses-XX/]eeg/*_eeg.<suffix>``, ``*_events.tsv`` beside it.

    In a conversion of CHB-MIT the subjects keep their case numbers, so sub-21 is sub-01.
    """
    paths = sorted(
        path
        for pattern in ("sub-*/eeg/*_eeg.*", "sub-*/ses-*/eeg/*_eeg.*")
        for path in folder.glob(pattern)
        if path.suffix.lower() in READERS and path.is_file()
    )
    if not paths:
        return None
    name = _bids_name(folder)
    is_chbmit = re.search(r"chb.?mit", name, re.IGNORECASE) is not None
    group = CHBMIT if is_chbmit else name
    items = []
    for path in paths:
        label = path.relative_to(folder).parts[0]
        person = person_of(f"chb{label.removeprefix('sub-')}.") if is_chbmit else None
        items.append(DatasetItem(path, person or label, group, _open_beside))
    return Dataset("BIDS", tuple(items))


def _bids_name(folder: Path) -> str:
    description = folder / "dataset_description.json"
    if not description.is_file():
        return BIDS
    try:
        name = json.loads(description.read_text(encoding="utf-8-sig")).get("Name")
    except (OSError, ValueError, AttributeError) as error:
        raise AnnotationError(
            f"{description.name} cannot be read as JSON. Correct it, or take it out of the folder."
        ) from error
    return str(name) if name else BIDS


# ---- labelled clips, windows and background ------------------------------------------------


def clips_layout(folder: Path) -> Dataset | None:
    """Short clips with ``votes.tsv`` and ``coverage.tsv``; the truth holds where coverage says.

    CHB-MIT clips name their case. Who was recorded in the others is not stated.
    """
    if not all((folder / name).is_file() for name in ("votes.tsv", "coverage.tsv")):
        return None
    items = []
    for path in _recordings(folder):
        person = person_of(path.name)
        group = CHBMIT if path.name.startswith("chb") else IIIC
        items.append(DatasetItem(path, person or "", group, _open_beside))
    return Dataset("labelled clips", tuple(items), notes=_person_notes(items))


def windows_layout(folder: Path) -> Dataset | None:
    """Windows of CHB-MIT as ``.npz`` with ``windows.tsv``, each inside or outside a seizure."""
    if not (folder / "windows.tsv").is_file():
        return None
    paths = sorted(folder.glob("chb*.npz"))
    items = tuple(DatasetItem(p, person_of(p.name) or "", CHBMIT, read_window_array) for p in paths)
    return Dataset("labelled windows", items, notes=_person_notes(items))


def background_layout(folder: Path) -> Dataset | None:
    """Seizure-free recordings with ``recordings.tsv`` (columns ``file``, ``dataset``, ``subject``).

    A subject is stated if the name is a number or code of the data set, such as Subject07.
    """
    table = folder / "recordings.tsv"
    if not table.is_file():
        return None
    rows = {row.get("file", ""): row for row in _rows(table)}
    items = []
    for path in _recordings(folder):
        row = rows.get(path.relative_to(folder).as_posix(), {})
        source, subject = row.get("dataset", ""), row.get("subject", "")
        person = f"{source} {subject}" if re.search(r"\d", subject) else ""
        items.append(DatasetItem(path, person, "background", _open_beside))
    return Dataset("seizure-free background", tuple(items), notes=_person_notes(items))


def collection_layout(folder: Path) -> Dataset | None:
    """A folder that holds labelled clips, windows and background in folders of their own."""
    parts = [
        found
        for child in sorted(p for p in folder.iterdir() if p.is_dir())
        for layout in (clips_layout, windows_layout, background_layout)
        if (found := layout(child)) is not None
    ]
    if not parts:
        return None
    items = tuple(item for part in parts for item in part.items)
    layout = ", ".join(part.layout for part in parts)
    return Dataset(layout, items, notes=_person_notes(items))


# ---- anything else -------------------------------------------------------------------------


def plain_layout(folder: Path) -> Dataset | None:
    """Any folder of recordings; persons only where the file names follow CHB-MIT or BIDS."""
    items = tuple(_plain_item(path) for path in _recordings(folder))
    return Dataset("folder", items, notes=_person_notes(items)) if items else None


def _plain_item(path: Path) -> DatasetItem:
    if person := person_of(path.name):
        return DatasetItem(path, person, CHBMIT, open_chbmit)
    subject = _SUBJECT.match(path.name)
    return DatasetItem(path, subject.group() if subject else "", PLAIN, _open_beside)


def _recordings(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in READERS and path.is_file() and not path.name.startswith(".")
    )


def _person_notes(items: Iterable[DatasetItem]) -> tuple[str, ...]:
    every = list(items)
    n = sum(not item.person for item in every)
    return (_NO_PERSON.format(n=n, total=len(every)),) if n else ()


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        lines = table.read_text(encoding="utf-8-sig").replace("\r", "").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{table.name} cannot be read as UTF-8 text.") from error
    header = lines[0].split("\t")
    return [dict(zip(header, line.split("\t"), strict=False)) for line in lines[1:] if line]


LAYOUTS: tuple[Callable[[Path], Dataset | None], ...] = (
    chbmit_layout,
    bids_layout,
    clips_layout,
    windows_layout,
    background_layout,
    collection_layout,
    plain_layout,
)
