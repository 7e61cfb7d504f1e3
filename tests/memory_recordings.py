"""Recordings whose samples lie in an array, and signals with a known spectrum to put in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Annotation
from eegdash.recording import Block, Recording

Float = NDArray[np.float32]


class Memory:
    """Samples of an array as a reader hands them out; remembers how much was asked for."""

    def __init__(self, signal_uv: Float) -> None:
        self.signal_uv = signal_uv
        self.longest = self.total = 0

    def read(self, first: int, last: int, picks: Sequence[int]) -> Float:
        """Return ``first:last`` of the picked channels; outside the recording there is nothing."""
        assert 0 <= first <= last <= self.signal_uv.shape[1]
        self.longest = max(self.longest, last - first)
        self.total += last - first
        return self.signal_uv[list(picks), first:last]


def recording(
    signal_uv: Float,
    sfreq: float = 256.0,
    names: Sequence[str] = ("Fp1",),
    blocks: tuple[Block, ...] | None = None,
    eeg: Sequence[bool] | None = None,
    notes: Sequence[Annotation] = (),
) -> Recording:
    """Return a recording of these samples; without ``blocks`` it has no gap."""
    blocks = blocks or (Block(0.0, 0, signal_uv.shape[1]),)
    return Recording(
        Path("a.edf"), "0" * 64, sfreq, tuple(names), blocks, None, tuple(notes), (),
        Memory(signal_uv), tuple(eeg) if eeg is not None else (True,) * len(names), "test",
    )  # fmt: skip


def noise(rows: int, seconds: float, sfreq: float = 256.0, seed: int = 0) -> Float:
    """Return white noise with a slow drift, as electrodes have, for the high-pass to remove."""
    rng = np.random.default_rng(seed)
    white = rng.standard_normal((rows, round(seconds * sfreq)))
    drift = 200 * np.cumsum(rng.standard_normal(white.shape), axis=1) / sfreq
    return (30 * white + drift).astype(np.float32)


def sine(seconds: float, hz: float, peak_uv: float, sfreq: float = 256.0) -> Float:
    """Return one channel with a sine."""
    t = np.arange(round(seconds * sfreq)) / sfreq
    return (peak_uv * np.sin(2 * np.pi * hz * t))[None].astype(np.float32)
