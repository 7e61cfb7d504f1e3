"""Marks of a WFDB annotation file in the MIT format, as CHB-MIT's ``.seizures`` are.

Read here and not by the package wfdb, which never comes back from some damaged files. The format is
16-bit little-endian words, six bits of a code and ten of a number (WFDB Applications Guide,
annot(5), https://physionet.org/physiotools/wag/annot-5.htm).
"""

from __future__ import annotations

import re

START, STOP = 32, 33
"""Codes of ``[`` and ``]``: something begins, and ends."""
_SKIP, _NUM, _SUB, _CHN, _AUX = 59, 60, 61, 62, 63
_RATE = re.compile(rb"## time resolution: (\d{1,6}(?:\.\d{1,6})?)")


def read_marks(content: bytes) -> tuple[list[tuple[int, int]], float | None]:
    """Return the marks of a file and the rate that it states.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    marks : list of (int, int)
        Sample and code, in the order of the file.
    sfreq : float or None
        Samples per second, where a note of the file says it.

    Raises
    ------
    ValueError
        If the file ends in the middle of a mark, or without the two zero bytes of its end.
    """
    marks: list[tuple[int, int]] = []
    sfreq: float | None = None
    sample = at = 0
    while at + 2 <= len(content):
        word = int.from_bytes(content[at : at + 2], "little")
        code, number = word >> 10, word & 0x3FF
        at += 2
        if word == 0:
            return marks, sfreq
        if code == _SKIP:
            if at + 4 > len(content):
                break
            # the upper half comes first, as on the PDP-11
            high, low = (int.from_bytes(content[i : i + 2], "little") for i in (at, at + 2))
            step = high << 16 | low
            sample += step - (1 << 32 if step >> 31 else 0)
            at += 4
        elif code == _AUX:
            stated = _RATE.match(content[at : at + number])
            sfreq = float(stated[1]) if stated and float(stated[1]) > 0 else sfreq
            at += number + number % 2
        elif code not in (_NUM, _SUB, _CHN):
            sample += number
            marks.append((sample, code))
    raise ValueError("the file has no end")
