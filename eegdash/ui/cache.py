"""What one server process shares among its sessions: the desk and the job queue."""

from __future__ import annotations

import atexit
import gc
import importlib
import logging
import threading

import streamlit as st

from eegdash.errors import EegdashError
from eegdash.jobs import JobQueue
from eegdash.labels import LabelBook
from eegdash.settings import Settings
from eegdash.workflows.desk import Desk, open_desk

_LOG = logging.getLogger(__name__)


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


@st.cache_resource(show_spinner=False)
def explainer() -> JobQueue:
    """Return a queue of its own for short questions about a window.

    They take less than a second, and must not wait until a recording of a day is scored.
    """
    jobs = JobQueue()
    atexit.register(jobs.close)
    return jobs


class TableWriter:
    """Regenerates ``labels.csv`` soon after a label; many labels in a row make one table.

    Parameters
    ----------
    store : LabelBook
    after_s : float
        How long to wait for more labels, s.
    """

    def __init__(self, store: LabelBook, *, after_s: float = 5.0) -> None:
        self._store = store
        self._after_s = after_s
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def soon(self) -> None:
        """Write the table within ``after_s`` seconds, unless that is already planned."""
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(self._after_s, self.now)
                self._timer.daemon = True
                self._timer.start()

    def now(self) -> None:
        """Write the table; a failure costs nothing, because the table is only a view."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
        try:
            self._store.write_csv()
        except EegdashError as error:
            _LOG.warning("labels.csv could not be written: %s", type(error).__name__)


@st.cache_resource(show_spinner=False)
def labels_table() -> TableWriter:
    """Return the writer of this installation's ``labels.csv``."""
    return TableWriter(desk().labels)


def warm_up() -> None:
    """Import what the first page of EEG needs, while the reader looks at the list.

    Measured: the first paint after a start took 1.1 s instead of 0.5 s, most of it imports.
    """
    for name in ("scipy.signal", "scipy.fft", "eegdash.scoring"):
        importlib.import_module(name)
    freeze()


def freeze() -> None:
    """Take what is imported by now out of the collector's sight.

    It lives as long as the server, and the collector that runs after every rerun need not walk
    it (measured: 131 ms against 9 ms).
    """
    gc.collect()
    gc.freeze()
