"""Figures of a report about performance: confusion matrix, operating curves, digest by region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.plotting.report_style import (
    AGAINST_INK,
    FOR_INK,
    GRID,
    INK,
    QUIET,
    WIDTH_IN,
    new_figure,
    plain_axes,
    png,
)

Floats = NDArray[np.float64]
_QUADRANTS = (
    ("tn", 0, 0, "true negative", "seizure-free, not called"),
    ("fp", 0, 1, "false positive", "seizure-free, called a seizure"),
    ("fn", 1, 0, "false negative", "seizure, not called"),
    ("tp", 1, 1, "true positive", "seizure, called a seizure"),
)
_MARKED_PM = (100, 300, 500, 700, 900)


def confusion_png(counts: Mapping[str, int]) -> bytes:
    """Draw the matrix of windows with labelled quadrants.

    Parameters
    ----------
    counts : mapping
        ``tn``, ``fp``, ``fn``, ``tp``: windows.
    """
    figure = new_figure(4.6, 2.9)
    axes = figure.subplots()
    totals = (counts["tn"] + counts["fp"], counts["fn"] + counts["tp"])
    for name, row, column, title, words in _QUADRANTS:
        n, right = counts[name], row == column
        share = n / totals[row] if totals[row] else 0.0
        shade = 0.10 + 0.35 * share
        colour = (0.11, 0.37, 0.66, shade) if right else (0.76, 0.25, 0.05, shade)
        axes.add_patch(_rectangle(column, row, colour))
        axes.text(column + 0.5, row + 0.36, f"{n:,}", ha="center", va="center", fontsize=16,
                  color=INK, fontweight="bold")  # fmt: skip
        of_row = f"{100 * share:.1f} % of the row" if totals[row] else "n/a"
        for place, text in ((0.62, title), (0.76, words), (0.9, of_row)):
            axes.text(column + 0.5, row + place, text, ha="center", va="center", fontsize=7.5,
                      color=INK if place < 0.7 else QUIET)  # fmt: skip
    axes.set(xlim=(0, 2), ylim=(2, 0), xticks=[0.5, 1.5], yticks=[0.5, 1.5])
    axes.set_xticklabels(["not called", "called a seizure"])
    axes.set_yticklabels(["seizure-free", "seizure"], rotation=90, va="center")
    axes.set_xlabel("what the detector says of the window")
    axes.set_ylabel("truth of the window")
    plain_axes(axes)
    axes.tick_params(length=0)
    return png(figure)


def _rectangle(column: int, row: int, colour: tuple[float, ...]) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column + 0.02, row + 0.02), 0.96, 0.96, facecolor=colour, edgecolor=QUIET,
                     linewidth=0.6)  # fmt: skip


def operating_png(
    threshold_pm: NDArray[np.int64],
    *,
    fp_per_24h: Floats,
    sensitivity: Floats,
    specificity: Floats,
    window_sensitivity: Floats,
    used_pm: int,
) -> bytes:
    """Draw what each threshold costs and gains: by SzCORE events, and by windows.

    Parameters
    ----------
    threshold_pm : ndarray of int64, shape (n,)
        Per mille.
    fp_per_24h, sensitivity : ndarray of float64, shape (n,)
        By events; NaN where undefined.
    specificity, window_sensitivity : ndarray of float64, shape (n,)
        By windows.
    used_pm : int
        The threshold that the report is at.
    """
    figure = new_figure(WIDTH_IN, 2.9)
    left, right = figure.subplots(1, 2)
    _curve(left, fp_per_24h, sensitivity, threshold_pm, used_pm)
    left.set_xlabel("false positives per 24 h (SzCORE)")
    left.set_ylabel("sensitivity by events")
    left.set_xscale("symlog", linthresh=1)
    finite = fp_per_24h[np.isfinite(fp_per_24h)]
    left.set_xlim(0, max(1.0, float(finite.max(initial=1.0))) * 1.15)
    left.xaxis.set_major_formatter(_plain_number)
    _curve(right, 1 - specificity, window_sensitivity, threshold_pm, used_pm)
    right.set_xlabel("false positive share of windows (1 - specificity)")
    right.set_ylabel("sensitivity by windows")
    right.set_xlim(-0.02, 1.02)
    return png(figure)


def _plain_number(value: float, position: int | None = None) -> str:
    return f"{value:g}"


def _curve(axes: Any, x: Floats, y: Floats, threshold_pm: NDArray[np.int64], used_pm: int) -> None:
    axes.grid(color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.plot(x, y, color=AGAINST_INK, linewidth=1.4, drawstyle="default", marker=".", markersize=2)
    last: tuple[float, float] | None = None
    for pm in _MARKED_PM:
        k = int(np.argmin(np.abs(threshold_pm - pm)))
        here = (float(x[k]), float(y[k]))
        if not np.isfinite(here).all() or here == last:
            continue
        axes.plot(*here, marker="o", markersize=3.5, color=AGAINST_INK)
        axes.annotate(f"{pm / 1000:g}", here, fontsize=6.5, color=QUIET, xytext=(4, -8),
                      textcoords="offset points")  # fmt: skip
        last = here
    k = int(np.searchsorted(threshold_pm, used_pm))
    k = min(k, len(threshold_pm) - 1)
    if np.isfinite([x[k], y[k]]).all():
        axes.plot(x[k], y[k], marker="D", markersize=7, color=FOR_INK, markeredgecolor="white",
                  label=f"threshold used, {used_pm / 1000:.2f}", linestyle="none")  # fmt: skip
        axes.legend(fontsize=7, frameon=False, loc="lower right")
    axes.set_ylim(-0.03, 1.05)
    plain_axes(axes)


def profiles_png(
    bands: Sequence[str], regions: Sequence[str], seizure: Floats, other: Floats
) -> bytes:
    """Draw where the evidence of both classes lies, by band and region, for and against.

    Parameters
    ----------
    bands, regions : sequence of str
    seizure, other : ndarray of float64, shape (2, n_bands, n_regions)
        Mean share of the whole evidence of a window, for and against; ``other`` may be NaN.
    """
    figure = new_figure(WIDTH_IN, 1.1 + 0.34 * len(bands))
    axes = figure.subplots(1, 4, sharey=True)
    top = max(float(np.nanmax([np.nanmax(seizure), np.nanmax(np.nan_to_num(other))])), 1e-6)
    titles = ("seizure class, for", "seizure class, against", "other class, for",
              "other class, against")  # fmt: skip
    image: Any = None
    for place, (title, values) in enumerate(zip(titles, (*seizure, *other), strict=True)):
        image = axes[place].imshow(values, vmin=0, vmax=top, cmap="cividis", aspect="auto",
                                   origin="lower")  # fmt: skip
        for row, column in np.ndindex(values.shape):
            if np.isfinite(values[row, column]):
                bright = values[row, column] > 0.55 * top
                axes[place].text(column, row, f"{100 * values[row, column]:.0f}", ha="center",
                                 va="center", fontsize=6.5,
                                 color="black" if bright else "white")  # fmt: skip
        axes[place].set_title(title, fontsize=8, color=INK)
        axes[place].set_xticks(range(len(regions)), regions)
        plain_axes(axes[place])
    axes[0].set_yticks(range(len(bands)), bands)
    bar = figure.colorbar(image, ax=list(axes), fraction=0.03, pad=0.01)
    bar.set_label("share of evidence", fontsize=7)
    bar.ax.tick_params(labelsize=6.5)
    return png(figure)
