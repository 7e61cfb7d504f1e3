"""A probability trace as CSV: ``time_s,probability``, one row per window."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from eegdash.atomic import replacing
from eegdash.detection import UNSCORED, ProbabilityTrace
from eegdash.errors import AnnotationError
from eegdash.io.hashing import hash_file

COLUMNS = ("time_s", "probability")
MAX_BYTES = 64 << 20


def write_trace_csv(path: Path, trace: ProbabilityTrace) -> None:
    """Write the probability of every window; an unscored window has an empty probability.

    Parameters
    ----------
    path : Path
    trace : ProbabilityTrace
        ``time_s`` is the window's centre in seconds from the start of the file.

    Raises
    ------
    WorkspaceError
        If the file cannot be written.
    """
    lines = [",".join(COLUMNS)]
    for time_s, pm in zip(trace.time_s, trace.probability_pm, strict=True):
        probability = "" if pm == UNSCORED else f"{pm / 1000:.3f}"
        lines.append(f"{time_s:.3f},{probability}")
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")


def read_trace_csv(
    path: Path, *, duration_s: float, recording_sha256: str, model: str | None = None
) -> ProbabilityTrace:
    """Read a trace, also of another detector.

    Parameters
    ----------
    path : Path
    duration_s : float
        Length of the recording, s.
    recording_sha256 : str
        Hash of the recording that the trace belongs to.
    model : str, optional
        Name to show; the file's name by default. The hash of the file stands for the model's.

    Returns
    -------
    ProbabilityTrace
        Probabilities rounded to per mille, an empty cell unscored.

    Raises
    ------
    AnnotationError
        If the table is not one, its times are not evenly spaced inside the recording, or a
        probability is not between 0 and 1.
    """
    times, values = _rows(path)
    step_s = (times[-1] - times[0]) / (len(times) - 1)
    uneven = np.abs(np.asarray(times) - (times[0] + step_s * np.arange(len(times)))).max()
    if step_s <= 0 or uneven > max(0.05 * step_s, 0.002):
        raise AnnotationError(
            f"{path.name}: the times should rise in equal steps, but they do not. "
            "Export the trace again with one row per window."
        )
    if times[0] < 0 or times[-1] > duration_s + step_s:
        raise AnnotationError(
            f"{path.name}: the times run from {times[0]:g} to {times[-1]:g} s, the recording "
            f"lasts {duration_s:g} s. The trace may belong to another recording."
        )
    return ProbabilityTrace(
        probability_pm=np.array(values, dtype=np.uint16),
        first_centre_s=times[0],
        step_s=round(step_s, 6),
        duration_s=duration_s,
        model=model or path.stem,
        model_sha256=hash_file(path),
        recording_sha256=recording_sha256,
    )


def _rows(path: Path) -> tuple[list[float], list[int]]:
    """Times in seconds and probabilities per mille."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise AnnotationError(f"{path.name} is too large for a trace.")
        lines = path.read_text(encoding="utf-8-sig").replace("\r", "").split("\n")
        rows = [row for row in csv.reader(lines) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(
            f"{path.name} cannot be read. A CSV file with the columns {', '.join(COLUMNS)} "
            "was expected."
        ) from error
    header = [cell.strip() for cell in rows[0]] if rows else []
    if not set(COLUMNS) <= set(header) or len(rows) < 3:
        raise AnnotationError(
            f"{path.name} should have the columns {', '.join(COLUMNS)} and at least two rows."
        )
    at_time, at_probability = header.index("time_s"), header.index("probability")
    times: list[float] = []
    values: list[int] = []
    for number, row in enumerate(rows[1:], start=2):
        padded = [*row, *[""] * (len(header) - len(row))]
        times.append(_number(path, number, padded[at_time], math.inf))
        cell = padded[at_probability].strip()
        pm = UNSCORED if cell in ("", "n/a") else round(1000 * _number(path, number, cell, 1.0))
        values.append(pm)
    return times, values


def _number(path: Path, number: int, text: str, highest: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and 0 <= value <= highest):
        limit = "" if highest == math.inf else f" and at most {highest:g}"
        raise AnnotationError(
            f"{path.name}, row {number}: a number of at least 0{limit} was expected, "
            f"found '{text[:40]}'."
        )
    return value
