"""A copy of an EDF or BDF without what says who the patient is; samples are copied bit by bit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import BinaryIO

from eegdash.atomic import replacing
from eegdash.errors import RecordingError, UnsupportedFormatError
from eegdash.io.gate import Header, read_header
from eegdash.recording import alias_of

_KINDS = {".edf": "EDF", ".bdf": "BDF"}
_PATIENT_AT, _DATE_AT, _SIGNALS_AT = 8, 168, 256
_PATIENT = b"X X X X".ljust(80)
_RECORDING = b"Startdate 01-JAN-1985 X X X".ljust(80)
_DATE = b"01.01.85"  # EDF's unknown; the time of day stays, which tells sleep from waking
# bytes of a signal's header before its transducer, and after its samples per record
_LABEL, _TRANSDUCER, _BEFORE_RESERVED, _RESERVED = 16, 80, 224, 32


def write_deidentified(
    source: Path, folder: Path, sha256: str, *, keep_annotations: bool = False
) -> Path:
    """Write a copy of a recording without personal details, named by its alias.

    Patient, recording and date fields become EDF's unknown; transducer and reserved texts of the
    signals are blanked; annotations of the file, which are free text, are removed unless they are
    wanted. Label, unit, filter text, time of day and every sample stay as they were. Beside the
    copy lies ``<name>.json`` with ``derived_from``, the hash of the original, so that what was
    said about one can be found from the other.

    Parameters
    ----------
    source : Path
        An EDF or BDF file.
    folder : Path
        Where the copy goes.
    sha256 : str
        Hash of the original.
    keep_annotations : bool
        Keep the texts inside the file; they must have been read before.

    Returns
    -------
    Path
        The copy, ``rec-<8 hex>.edf`` or ``.bdf``.

    Raises
    ------
    RecordingError
        If the file is of another kind, or cannot be read.
    WorkspaceError
        If the copy cannot be written.
    """
    kind = _KINDS.get(source.suffix.lower())
    if kind is None:
        raise UnsupportedFormatError(
            f"{source.name} is neither EDF nor BDF, so its personal details cannot be removed "
            "here. Export it as EDF from the program that recorded it."
        )
    header = read_header(source, kind)
    target = folder / f"{alias_of(sha256)}{source.suffix.lower()}"
    if target.exists() and target.samefile(source):
        raise RecordingError(f"{source.name} is the copy itself. Choose another folder for --out.")
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
        with temporary.open("rb+") as file:
            _blank_header(file, header)
            if not keep_annotations:
                _blank_annotations(file, header)
    facts = {"derived_from": sha256, "annotations": "kept" if keep_annotations else "removed"}
    with replacing(target.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return target


def _blank_header(file: BinaryIO, header: Header) -> None:
    file.seek(_PATIENT_AT)
    file.write(_PATIENT + _RECORDING)
    file.seek(_DATE_AT)
    file.write(_DATE)
    n = len(header.signals)
    file.seek(_SIGNALS_AT + _LABEL * n)
    file.write(b" " * _TRANSDUCER * n)
    file.seek(_SIGNALS_AT + _BEFORE_RESERVED * n)
    file.write(b" " * _RESERVED * n)


def _blank_annotations(file: BinaryIO, header: Header) -> None:
    """Leave of every annotation signal only what keeps the time of its record."""
    places = [
        (header.byte_offset(i), header.sample_bytes * s.samples_per_record)
        for i, s in enumerate(header.signals)
        if s.is_annotations
    ]
    for record in range(header.n_records):
        for position, (offset, length) in enumerate(places):
            at = header.header_bytes + record * header.record_bytes + offset
            kept = b""
            if position == 0:
                file.seek(at)
                stamp, mark, rest = file.read(length).partition(b"\x14")
                # the first list of the first signal keeps the time: its first text is empty
                if mark and rest.startswith(b"\x14") and b"\x00" not in stamp:
                    kept = stamp + b"\x14\x14\x00"
            file.seek(at)
            file.write(kept.ljust(length, b"\x00"))
