"""Charts of the labels page: opinions on one time axis, and agreement with its intervals."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eegdash.labels import Label
from eegdash.labels.agreement import Interval
from eegdash.labels.opinions import NO_SEIZURE, SEIZURE, UNSURE, stance
from eegdash.ui.labels.words import event_type, verdict
from eegdash.ui.text import elapsed
from eegdash.workflows.adjudication import Case
from eegdash.workflows.agreement import PairAgreement

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Okabe and Ito's palette, which does without red against green; the pattern says it once more
_INKS = {SEIZURE: "#d55e00", NO_SEIZURE: "#0072b2", UNSURE: "#8c8c8c"}
_PATTERNS = {SEIZURE: "", NO_SEIZURE: "/", UNSURE: "."}
_MEASURES = (
    ("Cohen's kappa", "kappa", "circle", "#0072b2"),
    ("Gwet's AC1", "ac1", "diamond-open", "#d55e00"),
    ("seizures (events)", "events", "square", "#009e73"),
)
_SAID = {
    "agree": "agrees: seizure",
    "disagree": "disagrees: no seizure",
    "unsure": "unsure",
    "missed": "marked by hand: seizure",
}
DECISION = "decision"
_TICKS = 6
_LANE, _PAIR, _WORDS = 32, 44, 214  # px


def opinions(case: Case) -> go.Figure:
    """Return every opinion on a case as a lane, all on one time axis."""
    import plotly.graph_objects as go

    lanes = [(_name(x.reader), x.labels, x.says) for x in case.opinions]
    lanes += [(DECISION, case.decided, "")] if case.decided else []
    names = [name for name, _, _ in lanes]
    figure = go.Figure()
    pad = max(5.0, 0.15 * case.duration_s)
    low, high = max(case.onset_s - pad, 0.0), case.end_s + pad
    for says in (SEIZURE, NO_SEIZURE, UNSURE):
        shown = [(name, x) for name, labels, _ in lanes for x in labels if stance(x) == says]
        figure.add_trace(_bars(go, says, shown))
    for name, labels, says in lanes:  # in a column of its own: no bar is too short for its words
        words = " / ".join(dict.fromkeys(_words(label) for label in labels)) or says
        figure.add_annotation(
            x=1.01, xref="paper", xanchor="left", y=name, text=words, showarrow=False, align="left"
        )
    ticks = _ticks(low, high)
    figure.update_xaxes(
        range=[low, high],
        tickvals=ticks,
        ticktext=[elapsed(t) for t in ticks],
        title="time from the start of the recording, h:mm:ss",
        fixedrange=True,
        showgrid=True,
    )
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=names[::-1],
        range=[-0.5, len(names) - 0.5],
        fixedrange=True,
    )
    _shape(figure, _LANE * len(lanes) + 92, "barmode")
    figure.update_layout(margin={"r": _WORDS})
    return figure


def _name(text: str) -> str:
    """Return a name that Plotly shows as it is; its text is HTML, links included."""
    return html.escape(text)


def _bars(go_: Any, says: str, shown: Sequence[tuple[str, Label]]) -> Any:
    return go_.Bar(
        orientation="h",
        name=says,
        y=[name for name, _ in shown],
        base=[label.onset_s for _, label in shown],
        x=[label.duration_s for _, label in shown],
        width=0.62,
        marker={
            "color": _INKS[says],
            "line": {"color": _INKS[says], "width": 1.5},
            "pattern": {
                "shape": _PATTERNS[says],
                "fgcolor": _INKS[says],
                "bgcolor": "rgba(0,0,0,0)",
                "size": 6,
            },
        },
        hovertext=[
            f"{elapsed(label.onset_s, 1)} to {elapsed(label.end_s, 1)}" for _, label in shown
        ],
        hoverinfo="text",
        showlegend=bool(shown),
    )


def _words(label: Label) -> str:
    if label.verdict == "adjudicated":
        return f"decided: {event_type(label.event_type)}"
    return _SAID.get(str(label.verdict), verdict(label))


def _ticks(low: float, high: float) -> list[float]:
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)
    step = next((s for s in steps if (high - low) / s <= _TICKS), steps[-1])
    first = math.ceil(low / step)
    return [step * n for n in range(first, math.floor(high / step) + 1)]


def agreement(pairs: Sequence[PairAgreement]) -> go.Figure:
    """Return agreement of every pair with its 95 % interval, three measures each."""
    import plotly.graph_objects as go

    names = [_name(f"{pair.one} / {pair.other}") for pair in pairs]
    figure = go.Figure()
    lowest = 0.0
    for i, (title, field, symbol, ink) in enumerate(_MEASURES):
        found = [(n, getattr(pair, field)) for n, pair in enumerate(pairs)]
        known = [(n, interval) for n, interval in found if math.isfinite(interval.value)]
        lowest = min([lowest, *(_low(interval) for _, interval in known)])
        figure.add_trace(
            go.Scatter(
                mode="markers",
                name=title,
                x=[interval.value for _, interval in known],
                y=[len(names) - 1 - n + 0.24 * (1 - i) for n, _ in known],
                marker={"symbol": symbol, "size": 10, "color": ink},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [_above(interval) for _, interval in known],
                    "arrayminus": [_below(interval) for _, interval in known],
                    "thickness": 1.5,
                    "color": ink,
                },
                hovertemplate=f"{title} %{{x:.2f}}<extra></extra>",
            )
        )
    figure.update_xaxes(
        range=[min(lowest - 0.05, -0.05), 1.05],
        title="agreement: 1 complete, 0 as chance (kappa, AC1) or none (seizures)",
        side="top",
        showgrid=True,
        fixedrange=True,
        zeroline=True,
    )
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=names[::-1],
        range=[-0.6, len(names) - 0.4],
        fixedrange=True,
        showgrid=False,
        zeroline=False,
    )
    _shape(figure, _PAIR * len(names) + 110)
    # many pairs reach below the screen: axis and legend stand above them
    figure.update_layout(margin={"t": 92, "b": 8}, legend={"yref": "container", "y": 0.99})
    figure.update_layout(legend={"yanchor": "top"})
    return figure


def _low(interval: Interval) -> float:
    return interval.low if math.isfinite(interval.low) else interval.value


def _above(interval: Interval) -> float:
    return max(interval.high - interval.value, 0.0) if math.isfinite(interval.high) else 0.0


def _below(interval: Interval) -> float:
    return max(interval.value - _low(interval), 0.0)


def _shape(figure: go.Figure, height: int, *bars: str) -> None:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 34, "b": 44},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        **({"barmode": "overlay"} if bars else {}),
    )
