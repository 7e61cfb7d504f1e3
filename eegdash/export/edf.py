"""Signals and annotations as EDF+ (doi 10.1016/S1388-2457(03)00123-8), through edfio."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Annotation
from eegdash.errors import RecordingError
from eegdash.export.atomic import replacing

_MAX_ABS_UV = 9_999_999.0  # what eight characters of the header hold


def write_edf(
    path: Path,
    signal_uv: NDArray[np.floating[Any]],
    sfreq: float,
    ch_names: Sequence[str],
    *,
    annotations: Sequence[Annotation] = (),
    start: datetime | None = None,
) -> None:
    """Write a continuous EDF+ file without any patient field.

    Every channel is quantised to 16 bit over its own range, at least +-1 uV; the largest
    error is half a step, (max - min) / 65535 / 2.

    Parameters
    ----------
    path : Path
    signal_uv : ndarray, shape (n_channels, n_samples)
        Microvolt, finite.
    sfreq : float
        Samples per second.
    ch_names : sequence of str
        ASCII, at most 16 characters each.
    annotations : sequence of Annotation
        Written with their text, or else their event type.
    start : datetime or None
        Clock time of the first sample, with fraction; None writes 1985-01-01, EDF's unknown.

    Raises
    ------
    RecordingError
        If the signal or the names do not fit the format.
    WorkspaceError
        If the file cannot be written.
    """
    _check(path, signal_uv, ch_names)
    import edfio

    try:
        signals = [
            edfio.EdfSignal(
                np.asarray(row, dtype=np.float64),
                sfreq,
                label=name,
                physical_dimension="uV",
                physical_range=_range(row),
            )
            for row, name in zip(signal_uv, ch_names, strict=True)
        ]
        notes = [
            edfio.EdfAnnotation(a.onset_s, a.duration_s or None, a.text or a.event_type)
            for a in annotations
        ]
        edf = edfio.Edf(
            signals,
            data_record_duration=_record_duration(path, signal_uv.shape[1], sfreq),
            recording=edfio.Recording(startdate=start.date() if start else None),
            starttime=start.time() if start else None,
            annotations=notes,
        )
    except ValueError as error:
        raise RecordingError(f"{path.name} was not written: {error}.") from error
    with replacing(path) as temporary:
        edf.write(temporary)


def _check(path: Path, signal_uv: NDArray[np.floating[Any]], ch_names: Sequence[str]) -> None:
    if signal_uv.ndim != 2 or signal_uv.shape[0] != len(ch_names) or not signal_uv.size:
        raise RecordingError(
            f"{path.name} was not written: a signal of shape (channels, samples) with one name "
            f"per channel was expected, found {signal_uv.shape} and {len(ch_names)} names."
        )
    if not np.isfinite(signal_uv).all() or np.abs(signal_uv).max() > _MAX_ABS_UV:
        raise RecordingError(
            f"{path.name} was not written: EDF holds finite values up to {_MAX_ABS_UV:g} uV. "
            "Leave out gaps and unusable channels first."
        )


def _range(row: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Physical range as whole microvolt, so that the header's eight characters are exact."""
    low, high = float(np.floor(row.min())), float(np.ceil(row.max()))
    return (low, high) if low < high else (low - 1, high + 1)


def _record_duration(path: Path, n_samples: int, sfreq: float) -> float:
    """Seconds per data record: 1 s where that divides the signal, else the longest that does.

    A file holds whole records only, and the header has eight characters for their duration.
    """
    most = max(min(n_samples, round(sfreq)), 1)
    for samples in range(most, 0, -1):
        duration_s = samples / sfreq
        text = f"{duration_s:.7f}".rstrip("0").rstrip(".")
        if n_samples % samples == 0 and len(text) <= 8 and float(text) == duration_s:
            return duration_s
    raise RecordingError(
        f"{path.name} was not written: {n_samples} samples at {sfreq:g} Hz are no whole number of "
        "EDF records. Cut the signal to whole seconds."
    )
