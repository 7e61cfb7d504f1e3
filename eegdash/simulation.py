"""Simulated scalp EEG with known truth: background, artefacts and evolving seizures.

The recipe follows textbook descriptions rather than any data set: a 1/f background with spatial
correlation and a posterior alpha rhythm that waxes and wanes, sleep with spindles, blinks, muscle,
chewing, movement and electrode pops, benign rhythms and periodic discharges that resemble
seizures, and seizures as rhythms that evolve in frequency, amplitude and place (ACNS Standardized
Critical Care EEG Terminology 2021, doi:10.1097/WNP.0000000000000806). Each simulated person has
an own amplitude, spectrum, amplifier and habits, all drawn from the seed. It stands in for
recordings in tests, demonstrations and a first training; it is not evidence about patients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import BACKGROUND, Annotation
from eegdash.montage import ELECTRODES_10_20

DEMO_SEED = 7
_EDGE_S = 10.0  # no seizure begins or ends closer to the ends of a recording
_BETWEEN_S = 20.0  # least distance of two seizures

_PLACES = (  # x to the right, y to the nose, in hundredths of the head radius
    "-31,95 31,95 -81,59 -40,52 0,50 40,52 81,59 -100,0 -50,0 0,0 50,0 100,0 "
    "-81,-59 -40,-52 0,-50 40,-52 81,-59 -31,-95 31,-95"
)
POSITIONS: NDArray[np.float64] = np.array(
    [[int(value) / 100 for value in place.split(",")] for place in _PLACES.split()]
)
"""Electrode positions seen from above, nose up, head radius 1; shape (19, 2)."""

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """One thing that the simulator put in, and where.

    Parameters
    ----------
    kind : str
        ``seizure``, ``periodic``, ``rhythmic``, ``muscle``, ``chewing``, ``movement``, ``pop``.
    onset_s, duration_s : float
        Seconds from the start.
    channels : tuple of str
        The electrode of the focus first, then others with at least half its weight.
    start_hz, end_hz : float
        Frequency of a rhythm at its start and end; 0 where it has none.
    peak_uv : float
        Peak-to-peak amplitude at the focus against a distant reference, uV.
    """

    kind: str
    onset_s: float
    duration_s: float
    channels: tuple[str, ...]
    start_hz: float = 0.0
    end_hz: float = 0.0
    peak_uv: float = 0.0


@dataclass(frozen=True, slots=True)
class Person:
    """What differs between simulated people, states and amplifiers.

    Parameters
    ----------
    background_uv : float
        RMS of the background in neighbouring bipolar derivations, uV.
    slope : float
        Exponent of the 1/f power spectrum of the waking background.
    alpha_hz, alpha_uv, alpha_width : float
        Frequency and RMS of the posterior rhythm, and its spread in head radii.
    blinks_per_min, muscle_per_min, clutter : float
        How often; ``clutter`` scales all other artefacts and benign patterns.
    sleepiness : float
        0 awake throughout, 1 mostly asleep.
    periodic : bool
        Whether the person has periodic or rhythmic interictal patterns.
    high_pass_hz, low_pass_hz : float
        The amplifier.
    line_hz, line_uv : float
        Line noise.
    """

    background_uv: float = 6.0
    slope: float = 1.5
    alpha_hz: float = 9.8
    alpha_uv: float = 9.0
    alpha_width: float = 0.45
    blinks_per_min: float = 10.0
    muscle_per_min: float = 0.6
    clutter: float = 1.0
    sleepiness: float = 0.3
    periodic: bool = False
    high_pass_hz: float = 0.3
    low_pass_hz: float = 90.0
    line_hz: float = 50.0
    line_uv: float = 0.0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Person:
        """Draw a person at random."""
        background_uv = float(np.exp(rng.uniform(np.log(2.5), np.log(14.0))))
        return cls(
            background_uv=background_uv,
            slope=float(rng.uniform(0.9, 2.3)),
            alpha_hz=float(rng.uniform(7.0, 12.0)),
            alpha_uv=background_uv * float(np.exp(rng.uniform(np.log(0.1), np.log(5.0)))),
            alpha_width=float(rng.uniform(0.3, 0.8)),
            blinks_per_min=float(rng.choice([0.0, 4.0, 12.0, 25.0])),
            muscle_per_min=float(rng.choice([0.1, 0.6, 2.0, 4.0])),
            clutter=float(rng.choice([0.3, 1.0, 3.0])),
            sleepiness=float(rng.uniform(0, 1)),
            periodic=bool(rng.random() < 0.3),
            high_pass_hz=float(rng.choice([0.05, 0.16, 0.5, 1.0])),
            low_pass_hz=float(rng.choice([35.0, 50.0, 70.0, 100.0])),
            line_hz=float(rng.choice([50.0, 60.0])),
            line_uv=float(rng.choice([0.0, 0.0, 1.0, 6.0])),
        )


@dataclass(frozen=True, slots=True)
class SimulatedRecording:
    """A simulated recording and everything that is true about it.

    Parameters
    ----------
    signal_uv : ndarray of float32, shape (19, n_samples)
        Referential signals of the 10-20 electrodes, uV.
    sfreq : float
        Hz.
    ch_names : tuple of str
        Canonical electrode names.
    annotations : tuple of Annotation
        One ``sz`` per seizure, or one ``bckg`` over a recording without.
    truth : tuple of SimulatedEvent
        Every seizure and every larger artefact or benign pattern, by onset.
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
    def duration_s(self) -> float:
        """Length, s."""
        return float(self.signal_uv.shape[1] / self.sfreq)


def simulate(
    duration_s: float,
    *,
    seed: int,
    sfreq: float = 256.0,
    n_seizures: int = 1,
    seizure_s: tuple[float, float] = (20.0, 90.0),
    person: Person | None = None,
) -> SimulatedRecording:
    """Simulate a recording; the same arguments give the same samples.

    Parameters
    ----------
    duration_s : float
        Length, s. The whole signal is held in memory (70 MB per hour).
    seed : int
    sfreq : float
        Hz.
    n_seizures : int
        How many seizures.
    seizure_s : tuple of float
        Shortest and longest duration of a seizure, s.
    person : Person, optional
        Drawn from the seed where not given.

    Returns
    -------
    SimulatedRecording

    Raises
    ------
    ValueError
        If the seizures do not fit into the recording.
    """
    rng = np.random.default_rng(seed)
    who = person or Person.draw(rng)
    spans = _place_seizures(rng, duration_s, n_seizures, seizure_s)
    scene = _Scene(rng, who, sfreq, round(duration_s * sfreq))
    _background(scene)
    _sleep_and_rhythms(scene)
    _lookalikes(scene)
    _eyes(scene)
    _artefacts(scene)
    if who.periodic:
        _interictal(scene)
    for onset_s, length_s in spans:
        _seizure(scene, onset_s, length_s)
    _amplifier(scene)
    annotations = tuple(Annotation(a, d, "sz") for a, d in spans) or (
        Annotation(0.0, duration_s, BACKGROUND),
    )
    truth = tuple(sorted(scene.events, key=lambda event: event.onset_s))
    names = tuple(ELECTRODES_10_20)
    return SimulatedRecording(scene.signal, sfreq, names, annotations, truth, who, seed)


def demo() -> SimulatedRecording:
    """Return the recording of the demonstration: 30 min, 3 seizures, an average person."""
    return simulate(1800.0, seed=DEMO_SEED, n_seizures=3, person=Person())


@dataclass(slots=True)
class _Scene:
    rng: np.random.Generator
    person: Person
    sfreq: float
    n: int
    signal: Float = field(init=False)
    events: list[SimulatedEvent] = field(default_factory=list)
    sleep: Float = field(init=False)

    def __post_init__(self) -> None:
        self.signal = np.zeros((len(POSITIONS), self.n), dtype=np.float32)
        self.sleep = _slow_curve(self, 300.0) * np.float32(2) * np.float32(self.person.sleepiness)
        np.clip(self.sleep, 0, 1, out=self.sleep)

    @property
    def duration_s(self) -> float:
        return self.n / self.sfreq

    def times(self, per_min: float) -> NDArray[np.float64]:
        """Draw the onsets of a Poisson process, s."""
        count = self.rng.poisson(per_min * self.duration_s / 60)
        return np.sort(self.rng.uniform(0, self.duration_s, count))

    def add(self, onset_s: float, wave: Float, weights: NDArray[np.floating]) -> None:
        """Add one wave (n,), or one per electrode (19, n), times the electrode weights (19,)."""
        first = max(round(onset_s * self.sfreq), 0)
        part = wave[..., : self.n - first]
        if part.shape[-1]:
            added = weights[:, None].astype(np.float32) * part
            self.signal[:, first : first + part.shape[-1]] += added

    def log(
        self,
        kind: str,
        onset_s: float,
        length_s: float,
        weights: NDArray[np.floating],
        **facts: float,
    ) -> None:
        size = np.abs(weights)
        order = np.argsort(-size, kind="stable")
        channels = tuple(ELECTRODES_10_20[i] for i in order if size[i] >= size[order[0]] / 2)
        shown_s = min(length_s, self.duration_s - onset_s)
        self.events.append(SimulatedEvent(kind, float(onset_s), float(shown_s), channels, **facts))


def _place_seizures(
    rng: np.random.Generator, duration_s: float, count: int, seizure_s: tuple[float, float]
) -> list[tuple[float, float]]:
    lengths = rng.uniform(*seizure_s, count).round(2)
    free = duration_s - lengths.sum() - 2 * _EDGE_S - max(count - 1, 0) * _BETWEEN_S
    if count and free < 0:
        raise ValueError(
            f"{count} seizures of up to {seizure_s[1]:g} s do not fit into {duration_s:g} s; "
            "simulate a longer recording or fewer seizures"
        )
    gaps = np.sort(rng.uniform(0, max(free, 0), count))
    offsets = np.cumsum(lengths + _BETWEEN_S) - lengths - _BETWEEN_S
    return [
        (round(float(_EDGE_S + gap + offset), 2), float(length))
        for gap, offset, length in zip(gaps, offsets, lengths, strict=True)
    ]


def _near(centre: Sequence[float] | NDArray[np.floating], sigma: float) -> NDArray[np.float64]:
    distance2 = ((POSITIONS - np.asarray(centre)) ** 2).sum(axis=1)
    return np.asarray(np.exp(-distance2 / (2 * sigma**2)))


def _shaped_noise(
    scene: _Scene, rows: int, shape: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Float:
    """Gaussian noise (rows, n) of unit variance with amplitude spectrum ``shape(freqs_hz)``."""
    white = scene.rng.standard_normal((rows, scene.n), dtype=np.float32)
    spectrum = np.fft.rfft(white, axis=1)
    gain = shape(_frequencies(scene.n, scene.sfreq))
    spectrum *= gain.astype(np.float32)
    noise = np.fft.irfft(spectrum, scene.n, axis=1)
    noise /= noise.std() + np.float32(1e-12)
    return np.asarray(noise, dtype=np.float32)


def _frequencies(n: int, sfreq: float) -> NDArray[np.float64]:
    return np.fft.rfftfreq(n, 1 / sfreq).astype(np.float64)


def _slow_curve(scene: _Scene, period_s: float) -> Float:
    """Random curve in 0..1 with a time scale, interpolated between independent knots."""
    knots = scene.rng.uniform(0, 1, max(int(scene.duration_s / period_s) + 3, 4))
    x = np.arange(scene.n) / (scene.sfreq * period_s)
    return np.interp(x, np.arange(len(knots)), knots).astype(np.float32)


def _one_over_f(slope: float) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    return lambda f: (f**2 + 0.6**2) ** (-slope / 4)


def _band(low: float, high: float) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    centre, width = (low + high) / 2, (high - low) / 2
    return lambda f: np.exp(-(((f - centre) / width) ** 4))


def _background(scene: _Scene) -> None:
    rng, who = scene.rng, scene.person
    distance2 = ((POSITIONS[:, None] - POSITIONS[None]) ** 2).sum(axis=2)
    mixing = np.exp(-distance2 / (2 * rng.uniform(0.3, 0.6) ** 2))
    mixing *= rng.uniform(0.7, 1.3, len(POSITIONS))[:, None]
    awake = mixing.astype(np.float32) @ _shaped_noise(scene, len(POSITIONS), _one_over_f(who.slope))
    slow_slope = min(who.slope + rng.uniform(0.5, 1.2), 3.0)
    asleep = mixing.astype(np.float32) @ _shaped_noise(
        scene, len(POSITIONS), _one_over_f(slow_slope)
    )
    # neighbours of the left chain stand for the size of a bipolar derivation
    chain = [0, 2, 7, 12, 17]
    size = who.background_uv / (np.diff(awake[chain], axis=0).std() + 1e-9)
    slow_size = size * rng.uniform(1.0, 2.5)
    sway = 0.7 + 0.6 * _slow_curve(scene, 8.0)
    scene.signal += awake * (size * sway * (1 - 0.5 * scene.sleep))
    scene.signal += asleep * (slow_size * sway * scene.sleep)
    half_hz = rng.uniform(0.4, 1.3)
    alpha_wave = _shaped_noise(scene, 2, _band(who.alpha_hz - half_hz, who.alpha_hz + half_hz))
    closed = (_slow_curve(scene, 12.0) > 0.35) * _slow_curve(scene, 1.5) * (1 - scene.sleep)
    for side, wave in zip((-1, 1), alpha_wave, strict=True):
        weights = _near((0.4 * side, -0.85), who.alpha_width)
        scene.signal += np.outer(weights, wave * closed * np.float32(2 * who.alpha_uv)).astype(
            np.float32
        )
    beta = _shaped_noise(scene, 1, _band(14, 26))[0] * _slow_curve(scene, 3.0)
    weights = _near((0, 0.5), 0.6) * rng.uniform(0.7, 1.3, len(POSITIONS))
    scene.signal += np.outer(weights, beta * np.float32(0.6 * who.background_uv)).astype(np.float32)


def _burst(scene: _Scene, length_s: float, freq_hz: float, sharp: float = 0.0) -> Float:
    """A rhythm of one frequency (with jitter) under a smooth envelope, amplitude 1."""
    n = max(round(length_s * scene.sfreq), 8)
    phase = _phase(scene, np.full(n, freq_hz), jitter=0.06)
    envelope = np.minimum(1, 3 * np.sin(np.pi * (np.arange(n) + 0.5) / n))
    return np.asarray(_waveform(phase, sharp) * envelope, dtype=np.float32)


def _phase(scene: _Scene, freq_hz: NDArray[np.floating], jitter: float) -> NDArray[np.float64]:
    n = len(freq_hz)
    knots = scene.rng.standard_normal(int(n / scene.sfreq * 2) + 3)
    wobble = np.interp(np.linspace(0, len(knots) - 1, n), np.arange(len(knots)), knots)
    cycles = np.cumsum(freq_hz * (1 + jitter * wobble)) / scene.sfreq
    return np.asarray(2 * np.pi * (cycles + scene.rng.uniform()))


def _waveform(phase: NDArray[np.floating], sharp: float) -> NDArray[np.float64]:
    """Sharply contoured wave: harmonics k = 1..5 in phase, falling as ``sharp**(k - 1)``."""
    wave = np.cos(phase)
    for k in range(2, 6):
        if sharp ** (k - 1) > 0.01:
            wave += sharp ** (k - 1) * np.cos(k * phase)
    return np.asarray(wave / np.sqrt(1 + sharp**2))


def _sleep_and_rhythms(scene: _Scene) -> None:
    """Spindles, vertex waves, and short benign rhythms, which no detector should call seizures."""
    rng, unit = scene.rng, scene.person.background_uv
    for onset in scene.times(5.0):
        if scene.sleep[min(int(onset * scene.sfreq), scene.n - 1)] > 0.4:
            wave = _burst(scene, rng.uniform(0.5, 1.6), rng.uniform(11.5, 15.0))
            scene.add(onset, wave * (unit * rng.uniform(1.0, 3.0)), _near((0, 0.2), 0.5))
            if rng.random() < 0.4:
                slow = _burst(scene, rng.uniform(0.6, 1.2), rng.uniform(1.0, 1.8))
                scene.add(onset, slow * (unit * rng.uniform(3.0, 9.0)), _near((0, 0.1), 0.5))
    for onset in scene.times(1.2 * scene.person.clutter):
        low, high, longest = ((1.0, 3.0, 5.0), (4.0, 7.5, 3.0), (8.0, 12.0, 8.0))[rng.integers(3)]
        centre = POSITIONS[rng.integers(len(POSITIONS))]
        wave = _burst(scene, rng.uniform(0.8, longest), rng.uniform(low, high), rng.uniform(0, 0.2))
        scene.add(
            onset, wave * (unit * rng.uniform(0.8, 3.0)), _near(centre, rng.uniform(0.3, 0.8))
        )


def _lookalikes(scene: _Scene) -> None:
    """Runs that resemble a seizure but are too short, do not evolve, or are rhythmic movement."""
    rng, unit, clutter = scene.rng, scene.person.background_uv, scene.person.clutter
    for onset in scene.times(0.25 * clutter):  # brief bursts, below the 10 s of a seizure
        length_s, freq_hz = rng.uniform(1.5, 8.0), rng.uniform(2.5, 9.0)
        general = rng.random() < 0.4
        centre = (0.0, 0.4) if general else POSITIONS[rng.integers(len(POSITIONS))]
        weights = _near(centre, 0.9 if general else rng.uniform(0.3, 0.6))
        peak_uv = unit * float(np.exp(rng.uniform(np.log(3), np.log(16))))
        wave = _burst(scene, length_s, freq_hz, rng.uniform(0, 0.6))
        scene.add(onset, wave * np.float32(peak_uv / 2), weights)
        facts = {"start_hz": freq_hz, "end_hz": freq_hz, "peak_uv": peak_uv}
        scene.log("rhythmic", onset, length_s, weights, **facts)
    for onset in scene.times(0.08 * clutter):  # rhythmic temporal theta of drowsiness
        length_s, freq_hz = rng.uniform(4, 20), rng.uniform(4.5, 7.0)
        weights = _near((rng.choice([-0.95, 0.95]), -0.1), 0.4)
        peak_uv = unit * rng.uniform(2.5, 6)
        wave = _burst(scene, length_s, freq_hz, rng.uniform(0.1, 0.4))
        scene.add(onset, wave * np.float32(peak_uv / 2), weights)
        facts = {"start_hz": freq_hz, "end_hz": freq_hz, "peak_uv": peak_uv}
        scene.log("rhythmic", onset, length_s, weights, **facts)
    for onset in scene.times(0.08 * clutter):  # patting, rocking, tremor: cables move in step
        length_s, freq_hz = rng.uniform(3, 20), rng.uniform(1.0, 6.5)
        cycle = _phase(scene, np.full(round(length_s * scene.sfreq), freq_hz), jitter=0.2)
        weights = rng.standard_normal(len(POSITIONS)) * (rng.random(len(POSITIONS)) < 0.5)
        weights[rng.integers(len(POSITIONS))] = 1.0
        size_uv = float(np.exp(rng.uniform(np.log(15), np.log(150))))
        wave = _waveform(cycle, rng.uniform(0, 0.5)).astype(np.float32)
        scene.add(onset, wave * np.float32(size_uv / 2), weights)
        facts = {"start_hz": freq_hz, "end_hz": freq_hz, "peak_uv": size_uv}
        scene.log("movement", onset, length_s, weights, **facts)


def _eyes(scene: _Scene) -> None:
    rng = scene.rng
    blink_weights = 0.9 * (_near((-0.31, 1.1), 0.36) + _near((0.31, 1.1), 0.36))
    onsets = list(scene.times(scene.person.blinks_per_min))
    for start in scene.times(0.3 * scene.person.clutter):  # eyelid flutter
        onsets.extend(start + np.cumsum(rng.uniform(0.2, 0.5, rng.integers(4, 14))))
    blink_uv = rng.uniform(50, 180)
    for onset in onsets:
        n = round(rng.uniform(0.2, 0.45) * scene.sfreq)
        wave = np.sin(np.pi * np.arange(n) / n) ** 2 * blink_uv * rng.uniform(0.5, 1.2)
        if onset < scene.duration_s:
            scene.add(onset, wave.astype(np.float32), blink_weights)
    sideways = _near((-0.85, 0.75), 0.4) - _near((0.85, 0.75), 0.4)
    for onset in scene.times(0.4 * scene.person.blinks_per_min):
        n = round(rng.uniform(0.3, 1.5) * scene.sfreq)
        ramp = np.minimum(np.arange(n) / (0.05 * scene.sfreq), 1) * np.exp(-np.arange(n) / n)
        ramp *= np.minimum((n - np.arange(n)) / (0.06 * scene.sfreq), 1)
        wave = ramp * rng.choice([-1, 1]) * rng.uniform(15, 60)
        scene.add(onset, wave.astype(np.float32), sideways)


def _muscle_wave(scene: _Scene, length_s: float) -> Float:
    """Muscle activity of unit RMS, broad from about 15-30 Hz up."""
    n = max(round(length_s * scene.sfreq), 16)
    freqs = _frequencies(n, scene.sfreq)
    edge = scene.rng.uniform(15, 32)
    spectrum = np.fft.rfft(scene.rng.standard_normal(n)) / (1 + (edge / (freqs + 1e-3)) ** 4)
    wave = np.fft.irfft(spectrum, n)
    return np.asarray(wave / (wave.std() + 1e-9), dtype=np.float32)


def _muscle_weights(scene: _Scene) -> NDArray[np.float64]:
    rng = scene.rng
    left, right = rng.uniform(0, 1, 2)
    weights = left * _near((-1, 0.2), 0.45) + right * _near((1, 0.2), 0.45)
    weights += rng.uniform(0, 0.7) * _near((0, 1.0), 0.4) + rng.uniform(0, 0.4) * _near(
        (0, -1), 0.4
    )
    return np.asarray(weights / weights.max() * rng.uniform(0.7, 1.3, len(POSITIONS)))


def _artefacts(scene: _Scene) -> None:
    rng, clutter = scene.rng, scene.person.clutter
    for onset in scene.times(scene.person.muscle_per_min):
        length_s = float(np.exp(rng.uniform(np.log(0.3), np.log(25.0))))
        weights = _muscle_weights(scene)
        rms_uv = float(np.exp(rng.uniform(np.log(4), np.log(60))))
        wave = _muscle_wave(scene, length_s)
        n = len(wave)
        wave *= np.minimum(1, 4 * np.sin(np.pi * (np.arange(n) + 0.5) / n)).astype(np.float32)
        # each electrode sees other fibres: independent noise, not a copy
        shift = rng.integers(0, n, len(POSITIONS))
        scene.add(onset, np.stack([np.roll(wave, s) for s in shift]) * rms_uv, weights)
        scene.log("muscle", onset, length_s, weights, peak_uv=6 * rms_uv)
    for onset in scene.times(0.12 * clutter):
        _chewing(scene, onset)
    for onset in scene.times(0.15 * clutter):
        length_s, size = rng.uniform(0.5, 6), rng.uniform(40, 250)
        n = round(length_s * scene.sfreq)
        knots = rng.standard_normal((len(POSITIONS), max(int(length_s * 4), 2) + 2))
        knots = 0.5 * knots + knots[:1]  # a cable moves many electrodes together
        x = np.linspace(0, knots.shape[1] - 1, n)
        waves = np.stack([np.interp(x, np.arange(knots.shape[1]), row) for row in knots])
        waves *= size / 2 * np.sin(np.pi * (np.arange(n) + 0.5) / n)
        scene.add(onset, waves.astype(np.float32), np.ones(len(POSITIONS)))
        scene.log("movement", onset, length_s, np.ones(len(POSITIONS)), peak_uv=2 * size)
    for onset in scene.times(0.25 * clutter):
        weights = np.eye(len(POSITIONS))[rng.integers(len(POSITIONS))]
        size, decay_s = rng.uniform(40, 400) * rng.choice([-1, 1]), rng.uniform(0.1, 1.5)
        n = round(5 * decay_s * scene.sfreq)
        wave = size * np.exp(-np.arange(n) / (decay_s * scene.sfreq))
        scene.add(onset, wave.astype(np.float32), weights)
        scene.log("pop", onset, 3 * decay_s, weights, peak_uv=abs(size))


def _chewing(scene: _Scene, onset: float) -> None:
    rng = scene.rng
    length_s, freq_hz = rng.uniform(4, 25), rng.uniform(0.8, 2.2)
    wave = _muscle_wave(scene, length_s)
    cycle = _phase(scene, np.full(len(wave), freq_hz), jitter=0.15)
    wave *= np.maximum(np.cos(cycle), 0).astype(np.float32)
    rms_uv = rng.uniform(10, 60)
    weights = _near((-0.9, 0.2), 0.5) + _near((0.9, 0.2), 0.5)
    shift = rng.integers(0, round(0.03 * scene.sfreq), len(POSITIONS))
    scene.add(onset, np.stack([np.roll(wave, s) for s in shift]) * np.float32(2 * rms_uv), weights)
    tongue = (np.cos(cycle) * rng.uniform(0, 25)).astype(np.float32)
    scene.add(onset, tongue, _near((0, 1.1), 0.7))
    scene.log(
        "chewing", onset, length_s, weights, start_hz=freq_hz, end_hz=freq_hz, peak_uv=6 * rms_uv
    )


def _interictal(scene: _Scene) -> None:
    """Runs of periodic discharges (0.5-2 Hz) or rhythmic delta (1-2.5 Hz) that do not evolve."""
    rng, unit = scene.rng, scene.person.background_uv
    for onset in scene.times(0.5):
        length_s = rng.uniform(8, 90)
        general = rng.random() < 0.4
        centre = POSITIONS[rng.integers(len(POSITIONS))]
        weights = _near((0, 0.4), 0.9) if general else _near(centre, rng.uniform(0.3, 0.6))
        peak_uv = unit * rng.uniform(6, 16)
        if rng.random() < 0.5:
            kind, freq_hz = "rhythmic", rng.uniform(0.8, 2.4)
            wave = _burst(scene, length_s, freq_hz, rng.uniform(0, 0.35))
        else:
            kind, freq_hz = "periodic", rng.uniform(0.4, 2.0)
            cycle = _phase(scene, np.full(round(length_s * scene.sfreq), freq_hz), jitter=0.12)
            place = np.mod(cycle / (2 * np.pi), 1.0) / freq_hz  # seconds since the last discharge
            width_s = rng.uniform(0.03, 0.08)
            sharp = np.exp(-(((place - 0.1) / width_s) ** 2))
            after = np.exp(-(((place - 0.1 - 3 * width_s) / (2.5 * width_s)) ** 2))
            wave = (1.6 * sharp - rng.uniform(0.2, 0.8) * after).astype(np.float32)
        scene.add(onset, wave * np.float32(peak_uv / 2), weights)
        facts = {"start_hz": freq_hz, "end_hz": freq_hz, "peak_uv": peak_uv}
        scene.log(kind, onset, length_s, weights, **facts)


def _seizure(scene: _Scene, onset_s: float, length_s: float) -> None:
    """Add a rhythm that evolves in frequency, amplitude and place, and dampen what goes on."""
    rng, n = scene.rng, round(length_s * scene.sfreq)
    first = round(onset_s * scene.sfreq)
    general = rng.random() < 0.3
    if general:
        start_hz, end_hz = rng.uniform(2.8, 5.0), rng.uniform(2.3, 3.2)
        centre, narrow, wide = np.array([0.0, rng.uniform(0.0, 0.6)]), 0.8, 1.2
        sharp = rng.uniform(0.45, 0.75)
    else:
        start_hz, end_hz = np.exp(rng.uniform(np.log(3.5), np.log(14.0))), rng.uniform(1.5, 3.4)
        centre = POSITIONS[rng.integers(len(POSITIONS))] * rng.uniform(0.8, 1.0)
        narrow, wide = rng.uniform(0.28, 0.5), rng.uniform(0.4, 1.5)
        sharp = rng.uniform(0.1, 0.65)
    u = np.linspace(0, 1, n)
    course = u ** rng.uniform(0.5, 1.2)
    freq_hz = start_hz * (end_hz / start_hz) ** course
    ratio = np.exp(rng.uniform(np.log(5), np.log(35)))
    peak_uv = float(np.clip(scene.person.background_uv * ratio, 30, 500))
    rise = np.minimum(u / rng.uniform(0.1, 0.5), 1) ** rng.uniform(0.5, 1.5)
    level = (rng.uniform(0.2, 0.5) * (1 - rise) + rise) * np.minimum((1 - u) * length_s / 1.5, 1)
    phase = _phase(scene, freq_hz, jitter=rng.uniform(0.02, 0.15))
    wobble = 1 + 0.25 * np.interp(
        u * length_s * 2,
        np.arange(int(length_s * 2) + 2),
        rng.standard_normal(int(length_s * 2) + 2),
    )
    distance = np.sqrt(((POSITIONS - centre) ** 2).sum(axis=1))
    lag = distance * rng.uniform(0.2, 1.6)  # rad: what is further away comes later
    flip = np.where(distance > rng.uniform(0.8, 2.5), -1.0, 1.0)  # the other end of the dipole
    amplitude = (peak_uv / 2 * level * wobble).astype(np.float32)
    muscle = (
        _muscle_wave(scene, length_s) * (rng.random() < 0.5) * peak_uv * rng.uniform(0.02, 0.15)
    )
    muscle_weights = _muscle_weights(scene)
    scene.signal[:, first : first + n] *= (1 - rng.uniform(0.0, 0.6) * np.minimum(rise, 1)).astype(
        np.float32
    )
    sigma = narrow + (wide - narrow) * course
    for row in range(len(POSITIONS)):
        spread = np.exp(-(distance[row] ** 2) / (2 * sigma**2)) * flip[row]
        wave = _waveform(phase - lag[row], sharp) * amplitude * spread
        wave += np.roll(muscle, 37 * row) * rise * muscle_weights[row]
        scene.signal[row, first : first + n] += wave.astype(np.float32)
    weights = np.exp(-(distance**2) / (2 * (narrow + wide) ** 2 / 4))
    facts = {"start_hz": float(start_hz), "end_hz": float(end_hz), "peak_uv": peak_uv}
    scene.log("seizure", onset_s, length_s, weights, **facts)
    after = min(round(rng.uniform(5, 40) * scene.sfreq), scene.n - first - n)
    recover = 1 - rng.uniform(0, 0.7) * np.linspace(1, 0, after)  # suppression after the seizure
    scene.signal[:, first + n : first + n + after] *= recover.astype(np.float32)


def _amplifier(scene: _Scene) -> None:
    """First-order high-pass, second-order low-pass, line noise and amplifier noise, in place."""
    who, rng = scene.person, scene.rng
    freqs = _frequencies(scene.n, scene.sfreq)
    high = (1j * freqs / who.high_pass_hz) / (1 + 1j * freqs / who.high_pass_hz)
    gain = (high / (1 + 1j * freqs / who.low_pass_hz) ** 2).astype(np.complex64)
    for row in range(len(POSITIONS)):  # row by row: a quarter of the memory
        filtered = np.fft.irfft(np.fft.rfft(scene.signal[row]) * gain, scene.n)
        scene.signal[row] = filtered
    scene.signal += 0.3 * rng.standard_normal(scene.signal.shape, dtype=np.float32)
    if who.line_uv:
        wave = np.cos(2 * np.pi * who.line_hz / scene.sfreq * np.arange(scene.n))
        weights = rng.uniform(0, 1, len(POSITIONS)) * who.line_uv
        scene.signal += np.outer(weights, wave).astype(np.float32)
