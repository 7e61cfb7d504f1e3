"""EDF, EDF+, BDF and BDF+ files, continuous or not.

The samples are decoded here, from the header that the gate has checked, and not by MNE: read
lazily, MNE resamples mixed rates page by page with artefacts of many microvolt at the page
edges, refuses a file for one annotation byte that is not UTF-8, takes EDF+D for continuous, and
keeps the patient fields. The tests compare every sample with MNE; the measurements are in
``docs/decisions/0002-edf-samples.md``.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Annotation
from eegdash.errors import HeaderError, RecordingError
from eegdash.io.channels import (
    is_eeg,
    is_placeholder,
    is_stimulus,
    microvolt_factor,
    unique_names,
)
from eegdash.io.gate import MAX_SPAN_S, Header, SignalHeader, read_header
from eegdash.io.hashing import hash_file
from eegdash.io.identity import sentence
from eegdash.io.tal import Tal, parse_tals, time_alone
from eegdash.recording import Block, Recording

# a record up to this size is read whole; of a larger one only what is asked for
_WHOLE_RECORD_BYTES = 1 << 20
_CHUNK_BYTES = 8 << 20
# What a planted file could make us parse, and for how long (2 s on two shared cores): a day of
# records of 0.1 s has 864,000 records, a busy ward some thousands of annotations.
_MAX_TIMED_RECORDS = 1_000_000
_MAX_ANNOTATION_BYTES = 256 << 20
_MAX_TEXT_BYTES = 4 << 20  # of lists that say more than the time of their record
_MAX_ANNOTATIONS = 50_000
_MAX_GAPS = 20_000
# records up to this size are read many at a time, of larger ones only the annotation signals
_SMALL_RECORD_BYTES = 4096
_MAX_RATIO = 2000


def read_edf(path: Path, *, sha256: str | None = None) -> Recording:
    """Open an EDF or EDF+ file; no sample is read.

    Parameters
    ----------
    path : Path
    sha256 : str, optional
        Hash of the file, where it is already known.

    Returns
    -------
    Recording

    Raises
    ------
    RecordingError
        If the gate refuses the file (see :mod:`eegdash.io.gate`).
    """
    return _read(path, "EDF", sha256)


def read_bdf(path: Path, *, sha256: str | None = None) -> Recording:
    """Open a BDF or BDF+ file (24-bit samples); otherwise as :func:`read_edf`."""
    return _read(path, "BDF", sha256)


def _read(path: Path, kind: str, sha256: str | None) -> Recording:
    header = read_header(path, kind)
    stamp = path.stat()
    channels = tuple(i for i, s in enumerate(header.signals) if not s.is_annotations)
    signals = [header.signals[i] for i in channels]
    eeg = tuple(is_eeg(s.label, s.unit) for s in signals)
    samples_per_record = max(
        (s.samples_per_record for s, yes in zip(signals, eeg, strict=True) if yes or not any(eeg)),
        default=0,
    )
    times = _read_times(path, header)
    sfreq = samples_per_record / header.record_duration_s if samples_per_record else 1.0
    blocks, block_notes = _blocks(header, times, samples_per_record, sfreq)
    if len(blocks) > _MAX_GAPS:
        raise HeaderError(
            f"{path.name} says that it was interrupted more than {_MAX_GAPS} times, so its times "
            "cannot be trusted. Export the recording again."
        )
    end_s = blocks[-1].onset_s + blocks[-1].n_samples / sfreq if blocks else MAX_SPAN_S
    annotations, notes = _annotations(times, header, end_s)
    names, repeated = unique_names([s.label for s in signals])
    personal = sentence(header.personal)
    return Recording(
        path=path,
        sha256=sha256 or hash_file(path),
        sfreq=sfreq,
        ch_names=names,
        blocks=blocks,
        start=header.start,
        annotations=annotations,
        warnings=(
            *header.warnings,
            *block_notes,
            *notes,
            *_signal_notes(signals, eeg, repeated, header.record_duration_s, samples_per_record),
            *([personal] if personal else []),
        ),
        source=EdfSource(
            path=path,
            header=header,
            channels=channels,
            samples_per_record=samples_per_record,
            edges=(*(b.first for b in blocks), header.n_records * samples_per_record),
            stamp=(stamp.st_size, stamp.st_mtime_ns),
        ),
        eeg=eeg,
        format=header.format,
        incomplete=header.incomplete,
        personal=personal,
    )


def _signal_notes(
    signals: Sequence[SignalHeader],
    eeg: Sequence[bool],
    repeated: Sequence[str],
    record_duration_s: float,
    samples_per_record: int,
) -> list[str]:
    """Sentences about names, units and rates."""
    notes: list[str] = []
    if not any(eeg):
        notes.append("The file holds no EEG signal.")
    doubled = [label for label in repeated if not is_placeholder(label)]
    if doubled:
        notes.append(
            f"Channel names occur more than once ({', '.join(doubled)}); "
            "they are kept apart as -0, -1."
        )
    unitless = [
        s.label
        for s, yes in zip(signals, eeg, strict=True)
        if yes and microvolt_factor(s.unit) is None
    ]
    if unitless:
        notes.append(f"No unit is stated for {', '.join(unitless)}; microvolt is assumed.")
    rates = sorted({s.samples_per_record for s in signals})
    if len(rates) > 1:
        listed = ", ".join(f"{rate / record_duration_s:g}" for rate in rates)
        notes.append(
            f"Channels are stored at different rates ({listed} Hz); all are shown at "
            f"{samples_per_record / record_duration_s:g} Hz, the others resampled."
        )
    return notes


@dataclass(frozen=True, slots=True)
class _Times:
    """What the annotation signals say: record onsets (nan where not stated) and the lists."""

    record_onset_s: tuple[float, ...]
    tals: tuple[Tal, ...]
    n_unreadable: int
    cut: bool


def _read_times(path: Path, header: Header) -> _Times:
    """Read the annotation signals, record by record, and nothing else."""
    places = [
        (header.byte_offset(i), header.sample_bytes * s.samples_per_record)
        for i, s in enumerate(header.signals)
        if s.is_annotations
    ]
    n_bytes = header.n_records * sum(length for _, length in places)
    too_many = n_bytes > _MAX_ANNOTATION_BYTES or header.n_records > _MAX_TIMED_RECORDS
    if not places or too_many:
        return _Times((), (), 0, bool(places))
    onsets: list[float] = []
    tals: list[Tal] = []
    n_unreadable = 0
    left_bytes, left_texts = _MAX_TEXT_BYTES, _MAX_ANNOTATIONS
    for contents in _annotation_contents(path, header, places):
        onset_s = np.nan
        for position, content in enumerate(contents):
            if not content:
                continue
            if position == 0 and (alone := time_alone(content)) is not None:
                onset_s = alone  # most of the 86,400 records of a day say nothing else
                continue
            found, unreadable = parse_tals(content[:left_bytes], most_texts=left_texts)
            left_bytes -= len(content)
            n_unreadable += unreadable
            # only the first list of the first annotation signal keeps the time
            if position == 0 and found and found[0].keeps_time:
                onset_s = found[0].onset_s
            said = [tal for tal in found if tal.texts]
            left_texts -= sum(len(tal.texts) for tal in said)
            tals.extend(said)
        onsets.append(onset_s)
        if left_bytes <= 0 or left_texts <= 0 or n_unreadable > _MAX_ANNOTATIONS:
            return _Times(tuple(onsets), tuple(tals), n_unreadable, True)
    return _Times(tuple(onsets), tuple(tals), n_unreadable, False)


def _annotation_contents(
    path: Path, header: Header, places: Sequence[tuple[int, int]]
) -> Iterator[list[bytes]]:
    """Yield what stands in the annotation signals of each record, without the zeros at its end."""
    first, step = header.header_bytes, header.record_bytes  # summed once, not in every record
    with path.open("rb", buffering=0) as file:
        if step > _SMALL_RECORD_BYTES:
            for record in range(header.n_records):
                contents = []
                for offset, length in places:
                    file.seek(first + record * step + offset)
                    # no more than will be looked at: one list may fill a record of 200 MB
                    contents.append(file.read(min(length, _MAX_TEXT_BYTES + 1)).rstrip(b"\x00"))
                yield contents
            return
        file.seek(first)
        for record in range(0, header.n_records, _CHUNK_BYTES // step):
            n = min(_CHUNK_BYTES // step, header.n_records - record)
            chunk = file.read(n * step)
            for at in range(0, n * step, step):
                yield [
                    chunk[at + offset : at + offset + length].rstrip(b"\x00")
                    for offset, length in places
                ]


def _annotations(
    times: _Times, header: Header, end_s: float
) -> tuple[tuple[Annotation, ...], list[str]]:
    """Annotations in seconds from the first sample up to ``end_s``, and what was odd."""
    found: list[Annotation] = []
    n_outside = 0
    for tal in times.tals:
        onset_s = tal.onset_s - header.first_onset_s
        if not -1e-6 <= onset_s <= end_s + 1e-6:  # decimal text against binary sums
            n_outside += 1
            continue
        found.extend(Annotation(max(onset_s, 0.0), tal.duration_s, text=t) for t in tal.texts)
    found.sort(key=lambda annotation: annotation.onset_s)
    notes: list[str] = []
    if times.n_unreadable:
        notes.append(
            f"{times.n_unreadable} annotations of the file were left out: "
            "their time is not a readable number."
        )
    if n_outside:
        notes.append(
            f"{n_outside} annotations of the file were left out: "
            "they lie before its start or after its end."
        )
    if any(not tal.valid_utf8 for tal in times.tals):
        notes.append("Some annotations hold characters that are not UTF-8; they are replaced.")
    if times.cut:
        notes.append("The file holds more annotations than can be shown; the rest is left out.")
    return tuple(found), notes


def _blocks(
    header: Header, times: _Times, samples_per_record: int, sfreq: float
) -> tuple[tuple[Block, ...], list[str]]:
    """Where the records lie in time; one block unless the file is EDF+D or BDF+D."""
    n_records = header.n_records
    total_s = n_records * header.record_duration_s
    if samples_per_record == 0:  # annotations only: a time line of 1 Hz without channels
        n_seconds = round(total_s)
        return ((Block(0.0, 0, n_seconds),) if n_seconds else ()), []
    if not header.is_discontinuous:
        return (Block(0.0, 0, n_records * samples_per_record),), []
    runs: list[tuple[float, int]] = []  # onset of a run of records, its first record
    end_s = 0.0
    n_unknown = max(n_records - len(times.record_onset_s), 0)
    for record, stated_s in enumerate(times.record_onset_s):
        onset_s = stated_s - header.first_onset_s
        # an onset that is absent, runs backwards or is absurd cannot place its record
        known = end_s - 0.5 / sfreq <= onset_s <= MAX_SPAN_S
        n_unknown += not known
        if not runs or (known and onset_s - end_s > 0.5 / sfreq):
            runs.append((onset_s if known else end_s, record))
            end_s = runs[-1][0]
            if len(runs) > _MAX_GAPS:
                break  # refused in any case
        end_s += header.record_duration_s
    runs = runs or [(0.0, 0)]
    stops = [record for _, record in runs[1:]] + [n_records]
    blocks = tuple(
        Block(onset_s, first * samples_per_record, (stop - first) * samples_per_record)
        for (onset_s, first), stop in zip(runs, stops, strict=True)
    )
    notes: list[str] = []
    if len(blocks) > 1:
        notes.append(f"The recording was interrupted {len(blocks) - 1} times; gaps are shown.")
    if n_unknown:
        notes.append(
            f"The time of {n_unknown} of {n_records} records is not readable; they are shown "
            "right after the record before, so clock times after them may be wrong."
        )
    return blocks, notes


@dataclass(frozen=True, slots=True)
class EdfSource:
    """Decodes pages of an EDF or BDF; every read opens the file anew, so threads never share it.

    Parameters
    ----------
    path : Path
    header : Header
    channels : tuple of int
        Signal index of each channel of the recording.
    samples_per_record : int
        Of the recording's time line; signals of other rates are resampled.
    edges : tuple of int
        First samples of the blocks and the end: resampling never looks across them.
    stamp : tuple of int
        Size and modification time (ns) at opening; a file that changed is not read on.
    """

    path: Path
    header: Header
    channels: tuple[int, ...]
    samples_per_record: int
    edges: tuple[int, ...]
    stamp: tuple[int, int]

    def read(self, first: int, last: int, picks: Sequence[int]) -> NDArray[np.float32]:
        """Return microvolt samples ``first:last`` as stored, shape (n_picks, last - first).

        A channel that is not a voltage is returned in its own unit.
        """
        signal_uv = np.empty((len(picks), last - first), dtype=np.float32)
        indices = [self.channels[pick] for pick in picks]
        native = [
            (row, index)
            for row, index in enumerate(indices)
            if self.header.signals[index].samples_per_record == self.samples_per_record
        ]
        if native:
            self._decode(first, last, native, signal_uv)
        for row, index in enumerate(indices):
            if self.header.signals[index].samples_per_record != self.samples_per_record:
                signal_uv[row] = self._resampled(first, last, index)
        return signal_uv

    def _decode(
        self, first: int, last: int, rows: Sequence[tuple[int, int]], out: NDArray[np.float32]
    ) -> None:
        """Fill rows of ``out`` with samples of signals that share one rate."""
        header = self.header
        n = header.signals[rows[0][1]].samples_per_record
        step = max(_CHUNK_BYTES // header.record_bytes, 1)
        stop_record = -(-last // n)
        with self.path.open("rb", buffering=0) as file:
            stat = os.fstat(file.fileno())
            if (stat.st_size, stat.st_mtime_ns) != self.stamp:
                raise RecordingError(
                    f"{self.path.name} has changed since it was opened. Open it again."
                )
            for record in range(first // n, stop_record, step):
                stop = min(record + step, stop_record)
                lo, hi = max(first, record * n), min(last, stop * n)
                window = slice(lo - record * n, hi - record * n)
                whole = None
                if header.record_bytes <= _WHOLE_RECORD_BYTES:
                    at = header.header_bytes + record * header.record_bytes
                    raw = self._bytes(file, at, (stop - record) * header.record_bytes)
                    whole = raw.reshape(stop - record, header.record_bytes)
                for row, index in rows:
                    signal = header.signals[index]
                    offset = header.byte_offset(index)
                    if whole is not None:
                        stored = whole[:, offset : offset + n * header.sample_bytes]
                        digital = _digital(stored, header.sample_bytes)[window]
                    else:  # step is 1, or a few: the records are large
                        digital = self._pieces(file, record, stop, offset, n, window)
                    factor = microvolt_factor(signal.unit) or 1.0
                    # in double precision: an electrode offset may be large against the step
                    values = digital * (signal.gain * factor) + signal.offset * factor
                    out[row, lo - first : hi - first] = values

    def _pieces(
        self, file: Any, record: int, stop: int, offset: int, n: int, window: slice
    ) -> NDArray[np.int32]:
        """Samples of one signal from large records, reading only the bytes of the window."""
        width = self.header.sample_bytes
        parts: list[NDArray[np.int32]] = []
        for index in range(record, stop):
            origin = (index - record) * n
            lo, hi = max(window.start - origin, 0), min(window.stop - origin, n)
            at = self.header.header_bytes + index * self.header.record_bytes + offset
            raw = self._bytes(file, at + lo * width, (hi - lo) * width)
            parts.append(_digital(raw.reshape(1, -1), width))
        return np.concatenate(parts)

    def _bytes(self, file: Any, at: int, length: int) -> NDArray[np.uint8]:
        file.seek(at)
        data = bytearray(length)
        view = memoryview(data)
        filled = 0
        while filled < length:
            got = file.readinto(view[filled:])
            if not got:
                raise RecordingError(
                    f"{self.path.name} ended early while it was read. Open it again."
                )
            filled += got
        return np.frombuffer(data, dtype=np.uint8)

    def _resampled(self, first: int, last: int, index: int) -> NDArray[np.float32]:
        """Samples of a signal of another rate on the recording's time line.

        A zero-phase polyphase low-pass (scipy ``resample_poly``) over enough neighbours that a
        page is the same as the slice of the whole. Trigger channels, and ratios too odd for a
        filter, hold the last value instead.
        """
        signal = self.header.signals[index]
        ratio = Fraction(self.samples_per_record, signal.samples_per_record)
        up, down = ratio.numerator, ratio.denominator
        position = int(np.searchsorted(self.edges, first, side="right")) - 1
        origin, end = self.edges[position], self.edges[position + 1]
        # the block in samples of this signal
        base, n_stored = origin * down // up, (end - origin) * down // up
        start, stop = first - origin, last - origin
        filtered = max(up, down) <= _MAX_RATIO and not is_stimulus(signal.label)
        margin = -(-10 * max(up, down) // up) + 1 if filtered else 0
        lo = max(start * down // up - margin, 0) // down * down
        hi = min(-(-stop * down // up) + margin, n_stored)
        stored = np.empty((1, hi - lo), dtype=np.float32)
        self._decode(base + lo, base + hi, [(0, index)], stored)
        if not filtered:
            held = np.arange(start, stop) * down // up - lo
            return np.asarray(stored[0, held], dtype=np.float32)
        from scipy.signal import resample_poly

        with _FILTER_LOCK:
            taps = _low_pass(up, down)
        shifted = resample_poly(stored[0].astype(np.float64), up, down, window=taps, padtype="edge")
        skip = start - lo * up // down
        return np.asarray(shifted[skip : skip + stop - start], dtype=np.float32)


_FILTER_LOCK = threading.Lock()


@functools.lru_cache(maxsize=16)
def _low_pass(up: int, down: int) -> NDArray[np.float64]:
    """Taps of the low-pass that ``resample_poly`` designs by default, designed once per ratio."""
    from scipy.signal import firwin

    widest = max(up, down)
    return np.asarray(firwin(20 * widest + 1, 1.0 / widest, window=("kaiser", 5.0)))


def _digital(stored: NDArray[np.uint8], sample_bytes: int) -> NDArray[np.int32]:
    """Little-endian 16- or 24-bit integers, shape (n_records, n_bytes) -> (n_samples,)."""
    packed = np.ascontiguousarray(stored)
    if sample_bytes == 2:
        return packed.view("<i2").ravel()
    wide = np.zeros((packed.size // 3, 4), dtype=np.uint8)
    wide[:, 1:] = packed.reshape(-1, 3)
    # the sample sits in the upper three bytes, so that the shift carries its sign
    return np.asarray(wide.view("<i4").ravel() >> 8, dtype=np.int32)
