"""Attribution maps: signed evidence, and views of it in which for and against never cancel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution.bands import EVERYWHERE, Band, regions_of

Progress = Callable[[float], None]
TARGET = "seizure logit of the network, before the temperature"
LOGIT = "logit"
ARBITRARY = "arbitrary"
PER_UNIT = "logit per unit of input"
PAST_LOGIT = "logit_past_the_layer"
"""Parameter of a CAM: the part of the logit that its layer never saw, so that it cannot show it."""
UNITS = (LOGIT, ARBITRARY, PER_UNIT)
COMPLETE_SHARE = 0.02
COMPLETE_LOGIT = 0.05
_NOTHING = 1e-6
_WEAK_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Parts:
    """Evidence for and against, row by row, kept apart.

    Parameters
    ----------
    labels : tuple of str
        Names of the rows (derivations or regions).
    positive, negative : ndarray of float32, shape (3, n_rows, ...)
        Both are magnitudes, 0 or more. They were summed apart, so that strong evidence for and
        strong evidence against in the same place stay visible as such.
    """

    labels: tuple[str, ...]
    positive: NDArray[np.float32]
    negative: NDArray[np.float32]

    def shown(self) -> NDArray[np.float32]:
        """Return one signed picture: per cell the stronger side, from which nothing is taken."""
        return np.asarray(
            np.where(self.positive >= self.negative, self.positive, -self.negative),
            dtype=np.float32,
        )


@dataclass(frozen=True, slots=True)
class Masses:
    """Evidence for and against by band and region.

    Parameters
    ----------
    bands : tuple of Band
    regions : tuple of str
        From left to right: LL, LP, ML, RP, RL; or ``all``.
    positive, negative : ndarray of float64, shape (n_bands, n_regions)
        Sums of the positive and of the negative values, both as magnitudes, in the map's unit.
    """

    bands: tuple[Band, ...]
    regions: tuple[str, ...]
    positive: NDArray[np.float64]
    negative: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """Why a detector gave its logit to one window: a signed map with its own check.

    Parameters
    ----------
    method : str
        Name in ``METHODS``.
    baseline : str
        Name in ``BASELINES``; empty for a method that compares with nothing.
    values : ndarray of float32
        On the grid of the features; more than 0 speaks for a seizure. A spectrogram network gives
        (3, n_channels, n_freqs, n_frames), one of derivations (3, n_channels, n_samples). A CAM
        of a network whose convolutions mix derivations has no channel axis. Segments
        0, 1, 2 are t = 0, 1, 2 of the triptych.
    ch_names : tuple of str
        Rows of the channel axis; empty where there is none.
    freqs_hz : ndarray of float64
        Frequency axis, Hz; of ``spectral`` where the network reads derivations.
    time_s : ndarray of float64
        Last axis, s from the start of a segment: centres of frames, or samples.
    native : ndarray of float32 or None
        A CAM on its own coarse grid; ``values`` is it interpolated.
    spectral : ndarray of float32, shape (3, n_channels, n_rfft), or None
        Of a network of derivations: the same evidence by frequency (see ``methods``).
    unit : str
        One of :data:`UNITS`. Only maps of the same unit share a colour scale.
    logit, baseline_logit : float
        Of the window and of the baseline, :data:`TARGET`; the second is NaN without a baseline.
    completeness_error : float or None
        Sum of the values minus (logit - baseline logit), logits; None where the method promises
        no such sum.
    parameters : mapping
        Steps, samples, seeds, layer: everything that the map depends on besides its window.
    """

    method: str
    baseline: str
    values: NDArray[np.float32]
    ch_names: tuple[str, ...]
    freqs_hz: NDArray[np.float64]
    time_s: NDArray[np.float64]
    unit: str
    logit: float
    baseline_logit: float = float("nan")
    completeness_error: float | None = None
    native: NDArray[np.float32] | None = None
    spectral: NDArray[np.float32] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    # ---- facts -----------------------------------------------------------------------------

    @property
    def native_shape(self) -> tuple[int, ...]:
        """Grid of a CAM along frequency and time, or along time; empty for other methods."""
        if self.native is None:
            return ()
        return self.native.shape[2:] if self.has_channels else self.native.shape[1:]

    @property
    def has_channels(self) -> bool:
        """Whether a place can be named."""
        return bool(self.ch_names)

    @property
    def has_frequency_axis(self) -> bool:
        """Whether ``values`` has a frequency axis (features of a spectrogram)."""
        return self.values.ndim == (4 if self.has_channels else 3)

    @property
    def limit(self) -> float:
        """Largest magnitude: the colour scale goes from minus this to this."""
        return float(np.abs(self.values).max(initial=0.0))

    @property
    def positive_mass(self) -> float:
        """Sum of all values that speak for a seizure."""
        return float(self.values[self.values > 0].sum(dtype=np.float64))

    @property
    def negative_mass(self) -> float:
        """Sum of all values that speak against one, as a magnitude."""
        return float(-self.values[self.values < 0].sum(dtype=np.float64))

    @property
    def no_positive_evidence(self) -> bool:
        """Whether nothing worth a picture speaks for a seizure.

        True where the positive mass is under 5 % of the whole, or nothing at all.
        """
        whole = self.positive_mass + self.negative_mass
        return whole < _NOTHING or self.positive_mass < _WEAK_SHARE * whole

    @property
    def complete(self) -> bool | None:
        """Whether the values add up to the logit's difference: to 2 % of it, or 0.05 logit.

        None where the method promises no such sum.
        """
        if self.completeness_error is None:
            return None
        allowed = max(COMPLETE_LOGIT, COMPLETE_SHARE * abs(self.logit - self.baseline_logit))
        return bool(abs(self.completeness_error) <= allowed)

    # ---- views -----------------------------------------------------------------------------

    def by_channel(self) -> Parts:
        """Return the map by derivation, (3, n_channels, ...)."""
        values = self.values if self.has_channels else self.values[:, None]
        labels = self.ch_names or (EVERYWHERE,)
        return Parts(labels, np.maximum(values, 0), np.maximum(-values, 0))

    def by_region(self) -> Parts:
        """Return the map by region, (3, n_regions, ...): sums over the derivations of each."""
        parts = self.by_channel()
        rows = self._region_rows()
        return Parts(
            tuple(rows),
            np.stack([parts.positive[:, r].sum(axis=1) for r in rows.values()], axis=1),
            np.stack([parts.negative[:, r].sum(axis=1) for r in rows.values()], axis=1),
        )

    def channel_time(self) -> Parts:
        """Return evidence per derivation and time, (3, n_channels, n_frames), for raw traces.

        Frequencies are summed apart by sign; a network of derivations has none to sum.
        """
        parts = self.by_channel()
        if not self.has_frequency_axis:
            return parts
        return Parts(parts.labels, parts.positive.sum(axis=2), parts.negative.sum(axis=2))

    def by_segment(self) -> NDArray[np.float64]:
        """Return positive and negative mass of t = 0, 1, 2, shape (2, 3)."""
        values = self.values.reshape(len(self.values), -1).astype(np.float64)
        return np.stack([np.maximum(values, 0).sum(axis=1), np.maximum(-values, 0).sum(axis=1)])

    def band_parts(self, band: Band) -> Parts:
        """Return one band by derivation and time, (3, n_channels, n_frames).

        Raises
        ------
        ValueError
            If the map has no frequency axis.
        """
        if not self.has_frequency_axis:
            raise ValueError("this map has no frequency axis; use masses() for its bands")
        parts = self.by_channel()
        held = band.holds(self.freqs_hz)
        return Parts(
            parts.labels,
            parts.positive[:, :, held].sum(axis=2),
            parts.negative[:, :, held].sum(axis=2),
        )

    def masses(self, bands: Sequence[Band]) -> Masses:
        """Return positive and negative mass by band and region.

        Of a network of derivations from ``spectral``; without that there is one row of all
        frequencies.

        Parameters
        ----------
        bands : sequence of Band
            For instance ``physiological_bands(map.freqs_hz)``.
        """
        cells, kept = self._cells(bands)
        positive = np.stack([_summed(np.maximum(cells[:, :, h], 0)) for _, h in kept])
        negative = np.stack([_summed(np.maximum(-cells[:, :, h], 0)) for _, h in kept])
        rows = self._region_rows()
        return Masses(
            tuple(band for band, _ in kept),
            tuple(rows),
            np.stack([positive[:, r].sum(axis=1) for r in rows.values()], axis=1),
            np.stack([negative[:, r].sum(axis=1) for r in rows.values()], axis=1),
        )

    def _cells(
        self, bands: Sequence[Band]
    ) -> tuple[NDArray[np.float32], list[tuple[Band, NDArray[np.bool_]]]]:
        """Return (3, n_channels, n_freqs, ...) and which frequencies each band holds."""
        if self.has_frequency_axis:
            values = self.values if self.has_channels else self.values[:, None]
            return values, [(band, band.holds(self.freqs_hz)) for band in bands]
        if self.spectral is not None:
            return self.spectral, [(band, band.holds(self.freqs_hz)) for band in bands]
        values = (self.values if self.has_channels else self.values[:, None])[:, :, None]
        return values, [(Band("all frequencies", 0.0, float("inf")), np.ones(1, dtype=np.bool_))]

    def _region_rows(self) -> dict[str, NDArray[np.intp]]:
        return regions_of(self.ch_names) if self.has_channels else {EVERYWHERE: np.arange(1)}


def _summed(cells: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sum (3, n_channels, ...) over all but the channels."""
    axes = tuple(axis for axis in range(cells.ndim) if axis != 1)
    return np.asarray(cells.sum(axis=axes, dtype=np.float64))
