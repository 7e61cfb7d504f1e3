"""View of single units: what each answers to, and by which name it may go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from eegdash.plotting import mechanism as charts
from eegdash.ui.mechanism.results import Asked, chart, figure_words, result_of, save_button, say
from eegdash.ui.mechanism.windows import points_of, show_window, words_of
from eegdash.ui.session import widget_value

_OVERVIEW = "mechanism-units"
_REGIONS = {
    "LL": "left lateral",
    "RL": "right lateral",
    "LP": "left parasagittal",
    "RP": "right parasagittal",
}


def draw(asked: Asked) -> None:
    """Draw the view."""
    st.markdown(
        "**What does one unit answer to?** Activation AUC above 0.5 (orange diamonds): it answers "
        "more in seizures; below (blue circles): less. Click a unit to see its card."
    )
    layer = st.segmented_control(
        "Layer",
        list(asked.layers),
        default=asked.layers[0],
        required=True,
        key="mechanism-unit-layer",
        persist_state="session",
    )
    parameters = {**asked.base, "layer": str(layer or asked.layers[0])}
    found = result_of(
        asked, "units", parameters, does="Measure", wait="It takes about ten seconds."
    )
    if found is None:
        return
    result = found["result"]
    say(found)
    chart(
        charts.unit_overview(result),
        key=_OVERVIEW,
        alt="Activation AUC of each unit",
        on_select=lambda: None,
    )
    unit = _unit(result)
    _card(asked, result, unit)
    st.caption(
        f"The seizure logit itself: {result['logit']['name']}; descriptors explain "
        f"{_percent(result['logit']['explained']['value'])} of it on other persons."
    )
    save_button(found)


def _unit(result: Mapping[str, Any]) -> int:
    value = widget_value(_OVERVIEW)
    marked = value["selection"]["points"] if value else []
    clicked = [int(p["x"]) for p in marked if "x" in p]
    best = max(result["units"], key=lambda u: abs((u["auroc"]["value"] or 0.5) - 0.5))
    n = len(result["units"])
    return clicked[0] if clicked and clicked[0] < n else int(best["unit"])


def _card(asked: Asked, result: Mapping[str, Any], unit: int) -> None:
    row = result["units"][unit]
    naming = row["naming"]
    with st.container(border=True):
        st.markdown(f"### Unit {unit}: {naming['name']}")
        a, b, c, d = st.columns(4)
        a.metric("Activation AUC", figure_words(row["auroc"]).split(" ")[0])
        a.caption(figure_words(row["auroc"]))
        b.metric("Selectivity", _number(row["selectivity"]))
        b.caption("-1 only outside seizures, 1 only inside")
        c.metric("Explained by descriptors", _percent(naming["explained"]["value"]))
        c.caption(f"of its variance on other persons; p = {_number(naming['explained']['p'], 3)}")
        d.metric("Mean answer", f"{row['mean']:.3g}")
        d.caption(f"95th percentile {row['high']:.3g} (no unit)")
        weights = ", ".join(f"{name} {weight:+.2f}" for name, weight in naming["weights"])
        st.caption(
            f"Strongest rank correlation: {naming['best']} ({_number(naming['correlation'])}). "
            f"Largest weights of the regression: {weights}."
        )
        _tuning(result, unit)
        if row["regions"]:
            words = ", ".join(f"{_REGIONS[k]} {v:+.3g}" for k, v in row["regions"].items())
            st.caption(f"Answer in seizures minus elsewhere, by region: {words}.")
        if result["filters"] is not None:
            _filters(result["filters"], unit)
    _preferred(asked, row)


def _tuning(result: Mapping[str, Any], unit: int) -> None:
    st.markdown(
        "Answers to **made-up EEG**: one rhythm on 15 µV of noise (dotted: noise alone). "
        "It differs in one thing at a time, as natural EEG never does."
    )
    columns = st.columns(3)
    for column, by in zip(columns, ("hz", "uv", "region"), strict=True):
        with column:
            chart(
                charts.tuning(result, unit, by),
                key=f"tuning-{by}",
                alt=f"Answer of unit {unit} to rhythms by {by}",
            )


def _filters(filters: Mapping[str, Any], unit: int) -> None:
    st.markdown("Its **filter** in the first convolution")
    figures = charts.unit_filter(filters, unit)
    columns = st.columns([2, 3])[:1] if len(figures) == 1 else st.columns(2)
    for k, (column, figure) in enumerate(zip(columns, figures, strict=True)):
        with column:
            chart(figure, key=f"filter-{k}", alt=f"Filter of unit {unit}")


def _preferred(asked: Asked, row: Mapping[str, Any]) -> None:
    known = points_of(asked)
    if known is None:
        return
    chosen = st.selectbox(
        "Its preferred windows, strongest first",
        row["preferred"],
        format_func=lambda k: words_of(asked, known, k).replace("\\", ""),
        key=f"mechanism-preferred-{row['unit']}",
    )
    if chosen is not None:
        show_window(asked, known, int(chosen), of="preferred")


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{100 * max(value, 0):.0f} %"


def _number(value: float | None, digits: int = 2) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"
