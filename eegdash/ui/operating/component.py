"""The operating-point component: all that follows from a threshold, in the browser.

Python sends facts and the address of the tables, and hears what was chosen and what is locked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eegdash.ui.scripts import component

POINTS, LOCK = "points", "lock"
_component = component("eeg_operating_point", "operating/operating.js")


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
