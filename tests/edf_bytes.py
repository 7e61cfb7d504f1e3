"""Builds EDF and BDF files byte by byte, for what no writer would write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

WIDTHS = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "physical_min": 8,
    "physical_max": 8,
    "digital_min": 8,
    "digital_max": 8,
    "prefilter": 80,
    "samples": 8,
    "reserved": 32,
}


def text(value: object, width: int) -> bytes:
    """Left-justified field; bytes are taken as they are."""
    raw = value if isinstance(value, bytes) else str(value).encode("latin-1")
    return raw.ljust(width)[:width]


@dataclass
class Signal:
    """One signal and its digital samples, or the annotation bytes of each record."""

    label: str = "Fp1"
    unit: object = "uV"
    physical_min: object = -3276.8
    physical_max: object = 3276.7
    digital_min: object = -32768
    digital_max: object = 32767
    samples: object = 4
    digital: np.ndarray | None = None
    tals: Sequence[bytes] | None = None
    transducer: str = ""
    prefilter: str = ""
    reserved: str = ""


@dataclass
class EdfBytes:
    """A file whose every field can be set wrong."""

    signals: list[Signal] = field(default_factory=lambda: [Signal()])
    n_records: int = 3
    stated_records: object = None
    duration: object = 1
    reserved: object = ""
    patient: str = "X X X X"
    recording: str = "Startdate X X X X"
    date: str = "02.03.21"
    time: str = "10.20.30"
    version: bytes = b"0       "
    width: int = 2
    n_signals: object = None
    header_bytes: object = None

    def header(self) -> bytes:
        stated = self.n_records if self.stated_records is None else self.stated_records
        count = len(self.signals) if self.n_signals is None else self.n_signals
        length = 256 * (len(self.signals) + 1) if self.header_bytes is None else self.header_bytes
        fixed = b"".join(
            (
                text(self.version, 8),
                text(self.patient, 80),
                text(self.recording, 80),
                text(self.date, 8),
                text(self.time, 8),
                text(length, 8),
                text(self.reserved, 44),
                text(stated, 8),
                text(self.duration, 8),
                text(count, 4),
            )
        )
        columns = (
            text(getattr(signal, name), width)
            for name, width in WIDTHS.items()
            for signal in self.signals
        )
        return fixed + b"".join(columns)

    def records(self) -> bytes:
        return b"".join(
            self._samples(signal, record)
            for record in range(self.n_records)
            for signal in self.signals
        )

    def _samples(self, signal: Signal, record: int) -> bytes:
        n = int(str(signal.samples))
        if signal.tals is not None:
            return signal.tals[record].ljust(n * self.width, b"\x00")
        digital = (
            np.arange(record * n, (record + 1) * n)
            if signal.digital is None
            else signal.digital[record * n : (record + 1) * n]
        )
        packed = np.ascontiguousarray(digital, dtype="<i4").view(np.uint8).reshape(-1, 4)
        return packed[:, : self.width].tobytes()

    def build(self) -> bytes:
        return self.header() + self.records()


def annotations(tals: Sequence[bytes], *, kind: str = "EDF", samples: int = 40) -> Signal:
    """An annotation signal with the given bytes in each record."""
    return Signal(
        label=f"{kind} Annotations",
        unit="",
        physical_min=-1,
        physical_max=1,
        samples=samples,
        tals=list(tals),
    )
