"""The emptiest Streamlit page: what a load costs before any dashboard is there."""

import streamlit as st

st.write("nothing here")
