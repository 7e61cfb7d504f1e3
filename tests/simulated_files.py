"""Small EDF files of band-limited noise, for tests of whatever begins with a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eegdash.annotations import Annotation
from eegdash.export import write_edf
from eegdash.montage import ELECTRODES_10_20


def write_noise(
    path: Path,
    *,
    seconds: float = 60.0,
    names: Sequence[str] = ELECTRODES_10_20,
    sfreq: float = 128.0,
    seed: int = 0,
    notes: Sequence[tuple[float, float, str]] = (),
) -> Path:
    """Write a recording of noise of some 30 uV, with a rhythm that comes and goes.

    Notes (onset and duration in s, text) become annotations of the file.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * sfreq)) / sfreq
    signal = 30 * rng.standard_normal((len(names), len(t)))
    rhythm = 150 * np.sin(2 * np.pi * 4 * t) * (np.sin(2 * np.pi * t / 30) > 0)
    signal += rhythm * rng.uniform(-1, 1, (len(names), 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    annotations = [Annotation(onset_s, length_s, text=text) for onset_s, length_s, text in notes]
    write_edf(path, signal.astype(np.float32), sfreq, names, annotations=annotations)
    return path


def write_events(path: Path, seizures: Sequence[tuple[float, float]], seconds: float) -> Path:
    """Write a SzCORE events file beside a recording."""
    rows = ["onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration"]
    for onset_s, duration_s in seizures:
        rows.append(f"{onset_s}\t{duration_s}\tsz\tn/a\tn/a\t2020-01-01 00:00:00\t{seconds}")
    if not seizures:
        rows.append(f"0.0\t{seconds}\tbckg\tn/a\tn/a\t2020-01-01 00:00:00\t{seconds}")
    events = path.with_name(f"{path.stem}_events.tsv")
    events.write_text("\n".join(rows) + "\n")
    return events
