"""Every malformed EDF that the product promises an answer to, byte by byte, with its words.

One list for all ways in: the library (``tests/io/test_gate.py``), the command line and the page
(``tests/test_hostile_ways.py``).
"""

from __future__ import annotations

import io
import random
import zipfile

from edf_bytes import EdfBytes, Signal, annotations


def big(**changes: object) -> bytes:
    """A file of about 20 kB with one thing changed."""
    return EdfBytes(signals=[Signal(samples=100)], n_records=100, **changes).build()  # type: ignore[arg-type]


def signal(**changes: object) -> bytes:
    return EdfBytes(signals=[Signal(**changes)]).build()  # type: ignore[arg-type]


def zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.edf", big())
    return archive.getvalue()


NOT_AN_EEG = {
    "empty": (b"", "is empty"),
    "short": (b"\x01\x02\x03", "not an EEG"),
    "text": (b"Patient,Time\n" * 100, "holds text"),
    "short text": (b"hello", "holds text"),
    "zip renamed": (zipped(), "ZIP archive"),
    "gzip": (b"\x1f\x8b\x08\x00" + b"\x00" * 400, "gzip archive"),
    "git lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "git lfs pull",
    ),
    "png": (b"\x89PNG\r\n\x1a\n" + b"\x00" * 400, "PNG picture"),
    "pdf": (b"%PDF-1.7\n" + b"\x00" * 400, "PDF document"),
    "wrong magic": (b"\x07" * 4000, "does not begin as EDF"),
    "a BDF": (b"\xffBIOSEMI" + big()[8:], "Rename it to end in .bdf"),
}
HEADERS = {
    "magic only": (b"0       ", "cut off"),
    "cut in the header": (big()[:300], "inside its header"),
    "no data": (big()[:512], "no complete data record"),
    "9999 signals": (big(n_signals=9999), "found 9999"),
    "0 signals": (big(n_signals=0), "found 0"),
    "negative signals": (big(n_signals=-1), "found -1"),
    "signals text": (big(n_signals="many"), "number of signals, found 'many'"),
    "header bytes": (big(header_bytes=768), "found 768"),
    "header bytes text": (big(header_bytes="x"), "bytes in the header"),
    "more signals": (big(n_signals=7, header_bytes=2048), "damaged header"),
    "records text": (big(stated_records="lots"), "number of data records, found 'lots'"),
    "records negative": (big(stated_records=-2), "found -2"),
    "records zero": (big(stated_records=0), "found 0"),
    "records fraction": (big(stated_records="1.5"), "found '1.5'"),
    "duration zero": (big(duration=0), "more than 0 s"),
    "duration negative": (big(duration=-1), "more than 0 s"),
    "duration nan": (big(duration="nan"), "found 'nan'"),
    "duration inf": (big(duration="inf"), "found 'inf'"),
    "duration overflow": (big(duration="1e999"), "found '1e999'"),
    "duration tiny": (big(duration="1e-300"), "more than 200000 per second"),
    "duration a year": (big(duration=99999999), "at most a day"),
    "lasts years": (EdfBytes(n_records=500, duration=86400).build(), "longer than a year"),
    "samples zero": (big()[: 256 + 216] + b"0".ljust(8) + big()[256 + 224 :], "found 0"),
    "samples negative": (big()[: 256 + 216] + b"-5".ljust(8) + big()[256 + 224 :], "found -5"),
    "samples absurd": (big()[: 256 + 216] + b"99999999" + big()[256 + 224 :], "damaged header"),
    "physical equal": (signal(physical_min=5, physical_max=5), "different physical"),
    "physical nan": (signal(physical_max="nan"), "physical maximum of signal 1 (Fp1)"),
    "physical inf": (signal(physical_min="-inf"), "physical minimum of signal 1 (Fp1)"),
    "physical empty": (signal(physical_min=""), "found nothing"),
    "digital equal": (signal(digital_min=7, digital_max=7), "different digital"),
    "digital text": (signal(digital_max="32k"), "digital maximum of signal 1 (Fp1)"),
    "digital huge": (signal(digital_max=99999999), "whole numbers"),
}  # fmt: skip


BAD_TALS = {
    "invalid utf-8": (b"+1\x14\xff\xfe\x14\x00", "not UTF-8", 1),
    "nan onset": (b"+nan\x14x\x14\x00", "1 annotations of the file were left out", 0),
    "negative onset": (b"-5\x14x\x14\x00", "before its start", 0),
    "after the end": (b"+999\x14x\x14\x00", "after its end", 0),
    "garbage": (b"\x01\x02\x14\x15\x15\x00", "left out", 0),
}


def with_tal(tal: bytes) -> bytes:
    """Return an EDF+C of three seconds with one more annotation list in its first record."""
    tals = annotations([b"+0\x14\x14\x00" + tal, b"+1\x14\x14\x00", b"+2\x14\x14\x00"])
    return EdfBytes([Signal(), tals], reserved="EDF+C").build()


# records that the header states, bytes cut off at the end, words of the note
COUNTS: dict[str, tuple[int, int, str]] = {
    "unknown": (-1, 0, "does not say how many records follow (-1), found 100."),
    "too many": (5000, 0, "says 5000 records, found 100."),
    "truncated": (100, 150, "says 100 records, found 99 and 50 bytes of an incomplete one."),
    "too few": (40, 0, "says 40 records, found 100."),
}


def opened_with_a_note() -> dict[str, tuple[bytes, str]]:
    """Return the files that open, and words of what is said about them."""
    found = {f"records {name}": (_counted(n, cut), says) for name, (n, cut, says) in COUNTS.items()}
    found |= {
        f"annotation {name}": (with_tal(tal), says) for name, (tal, says, _) in BAD_TALS.items()
    }
    twice = [Signal("EEG Fp1-Ref"), Signal("EEG Fp1-Ref")]
    found["names twice"] = (EdfBytes(twice).build(), "occur more than once (EEG Fp1-Ref)")
    mixed = [Signal("Fp1", samples=4), Signal("Fp2", samples=8)]
    found["mixed rates"] = (EdfBytes(mixed).build(), "different rates (4, 8 Hz)")
    return found


def _counted(stated: int, cut: int) -> bytes:
    content = big(stated_records=stated)
    return content[: len(content) - cut]


def refused() -> dict[str, tuple[bytes, str]]:
    """Return the files that no reader opens, and words of the refusal."""
    return {**NOT_AN_EEG, **HEADERS}


FIELDS = (b"99999999", b"-1      ", b"nan     ", b"1e300   ", b"0       ", b"\xff" * 8, b"1e-300  ")


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return the file with a few fields overwritten, bytes flipped, cut out, doubled or added."""
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 20))):
        # half of the damage in the header, which is the smaller part of a file
        end = min(len(damaged), 256 * rng.choice((1, 5))) if rng.random() < 0.5 else len(damaged)
        at = rng.randrange(end)
        kind = rng.randrange(6)
        if kind == 0:
            damaged[at] = rng.randrange(256)
        elif kind == 1:
            damaged[at : at + 1] = bytes([rng.choice(b"0123456789-+. e\x00\xff\x14\x15")])
        elif kind == 2:
            damaged[at : at + 8] = rng.choice(FIELDS)
        elif kind == 3:
            del damaged[at : at + rng.choice((1, 40, 200))]
        elif kind == 4:
            damaged[at:at] = damaged[at : at + rng.choice((1, 8, 300))]
        else:
            damaged = damaged[: max(at, 1)] if rng.random() < 0.3 else damaged + b"\x14" * 999
        damaged = damaged or bytearray(b"\x00")
    return bytes(damaged)
