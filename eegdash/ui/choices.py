"""Choices that several pages offer alike: the detector, and a set of recordings."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from eegdash.checkpoints import CheckpointInfo
from eegdash.ui.session import session
from eegdash.workflows.reference_sets import Candidate, sets_of

ALL = "all"


def chosen_model(models: Sequence[CheckpointInfo]) -> CheckpointInfo | None:
    """Return the detector that the reader chose, or the default."""
    for info in models:
        if info.name == session().model:
            return info
    return models[0] if models else None


def model_title(info: CheckpointInfo) -> str:
    """Return a detector's title and the beginning of its hash."""
    return f"{info.title or info.name} ({info.sha256[:8]})"


def choose_model(
    column: DeltaGenerator,
    models: Sequence[CheckpointInfo],
    model: CheckpointInfo,
    *,
    help: str | None = None,
) -> None:
    """Offer the detectors; another choice begins the page anew, for all below follows it."""
    titles = {info.name: model_title(info) for info in models}
    session().model = column.selectbox(
        "Detector",
        list(titles),
        index=list(titles).index(model.name),
        format_func=titles.__getitem__,
        help=help,
    )
    if session().model != model.name:
        st.rerun()


def choose_recordings(
    column: DeltaGenerator, usable: Sequence[Candidate], *, key: str, help: str | None = None
) -> tuple[str, tuple[Candidate, ...]]:
    """Offer all, folders, persons and single recordings; return the name of the set, and the set.

    Parameters
    ----------
    column : DeltaGenerator
    usable : sequence of Candidate
        At least one.
    key : str
        Of the widget.
    help : str, optional
    """
    sets = sets_of(usable)
    picked = str(
        column.selectbox(
            "Recordings",
            list(sets),
            key=key,
            format_func=lambda name: _with_number(name, sets[name]),
            persist_state="session",
            help=help,
        )
    )
    name = picked if picked in sets else ALL
    return set_title(name, sets[name]), sets[name]


def set_title(name: str, members: Sequence[Candidate]) -> str:
    """Return the words for a set of :func:`~eegdash.workflows.reference_sets.sets_of`."""
    kind, _, rest = name.partition(":")
    if len(members) == 1:
        return members[0].path.name
    if kind == ALL:
        return "All recordings with a reference"
    return f"{'Person' if kind == 'person' else 'Folder'} {rest}"


def _with_number(name: str, members: Sequence[Candidate]) -> str:
    title = set_title(name, members)
    return title if len(members) == 1 else f"{title} ({len(members)})"


def left_out(known: Sequence[Candidate]) -> str:
    """Say how many recordings cannot be used, and why; empty where all can."""
    counts: dict[str, int] = {}
    for candidate in known:
        if candidate.why_not:
            counts[candidate.why_not] = counts.get(candidate.why_not, 0) + 1
    return "; ".join(f"{n} {why}" for why, n in counts.items())
