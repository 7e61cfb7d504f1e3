"""Tiles of columns over time in several levels of detail, as the viewer asks for them.

A tile is an array of uint8, 0 for "no data". Each level has a quarter of the columns of the one
before, so that the trend of a day takes as few tiles as that of ten minutes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = 4
"""Levels of detail; each combines four columns of the one before."""
TILE_COLUMNS = 256

Encode = Callable[[NDArray[np.float32]], NDArray[np.uint8]]
Combine = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class TileGrid:
    """Shape of what is shown over a recording: columns at level 0, bins, width of a bin."""

    n_columns: int
    n_bins: int
    bin_hz: float

    def tiles(self, level: int) -> int:
        """Number of tiles at a level."""
        return math.ceil(self.columns(level) / TILE_COLUMNS)

    def columns(self, level: int) -> int:
        """Number of columns at a level."""
        return math.ceil(self.n_columns / (1 << 2 * level))  # four of the level before

    def holds(self, level: int, index: int) -> bool:
        """Whether there is such a tile."""
        return 0 <= level < LEVELS and 0 <= index < self.tiles(level) and self.n_bins > 0


def by_fours(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return columns in groups of four, the last filled up with NaN.

    Parameters
    ----------
    values : ndarray of float32, shape (n_strips, n_columns, n_bins)

    Returns
    -------
    ndarray of float32, shape (n_strips, ceil(n_columns / 4), 4, n_bins)
    """
    n = -(-values.shape[1] // 4)
    padded = np.full((values.shape[0], 4 * n, values.shape[2]), np.nan, dtype=np.float32)
    padded[:, : values.shape[1]] = values
    return padded.reshape(values.shape[0], n, 4, values.shape[2])


def averaged(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of every four columns; of those that have data, where some have none."""
    return nan_mean(by_fours(values), axis=2)


def strongest(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest of every four columns, NaN where none has data."""
    return np.asarray(np.fmax.reduce(by_fours(values), axis=2))


class Pyramid:
    """Collects columns in order and gives out whole tiles of every level.

    Parameters
    ----------
    encode : callable
        Values of a tile to bytes.
    combine : callable
        Columns of a level to those of the next, a quarter of them: :func:`averaged` or
        :func:`strongest`. It is given the values themselves, not their bytes.
    """

    def __init__(self, encode: Encode, combine: Combine = averaged) -> None:
        self._encode = encode
        self._combine = combine
        self._held: list[NDArray[np.float32] | None] = [None] * LEVELS
        self._emitted = [0] * LEVELS

    def push(
        self, values: NDArray[np.float32], *, last: bool, level: int = 0
    ) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
        """Add columns; yield the tiles that are complete, with ``last`` also the rest.

        Parameters
        ----------
        values : ndarray of float32, shape (n_strips, n_columns, n_bins)
            NaN is "no data".
        last : bool
            Whether no column follows.
        level : int
            Level of these columns.

        Yields
        ------
        level, index : int
        values : ndarray of uint8, shape (n_strips, n_columns, n_bins)
        """
        before = self._held[level]
        held = values if before is None else np.concatenate([before, values], axis=1)
        while held.shape[1] >= TILE_COLUMNS or (last and held.shape[1] > 0):
            tile, held = held[:, :TILE_COLUMNS], held[:, TILE_COLUMNS:]
            yield level, self._emitted[level], self._encode(tile)
            self._emitted[level] += 1
            if level + 1 < LEVELS:
                done = last and held.shape[1] == 0
                yield from self.push(self._combine(tile), last=done, level=level + 1)
        self._held[level] = held


def nan_mean(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return the mean over what is finite along an axis, NaN where nothing is."""
    good = np.isfinite(values)
    count = good.sum(axis=axis)
    total = np.where(good, values, 0).sum(axis=axis)
    mean = total / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan).astype(np.float32)


def tile_bytes(values: NDArray[np.uint8]) -> bytes:
    """Return a tile as sent: u32 strips, bins, columns, spare, then the values."""
    strips, columns, bins = values.shape
    return struct.pack("<IIII", strips, bins, columns, 0) + values.tobytes()
