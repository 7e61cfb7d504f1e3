"""Binary tiles for the viewer: raw EEG pages and regional spectrograms.

A tile is a pure function of the recording, the display parameters and its index, so that it can
be cached for good by whatever lies between here and the canvas. Numbers are little-endian.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.errors import MissingChannelsError
from eegdash.montage import (
    MONTAGES,
    REGION_NAMES,
    REGIONS,
    MontageMatrix,
    present,
    resolve,
)
from eegdash.preprocessing import filter_uv, margin_s
from eegdash.recording import Recording
from eegdash.spectrogram import power_spectrogram

NO_SAMPLE = -32768
RAW_TILE_S = (10.0, 60.0)
"""Length of a raw tile per level, s: level 0 for pages up to 20 s, level 1 beyond."""
RAW_RATE = (256.0, 64.0)
"""Most values a second that a tile carries per level; min/max pairs where there are more."""

WINDOW_S = 2.0
STEP_S = 1.0
FMAX_HZ = 70.0
DB_LOW, DB_HIGH = -40.0, 60.0
"""Range of the stored dB re 1 uV^2/Hz; the viewer maps a part of it to colours."""
LEVELS = 4
"""Spectrogram levels; each averages the power of four columns of the one before."""
TILE_COLUMNS = 256
_CHUNK_S = 120.0
_MAX_PANELS = 4
_FIRST_BIN = 1  # 0 Hz is not shown


@dataclass(frozen=True, slots=True)
class DisplayFilter:
    """Filters of the raw page, Hz; 0 is off."""

    low_hz: float = 1.0
    high_hz: float = 70.0
    notch_hz: float = 0.0


def raw_tile(
    recording: Recording, matrix: MontageMatrix, filters: DisplayFilter, level: int, index: int
) -> bytes:
    """Return one tile of filtered derivations as int16 with a scale per row.

    Parameters
    ----------
    recording : Recording
    matrix : MontageMatrix
        Derivations wanted.
    filters : DisplayFilter
        Zero-phase filters, applied with enough margin that tiles join without an edge.
    level, index : int
        See :data:`RAW_TILE_S`; the tile covers ``[index, index + 1) * RAW_TILE_S[level]``.

    Returns
    -------
    bytes
        u32 rows, u32 values, f32 values per second, u32 1 where values are min/max pairs,
        f32 microvolt per count for each row, then int16 rows x values (-32768: no sample).
    """
    length_s = RAW_TILE_S[level]
    start_s = index * length_s
    sfreq = recording.sfreq
    first = round(start_s * sfreq)
    stop = min(round((start_s + length_s) * sfreq), recording.n_samples)
    margin = math.ceil(margin_s(filters.low_hz) * sfreq)
    signal_uv = matrix.apply(
        recording.read(first - margin, max(stop, first) + margin, list(matrix.picks))
    )
    shown = filter_uv(
        signal_uv,
        sfreq,
        low_hz=filters.low_hz or None,
        high_hz=filters.high_hz or None,
        notch_hz=filters.notch_hz or None,
    )[:, margin : signal_uv.shape[1] - margin]
    values, rate, pairs = _thinned(shown, sfreq, RAW_RATE[level])
    counts, scale = _quantised(values)
    head = struct.pack("<IIfI", *counts.shape, rate, int(pairs))
    return head + scale.tobytes() + counts.tobytes()


def _thinned(
    signal_uv: NDArray[np.float32], sfreq: float, most: float
) -> tuple[NDArray[np.float32], float, bool]:
    """Return the signal itself, or the minimum and maximum of short bins in turn."""
    if sfreq <= most * 1.01:
        return signal_uv, sfreq, False
    length = math.ceil(2 * sfreq / most)
    n_bins = -(-signal_uv.shape[1] // length)
    padded = np.full((len(signal_uv), n_bins * length), np.nan, dtype=np.float32)
    padded[:, : signal_uv.shape[1]] = signal_uv
    binned = padded.reshape(len(signal_uv), n_bins, length)
    # fmin/fmax pass over NaN; a bin without any sample stays NaN
    pairs = np.stack([np.fmin.reduce(binned, axis=2), np.fmax.reduce(binned, axis=2)], axis=2)
    return pairs.reshape(len(signal_uv), 2 * n_bins), 2 * sfreq / length, True


def _quantised(
    values_uv: NDArray[np.float32],
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    good = np.isfinite(values_uv)
    clean = np.where(good, values_uv, np.float32(0))
    peak = np.abs(clean).max(axis=1, initial=0.0)
    scale = (np.maximum(peak, 1e-3) / 32767).astype(np.float32)
    counts = np.round(clean / scale[:, None]).astype(np.int16)
    counts[~good] = NO_SAMPLE
    return counts, scale


@dataclass(frozen=True, slots=True)
class Panel:
    """One spectrogram strip: the mean power of a few derivations."""

    name: str
    title: str
    matrix: MontageMatrix


def spectrogram_panels(
    recording: Recording, mapping: Mapping[str, str] | None = None
) -> list[Panel]:
    """Return the strips of a recording: four regions, or its first channels as recorded.

    A region of which some derivations are absent is made of the others; one without any is
    left out. A recording without a known electrode gets up to four of its EEG channels.
    """
    panels = []
    for name, derivations in REGIONS.items():
        matrix = present(recording, derivations, mapping=mapping)
        if matrix.names:
            panels.append(Panel(name, REGION_NAMES[name], matrix))
    if panels or not any(recording.eeg):
        return panels
    picks = [i for i, is_eeg in enumerate(recording.eeg) if is_eeg][:_MAX_PANELS]
    one = np.ones((1, 1), dtype=np.float32)
    return [
        Panel(
            recording.ch_names[i][:12],
            recording.ch_names[i],
            MontageMatrix((recording.ch_names[i],), (i,), one),
        )
        for i in picks
    ]


@dataclass(frozen=True, slots=True)
class SpectrogramGrid:
    """Shape of the spectrogram of a recording: columns at level 0, bins, width of a bin."""

    n_columns: int
    n_bins: int
    bin_hz: float

    def tiles(self, level: int) -> int:
        """Number of tiles at a level."""
        return math.ceil(self.columns(level) / TILE_COLUMNS)

    def columns(self, level: int) -> int:
        """Number of columns at a level."""
        return math.ceil(self.n_columns / (1 << 2 * level))  # four of the level before


def spectrogram_grid(recording: Recording) -> SpectrogramGrid:
    """Return the shape of the spectrogram without computing it."""
    window = max(round(WINDOW_S * recording.sfreq), 1)
    bin_hz = recording.sfreq / window
    highest = min(FMAX_HZ, recording.sfreq / 2)
    n_bins = max(math.floor(highest / bin_hz + 1e-9) + 1 - _FIRST_BIN, 0)
    return SpectrogramGrid(math.ceil(recording.duration_s / STEP_S), n_bins, bin_hz)


def spectrogram_tiles(
    recording: Recording,
    panels: list[Panel],
    progress: Callable[[float], None] | None = None,
) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Yield every tile of every level, reading the recording once in bounded memory.

    Frames are 2 s long every 1 s; the column at second ``k`` is the frame that is centred
    there (``k - 1`` to ``k + 1`` s), so that it is drawn where it was measured, to half a
    column. Power is averaged over the derivations of a panel, then expressed in dB.

    Yields
    ------
    level, index : int
    power : ndarray of uint8, shape (n_panels, n_columns, n_bins)
        1 to 255 span :data:`DB_LOW` to :data:`DB_HIGH`; 0 is "no data".
    """
    grid = spectrogram_grid(recording)
    if not panels or grid.n_bins == 0:
        return
    pending: list[list[NDArray[np.float32]]] = [[] for _ in range(LEVELS)]
    emitted = [0] * LEVELS
    columns_done = 0
    while columns_done < grid.n_columns:
        n = min(int(_CHUNK_S), grid.n_columns - columns_done)
        power = _panel_power(recording, panels, columns_done, n, grid)
        columns_done += n
        yield from _push(power, 0, pending, emitted, last=columns_done >= grid.n_columns)
        if progress is not None:
            progress(columns_done / grid.n_columns)


def _push(
    power: NDArray[np.float32],
    level: int,
    pending: list[list[NDArray[np.float32]]],
    emitted: list[int],
    *,
    last: bool,
) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Collect columns of a level; emit whole tiles and hand averaged columns to the next."""
    pending[level].append(power)
    held = np.concatenate(pending[level], axis=1)
    while held.shape[1] >= TILE_COLUMNS or (last and held.shape[1] > 0):
        tile, held = held[:, :TILE_COLUMNS], held[:, TILE_COLUMNS:]
        yield level, emitted[level], _decibel_bytes(tile)
        emitted[level] += 1
        if level + 1 < LEVELS:
            done = last and held.shape[1] == 0
            yield from _push(_averaged(tile), level + 1, pending, emitted, last=done)
    pending[level] = [held]


def _averaged(tile: NDArray[np.float32]) -> NDArray[np.float32]:
    n = -(-tile.shape[1] // 4)
    padded = np.full((tile.shape[0], 4 * n, tile.shape[2]), np.nan, dtype=np.float32)
    padded[:, : tile.shape[1]] = tile
    grouped = padded.reshape(tile.shape[0], n, 4, tile.shape[2])
    return _nan_mean(grouped, axis=2)


def _nan_mean(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    good = np.isfinite(values)
    count = good.sum(axis=axis)
    total = np.where(good, values, 0).sum(axis=axis)
    mean = total / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan).astype(np.float32)


def _panel_power(
    recording: Recording, panels: list[Panel], first_column: int, n: int, grid: SpectrogramGrid
) -> NDArray[np.float32]:
    sfreq = recording.sfreq
    half = WINDOW_S / 2
    start = round((first_column * STEP_S - half) * sfreq)
    n_samples = math.ceil(((n - 1) * STEP_S + WINDOW_S) * sfreq) + 1
    # the first and last frame reach over the end: what lies outside is mirrored in
    picks = sorted({pick for panel in panels for pick in panel.matrix.picks})
    signal_uv = _mirrored(recording, start, start + n_samples, picks)
    row = {pick: i for i, pick in enumerate(picks)}
    power = np.full((len(panels), n, grid.n_bins), np.nan, dtype=np.float32)
    for i, panel in enumerate(panels):
        derived = panel.matrix.apply(signal_uv[[row[pick] for pick in panel.matrix.picks]])
        _, density = power_spectrogram(
            derived, sfreq, window_s=WINDOW_S, step_s=STEP_S, fmax_hz=FMAX_HZ
        )
        mean = _nan_mean(density[:, _FIRST_BIN : _FIRST_BIN + grid.n_bins, :n], axis=0)
        power[i, : mean.shape[1]] = mean.T
    return power


def _mirrored(recording: Recording, start: int, stop: int, picks: list[int]) -> NDArray[np.float32]:
    signal_uv = recording.read(start, stop, picks)
    before, after = -start, stop - recording.n_samples
    n = signal_uv.shape[1]
    if 0 < before <= n // 2:
        signal_uv[:, :before] = signal_uv[:, before : 2 * before][:, ::-1]
    if 0 < after <= n // 2:
        signal_uv[:, n - after :] = signal_uv[:, n - 2 * after : n - after][:, ::-1]
    return signal_uv


def _decibel_bytes(power: NDArray[np.float32]) -> NDArray[np.uint8]:
    good = np.isfinite(power)
    db = 10 * np.log10(np.maximum(np.where(good, power, 1.0), 1e-10))
    scaled = 1 + np.round(254 * (np.clip(db, DB_LOW, DB_HIGH) - DB_LOW) / (DB_HIGH - DB_LOW))
    return np.where(good, scaled, 0).astype(np.uint8)


def spectrogram_bytes(power: NDArray[np.uint8]) -> bytes:
    """Return a spectrogram tile as sent: u32 panels, bins, columns, spare, then the values."""
    panels, columns, bins = power.shape
    return struct.pack("<IIII", panels, bins, columns, 0) + power.tobytes()


@dataclass(frozen=True, slots=True)
class MontageChoice:
    """A montage as the viewer offers it: its rows and on which side of the head they lie."""

    name: str
    title: str
    available: bool
    why: str
    names: tuple[str, ...]
    sides: tuple[str, ...]


def montage_choices(
    recording: Recording, mapping: Mapping[str, str] | None = None
) -> list[MontageChoice]:
    """Return what each montage would show, or why it cannot be shown."""
    choices = []
    for montage in MONTAGES.values():
        try:
            names = resolve(recording, montage, mapping=mapping).names
        except MissingChannelsError as error:
            choice = MontageChoice(montage.name, montage.title, False, str(error), (), ())
        else:
            sides = tuple(_side(name) for name in names)
            choice = MontageChoice(montage.name, montage.title, bool(names), "", names, sides)
        choices.append(choice)
    return choices


def _side(name: str) -> str:
    """``L``, ``R`` or ``M``: odd electrodes lie left, even ones right (10-20 system)."""
    digits = [int(c) for c in name.split("-")[0] if c.isdigit()]
    second = [int(c) for c in name.split("-")[-1] if c.isdigit()]
    if len(name) > 12 or not digits or (second and digits[-1] % 2 != second[-1] % 2):
        return "M"
    return "L" if digits[-1] % 2 else "R"
