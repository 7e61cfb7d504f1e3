"""A day as a Streamlit user would first write it: Plotly figures, a slider and a button.

Arrays come ready from memory-mapped files (``BENCH_PEER_DAY``), which favours this page.
"""

import os
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

SFREQ = 256
PAGE_S = 10
SPACING_UV = 150.0
TREND_S = 600
STEP_S = 1.5

st.set_page_config(layout="wide")
state = st.session_state  # noqa: TID251 - a page outside the product, with one number to keep


def _next() -> None:
    state["page"] += 1


state.setdefault("page", 0)
folder = Path(os.environ["BENCH_PEER_DAY"])
probability = np.load(folder / "probability.npy", mmap_mode="r")
spectrogram_db = np.load(folder / "spectrogram_db.npy", mmap_mode="r")
signal_uv = np.load(folder / "signal_uv.npy", mmap_mode="r")

st.button("Next", on_click=_next)
threshold = st.slider("Threshold", 0.0, 1.0, 0.5, 0.01)
page = state["page"]

day = go.Figure(go.Scatter(x=4.5 + STEP_S * np.arange(len(probability)), y=probability))
day.add_hline(threshold)
above = np.flatnonzero(np.diff(np.r_[0, probability >= threshold, 0]))
for first, stop in list(zip(above[::2], above[1::2], strict=True))[:100]:
    day.add_vrect(first * STEP_S, stop * STEP_S, opacity=0.3, fillcolor="red", line_width=0)
day.update_layout(title=f"threshold {threshold:.2f}", height=220)
st.plotly_chart(day, width="stretch", key="day")

trend = make_subplots(rows=4, cols=1, shared_xaxes=True)
first = page * PAGE_S
for row in range(4):
    power_db = spectrogram_db[row, :, first : first + TREND_S]
    trend.add_trace(go.Heatmap(z=power_db, zmin=-10, zmax=25, showscale=row == 0), row + 1, 1)
trend.update_layout(title=f"trend {page}", height=300)
st.plotly_chart(trend, width="stretch", key="trend")

sample = page * PAGE_S * SFREQ % (signal_uv.shape[1] - PAGE_S * SFREQ)
page_uv = np.asarray(signal_uv[:, sample : sample + PAGE_S * SFREQ])
time_s = page * PAGE_S + np.arange(page_uv.shape[1]) / SFREQ
figure = go.Figure()
for row, values_uv in enumerate(page_uv):
    shifted_uv = values_uv - SPACING_UV * row
    figure.add_trace(go.Scatter(x=time_s, y=shifted_uv, mode="lines", line={"width": 1}))
figure.update_layout(title=f"page {page}", height=600, showlegend=False)
st.plotly_chart(figure, width="stretch", key="page_figure")
