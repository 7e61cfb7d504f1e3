"""The recordings to measure on: simulated, 30 min as shipped, 1 h and 24 h as CHB-MIT has them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, BinaryIO

from benchmarks.figures import BenchmarkError

HOURS_OF_DAY = 24
SEED = 20
_SEIZURES_AN_HOUR = 2
_DAY_BYTES = 1 << 30
_SPARE_BYTES = 2 << 30
_RANGE_UV = 3200.0
NOTES_OF_DAY = 3000
_NOTES = (
    "eyes closed,eyes open,swallow,patient speaks,technician enters,HV begins,asleep,arousal".split(
        ","
    )
)
_TAL_BYTES = 64

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
    """Write 24 h as EDF+ with 3,000 annotations, by repeating the data records of an hour.

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
    import numpy as np

    free = shutil.disk_usage(path.parent).free
    if free < _DAY_BYTES + _SPARE_BYTES:
        raise BenchmarkError(
            f"The 24 h recording needs {(_DAY_BYTES + _SPARE_BYTES) >> 30} GB in the folder for "
            f"temporary files, {free / (1 << 30):.1f} GB are free. Make room or use --quick."
        )
    content = hour.read_bytes()
    header, n_records = _plus_header(content, hour.name)
    records = np.frombuffer(content, dtype=np.uint8, offset=int(content[184:192]))
    records = records.reshape(n_records, -1)
    block = np.empty((n_records, records.shape[1] + _TAL_BYTES), dtype=np.uint8)
    block[:, : records.shape[1]] = records
    with path.open("wb") as target:
        target.write(header)
        for k in range(HOURS_OF_DAY):
            lists = b"".join(_annotation_list(k * n_records + i) for i in range(n_records))
            block[:, records.shape[1] :] = np.frombuffer(lists, dtype=np.uint8).reshape(
                n_records, _TAL_BYTES
            )
            target.write(block.data)
    _repeat_truth(path, hour)


def _plus_header(plain: bytes, name: str) -> tuple[bytes, int]:
    """Return the header of a day as EDF+C with one annotation signal, and records of the hour.

    Raises
    ------
    BenchmarkError
        If the file is no plain EDF with records of 1 s.
    """
    if plain[192:196] == b"EDF+":
        raise BenchmarkError(f"{name} is EDF+, where a plain EDF was expected.")
    n_records, n_signals = int(plain[236:244]), int(plain[252:256])
    values = (b"EDF Annotations", b"", b"", b"-1", b"1", b"-32768", b"32767", b"", b"32", b"")
    widths = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
    fields, position = b"", 256
    for value, width in zip(values, widths, strict=True):
        fields += plain[position : position + n_signals * width] + value.ljust(width)
        position += n_signals * width
    counts = (256 * (n_signals + 2), HOURS_OF_DAY * n_records, 1, n_signals + 1)
    size, total, length, signals = (str(count).encode() for count in counts)
    patient = b"X X X X".ljust(80) + b"Startdate 01-JAN-2020 X X X".ljust(80)
    start = b"01.01.20" + b"20.30.00"
    head = plain[:8] + patient + start + size.ljust(8) + b"EDF+C".ljust(44)
    return head + total.ljust(8) + length.ljust(8) + signals.ljust(4) + fields, n_records


def _annotation_list(record: int) -> bytes:
    """Return the time of a record of 1 s and, in every 28th or 29th, a note within it."""
    text = f"+{record}\x14\x14\x00"
    records = HOURS_OF_DAY * 3600
    if (record + 1) * NOTES_OF_DAY // records > record * NOTES_OF_DAY // records:
        text += f"+{record}.25\x14{_NOTES[record % len(_NOTES)]}\x14\x00"
    return text.encode().ljust(_TAL_BYTES, b"\0")


def write_short(path: Path, hour: Path, n_records: int) -> None:
    """Write the first records of an hour, to tell what scoring costs before it scores."""
    with hour.open("rb") as source, path.open("wb") as target:
        size = _copy_header(source, target, hour.name, n_records)
        source.seek(0, os.SEEK_END)
        record = (source.tell() - size) // 3600
        source.seek(size)
        target.write(source.read(n_records * record))


def _copy_header(source: BinaryIO, target: BinaryIO, name: str, n_records: int) -> int:
    """Copy the header with fewer records; return its size, bytes."""
    header = bytearray(source.read(256))
    size, count = int(header[184:192]), int(header[236:244])
    if header[192:196] == b"EDF+":
        raise BenchmarkError(f"{name} is EDF+, where a plain EDF was expected.")
    header[236:244] = str(min(count, n_records)).ljust(8).encode("ascii")
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
