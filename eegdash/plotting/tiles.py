"""Binary tiles of the raw EEG for the viewer, and the montages it offers.

A tile is a pure function of the recording, the display parameters and its index, so that it can
be cached for good by whatever lies between here and the canvas. Numbers are little-endian.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.errors import MissingChannelsError
from eegdash.montage import (
    AVERAGE,
    MONTAGES,
    Montage,
    MontageMatrix,
    ShownMontage,
    parse_label,
    shown,
)
from eegdash.preprocessing import channel_quality, filter_uv, margin_s
from eegdash.recording import Recording

NO_SAMPLE = -32768
RAW_TILE_S = (10.0, 60.0)
"""Length of a raw tile per level, s: level 0 for pages up to 20 s, level 1 beyond."""
RAW_RATE = (256.0, 64.0)
"""Most values a second that a tile carries per level; min/max pairs where there are more."""
FLAT, SATURATED, INCOMPLETE = 1, 2, 4
"""What is wrong with a channel (:func:`eegdash.preprocessing.channel_quality`)."""
_LONGEST_NOTE = 300
_SHORTEST_JUDGED_S = 1.0  # what is left of a tile between gaps; less says nothing of a channel


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
        f32 microvolt per count for each row, then int16 rows x values (-32768: no sample),
        then a byte per row of what is wrong with its recorded channels over the tile: the sum
        of :data:`FLAT`, :data:`SATURATED` and :data:`INCOMPLETE`.
    """
    length_s = RAW_TILE_S[level]
    start_s = index * length_s
    sfreq = recording.sfreq
    first = round(start_s * sfreq)
    stop = min(round((start_s + length_s) * sfreq), recording.n_samples)
    margin = math.ceil(margin_s(filters.low_hz, filters.notch_hz) * sfreq)
    recorded_uv = recording.read(first - margin, max(stop, first) + margin, list(matrix.picks))
    flags = _row_flags(matrix, recorded_uv[:, margin : recorded_uv.shape[1] - margin], sfreq)
    filtered_uv = filter_uv(
        matrix.apply(recorded_uv),
        sfreq,
        low_hz=filters.low_hz or None,
        high_hz=filters.high_hz or None,
        notch_hz=filters.notch_hz or None,
    )[:, margin : recorded_uv.shape[1] - margin]
    values, rate, pairs = _thinned(filtered_uv, sfreq, level)
    counts, scale = _quantised(values)
    head = struct.pack("<IIfI", *counts.shape, rate, int(pairs))
    return head + scale.tobytes() + counts.tobytes() + flags.tobytes()


def _row_flags(
    matrix: MontageMatrix, recorded_uv: NDArray[np.float32], sfreq: float
) -> NDArray[np.uint8]:
    """Return per row what is wrong with any of its own channels; a gap is not a fault of one."""
    gap = ~np.isfinite(recorded_uv).any(axis=0)
    held_uv = recorded_uv[:, ~gap] if gap.any() else recorded_uv
    flags = np.zeros(len(matrix.names), dtype=np.uint8)
    if held_uv.shape[1] < _SHORTEST_JUDGED_S * sfreq:
        return flags
    quality = channel_quality(held_uv)
    of_channel = FLAT * quality.flat + SATURATED * quality.saturated + INCOMPLETE * quality.nan
    at = {pick: position for position, pick in enumerate(matrix.picks)}
    for row, inputs in enumerate(matrix.inputs):
        for channel in inputs:
            flags[row] |= of_channel[at[channel]]
    return flags


def bin_samples(sfreq: float, level: int) -> int:
    """Return of how many samples a min/max pair of a tile is made; 1 where it carries samples."""
    most = RAW_RATE[level]
    return 1 if sfreq <= most * 1.01 else math.ceil(2 * sfreq / most)


def _thinned(
    signal_uv: NDArray[np.float32], sfreq: float, level: int
) -> tuple[NDArray[np.float32], float, bool]:
    """Return the signal itself, or the minimum and maximum of short bins in turn."""
    length = bin_samples(sfreq, level)
    if length == 1:
        return signal_uv, sfreq, False
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


def file_notes(recording: Recording) -> list[tuple[float, float, str]]:
    """Return what is noted in the file itself: onset and duration (s) and text, by onset.

    The text is of the file's making: it may say anything, and is to be shown as text only.
    """
    notes = [
        (a.onset_s, a.duration_s, " ".join(a.text.split())[:_LONGEST_NOTE])
        for a in recording.annotations
        if 0 <= a.onset_s <= recording.duration_s
    ]
    return sorted(note for note in notes if note[2])


@dataclass(frozen=True, slots=True)
class MontageChoice:
    """A montage as the viewer offers it: its rows and on which side of the head they lie."""

    name: str
    title: str
    available: bool
    why: str
    names: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    inputs: tuple[tuple[int, ...], ...] = ()
    """Per row the recorded channels of its anode and cathode."""
    sums: tuple[str, ...] = ()
    """Per row what it is the sum of where that is more than two channels, else empty."""
    n_wanted: int = 0
    """Number of derivations of the whole montage."""
    averaged: bool = False
    """Whether rows are against an average, which bad channels are kept out of."""


def channel_labels(
    recording: Recording, mapping: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return a short name for every recorded channel: its electrodes where they are known.

    A name that two channels would share stays as stored.
    """
    chosen = mapping or {}
    parsed = [parse_label(chosen.get(name, name)) for name in recording.ch_names]
    short = [
        stored if derivation is None else derivation.name
        for stored, derivation in zip(recording.ch_names, parsed, strict=True)
    ]
    return tuple(
        label if short.count(label) == 1 else stored
        for label, stored in zip(short, recording.ch_names, strict=True)
    )


def montage_choices(
    recording: Recording, mapping: Mapping[str, str] | None = None
) -> list[MontageChoice]:
    """Return what each montage would show, and why it cannot be shown or not all of it."""
    choices = []
    for montage in MONTAGES.values():
        try:
            found = shown(recording, montage, mapping=mapping)
        except MissingChannelsError as error:
            choices.append(MontageChoice(montage.name, montage.title, False, str(error)))
        else:
            choices.append(_choice(recording, montage, found))
    return choices


def _choice(recording: Recording, montage: Montage, found: ShownMontage) -> MontageChoice:
    matrix, n_rows = found.matrix, len(found.matrix.names)
    n_wanted = n_rows + len(found.absent)
    lacking = f"{n_rows} of {n_wanted} derivations; none of the recorded channels lead to "
    return MontageChoice(
        montage.name,
        montage.title,
        available=n_rows > 0,
        why=lacking + ", ".join(found.absent) if found.absent else "",
        names=matrix.names,
        sides=tuple(_side(name) for name in matrix.names),
        inputs=matrix.inputs,
        sums=tuple(_sum_text(recording, matrix, row) for row in range(n_rows)),
        n_wanted=n_wanted,
        averaged=any(derivation.cathode == AVERAGE for derivation in montage.derivations),
    )


def _sum_text(recording: Recording, matrix: MontageMatrix, row: int) -> str:
    """Say of which channels a row is the sum, where they are more than anode and cathode."""
    if len(matrix.inputs[row]) <= 2:
        return ""
    weights = zip(matrix.picks, matrix.weights[row], strict=True)
    terms = [
        ("+ " if weight > 0 else "\N{MINUS SIGN} ") + recording.ch_names[pick]
        for pick, weight in weights
        if weight
    ]
    return " ".join(terms).removeprefix("+ ")


def _side(name: str) -> str:
    """``L``, ``R`` or ``M``: odd electrodes lie left, even ones right (10-20 system)."""
    digits = [int(c) for c in name.split("-")[0] if c.isdigit()]
    second = [int(c) for c in name.split("-")[-1] if c.isdigit()]
    if len(name) > 12 or not digits or (second and digits[-1] % 2 != second[-1] % 2):
        return "M"
    return "L" if digits[-1] % 2 else "R"
