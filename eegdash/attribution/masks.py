"""Masks: a band, a region or a channel is exchanged for what the baseline holds there."""

from __future__ import annotations

from dataclasses import dataclass

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
        from eegdash.attribution.bands import REGION_TITLES, Band

        if self.kind == BAND:
            return Band(self.name, self.low_hz, self.high_hz).title
        return REGION_TITLES.get(self.name, self.name)
