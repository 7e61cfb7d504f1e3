"""Time-stamped annotation lists (TAL) of EDF+ and BDF+.

A TAL is ``onset [0x15 duration] 0x14 text 0x14 ... 0x00`` in UTF-8; the first one of a data
record has an empty first text and keeps the time of the record (EDF+ specification, 2.2.2 to
2.2.4, https://www.edfplus.info/specs/edfplus.html).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

# at most 15 digits: a double holds them exactly and a longer number is no time of a recording
_ONSET = re.compile(rb"[+-]\d{1,15}(?:\.\d*)?")
_DURATION = re.compile(rb"\d{1,15}(?:\.\d*)?")
_TIME_ALONE = re.compile(rb"([+-]\d{1,15}(?:\.\d*)?)\x14\x14")
MAX_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Tal:
    """One list: the texts that share an onset and a duration.

    Parameters
    ----------
    onset_s : float
        Seconds from the start date and time of the header.
    duration_s : float
        0 where not stated.
    texts : tuple of str
        Not empty texts; what is not UTF-8 is replaced.
    keeps_time : bool
        Whether the first text is empty, as in the list that keeps the time of a record.
    valid_utf8 : bool
    """

    onset_s: float
    duration_s: float
    texts: tuple[str, ...]
    keeps_time: bool
    valid_utf8: bool


def parse_tals(data: bytes, *, most_texts: int = 50_000) -> tuple[list[Tal], int]:
    """Read the lists of one annotation signal in one data record.

    Parameters
    ----------
    data : bytes
    most_texts : int
        Where to stop: a planted file may hold millions.

    Returns
    -------
    tals : list of Tal
    n_unreadable : int
        Lists left out because their onset or duration is not a number of the specification.
    """
    tals: list[Tal] = []
    n_unreadable = 0
    for piece in data.split(b"\x00"):
        if not piece:
            continue
        tal = _parse(piece, most_texts)
        if tal is None:
            n_unreadable += 1
            continue
        tals.append(tal)
        most_texts -= len(tal.texts)
        if most_texts <= 0:
            break
    return tals, n_unreadable


def time_alone(content: bytes) -> float | None:
    """Return the onset of a record whose one list only keeps its time, s; else None.

    Parameters
    ----------
    content : bytes
        Of the annotation signal in one data record, without the zeros at its end.
    """
    found = _TIME_ALONE.fullmatch(content)
    return float(found[1]) if found else None


def _parse(piece: bytes, most_texts: int) -> Tal | None:
    stamp, *rest = piece.split(b"\x14", most_texts + 2)
    onset, _, duration = stamp.partition(b"\x15")
    if not rest or not _ONSET.fullmatch(onset):
        return None
    if duration and not _DURATION.fullmatch(duration):
        return None
    # a list ends in 0x14, so that the last part is empty; keep it where a writer forgot
    texts = rest[:-1] if len(rest) > 1 and not rest[-1] else rest
    decoded = [text.decode("utf-8", errors="replace")[:MAX_TEXT] for text in texts]
    length_s = float(duration) if duration else 0.0
    return Tal(
        onset_s=float(onset),
        duration_s=length_s if math.isfinite(length_s) else 0.0,
        texts=tuple(text for text in decoded if text),
        keeps_time=not decoded[0],
        valid_utf8=not any("\ufffd" in text for text in decoded),
    )
