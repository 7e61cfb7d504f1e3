"""Single labelled windows kept as NumPy archives (``.npz``)."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import BACKGROUND, SEIZURE_PREFIX, Annotation, Reference
from eegdash.errors import RecordingError
from eegdash.io.channels import is_eeg, unique_names
from eegdash.io.hashing import hash_file
from eegdash.recording import Block, Recording

_EVENT_TYPES = {"ictal": SEIZURE_PREFIX, "preictal": BACKGROUND}


@dataclass(frozen=True, slots=True)
class _Samples:
    signal_uv: NDArray[np.float32]

    def read(self, first: int, last: int, picks: Sequence[int]) -> NDArray[np.float32]:
        """Return microvolt ``first:last`` of the picked channels."""
        return self.signal_uv[list(picks), first:last]


def read_window_array(path: Path) -> tuple[Recording, Reference]:
    """Read a window that lies wholly inside or wholly outside a seizure.

    Parameters
    ----------
    path : Path
        With ``data_uv`` (n_channels, n_samples), ``ch_names``, ``fs`` and ``label`` (``ictal`` or
        ``preictal``).

    Returns
    -------
    recording : Recording
    reference : Reference
        The label holds for the whole window.

    Raises
    ------
    RecordingError
        If the file is not such an archive.
    """
    sha256 = hash_file(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            signal_uv = np.asarray(archive["data_uv"], dtype=np.float32)
            labels = [str(name) for name in archive["ch_names"]]
            sfreq, event_type = float(archive["fs"]), _EVENT_TYPES[str(archive["label"])]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise RecordingError(
            f"{path.name} is not a labelled window: an archive with data_uv, ch_names, fs and the "
            "label ictal or preictal was expected. Copy it again from the data set."
        ) from error
    if signal_uv.ndim != 2 or len(labels) != len(signal_uv) or not sfreq > 0:
        raise RecordingError(
            f"{path.name}: data_uv of shape {signal_uv.shape} does not fit {len(labels)} channels "
            f"at {sfreq:g} Hz. Copy it again from the data set."
        )
    names, _ = unique_names(labels)
    duration_s = signal_uv.shape[1] / sfreq
    recording = Recording(
        path=path,
        sha256=sha256,
        sfreq=sfreq,
        ch_names=names,
        blocks=(Block(0.0, 0, signal_uv.shape[1]),),
        start=None,
        annotations=(),
        warnings=(),
        source=_Samples(signal_uv),
        eeg=tuple(is_eeg(label, "uV") for label in labels),
        format="NumPy window",
    )
    whole = Annotation(0.0, duration_s, event_type)
    return recording, Reference((whole,), ((0.0, duration_s),), "label of the window")
