"""Features of segments: normalised log power, or the derivations themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints.config import DERIVATIONS, DetectorConfig, Stft
from eegdash.spectrogram import power_spectrogram


def segment_features(
    block_uv: NDArray[np.float32],
    config: DetectorConfig,
    *,
    usable: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the features of every segment; see ``Detector.features``."""
    if config.features == DERIVATIONS:
        return _samples(block_uv, config, usable)
    return _log_power(block_uv, config, usable)


def _samples(
    block_uv: NDArray[np.float32], config: DetectorConfig, usable: NDArray[np.bool_] | None
) -> NDArray[np.float32]:
    """Cut segments and take the mean of each derivation away; an unusable one becomes zero."""
    length, step = round(config.segment_s * config.sfreq), round(config.step_s * config.sfreq)
    if block_uv.shape[1] < length:
        return np.empty((0, block_uv.shape[0], length), dtype=np.float32)
    views = np.lib.stride_tricks.sliding_window_view(block_uv, length, axis=1)[:, ::step]
    segments = np.ascontiguousarray(views.transpose(1, 0, 2), dtype=np.float32)
    segments -= segments.mean(axis=2, keepdims=True)
    if usable is not None:
        segments[~usable] = 0
    return segments


def _log_power(
    block_uv: NDArray[np.float32], config: DetectorConfig, usable: NDArray[np.bool_] | None
) -> NDArray[np.float32]:
    stft, norm = config.stft, config.normalisation
    freqs, power = power_spectrogram(
        block_uv,
        config.sfreq,
        window_s=stft.window_s,
        step_s=stft.step_s,
        fmax_hz=stft.fmax_hz,
    )
    kept = power[:, kept_bins(freqs, stft)]
    kept += np.float32(norm.floor_uv2_per_hz)
    np.log10(kept, out=kept)
    if norm.mean:
        kept -= np.asarray(norm.mean, dtype=np.float32)[:, None]
    kept /= np.float32(norm.scale)
    per_step = round(config.step_s / stft.step_s)
    n_frames = int((config.segment_s - stft.window_s) / stft.step_s + 1e-9) + 1
    if kept.shape[2] < n_frames:
        return np.empty((0, kept.shape[0], kept.shape[1], n_frames), dtype=np.float32)
    views = np.lib.stride_tricks.sliding_window_view(kept, n_frames, axis=2)[:, :, ::per_step]
    segments = np.ascontiguousarray(views.transpose(2, 0, 1, 3))
    if usable is not None:
        _fill_unusable(segments, usable)
    return segments


def feature_freqs_hz(config: DetectorConfig) -> NDArray[np.float64]:
    """Return the frequencies of the features' second axis, Hz; empty where derivations are read."""
    if config.features == DERIVATIONS:
        return np.empty(0, dtype=np.float64)
    freqs = np.fft.rfftfreq(round(config.stft.window_s * config.sfreq), 1 / config.sfreq)
    return np.asarray(freqs[kept_bins(freqs, config.stft)], dtype=np.float64)


def feature_time_s(config: DetectorConfig) -> NDArray[np.float64]:
    """Return the times of the features' last axis, s from the start of a segment."""
    if config.features == DERIVATIONS:
        n_samples = round(config.segment_s * config.sfreq)
        return np.asarray(np.arange(n_samples) / config.sfreq, dtype=np.float64)
    stft = config.stft
    n_frames = int((config.segment_s - stft.window_s) / stft.step_s + 1e-9) + 1
    return np.asarray(stft.window_s / 2 + stft.step_s * np.arange(n_frames), dtype=np.float64)


def kept_bins(freqs_hz: NDArray[np.floating], stft: Stft) -> NDArray[np.bool_]:
    """Return which frequencies the features keep."""
    return np.asarray((freqs_hz >= stft.fmin_hz - 1e-9) & (freqs_hz <= stft.fmax_hz + 1e-9))


def _fill_unusable(segments: NDArray[np.float32], usable: NDArray[np.bool_]) -> None:
    for index in np.flatnonzero(~usable.all(axis=1)):
        good = usable[index]
        segments[index, ~good] = segments[index, good].mean(axis=0) if good.any() else 0.0
