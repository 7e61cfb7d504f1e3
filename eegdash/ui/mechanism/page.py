"""The page "Inside the detector": what is looked at, and its views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import EegdashError
from eegdash.mechanism.layers import SUMMARIES
from eegdash.mechanism.perturbation import Perturbation
from eegdash.ui import cache, frame, places
from eegdash.ui.choices import choose_model, choose_recordings, chosen_model, left_out
from eegdash.ui.mechanism import causal, inputs, representation, saved, single_units
from eegdash.ui.mechanism.results import Asked, result_of
from eegdash.ui.session import session
from eegdash.ui.text import plain
from eegdash.workflows.mechanism import load_activations
from eegdash.workflows.mechanism_windows import (
    PERSON,
    RECORDING,
    ActivationRequest,
)
from eegdash.workflows.reference_sets import WITHHELD, Candidate, known_recordings

_INPUTS: dict[str, Perturbation] = {
    "as recorded": Perturbation(),
    "filtered 1 to 30 Hz": Perturbation("band-pass", 1.0, 30.0),
    "without 4 to 8 Hz (theta)": Perturbation("band-stop", 4.0, 8.0),
    "phases randomised": Perturbation("phases"),
    "time reversed": Perturbation("reversed"),
    "derivations permuted": Perturbation("permuted"),
}
_VIEWS = {
    "Layers": representation.draw_layers,
    "Map of windows": representation.draw_picture,
    "Sparsity and overlap": representation.draw_structure,
    "Units": single_units.draw,
    "Ensembles and silencing": causal.draw,
    "Changed input": inputs.draw,
    "Saved and findings": saved.draw,
}
_RECORDINGS = "../../pages/recordings.py"


def draw() -> None:
    """Draw the page."""
    places.follow()
    frame.header("**Inside the detector**")
    desk = cache.desk()
    models = desk.models()
    model = chosen_model(models)
    if model is None:
        st.warning("There is no detector in this installation, so there is nothing to look into.")
        return
    known = known_recordings(desk, reviewer=session().reviewer, blinded=session().blinded)
    usable = [source for source in known if not source.why_not]
    if not usable:
        _nothing(known)
        return
    asked = _toolbar(models, model, known, usable)
    if asked is None:
        return
    read = result_of(
        asked,
        "overview",
        {},
        does="Look inside",
        wait="The windows are read once and the answers of all units kept; it takes about ten "
        "seconds for 400 windows.",
        again=load_activations(desk, asked.key) is None,
    )
    if read is None:
        return
    asked = replace(asked, layers=tuple(read["provenance"]["layers"]))
    view = st.segmented_control(
        "View",
        list(_VIEWS),
        default="Layers",
        required=True,
        key="mechanism-view",
        persist_state="session",
        label_visibility="collapsed",
    )
    try:
        _VIEWS[str(view or "Layers")](asked)
    except EegdashError as error:
        st.error(plain(str(error)))


def _nothing(known: Sequence[Candidate]) -> None:
    if any(source.why_not == WITHHELD for source in known):
        st.info(
            "You read blinded: what the detector makes of these recordings is withheld until you "
            "commit your first read of them on the page Review."
        )
        st.page_link("../../pages/review.py", label="Go to Review")
        return
    st.info(
        "To see how a detector tells seizures from the rest, it takes recordings whose seizures "
        "are known. Put an events file beside a recording (NAME\\_events.tsv for NAME.edf, "
        "SzCORE), then come back."
    )
    st.page_link(_RECORDINGS, label="Go to Recordings")


def _toolbar(
    models: Sequence[CheckpointInfo],
    model: CheckpointInfo,
    known: Sequence[Candidate],
    usable: Sequence[Candidate],
) -> Asked | None:
    left, middle, right = st.columns([5, 4, 2], vertical_alignment="bottom")
    choose_model(middle, models, model)
    names = {source.sha256: source.path.name for source in usable}
    _, chosen = choose_recordings(
        left,
        usable,
        key="mechanism-set",
        help="Recordings with a reference. Half of the windows that are drawn from them lie in "
        "seizures; persons and recordings take part evenly.",
    )
    with right.popover("Options", icon=":material/tune:", width="stretch"):
        changed, n_windows, by, summary, seed, untrained = _options()
    _said(known, chosen, changed, n_windows, by, untrained)
    try:
        request = ActivationRequest(
            model,
            tuple(source.path for source in chosen),
            n_windows,
            _INPUTS[changed],
            by,
            seed,
            untrained,
        )
        return Asked(request, request.key(cache.desk()), summary, names)
    except (EegdashError, OSError) as error:
        words = str(error) if isinstance(error, EegdashError) else "A file is gone. Reload."
        st.error(plain(words))
        return None


def _options() -> tuple[str, int, str, str, int, bool]:
    n_windows = st.select_slider(
        "Windows, at most",
        [100, 200, 400, 600, 1000, 2000],
        value=400,
        key="mechanism-windows",
        persist_state="session",
        help="9 s each, half of them in seizures as far as there are enough.",
    )
    changed = st.selectbox("Input", list(_INPUTS), key="mechanism-input", persist_state="session")
    by = st.segmented_control(
        "Kept together in cross-validation",
        [PERSON, RECORDING],
        default=PERSON,
        required=True,
        key="mechanism-by",
        persist_state="session",
        help="Windows of one person are alike. Where nobody says who was recorded, each "
        "recording counts as a person.",
    )
    summary = st.segmented_control(
        "One number per unit and window",
        list(SUMMARIES),
        default="mean",
        required=True,
        key="mechanism-summary",
        persist_state="session",
        help=". ".join(f"{k}: {v}" for k, v in SUMMARIES.items()) + ".",
    )
    seed = st.number_input(
        "Seed of everything drawn", 0, 9999, 0, key="mechanism-seed", persist_state="session"
    )
    untrained = st.toggle(
        "Same network, random weights",
        key="mechanism-untrained",
        persist_state="session",
        help="What an untrained network of this kind does, for comparison.",
    )
    return (
        str(changed),
        int(n_windows),
        str(by or PERSON),
        str(summary or "mean"),
        int(seed),
        untrained,
    )


def _said(
    known: Sequence[Candidate],
    chosen: Sequence[Candidate],
    changed: str,
    n_windows: int,
    by: str,
    untrained: bool,
) -> None:
    """Say what is looked at, and what is not."""
    persons = len({source.person_key for source in chosen})
    words = [
        f"{len(chosen)} recordings of {persons} {'person' if persons == 1 else 'persons'}",
        f"{sum(source.n_seizures for source in chosen)} seizures",
        f"at most {n_windows} windows, grouped by {by}",
        f"input {changed}",
    ]
    if untrained:
        words.append("**random weights: not the detector**")
    if left_out(known):
        words.append(f"not among them: {left_out(known)}")
    st.caption(" · ".join(words))
