"""Whether the header of an EDF or BDF says who the patient is: which fields, never what they say.

EDF+ keeps ``code sex birthdate name`` in the patient field and ``Startdate date admission
technician equipment`` in the recording field, with ``X`` for what is not known or was removed
(EDF+ 2.1.3.3, doi 10.1016/S1388-2457(03)00123-8). Plain EDF has free text there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

PATIENT, RECORDING = slice(8, 88), slice(88, 168)
# what programs write where nothing is known or a name was removed
_NOTHING = frozenset(
    {"", "x", "-", "_", "na", "n/a", "none", "null", "unknown", "anon", "anonymous", "anonymized"}
    | {"anonymised", "deidentified", "de-identified", "removed"}
)
_WORD = re.compile(r"[^\W\d_]{3,}")


def personal_fields(fixed: bytes, *, is_plus: bool, stem: str = "") -> tuple[str, ...]:
    """Say what about a person the header holds.

    Parameters
    ----------
    fixed : bytes
        The first 256 bytes of the file.
    is_plus : bool
        Whether it is EDF+ or BDF+.
    stem : str
        Name of the file without its suffix: it may repeat the patient's name.

    Returns
    -------
    tuple of str
        In words, e.g. ``("the patient's name", "a birth date")``; empty where there is nothing.
    """
    patient, recording = (_text(fixed[part]) for part in (PATIENT, RECORDING))
    found: list[str] = []
    parts = patient.split(" ")
    if is_plus and len(parts) >= 4:
        code, _, birth, name = parts[:4]
        known = {"a patient code": code, "a birth date": birth, "the patient's name": name}
        found += [what for what, text in known.items() if _says(text)]
        found += ["further text on the patient"] if any(map(_says, parts[4:])) else []
        named = name
    else:
        found += ["text in the field for the patient"] if any(map(_says, parts)) else []
        named = patient
    found += _of_recording(recording)
    words = {word.lower() for word in _WORD.findall(named.replace("_", " "))} - _NOTHING
    if words & {word.lower() for word in _WORD.findall(stem.replace("_", " "))}:
        found.append("a word of it also in the file's name")
    return tuple(found)


def _of_recording(text: str) -> list[str]:
    parts = text.split(" ")
    if parts[0] == "Startdate":
        admission, technician = (*parts[2:4], "", "")[:2]
        known = {"an admission code": admission, "a technician's name": technician}
        return [what for what, part in known.items() if _says(part)]
    return ["text in the field for the recording"] if any(map(_says, parts)) else []


def sentence(found: Sequence[str], *, is_edf: bool = True) -> str:
    """Return the warning for the reader; empty where nothing was found."""
    if not found:
        return ""
    remedy = (
        "make a copy without it: python -m eegdash deidentify FILE"
        if is_edf
        else "remove it with the program that made the file"
    )
    return (
        f"The header of the file holds {', '.join(found)}. Reports, exports and logs leave it out; "
        f"before the file itself is passed on, {remedy}."
    )


def _says(part: str) -> bool:
    return part.strip(" .,;:").lower() not in _NOTHING and bool(part.strip("xX .,;:_-"))


def _text(raw: bytes) -> str:
    return " ".join(raw.decode("latin-1").replace("\x00", " ").split())
