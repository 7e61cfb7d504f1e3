"""The attribution component: maps drawn, compared and zoomed in the browser.

Python sends facts and addresses, and hears what is shown and that the reader wants to go back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from eegdash.ui.attribution.routes import scripts, version

STATE, BACK = "state", "back"
_FOLDER = Path(__file__).parent
# what the modules of this component import of the viewer, and what those import
_SHARED = (
    "axis.js",
    "canvas.js",
    "colours.js",
    "dom.js",
    "edges.js",
    "envelope.js",
    "events.js",
    "format.js",
    "settings.js",
    "tiles.js",
)
_MODULES = [name for name in scripts() if name.startswith("attribution/")]
_MODULES += [f"viewer/{name}" for name in _SHARED]
_CODE = f"/attribution-code/{version()}/"
_LOADER = f"""
const load = (name) => import(new URL("{_CODE}" + name, window.location.origin));
{json.dumps(_MODULES)}.forEach(load);
export default function (component) {{
  load("attribution/attribution.js").then((module) => module.update(component));
}}
"""
_component = st.components.v2.component(
    "eeg_attribution",
    html='<div class="mount"></div>',
    css=(_FOLDER / "attribution.css").read_text(encoding="utf-8"),
    js=_LOADER,
)


def mount(
    *,
    key: str,
    data: dict[str, Any],
    on_state: Callable[[], None],
    on_back: Callable[[], None],
) -> None:
    """Draw the component; the callbacks read its values by ``key``."""
    _component(
        key=key,
        data=data,
        default={STATE: None},
        on_state_change=on_state,
        on_back_change=on_back,
    )
