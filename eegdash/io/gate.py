"""The gate before any EDF or BDF is read: header and file size only, in pure Python.

Whatever cannot be trusted is refused here in words; what can be put right (a cut file, a wrong
record count) becomes a warning. Patient fields are skipped, never kept. Layout: EDF
specification, Kemp 1992 (doi 10.1016/0013-4694(92)90009-7), EDF+ (doi
10.1016/S1388-2457(03)00123-8), BDF (BioSemi).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from eegdash.errors import HeaderError, RecordingError
from eegdash.io.channels import is_placeholder
from eegdash.io.content import FIXED_BYTES, check_content
from eegdash.io.identity import personal_fields
from eegdash.io.tal import parse_tals

MAX_SIGNALS = 2048
MAX_RATE_HZ = 200_000.0
MAX_RECORD_DURATION_S = 86_400.0
MAX_SPAN_S = 366 * 86_400.0
ANNOTATION_LABELS = ("EDF Annotations", "BDF Annotations")

# name in the refusal, bytes; in the order of the specification
_SIGNAL_FIELDS = (
    ("label", 16),
    ("transducer", 80),
    ("physical dimension", 8),
    ("physical minimum", 8),
    ("physical maximum", 8),
    ("digital minimum", 8),
    ("digital maximum", 8),
    ("prefiltering", 80),
    ("samples per record", 8),
    ("reserved", 32),
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d+")


@dataclass(frozen=True, slots=True)
class SignalHeader:
    """One signal as the header describes it.

    Parameters
    ----------
    label, transducer, unit : str
        Trimmed text.
    physical_min, physical_max : float
        In ``unit``; nan for a placeholder or annotation signal that states none.
    digital_min, digital_max : int
    samples_per_record : int
    """

    label: str
    transducer: str
    unit: str
    physical_min: float
    physical_max: float
    digital_min: int
    digital_max: int
    samples_per_record: int

    @property
    def is_annotations(self) -> bool:
        """Whether the signal holds annotations instead of samples."""
        return self.label in ANNOTATION_LABELS

    @property
    def gain(self) -> float:
        """Physical units per digital step; nan if the ranges do not define it."""
        steps = self.digital_max - self.digital_min
        return (self.physical_max - self.physical_min) / steps if steps else math.nan

    @property
    def offset(self) -> float:
        """Physical value of the digital value 0."""
        return self.physical_min - self.gain * self.digital_min


@dataclass(frozen=True, slots=True)
class Header:
    """What the gate lets through.

    Parameters
    ----------
    format : str
        ``EDF``, ``EDF+C``, ``EDF+D``, ``BDF``, ``BDF+C`` or ``BDF+D``.
    signals : tuple of SignalHeader
        In the order of the file, annotation signals included.
    n_records : int
        Complete data records in the file, from its size.
    n_records_stated : int
        As the header says; -1 means unknown.
    record_duration_s : float
        0 only where there are annotations and no signals.
    start : datetime or None
        Clock time of the first sample, with the fraction that the first annotation list states.
    first_onset_s : float
        That fraction: seconds from the header's clock time to the first sample.
    header_bytes, sample_bytes : int
    warnings : tuple of str
    incomplete : str
        Which of them says that the file does not hold what its header announces; empty if none.
    personal : tuple of str
        What about a person its text fields hold, in words; what they say is not kept.
    """

    format: str
    signals: tuple[SignalHeader, ...]
    n_records: int
    n_records_stated: int
    record_duration_s: float
    start: datetime | None
    first_onset_s: float
    header_bytes: int
    sample_bytes: int
    warnings: tuple[str, ...]
    incomplete: str = ""
    personal: tuple[str, ...] = ()

    @property
    def record_bytes(self) -> int:
        """Bytes of one data record."""
        return self.sample_bytes * sum(s.samples_per_record for s in self.signals)

    @property
    def is_plus(self) -> bool:
        """Whether the file is EDF+ or BDF+."""
        return "+" in self.format

    @property
    def is_discontinuous(self) -> bool:
        """Whether the data records may have gaps between them (EDF+D, BDF+D)."""
        return self.format.endswith("+D")

    def byte_offset(self, index: int) -> int:
        """Return where in a data record the samples of a signal begin."""
        return self.sample_bytes * sum(s.samples_per_record for s in self.signals[:index])


def read_header(path: Path, kind: str) -> Header:
    """Read and check the header of an EDF or BDF file.

    Parameters
    ----------
    path : Path
    kind : {"EDF", "BDF"}
        What the suffix of the file says.

    Returns
    -------
    Header

    Raises
    ------
    NotAnEegError
        If the file holds something else.
    HeaderError
        If the header breaks the format so that nothing after it can be trusted.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            fixed = file.read(FIXED_BYTES)
            check_content(path, fixed, size, kind)
            n_signals = _count_signals(path, fixed, size)
            rest = file.read(FIXED_BYTES * n_signals)
    except OSError as error:
        raise RecordingError(
            f"{path.name} cannot be read ({error.strerror or type(error).__name__}). "
            "Check that the file is there and that you may read it."
        ) from error
    return _Fields(path, kind, fixed, rest, n_signals).header(size)


def _count_signals(path: Path, fixed: bytes, size: int) -> int:
    n_signals = _integer(path, fixed[252:256], "number of signals")
    if not 1 <= n_signals <= MAX_SIGNALS:
        raise HeaderError(
            f"{path.name} has a damaged header: 1 to {MAX_SIGNALS} signals expected, "
            f"found {n_signals}. Export the recording again."
        )
    header_bytes = _integer(path, fixed[184:192], "number of bytes in the header")
    expected = FIXED_BYTES * (n_signals + 1)
    if header_bytes != expected:
        raise HeaderError(
            f"{path.name} has a damaged header: {n_signals} signals need a header of {expected} "
            f"bytes, found {header_bytes}. Export the recording again."
        )
    if size < header_bytes:
        raise HeaderError(
            f"{path.name} is cut off inside its header: {header_bytes} bytes expected, "
            f"found {size}. Copy the file again."
        )
    return n_signals


def _text(raw: bytes) -> str:
    """Decode a header field: ASCII by the specification, UTF-8 or Latin-1 in practice."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.strip(" \x00\t\r\n")


def _broken(path: Path, field: str, text: str) -> HeaderError:
    found = f"'{text}'" if text else "nothing"
    return HeaderError(
        f"{path.name} has a damaged header: a number was expected as {field}, found {found}. "
        "Export the recording again from the program that made it."
    )


def _integer(path: Path, raw: bytes, field: str) -> int:
    text = _text(raw)
    if not _INTEGER.fullmatch(text) or not text.isascii():
        raise _broken(path, field, text)
    return int(text)


def _number(path: Path, raw: bytes, field: str) -> float:
    # a decimal comma is what some recorders write in countries that use one
    text = _text(raw).replace(",", ".")
    value = float(text) if text.isascii() and _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise _broken(path, field, _text(raw))
    return value


@dataclass(frozen=True, slots=True)
class _Fields:
    """The bytes of a header whose sizes are known to be right."""

    path: Path
    kind: str
    fixed: bytes
    rest: bytes
    n_signals: int

    def header(self, size: int) -> Header:
        signals = tuple(self._signal(i) for i in range(self.n_signals))
        duration_s = self._record_duration(signals)
        sample_bytes = 2 if self.kind == "EDF" else 3
        header_bytes = len(self.fixed) + len(self.rest)
        record_bytes = sample_bytes * sum(s.samples_per_record for s in signals)
        n_records, stated, warnings = self._count_records(size - header_bytes, record_bytes)
        if n_records * duration_s > MAX_SPAN_S:
            raise HeaderError(
                f"{self.path.name} has a damaged header: {n_records} records of {duration_s:g} s "
                "would last longer than a year. Export the recording again."
            )
        start, note = self._start()
        first_onset_s = self._first_onset(signals, sample_bytes)
        if start is not None:
            start += timedelta(seconds=first_onset_s)
        return Header(
            format=self._format(),
            signals=signals,
            n_records=n_records,
            n_records_stated=stated,
            record_duration_s=duration_s,
            start=start,
            first_onset_s=first_onset_s,
            header_bytes=header_bytes,
            sample_bytes=sample_bytes,
            warnings=(*warnings, *note),
            incomplete=warnings[0] if warnings else "",
            personal=personal_fields(
                self.fixed, is_plus="+" in self._format(), stem=self.path.stem
            ),
        )

    def _format(self) -> str:
        reserved = _text(self.fixed[192:236])
        for suffix in ("+C", "+D"):
            if reserved.startswith((f"EDF{suffix}", f"BDF{suffix}")):
                return self.kind + suffix
        return self.kind

    def _raw(self, field: str, index: int) -> bytes:
        position = 0
        for name, width in _SIGNAL_FIELDS:
            if name == field:
                first = position + width * index
                return self.rest[first : first + width]
            position += width * self.n_signals
        raise KeyError(field)

    def _signal(self, index: int) -> SignalHeader:
        label = _text(self._raw("label", index))
        where = f"of signal {index + 1} ({label})"
        ranges = self._ranges(index, label, where)
        samples_field = "samples per record"
        samples = _integer(self.path, self._raw(samples_field, index), f"{samples_field} {where}")
        if samples <= 0:
            raise HeaderError(
                f"{self.path.name} has a damaged header: at least 1 sample per record expected "
                f"{where}, found {samples}. Export the recording again."
            )
        return SignalHeader(
            label,
            _text(self._raw("transducer", index)),
            _text(self._raw("physical dimension", index)),
            ranges[0],
            ranges[1],
            int(ranges[2]) if math.isfinite(ranges[2]) else 0,
            int(ranges[3]) if math.isfinite(ranges[3]) else 0,
            samples,
        )

    def _ranges(self, index: int, label: str, where: str) -> tuple[float, float, float, float]:
        """Physical and digital minimum and maximum, checked.

        Annotations have no range, and the placeholder channels of CHB-MIT (``-``) state equal
        ones; neither is a reason to refuse the EEG beside them.
        """
        names = ("physical minimum", "physical maximum", "digital minimum", "digital maximum")
        try:
            values = [_number(self.path, self._raw(n, index), f"{n} {where}") for n in names]
            for kind, low, high in (("physical", *values[:2]), ("digital", *values[2:])):
                if low == high:
                    raise HeaderError(
                        f"{self.path.name} has a damaged header: different {kind} minimum and "
                        f"maximum expected {where}, found {low:g} for both. "
                        "Export the recording again."
                    )
            self._check_digital(values[2], values[3], where)
        except HeaderError:
            if label in ANNOTATION_LABELS or is_placeholder(label):
                return (math.nan, math.nan, math.nan, math.nan)
            raise
        return (values[0], values[1], values[2], values[3])

    def _check_digital(self, low: float, high: float, where: str) -> None:
        limit = 2.0 ** (16 if self.kind == "EDF" else 24)  # unsigned writers exist
        if not (low.is_integer() and high.is_integer() and abs(low) <= limit >= abs(high)):
            raise HeaderError(
                f"{self.path.name} has a damaged header: digital minimum and maximum {where} "
                f"should be whole numbers within +-{limit:.0f}, found {low:g} and {high:g}. "
                "Export the recording again."
            )

    def _record_duration(self, signals: tuple[SignalHeader, ...]) -> float:
        duration_s = _number(self.path, self.fixed[244:252], "duration of a data record")
        carriers = [s for s in signals if not s.is_annotations]
        if duration_s == 0 and not carriers:
            return 0.0  # allowed where there are only annotations (EDF+ 2.1.3)
        if not 0 < duration_s <= MAX_RECORD_DURATION_S:
            raise HeaderError(
                f"{self.path.name} has a damaged header: a data record should last more than 0 s "
                f"and at most a day, found {duration_s:g} s. Export the recording again."
            )
        for signal in carriers:
            if signal.samples_per_record / duration_s > MAX_RATE_HZ:
                raise HeaderError(
                    f"{self.path.name} has a damaged header: {signal.samples_per_record} samples "
                    f"in {duration_s:g} s ({signal.label}) are more than {MAX_RATE_HZ:.0f} per "
                    "second. Export the recording again."
                )
        return duration_s

    def _count_records(
        self, data_bytes: int, record_bytes: int
    ) -> tuple[int, int, tuple[str, ...]]:
        stated = _integer(self.path, self.fixed[236:244], "number of data records")
        if stated < -1 or stated == 0:
            raise HeaderError(
                f"{self.path.name} has a damaged header: a number of data records above 0 "
                f"(or -1 for unknown) expected, found {stated}. Export the recording again."
            )
        found, left_over = divmod(data_bytes, record_bytes)
        if found == 0:
            raise HeaderError(
                f"{self.path.name} holds no complete data record: one needs {record_bytes} bytes, "
                f"found {data_bytes}. Copy the file again."
            )
        if found == stated and not left_over:
            return found, stated, ()
        if stated == -1:
            says = "The header does not say how many records follow (-1)"
        else:
            says = f"The header says {stated} records"
        tail = f" and {left_over} bytes of an incomplete one" if left_over else ""
        return found, stated, (f"{says}, found {found}{tail}. The complete records are shown.",)

    def _start(self) -> tuple[datetime | None, tuple[str, ...]]:
        """Clock time of the header; two-digit years count from 1985 (EDF specification)."""
        text = _text(self.fixed[168:176]) + " " + _text(self.fixed[176:184])
        parts = re.fullmatch(
            r"(\d{1,2})\D(\d{1,2})\D(\d{2}) (\d{1,2})\D(\d{1,2})\D(\d{1,2})", text, re.ASCII
        )
        unknown = (
            "The start date or time of the file is not readable, so no clock time is shown.",
        )
        if parts is None:
            return None, unknown
        day, month, year, hour, minute, second = (int(part) for part in parts.groups())
        try:
            stamp = datetime(year + (1900 if year >= 85 else 2000), month, day)
            return stamp.replace(hour=hour, minute=minute, second=second), ()
        except ValueError:
            return None, unknown

    def _first_onset(self, signals: tuple[SignalHeader, ...], sample_bytes: int) -> float:
        """Seconds from the header's clock time to the first sample (EDF+ 2.2.4)."""
        if "+" not in self._format():
            return 0.0
        offset = len(self.fixed) + len(self.rest)
        for signal in signals:
            length = sample_bytes * signal.samples_per_record
            if signal.is_annotations:
                with self.path.open("rb") as file:
                    file.seek(offset)
                    tals, _ = parse_tals(file.read(min(length, 4096)))
                keeper = next((tal for tal in tals if tal.keeps_time), None)
                return keeper.onset_s if keeper and 0 <= keeper.onset_s < MAX_SPAN_S else 0.0
            offset += length
        return 0.0
