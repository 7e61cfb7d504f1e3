"""A simulated recording: made block by block in bounded memory, or whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eegdash.annotations import BACKGROUND, Annotation
from eegdash.montage import ELECTRODES_10_20, Derivation, parse_label
from eegdash.simulation.background import Background
from eegdash.simulation.events import Event, SimulatedEvent, Stage, Waves
from eegdash.simulation.head import ELECTRODE_POSITIONS, Array, Float, project, recorded_as
from eegdash.simulation.person import PATTERNS, REFERENCES, VIGILANCE, Person
from eegdash.simulation.plan import Plan, SeizurePlan, draw_plan
from eegdash.simulation.seizures import SEIZURES

DEMO_SEED = 7
LIMIT_UV = 3276.7
"""What the amplifier, and a file with steps of 0.1 uV, can hold."""
_BLOCK_S = 32.0
_CHB_MIT = (
    "FP1-F7 F7-T7 T7-P7 P7-O1 FP1-F3 F3-C3 C3-P3 P3-O1 FP2-F4 F4-C4 C4-P4 P4-O2 "
    "FP2-F8 F8-T8 T8-P8-0 P8-O2 FZ-CZ CZ-PZ P7-T7 T7-FT9 FT9-FT10 FT10-T8 T8-P8-1"
).split()


@dataclass(frozen=True, slots=True)
class SimulatedRecording:
    """A simulated recording and everything that is true about it.

    Parameters
    ----------
    signal_uv : ndarray of float32, shape (n_channels, n_samples)
        Microvolt.
    sfreq : float
        Hz.
    ch_names : tuple of str
        Electrodes, or derivations of a bipolar recording.
    annotations : tuple of Annotation
        One per seizure with its SzCORE event type, or one ``bckg`` over a recording without.
    truth : tuple of SimulatedEvent
        Every seizure, pattern, sleep wave and artefact, by onset.
    person : Person
    seed : int
    """

    signal_uv: Float
    sfreq: float
    ch_names: tuple[str, ...]
    annotations: tuple[Annotation, ...]
    truth: tuple[SimulatedEvent, ...]
    person: Person
    seed: int

    @property
    def n_samples(self) -> int:
        """Samples per channel."""
        return int(self.signal_uv.shape[1])

    @property
    def duration_s(self) -> float:
        """Length, s."""
        return float(self.n_samples / self.sfreq)

    def blocks(self) -> Iterator[Float]:
        """Yield the signal as one block."""
        yield self.signal_uv


@dataclass(frozen=True, slots=True)
class Simulation:
    """A recording that is planned, and simulated while it is read.

    Parameters
    ----------
    plan : Plan
    sfreq : float
        Hz.
    n_samples : int
    ch_names : tuple of str
    person : Person
    seed : int
    """

    plan: Plan
    sfreq: float
    n_samples: int
    ch_names: tuple[str, ...]
    person: Person
    seed: int

    @property
    def duration_s(self) -> float:
        """Length, s."""
        return self.n_samples / self.sfreq

    @property
    def truth(self) -> tuple[SimulatedEvent, ...]:
        """All events, by onset."""
        return tuple(event.truth for event in self.plan.events)

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """The seizures in SzCORE's terms, or ``bckg`` over a recording without.

        Channels are named where they are electrodes; a bipolar recording has none of them.
        """
        return tuple(
            Annotation(
                t.onset_s,
                t.duration_s,
                t.event_type,
                channels=tuple(name for name in t.channels if name in self.ch_names),
            )
            for t in self.truth
            if t.event_type
        ) or (Annotation(0.0, self.duration_s, BACKGROUND),)

    def blocks(self) -> Iterator[Float]:
        """Yield the signal in blocks (n_channels, at most 32 s), uV, from the start each time."""
        from scipy.signal import sosfilt

        block = round(_BLOCK_S * self.sfreq)
        stage = Stage(self.sfreq, self.person.skull_s_per_m)
        background = Background(self.person, self.plan.course, stage, block, self.seed)
        live = _Live(self.plan.events, stage, self.seed)
        mains = _Mains(self.person, stage, self.plan.beats_s, self.seed)
        reference = "ears" if self.person.reference == "bipolar" else self.person.reference
        matrix = recorded_as(_derivations(self.ch_names), reference, stage.names)
        sections = _amplifier(self.person, self.sfreq)
        state = np.zeros((len(sections), len(matrix), 2))
        for index, first in enumerate(range(0, self.n_samples, block)):
            total = background.next()
            total *= live.damping(first, block)
            live.add_to(total, first)
            total *= np.float32(self.person.head_gain)
            mains.add_to(total, first)
            signal = project(matrix, total)
            rng = np.random.default_rng([self.seed, 6, index])
            noise = rng.standard_normal(signal.shape, dtype=np.float32)
            signal += np.float32(self.person.noise_uv) * noise
            filtered, state = sosfilt(sections, signal, axis=1, zi=state)
            out = np.clip(filtered, -LIMIT_UV, LIMIT_UV).astype(np.float32)
            yield out[:, : self.n_samples - first]

    def whole(self) -> SimulatedRecording:
        """Return the recording with its whole signal in memory (70 MB an hour at 256 Hz)."""
        signal_uv = np.empty((len(self.ch_names), self.n_samples), dtype=np.float32)
        first = 0
        for part in self.blocks():
            signal_uv[:, first : first + part.shape[1]] = part
            first += part.shape[1]
        return SimulatedRecording(
            signal_uv,
            self.sfreq,
            self.ch_names,
            self.annotations,
            self.truth,
            self.person,
            self.seed,
        )


def plan_simulation(
    duration_s: float,
    *,
    seed: int,
    sfreq: float = 256.0,
    n_seizures: int = 1,
    kinds: Sequence[str] = SEIZURES,
    seizure_s: tuple[float, float] | None = None,
    person: Person | None = None,
    each_pattern: bool = False,
) -> Simulation:
    """Plan a recording of any length; its samples are made when its blocks are read.

    Parameters
    ----------
    duration_s : float
        Length, s.
    seed : int
    sfreq : float
        Hz.
    n_seizures : int
    kinds : sequence of str
        Kinds of seizures to draw from.
    seizure_s : (float, float), optional
        Shortest and longest duration; usual for the kind where not given.
    person : Person, optional
        Drawn from the seed where not given, then recorded against the ears.
    each_pattern : bool
        Each of the person's patterns occurs at least once.

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        If the seizures or patterns do not fit into the recording, or something is unknown.
    """
    person = person or draw_person(seed)
    _check(person)
    stage = Stage(sfreq, person.skull_s_per_m)
    wanted = SeizurePlan(n_seizures, tuple(kinds), seizure_s)
    plan = draw_plan(seed, duration_s, person, stage, wanted, each_pattern=each_pattern)
    bipolar = person.reference == "bipolar"
    names = tuple(_CHB_MIT if bipolar else ELECTRODES_10_20)
    return Simulation(plan, sfreq, round(duration_s * sfreq), names, person, seed)


def draw_person(seed: int, **changes: Any) -> Person:
    """Return the person of a seed, recorded against the ears, with some fields chosen instead."""
    person = replace(Person.draw(np.random.default_rng([seed, 0])), reference="ears")
    return replace(person, **changes)


def simulate(
    duration_s: float,
    *,
    seed: int,
    sfreq: float = 256.0,
    n_seizures: int = 1,
    kinds: Sequence[str] = SEIZURES,
    seizure_s: tuple[float, float] | None = None,
    person: Person | None = None,
) -> SimulatedRecording:
    """Simulate a recording in memory; the same arguments give the same samples.

    Parameters, returned truth and errors are those of :func:`plan_simulation`.
    """
    return plan_simulation(
        duration_s,
        seed=seed,
        sfreq=sfreq,
        n_seizures=n_seizures,
        kinds=kinds,
        seizure_s=seizure_s,
        person=person,
    ).whole()


def demo() -> SimulatedRecording:
    """Return the recording of the demonstration: 30 min, 3 seizures, an average person."""
    return simulate(
        1800.0, seed=DEMO_SEED, n_seizures=3, kinds=("focal",), person=Person(vigilance="drowsy")
    )


def _check(person: Person) -> None:
    for value, known in (
        (person.reference, REFERENCES),
        (person.vigilance, VIGILANCE),
        *((name, PATTERNS) for name in person.patterns),
    ):
        if value not in known:
            raise ValueError(f"{value} is not among {', '.join(known)}")


def _derivations(ch_names: Sequence[str]) -> list[Derivation]:
    return [parse_label(name) or Derivation(name) for name in ch_names]


def _amplifier(person: Person, sfreq: float) -> Array:
    """First-order high-pass, second-order low-pass (Butterworth)."""
    from scipy.signal import butter

    high = butter(1, person.high_pass_hz, "highpass", fs=sfreq, output="sos")
    low_hz = min(person.low_pass_hz, 0.45 * sfreq)
    return np.vstack([high, butter(2, low_hz, "lowpass", fs=sfreq, output="sos")])


class _Live:
    """The events that reach into the present block, rendered once each."""

    def __init__(self, events: Sequence[Event], stage: Stage, seed: int) -> None:
        self._events, self._stage, self._seed = events, stage, seed
        self._next = 0
        self._active: list[tuple[int, Event, Waves]] = []

    def damping(self, first: int, n: int) -> Float:
        """Return the gain of the background, and take up what begins before the block ends."""
        sfreq = self._stage.sfreq
        while self._next < len(self._events):
            event = self._events[self._next]
            start = round(event.truth.onset_s * sfreq)
            if start >= first + n:
                break
            rng = np.random.default_rng([self._seed, 5, self._next])
            self._active.append((start, event, event.render(rng, self._stage)))
            self._next += 1
        gain = np.ones(n, dtype=np.float32)
        for start, event, _ in self._active:
            if event.damp:
                times, gains = zip(*event.damp, strict=True)
                now = (first - start + np.arange(n)) / sfreq
                gain *= np.interp(now, times, gains, left=1.0, right=1.0).astype(np.float32)
        return gain

    def add_to(self, total: Float, first: int) -> None:
        """Add the events to a block in place, and forget those that are over."""
        n = total.shape[1]
        for start, _, (fields, waves) in self._active:
            low, high = max(start - first, 0), min(start - first + waves.shape[1], n)
            if low < high:
                shown = waves[:, low + first - start : high + first - start]
                total[:, low:high] += project(fields, shown)
        self._active = [
            item
            for item in self._active
            if max(item[0] + item[2].waves.shape[1], item[1].end_s * self._stage.sfreq) > first + n
        ]


class _Mains:
    """Heart and line noise."""

    def __init__(self, person: Person, stage: Stage, beats_s: Array, seed: int) -> None:
        rng = np.random.default_rng([seed, 7])
        places = np.stack([ELECTRODE_POSITIONS[name] for name in stage.names])
        axis = np.array([-0.6, 0.2, -0.8]) + 0.2 * rng.standard_normal(3)
        self._heart = (person.ecg_uv * places @ axis).astype(np.float32)
        self._line = (person.line_uv * rng.exponential(0.6, len(places))).astype(np.float32)
        self._line_hz, self._sfreq, self._beats_s = person.line_hz, stage.sfreq, beats_s

    def add_to(self, total: Float, first: int) -> None:
        """Add both to a block in place."""
        n = total.shape[1]
        t = (first + np.arange(n)) / self._sfreq
        if self._heart.any():
            total += self._heart[:, None] * self._beating(t)
        if self._line.any():
            total += self._line[:, None] * np.cos(2 * np.pi * self._line_hz * t).astype("f4")

    def _beating(self, t: Array) -> Float:
        """Q, R, S and T wave of each beat, the R wave 1 high."""
        wave = np.zeros(len(t), dtype=np.float32)
        near = self._beats_s[(self._beats_s > t[0] - 0.6) & (self._beats_s < t[-1] + 0.2)]
        for beat in near:
            low, high = np.searchsorted(t, [beat - 0.1, beat + 0.5])
            x = t[low:high] - beat
            qrs = np.exp(-((x / 0.011) ** 2)) - 0.15 * np.exp(-(((x + 0.025) / 0.01) ** 2))
            qrs += -0.3 * np.exp(-(((x - 0.025) / 0.012) ** 2))
            wave[low:high] += qrs + 0.22 * np.exp(-(((x - 0.25) / 0.05) ** 2))
        return wave
