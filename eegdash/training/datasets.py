"""Labelled windows, and what is true of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Annotation
from eegdash.checkpoints import DetectorConfig
from eegdash.montage import ELECTRODES_10_20, LONGITUDINAL_BIPOLAR

UNSURE_S = 1.5
"""Windows whose centre lies this close to an onset or offset train nothing."""


@dataclass(frozen=True, slots=True)
class LabelledRecording:
    """The features of one recording and the truth of its windows.

    Parameters
    ----------
    features : ndarray of float16, shape (n_segments, n_channels, n_freqs, n_frames)
        Log power, before the normalisation by the training set.
    seizure : ndarray of bool, shape (n_segments - 4,)
        Whether the centre of a window lies in a seizure.
    weight : ndarray of float32, shape (n_segments - 4,)
        0 where the truth of a window is unsure.
    seizures : tuple of (float, float)
        Onset and end, s.
    duration_s : float
    """

    features: NDArray[np.float16]
    seizure: NDArray[np.bool_]
    weight: NDArray[np.float32]
    seizures: tuple[tuple[float, float], ...]
    duration_s: float


def bipolar_uv(signal_uv: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the 18 longitudinal bipolar derivations of the 19 electrodes, uV."""
    index = {name: row for row, name in enumerate(ELECTRODES_10_20)}
    anodes = [index[d.anode] for d in LONGITUDINAL_BIPOLAR]
    cathodes = [index[d.cathode] for d in LONGITUDINAL_BIPOLAR if d.cathode is not None]
    return np.asarray(signal_uv[anodes] - signal_uv[cathodes], dtype=np.float32)


def label_windows(
    n_windows: int, config: DetectorConfig, annotations: Sequence[Annotation]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return for each window whether its centre lies in a seizure, and its weight (0 or 1)."""
    centre_s = config.window_s / 2 + config.step_s * np.arange(n_windows)
    seizure = np.zeros(n_windows, dtype=np.bool_)
    weight = np.ones(n_windows, dtype=np.float32)
    for event in annotations:
        if event.is_seizure:
            seizure |= (centre_s >= event.onset_s) & (centre_s < event.end_s)
            for edge in (event.onset_s, event.end_s):
                weight[np.abs(centre_s - edge) < UNSURE_S] = 0
    return seizure, weight
