"""Views of whole layers: separation, the map of windows, sparsity and overlap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from eegdash.plotting import mechanism as charts
from eegdash.ui.mechanism.results import Asked, chart, figure_words, result_of, save_button, say
from eegdash.ui.mechanism.windows import list_windows, points_of, show_window
from eegdash.ui.session import widget_value

_COLOURS = {
    "seizure": "truth of the reference",
    "outcome": "right or wrong at the threshold",
    "probability": "probability",
    "alias": "recording",
    "group": "person",
    "verdict": "reviewer's verdict",
}
_MAP = "mechanism-map"


def draw_layers(asked: Asked) -> None:
    """Separation of the classes by layer."""
    st.markdown(
        "**Where in the network do seizures come apart from the rest?** A linear probe is a "
        "straight line through the units of one layer, fitted on some persons and tested on "
        "others. 1 is perfect, 0.5 is chance; the grey band is what it reaches with shuffled "
        "labels."
    )
    found = result_of(
        asked, "separation", asked.base, does="Measure", wait="It takes about half a minute."
    )
    if found is None:
        return
    result = found["result"]
    say(found)
    _few_groups(result)
    left, right = st.columns(2)
    with left:
        chart(charts.separation(result), key="separation", alt="Linear probe AUROC by layer")
    with right:
        chart(charts.silhouettes(result), key="silhouette", alt="Silhouette by layer")
    with st.expander("Numbers"):
        st.dataframe(_separation_table(result), hide_index=True, width="stretch")
    st.caption(
        "The layer input is not part of the network: it is what a reader would measure (line "
        "length, band powers, spikes, rhythmicity). The silhouette tells how compact the two "
        f"classes are (1) or mixed (0 and below). Seed {asked.base['seed']}, "
        f"{result['n_windows']} windows, {result['n_seizure']} of them in seizures, "
        f"{result['n_groups']} groups; intervals resample groups."
    )
    save_button(found)


def _few_groups(result: Mapping[str, Any]) -> None:
    if result["n_groups_with_seizure"] < 2:
        st.warning(
            "Only one person here has seizures, so nothing can be tested on another one: the "
            "probe has no figure. Choose more recordings, or group by recording (Options)."
        )
    elif result["n_groups_with_seizure"] < 5:
        st.caption(
            f":material/warning: Seizures of {result['n_groups_with_seizure']} groups only: read "
            "the intervals, not the points."
        )


def _separation_table(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "layer": row["layer"],
            "units": row["n_units"],
            "probe AUROC (95 %)": figure_words(row["probe"]["auroc"]),
            "shuffled labels, up to": _rounded(row["probe"]["control"]["null_high"]),
            "p": _rounded(row["probe"]["control"]["p"]),
            "silhouette (95 %)": figure_words(row["silhouette"]["value"]),
        }
        for row in result["layers"]
    ]


def _rounded(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"


# ---- the map -------------------------------------------------------------------------------


def draw_picture(asked: Asked) -> None:
    """Windows of one layer as points."""
    st.markdown(
        "**Each point is a window of 9 s; close points are windows that this layer sees as "
        "alike.** Click a point to see its EEG; with the lasso or the box above a map, draw around "
        "several to list them. The map is a picture, not a measure: gaps and distances depend on "
        "its parameters."
    )
    layer, parameters, colour = _choices(asked)
    found = result_of(
        asked,
        "picture",
        parameters,
        does="Draw the map",
        wait="It takes up to half a minute, the first one a little longer.",
    )
    points = points_of(asked)
    if found is not None and points is not None:
        say(found)
        _maps(asked, found["result"], points, colour, layer)
        save_button(found)
    with st.expander("What is stable?"):
        _stability(asked, parameters)


def _choices(asked: Asked) -> tuple[str, dict[str, Any], str]:
    a, b, c, d = st.columns([2, 3, 3, 3], vertical_alignment="bottom")
    layer = a.selectbox(
        "Layer", list(asked.layers), key="mechanism-map-layer", persist_state="session"
    )
    neighbours = b.select_slider(
        "Neighbours (n_neighbors)",
        [5, 10, 15, 30, 50],
        value=15,
        key="mechanism-neighbours",
        persist_state="session",
        help="Few keep small groups apart, many show the whole.",
    )
    distance = c.select_slider(
        "Spread (min_dist)",
        [0.0, 0.1, 0.25, 0.5],
        value=0.1,
        key="mechanism-distance",
        persist_state="session",
        help="How close points may lie.",
    )
    colour = d.selectbox(
        "Colour", list(_COLOURS), format_func=_COLOURS.__getitem__, key="mechanism-colour",
        persist_state="session",
    )  # fmt: skip
    parameters = {
        **asked.base,
        "layer": str(layer),
        "n_neighbors": int(neighbours),
        "min_dist": float(distance),
    }
    return str(layer), parameters, str(colour)


def _maps(
    asked: Asked, result: Mapping[str, Any], points: dict[str, Any], colour: str, layer: str
) -> None:
    chosen_in, rows = _selected(points)
    for column, name, axis, title in zip(
        st.columns(2),
        ("umap", "pca"),
        ("UMAP", "PC"),
        (f"UMAP of {layer}", f"First two principal components of {layer}"),
        strict=True,
    ):
        with column:
            st.caption(title)
            figure = charts.scatter(
                result[name],
                points,
                colour,
                axis=axis,
                marked=rows if chosen_in not in ("", name) else (),
            )
            chart(figure, key=f"{_MAP}-{name}", alt=title, on_select=lambda: None)
    st.caption(
        f"PCA to {result['n_components']} components, then UMAP: seed {asked.base['seed']}. "
        f"Trustworthiness {result['trustworthiness']:.2f} (1: no false neighbours). Of the 15 "
        f"nearest windows {100 * result['same_label']:.0f} % have the same truth in the map, "
        f"{100 * result['same_label_pca']:.0f} % in the layer, {100 * result['by_chance']:.0f} % "
        "by chance."
    )
    if len(rows) == 1:
        show_window(asked, points, rows[0])
    elif rows:
        list_windows(asked, points, rows)
    else:
        st.info(
            "No window chosen. Click a point, or take the lasso above a map and draw around some."
        )


def _selected(points: Mapping[str, Any]) -> tuple[str, list[int]]:
    """Return in which chart windows are marked, and their rows."""
    for name in ("umap", "pca"):
        value = widget_value(f"{_MAP}-{name}")
        marked = value["selection"]["points"] if value else []
        rows = [int(_row_of(point)) for point in marked if "customdata" in point]
        rows = [row for row in rows if row < len(points["time_s"])]
        if rows:
            return name, rows
    return "", []


def _row_of(point: Mapping[str, Any]) -> Any:
    row = point["customdata"]
    return row[0] if isinstance(row, list) else row


def _stability(asked: Asked, parameters: dict[str, Any]) -> None:
    st.markdown(
        "The same layer with other parameters and another seed. What holds in all rows is a "
        "property of the layer; what does not is one of the picture."
    )
    wanted = {k: v for k, v in parameters.items() if k in ("layer", "summary", "seed")}
    found = result_of(
        asked, "stability", wanted, does="Try 18 settings", wait="It takes one to two minutes."
    )
    if found is not None:
        st.dataframe(
            [
                {
                    "n_neighbors": row["n_neighbors"],
                    "min_dist": row["min_dist"],
                    "seed": row["seed"],
                    "trustworthiness": row["trustworthiness"],
                    "same truth among 15 neighbours": row["same_label"],
                }
                for row in found["result"]["rows"]
            ],
            hide_index=True,
            width="stretch",
        )


# ---- sparsity and overlap ------------------------------------------------------------------


def draw_structure(asked: Asked) -> None:
    """Sparsity and redundancy of the layers."""
    st.markdown(
        "**How many units answer, and how many say the same?** Sparse means that few units answer "
        "to a window (population), or that a unit answers to few windows (lifetime)."
    )
    found = result_of(
        asked, "structure", asked.base, does="Measure", wait="It takes about ten seconds."
    )
    if found is None:
        return
    result = found["result"]
    say(found)
    measure = st.segmented_control(
        "Measure",
        ["treves_rolls", "hoyer"],
        default="treves_rolls",
        format_func={"treves_rolls": "Treves-Rolls", "hoyer": "Hoyer"}.__getitem__,
        required=True,
        key="mechanism-measure",
        persist_state="session",
    )
    left, right = st.columns(2)
    for column, kind in ((left, "population"), (right, "lifetime")):
        with column:
            st.caption(f"{kind.capitalize()} sparseness, median")
            chart(
                charts.sparseness(result, kind, str(measure or "treves_rolls")),
                key=f"sparse-{kind}",
                alt=f"{kind} sparseness by layer",
            )
    left, right = st.columns([4, 6])
    with left:
        st.caption("Linear CKA between layers: 1 means the same up to rotation")
        chart(charts.cka(result), key="cka", alt="Linear CKA between layers")
    with right:
        st.caption("Units of each layer")
        st.dataframe(_structure_table(result), hide_index=True, width="stretch")
        st.caption(
            "Dimensions: participation ratio of the standardised units, beside that of shuffled "
            "units. Always on: answers in more than 95 % of windows; a feature map nearly always "
            "answers somewhere. CKA of shuffled windows stays below "
            f"{_largest(result['cka_null']):.2f}."
        )
    save_button(found)


def _largest(table: list[list[float | None]]) -> float:
    return max((v for row in table for v in row if v is not None), default=0.0)


def _beside(values: Mapping[str, Any], digits: int) -> str:
    if values["value"] is None:
        return "n/a"
    return f"{values['value']:.{digits}f} ({values['null_mean']:.{digits}f})"


def _structure_table(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for row in result["layers"]:
        overlap = row["redundancy"]
        rows.append(
            {
                "layer": row["layer"],
                "units": row["n_units"],
                "dead": len(row["sparsity"]["dead"]),
                "always on": len(row["sparsity"]["always_on"]),
                "mean correlation (shuffled)": _beside(overlap["correlation"], 2),
                "dimensions (shuffled)": _beside(overlap["dimensions"], 1),
            }
        )
    return rows
