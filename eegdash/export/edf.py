"""Signals and annotations as EDF+ (doi 10.1016/S1388-2457(03)00123-8), through edfio."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Annotation
from eegdash.atomic import replacing
from eegdash.errors import RecordingError

_MAX_ABS_UV = 9_999_999.0  # what eight characters of the header hold
STREAM_STEP_UV = 0.1
"""Step of a file that is written while its signal is made; it holds -3276.8 to 3276.7 uV."""
_TAL_BYTES = 32  # time of a record: +seconds, four marks; 24 characters are plenty


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


def write_edf_stream(
    path: Path,
    blocks: Iterable[NDArray[np.floating[Any]]],
    sfreq: float,
    ch_names: Sequence[str],
    *,
    n_samples: int,
) -> None:
    """Write a continuous EDF+ file of any length from consecutive blocks, in bounded memory.

    Since the range of the signal is not known beforehand, every channel has steps of 0.1 uV, and
    values beyond -3276.8 to 3276.7 uV are clipped as by an amplifier. The file appears whole or
    not at all, and depends on the samples only, not on how they are cut into blocks.

    Parameters
    ----------
    path : Path
    blocks : iterable of ndarray, shape (n_channels, any)
        Microvolt, finite.
    sfreq : float
        Samples per second.
    ch_names : sequence of str
        ASCII, at most 16 characters each.
    n_samples : int
        Samples per channel in all blocks together.

    Raises
    ------
    RecordingError
        If the blocks or the names do not fit the format or the number of samples.
    WorkspaceError
        If the file cannot be written.
    """
    bad = [name for name in ch_names if not (name.isascii() and 0 < len(name) <= 16)]
    if bad or not ch_names or n_samples < 1:
        raise RecordingError(
            f"{path.name} was not written: channels with ASCII names of 1 to 16 characters and at "
            f"least one sample were expected, found {(bad or list(ch_names))[:1]} and {n_samples}."
        )
    duration_s = _record_duration(path, n_samples, sfreq)
    per_record = round(duration_s * sfreq)
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(_stream_header(ch_names, n_samples // per_record, duration_s, per_record))
        written = 0
        rest = np.empty((len(ch_names), 0), dtype=np.int16)
        for block in blocks:
            _check(path, block, ch_names)
            stored = (
                np.concatenate([rest, _quantised(block)], axis=1)
                if rest.size
                else _quantised(block)
            )
            whole = stored.shape[1] // per_record
            _write_records(file, stored[:, : whole * per_record], per_record, written, duration_s)
            written += whole
            rest = stored[:, whole * per_record :]
        if rest.size or written * per_record != n_samples:
            found = written * per_record + rest.shape[1]
            raise RecordingError(
                f"{path.name} was not written: {n_samples} samples were announced, {found} came."
            )


def _quantised(block: NDArray[np.floating[Any]]) -> NDArray[np.int16]:
    steps = np.rint(np.asarray(block, dtype=np.float32) / np.float32(STREAM_STEP_UV))
    return np.asarray(np.clip(steps, -32768, 32767), dtype="<i2")


def _write_records(
    file: BinaryIO,
    stored: NDArray[np.int16],
    per_record: int,
    first: int,
    duration_s: float,
) -> None:
    """Write whole records: the samples channel by channel, then the time of the record."""
    n_channels, n = stored.shape
    if n == 0:
        return
    records = stored.reshape(n_channels, n // per_record, per_record).swapaxes(0, 1)
    samples = np.ascontiguousarray(records).reshape(len(records), -1).view(np.uint8)
    times = b"".join(_time_of((first + k) * duration_s) for k in range(len(records)))
    lists = np.frombuffer(times, dtype=np.uint8).reshape(len(records), _TAL_BYTES)
    file.write(np.concatenate([samples, lists], axis=1).tobytes())


def _time_of(onset_s: float) -> bytes:
    """Time-keeping annotation of a record (EDF+ 2.2.4)."""
    text = f"{onset_s:.7f}".rstrip("0").rstrip(".")
    return f"+{text}\x14\x14\x00".encode("ascii").ljust(_TAL_BYTES, b"\x00")


def _stream_header(
    ch_names: Sequence[str], n_records: int, duration_s: float, per_record: int
) -> bytes:
    """Header of an EDF+C file without patient fields, start unknown (1985-01-01)."""
    signals = len(ch_names) + 1
    length = f"{duration_s:.7f}".rstrip("0").rstrip(".")
    main = (
        ("0", 8), ("X X X X", 80), ("Startdate 01-JAN-1985 X X X", 80), ("01.01.85", 8),
        ("00.00.00", 8), (str(256 * (signals + 1)), 8), ("EDF+C", 44), (str(n_records), 8),
        (length, 8), (str(signals), 4),
    )  # fmt: skip
    low, high = f"{-32768 * STREAM_STEP_UV:.1f}", f"{32767 * STREAM_STEP_UV:.1f}"
    columns = (
        ([*ch_names, "EDF Annotations"], 16),
        ([""] * signals, 80),
        (["uV"] * len(ch_names) + [""], 8),
        ([low] * len(ch_names) + ["-1"], 8),
        ([high] * len(ch_names) + ["1"], 8),
        (["-32768"] * signals, 8),
        (["32767"] * signals, 8),
        ([""] * signals, 80),
        ([str(per_record)] * len(ch_names) + [str(_TAL_BYTES // 2)], 8),
        ([""] * signals, 32),
    )
    text = "".join(value.ljust(width) for value, width in main)
    text += "".join(value.ljust(width) for values, width in columns for value in values)
    return text.encode("ascii")


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
