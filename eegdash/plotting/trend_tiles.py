"""All that is prepared of a recording in one pass: spectrogram, aEEG and rhythmicity.

Each is a series of columns over time, kept as tiles of :mod:`eegdash.plotting.pyramid`.
Left-right asymmetry needs no tiles of its own: it follows from those of the spectrogram.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.montage import REGION_NAMES, REGIONS, Derivation, MontageMatrix, present
from eegdash.plotting import spectrogram_tiles
from eegdash.plotting.pyramid import TILE_COLUMNS, Pyramid, TileGrid, nan_mean, strongest
from eegdash.plotting.spectrogram_tiles import CHUNK_COLUMNS, FIRST_BIN, Panel
from eegdash.recording import Recording
from eegdash.trends import (
    AEEG_EPOCH_S,
    AEEG_LEAST_SFREQ,
    AEEG_MARGIN_S,
    RHYTHM_AFTER,
    RHYTHM_BEFORE,
    RHYTHM_HIGH_HZ,
    RHYTHM_STEP_S,
    aeeg_margins,
    rhythmicity_db,
)

SPECTROGRAM, AEEG, RHYTHMICITY = "spectrogram", "aeeg", "rhythmicity"
KINDS = (SPECTROGRAM, AEEG, RHYTHMICITY)
SIDES = ("left", "right")
RHYTHM_STEP_DB = 0.1
"""What one count of a rhythmicity tile is worth, dB; a count of 1 is 0 dB or less."""
_PAIRS = tuple(
    tuple(Derivation(*name.split("-")) for name in pair.split())
    for pair in (
        "C3-P3 C4-P4", "F3-C3 F4-C4", "P3-O1 P4-O2", "Fp1-F3 Fp2-F4",
        "T7-P7 T8-P8", "F7-T7 F8-T8", "P7-O1 P8-O2", "Fp1-F7 Fp2-F8",
    )
)  # fmt: skip
_REGIONS_OF = {"left": ("LL", "LP"), "right": ("RL", "RP")}
NO_MIRROR = "This recording has no regions that mirror each other over left and right."
_NO_SIDE = "This recording has no derivation over the left or the right side of the head."


@dataclass(frozen=True, slots=True)
class Strip:
    """One strip of a trend: the side of the head, and the derivations it is made of."""

    side: str
    title: str
    matrix: MontageMatrix


@dataclass(frozen=True, slots=True)
class Trend:
    """What is shown of a trend, or why it is not.

    Parameters
    ----------
    strips : tuple of Strip
        Left before right; empty where the trend cannot be made.
    grid : TileGrid
    step_s : float
        Time between two columns at level 0, s.
    why : str
        A sentence for the reader: what is absent and why; empty where both sides are there.
    """

    strips: tuple[Strip, ...]
    grid: TileGrid
    step_s: float
    why: str = ""


def aeeg_trend(recording: Recording, mapping: Mapping[str, str] | None = None) -> Trend:
    """Return which derivations the amplitude-integrated EEG of a recording is made of.

    One derivation a side, the same on both, central before others, as monitors take it.
    """
    grid = TileGrid(math.ceil(recording.duration_s / AEEG_EPOCH_S), 2, 0.0)
    if recording.sfreq < AEEG_LEAST_SFREQ:
        why = (
            f"Amplitude-integrated EEG needs at least {AEEG_LEAST_SFREQ:g} samples a second; "
            f"this recording has {recording.sfreq:g}."
        )
        return Trend((), grid, AEEG_EPOCH_S, why)
    found = [[present(recording, [d], mapping=mapping) for d in pair] for pair in _PAIRS]
    best = max(found, key=lambda pair: sum(bool(matrix.names) for matrix in pair))
    strips = tuple(
        Strip(side, matrix.names[0], matrix)
        for side, matrix in zip(SIDES, best, strict=True)
        if matrix.names
    )
    return Trend(strips, grid, AEEG_EPOCH_S, _absent(strips))


def rhythm_trend(recording: Recording, mapping: Mapping[str, str] | None = None) -> Trend:
    """Return which regions the rhythmicity of a recording is made of, by side."""
    whole = spectrogram_tiles.spectrogram_grid(recording)
    n_bins = math.floor(RHYTHM_HIGH_HZ / whole.bin_hz + 1e-9) if whole.n_bins else 0
    n_columns = math.ceil(recording.duration_s / RHYTHM_STEP_S)
    grid = TileGrid(n_columns, min(n_bins, whole.n_bins), whole.bin_hz)
    strips = []
    for side, regions in _REGIONS_OF.items():
        known = {name: present(recording, REGIONS[name], mapping=mapping) for name in regions}
        parts = [REGION_NAMES[name] for name, matrix in known.items() if matrix.names]
        if parts:
            derivations = [d for name in regions for d in REGIONS[name]]
            matrix = present(recording, derivations, mapping=mapping)
            strips.append(Strip(side, " and ".join(parts), matrix))
    return Trend(tuple(strips), grid, RHYTHM_STEP_S, _absent(tuple(strips)))


def asymmetry_pairs(panels: list[Panel]) -> list[tuple[int, int]]:
    """Return the strips (left, right) of a spectrogram that mirror each other."""
    at = {panel.name: i for i, panel in enumerate(panels)}
    pairs = zip(_REGIONS_OF["left"], _REGIONS_OF["right"], strict=True)
    return [(at[left], at[right]) for left, right in pairs if left in at and right in at]


def _absent(strips: tuple[Strip, ...]) -> str:
    if not strips:
        return _NO_SIDE
    if len(strips) == len(SIDES):
        return ""
    other = "right" if strips[0].side == "left" else "left"
    return f"This recording has no such derivation over the {other} side of the head."


def kind_grid(
    recording: Recording, kind: str, mapping: Mapping[str, str] | None = None
) -> TileGrid:
    """Return the shape of what is prepared under a kind; without bins where there is nothing.

    Raises
    ------
    KeyError
        If there is no such kind.
    """
    if kind == SPECTROGRAM:
        any_strip = bool(spectrogram_tiles.spectrogram_panels(recording, mapping))
        grid = spectrogram_tiles.spectrogram_grid(recording)
    else:
        trend = {AEEG: aeeg_trend, RHYTHMICITY: rhythm_trend}[kind](recording, mapping)
        any_strip, grid = bool(trend.strips), trend.grid
    return grid if any_strip else TileGrid(grid.n_columns, 0, grid.bin_hz)


def prepared_tiles(
    recording: Recording,
    mapping: Mapping[str, str] | None = None,
    *,
    kinds: Collection[str] = KINDS,
    progress: Callable[[float], None] | None = None,
) -> Iterator[tuple[str, int, int, NDArray[np.uint8]]]:
    """Yield every tile of every level of several kinds, reading the recording once.

    Parameters
    ----------
    recording : Recording
    mapping : mapping of str to str, optional
        The reader's channel map.
    kinds : collection of str
        Of :data:`KINDS`; what a recording cannot give yields nothing.
    progress : callable, optional
        Called with 0 to 1.

    Yields
    ------
    kind : str
    level, index : int
    values : ndarray of uint8, shape (n_strips, n_columns, n_bins)
    """
    wanted = [kind for kind in kinds if kind_grid(recording, kind, mapping).n_bins > 0]
    if not wanted:
        return
    maker = _Maker(recording, mapping, wanted)
    n_columns = spectrogram_tiles.spectrogram_grid(recording).n_columns
    for first in range(0, n_columns, CHUNK_COLUMNS):
        n = min(CHUNK_COLUMNS, n_columns - first)
        yield from maker.chunk(first, n, last=first + n >= n_columns)
        if progress is not None:
            progress((first + n) / n_columns)


class _Maker:
    """One pass over a recording: what is read once is used for all kinds."""

    def __init__(
        self, recording: Recording, mapping: Mapping[str, str] | None, kinds: Collection[str]
    ) -> None:
        self.recording = recording
        self.grid = spectrogram_tiles.spectrogram_grid(recording)
        needs_power = SPECTROGRAM in kinds or RHYTHMICITY in kinds
        self.panels = (
            spectrogram_tiles.spectrogram_panels(recording, mapping) if needs_power else []
        )
        self.aeeg = aeeg_trend(recording, mapping).strips if AEEG in kinds else ()
        self.pyramids = {kind: _pyramid(kind) for kind in kinds}
        self.rhythm = None
        if RHYTHMICITY in kinds:
            n_bins = rhythm_trend(recording, mapping).grid.n_bins
            self.rhythm = _RhythmStream(self.panels, self.grid, n_bins)
        picks = {pick for strip in self.aeeg for pick in strip.matrix.picks}
        self.picks = sorted(picks | set(spectrogram_tiles.panels_picks(self.panels)))
        self.row = {pick: i for i, pick in enumerate(self.picks)}

    def chunk(
        self, first_column: int, n: int, *, last: bool
    ) -> Iterator[tuple[str, int, int, NDArray[np.uint8]]]:
        sfreq = self.recording.sfreq
        start = round((first_column - AEEG_MARGIN_S) * sfreq)
        stop = math.ceil((first_column + n + AEEG_MARGIN_S) * sfreq) + 1
        signal_uv = self.recording.read(start, stop, self.picks)
        found: dict[str, NDArray[np.float32]] = {}
        if self.aeeg:
            found[AEEG] = self._margins(signal_uv, n)
        if self.panels:
            first, end = spectrogram_tiles.columns_span(first_column, n, sfreq)
            power = spectrogram_tiles.panel_power(
                self.recording,
                self.panels,
                self.picks,
                signal_uv[:, first - start : end - start],
                first,
                n,
                self.grid,
            )
            found[SPECTROGRAM] = power
            if self.rhythm is not None:
                found[RHYTHMICITY] = self.rhythm.push(power, last=last)
        for kind, pyramid in self.pyramids.items():
            for level, index, values in pyramid.push(found[kind], last=last):
                yield kind, level, index, values

    def _margins(self, signal_uv: NDArray[np.float32], n: int) -> NDArray[np.float32]:
        derived = np.concatenate(
            [
                strip.matrix.apply(signal_uv[[self.row[pick] for pick in strip.matrix.picks]])
                for strip in self.aeeg
            ]
        )
        return aeeg_margins(derived, self.recording.sfreq, math.ceil(n / AEEG_EPOCH_S))


def _pyramid(kind: str) -> Pyramid:
    if kind == SPECTROGRAM:
        return Pyramid(spectrogram_tiles.decibel_bytes)
    if kind == AEEG:
        return Pyramid(aeeg_bytes)
    # a mean over minutes would hide a rhythm of one
    return Pyramid(rhythm_bytes, strongest)


class _RhythmStream:
    """Turns power that comes in chunks into rhythmicity, which looks at columns on either side."""

    def __init__(self, panels: Sequence[Panel], grid: TileGrid, n_bins: int) -> None:
        self.n_bins = n_bins
        self.freqs_hz = (FIRST_BIN + np.arange(grid.n_bins)) * grid.bin_hz
        sides = [
            [i for i, panel in enumerate(panels) if panel.name in regions]
            for regions in _REGIONS_OF.values()
        ]
        self.sides = [side for side in sides if side]
        self.held = self._nothing(RHYTHM_BEFORE)

    def _nothing(self, n: int) -> NDArray[np.float32]:
        return np.full((len(self.sides), n, len(self.freqs_hz)), np.nan, dtype=np.float32)

    def push(self, power: NDArray[np.float32], *, last: bool) -> NDArray[np.float32]:
        """Return what a whole tile needs, or with ``last`` all that is left."""
        sides = np.stack([nan_mean(power[side], axis=0) for side in self.sides])
        self.held = np.concatenate([self.held, sides], axis=1)
        around = RHYTHM_BEFORE + RHYTHM_AFTER
        if last:
            short = -(self.held.shape[1] - RHYTHM_BEFORE) % RHYTHM_STEP_S
            self.held = np.concatenate([self.held, self._nothing(short + RHYTHM_AFTER)], axis=1)
        elif self.held.shape[1] < TILE_COLUMNS * RHYTHM_STEP_S + around:
            # few large steps cost less than many small ones
            return np.zeros((len(self.sides), 0, self.n_bins), dtype=np.float32)
        n = (self.held.shape[1] - around) // RHYTHM_STEP_S
        found = rhythmicity_db(self.held[:, : RHYTHM_STEP_S * n + around], self.freqs_hz)
        self.held = self.held[:, RHYTHM_STEP_S * n :]
        return found[:, :, : self.n_bins]


def rhythm_bytes(excess_db: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return rhythmicity as bytes: ``1 + dB / RHYTHM_STEP_DB``, at least 1; 0 is NaN."""
    good = np.isfinite(excess_db)
    counts = 1 + np.round(np.where(good, excess_db, 0) / RHYTHM_STEP_DB)
    return np.where(good, np.clip(counts, 1, 255), 0).astype(np.uint8)


def aeeg_bytes(margin_uv: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return aEEG margins as steps of the scale that they are drawn on; 0 is NaN.

    The scale is linear from 0 to 10 uV over its lower half and logarithmic from 10 to 100 uV
    over its upper half; 1 is 0 uV, 128 is 10 uV, 255 is 100 uV or more.
    """
    good = np.isfinite(margin_uv)
    value = np.where(good, np.maximum(margin_uv, 0), 0)
    height = np.where(value <= 10, value / 20, 0.5 * np.log10(np.maximum(value, 10)))
    counts = 1 + np.round(254 * np.minimum(height, 1.0))
    return np.where(good, counts, 0).astype(np.uint8)
