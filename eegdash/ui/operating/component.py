"""The operating-point component: all that follows from a threshold, in the browser.

Python sends facts and the address of the tables, and hears what was chosen and what is locked.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from eegdash.ui.operating.routes import scripts, version

POINTS, LOCK = "points", "lock"
_FOLDER = Path(__file__).parent
# The viewer's own desk is not needed here: only what the modules of this component import.
_SHARED = ("axis.js", "canvas.js", "dom.js", "format.js", "settings.js")
_MODULES = [name for name in scripts() if name.startswith("operating/")]
_MODULES += [f"viewer/{name}" for name in _SHARED]
_LOADER = f"""
const load = (name) => import(new URL("/operating/{version()}/" + name, window.location.origin));
{json.dumps(_MODULES)}.forEach(load);
export default function (component) {{
  load("operating/operating.js").then((module) => module.update(component));
}}
"""
_component = st.components.v2.component(
    "eeg_operating_point",
    html='<div class="mount"></div>',
    css=(_FOLDER / "operating.css").read_text(encoding="utf-8"),
    js=_LOADER,
)


def mount(
    *,
    key: str,
    data: dict[str, Any],
    on_points: Callable[[], None],
    on_lock: Callable[[], None],
) -> None:
    """Draw the component; the callbacks read its values by ``key``."""
    _component(
        key=key,
        data=data,
        default={POINTS: None},
        on_points_change=on_points,
        on_lock_change=on_lock,
    )
