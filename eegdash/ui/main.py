"""The frame around every page: navigation and the research-use line."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from eegdash.timings import TIMINGS
from eegdash.ui import frame, identity, places

PAGES = Path(__file__).resolve().parents[2] / "pages"

st.set_page_config(page_title="EEG review", page_icon="〰", layout="wide")
page = st.navigation(
    [
        st.Page(PAGES / "recordings.py", title="Recordings", icon=":material/folder_open:"),
        st.Page(PAGES / "review.py", title="Review", icon=":material/neurology:"),
        st.Page(PAGES / "attribution.py", title="Attribution", icon=":material/lightbulb:"),
        st.Page(PAGES / "threshold.py", title="Operating point", icon=":material/tune:"),
        st.Page(PAGES / "report.py", title="Report", icon=":material/description:"),
        st.Page(PAGES / "labels.py", title="Labels", icon=":material/rate_review:"),
        st.Page(PAGES / "models.py", title="Models", icon=":material/model_training:"),
        st.Page(PAGES / "mechanism.py", title="Inside the detector", icon=":material/hub:"),
        # reached from the foot of every page: it is for those who run the server
        st.Page(PAGES / "about.py", title="About this server", visibility="hidden"),
    ],
    position="top",
)
identity.follow_login()
places.drawn(page.url_path or "recordings")
with TIMINGS.measure(f"page: {page.title}", frequent=True):
    page.run()
frame.footer()
