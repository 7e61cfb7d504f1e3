"""The attribution component: maps drawn, compared and zoomed in the browser.

Python sends facts and addresses, and hears what is shown and that the reader wants to go back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eegdash.ui.scripts import component

STATE, BACK = "state", "back"
_component = component("eeg_attribution", "attribution/attribution.js")


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
