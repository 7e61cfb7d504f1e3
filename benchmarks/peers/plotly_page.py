"""The raw page as a Streamlit user would first write it: ``st.plotly_chart`` and a button.

The signal comes ready from a memory-mapped array, unfiltered, which favours this page.
"""

import os
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st

SFREQ = 256
PAGE_S = 10
SPACING_UV = 150.0

st.set_page_config(layout="wide")
state = st.session_state  # noqa: TID251 - a page outside the product, with one number to keep


def _next() -> None:
    state["page"] += 1


state.setdefault("page", 0)
st.button("Next", on_click=_next)
signal_uv = np.load(Path(os.environ["BENCH_PEER_SIGNAL"]), mmap_mode="r")
first = state["page"] * PAGE_S * SFREQ
page_uv = np.asarray(signal_uv[:, first : first + PAGE_S * SFREQ])
time_s = (first + np.arange(page_uv.shape[1])) / SFREQ
figure = go.Figure()
for row, values_uv in enumerate(page_uv):
    shifted_uv = values_uv - SPACING_UV * row
    figure.add_trace(go.Scatter(x=time_s, y=shifted_uv, mode="lines", line={"width": 1}))
figure.update_layout(title=f"page {state['page']}", height=600, showlegend=False)
st.plotly_chart(figure, width="stretch", key="page_figure")
