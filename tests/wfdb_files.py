"""Writes the ``.edf.seizures`` files of CHB-MIT with wfdb."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def write_marks(
    path: Path, seconds: Sequence[float], symbols: Sequence[str], fs: int | None
) -> None:
    """Write marks at 256 samples per second; ``fs`` is what the file itself states."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # wfdb uses what pandas deprecates
        import wfdb

        wfdb.wrann(
            "marks",  # wfdb reads a record name with a dot, but does not write it
            path.suffix[1:],
            np.array([round(second * 256) for second in seconds]),
            list(symbols),
            fs=fs,
            write_dir=str(path.parent),
        )
    path.with_name(f"marks{path.suffix}").replace(path)


def write_seizures(
    path: Path, spans: Sequence[tuple[float, float]], *, fs: int | None = 256
) -> None:
    """Write the spans of seizures, in seconds."""
    write_marks(path, [t for span in spans for t in span], ["[", "]"] * len(spans), fs)
