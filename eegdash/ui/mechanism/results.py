"""Results on the page: drawn where they are there, else computed as a job with progress."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from eegdash.errors import EegdashError
from eegdash.jobs import Job
from eegdash.ui import cache
from eegdash.ui.recordings import cancel
from eegdash.ui.session import session
from eegdash.ui.text import plain
from eegdash.workflows.mechanism import stored_result
from eegdash.workflows.mechanism_saved import save_result
from eegdash.workflows.mechanism_told import told
from eegdash.workflows.mechanism_windows import ActivationRequest

TASK = "mechanism"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader chose at the top of the page.

    Parameters
    ----------
    request : ActivationRequest
    key : str
        Of the activations.
    summary : str
        How the answers of one unit become one number.
    names : mapping of str to str
        File name of each recording by hash, for this reader's screen.
    layers : tuple of str
        Known once the activations are there.
    """

    request: ActivationRequest
    key: str
    summary: str
    names: Mapping[str, str]
    layers: tuple[str, ...] = ()

    @property
    def base(self) -> dict[str, Any]:
        """Parameters that every analysis has."""
        return {"summary": self.summary, "seed": self.request.seed}


def result_of(
    asked: Asked,
    kind: str,
    parameters: Mapping[str, Any],
    *,
    does: str,
    wait: str,
    again: bool = False,
) -> dict[str, Any] | None:
    """Return a result, or draw the button that computes it, or its progress.

    Parameters
    ----------
    asked : Asked
    kind : str
    parameters : mapping
    does : str
        What the button says.
    wait : str
        How long it takes, in words.
    again : bool
        What it rests on is gone, so that it has to be computed again.
    """
    found = stored_result(cache.desk(), asked.key, kind, parameters)
    if found is not None and not again:
        return found
    job = cache.queue().latest(TASK, _subject(asked, kind, parameters))
    polled = job is not None and job.active
    fragment = st.fragment(_waiting, run_every=1.0 if polled else None)
    fragment(asked, kind, dict(parameters), does, wait, polled)
    return None


def peek(asked: Asked, kind: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a result where it is there already."""
    return stored_result(cache.desk(), asked.key, kind, parameters)


def _subject(asked: Asked, kind: str, parameters: Mapping[str, Any]) -> str:
    text = json.dumps([asked.key, kind, parameters], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _waiting(
    asked: Asked, kind: str, parameters: dict[str, Any], does: str, wait: str, polled: bool
) -> None:
    job = cache.queue().latest(TASK, _subject(asked, kind, parameters))
    if polled != (job is not None and job.active):
        st.rerun()  # it began or ended: the page follows
    left, right = st.columns([6, 1.4], vertical_alignment="center")
    if job is not None and job.active:
        words = "Computing …" if job.state == "running" else "Waiting for other jobs …"
        left.progress(job.progress, words)
        right.button(
            "Cancel", key=f"cancel-{kind}", on_click=cancel, args=(job.id,), width="stretch"
        )
        return
    _ended(left, job, wait)
    right.button(
        does,
        key=f"compute-{kind}",
        type="primary",
        on_click=_submit,
        args=(asked, kind, parameters),
        width="stretch",
    )


def _ended(column: st.delta_generator.DeltaGenerator, job: Job | None, wait: str) -> None:
    if job is not None and job.state == "failed":
        column.error(plain(job.message))
    elif job is not None and job.state == "done":
        column.warning("The result was removed from the cache to make room. Compute it again.")
    else:
        column.info(f"Not computed yet for these choices. {wait}")


def _submit(asked: Asked, kind: str, parameters: dict[str, Any]) -> None:
    arguments = {
        "request": asked.request.as_arguments(),
        "model_sha256": asked.request.model.sha256,
        "kind": kind,
        "parameters": parameters,
    }
    cache.queue().submit(TASK, _subject(asked, kind, parameters), arguments)


def say(content: Mapping[str, Any]) -> None:
    """Say in words what a result shows, above its figures."""
    st.markdown(f":material/lightbulb: {plain(told(content))}")


def chart(
    figure: dict[str, Any], *, key: str, alt: str, on_select: Callable[[], None] | None = None
) -> None:
    """Draw a Plotly figure in the page's theme.

    Parameters
    ----------
    figure : dict
    key : str
    alt : str
        What it shows, for who does not see it.
    on_select : callable, optional
        Called when points are clicked or drawn around.
    """
    config = {"displaylogo": False}
    if on_select is None:
        st.plotly_chart(figure, key=key, alt=alt, config=config)
    else:
        st.plotly_chart(
            figure,
            key=key,
            alt=alt,
            config=config,
            on_select=on_select,
            selection_mode=("points", "box", "lasso"),
        )


def save_button(content: Mapping[str, Any]) -> None:
    """Offer to keep a result among the reports."""
    kind = str(content["kind"])
    st.button(
        "Save this result",
        key=f"save-{kind}",
        icon=":material/save:",
        on_click=_save,
        args=(content,),
        help="Kept in the folder reports/mechanism of the workspace, with all parameters, for "
        "comparison and for the report. It holds no file names.",
    )


def _save(content: Mapping[str, Any]) -> None:
    try:
        path = save_result(cache.desk(), content, note=session().reviewer)
    except (EegdashError, OSError) as error:
        st.toast(f"NOT saved: {plain(str(error))}", icon=":material/error:")
    else:
        st.toast(f"Saved as {plain(path.name)}.", icon=":material/check:")


def figure_words(values: Mapping[str, Any], digits: int = 2) -> str:
    """Return a figure with its interval in words."""
    if values["value"] is None:
        return "n/a"
    # adding 0 makes -0.00 a plain 0.00
    value, low, high = (
        None if values[k] is None else f"{round(values[k], digits) + 0.0:.{digits}f}"
        for k in ("value", "low", "high")
    )
    return f"{value}" if low is None else f"{value} ({low} to {high})"
