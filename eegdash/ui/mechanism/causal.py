"""View of ensembles: found on half of the recordings, then silenced on the other half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from eegdash.mechanism.controls import N_CONTROLS
from eegdash.mechanism.ensembles import METHODS
from eegdash.mechanism.silencing import ALTERED, MODES
from eegdash.plotting import mechanism as charts
from eegdash.ui.mechanism.results import Asked, chart, figure_words, result_of, save_button, say
from eegdash.ui.text import plain
from eegdash.workflows.mechanism_saved import claim_words

_MODE_WORDS = {
    "mean": "hold at the mean",
    "zero": "hold at zero",
    "resample": "answers of other windows",
    "clamp": "drive up (95th percentile)",
}


def draw(asked: Asked) -> None:
    """Draw the view."""
    st.markdown(
        "**Which units carry the seizures, and does the detector need them?** An ensemble is found "
        "on one half of the persons and tested on the other. Then it is silenced: only that tells "
        "whether the detector uses it. AUROC: how well seizure and other windows are told apart, "
        "1 always right, 0.5 by chance."
    )
    layer = str(
        st.segmented_control(
            "Layer",
            list(asked.layers),
            default=asked.layers[-1],
            required=True,
            key="mechanism-ensemble-layer",
            persist_state="session",
        )
        or asked.layers[-1]
    )
    found = result_of(
        asked,
        "ensembles",
        {**asked.base, "layer": layer},
        does="Find ensembles",
        wait="It takes about half a minute.",
    )
    if found is None:
        return
    _ensembles(found)
    st.divider()
    _silencing(asked, layer, found["result"])


def _ensembles(found: Mapping[str, Any]) -> None:
    result = found["result"]
    say(found)
    st.dataframe(
        [
            {
                "answers to": "seizures" if row["prefers"] == "seizure" else "the rest",
                "found by": row["method"],
                "units": ", ".join(map(str, row["units"])),
                "AUROC on the other half (95 %)": figure_words(row["tested"]["auroc"]),
                "above random groups": f"{_number(row['tested']['random']['percentile'], 0)} %",
                "stability": _number(row["stability"]["jaccard"], 2),
                "by chance": _number(row["stability"]["expected"], 2),
            }
            for row in result["rows"]
        ],
        hide_index=True,
        width="stretch",
    )
    st.caption(
        f"Size: {result['size_rule']}. Stability: shared units / all units (Jaccard), mean over "
        f"{result['rows'][0]['stability']['n_splits']} ways to split the recordings. "
        + ". ".join(f"{name}: {words}" for name, words in METHODS.items())
        + "."
    )
    save_button(found)


def _silencing(asked: Asked, layer: str, ensembles: Mapping[str, Any]) -> None:
    st.markdown(f"#### Silencing in {layer} — {ALTERED}")
    parameters = _choices(asked, layer, ensembles)
    if parameters is None:
        return
    found = result_of(
        asked,
        "silencing",
        parameters,
        does="Silence",
        wait=f"The recordings are run again, with {N_CONTROLS} random ensembles beside: up "
        "to half a minute for each hour of EEG, the first layers longest, and three times as long "
        "on changed input.",
    )
    if found is None:
        return
    _effect(asked, found["result"])
    save_button(found)


def _choices(asked: Asked, layer: str, ensembles: Mapping[str, Any]) -> dict[str, Any] | None:
    rows = {f"{row['prefers']} ensemble by {row['method']}": row for row in ensembles["rows"]}
    own = "units of my choice"
    a, b, c, d = st.columns([3, 2.4, 2, 2], vertical_alignment="bottom")
    name = str(a.selectbox("Ensemble", [*rows, own], key="mechanism-silence-what"))
    n_units = int(ensembles["rows"][0]["n_units"])
    units = list(rows[name]["units"]) if name in rows else []
    if name == own:
        units = st.multiselect("Units", list(range(n_units)), key=f"mechanism-own-{layer}")
    mode = b.selectbox(
        "What is done",
        list(MODES),
        format_func=_MODE_WORDS.__getitem__,
        key="mechanism-mode",
        help=". ".join(f"{_MODE_WORDS[k]}: {v}" for k, v in MODES.items()),
    )
    keep_only = c.selectbox(
        "To which units",
        [False, True],
        format_func=lambda keep: "all others (keep only)" if keep else "these",
        key="mechanism-keep",
    )
    half = d.selectbox(
        "On",
        ["tested", "all"],
        format_func={"tested": "the other half", "all": "all recordings"}.__getitem__,
        key="mechanism-half",
        help="The other half took no part in finding the ensemble, so only there is it a test.",
    )
    if not units:
        st.info("Choose at least one unit.")
        return None
    return {
        "layer": layer,
        "units": sorted(int(k) for k in units),
        "mode": str(mode),
        "keep_only": bool(keep_only),
        "n_controls": N_CONTROLS,
        "seed": asked.request.seed,
        "half": str(half),
    }


def _effect(asked: Asked, result: Mapping[str, Any]) -> None:
    effect = result["effect"]
    _claim(effect, result)
    a, b, c, d = st.columns(4)
    _before_after(a, "Separation of the classes (AUROC)", effect, "auroc")
    _before_after(b, "Seizure windows recognised", effect, "recognised", share=True)
    _before_after(c, "Other windows called seizure", effect, "called", share=True)
    random = effect["against_random"]["auroc_drop"]
    d.metric("Fall, among random ensembles", _percentile(random["percentile"]))
    d.caption(_among_words(random, effect["effect_size"]))
    left, right = st.columns(2)
    with left:
        chart(charts.doses(result), key="doses", alt="Mean probability against the dose")
    with right:
        chart(charts.random_drops(result), key="drops", alt="Fall of the AUROC when silenced")
    controls = result["controls"]
    match = (
        "no close match in activity exists"
        if controls["tolerance"] is None
        else f"summed mean activity within {100 * controls['tolerance']:.0f} %"
    )
    st.caption(
        f"Random ensembles: {controls['n']} of the same layer and size, {match}; on average "
        f"{100 * (controls['overlap'] or 0):.0f} % of their units are shared with this one. "
        f"Threshold {result['threshold']:.2f}. {effect['n_seizure']} seizure and "
        f"{effect['n_other']} other windows of {result['n_groups']} groups."
    )
    if result["whole_layer"]["value"] is not None:
        st.caption(
            f"With every unit of {_layer_of(result)} silenced the AUROC is "
            f"{figure_words(result['whole_layer'])}: what is left then goes past this layer. Both "
            "shipped detectors also hold the power of a window against the background of its "
            "recording, which no unit listed here sees."
        )
    _traces(asked, result)


def _among_words(random: Mapping[str, Any], size: float | None) -> str:
    """Say how the fall compares with that of the random ensembles."""
    if not random["n"]:
        return "no other ensemble of this size exists in the layer"
    if size is None:
        return f"p = {_number(random['p'], 3)}; the {random['n']} random ensembles do not differ"
    return (
        f"p = {_number(random['p'], 3)}; effect size {size:.1f} standard deviations of "
        f"{random['n']} random ensembles"
    )


def _layer_of(result: Mapping[str, Any]) -> str:
    """Return the layer that was altered."""
    return str(result["intervention"]["layer"])


def _claim(effect: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    words = f"**{effect['claim_text']}**  \n{plain(claim_words(result))}"
    if effect["claim"]:
        st.success(f"Yes. {words}", icon=":material/check_circle:")
    else:
        st.info(f"No. {words}", icon=":material/cancel:")


def _before_after(
    column: st.delta_generator.DeltaGenerator,
    title: str,
    effect: Mapping[str, Any],
    name: str,
    *,
    share: bool = False,
) -> None:
    before, after = effect[f"{name}_before"], effect[f"{name}_after"]

    def words(values: Mapping[str, Any]) -> str:
        if values["value"] is None:
            return "n/a"
        return f"{100 * values['value']:.0f} %" if share else f"{values['value']:.2f}"

    column.metric(title, f"{words(before)} → {words(after)}")
    column.caption(f"{ALTERED}: {figure_words(after)}")


def _traces(asked: Asked, result: Mapping[str, Any]) -> None:
    # those with seizures first: there is something to see
    rows = sorted(result["recordings"], key=lambda row: not row["seizures"])
    names = [asked.names.get(row["sha256"], row["alias"]) for row in rows]
    chosen = st.selectbox(
        "Recording", range(len(rows)), format_func=names.__getitem__, key="mechanism-trace"
    )
    row = rows[int(chosen or 0)]
    chart(
        charts.altered_trace(row, result["threshold"], ALTERED),
        key="altered-trace",
        alt="Probability of the recording by the model and by the altered model",
    )
    lines = [_of_all(rows, key) for key in ("model", ALTERED)] if len(rows) > 1 else []
    lines += [
        {
            "recording": name,
            "by": key,
            "seizures found": f"{one[key]['tp']} of {one[key]['n_ref']}",
            "false alarms": one[key]["fp"],
            "false alarms per 24 h": _number(one[key]["fp_per_24h"], 1),
        }
        for name, one in zip(names, rows, strict=True)
        for key in ("model", ALTERED)
    ]
    st.dataframe(lines, hide_index=True, width="stretch", height=min(36 * (len(lines) + 1), 260))


def _of_all(rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    """Sum the events of all recordings; false alarms go by their whole length."""
    days = sum(row["duration_s"] for row in rows) / 86_400
    n_false = sum(row[key]["fp"] for row in rows)
    return {
        "recording": f"all {len(rows)} recordings, {24 * days:.1f} h",
        "by": key,
        "seizures found": f"{sum(row[key]['tp'] for row in rows)} of "
        f"{sum(row[key]['n_ref'] for row in rows)}",
        "false alarms": n_false,
        "false alarms per 24 h": _number(n_false / days if days else None, 1),
    }


def _percentile(value: float | None) -> str:
    return "n/a" if value is None else f"above {value:.0f} %"


def _number(value: float | None, digits: int) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"
