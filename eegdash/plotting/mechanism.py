"""Charts of what happens inside a detector, as Plotly figures in plain data.

Classes differ in colour and in symbol (Okabe and Ito's colours), so that they can be told apart
without colour vision. Backgrounds and letters are left to the page's theme. No chart uses WebGL,
which not every reader's browser has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Figure = dict[str, Any]

# the blue is a little lighter than theirs, so that thin lines stand out on dark pages too
ORANGE, BLUE, GREY, GREEN, PINK = "#D55E00", "#1F83C1", "#8C8C8C", "#009E73", "#CC79A7"
SEIZURE, OTHER = ORANGE, BLUE
_MARKS: dict[str, tuple[str, str]] = {
    "seizure": (ORANGE, "diamond"),
    "other": (BLUE, "circle"),
    "seizure found": (ORANGE, "diamond"),
    "seizure missed": (PINK, "x"),
    "false alarm": (GREEN, "triangle-up"),
    "rightly quiet": (BLUE, "circle"),
    "agree": (ORANGE, "diamond"),
    "missed": (PINK, "x"),
    "disagree": (GREEN, "triangle-up"),
    "unsure": ("#E69F00", "square"),
    "not judged": (GREY, "circle-open"),
}
_CYCLE = (ORANGE, BLUE, GREEN, PINK, "#E69F00", "#56B4E9", GREY)
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "cross", "star", "hexagon")
MOST_POINTS = 4000
"""Windows that are drawn of one recording; of more, the highest of neighbours."""
_FAINT = "rgba(140,140,140,0.25)"


def _figure(data: list[dict[str, Any]], *, x: str = "", y: str = "", **layout: Any) -> Figure:
    base: dict[str, Any] = {
        "xaxis": {"title": {"text": x}, "zeroline": False},
        "yaxis": {"title": {"text": y}, "zeroline": False},
        "margin": {"l": 60, "r": 16, "t": 28, "b": 48},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "height": 340,
    }
    for axis in ("xaxis", "yaxis"):  # a drop of 0.0004 reads better than one of 400µ
        layout[axis] = {**base[axis], **layout.get(axis, {}), "exponentformat": "none"}
    return {"data": data, "layout": {**base, **layout}}


def _errors(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Error bars of intervals; none where there is no interval."""
    return {
        "type": "data",
        "symmetric": False,
        "color": GREY,
        "array": [0 if r["high"] is None else r["high"] - r["value"] for r in rows],
        "arrayminus": [0 if r["low"] is None else r["value"] - r["low"] for r in rows],
    }


def separation(result: Mapping[str, Any]) -> Figure:
    """Linear-probe AUROC by layer with intervals, above the band of shuffled labels."""
    rows = result["layers"]
    names = [row["layer"] for row in rows]
    probes = [row["probe"]["auroc"] for row in rows]
    control = [row["probe"]["control"] for row in rows]
    data: list[dict[str, Any]] = [
        {
            **_line(names, [c["null_high"] for c in control], "", _FAINT, width=0),
            "showlegend": False,
        },
        {
            **_line(
                names, [c["null_low"] for c in control], "shuffled labels, 95 %", GREY, width=1
            ),
            "fill": "tonexty",
            "fillcolor": _FAINT,
        },
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "linear probe (95 % by group)",
            "x": names,
            "y": [p["value"] for p in probes],
            "error_y": _errors(probes),
            "line": {"color": ORANGE},
            "marker": {"size": 9, "symbol": "diamond"},
        },
    ]
    return _figure(
        data,
        x="layer, input first",
        y="AUROC on held-out groups",
        yaxis={"title": {"text": "AUROC on held-out groups"}, "range": [0.3, 1.02]},
    )


def _line(x: Sequence[Any], y: Sequence[Any], name: str, colour: str, *, width: float = 2) -> Any:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(x),
        "y": list(y),
        "line": {"color": colour, "width": width},
    }


def silhouettes(result: Mapping[str, Any]) -> Figure:
    """Silhouette of the classes on PCA scores, by layer."""
    rows = result["layers"]
    values = [row["silhouette"]["value"] for row in rows]
    bars = {
        "type": "bar",
        "x": [row["layer"] for row in rows],
        "y": [v["value"] for v in values],
        "error_y": _errors(values),
        "marker": {"color": BLUE},
        "name": "silhouette",
    }
    return _figure([bars], x="layer, input first", y="silhouette on PCA scores, -1 to 1")


def scatter(
    coordinates: Sequence[Sequence[float]],
    points: Mapping[str, Sequence[Any]],
    colour: str,
    *,
    axis: str,
    marked: Sequence[int] = (),
) -> Figure:
    """Windows as points, coloured by one of their facts; ``customdata`` is the window's row.

    Parameters
    ----------
    coordinates : sequence of (float, float)
    points : mapping of str to sequence
    colour : str
        ``probability``, or a fact with a few values.
    axis : str
        Name of the axes, e.g. ``UMAP``.
    marked : sequence of int
        Rows to draw a ring around: those that were chosen in another chart.
    """
    rows = range(len(coordinates))
    rings = [_rings(coordinates, marked)] if marked else []
    if colour == "probability":
        data = [
            {
                **_cloud(coordinates, points, list(rows), "windows"),
                "marker": {
                    "size": 7,
                    "color": list(points["probability"]),
                    "colorscale": "Cividis",
                    "cmin": 0,
                    "cmax": 1,
                    "colorbar": {"title": {"text": "probability"}, "thickness": 12},
                },
            }
        ]
        return _plane([*data, *rings], axis)
    values = list(points[colour])
    if colour == "seizure":
        values = ["seizure" if v else "other" for v in values]
    data = []
    for k, name in enumerate(sorted(set(values), key=str)):
        tint, symbol = _MARKS.get(
            str(name), (_CYCLE[k % len(_CYCLE)], _SYMBOLS[(k // len(_CYCLE)) % len(_SYMBOLS)])
        )
        mine = [i for i in rows if values[i] == name]
        cloud = _cloud(coordinates, points, mine, str(name))
        cloud["marker"] = {"size": 7, "color": tint, "symbol": symbol, "opacity": 0.85}
        data.append(cloud)
    return _plane([*data, *rings], axis)


def _rings(coordinates: Sequence[Sequence[float]], rows: Sequence[int]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "chosen in the other map",
        "x": [coordinates[i][0] for i in rows],
        "y": [coordinates[i][1] for i in rows],
        "marker": {"size": 13, "symbol": "circle-open", "color": "#E69F00", "line": {"width": 2}},
        "hoverinfo": "skip",
    }


def _cloud(
    coordinates: Sequence[Sequence[float]],
    points: Mapping[str, Sequence[Any]],
    rows: list[int],
    name: str,
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [coordinates[i][0] for i in rows],
        "y": [coordinates[i][1] for i in rows],
        "customdata": rows,
        "text": [
            f"{points['alias'][i]}, {points['time_s'][i]:.1f} s<br>"
            f"{'seizure' if points['seizure'][i] else 'other'}, "
            f"probability {points['probability'][i]:.2f}"
            for i in rows
        ],
        "hoverinfo": "text",
    }


def _plane(data: list[dict[str, Any]], axis: str) -> Figure:
    return _figure(
        data,
        x=f"{axis} 1 (no unit)",
        y=f"{axis} 2 (no unit)",
        height=460,
        dragmode="pan",
        hovermode="closest",
    )


def unit_overview(result: Mapping[str, Any]) -> Figure:
    """AUC of each unit's activation, ordered, with intervals."""
    rows = sorted(result["units"], key=lambda u: -(u["auroc"]["value"] or 0.5))
    areas = [row["auroc"] for row in rows]
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [f"{row['unit']}" for row in rows],
            "y": [a["value"] for a in areas],
            "error_y": {**_errors(areas), "thickness": 1},
            "marker": {
                "size": 8,
                "color": [SEIZURE if (a["value"] or 0.5) >= 0.5 else OTHER for a in areas],
                "symbol": ["diamond" if (a["value"] or 0.5) >= 0.5 else "circle" for a in areas],
            },
            "customdata": [row["unit"] for row in rows],
            "text": [f"unit {row['unit']}: {row['naming']['name']}" for row in rows],
            "hoverinfo": "text+y",
            "showlegend": False,
        }
    ]
    return _figure(
        data,
        x="unit, ordered",
        y="activation AUC",
        xaxis={"title": {"text": "unit, ordered by its AUC"}, "type": "category"},
        shapes=[_level(0.5)],
        yaxis={"title": {"text": "activation AUC"}, "range": [-0.02, 1.02]},
    )


def _level(y: float) -> dict[str, Any]:
    return {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y,
        "line": {"color": GREY, "dash": "dot", "width": 1},
    }  # fmt: skip


def tuning(result: Mapping[str, Any], unit: int, by: str) -> Figure:
    """Answer of one unit to made-up rhythms, by ``hz``, ``uv`` or ``region``."""
    shown, answers = result["tuning"]["stimuli"], result["tuning"]["answers"][unit]
    quiet = answers[0]
    n_hz = sum(s["hz"] > 0 and not s["region"] and s["uv"] == 80 for s in shown) - 1
    frequencies = range(1, 1 + n_hz)
    regions = [k for k, s in enumerate(shown) if s["region"]]
    sizes = [k for k in range(1 + n_hz, len(shown)) if k not in regions]
    chosen = {"hz": list(frequencies), "uv": sizes, "region": regions}[by]
    titles = {"hz": "rhythm, Hz (80 µV)", "uv": "size of a 3 Hz rhythm, µV", "region": "region"}
    x = [shown[k][by] for k in chosen]
    y = [answers[k] for k in chosen]
    kind = {"type": "bar"} if by == "region" else {"type": "scatter", "mode": "lines+markers"}
    data = [{**kind, "x": x, "y": y, "marker": {"color": ORANGE}, "name": "with the rhythm"}]
    return _figure(
        data,
        x=titles[by],
        y="activation",
        height=240,
        shapes=[_level(quiet)],
        showlegend=False,
    )


def unit_filter(filters: Mapping[str, Any], unit: int) -> list[Figure]:
    """Weights of a first-layer filter and, of filters in time, its frequency response."""
    weights = filters["weights"][unit]
    if filters["bin_hz"] is not None:
        reach = max(abs(v) for row in weights for v in row)
        data = [
            {
                "type": "heatmap",
                "z": weights,
                "x": [round(k * filters["tap_s"], 3) for k in range(len(weights[0]))],
                "y": [k * filters["bin_hz"] for k in range(len(weights))],
                "colorscale": "RdBu",
                "reversescale": True,
                "zmin": -reach,
                "zmax": reach,
                "colorbar": {"title": {"text": "weight"}, "thickness": 12},
            }
        ]
        return [_figure(data, x="frame, s", y="frequency offset, Hz", height=240)]
    time_ms = [1000 * k * filters["tap_s"] for k in range(len(weights))]
    taps = _figure(
        [_line(time_ms, weights, "filter", ORANGE)], x="time, ms", y="weight", height=240
    )
    gain = _figure(
        [_line(filters["freqs_hz"], filters["gain_db"][unit], "gain", BLUE)],
        x="frequency, Hz",
        y="gain, dB of its maximum",
        height=240,
    )
    return [taps, gain]


STEPS_UV = (20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000)


def trace_step_uv(eeg: Mapping[str, Any]) -> int:
    """Return the distance of two traces, uV: the least that 17 of 20 samples stay within.

    The larger deflections reach over their neighbours, as they do on paper.
    """
    offsets = [sum(row) / max(len(row), 1) for row in eeg["uv"]]
    rows = zip(eeg["uv"], offsets, strict=True)
    sizes = sorted(abs(v - offset) for row, offset in rows for v in row[::4])
    wanted = sizes[int(0.85 * len(sizes))] if sizes else 0
    return next((step for step in STEPS_UV if step >= wanted), STEPS_UV[-1])


def window(eeg: Mapping[str, Any]) -> Figure:
    """Traces of one window in the detector's derivations, negative up, above its spectrogram."""
    n, step_uv = len(eeg["names"]), trace_step_uv(eeg)
    data: list[dict[str, Any]] = []
    for k, row in enumerate(eeg["uv"]):
        offset = sum(row) / max(len(row), 1)  # a drift of the electrode is no deflection
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": eeg["time_s"],
                "y": [-k * step_uv - (v - offset) for v in row],  # negative up
                "line": {"width": 1.0, "color": BLUE},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
    data.append(
        {
            "type": "heatmap",
            "x": eeg["frame_s"],
            "y": eeg["freqs_hz"],
            "z": eeg["db"],
            "zmin": -20,
            "zmax": 40,
            "colorscale": "Viridis",
            "yaxis": "y2",
            "colorbar": {
                "title": {"text": "dB"}, "thickness": 10, "len": 0.28, "y": 0.12,
            },
        }
    )  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "time, s"}, "zeroline": False, "anchor": "y2"},
        "yaxis": {
            "domain": [0.32, 1],
            "tickvals": [-k * step_uv for k in range(n)],
            "ticktext": eeg["names"],
            "tickfont": {"size": 9},
            "zeroline": False,
            "range": [-(n + 0.3) * step_uv, 1.3 * step_uv],
        },
        "yaxis2": {"domain": [0, 0.27], "title": {"text": "Hz"}, "range": [0, 30]},
        "margin": {"l": 60, "r": 10, "t": 10, "b": 40},
        "height": 460,
    }
    return {"data": data, "layout": layout}


def doses(result: Mapping[str, Any]) -> Figure:
    """Mean probability of both classes against the dose."""
    rows = result["doses"]
    x = [row["dose"] for row in rows]
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": x,
            "y": [row[key] for row in rows],
            "line": {"color": colour},
            "marker": {"symbol": symbol, "size": 9},
        }
        for key, name, colour, symbol in (
            ("seizure", "seizure windows", SEIZURE, "diamond"),
            ("other", "other windows", OTHER, "circle"),
        )
    ]
    return _figure(
        data,
        x="dose: 0 unaltered, 1 fully replaced",
        y="mean probability",
        yaxis={"title": {"text": "mean probability"}, "range": [0, 1]},
        height=300,
    )


def random_drops(result: Mapping[str, Any]) -> Figure:
    """AUROC drops of the random ensembles, and that of the ensemble."""
    effect = result["effect"]
    drop = effect["against_random"]["auroc_drop"]["value"]
    known = [v for v in (drop, *effect["random_drops"]) if v is not None] or [0.0]
    # ensembles that all do the same stand in one bar, and do not fill the chart
    room = max(0.05 * (max(known) - min(known)), 0.002)
    low, high = min(known) - room, max(known) + room
    bars = {
        "type": "histogram",
        "x": effect["random_drops"],
        "xbins": {"start": low, "end": high, "size": (high - low) / 30},
        "marker": {"color": GREY},
        "name": "random ensembles",
    }
    line = {
        "type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": drop, "x1": drop,
        "line": {"color": ORANGE, "width": 3},
    }  # fmt: skip
    note = {
        "x": drop, "y": 1, "yref": "paper", "text": "this ensemble", "showarrow": False,
        "yanchor": "bottom", "font": {"color": ORANGE},
    }  # fmt: skip
    return _figure(
        [bars],
        x="fall of the AUROC when silenced",
        y="random ensembles",
        xaxis={"title": {"text": "fall of the AUROC when silenced"}, "range": [low, high]},
        shapes=[line] if drop is not None else [],
        annotations=[note] if drop is not None else [],
        height=300,
        showlegend=False,
    )


def altered_trace(recording: Mapping[str, Any], threshold: float, altered: str) -> Figure:
    """Probability of a whole recording, by the model and by the altered one, with their events."""
    n = len(recording["model"]["probability_pm"])
    every = -(-n // MOST_POINTS)  # of a long recording the highest of so many windows is drawn
    time_min = [
        (recording["first_centre_s"] + k * recording["step_s"]) / 60 for k in range(0, n, every)
    ]
    data: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = [_level(threshold)]
    for key, name, colour, dash, row in (
        ("model", "model", BLUE, "solid", 1.10),
        (altered, altered, ORANGE, "dot", 1.04),
    ):
        pm = _highest(recording[key]["probability_pm"], every)
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": time_min,
                "y": [None if v is None else v / 1000 for v in pm],
                "line": {"color": colour, "width": 1.6, "dash": dash},
            }
        )
        shapes += [_bar(a, b, row, colour) for a, b in recording[key]["events"]]
    shapes += [
        {
            "type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": a / 60, "x1": b / 60,
            "fillcolor": _FAINT, "line": {"width": 0}, "layer": "below",
        }
        for a, b in recording["seizures"]
    ]  # fmt: skip
    return _figure(
        data,
        x="time from the start, min (grey: seizures of the reference; bars on top: events)",
        y="probability",
        yaxis={"title": {"text": "probability"}, "range": [0, 1.14], "tickvals": [0, 0.5, 1]},
        shapes=shapes,
        height=330,
    )


def _highest(probability_pm: Sequence[int], every: int) -> list[int | None]:
    """Return the highest scored value of each so many windows, None where none is scored."""
    parts = (probability_pm[k : k + every] for k in range(0, len(probability_pm), every))
    return [max((v for v in part if v <= 1000), default=None) for part in parts]


def _bar(start_s: float, end_s: float, y: float, colour: str) -> dict[str, Any]:
    return {
        "type": "rect", "x0": start_s / 60, "x1": end_s / 60, "y0": y - 0.02, "y1": y + 0.02,
        "fillcolor": colour, "line": {"width": 0},
    }  # fmt: skip


def sparseness(result: Mapping[str, Any], kind: str, measure: str) -> Figure:
    """Sparseness by layer beside its null; ``kind`` is population or lifetime."""
    rows = result["layers"]
    found = [row["sparsity"][kind][measure] for row in rows]
    names = [row["layer"] for row in rows]
    null = [{"value": f["null_mean"], "low": f["null_low"], "high": f["null_high"]} for f in found]
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "measured",
            "x": names,
            "y": [f["value"] for f in found],
            "marker": {"color": ORANGE, "symbol": "diamond", "size": 11},
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": "shuffled, 95 %",
            "x": names,
            "y": [n["value"] for n in null],
            "error_y": _errors([n if n["value"] is not None else _NONE for n in null]),
            "marker": {"color": GREY, "symbol": "circle-open", "size": 9},
        },
    ]
    return _figure(
        data,
        x="layer",
        y="sparseness, 0 even to 1",
        yaxis={"title": {"text": "sparseness, 0 even to 1"}, "range": [0, 1]},
        height=300,
    )


_NONE: dict[str, Any] = {"value": None, "low": None, "high": None}


def cka(result: Mapping[str, Any]) -> Figure:
    """Linear CKA between layers."""
    names = [row["layer"] for row in result["layers"]]
    data = [
        {
            "type": "heatmap",
            "x": names,
            "y": names,
            "z": result["cka"],
            "zmin": 0,
            "zmax": 1,
            "colorscale": "Cividis",
            "text": [[f"{v:.2f}" if v is not None else "" for v in row] for row in result["cka"]],
            "texttemplate": "%{text}",
            "colorbar": {"title": {"text": "CKA"}, "thickness": 12},
        }
    ]
    return _figure(data, height=360, yaxis={"autorange": "reversed"})


def perturbations(result: Mapping[str, Any]) -> Figure:
    """Mean probability of both classes for each change of the input."""
    rows = result["rows"]
    names = [row["title"] for row in rows]
    data = []
    for key, name, colour, symbol in (
        ("seizure", "seizure windows", SEIZURE, "diamond"),
        ("other", "other windows", OTHER, "circle"),
    ):
        values = [row[key] for row in rows]
        errors = _errors(values)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "y": names,
                "x": [v["value"] for v in values],
                "error_x": errors,
                "marker": {"color": colour, "symbol": symbol, "size": 10},
            }
        )
    return _figure(
        data,
        x="mean probability (95 % by group)",
        xaxis={"title": {"text": "mean probability (95 % by group)"}, "range": [0, 1]},
        yaxis={"autorange": "reversed", "automargin": True},
        height=480,
        margin={"l": 150, "r": 16, "t": 28, "b": 48},
    )
