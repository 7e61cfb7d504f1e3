"""The recordings to measure on: simulated, 30 min as shipped, 1 h and 24 h as CHB-MIT has them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from benchmarks.figures import BenchmarkError

HOURS_OF_DAY = 24
SEED = 20
_SEIZURES_AN_HOUR = 2
_DAY_BYTES = 1 << 30
_SPARE_BYTES = 2 << 30
_RANGE_UV = 3200.0

# anode, cathode; the lateral ring of CHB-MIT has two electrodes that the simulator lacks
_CHB_MIT = """
FP1-F7 F7-T7 T7-P7 P7-O1 FP1-F3 F3-C3 C3-P3 P3-O1 FP2-F4 F4-C4 C4-P4 P4-O2
FP2-F8 F8-T8 T8-P8 P8-O2 FZ-CZ CZ-PZ P7-T7 T7-FT9 FT9-FT10 FT10-T8 T8-P8
""".split()
_BETWEEN = {"FT9": ("F7", "T7"), "FT10": ("F8", "T8")}


def write_hour(path: Path) -> None:
    """Write 1 h of 23 bipolar channels at 256 Hz with the names of CHB-MIT, as plain EDF.

    FT9 and FT10 are taken as the mean of their two neighbours. The truth is written beside it.
    """
    import edfio
    import numpy as np

    from eegdash.export import write_events_tsv
    from eegdash.simulation import simulate

    simulated = simulate(3600.0, seed=SEED, n_seizures=_SEIZURES_AN_HOUR)
    rows = dict(
        zip((name.upper() for name in simulated.ch_names), simulated.signal_uv, strict=True)
    )
    for name, (a, b) in _BETWEEN.items():
        rows[name] = (rows[a] + rows[b]) / 2
    # edfio itself and not eegdash.export: that writes EDF+, whose records carry their own time
    signals = [
        edfio.EdfSignal(
            np.clip(_difference(rows, label), -_RANGE_UV, _RANGE_UV).astype(np.float64),
            simulated.sfreq,
            label=label,
            physical_dimension="uV",
            physical_range=(-_RANGE_UV, _RANGE_UV),
        )
        for label in _CHB_MIT
    ]
    edfio.Edf(signals, data_record_duration=1).write(path)
    write_events_tsv(_events_of(path), simulated.annotations, duration_s=3600.0)


def _difference(rows: dict[str, Any], label: str) -> Any:
    anode, cathode = label.split("-")
    return rows[anode] - rows[cathode]


def _events_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}_events.tsv")


def write_day(path: Path, hour: Path) -> None:
    """Write 24 h by repeating the data records of an hour; nothing is held in memory.

    Parameters
    ----------
    path : Path
    hour : Path
        Plain EDF from :func:`write_hour`, its truth beside it.

    Raises
    ------
    BenchmarkError
        If the disk lacks room, or the hour is no plain EDF (whose records can be repeated,
        because they carry no time of their own).
    """
    free = shutil.disk_usage(path.parent).free
    if free < _DAY_BYTES + _SPARE_BYTES:
        raise BenchmarkError(
            f"The 24 h recording needs {(_DAY_BYTES + _SPARE_BYTES) >> 30} GB in the folder for "
            f"temporary files, {free / (1 << 30):.1f} GB are free. Make room or use --quick."
        )
    with hour.open("rb") as source, path.open("wb") as target:
        size = _copy_header(source, target, hour.name, lambda count: HOURS_OF_DAY * count)
        for _ in range(HOURS_OF_DAY):
            source.seek(size)
            shutil.copyfileobj(source, target, 1 << 22)
    _repeat_truth(path, hour)


def write_short(path: Path, hour: Path, n_records: int) -> None:
    """Write the first records of an hour, to tell what scoring costs before it scores."""
    with hour.open("rb") as source, path.open("wb") as target:
        size = _copy_header(source, target, hour.name, lambda count: min(count, n_records))
        source.seek(0, os.SEEK_END)
        record = (source.tell() - size) // 3600
        source.seek(size)
        target.write(source.read(n_records * record))


def _copy_header(
    source: BinaryIO, target: BinaryIO, name: str, records: Callable[[int], int]
) -> int:
    """Copy the header with another number of records; return its size, bytes."""
    header = bytearray(source.read(256))
    size, count = int(header[184:192]), int(header[236:244])
    if header[192:196] == b"EDF+":
        raise BenchmarkError(f"{name} is EDF+, where a plain EDF was expected.")
    header[236:244] = str(records(count)).ljust(8).encode("ascii")
    target.write(header)
    target.write(source.read(size - 256))
    return size


def _repeat_truth(path: Path, hour: Path) -> None:
    from dataclasses import replace

    from eegdash.export import write_events_tsv
    from eegdash.io import open_recording, read_reference

    reference = read_reference(hour, open_recording(hour))
    if reference is None:
        raise BenchmarkError(f"{hour.name} has no truth beside it.")
    repeated = [
        replace(seizure, onset_s=seizure.onset_s + 3600.0 * k)
        for k in range(HOURS_OF_DAY)
        for seizure in reference.seizures
    ]
    write_events_tsv(_events_of(path), repeated, duration_s=3600.0 * HOURS_OF_DAY)
