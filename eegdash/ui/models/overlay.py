"""The traces of two detectors over one recording, drawn over each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import UNSCORED, ProbabilityTrace
from eegdash.errors import EegdashError
from eegdash.ui import cache
from eegdash.ui.text import plain
from eegdash.workflows import library
from eegdash.workflows.comparison import traces_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_COLUMNS = 1500
# read in light and dark; the dash tells them apart without colour
_STYLES = (("#c26a00", "dash"), ("#2f7ed8", "solid"))


def overlay(sha256: str, models: Sequence[CheckpointInfo], names: Sequence[str]) -> None:
    """Draw the stored traces of a recording by two models, with the seizures of its reference.

    Parameters
    ----------
    sha256 : str
        Of the recording; nothing may be withheld of it.
    models : sequence of CheckpointInfo
    names : sequence of str
        For the legend.
    """
    desk = cache.desk()
    path = library.find_recording(desk, sha256)
    traces = traces_of(desk, sha256, models)
    if path is None or any(trace is None for trace in traces):
        st.info(
            "The traces of this recording are not kept any more. Compare again on the view "
            "Compare to compute them."
        )
        return
    try:
        reference = library.open_path(desk, path).reference
    except EegdashError as error:
        st.error(plain(str(error)))
        return
    spans = [(a.onset_s, a.end_s) for a in reference.seizures] if reference else []
    known = [(trace, model, name) for trace, model, name in
             zip(traces, models, names, strict=True) if trace is not None]  # fmt: skip
    st.plotly_chart(_figure(known, spans), width="stretch", config={"displaylogo": False})
    st.caption(
        "Seizure probability over time, the highest in each column of pixels. Dotted: the "
        "threshold of each. Shaded: seizures of the reference."
    )


def _figure(
    traces: Sequence[tuple[ProbabilityTrace, CheckpointInfo, str]],
    spans: Sequence[tuple[float, float]],
) -> Figure:
    from plotly.graph_objects import Figure, Scatter

    unit_s, unit = (3600, "h") if traces[0][0].duration_s > 7200 else (60, "min")
    figure = Figure()
    for (trace, model, name), (colour, dash) in zip(traces, _STYLES, strict=True):
        time_s, value = _columns(trace)
        figure.add_trace(
            Scatter(
                x=(time_s / unit_s).tolist(), y=value, name=name, mode="lines",
                line={"color": colour, "dash": dash, "width": 1.6}, connectgaps=False,
                hovertemplate="%{x:.2f} " + unit + ": %{y:.2f}",
            )
        )  # fmt: skip
        figure.add_hline(
            y=model.threshold_pm / 1000, line={"color": colour, "dash": "dot", "width": 1}
        )
    for onset_s, end_s in spans:
        figure.add_vrect(
            x0=onset_s / unit_s, x1=end_s / unit_s, fillcolor="#888888", opacity=0.25, line_width=0
        )
    end = traces[0][0].duration_s / unit_s
    figure.update_layout(
        height=300, margin={"l": 60, "r": 12, "t": 34, "b": 44}, hovermode="x unified",
        legend={"orientation": "h", "y": 1.14, "x": 0},
        xaxis={"title": f"time from the start ({unit})", "range": [0, end]},
        yaxis={"title": "seizure probability", "range": [0, 1.02]},
    )  # fmt: skip
    return figure


def _columns(trace: ProbabilityTrace) -> tuple[Any, list[float | None]]:
    """Return the highest probability of each column; None where nothing was scored."""
    per = -(-trace.n_windows // _COLUMNS)
    padded = np.full(-(-trace.n_windows // per) * per, UNSCORED, dtype=np.int64)
    padded[: trace.n_windows] = trace.probability_pm
    padded[padded == UNSCORED] = -1
    highest = padded.reshape(-1, per).max(axis=1)
    time_s = trace.first_centre_s + trace.step_s * (per * np.arange(len(highest)) + (per - 1) / 2)
    return time_s, [None if value < 0 else float(value) / 1000 for value in highest]
