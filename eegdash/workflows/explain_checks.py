"""Checks beside a map: asked for apart, because they take a second or more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution import BASELINES, Attribution, Baseline
from eegdash.attribution.faithfulness import (
    Checks,
    Curve,
    Randomisation,
    Stability,
    insertion_and_deletion,
    randomisation,
    rank_correlation,
)
from eegdash.attribution.maps import Progress
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain import Explained, Request, checked_request, explain, map_key
from eegdash.workflows.explain_material import (
    Material,
    baseline_for,
    chosen_baseline,
    open_material,
)

_CHECKS_VERSION = 2


def check(desk: Desk, request: Request, progress: Progress | None = None) -> Checks:
    """Return insertion, deletion and randomisation of a map, from the cache where it can.

    Takes a second or more when it is not stored. A map without a baseline is tested against the
    usual one, and says so. Cancelling is as in ``explain``.
    """
    stored = stored_checks(desk, request)
    if stored is not None:
        return stored
    case = _opened(desk, request, progress)
    told = _part(progress, 0.3, 0.7)
    insertion, deletion = insertion_and_deletion(
        case.material.detector, case.window, case.baseline, case.found, progress=told
    )
    told = _part(progress, 0.7, 1.0)
    twins = randomisation(
        case.material.detector, case.window, case.baseline, case.found, progress=told
    )
    checks = Checks(insertion, deletion, twins, case.note)
    desk.cache.put_json(_key(desk, request, "explain-checks"), _as_json(checks))
    return checks


def stored_checks(desk: Desk, request: Request) -> Checks | None:
    """Return stored checks, or None; takes milliseconds."""
    kept = desk.cache.get_json(_key(desk, request, "explain-checks"))
    if not isinstance(kept, dict):
        return None
    return Checks(
        _curve_from(kept["insertion"]),
        _curve_from(kept["deletion"]),
        Randomisation(**kept["randomisation"]),
        str(kept["note"]),
    )


def stability(desk: Desk, request: Request, progress: Progress | None = None) -> Stability:
    """Return infidelity and sensitivity-max, on demand (seconds), stored once computed."""
    stored = stored_stability(desk, request)
    if stored is not None:
        return stored
    from eegdash.attribution.stability import stability as computed

    case = _opened(desk, request, progress)
    found = computed(
        case.material.detector,
        case.window,
        case.baseline,
        case.found,
        progress=_part(progress, 0.3, 1.0),
    )
    desk.cache.put_json(_key(desk, request, "explain-stability"), asdict(found))
    return found


def stored_stability(desk: Desk, request: Request) -> Stability | None:
    """Return a stored result of :func:`stability`, or None."""
    kept = desk.cache.get_json(_key(desk, request, "explain-stability"))
    return Stability(**kept) if isinstance(kept, dict) else None


def agreement(panels: Sequence[Explained]) -> NDArray[np.float64]:
    """Return the rank correlation (Spearman) of the shown maps, shape (n, n).

    NaN between maps that have no common grid (a spectrogram's and a raw network's, or of
    different feature sizes). A CAM without a channel axis is compared after the other map's
    derivations were summed. Maps of different windows are compared as well: that says how alike
    the profiles are, not whether methods agree.
    """
    n = len(panels)
    found = np.full((n, n), np.nan)
    for i in range(n):
        for j in range(i, n):
            found[i, j] = found[j, i] = _agreement(panels[i].map, panels[j].map)
    return found


def _agreement(a: Attribution, b: Attribution) -> float:
    first, second = a.values, b.values
    if a.has_channels != b.has_channels:
        first = first.sum(axis=1) if a.has_channels else first
        second = second.sum(axis=1) if b.has_channels else second
    if first.shape != second.shape:
        return float("nan")
    return rank_correlation(first, second)


# ---- what is tested ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """A map with all that testing it needs."""

    material: Material
    window: NDArray[np.float32]
    baseline: Baseline
    found: Attribution
    note: str


def _opened(desk: Desk, request: Request, progress: Progress | None) -> _Case:
    explained = explain(desk, request, _part(progress, 0.0, 0.25))
    material = open_material(desk, request.path, request.model)
    name = chosen_baseline(material.config, explained.request.baseline)
    baseline = baseline_for(
        desk, material, name, explained.window.features, _part(progress, 0.25, 0.3)
    )
    note = "" if explained.request.baseline else f"Tested against: {BASELINES[name].title}."
    return _Case(material, explained.window.features, baseline, explained.map, note)


def _part(progress: Progress | None, first: float, last: float) -> Progress | None:
    return progress and (lambda done: progress(first + (last - first) * done))


def _key(desk: Desk, request: Request, kind: str) -> str:
    material = open_material(desk, request.path, request.model)
    checked = checked_request(material, request)
    tested = chosen_baseline(material.config, checked.baseline)
    return material.key(
        kind,
        map=map_key(material, checked),
        tested=material.baseline_key(tested),
        checks=_CHECKS_VERSION,
    )


def _as_json(checks: Checks) -> dict[str, Any]:
    def curve(found: Curve) -> dict[str, Any]:
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in ((f.name, getattr(found, f.name)) for f in fields(found))
        }

    return {
        "insertion": curve(checks.insertion),
        "deletion": curve(checks.deletion),
        "randomisation": asdict(checks.randomisation),
        "note": checks.note,
    }


def _curve_from(kept: dict[str, Any]) -> Curve:
    values: dict[str, Any] = {
        name: np.array(value) if isinstance(value, list) else value for name, value in kept.items()
    }
    return Curve(**values)
