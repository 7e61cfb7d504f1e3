"""What a figure is, what it gives, and the statistics and table of all."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.bench import Bench


class BenchmarkError(Exception):
    """A figure could not be measured; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured value beside its budget.

    Parameters
    ----------
    what : str
    median : float
    unit : str
    n : int
        How many measurements the median is of.
    p95 : float, optional
    budget : str
        The budget in words; empty where the value only explains another.
    within : bool or None
        Whether it holds; None where there is no budget, or not for this length.
    peer : str
        The ratio to a peer of the same run, in words.
    """

    what: str
    median: float
    unit: str
    n: int = 1
    p95: float | None = None
    budget: str = ""
    within: bool | None = None
    peer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measurement that can be chosen by name.

    Parameters
    ----------
    name, title : str
    budget : str
        What is asked, in words.
    measure : callable
        Takes the bench, gives rows.
    day_only : bool
        Whether there is nothing to measure without the 24 h recording.
    """

    name: str
    title: str
    budget: str
    measure: Callable[[Bench], Iterable[Row]]
    day_only: bool = False


def percentile_95(values: Sequence[float]) -> float:
    """Return the 95th percentile, interpolated between neighbours."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=20, method="inclusive")[18]


def at_most(value: float, limit: float) -> bool:
    """Return whether a value keeps its upper limit, as shown: to three digits."""
    return float(f"{value:.3g}") <= limit


def number(value: float | None) -> str:
    """Return a value with about three digits."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


_HEAD = ("what", "median", "p95", "n", "budget", "verdict", "peer, same run")
_WIDTHS = (46, 11, 9, 5, 34, 8, 34)


def table(rows: Iterable[Row]) -> str:
    """Return the rows as one table for the terminal."""
    lines = [*_lines(_HEAD), "  ".join("-" * width for width in _WIDTHS)]
    for row in rows:
        lines += _lines(_cells(row))
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.what,
        f"{number(row.median)} {row.unit}",
        number(row.p95),
        str(row.n),
        row.budget,
        "" if row.within is None else "within" if row.within else "OVER",
        row.peer,
    )


def _lines(cells: Sequence[str]) -> list[str]:
    """One row of the table, over as many lines as its longest text needs."""
    columns = [textwrap.wrap(cell, w) or [""] for cell, w in zip(cells, _WIDTHS, strict=True)]
    height = max(len(column) for column in columns)
    return [
        "  ".join(
            (column[i] if i < len(column) else "").ljust(width)
            for column, width in zip(columns, _WIDTHS, strict=True)
        ).rstrip()
        for i in range(height)
    ]
