"""How figures on paper look: sizes, inks, colour maps; and how one becomes a PNG.

Figures are made with matplotlib's objects, never with pyplot, whose state is shared by the
whole process.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

DPI = 130
WIDTH_IN = 7.2
INK, QUIET, GRID = "#1b2530", "#5b6875", "#d5dbe1"
LEFT_INK, RIGHT_INK, MIDLINE_INK = "#14507f", "#9a3a12", "#3d4650"
FOR_INK, AGAINST_INK = "#c2410c", "#1d5fa8"
POWER_MAP = "viridis"
_AGAINST_TO_FOR = ("#123f78", "#1d5fa8", "#8fb8dd", "#f6f6f4", "#f3b489", "#c2410c", "#7c2708")


def new_figure(width_in: float, height_in: float, *, arranged: bool = True) -> Figure:
    """Return an empty figure; sizes in inches.

    Without ``arranged`` whoever draws sets the margins: matplotlib's own arranging takes as long
    as drawing does, which counts where there are eighteen figures.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(width_in, height_in), dpi=DPI, layout="constrained" if arranged else None
    )
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """Return a figure as PNG, which does not say when or by what it was made."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def signed_map() -> Colormap:
    """Return the colours of signed evidence: blue against, pale at zero, orange-red for."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("evidence", _AGAINST_TO_FOR)


def plain_axes(axes: Any) -> None:
    """Take away what is not read: upper and right border, large letters."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(QUIET)
    axes.tick_params(labelsize=7, colors=INK, length=2.5, width=0.6)
    axes.xaxis.label.set_size(8)
    axes.yaxis.label.set_size(8)


def colour_bar(figure: Figure, image: Any, place: tuple[float, float, float, float]) -> Any:
    """Put a colour bar at left, bottom, width, height, as shares of the figure."""
    bar = figure.colorbar(image, cax=figure.add_axes(place))
    bar.ax.tick_params(labelsize=6.5, length=2)
    bar.outline.set_linewidth(0.5)
    return bar
