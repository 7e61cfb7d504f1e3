"""The background: many sources of 1/f noise, rhythms by state, muscle tone and slow drift.

Uncorrelated sources with one spectrum give Gaussian noise whose covariance over electrodes is
``F diag(w**2) F'`` with ``F`` their fields; drawing as many noises as electrodes through a root of
that matrix is the same process at a fraction of the cost.
"""

from __future__ import annotations

import numpy as np

from eegdash.montage import LONGITUDINAL_BIPOLAR
from eegdash.simulation.events import Stage, draw_focus, place
from eegdash.simulation.head import Array, Float, cortex, leadfield, near, project, recorded_as
from eegdash.simulation.person import Person
from eegdash.simulation.states import COMPONENTS, Course
from eegdash.simulation.waves import SteadyNoise, band, one_over_f

_BROAD, _SLOW = range(2)


class Background:
    """Everything that goes on all the time, block by block.

    Parameters
    ----------
    person : Person
    course : Course
    stage : Stage
    block : int
        Samples of a block.
    seed : int
    """

    def __init__(self, person: Person, course: Course, stage: Stage, block: int, seed: int) -> None:
        rng = np.random.default_rng([seed, 1])
        self._course, self._stage, self._block, self._seed = course, stage, block, seed
        n = len(stage.names)
        overlap = round(3 * stage.sfreq)
        self._broad = _mixing(rng, person, stage, spread=0.45) * np.float32(person.background_uv)
        slow = _mixing(rng, person, stage, spread=0.6, wide=True)
        self._slow = slow * np.float32(person.background_uv * person.slow)
        self._skin = _skin(rng, person, stage)
        self._rhythms = _rhythms(rng, person, stage)
        self._drift_uv = np.float32(person.sweat_uv) * rng.uniform(0.2, 1, (n, 1)).astype("f4")
        kinds = self._rhythms[2]
        shapes = [one_over_f(person.slope), one_over_f(person.slow_slope)]
        waves = [band(person.alpha_hz, 0.55), band(person.alpha_hz + 0.7, 0.6)]
        waves += [band(19, 4), band(rng.uniform(4.5, 7), 0.8)]

        def amplitude(f: Array) -> Array:
            drift = one_over_f(2.5, 0.05)(f) * (f < 0.5)
            spectra = np.stack([*(shape(f) for shape in (*shapes, *waves)), drift])
            return spectra[[_BROAD] * n + [_SLOW] * n + [2 + k for k in kinds] + [-1] * 6]

        count = 2 * n + len(self._rhythms[2]) + 6
        self._noise = SteadyNoise(amplitude, count, block, overlap, stage.sfreq)
        self._drift = rng.standard_normal((n, 6)).astype(np.float32) / np.float32(6**0.5)
        self._muscle = SteadyNoise(_muscle_tone, n, block, overlap, stage.sfreq)
        self._index = 0

    def next(self) -> Float:
        """Return the next block, (n_electrodes, block), uV."""
        rng = np.random.default_rng([self._seed, 2, self._index])
        n, sfreq = self._block, self._stage.sfreq
        first_s = self._index * n / sfreq
        self._index += 1
        levels = dict(zip(COMPONENTS, self._course.levels(first_s, n, sfreq), strict=True))
        count = len(self._stage.names)
        noise = self._noise.next(rng)
        sway = self._swaying(first_s, 5.0, 0.18, 0)
        total = project(self._broad, noise[:count] * (levels["broad"] * sway))
        slow = levels["slow"] * self._swaying(first_s, 9.0, 0.3, 1)
        total += project(self._slow, noise[count : 2 * count] * slow)
        fields, names, _ = self._rhythms
        waves = noise[2 * count : 2 * count + len(names)]
        for k, name in enumerate(names):
            waves[k] *= levels[name]
            if name == "mu":  # arches: a wave and its second harmonic in step
                waves[k] += 0.3 * (waves[k] ** 2 - 1) * levels[name]
        total += project(fields, waves)
        total += self._drift_uv * project(self._drift, noise[2 * count + len(names) :])
        tone = levels["muscle"] * np.exp(self._swaying(first_s, 6.0, 0.7, 2) - 1)
        muscle = self._muscle.next(rng)
        muscle *= tone
        muscle *= self._skin
        total += muscle
        return np.asarray(total, dtype=np.float32)

    def _swaying(self, first_s: float, period_s: float, size: float, stream: int) -> Float:
        """Return a curve around 1 that wanders; its knots depend on absolute time only."""
        n, sfreq = self._block, self._stage.sfreq
        low = int(first_s // period_s)
        high = int((first_s + n / sfreq) // period_s) + 2
        values = [
            np.random.default_rng([self._seed, 3, stream, k]).standard_normal()
            for k in range(low, high)
        ]
        times = first_s + np.arange(n) / sfreq
        curve = np.interp(times, period_s * np.arange(low, high), values)
        return np.clip(1 + size * curve, 0.2, None).astype(np.float32)


def _muscle_tone(f: Array) -> Array:
    return np.asarray(1 / (1 + (28 / (f + 1e-3)) ** 3) / (1 + (f / 90) ** 2))


def _mixing(
    rng: np.random.Generator, person: Person, stage: Stage, *, spread: float, wide: bool = False
) -> Float:
    """Return a root of the covariance of cortical noise; 1 uV RMS in bipolar derivations."""
    fields = leadfield(stage.names, person.skull_s_per_m)
    angle2 = 2 - 2 * np.clip(project(cortex(), cortex().T), -1, 1)
    reach = np.deg2rad(30 if wide else float(rng.uniform(9, 16)))
    fields = project(fields, np.exp(-0.5 * angle2 / reach**2))
    weight = np.exp(spread * _smooth_map(rng))
    if wide and person.vigilance == "ill" and rng.random() < 0.5:  # a lesion
        weight *= 1 + 2.5 * np.exp(-0.5 * ((1 - cortex() @ draw_focus(rng)) / 0.12) ** 2)
    if wide:
        weight *= 1 + 0.5 * cortex()[:, 1]  # slow waves are frontal
    mixed = fields * weight
    covariance = project(mixed, mixed.T)
    rows = recorded_as(LONGITUDINAL_BIPOLAR, "average", stage.names)
    covariance /= np.mean(np.einsum("ij,jk,ik->i", rows, covariance, rows))
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)), dtype=np.float32)


def _smooth_map(rng: np.random.Generator) -> Array:
    """Return a random map over the cortex, standard normal, smooth over some 25 degrees."""
    centres = rng.standard_normal((24, 3))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    bumps = np.exp(-(1 - cortex() @ centres.T) / 0.1) @ rng.standard_normal(24)
    return np.asarray((bumps - bumps.mean()) / (bumps.std() + 1e-9))


def _skin(rng: np.random.Generator, person: Person, stage: Stage) -> Float:
    """Return the RMS of muscle tone and noise at each electrode, uV; shape (n, 1)."""
    names = stage.names
    temples = near(names, place("T7"), 28) + near(names, place("T8"), 28)
    front = near(names, place("Fpz"), 25) * rng.uniform(0.2, 1)
    neck = near(names, place("Iz"), 28) * rng.uniform(0.1, 1)
    size = person.muscle_uv * (0.06 + temples + front + neck)
    size *= rng.uniform(0.5, 1.5, len(names))
    return np.asarray(size[:, None], dtype=np.float32)


def _rhythms(
    rng: np.random.Generator, person: Person, stage: Stage
) -> tuple[Float, tuple[str, ...], tuple[int, ...]]:
    """Return fields (n, k) in uV RMS, the component of each, and which spectrum it has."""
    unit = person.background_uv
    balance = rng.uniform(0.75, 1.25, 2)
    extent = float(rng.uniform(16, 30))
    parts = [
        ("O1", extent, 0.8 * person.alpha_uv * balance[0], "alpha", 0),
        ("O2", extent, 0.8 * person.alpha_uv * balance[1], "alpha", 0),
        ("Pz", extent + 6, 0.5 * person.alpha_uv, "alpha", 0),
        ("C3", 13.0, 0.7 * unit * person.mu, "mu", 1),
        ("C4", 13.0, 0.7 * unit * person.mu, "mu", 1),
        ("F3", 22.0, 0.4 * unit * person.beta, "beta", 2),
        ("F4", 22.0, 0.4 * unit * person.beta, "beta", 2),
        ("Cz", 30.0, 0.3 * unit * person.beta, "beta", 2),
        ("Fz", 32.0, 0.9 * unit, "theta", 3),
        ("Pz", 35.0, 0.6 * unit, "theta", 3),
    ]
    fields = [
        stage.patch(place(name), extent_deg) * np.float32(size)
        for name, extent_deg, size, _, _ in parts
    ]
    return (
        np.stack(fields, axis=1),
        tuple(part[3] for part in parts),
        tuple(part[4] for part in parts),
    )
