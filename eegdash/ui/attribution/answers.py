"""What the component is sent of an explanation: a header in JSON and arrays of float32."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution import (
    REGION_TITLES,
    Attribution,
    Band,
    Masses,
    equal_slices,
    physiological_bands,
    regions_of,
)
from eegdash.attribution.digest import digest
from eegdash.attribution.faithfulness import SURVIVES, Checks, Curve, Stability
from eegdash.attribution.shortcut import ShortcutReport
from eegdash.detection import UNSCORED
from eegdash.workflows.explain import Explained, WindowFeatures
from eegdash.workflows.explain_span import SpanMaps
from eegdash.workflows.explain_what_if import Change, MaskedTrace


def packed(header: Mapping[str, Any], arrays: Mapping[str, NDArray[np.floating]]) -> bytes:
    """Return u32 length of the header, the header, then the arrays as little-endian float32.

    Parameters
    ----------
    header : mapping
        JSON values; NaN and infinity become null.
    arrays : mapping of str to ndarray
        Their shapes go into the header, in this order.
    """
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    text = json.dumps({**_finite(header), "arrays": shapes}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    parts = [np.ascontiguousarray(array, dtype="<f4").tobytes() for array in arrays.values()]
    return b"".join([struct.pack("<I", len(text)), text, *parts])


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _finite(value.tolist())
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, np.generic):
        return _finite(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def map_answer(found: Explained) -> bytes:
    """Return what a panel draws of one explanation.

    ``values`` (3, n_channels, n_freqs, n_frames) is the map; without a channel axis n_channels is
    1, without a frequency axis n_freqs is 1. ``power_db`` is the triptych, ``baseline_db`` what
    it is compared with; where the network reads derivations, ``baseline_uv`` (3, n_channels, n) is.
    """
    made, window = found.map, found.window
    arrays: dict[str, NDArray[np.floating]] = {"values": _with_all_axes(made)}
    if window.log_power_db is not None:
        arrays["power_db"] = window.log_power_db
        if found.baseline is not None:
            arrays["baseline_db"] = _decibels(window, found.baseline.values)
    elif found.baseline is not None:
        arrays["baseline_uv"] = found.baseline.values
    header = {
        **_window_facts(window),
        **_map_facts(made),
        "probability": found.probability,
        "baseline": None
        if found.baseline is None
        else {
            "name": found.baseline.name,
            "title": found.baseline.title,
            "note": found.baseline.note,
            "logit": found.baseline.logit,
            "probability": found.baseline.probability,
        },
        "provenance": found.provenance,
    }
    return packed(header, arrays)


def _with_all_axes(made: Attribution) -> NDArray[np.float32]:
    values = made.values if made.has_channels else made.values[:, None]
    return values if made.has_frequency_axis else values[:, :, None]


def _decibels(window: WindowFeatures, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Bring normalised log power to decibels, by what window and features have in common.

    Per frequency both differ by a factor and a constant (the normalisation), which hold for the
    baseline as well; a frequency at which nothing differs within the window keeps its constant.
    """
    assert window.log_power_db is not None
    z = window.features.transpose(2, 0, 1, 3).reshape(window.features.shape[2], -1)
    db = window.log_power_db.transpose(2, 0, 1, 3).reshape(z.shape)
    centred = z - z.mean(axis=1, keepdims=True)
    # the factor is the same at all frequencies
    factor = float((centred * db).sum() / max(float((centred * centred).sum()), 1e-12))
    constant = db.mean(axis=1) - factor * z.mean(axis=1)
    return np.asarray(factor * values + constant[:, None])


def _window_facts(window: WindowFeatures) -> dict[str, Any]:
    regions = regions_of(window.ch_names)
    filled = np.asarray((~window.usable).any(axis=0))
    return {
        "onset_s": window.onset_s,
        "end_s": window.end_s,
        "segment_s": window.segment_s,
        "time_s": window.time_s,
        "ch_names": window.ch_names,
        "freqs_hz": window.freqs_hz,
        "regions": [
            {"name": name, "title": REGION_TITLES.get(name, name), "rows": rows}
            for name, rows in regions.items()
        ],
        "filled": [name for name, bad in zip(window.ch_names, filled, strict=True) if bad],
        "scorable": window.scorable,
        "bands": bands_of(physiological_bands(window.freqs_hz)),
        "slices": bands_of(equal_slices(window.freqs_hz)),
    }


def _map_facts(made: Attribution) -> dict[str, Any]:
    said = digest(made)
    return {
        "method": made.method,
        "placed": made.has_channels,
        "spectral": made.has_frequency_axis,
        "unit": made.unit,
        "logit": made.logit,
        "baseline_logit": made.baseline_logit,
        "native_shape": made.native_shape,
        "completeness_error": made.completeness_error,
        "complete": made.complete,
        "no_positive_evidence": made.no_positive_evidence,
        "positive_mass": made.positive_mass,
        "negative_mass": made.negative_mass,
        "digest": said.sentences,
        "masses": {"physiological": _masses(said.clinical), "slices": _masses(said.slices)},
    }


def bands_of(bands: Sequence[Band]) -> list[list[Any]]:
    """Return bands as [name, low, high], Hz."""
    return [[band.name, band.low_hz, band.high_hz] for band in bands]


def _masses(masses: Masses) -> dict[str, Any]:
    return {
        "bands": bands_of(masses.bands),
        "regions": list(masses.regions),
        "positive": masses.positive,
        "negative": masses.negative,
    }


def checks_answer(checks: Checks) -> bytes:
    """Return insertion, deletion and randomisation, with their curves."""
    return packed(
        {
            "insertion": _curve(checks.insertion),
            "deletion": _curve(checks.deletion),
            "randomisation": {
                **asdict(checks.randomisation),
                "survives": checks.randomisation.survives,
                "limit": SURVIVES,
            },
            "note": checks.note,
        },
        {},
    )


def _curve(curve: Curve | None) -> dict[str, Any] | None:
    return None if curve is None else {**asdict(curve), "beats_random": curve.beats_random}


def stability_answer(found: Stability) -> bytes:
    """Return infidelity and sensitivity-max."""
    return packed(asdict(found), {})


def changes_answer(changes: Sequence[Change]) -> bytes:
    """Return the probability of a window with each mask alone."""
    rows = [{**asdict(change), "title": change.mask.title} for change in changes]
    return packed({"changes": rows}, {})


def trace_answer(found: MaskedTrace) -> bytes:
    """Return the probability along the trace with masks, per mille; -1 is "not scored"."""
    header = {
        "titles": [mask.title for mask in found.masks],
        "first": found.first,
        "baseline": found.baseline,
    }
    scored = np.where(found.after_pm == UNSCORED, -1, found.after_pm.astype(np.int64))
    return packed(header, {"after_pm": scored})


def span_answer(found: SpanMaps) -> bytes:
    """Return the evidence of the windows of a span, (2, n_rows, n); NaN is "not scored"."""
    header = {
        "indices": found.indices,
        "bands": bands_of(found.bands),
        "slices": bands_of(found.slices),
        "regions": [[name, REGION_TITLES.get(name, name)] for name in found.regions],
        "unit": found.unit,
        "step": found.step,
    }
    rows = {"by_band": found.by_band, "by_slice": found.by_slice, "by_region": found.by_region}
    return packed(header, {**rows, "logit": found.logit})


def alarm_answer(report: ShortcutReport) -> bytes:
    """Return the shortcut alarm with its evidence."""
    return packed(
        {
            "raised": report.raised,
            "signs": [asdict(sign) for sign in report.signs],
            "n_seizure": report.n_seizure,
            "n_other": report.n_other,
            "bands": bands_of(report.bands),
            "regions": list(report.regions),
            "seizure_profile": report.seizure_profile,
            "other_profile": report.other_profile,
        },
        {},
    )
