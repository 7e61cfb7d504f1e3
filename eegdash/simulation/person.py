"""What differs between simulated people, their states and their amplifiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eegdash.simulation.events import log_uniform

VIGILANCE = ("awake", "drowsy", "asleep", "night", "ill")
PATTERNS = ("LPD", "GPD", "LRDA", "GRDA", "spike-wave burst", "spike")
REFERENCES = ("ears", "average", "bipolar")


@dataclass(frozen=True, slots=True)
class Person:
    """A simulated person with state and amplifier; the defaults are an average adult.

    Parameters
    ----------
    background_uv : float
        RMS of the waking background without rhythms in longitudinal bipolar derivations, uV.
    slope : float
        Exponent of its 1/f power spectrum.
    slow : float
        Size of slow activity, 1 for an adult, more in children and in illness.
    slow_slope : float
        Exponent of the spectrum of slow activity.
    alpha_hz, alpha_uv : float
        Frequency of the posterior rhythm, and its RMS over the occiput with eyes closed, uV.
    beta, mu : float
        Size of these rhythms, 1 for average.
    vigilance : str
        ``awake``, ``drowsy``, ``asleep``, ``night`` (a course from evening to morning) or
        ``ill`` (slow throughout, as in intensive care).
    blinks_per_min, muscle_per_min : float
        While awake.
    muscle_uv : float
        RMS of the muscle tone over the temples while awake, uV.
    clutter : float
        Scales all other artefacts; 1 is one of them about every minute.
    patterns : tuple of str
        Interictal patterns that occur (:data:`PATTERNS`).
    patterns_per_hour : float
        How often each of them comes.
    ecg_uv : float
        Size of the heart in the EEG, uV.
    sweat_uv : float
        RMS of slow drift, uV.
    head_gain : float
        1 for a head of 9 cm radius; amplitudes go with the square of 9 cm over the radius.
    skull_s_per_m : float
        Conductivity of the skull.
    reference : str
        ``ears``, ``average`` or ``bipolar`` (23 channels as in CHB-MIT).
    high_pass_hz, low_pass_hz : float
        Amplifier, first and second order.
    line_hz, line_uv : float
        Line noise.
    noise_uv : float
        RMS of the amplifier's own noise, uV.
    """

    background_uv: float = 4.5
    slope: float = 1.6
    slow: float = 1.0
    slow_slope: float = 2.6
    alpha_hz: float = 9.8
    alpha_uv: float = 14.0
    beta: float = 1.0
    mu: float = 1.0
    vigilance: str = "awake"
    blinks_per_min: float = 12.0
    muscle_per_min: float = 0.5
    muscle_uv: float = 1.5
    clutter: float = 0.6
    patterns: tuple[str, ...] = ()
    patterns_per_hour: float = 6.0
    ecg_uv: float = 2.0
    sweat_uv: float = 3.0
    head_gain: float = 1.0
    skull_s_per_m: float = 0.0042
    reference: str = "ears"
    high_pass_hz: float = 0.3
    low_pass_hz: float = 80.0
    line_hz: float = 50.0
    line_uv: float = 0.3
    noise_uv: float = 0.5

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Person:
        """Draw a person at random: adult, child or severely ill."""
        age = rng.random()
        if age < 0.5:
            return cls._adult(rng)
        return cls._child(rng) if age < 0.75 else cls._ill(rng)

    @classmethod
    def _adult(cls, rng: np.random.Generator) -> Person:
        background_uv = log_uniform(rng, 2.2, 11.0)
        return cls(
            background_uv=background_uv,
            slope=float(rng.uniform(1.0, 2.2)),
            slow=log_uniform(rng, 0.5, 2.0),
            slow_slope=float(rng.uniform(2.0, 3.4)),
            alpha_hz=float(rng.uniform(8.2, 11.8)),
            alpha_uv=background_uv * log_uniform(rng, 0.5, 10.0),
            beta=log_uniform(rng, 0.3, 3.0),
            mu=log_uniform(rng, 0.2, 3.0),
            vigilance=str(rng.choice(["awake", "drowsy", "asleep", "night"])),
            **_habits(rng),
            **_apparatus(rng, (0.85, 1.25), (0.0033, 0.0042, 0.006)),
        )

    @classmethod
    def _child(cls, rng: np.random.Generator) -> Person:
        background_uv = log_uniform(rng, 6.0, 20.0)
        return cls(
            background_uv=background_uv,
            slope=float(rng.uniform(1.0, 2.0)),
            slow=log_uniform(rng, 1.2, 3.2),
            slow_slope=float(rng.uniform(2.2, 3.4)),
            alpha_hz=float(rng.uniform(5.5, 9.5)),
            alpha_uv=background_uv * log_uniform(rng, 0.5, 4.0),
            beta=log_uniform(rng, 0.3, 3.0),
            mu=log_uniform(rng, 0.3, 3.0),
            vigilance=str(rng.choice(["awake", "awake", "drowsy", "asleep"])),
            **_habits(rng),
            **_apparatus(rng, (1.0, 1.6), (0.006, 0.012)),
        )

    @classmethod
    def _ill(cls, rng: np.random.Generator) -> Person:
        return cls(
            background_uv=log_uniform(rng, 1.8, 6.0),
            slope=float(rng.uniform(1.3, 2.5)),
            slow=log_uniform(rng, 1.2, 6.0),
            slow_slope=float(rng.uniform(1.9, 3.3)),
            alpha_hz=float(rng.uniform(6.0, 9.0)),
            alpha_uv=float(rng.uniform(0, 4)),
            beta=log_uniform(rng, 0.1, 2.0),
            mu=0.0,
            vigilance="ill",
            **{**_habits(rng), "blinks_per_min": float(rng.choice([0.0, 0.0, 5.0]))},
            **_apparatus(rng, (0.85, 1.2), (0.0033, 0.0042, 0.006)),
        )


def _habits(rng: np.random.Generator) -> dict[str, Any]:
    share = (0.0, 0.12, 0.35)[int(rng.integers(3))]
    return {
        "blinks_per_min": float(rng.choice([3.0, 10.0, 18.0, 28.0])),
        "muscle_per_min": log_uniform(rng, 0.1, 4.0),
        "muscle_uv": log_uniform(rng, 0.4, 6.0),
        "clutter": log_uniform(rng, 0.2, 3.0),
        "patterns": tuple(name for name in PATTERNS if rng.random() < share),
        "patterns_per_hour": log_uniform(rng, 3.0, 40.0),
        "ecg_uv": log_uniform(rng, 0.5, 15.0),
        "sweat_uv": log_uniform(rng, 0.5, 15.0),
    }


def _apparatus(
    rng: np.random.Generator, gains: tuple[float, float], skulls: tuple[float, ...]
) -> dict[str, Any]:
    return {
        "head_gain": float(rng.uniform(*gains)),
        "skull_s_per_m": float(rng.choice(skulls)),
        "reference": str(rng.choice(REFERENCES)),
        "high_pass_hz": float(rng.choice([0.05, 0.16, 0.5, 1.0])),
        "low_pass_hz": float(rng.choice([35.0, 50.0, 70.0, 100.0])),
        "line_hz": float(rng.choice([50.0, 60.0])),
        "line_uv": float(rng.choice([0.0, 0.3, 1.0, 5.0])),
        "noise_uv": log_uniform(rng, 0.2, 1.2),
    }
