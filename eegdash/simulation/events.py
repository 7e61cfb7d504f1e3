"""What a simulation is made of beside its background: events, each with its truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eegdash.montage import ELECTRODES_10_20
from eegdash.simulation.head import (
    ELECTRODE_POSITIONS,
    RECORDED,
    Array,
    Float,
    near,
    patch,
    project,
)

LOBES: dict[str, tuple[str, ...]] = {
    "temporal": ("T7", "T8", "F7", "F8", "P7", "P8"),
    "frontal": ("F3", "F4", "Fz", "Fp1", "Fp2"),
    "central": ("C3", "C4", "Cz"),
    "parietal": ("P3", "P4", "Pz"),
    "occipital": ("O1", "O2"),
}
_LOBE_SHARES = (0.45, 0.2, 0.12, 0.13, 0.1)
_SCALP = len(ELECTRODES_10_20)


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """One thing that the simulator put in, and where.

    Parameters
    ----------
    kind : str
        A seizure (``focal``, ``spike-wave``, ``fast onset``, ``bilateral``, ``critical``), a
        pattern (``LPD``, ``GRDA``, ``spike`` ...), a sleep wave or an artefact.
    onset_s, duration_s : float
        Seconds from the start.
    channels : tuple of str
        The electrode where it is largest first, then others with at least half of that.
    start_hz, end_hz : float
        Frequency of a rhythm at its start and end; 0 where it has none.
    peak_uv : float
        Peak-to-peak amplitude where it is largest, against a distant reference, uV.
    event_type : str
        SzCORE event type of a seizure, else empty.
    """

    kind: str
    onset_s: float
    duration_s: float
    channels: tuple[str, ...]
    start_hz: float = 0.0
    end_hz: float = 0.0
    peak_uv: float = 0.0
    event_type: str = ""


class Waves(NamedTuple):
    """Potentials of an event: ``fields @ waves``, uV."""

    fields: Float
    """(n_electrodes, n_sources)"""
    waves: Float
    """(n_sources, n_samples)"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where events are rendered: electrodes, rate and head.

    Parameters
    ----------
    sfreq : float
        Hz.
    skull_s_per_m : float
    names : tuple of str
        Electrodes.
    """

    sfreq: float
    skull_s_per_m: float
    names: tuple[str, ...] = RECORDED

    def samples(self, seconds: float) -> int:
        """Return a length in samples, at least 4."""
        return max(round(seconds * self.sfreq), 4)

    def patch(self, centre: Array, extent_deg: float, tilt: float = 0.0, turn: int = 0) -> Float:
        """Return the field of a patch of cortex (see :func:`head.patch`)."""
        return patch(
            centre,
            extent_deg,
            skull_s_per_m=self.skull_s_per_m,
            names=self.names,
            tilt=tilt,
            turn_deg=turn,
        )

    def near(self, centre: Array, extent_deg: float) -> Float:
        """Return the weights of something at the skin (see :func:`head.near`)."""
        return near(self.names, centre, extent_deg)

    def single(self, electrode: str) -> Float:
        """Return weights that are 1 at one electrode, where it is recorded."""
        return np.array([name == electrode for name in self.names], dtype=np.float32)


Render = Callable[[np.random.Generator, Stage], Waves]


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a plan: its truth, how its potentials are made, and what it does to the rest.

    Parameters
    ----------
    truth : SimulatedEvent
    render : callable
        ``(rng, stage) -> Waves``; as long as the event.
    damp : tuple of (float, float)
        Times from the onset, s, and the gain of the background there; empty means 1.
    """

    truth: SimulatedEvent
    render: Render
    damp: tuple[tuple[float, float], ...] = ()

    @property
    def end_s(self) -> float:
        """Until when it changes the signal, s."""
        last = max((time for time, _ in self.damp), default=0.0)
        return self.truth.onset_s + max(self.truth.duration_s, last)


def strongest(field: NDArray[np.floating]) -> tuple[str, ...]:
    """Return the 10-20 electrodes where a field is at least half its largest, largest first."""
    size = np.abs(np.asarray(field))[:_SCALP]
    order = np.argsort(-size, kind="stable")
    return tuple(ELECTRODES_10_20[i] for i in order if size[i] >= size[order[0]] / 2)


def place(electrode: str) -> Array:
    """Return the unit vector of an electrode."""
    return ELECTRODE_POSITIONS[electrode]


def jittered(rng: np.random.Generator, centre: Array, degrees: float) -> Array:
    """Return a direction some degrees away from another, on the upper side of the head."""
    moved = centre + np.deg2rad(degrees) * rng.standard_normal(3) / np.sqrt(2)
    moved[2] = max(moved[2], 0.05)
    return np.asarray(moved / np.linalg.norm(moved))


def draw_focus(rng: np.random.Generator) -> Array:
    """Return a focus, most often temporal."""
    lobe = rng.choice(list(LOBES), p=_LOBE_SHARES)
    electrode = LOBES[str(lobe)][int(rng.integers(len(LOBES[str(lobe)])))]
    return jittered(rng, place(electrode), 8)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number between two, evenly spread over its logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def sized(fields: list[Float], waves: list[Array], peak_uv: float) -> Waves:
    """Scale so that the largest peak-to-peak amplitude at an electrode is ``peak_uv``."""
    columns = np.stack(fields, axis=1)
    rows = np.stack(waves).astype(np.float32)
    span = np.ptp(project(columns, rows), axis=1).max()
    return Waves(columns, rows * np.float32(peak_uv / (span + 1e-9)))
