"""One recording of a minute as a file of each format that is read, written by other libraries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

NAMES = ["Fp1", "F7", "T7", "Fp2", "ECG"]
TYPES = ["eeg"] * 4 + ["ecg"]
SFREQ = 200.0
N_SAMPLES = 200 * 60
EVENT_S = 12.5


def signal_uv() -> np.ndarray:
    """Whole tenths of a microvolt, within +-3000."""
    rng = np.random.default_rng(7)
    return np.round(np.clip(rng.standard_normal((5, N_SAMPLES)) * 60, -3000, 3000), 1)


def write_edf(folder: Path) -> tuple[Path, list[Path]]:
    import edfio

    signals = [
        edfio.EdfSignal(row, SFREQ, label=name, physical_dimension="uV",
                        physical_range=(-3276.8, 3276.7), digital_range=(-32768, 32767))
        for row, name in zip(signal_uv(), NAMES, strict=True)
    ]  # fmt: skip
    path = folder / "a.edf"
    edfio.Edf(signals, annotations=[edfio.EdfAnnotation(EVENT_S, 2, "mark")]).write(path)
    return path, [path]


def write_bdf(folder: Path) -> tuple[Path, list[Path]]:
    import edfio

    signals = [
        edfio.BdfSignal(row, SFREQ, label=name, physical_dimension="uV",
                        physical_range=(-3276.8, 3276.7))
        for row, name in zip(signal_uv(), NAMES, strict=True)
    ]  # fmt: skip
    path = folder / "a.bdf"
    edfio.Bdf(signals, annotations=[edfio.EdfAnnotation(EVENT_S, 2, "mark")]).write(path)
    return path, [path]


def write_brainvision(folder: Path) -> tuple[Path, list[Path]]:
    import pybv

    pybv.write_brainvision(
        data=signal_uv() * 1e-6, sfreq=SFREQ, ch_names=NAMES, fname_base="a", folder_out=folder,
        events=[{"onset": int(EVENT_S * SFREQ), "duration": 400, "description": 1,
                 "type": "Stimulus"}], resolution=0.1,
    )  # fmt: skip
    return folder / "a.vhdr", [folder / f"a.{end}" for end in ("vhdr", "eeg", "vmrk")]


def write_set(folder: Path) -> tuple[Path, list[Path]]:
    from scipy.io import savemat

    data = signal_uv().astype("<f4")
    event = np.array(
        [(EVENT_S * SFREQ + 1, "mark", 400.0)],
        dtype=[("latency", object), ("type", object), ("duration", object)],
    )
    names = ("times", "epoch", "icawinv", "icasphere", "icaweights", "urchanlocs", "etc", "stats")
    empty: dict[str, object] = {name: [] for name in names}
    fields = {
        "setname": "a", "filename": "a.set", "nbchan": 5.0, "trials": 1.0, "srate": SFREQ,
        "pnts": float(N_SAMPLES), "xmin": 0.0, "xmax": (N_SAMPLES - 1) / SFREQ, "data": "a.fdt",
        "chanlocs": np.array([(name,) for name in NAMES], dtype=[("labels", object)]),
        "event": event, "chaninfo": {"plotrad": []}, "ref": "common", "saved": "yes", **empty,
    }  # fmt: skip
    savemat(folder / "a.set", {"EEG": fields}, appendmat=False)
    data.T.tofile(folder / "a.fdt")
    return folder / "a.set", [folder / "a.set", folder / "a.fdt"]


def write_fif(folder: Path) -> tuple[Path, list[Path]]:
    import mne

    info = mne.create_info(NAMES, SFREQ, TYPES)
    raw = mne.io.RawArray(signal_uv() * 1e-6, info, verbose="error")
    raw.set_annotations(mne.Annotations([EVENT_S], [2.0], ["mark"]))
    path = folder / "a_eeg.fif"
    raw.save(path, verbose="error")
    return path, [path]


# what writes a file of each format, and the largest error of its quantisation in uV
WRITERS: dict[str, tuple[Callable[[Path], tuple[Path, list[Path]]], float]] = {
    ".edf": (write_edf, 0.1),
    ".bdf": (write_bdf, 0.001),
    ".vhdr": (write_brainvision, 0.1),
    ".set": (write_set, 0.001),
    ".fif": (write_fif, 0.001),
}
