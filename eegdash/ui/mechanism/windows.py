"""Single windows on the page: their EEG, lists of them, and the way to the review page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from eegdash.errors import EegdashError
from eegdash.plotting import mechanism as charts
from eegdash.ui import cache, places
from eegdash.ui.mechanism.results import Asked, chart
from eegdash.ui.text import plain
from eegdash.workflows.mechanism import load_activations
from eegdash.workflows.mechanism_points import points, window_eeg

_BEFORE_S = 2.5  # of EEG before the centre of a window, beside what a jump leaves
_MOST_LISTED = 200


def points_of(asked: Asked) -> dict[str, Any] | None:
    """Return what is known of each window; None, and a word, where activations were removed."""
    found = load_activations(cache.desk(), asked.key)
    if found is None:
        st.warning(
            "The activations were removed to make room on the disk. Reload the page to compute "
            "them again."
        )
        return None
    return points(cache.desk(), found, asked.request.model)


def words_of(asked: Asked, known: Mapping[str, Sequence[Any]], row: int) -> str:
    """Return a line about one window, for this reader's screen."""
    name = asked.names.get(known["sha256"][row], known["alias"][row])
    truth = "seizure" if known["seizure"][row] else "other"
    return (
        f"{plain(name)}, {known['time_s'][row]:.1f} s · {truth} · "
        f"probability {known['probability'][row]:.2f} · {known['verdict'][row]}"
    )


def show_window(
    asked: Asked, known: Mapping[str, Sequence[Any]], row: int, *, of: str = ""
) -> None:
    """Draw the EEG of one window, with a button that opens it on the review page."""
    left, right = st.columns([6, 2], vertical_alignment="center")
    left.markdown(f"**{words_of(asked, known, row)}**")
    sha256, time_s = str(known["sha256"][row]), float(known["time_s"][row])
    open_button(right, sha256, time_s, key=f"open-{of}-{row}")
    try:
        eeg = window_eeg(
            cache.desk(),
            asked.request.model,
            sha256,
            time_s,
            changed=asked.request.changed,
            seed=asked.request.seed,
        )
    except EegdashError as error:
        st.error(plain(str(error)))
        return
    chart(
        charts.window(eeg),
        key=f"window-{of}-{row}",
        alt=f"Traces and spectrogram around {time_s:.1f} s",
    )
    st.caption(
        f"Input {asked.request.changed.title}. Derivations at the detector's own rate, "
        f"{charts.trace_step_uv(eeg)} µV between two lines, each around its mean, negative up; "
        "below the median power over derivations, dB re 1 µV²/Hz, -20 to 40."
    )


def open_button(
    column: st.delta_generator.DeltaGenerator, sha256: str, time_s: float, *, key: str
) -> None:
    """Offer to open a moment of a recording on the review page."""
    column.button(
        "Open in Review",
        key=key,
        icon=":material/neurology:",
        width="stretch",
        on_click=places.open_at,
        args=(sha256, max(time_s - _BEFORE_S, 0.0)),
    )


def list_windows(asked: Asked, known: Mapping[str, Sequence[Any]], rows: Sequence[int]) -> None:
    """List windows; one that is chosen in the list is shown below."""
    n_seizure = sum(bool(known["seizure"][row]) for row in rows)
    st.markdown(
        f"**{len(rows)} windows**, {n_seizure} of them in seizures. Choose a line to see its EEG."
    )
    listed = list(rows)[:_MOST_LISTED]
    event = st.dataframe(
        [
            {
                "recording": asked.names.get(known["sha256"][row], known["alias"][row]),
                "time, s": round(known["time_s"][row], 1),
                "truth": "seizure" if known["seizure"][row] else "other",
                "probability": round(known["probability"][row], 2),
                "verdict": known["verdict"][row],
            }
            for row in listed
        ],
        hide_index=True,
        width="stretch",
        height=240,
        on_select="rerun",
        selection_mode="single-row",
        key="mechanism-list",
    )
    if len(rows) > _MOST_LISTED:
        st.caption(f"The first {_MOST_LISTED} are listed.")
    marked = event["selection"]["rows"]
    if marked and marked[0] < len(listed):
        show_window(asked, known, listed[marked[0]])
