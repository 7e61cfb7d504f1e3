"""Labelled windows from simulated and from recorded EEG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Annotation
from eegdash.checkpoints import DetectorConfig, segment_features
from eegdash.errors import TooShortError
from eegdash.io.dataset import DatasetItem
from eegdash.montage import ELECTRODES_10_20, LONGITUDINAL_BIPOLAR
from eegdash.preprocessing import channel_quality
from eegdash.recording import Recording
from eegdash.scoring.blocks import derivation_blocks
from eegdash.scoring.intervals import coverage_of, overlap_s

UNSURE_S = 0.75
"""Windows whose centre lies this close, half a step, to an onset or offset train nothing."""
_BLOCK_SEGMENTS = 160  # 4 min of signal in memory at a time


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


def recorded(item: DatasetItem, config: DetectorConfig) -> LabelledRecording | None:
    """Return the labelled windows of a recording of a data set.

    Take the items from one side of a split by person
    (:func:`eegdash.io.dataset.split_by_person`). 24 h of features take about 0.8 GB.

    Parameters
    ----------
    item : DatasetItem
    config : DetectorConfig
        Rate, spectrogram and floor; its normalisation is to be empty while training.

    Returns
    -------
    LabelledRecording or None
        None where the truth is not known anywhere. A window has the weight 0 unless all of it is
        recorded and its step lies in known truth.

    Raises
    ------
    RecordingError
        If the recording cannot be opened.
    NotScorableError
        If it lacks a derivation or is shorter than a window.
    """
    recording, reference = item.open()
    if reference is None or not coverage_of(reference, recording.duration_s):
        return None
    features, complete = _recorded_features(recording, config)
    n_windows = len(features) - 4
    seizure, weight = label_windows(n_windows, config, reference.annotations)
    step_start_s = np.asarray(
        config.window_s / 2 + config.step_s * (np.arange(n_windows) - 0.5), dtype=np.float64
    )
    covered = coverage_of(reference, recording.duration_s)
    known_s = overlap_s(step_start_s, config.step_s, covered)
    weight[known_s < config.step_s * (1 - 1e-5)] = 0
    weight[~(complete[:-4] & complete[2:-2] & complete[4:])] = 0
    events = tuple((a.onset_s, a.end_s) for a in reference.seizures)
    return LabelledRecording(features, seizure, weight, events, recording.duration_s)


def _recorded_features(
    recording: Recording, config: DetectorConfig
) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Return the features of every segment, and which segments are recorded without a gap."""
    step, length = round(config.step_s * config.sfreq), round(config.segment_s * config.sfreq)
    n_samples = int(recording.duration_s * config.sfreq + 1e-6)
    n_segments = (n_samples - length) // step + 1
    if n_segments < 5:
        raise TooShortError(
            f"{recording.path.name} is {recording.duration_s:.1f} s long; one window needs "
            f"{config.window_s:g} s. Leave it out of the training."
        )
    parts: list[NDArray[np.float16]] = []
    complete: list[NDArray[np.bool_]] = []
    blocks = derivation_blocks(
        recording,
        config.montage,
        config.sfreq,
        length=n_segments * step,
        block=_BLOCK_SEGMENTS * step,
        margin=length,
    )
    for block in blocks:
        begin, n = block.start - block.first, (block.stop - block.start) // step
        signal_uv = block.signal_uv[:, begin : begin + (n - 1) * step + length]
        views = np.lib.stride_tricks.sliding_window_view(signal_uv, length, axis=1)[:, ::step]
        quality = channel_quality(views)
        features = segment_features(
            np.nan_to_num(signal_uv), config, usable=np.asarray(~quality.unusable.T)
        )
        parts.append(features.astype(np.float16))
        complete.append(np.asarray(~quality.nan.any(axis=0)))
    return np.concatenate(parts), np.concatenate(complete)
