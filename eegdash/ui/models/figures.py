"""Figures before and after, and what became better or worse, in words and marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from eegdash.ui.text import plain

# key, words, decimals, whether more is better
_ROWS: tuple[tuple[str, str, int, bool], ...] = (
    ("event_f1", "Event F1: found and false in one number, 0 to 1", 2, True),
    ("event_sensitivity", "Seizures found, share (sensitivity)", 2, True),
    ("event_precision", "Detections that are seizures, share (precision)", 2, True),
    ("fp_per_24h", "False detections per 24 h", 1, False),
    ("window_auroc", "Windows: ranked rightly (AUROC, 0.5 is chance)", 3, True),
    ("window_sensitivity", "Windows: seizure called seizure, share", 2, True),
    ("window_specificity", "Windows: the others called free, share", 3, True),
    ("window_f1", "Windows: F1", 2, True),
)
_MARKS = {"better": "▲ better", "worse": "▼ worse", "same": "= as before"}
HOW_TO_READ = (
    "Each detector at its own operating point. An event counts as found by any overlap, from 30 s "
    "before to 60 s after (SzCORE); a window is one step of the detector. In brackets the "
    "95 % interval from resampled persons; a change whose interval holds 0 may be chance."
)


def table(comparison: Mapping[str, Any], before: str, after: str) -> None:
    """Draw the figures of two detectors side by side.

    Parameters
    ----------
    comparison : mapping
        Of :func:`eegdash.workflows.comparison.compare_pairs`.
    before, after : str
        Heads of the columns; plain text.
    """
    lines = [f"| | {plain(before)} | {plain(after)} | change |", "|:---|:---|:---|:---|"]
    for key, words, decimals, more_is_better in _ROWS:
        values = comparison["figures"].get(key)
        if values is None:
            continue
        cells = [_cell(values[side], decimals) for side in ("before", "after")]
        lines.append(
            f"| {words} | {' | '.join(cells)} | {change(values, decimals, more_is_better)} |"
        )
    st.markdown("\n".join(lines))


def _cell(figure: Sequence[float | None], decimals: int) -> str:
    value, low, high = figure
    if value is None:
        return "n/a"
    if low is None or high is None:
        return f"**{value:.{decimals}f}**"
    return f"**{value:.{decimals}f}** ({low:.{decimals}f} to {high:.{decimals}f})"


def change(values: Mapping[str, Any], decimals: int, more_is_better: bool) -> str:
    """Return the difference with its interval, a mark, and whether it may be chance."""
    value, low, high = values["difference"]
    if value is None:
        return "n/a"
    if abs(value) < 0.5 * 10**-decimals:
        return "= none"
    mark = _MARKS["better" if (value > 0) is more_is_better else "worse"]
    if low is None or high is None:
        return f"{mark} {_signed(value, decimals)}"
    chance = ", may be chance" if low <= 0 <= high else ""
    ends = f"{_signed(low, decimals)} to {_signed(high, decimals)}"
    return f"{mark} {_signed(value, decimals)} ({ends}){chance}"


def _signed(value: float, decimals: int) -> str:
    text = f"{value:+.{decimals}f}"
    zero = not text.strip("+-0.")
    return text[1:] if zero else text.replace("-", "−")


def change_words(entry: Mapping[str, Any]) -> str:
    """Return what changed in one recording: missed seizures and false detections."""
    before, after = entry["before"], entry["after"]
    missed = [round(c["n_ref"] - c["tp"]) for c in (before, after)]
    false = [round(c["fp"]) for c in (before, after)]
    return (
        f"{_MARKS[entry['change']]} · missed {missed[0]} → {missed[1]} of "
        f"{round(before['n_ref'])} · false {false[0]} → {false[1]}"
    )


def size_words(comparison: Mapping[str, Any], after: str = "After") -> str:
    """Return on how much the figures stand, and in how many recordings events differ."""
    n, people = comparison["n_recordings"], comparison["n_persons"]
    changes = [entry["change"] for entry in comparison["recordings"]]
    return (
        f"{n} recording{'' if n == 1 else 's'} of {people} person{'' if people == 1 else 's'}, "
        f"{comparison['hours']:.1f} h. {after}, recordings with fewer wrong events: "
        f"{changes.count('better')}, with more: {changes.count('worse')}, with as many: "
        f"{changes.count('same')}."
    )
