"""Tuning of units, measured with made-up EEG: a rhythm of one frequency, size and place.

Natural windows differ in everything at once. A rhythm on top of the same background differs in
one thing only, as a grating does for a neuron of the visual cortex.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FREQUENCIES_HZ = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0, 22.0, 26.0, 30.0)
AMPLITUDES_UV = (10.0, 20.0, 40.0, 80.0, 160.0)
BACKGROUND_UV = 15.0
_USUAL_UV = 80.0
_REPEATS = 3


@dataclass(frozen=True, slots=True)
class Stimulus:
    """One made-up window: a rhythm of so many uV (peak), at a frequency, in a region.

    A frequency of 0 is the background alone; an empty region is everywhere.
    """

    frequency_hz: float
    amplitude_uv: float
    region: str = ""


def stimuli(regions: Sequence[str], *, best_hz: float = 3.0) -> list[Stimulus]:
    """Return the background, all frequencies at 80 uV, all sizes and all regions at one frequency.

    Parameters
    ----------
    regions : sequence of str
    best_hz : float
        Frequency at which size and region are varied, Hz.
    """
    return [
        Stimulus(0.0, 0.0),
        *(Stimulus(f, _USUAL_UV) for f in FREQUENCIES_HZ),
        *(Stimulus(best_hz, a) for a in AMPLITUDES_UV),
        *(Stimulus(best_hz, _USUAL_UV, region) for region in regions),
    ]


def stimulus_windows(
    wanted: Sequence[Stimulus],
    *,
    sfreq: float,
    n_samples: int,
    n_channels: int,
    regions: Mapping[str, Sequence[int]],
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return windows, (n_stimuli, repeats, n_channels, n_samples), uV.

    The background is pink noise (power 1/f) of 15 uV, drawn anew for each repeat and the same for
    all stimuli, so that two stimuli differ in the rhythm alone. The rhythm has the same phase in
    all derivations of a repeat.

    Parameters
    ----------
    wanted : sequence of Stimulus
    sfreq : float
        Hz.
    n_samples, n_channels : int
    regions : mapping of str to sequence of int
        Derivations of each region.
    seed : int
    """
    rng = np.random.default_rng(seed)
    noise = _pink(rng, (_REPEATS, n_channels, n_samples), sfreq)
    phase = rng.uniform(0, 2 * np.pi, _REPEATS)
    t = np.arange(n_samples) / sfreq
    found = np.repeat(noise[None], len(wanted), axis=0)
    for k, stimulus in enumerate(wanted):
        if stimulus.frequency_hz <= 0 or stimulus.frequency_hz >= sfreq / 2:
            continue
        rows = list(regions[stimulus.region]) if stimulus.region else list(range(n_channels))
        wave = np.sin(2 * np.pi * stimulus.frequency_hz * t[None] + phase[:, None])
        found[k][:, rows] += stimulus.amplitude_uv * wave[:, None]
    return found.astype(np.float32)


def _pink(rng: np.random.Generator, shape: tuple[int, ...], sfreq: float) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(rng.standard_normal(shape), axis=-1)
    freqs = np.fft.rfftfreq(shape[-1], 1 / sfreq)
    spectrum *= 1 / np.sqrt(np.maximum(freqs, 0.5))
    spectrum[..., 0] = 0
    signal = np.fft.irfft(spectrum, shape[-1], axis=-1)
    return np.asarray(BACKGROUND_UV * signal / signal.std(axis=-1, keepdims=True))
