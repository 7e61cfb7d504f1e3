"""Masks: a band, a region or a channel is exchanged for what the baseline holds there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution.bands import (
    REGION_TITLES,
    Band,
    equal_slices,
    physiological_bands,
    regions_of,
)
from eegdash.checkpoints import DERIVATIONS, DetectorConfig, feature_freqs_hz
from eegdash.errors import AttributionError

BAND, REGION, CHANNEL = "band", "region", "channel"


@dataclass(frozen=True, slots=True)
class Mask:
    """What is exchanged.

    Parameters
    ----------
    kind : str
        ``band``, ``region`` or ``channel``.
    name : str
        Name of the band (``theta``, ``B1``), the region (``LL``) or the derivation.
    low_hz, high_hz : float
        Of a band, half open, Hz; 0 otherwise.
    """

    kind: str
    name: str
    low_hz: float = 0.0
    high_hz: float = 0.0

    @property
    def title(self) -> str:
        """In words, e.g. ``theta (4-8 Hz)`` or ``left lateral``."""
        if self.kind == BAND:
            return Band(self.name, self.low_hz, self.high_hz).title
        return REGION_TITLES.get(self.name, self.name)


def seen_freqs_hz(config: DetectorConfig) -> NDArray[np.float64]:
    """Return the frequencies that a detector can see, Hz.

    Those of its spectrogram; of derivations those of the Fourier transform of a segment, without
    0 Hz, which is taken away with the mean.
    """
    if config.features != DERIVATIONS:
        return feature_freqs_hz(config)
    n = round(config.segment_s * config.sfreq)
    return np.asarray(np.fft.rfftfreq(n, 1 / config.sfreq)[1:], dtype=np.float64)


def possible_masks(config: DetectorConfig) -> tuple[Mask, ...]:
    """Return what can be masked: clinical bands, equal slices, regions, channels."""
    freqs_hz = seen_freqs_hz(config)
    bands = (*physiological_bands(freqs_hz), *equal_slices(freqs_hz))
    return (
        *(Mask(BAND, band.name, band.low_hz, band.high_hz) for band in bands),
        *(Mask(REGION, region) for region in regions_of(config.ch_names)),
        *(Mask(CHANNEL, name) for name in config.ch_names),
    )


def masked(
    features: NDArray[np.float32],
    filling: NDArray[np.float32],
    masks: Sequence[Mask],
    config: DetectorConfig,
) -> NDArray[np.float32]:
    """Exchange what the masks name for the filling; the union of all masks.

    A band of derivations is exchanged in the Fourier domain, segment by segment: its frequencies
    take amplitude and phase of the filling, all others stay as they are.

    Parameters
    ----------
    features : ndarray of float32, shape (..., *input_shape)
        Segments or windows.
    filling : ndarray of float32
        Broadcasts to ``features``.
    masks : sequence of Mask
    config : DetectorConfig

    Returns
    -------
    ndarray of float32, shape of ``features``

    Raises
    ------
    AttributionError
        If the detector has no such channel or region, or sees no frequency of a band.
    """
    places, freqs = _chosen(masks, config)
    filling = np.broadcast_to(filling, features.shape)
    if config.features != DERIVATIONS:
        cells = places[:, None, None] | freqs[:, None]
        return np.where(cells, filling, features)
    result = features
    if freqs.any():
        spectrum, other = np.fft.rfft(features), np.fft.rfft(filling)
        held = np.concatenate([[False], freqs])
        spectrum[..., held] = other[..., held]
        result = np.fft.irfft(spectrum, n=features.shape[-1]).astype(np.float32)
    return np.asarray(np.where(places[:, None], filling, result), dtype=np.float32)


def _chosen(
    masks: Sequence[Mask], config: DetectorConfig
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which channels and which frequencies the masks name."""
    freqs_hz = seen_freqs_hz(config)
    places = np.zeros(len(config.ch_names), dtype=np.bool_)
    freqs = np.zeros(len(freqs_hz), dtype=np.bool_)
    regions = regions_of(config.ch_names)
    for mask in masks:
        if mask.kind == BAND:
            held = Band(mask.name, mask.low_hz, mask.high_hz).holds(freqs_hz)
            freqs |= held
            known = bool(held.any())
        elif mask.kind == REGION:
            known = mask.name in regions
            places[regions.get(mask.name, np.empty(0, dtype=np.intp))] = True
        else:
            known = mask.kind == CHANNEL and mask.name in config.ch_names
            places |= np.array([name == mask.name for name in config.ch_names])
        if not known:
            raise AttributionError(
                f"{config.title or config.name} does not see {mask.title}, so it cannot be "
                "masked. Choose a band, a region or a channel of the list."
            )
    return places, freqs
