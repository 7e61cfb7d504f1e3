"""Damages EDF and BDF files at random and opens them, in a process with limits of its own.

Run as a script, with the checkout and its tests on ``PYTHONPATH``:
``python tests/fuzz_edf.py FOLDER SEED COUNT``. It prints one JSON object: how many
opened, how many were refused, which answers were none of the package's own, the slowest file, and
how much memory the worst of them took.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from edf_bytes import EdfBytes, Signal, annotations
from hostile_cases import mutated

from eegdash.cli import main as command_line
from eegdash.errors import EegdashError
from eegdash.io import open_recording
from eegdash.montage import MONTAGES, shown
from eegdash.settings import Settings
from eegdash.workflows.desk import open_desk
from eegdash.workflows.library import facts, scorability

LIMIT_S = 2.0  # of processor time: a busy machine is not a hang
ROOM_BYTES = 200 << 20
EVERY = 30  # of so many files, one also goes the long ways


def sound_files() -> list[tuple[str, bytes]]:
    """Return small sound files: plain, with annotations, interrupted, 24-bit, mixed rates."""
    tals = [b"+%d\x14\x14\x00+%d.5\x151\x14sz\x14\x00" % (i, i) for i in range(6)]
    gaps = [b"+%d\x14\x14\x00+%d.5\x14note\x14\x00" % (i * i, i * i) for i in range(6)]
    electrodes = [Signal(name) for name in ("Fp1", "F7", "T7", "P7", "O1")]
    noise = np.random.default_rng(0).integers(-2000, 2000, 600)
    return [
        ("edf", EdfBytes([*electrodes, Signal("ECG", samples=8)], 6).build()),
        ("edf", EdfBytes([Signal(), annotations(tals)], 6, reserved="EDF+C").build()),
        ("edf", EdfBytes([*electrodes[:2], annotations(gaps)], 6, reserved="EDF+D").build()),
        ("edf", EdfBytes([Signal(samples=100, digital=noise)], 6).build()),
        (
            "bdf",
            EdfBytes(
                [Signal(), Signal("Fp2", samples=5), annotations(tals, kind="BDF")],
                6,
                reserved="BDF+C",
                version=b"\xffBIOSEMI",
                width=3,
            ).build(),
        ),
    ]


def vast_files() -> Iterator[tuple[str, bytes]]:
    """Yield files that keep to the format, and would keep a reader busy for minutes."""
    n = 1_000_000

    def only(tals: Signal, n_records: int, duration: str, body: bytes) -> bytes:
        head = EdfBytes([tals], n_records, reserved="EDF+C", duration=duration).header()
        return head + body

    def padded(lists: Iterable[bytes], after: bytes = b"") -> bytes:
        return b"".join(one.ljust(10, b"\x00") + after for one in lists)

    one, five, large = (annotations([], samples=size) for size in (1, 5, 4_000_000))
    yield "a million empty records", only(one, n, "0", bytes(2 * n))
    yield "a million unreadable times", only(one, n, "0.001", b"+\x00" * n)
    times = (b"+%d\x14\x14" % (i // 10) for i in range(n))
    yield "a million times", only(five, n, "0.1", padded(times))
    apart = (b"+%d\x14\x14" % (3 * i) for i in range(n // 5))
    gaps = EdfBytes([five, Signal(samples=1)], n // 5, reserved="EDF+D").header()
    yield "two hundred thousand gaps", gaps + padded(apart, b"\x01\x00")
    noted = (b"+%d\x14a\x14" % i for i in range(n // 10))
    yield "a note in each of many records", only(five, n // 10, "1", padded(noted))
    yield "a million lists in one record", only(large, 1, "1", b"+1\x14a\x14\x00\x00\x00" * n)
    texts = (b"+1\x14" + b"a\x14" * n).ljust(8 * n, b"\x00")
    yield "a million texts in one list", only(large, 1, "1", texts)
    yield "marks without end", only(large, 1, "1", (b"\x14\x15\x00" * (3 * n))[: 8 * n])
    many = [Signal(f"s{i}", samples=1) for i in range(2000)]
    yield "two thousand signals", EdfBytes(many, 500).header() + bytes(2000 * 500 * 2)
    far = [Signal("Fp1", samples=1), Signal("Fp2", samples=199_999)]
    yield "rates far apart", EdfBytes(far, 10).header() + bytes(200_000 * 10 * 2)


def look(path: Path) -> None:
    """Open a file as the pages do, and read where something could go wrong."""
    recording = open_recording(path)
    scorability(recording, {})
    picks = list(range(min(len(recording.ch_names), 32)))
    for start in (-5, 0, recording.n_samples // 2, recording.n_samples - 50):
        page = recording.read(start, start + 100, picks)
        if page.shape != (len(picks), 100) or page.dtype != np.float32:
            raise AssertionError("a page of another shape")
    if any(recording.eeg):
        shown(recording, MONTAGES["as-recorded"])


def look_in_words(path: Path) -> None:
    """Go through the command line, and through what the list of recordings knows."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command_line(["info", str(path)])
    said = out.getvalue() + err.getvalue()
    if code not in (0, 2) or "Traceback" in said or str(path.parent) in said:
        raise AssertionError(f"the command line answered {code}")
    if code == 2 and not (err.getvalue().count("\n") == 1 and path.name in err.getvalue()):
        raise AssertionError("not one sentence")
    found = facts(open_desk(Settings(workspace=path.parent / "workspace")), path)
    if bool(found.problem) != (code == 2):
        raise AssertionError("the page and the command line do not agree")


def too_slow(*_: object) -> None:
    raise TimeoutError


def examined(path: Path, ways: list[Callable[[Path], None]]) -> str:
    """Return what became of a file: ``opened``, a refusal in words, or ``!`` and a fault."""
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    try:
        for way in ways:
            way(path)
    except EegdashError as error:
        return str(error)
    except BaseException as error:  # noqa: BLE001 - whatever else comes is what is looked for
        return f"!{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "opened"


def run(folder: Path, seed: int, count: int) -> dict[str, Any]:
    """Examine ``count`` damaged files."""
    rng = random.Random(seed)
    sound = sound_files()
    signal.signal(signal.SIGPROF, too_slow)
    for kind, content in sound:  # what the first one imports and caches is not the file's
        path = folder / f"sound.{kind}"
        path.write_bytes(content)
        look(path)
        look_in_words(path)
        path.unlink()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    room = pages * resource.getpagesize() + ROOM_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
    before = {found.name for found in folder.iterdir()}
    answers: dict[str, int] = {"opened": 0, "refused": 0}
    problems: list[str] = []
    examples: dict[str, str] = {}
    slowest_s = 0.0
    for i in range(count):
        kind, content = sound[i % len(sound)]
        path = folder / f"damaged.{kind}"
        given = mutated(content, rng)
        path.write_bytes(given)
        began = time.process_time()
        said = examined(path, [look_in_words, look] if i % EVERY == 0 else [look])
        slowest_s = max(slowest_s, time.process_time() - began)
        answers["opened" if said == "opened" else "refused"] += 1
        sentence = said.startswith(path.name) and said.endswith(".") and str(folder) not in said
        if said != "opened":
            examples.setdefault(" ".join(said.split()[1:7]), said)
        if path.read_bytes() != given or not (said == "opened" or sentence):
            problems.append(f"seed {seed}, file {i}: {said}")
            (folder / f"problem-{seed}-{i}.{kind}").write_bytes(given)
        path.unlink()
    vast = {}
    for name, content in vast_files():
        path = folder / "vast.edf"
        path.write_bytes(content)
        vast[name] = examined(path, [look])
        path.unlink()
    left = (
        {found.name for found in folder.iterdir()}
        - before
        - {p.name for p in folder.glob("problem-*")}
    )
    labels = folder / "workspace" / "labels"
    return {
        **answers,
        "problems": problems + [f"{k}: {v}" for k, v in vast.items() if v.startswith("!")],
        "vast": vast,
        "examples": examples,
        "slowest_s": slowest_s,
        "left": sorted(left),
        "labels": sorted(path.name for path in labels.iterdir()),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
