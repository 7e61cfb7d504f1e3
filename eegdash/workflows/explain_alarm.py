"""The shortcut alarm over a set of windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eegdash.attribution.maps import Progress
from eegdash.attribution.shortcut import ShortcutReport
from eegdash.workflows.desk import Desk


@dataclass(frozen=True, slots=True)
class AlarmWindow:
    """One window of the set.

    Parameters
    ----------
    path : Path
    index : int
    seizure : bool
        Whether the detector (or the reference, as the caller chose) says seizure.
    """

    path: Path
    index: int
    seizure: bool


def windows_for_alarm(
    desk: Desk, paths: Sequence[Path], model: str, *, per_class: int = 12
) -> tuple[AlarmWindow, ...]:
    """Choose windows of scored recordings: the most confident of each class, spread out."""
    raise NotImplementedError


def shortcut_alarm(
    desk: Desk, windows: Sequence[AlarmWindow], model: str, progress: Progress | None = None
) -> ShortcutReport:
    """Explain each window by Integrated Gradients and look for the signs of a shortcut."""
    raise NotImplementedError


def stored_alarm(desk: Desk, windows: Sequence[AlarmWindow], model: str) -> ShortcutReport | None:
    """Return a stored result of :func:`shortcut_alarm`, or None."""
    raise NotImplementedError
