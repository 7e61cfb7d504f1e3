"""Changes that leave the truth as it is: gain, slope, amplifier, lost derivations, mirror."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import LOG_POWER, DetectorConfig
from eegdash.montage import LONGITUDINAL_BIPOLAR

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How much a run is changed at random.

    Parameters
    ----------
    gain_decades : float
        Scaled by ``10**u`` in amplitude, u uniform within +- this.
    channel_decades : float
        Standard deviation of the same per derivation: electrodes differ in impedance and spacing.
    envelope : float
        Standard deviation of a smooth random change of the spectrum, in decades of power, and a
        third of it once more per derivation: ages, illnesses and amplifiers differ in it, while
        rhythms stand out of it.
    filtered : float
        Probability of another amplifier: a low-pass or a high-pass more.
    contrast : float
        Largest relative change of how far log power stands out of its mean.
    warp : float
        Largest relative change of all frequencies.
    noise : float
        Standard deviation of noise per bin, decades of power; of samples, in shares of their own
        deviation.
    dropped : float
        Probability that some derivations are lost, as if they were unusable.
    """

    gain_decades: float = 0.3
    channel_decades: float = 0.06
    envelope: float = 0.2
    filtered: float = 0.4
    contrast: float = 0.25
    warp: float = 0.2
    noise: float = 0.1
    dropped: float = 0.3


def augmented(
    part: Array, config: DetectorConfig, chosen: Augmentation, rng: np.random.Generator
) -> Array:
    """Return a changed copy of the features of a run of segments.

    Parameters
    ----------
    part : ndarray of float32, shape (n_segments, *input_shape)
        Normalised.
    config : DetectorConfig
        Says what the features are.
    chosen : Augmentation
    rng : Generator
    """
    change = _log_power if config.features == LOG_POWER else _samples
    part = change(part, config, chosen, rng)
    n_channels = part.shape[1]
    if n_channels == len(MIRROR) and rng.random() < 0.5:
        part = part[:, MIRROR]
    if rng.random() < chosen.dropped:
        lost = rng.choice(n_channels, rng.integers(1, 5), replace=False)
        kept = np.setdiff1d(np.arange(n_channels), lost)
        says_nothing = part[:, kept].mean(axis=1, keepdims=True)
        part[:, lost] = says_nothing if config.features == LOG_POWER else 0
    return np.ascontiguousarray(part)


def _log_power(
    part: Array, config: DetectorConfig, chosen: Augmentation, rng: np.random.Generator
) -> Array:
    n_channels, n_freqs = part.shape[1:3]
    freqs_hz = np.linspace(config.stft.fmin_hz, config.stft.fmax_hz, n_freqs)
    shift = 2 * rng.uniform(-1, 1) * chosen.gain_decades + np.zeros(n_freqs)
    if rng.random() < chosen.filtered:  # Butterworth of order 2 and 1
        shift -= np.log10(1 + (freqs_hz / rng.uniform(15, 60)) ** 4)
        shift -= np.log10(1 + (rng.uniform(0, 1.5) / freqs_hz) ** 2)
    own = 2 * rng.normal(0, chosen.channel_decades, n_channels)
    total = np.add.outer(own, shift) + _envelopes(n_channels, n_freqs, chosen, rng)
    part = _warped(part, freqs_hz, float(np.exp(rng.uniform(-1, 1) * chosen.warp)))
    mean = part.mean()
    part = mean + (part - mean) * np.float32(1 + rng.uniform(-1, 1) * chosen.contrast)
    noise = rng.standard_normal(part.shape, dtype=np.float32)
    scale = np.float32(1 / config.normalisation.scale)
    return np.asarray(
        part
        + scale * total.astype(np.float32)[None, :, :, None]
        + scale * np.float32(chosen.noise) * noise
    )


def _envelopes(
    n_channels: int, n_freqs: int, chosen: Augmentation, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return smooth random spectra (n_channels, n_freqs): the lowest cosines over frequency."""
    orders = np.arange(1, 5)
    basis = np.cos(np.pi * np.outer(orders, (np.arange(n_freqs) + 0.5) / n_freqs))
    size = chosen.envelope / orders
    common = rng.normal(0, size)
    return np.asarray((common + rng.normal(0, size / 3, (n_channels, 4))) @ basis)


def _warped(part: Array, freqs_hz: NDArray[np.float64], factor: float) -> Array:
    """Read every spectrum at other frequencies; the slope of the mean spectrum stays."""
    wanted = np.clip(freqs_hz * factor, freqs_hz[0], freqs_hz[-1])
    place = np.interp(wanted, freqs_hz, np.arange(len(freqs_hz)))
    low = np.minimum(place.astype(np.int64), len(freqs_hz) - 2)
    share = (place - low).astype(np.float32)[:, None]
    return np.asarray(part[:, :, low] * (1 - share) + part[:, :, low + 1] * share)


def _samples(
    part: Array, config: DetectorConfig, chosen: Augmentation, rng: np.random.Generator
) -> Array:
    decades = rng.uniform(-1, 1) * chosen.gain_decades
    own = decades + rng.normal(0, chosen.channel_decades, part.shape[1])
    part = part * np.power(10.0, own).astype(np.float32)[:, None]
    # y[t] = x[t] + a x[t-1]: ((1 + a) / (1 - a))^2 is the ratio of low to high power
    ratio = 10 ** (2 * rng.normal(0, chosen.envelope))
    factor = np.float32((np.sqrt(ratio) - 1) / (np.sqrt(ratio) + 1))
    part[..., 1:] += factor * part[..., :-1].copy()
    noise = rng.standard_normal(part.shape, dtype=np.float32)
    deviation = part.std(axis=-1, keepdims=True)
    return np.asarray(part + np.float32(chosen.noise) * deviation * noise, dtype=np.float32)


def _mirror_order() -> list[int]:
    """Return for each derivation the one on the other side of the head."""
    swap = {"1": "2", "3": "4", "5": "6", "7": "8"} | {"2": "1", "4": "3", "6": "5", "8": "7"}
    names = [d.name for d in LONGITUDINAL_BIPOLAR]
    return [names.index("".join(swap.get(c, c) for c in name)) for name in names]


MIRROR = _mirror_order()
