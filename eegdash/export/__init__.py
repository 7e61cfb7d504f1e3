"""Files that leave the product: one writer per format, found by the end of the file name.

A format is a module with ``write_<format>(path, ...)`` and one line in :data:`WRITERS`; the
contract tests run every entry.
"""

from __future__ import annotations

from collections.abc import Callable

from eegdash.export.chbmit_summary import whole_seconds, write_chbmit_summary
from eegdash.export.deidentified import write_deidentified
from eegdash.export.edf import write_edf, write_edf_stream
from eegdash.export.edf_annotations import write_edf_annotations
from eegdash.export.events_tsv import guarded, write_events_tsv
from eegdash.export.trace_csv import read_trace_csv, write_trace_csv
from eegdash.export.truth_tsv import write_truth_tsv

__all__ = [
    "WRITERS",
    "guarded",
    "read_trace_csv",
    "whole_seconds",
    "write_chbmit_summary",
    "write_deidentified",
    "write_edf",
    "write_edf_annotations",
    "write_edf_stream",
    "write_events_tsv",
    "write_trace_csv",
    "write_truth_tsv",
]

WRITERS: dict[str, Callable[..., None]] = {
    "_events.tsv": write_events_tsv,
    "_trace.csv": write_trace_csv,
    ".edf": write_edf,
    "_annotations.edf": write_edf_annotations,
    "-summary.txt": write_chbmit_summary,
}
