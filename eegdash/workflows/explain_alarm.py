"""The shortcut alarm over a set of windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution import Band
from eegdash.attribution.maps import Progress
from eegdash.attribution.shortcut import FEWEST, ShortcutReport, Sign, shortcut_report
from eegdash.cache import cache_key
from eegdash.detection import UNSCORED
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain import Request, explain
from eegdash.workflows.explain_material import open_material
from eegdash.workflows.explain_windows import CONFIDENT_PM
from eegdash.workflows.library import channel_map, known_hash, mapping_key

_VERSION = 1
_APART = 6  # windows that share no second


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
    """Choose windows of scored recordings: the most confident of each class, not overlapping.

    A seizure is what reaches the model's operating point; the other class is at most
    ``CONFIDENT_PM``. Recordings that were not scored give none.
    """
    found: dict[bool, list[tuple[int, Path, int]]] = {True: [], False: []}
    for path in paths:
        material = open_material(desk, path, model)
        trace = material.trace
        if trace is None:
            continue
        pm = trace.probability_pm
        above = np.flatnonzero((pm >= material.model.threshold_pm) & (pm != UNSCORED))
        below = np.flatnonzero(pm <= min(CONFIDENT_PM, material.model.threshold_pm - 1))
        for seizure, candidates, sign in ((True, above, -1), (False, below, 1)):
            chosen = _apart(candidates, pm, sign, per_class)
            found[seizure] += [(sign * int(pm[i]), path, i) for i in chosen]
    windows = []
    for seizure in (True, False):
        best = sorted(found[seizure], key=lambda item: (item[0], str(item[1]), item[2]))
        windows += [AlarmWindow(path, index, seizure) for _, path, index in best[:per_class]]
    return tuple(windows)


def _apart(
    candidates: NDArray[np.int64], pm: NDArray[np.uint16], sign: int, most: int
) -> list[int]:
    """Choose the most confident windows that do not overlap; closer ones where those are few."""
    order = candidates[np.argsort(sign * pm[candidates].astype(np.int64), kind="stable")]
    for distance in (_APART, _APART // 2, 1):
        chosen: list[int] = []
        for index in order:
            if all(abs(int(index) - other) >= distance for other in chosen):
                chosen.append(int(index))
            if len(chosen) == most:
                break
        if len(chosen) >= min(FEWEST, len(order)):
            return chosen
    return chosen


def shortcut_alarm(
    desk: Desk, windows: Sequence[AlarmWindow], model: str, progress: Progress | None = None
) -> ShortcutReport:
    """Explain each window by Integrated Gradients and look for the signs of a shortcut.

    Maps and report are stored; cancelling is as in ``explain``, and maps that are done are kept.

    Raises
    ------
    AttributionError
        If the set holds no window of the class seizure.
    """
    stored = stored_alarm(desk, windows, model)
    if stored is not None:
        return stored
    maps = []
    for done, window in enumerate(windows):
        maps.append(explain(desk, Request(window.path, model, window.index)).map)
        if progress is not None:
            progress((done + 1) / len(windows))
    report = shortcut_report(maps, [window.seizure for window in windows])
    desk.cache.put_json(_key(desk, windows, model), _as_json(report))
    return report


def stored_alarm(desk: Desk, windows: Sequence[AlarmWindow], model: str) -> ShortcutReport | None:
    """Return a stored result of :func:`shortcut_alarm`, or None."""
    kept = desk.cache.get_json(_key(desk, windows, model))
    if not isinstance(kept, dict):
        return None
    return ShortcutReport(
        signs=tuple(Sign(*sign) for sign in kept["signs"]),
        n_seizure=kept["n_seizure"],
        n_other=kept["n_other"],
        bands=tuple(Band(*band) for band in kept["bands"]),
        regions=tuple(kept["regions"]),
        seizure_profile=np.array(kept["seizure_profile"], dtype=np.float64),
        other_profile=np.array(kept["other_profile"], dtype=np.float64),
    )


def _key(desk: Desk, windows: Sequence[AlarmWindow], model: str) -> str:
    info = desk.model(model)
    hashes = {path: known_hash(desk, path) for path in {window.path for window in windows}}
    rows = [
        [hashes[w.path], mapping_key(channel_map(desk, hashes[w.path])), w.index, w.seizure]
        for w in windows
    ]
    return cache_key("", info.sha256, "explain-alarm", version=_VERSION, windows=rows)


def _as_json(report: ShortcutReport) -> dict[str, Any]:
    return {
        "signs": [list(astuple(sign)) for sign in report.signs],
        "n_seizure": report.n_seizure,
        "n_other": report.n_other,
        "bands": [list(astuple(band)) for band in report.bands],
        "regions": list(report.regions),
        # NaN is no JSON: None reads back as NaN
        "seizure_profile": _nested(report.seizure_profile),
        "other_profile": _nested(report.other_profile),
    }


def _nested(values: NDArray[np.float64]) -> list[Any]:
    cells = values.astype(object)
    cells[~np.isfinite(values)] = None
    found: list[Any] = cells.tolist()
    return found
