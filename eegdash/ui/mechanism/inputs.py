"""View of changed input: what the probability depends on."""

from __future__ import annotations

import streamlit as st

from eegdash.plotting import mechanism as charts
from eegdash.ui.mechanism.results import Asked, chart, figure_words, result_of, save_button, say


def draw(asked: Asked) -> None:
    """Draw the view."""
    st.markdown(
        "**What of the EEG does the probability depend on?** The same windows are shown to the "
        "detector filtered, scaled, reversed, with derivations swapped, or with the phases of "
        "their waves drawn anew (same spectrum, other shapes)."
    )
    found = result_of(
        asked,
        "perturbation",
        asked.base,
        does="Try them",
        wait="It takes about half a minute.",
    )
    if found is None:
        return
    result = found["result"]
    say(found)
    left, right = st.columns([6, 5])
    with left:
        chart(
            charts.perturbations(result),
            key="perturbations",
            alt="Mean probability of both classes for each change of the input",
        )
    with right:
        st.dataframe(
            [
                {
                    "input": row["title"],
                    "change in seizures (95 %)": figure_words(row["seizure_change"]),
                    "change elsewhere (95 %)": figure_words(row["other_change"]),
                }
                for row in result["rows"][1:]
            ],
            hide_index=True,
            width="stretch",
            height=490,
        )
    st.caption(
        f"{result['n_seizure']} seizure and {result['n_other']} other windows; mean probability, "
        "intervals resample groups. Windows at the edge of what a detector was trained on (only "
        "one band) tell what it does there, not what it does on EEG."
    )
    save_button(found)
