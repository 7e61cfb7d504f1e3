"""The dashboard: ``streamlit run app.py``. Research use, not for diagnosis."""

import streamlit as st
from starlette.middleware import Middleware

from eegdash.ui.attribution.routes import ROUTES as ATTRIBUTION
from eegdash.ui.lifespan import lifespan
from eegdash.ui.security import AllowedHosts, SecurityHeaders
from eegdash.ui.tiles import ROUTES

app = st.App(
    "eegdash/ui/main.py",
    routes=[*ROUTES, *ATTRIBUTION],
    middleware=[Middleware(SecurityHeaders), Middleware(AllowedHosts)],
    lifespan=lifespan,
)
