"""Files that leave the product: one writer per format, found by the end of the file name.

A format is a module with ``write_<format>(path, ...)`` and one line in :data:`WRITERS`; the
contract tests run every entry.
"""

from __future__ import annotations

from collections.abc import Callable

from eegdash.export.edf import write_edf
from eegdash.export.events_tsv import guarded, write_events_tsv
from eegdash.export.trace_csv import read_trace_csv, write_trace_csv

__all__ = [
    "WRITERS",
    "guarded",
    "read_trace_csv",
    "write_edf",
    "write_events_tsv",
    "write_trace_csv",
]

WRITERS: dict[str, Callable[..., None]] = {
    "_events.tsv": write_events_tsv,
    "_trace.csv": write_trace_csv,
    ".edf": write_edf,
}
