"""Where evidence can lie: frequency bands and regions of the scalp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.montage import MIDLINE, REGION_NAMES, REGIONS
from eegdash.spectrogram import BANDS

MIDLINE_REGION = "ML"
REGION_ORDER = ("LL", "LP", MIDLINE_REGION, "RP", "RL")
"""Regions from left to right."""
REGION_TITLES = {**REGION_NAMES, MIDLINE_REGION: "midline"}
EVERYWHERE = "all"
"""Region of a map whose network mixes derivations, so that none can be named."""
_REGION_OF = {
    **{d.name: region for region, chain in REGIONS.items() for d in chain},
    **{d.name: MIDLINE_REGION for d in MIDLINE},
}


@dataclass(frozen=True, slots=True)
class Band:
    """A range of frequencies, half open: ``low_hz <= f < high_hz``.

    Parameters
    ----------
    name : str
    low_hz, high_hz : float
        Hz.
    """

    name: str
    low_hz: float
    high_hz: float

    @property
    def title(self) -> str:
        """Name with its limits, e.g. ``theta (4-8 Hz)``."""
        return f"{self.name} ({self.low_hz:g}-{self.high_hz:g} Hz)"

    def holds(self, freqs_hz: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which frequencies lie in the band."""
        return np.asarray((freqs_hz >= self.low_hz - 1e-9) & (freqs_hz < self.high_hz - 1e-9))


def physiological_bands(freqs_hz: NDArray[np.floating]) -> tuple[Band, ...]:
    """Return the clinical bands that hold at least one of the frequencies.

    Limits are the usual ones, but none lies above what the frequencies reach: the gamma band of
    a detector that sees up to 32 Hz is not called 30-70 Hz.
    """
    if len(freqs_hz) == 0:
        return ()
    top = _top(freqs_hz)
    bands = (Band(name, low, min(high, top)) for name, (low, high) in BANDS.items())
    return tuple(band for band in bands if band.holds(freqs_hz).any())


def _top(freqs_hz: NDArray[np.floating]) -> float:
    """Return where the highest frequency's bin ends, Hz, so that a half-open band holds it."""
    spacing = float(freqs_hz[1] - freqs_hz[0]) if len(freqs_hz) > 1 else 1.0
    return round(float(freqs_hz[-1]) + spacing / 2, 2)


def equal_slices(freqs_hz: NDArray[np.floating], n: int = 5) -> tuple[Band, ...]:
    """Return ``B1`` (lowest) to ``Bn`` (highest): equal slices of the range of the features.

    The highest slice ends just above the highest frequency, so that it holds it.
    """
    if len(freqs_hz) == 0:
        return ()
    edges = np.round(np.linspace(float(freqs_hz[0]), float(freqs_hz[-1]), n + 1), 2)
    edges[-1] = _top(freqs_hz)
    return tuple(Band(f"B{k + 1}", float(edges[k]), float(edges[k + 1])) for k in range(n))


def region_of(ch_name: str) -> str:
    """Return the region of a derivation, :data:`EVERYWHERE` where it belongs to none."""
    return _REGION_OF.get(ch_name, EVERYWHERE)


def regions_of(ch_names: Sequence[str]) -> dict[str, NDArray[np.intp]]:
    """Return the rows of each region that is present, from left to right."""
    found = np.array([region_of(name) for name in ch_names])
    return {
        region: np.flatnonzero(found == region)
        for region in (*REGION_ORDER, EVERYWHERE)
        if (found == region).any()
    }
