"""What one server process shares among its sessions: the desk and the job queue."""

from __future__ import annotations

import atexit

import streamlit as st

from eegdash.jobs import JobQueue
from eegdash.settings import Settings
from eegdash.workflows.desk import Desk, open_desk


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """Return the desk of this installation."""
    return open_desk(Settings.from_environment())


@st.cache_resource(show_spinner=False)
def queue() -> JobQueue:
    """Return the queue of background jobs; its worker starts with the first job."""
    jobs = JobQueue()
    atexit.register(jobs.close)
    return jobs
