"""Prepare what the review page draws of a recording, and read it back from the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegdash.cache import cache_key
from eegdash.errors import RecordingError
from eegdash.montage import MONTAGES, shown
from eegdash.plotting import spectrogram_tiles as spectrograms
from eegdash.plotting import trend_tiles as trends
from eegdash.plotting.pyramid import LEVELS, TileGrid
from eegdash.workflows.desk import Desk
from eegdash.workflows.library import Opened, mapping_key, open_path

Progress = Callable[[float], None]

_VERSIONS = {trends.SPECTROGRAM: 1, trends.AEEG: 1, trends.RHYTHMICITY: 1}
_CHANNELS_VERSION = 1
_DISK_FULL = (
    "What is shown of the recording could not be kept: the disk of the workspace is full or "
    "read-only. Make room, then open the recording again."
)


def display_key(opened: Opened, kind: str) -> str:
    """Return the address of what is prepared of a recording: content and channel map."""
    return display_key_of(opened.recording.sha256, opened.mapping, kind)


def display_key_of(recording_sha256: str, mapping: Mapping[str, str], kind: str) -> str:
    """Return the same by recording hash and channel map, without opening the file.

    Raises
    ------
    KeyError
        If there is no such kind.
    """
    version = _VERSIONS[kind]
    return cache_key(recording_sha256, "", kind, version=version, mapping=mapping_key(mapping))


def prepare_display(desk: Desk, path: Path, progress: Progress | None = None) -> bool:
    """Compute and store what is missing of spectrogram and trends, in one pass.

    Returns
    -------
    bool
        Whether the recording has a spectrogram at all.

    Raises
    ------
    RecordingError
        If the file cannot be read, or the cache cannot keep the tiles.
    """
    opened = open_path(desk, path)
    keys = {kind: display_key(opened, kind) for kind in trends.KINDS}
    grids = {
        kind: trends.kind_grid(opened.recording, kind, opened.mapping) for kind in trends.KINDS
    }
    missing = [kind for kind in trends.KINDS if not _all_kept(desk, keys[kind], grids[kind])]
    stored = True
    for kind, level, index, values in trends.prepared_tiles(
        opened.recording, opened.mapping, kinds=missing, progress=progress
    ):
        stored = desk.cache.put_array(f"{keys[kind]}-{level}-{index}", values) and stored
    if not stored:
        raise RecordingError(_DISK_FULL)
    return grids[trends.SPECTROGRAM].n_bins > 0


def display_has(opened: Opened, kind: str, level: int, index: int) -> bool:
    """Return whether a recording has this tile, stored yet or not."""
    return trends.kind_grid(opened.recording, kind, opened.mapping).holds(level, index)


def display_tile(desk: Desk, key: str, level: int, index: int) -> NDArray[np.uint8] | None:
    """Return one stored tile, or None while there is none."""
    return desk.cache.get_array(f"{key}-{level}-{index}")


def _all_kept(desk: Desk, key: str, grid: TileGrid) -> bool:
    """Whether no tile was removed to make room: the cache drops the oldest, which are tiles."""
    return grid.n_bins == 0 or all(
        display_tile(desk, key, level, index) is not None
        for level in range(LEVELS)
        for index in range(grid.tiles(level))
    )


# ---- spectrograms of any channels ------------------------------------------------------------


def chosen_panels(
    opened: Opened, montage: str, rows: Sequence[int], bad: Collection[int] = ()
) -> list[spectrograms.Panel]:
    """Return the spectrogram strips of rows of a montage as the page shows it.

    Parameters
    ----------
    opened : Opened
    montage : str
        Name.
    rows : sequence of int
        Of the montage, in the order wanted.
    bad : collection of int
        Recorded channels that are kept out of an average.

    Raises
    ------
    KeyError
        If there is no such montage.
    MissingChannelsError
        If the recording cannot give it.
    ValueError
        If the rows are none, too many, twice the same or not there.
    """
    matrix = shown(opened.recording, MONTAGES[montage], mapping=opened.mapping, bad=bad).matrix
    return spectrograms.chosen_panels(matrix, rows)


def chosen_key(opened: Opened, panels: Sequence[spectrograms.Panel]) -> str:
    """Return the address of the spectrogram of chosen strips, by the channels they are sums of."""
    sums = [(panel.matrix.picks, panel.matrix.weights.tolist()) for panel in panels]
    return cache_key(
        opened.recording.sha256,
        "",
        "spectrogram-chosen",
        version=_CHANNELS_VERSION,
        sums=hashlib.sha256(repr(sums).encode()).hexdigest(),
    )


def chosen_tile(
    desk: Desk, opened: Opened, panels: list[spectrograms.Panel], level: int, index: int
) -> NDArray[np.uint8] | None:
    """Return one tile of chosen strips: as stored, or computed where it covers a short span.

    Returns
    -------
    ndarray of uint8, shape (n_panels, n_columns, n_bins), or None
        None where it covers long and :func:`prepare_chosen` has not been there.

    Raises
    ------
    IndexError
        If the recording has no such tile.
    """
    if not spectrograms.spectrogram_grid(opened.recording).holds(level, index):
        raise IndexError("outside the recording")
    found = display_tile(desk, chosen_key(opened, panels), level, index)
    if found is None and level < spectrograms.DIRECT_LEVELS:
        found = spectrograms.spectrogram_tile(opened.recording, panels, level, index)
    return found


def prepare_chosen(
    desk: Desk,
    path: Path,
    montage: str,
    rows: Sequence[int],
    bad: Collection[int] = (),
    progress: Progress | None = None,
) -> None:
    """Compute and store all spectrogram tiles of chosen rows of a montage.

    Raises
    ------
    RecordingError
        If the file cannot be read, or the cache cannot keep the tiles.
    """
    opened = open_path(desk, path)
    panels = chosen_panels(opened, montage, rows, bad)
    key = chosen_key(opened, panels)
    stored = True
    for level, index, power in spectrograms.spectrogram_tiles(opened.recording, panels, progress):
        stored = desk.cache.put_array(f"{key}-{level}-{index}", power) and stored
    if not stored:
        raise RecordingError(_DISK_FULL)
