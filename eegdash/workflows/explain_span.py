"""Why a detection, a label or a hand-marked span: its windows one after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution import Attribution, Band, equal_slices, physiological_bands
from eegdash.attribution.maps import Progress
from eegdash.detection import UNSCORED
from eegdash.errors import AttributionError
from eegdash.report.json_values import json_values
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain import Request, checked_request, explain
from eegdash.workflows.explain_material import Material, checked_index, open_material

MOST_WINDOWS = 48
"""Of a longer span every second, third ... window is explained: 48 steps of 1.5 s are 72 s."""
_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class SpanMaps:
    """Evidence of the windows of a span, each by band and by region.

    Parameters
    ----------
    indices : ndarray of int64, shape (n,)
        Windows on the grid of the trace.
    logit : ndarray of float64, shape (n,)
        NaN where a window was not scored; so are its other values.
    bands, slices : tuple of Band
    regions : tuple of str
    by_band, by_slice, by_region : ndarray of float64, shape (2, n_rows, n)
        Mass for and against a seizure, both as magnitudes, in the map's unit.
    unit : str
    step : int
        How many steps of the grid lie between two of the windows.
    """

    indices: NDArray[np.int64]
    logit: NDArray[np.float64]
    bands: tuple[Band, ...]
    slices: tuple[Band, ...]
    regions: tuple[str, ...]
    by_band: NDArray[np.float64]
    by_slice: NDArray[np.float64]
    by_region: NDArray[np.float64]
    unit: str
    step: int


def windows_between(first: int, last: int) -> NDArray[np.int64]:
    """Return the windows from ``first`` to ``last``, evenly thinned to :data:`MOST_WINDOWS`."""
    step = -(-(last - first + 1) // MOST_WINDOWS)
    return np.arange(first, last + 1, step, dtype=np.int64)


def explain_span(
    desk: Desk, request: Request, last: int, progress: Progress | None = None
) -> SpanMaps:
    """Explain the windows from ``request.index`` to ``last`` by one method.

    The map of every window is kept, so that choosing one shows it at once; what is already known
    is not computed again, also after a cancellation.

    Raises
    ------
    AttributionError
        If the method does not fit, or none of the windows was scored.
    """
    stored = stored_span(desk, request, last)
    if stored is not None:
        return stored
    material, request = _opened(desk, request, last)
    indices = windows_between(request.index, last)
    maps: list[Attribution | None] = []
    for done, index in enumerate(indices):
        maps.append(_map(desk, material, replace(request, index=int(index))))
        if progress is not None:
            progress((done + 1) / len(indices))
    found = _joined(indices, maps)
    desk.cache.put_json(_key(material, request, last), _as_json(found))
    return found


def stored_span(desk: Desk, request: Request, last: int) -> SpanMaps | None:
    """Return a stored result of :func:`explain_span`, or None; takes milliseconds."""
    material, request = _opened(desk, request, last)
    kept = desk.cache.get_json(_key(material, request, last))
    return _from_json(kept) if isinstance(kept, dict) else None


def _opened(desk: Desk, request: Request, last: int) -> tuple[Material, Request]:
    material = open_material(desk, request.path, request.model)
    checked_index(material, request.index)
    checked_index(material, last)
    if last < request.index:
        raise AttributionError("The span ends before it begins. Choose another one.")
    return material, checked_request(material, request)


def _map(desk: Desk, material: Material, request: Request) -> Attribution | None:
    """Return the map of a window, None where it was not scored."""
    trace = material.trace
    if trace is not None and trace.probability_pm[request.index] == UNSCORED:
        return None
    return explain(desk, request).map


def _joined(indices: NDArray[np.int64], maps: Sequence[Attribution | None]) -> SpanMaps:
    first = next((found for found in maps if found is not None), None)
    if first is None:
        raise AttributionError(
            "No window of this span was scored: it lies in a gap, or too many derivations are flat "
            "or saturated. Choose another span."
        )
    bands = first.masses(physiological_bands(first.freqs_hz)).bands
    slices = first.masses(equal_slices(first.freqs_hz[first.freqs_hz > 0])).bands
    regions = first.masses(bands).regions
    return SpanMaps(
        indices=indices,
        logit=np.array([np.nan if found is None else found.logit for found in maps]),
        bands=bands,
        slices=slices,
        regions=regions,
        by_band=_masses(maps, bands, len(bands), axis=1),
        by_slice=_masses(maps, slices, len(slices), axis=1),
        by_region=_masses(maps, bands, len(regions), axis=0),
        unit=first.unit,
        step=int(indices[1] - indices[0]) if len(indices) > 1 else 1,
    )


def _masses(
    maps: Sequence[Attribution | None], bands: Sequence[Band], n_rows: int, *, axis: int
) -> NDArray[np.float64]:
    """Return (2, n_rows, n): masses summed over regions (axis 1) or over bands (axis 0)."""
    found = np.full((2, n_rows, len(maps)), np.nan)
    for place, one in enumerate(maps):
        if one is not None:
            masses = one.masses(bands)
            found[0, :, place] = masses.positive.sum(axis=axis)
            found[1, :, place] = masses.negative.sum(axis=axis)
    return found


# ---- stored --------------------------------------------------------------------------------

_ROWS = ("by_band", "by_slice", "by_region")
_BANDS = ("bands", "slices")


def _key(material: Material, request: Request, last: int) -> str:
    return material.key(
        "explain-span",
        first=request.index,
        last=last,
        method=request.method,
        baseline=material.baseline_key(request.baseline),
        settings=_VERSION,
    )


def _as_json(found: SpanMaps) -> dict[str, Any]:
    # what is undefined or without end is null, and reads back as such
    values: dict[str, Any] = json_values(found)
    bands = {name: [list(astuple(band)) for band in getattr(found, name)] for name in _BANDS}
    return {**values, **json_values(bands)}


def _from_json(kept: dict[str, Any]) -> SpanMaps:
    values = dict(kept)
    for name in ("logit", *_ROWS):
        values[name] = np.array(values[name], dtype=np.float64)
    values["indices"] = np.array(values["indices"], dtype=np.int64)
    values["regions"] = tuple(values["regions"])
    for name in _BANDS:
        values[name] = tuple(
            Band(title, low, math.inf if high is None else high) for title, low, high in kept[name]
        )
    return SpanMaps(**values)
