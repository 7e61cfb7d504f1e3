"""Spectrogram tiles for the viewer: of regions of the head, or of any derivations.

A tile is a pure function of the recording, the strips and its index, so that it can be cached for
good by whatever lies between here and the canvas.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.montage import REGION_NAMES, REGIONS, MontageMatrix, present
from eegdash.plotting.pyramid import TILE_COLUMNS, Pyramid, TileGrid, averaged, nan_mean
from eegdash.recording import Recording
from eegdash.spectrogram import power_spectrogram

WINDOW_S = 2.0
STEP_S = 1.0
FMAX_HZ = 70.0
DB_LOW, DB_HIGH = -40.0, 60.0
"""Range of the stored dB re 1 uV^2/Hz; the viewer maps a part of it to colours."""
MOST_PANELS = 4
DIRECT_LEVELS = 2
"""Levels whose tiles are short enough (256 and 1,024 s) to be computed when asked for."""
CHUNK_COLUMNS = 120
"""Columns computed at once: what bounds the memory."""
FIRST_BIN = 1  # 0 Hz is not shown


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
    picks = [i for i, is_eeg in enumerate(recording.eeg) if is_eeg][:MOST_PANELS]
    one = np.ones((1, 1), dtype=np.float32)
    return [
        Panel(
            recording.ch_names[i][:12],
            recording.ch_names[i],
            MontageMatrix((recording.ch_names[i],), (i,), one),
        )
        for i in picks
    ]


def chosen_panels(matrix: MontageMatrix, rows: Sequence[int]) -> list[Panel]:
    """Return one strip for each chosen row of a montage.

    Parameters
    ----------
    matrix : MontageMatrix
    rows : sequence of int
        One to four different rows, in the order wanted.

    Returns
    -------
    list of Panel

    Raises
    ------
    ValueError
        If there are none or too many, or one is not a row or is given twice.
    """
    known = all(0 <= row < len(matrix.names) for row in rows)
    if not 1 <= len(rows) <= MOST_PANELS or len(set(rows)) != len(rows) or not known:
        raise ValueError(f"choose one to {MOST_PANELS} different rows of the montage")
    return [Panel(matrix.names[row][:12], matrix.names[row], _single(matrix, row)) for row in rows]


def _single(matrix: MontageMatrix, row: int) -> MontageMatrix:
    used = np.flatnonzero(matrix.weights[row])
    picks = tuple(matrix.picks[i] for i in used)
    return MontageMatrix((matrix.names[row],), picks, matrix.weights[row : row + 1, used])


def spectrogram_grid(recording: Recording) -> TileGrid:
    """Return the shape of the spectrogram without computing it."""
    window = max(round(WINDOW_S * recording.sfreq), 1)
    bin_hz = recording.sfreq / window
    highest = min(FMAX_HZ, recording.sfreq / 2)
    n_bins = max(math.floor(highest / bin_hz + 1e-9) + 1 - FIRST_BIN, 0)
    return TileGrid(math.ceil(recording.duration_s / STEP_S), n_bins, bin_hz)


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
    pyramid = Pyramid(decibel_bytes)
    for first in range(0, grid.n_columns, CHUNK_COLUMNS):
        n = min(CHUNK_COLUMNS, grid.n_columns - first)
        power = _read_power(recording, panels, first, n, grid)
        yield from pyramid.push(power, last=first + n >= grid.n_columns)
        if progress is not None:
            progress((first + n) / grid.n_columns)


def spectrogram_tile(
    recording: Recording, panels: list[Panel], level: int, index: int
) -> NDArray[np.uint8]:
    """Return one tile of :func:`spectrogram_tiles`, reading no more than it covers.

    Raises
    ------
    IndexError
        If there is no such tile.
    """
    grid = spectrogram_grid(recording)
    if not grid.holds(level, index):
        raise IndexError(f"the spectrogram has no tile {index} at level {level}")
    first = index * TILE_COLUMNS * 4**level
    stop = min(first + TILE_COLUMNS * 4**level, grid.n_columns)
    parts = [
        _read_power(recording, panels, at, min(CHUNK_COLUMNS, stop - at), grid)
        for at in range(first, stop, CHUNK_COLUMNS)
    ]
    power = np.concatenate(parts, axis=1)
    for _ in range(level):
        power = averaged(power)
    return decibel_bytes(power)


def columns_span(first_column: int, n: int, sfreq: float) -> tuple[int, int]:
    """Return the samples (first, stop) that ``n`` columns are computed from."""
    first = round((first_column * STEP_S - WINDOW_S / 2) * sfreq)
    return first, first + math.ceil(((n - 1) * STEP_S + WINDOW_S) * sfreq) + 1


def panels_picks(panels: Sequence[Panel]) -> list[int]:
    """Return the channels that panels are made of, in order."""
    return sorted({pick for panel in panels for pick in panel.matrix.picks})


def _read_power(
    recording: Recording, panels: list[Panel], first_column: int, n: int, grid: TileGrid
) -> NDArray[np.float32]:
    first, stop = columns_span(first_column, n, recording.sfreq)
    picks = panels_picks(panels)
    signal_uv = recording.read(first, stop, picks)
    return panel_power(recording, panels, picks, signal_uv, first, n, grid)


def panel_power(
    recording: Recording,
    panels: Sequence[Panel],
    picks: Sequence[int],
    signal_uv: NDArray[np.float32],
    first: int,
    n: int,
    grid: TileGrid,
) -> NDArray[np.float32]:
    """Return the mean power of the derivations of every panel.

    Parameters
    ----------
    recording : Recording
    panels : sequence of Panel
    picks : sequence of int
        Channels that the rows of the signal are.
    signal_uv : ndarray of float32, shape (n_picks, n_samples)
        Samples of :func:`columns_span`; changed in place where they lie outside the recording.
    first : int
        First sample on the recording's time line.
    n : int
        Columns.
    grid : TileGrid
        From :func:`spectrogram_grid`.

    Returns
    -------
    ndarray of float32, shape (n_panels, n, n_bins)
        Microvolt squared per hertz.
    """
    # the first and last frame reach over the end: what lies outside is mirrored in
    _mirror(signal_uv, first, recording.n_samples)
    row = {pick: i for i, pick in enumerate(picks)}
    power = np.full((len(panels), n, grid.n_bins), np.nan, dtype=np.float32)
    for i, panel in enumerate(panels):
        derived = panel.matrix.apply(signal_uv[[row[pick] for pick in panel.matrix.picks]])
        _, density = power_spectrogram(
            derived, recording.sfreq, window_s=WINDOW_S, step_s=STEP_S, fmax_hz=FMAX_HZ
        )
        mean = nan_mean(density[:, FIRST_BIN : FIRST_BIN + grid.n_bins, :n], axis=0)
        power[i, : mean.shape[1]] = mean.T
    return power


def _mirror(signal_uv: NDArray[np.float32], first: int, n_recorded: int) -> None:
    n = signal_uv.shape[1]
    before, after = -first, first + n - n_recorded
    if 0 < before <= n // 2:
        signal_uv[:, :before] = signal_uv[:, before : 2 * before][:, ::-1]
    if 0 < after <= n // 2:
        signal_uv[:, n - after :] = signal_uv[:, n - 2 * after : n - after][:, ::-1]


def decibel_bytes(power: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return power as bytes: 1 to 255 span :data:`DB_LOW` to :data:`DB_HIGH`, 0 is NaN."""
    good = np.isfinite(power)
    db = 10 * np.log10(np.maximum(np.where(good, power, 1.0), 1e-10))
    scaled = 1 + np.round(254 * (np.clip(db, DB_LOW, DB_HIGH) - DB_LOW) / (DB_HIGH - DB_LOW))
    return np.where(good, scaled, 0).astype(np.uint8)
