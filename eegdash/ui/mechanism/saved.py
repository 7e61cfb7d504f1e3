"""View of what was saved: three findings in words, and results of two models side by side."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from eegdash.ui import cache
from eegdash.ui.mechanism.results import Asked, peek
from eegdash.ui.session import session
from eegdash.ui.text import plain
from eegdash.workflows.mechanism_saved import (
    Saved,
    comparable,
    compare,
    counterpart,
    figures_of,
    findings,
    saved_results,
)
from eegdash.workflows.mechanism_told import told


def draw(asked: Asked) -> None:
    """Draw the view."""
    _findings(asked)
    st.divider()
    st.markdown("#### Saved results")
    known = saved_results(cache.desk(), reviewer=session().reviewer, blinded=session().blinded)
    if not known:
        st.info(
            "Nothing is saved yet. Each view has a button **Save this result**; what is saved can "
            "be compared here, for example before and after fine-tuning."
        )
        return
    _list(known)
    st.markdown(
        "**Side by side**: choose A, and B is the same analysis of another detector where there "
        "is one, for example before and after teaching."
    )
    _comparison(known)


def _findings(asked: Asked) -> None:
    st.markdown("#### Do three findings of an earlier project hold here?")
    layer = str(
        st.segmented_control(
            "Layer of the ensembles",
            list(asked.layers),
            default=asked.layers[-1],
            required=True,
            key="mechanism-finding-layer",
            persist_state="session",
        )
        or asked.layers[-1]
    )
    results: dict[str, Any] = {}
    for kind, parameters in (
        ("separation", asked.base),
        ("ensembles", {**asked.base, "layer": layer}),
    ):
        found = peek(asked, kind, parameters)
        if found is not None:
            results[kind] = found["result"]
    if "ensembles" in results:
        found = peek(asked, "silencing", _standard(asked, layer, results["ensembles"]))
        if found is not None:
            results["silencing"] = found["result"]
    for finding in findings(results):
        mark = {True: "Yes", False: "No", None: "Open"}[finding.holds]
        icon = {True: "check_circle", False: "cancel", None: "help"}[finding.holds]
        st.markdown(f":material/{icon}: **{mark}.** {finding.claim}")
        st.caption(plain(finding.evidence))
    if len(results) < 3:
        st.caption(
            "Open findings need the views Layers, and Ensembles and silencing in this layer "
            "(seizure ensemble by auc, held at the mean, on the other half)."
        )


def _standard(asked: Asked, layer: str, ensembles: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of the silencing that the finding is about."""
    rows = ensembles["rows"]
    row = next(r for r in rows if (r["method"], r["prefers"]) == ("auc", "seizure"))
    return {
        "layer": layer,
        "units": row["units"],
        "mode": "mean",
        "keep_only": False,
        "n_controls": 100,
        "seed": asked.request.seed,
        "half": "tested",
    }


def _list(known: list[Saved]) -> None:
    st.dataframe(
        [
            {
                "saved (UTC)": one.saved_utc[:16].replace("T", " "),
                "what": one.subject,
                "detector": one.model,
                "input": one.content["provenance"]["input"],
                "what it says": told(one.content),
                "saved by": one.note,
            }
            for one in known
        ],
        hide_index=True,
        width="stretch",
        height=min(36 * (len(known) + 1), 260),
        column_config={"what it says": st.column_config.TextColumn(width="large")},
    )


def _comparison(known: list[Saved]) -> None:
    left, right = st.columns(2)
    first = left.selectbox(
        "A", range(len(known)), format_func=lambda k: known[k].title, key="mechanism-saved-a"
    )
    a = known[int(first or 0)]
    second = right.selectbox(
        "B",
        range(len(known)),
        index=counterpart(known, a),
        format_func=lambda k: known[k].title,
        # for another A another B lies near
        key=f"mechanism-saved-b-{a.path.stem}",
    )
    b = known[int(second or 0)]
    if a is b:
        _one(a)
        return
    warning = comparable(a, b)
    rows = compare(a, b)
    if warning:
        st.warning(warning)
    if rows:
        shown = [{name: str(_rounded(value)) for name, value in row.items()} for row in rows]
        st.dataframe(shown, hide_index=True, width="stretch")
    else:
        st.info("These two have no figure in common.")


def _rounded(value: Any) -> Any:
    """Return a figure with three decimals, and words as they are; n/a where there is none."""
    if value is None:
        return "n/a"
    return round(value, 3) if isinstance(value, float) else value


def _one(saved: Saved) -> None:
    rows = [
        {"figure": name, "value": str(_rounded(value))}
        for name, value in figures_of(saved.content).items()
    ]
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")
    st.markdown(plain(told(saved.content)))
    made_of = saved.content["provenance"]
    st.caption(
        f"{made_of['model']} ({made_of['model_sha256'][:8]}), input {made_of['input']}, "
        f"{len(made_of['recordings'])} recordings, seed {made_of['seed']}, version "
        f"{made_of['version']}."
    )
    st.download_button(
        "Download as JSON",
        json.dumps(saved.content, indent=1),
        file_name=saved.path.name,
        mime="application/json",
        icon=":material/download:",
    )
