"""Artefacts: eyes, muscle, chewing, electrodes, movement; each maker draws one event."""

from __future__ import annotations

import numpy as np

from eegdash.montage import ELECTRODES_10_20
from eegdash.simulation.events import (
    Event,
    SimulatedEvent,
    Stage,
    Waves,
    log_uniform,
    place,
    sized,
    strongest,
)
from eegdash.simulation.head import Float, eye_field
from eegdash.simulation.person import Person
from eegdash.simulation.waves import (
    band,
    burst_noise,
    drifting_phase,
    envelope,
    knots,
    muscle_spectrum,
    waveform,
)


def blink(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """Eyelid closure: the front becomes positive for a fifth to half a second."""
    return _eyelids(rng, stage, onset_s, 1)


def flutter(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """Eyelids that flutter at 2-5 a second."""
    return _eyelids(rng, stage, onset_s, int(rng.integers(5, 25)))


def _eyelids(rng: np.random.Generator, stage: Stage, onset_s: float, count: int) -> Event:
    gaps = rng.uniform(0.2, 0.45, count)
    length_s = float(gaps.sum()) + 0.45
    peak_uv = float(rng.uniform(45, 220)) * (1.0 if count == 1 else 0.5)
    field = eye_field(stage.names, "up")

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        t = np.arange(stage.samples(length_s)) / stage.sfreq
        wave = np.zeros_like(t)
        start = 0.02
        for gap in gaps:
            width = rng.uniform(0.16, 0.4)
            u = np.clip((t - start) / width, 0, 1)
            wave += np.sin(np.pi * u**0.75) ** 2 * rng.uniform(0.7, 1.1)
            start += gap
        wave -= 0.08 * np.gradient(wave) * stage.sfreq * 0.1  # what the lid's opening leaves
        return sized([field], [wave], peak_uv)

    kind = "blink" if count == 1 else "eyelid flutter"
    return Event(_truth(kind, onset_s, length_s, field, peak_uv), render)


def gaze(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """Look to one side and back: opposite steps over the left and the right front."""
    field = eye_field(stage.names, "left") * np.float32(rng.choice([-1, 1]))
    length_s, peak_uv = float(rng.uniform(0.4, 2.5)), float(rng.uniform(20, 110))

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        t = np.arange(n) / stage.sfreq
        step = np.minimum(t / 0.04, 1) * np.minimum((t[-1] - t) / 0.06, 1)
        return sized([field], [step * (1 - 0.2 * t / length_s)], peak_uv)

    return Event(_truth("lateral gaze", onset_s, length_s, field, peak_uv), render)


def slow_eyes(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """Slow rolling eyes of drowsiness, 0.2-0.6 Hz."""
    field = eye_field(stage.names, "left")
    length_s, peak_uv = float(rng.uniform(5, 25)), float(rng.uniform(30, 120))
    freq_hz = float(rng.uniform(0.2, 0.6))

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        cycles = drifting_phase(rng, np.full(n, freq_hz), stage.sfreq, 0.3)
        return sized([field], [np.sin(2 * np.pi * cycles) * envelope(n, 0.3, 0.3)], peak_uv)

    return Event(_truth("slow eye movement", onset_s, length_s, field, peak_uv, freq_hz), render)


def muscle(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """Frontalis or temporalis tension: bursts of 20-100 Hz, a little different at each site."""
    length_s = log_uniform(rng, 0.3, 40.0)
    rms_uv = log_uniform(rng, 6, 90)
    sites, sizes = _muscle_sites(rng)
    edge_hz = float(rng.uniform(14, 35))

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        fields, waves = _muscle_sources(rng, stage, sites, sizes, n, edge_hz)
        ramp = min(0.3 / length_s, 0.5)
        swell = np.exp(0.5 * knots(rng, n, stage.sfreq, 0.4)) * envelope(n, ramp, ramp)
        return Waves(fields, (waves * swell * rms_uv).astype(np.float32))

    field = sum(size * stage.near(place(site), 22) for site, size in zip(sites, sizes, strict=True))
    return Event(_truth("muscle", onset_s, length_s, np.asarray(field), 6 * rms_uv), render)


def chewing(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """Chew: bursts of temporal muscle at 0.8-2.5 Hz, with slow swings of tongue and jaw."""
    length_s, freq_hz = log_uniform(rng, 4, 45), float(rng.uniform(0.8, 2.5))
    rms_uv, tongue_uv = log_uniform(rng, 8, 90), float(rng.uniform(0, 60))
    sites = ("T7", "F7", "T8", "F8")
    sizes = rng.uniform(0.3, 1.0, 4)
    jaw = stage.near(place("Fpz"), 45)

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        cycles = drifting_phase(rng, np.full(n, freq_hz), stage.sfreq, 0.15)
        fields, waves = _muscle_sources(rng, stage, sites, sizes, n, 22.0)
        gate = np.maximum(np.cos(2 * np.pi * cycles), 0) ** 1.5 * envelope(n, 0.05, 0.05)
        swing = tongue_uv / 2 * np.cos(2 * np.pi * cycles + 1) * envelope(n, 0.05, 0.05)
        rows = np.vstack([1.6 * rms_uv * waves * gate, swing[None]])
        return Waves(np.column_stack([fields, jaw]), rows.astype(np.float32))

    field = stage.near(place("T7"), 25) * sizes[0] + stage.near(place("T8"), 25) * sizes[2]
    return Event(_truth("chewing", onset_s, length_s, field, 6 * rms_uv, freq_hz), render)


def _muscle_sites(rng: np.random.Generator) -> tuple[tuple[str, ...], Float]:
    groups = (("T7", "F7"), ("T8", "F8"), ("T7", "F7", "T8", "F8"), ("Fp1", "Fp2"), ("O1", "O2"))
    sites: tuple[str, ...] = groups[int(rng.choice(5, p=[0.2, 0.2, 0.3, 0.2, 0.1]))]
    if rng.random() < 0.25:
        sites = ("T7", "F7", "T8", "F8", "Fp1", "Fp2", "P7", "P8")
    return sites, rng.uniform(0.3, 1.0, len(sites)).astype(np.float32)


def _muscle_sources(
    rng: np.random.Generator,
    stage: Stage,
    sites: tuple[str, ...],
    sizes: np.ndarray[tuple[int, ...], np.dtype[np.floating]],
    n: int,
    edge_hz: float,
) -> tuple[Float, Float]:
    """Two bundles of fibres a site, unit RMS where they are strongest."""
    fields = [stage.near(place(site), width) for site in sites for width in (14, 26)]
    waves = burst_noise(rng, len(fields), n, stage.sfreq, muscle_spectrum(edge_hz))
    weights = np.repeat(sizes, 2) * np.tile([0.8, 0.6], len(sites))
    return np.stack(fields, axis=1), (waves * weights[:, None]).astype(np.float32)


def pop(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """An electrode jumps and decays, once or a few times."""
    electrode = str(rng.choice(ELECTRODES_10_20))
    count, decay_s = int(rng.integers(1, 4)), float(rng.uniform(0.08, 1.2))
    peak_uv = log_uniform(rng, 40, 500)
    gaps = rng.uniform(0.3, 3.0, count)
    length_s = float(gaps.sum()) + 4 * decay_s
    field = stage.single(electrode)

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        t = np.arange(stage.samples(length_s)) / stage.sfreq
        wave = np.zeros_like(t)
        for start in np.cumsum(gaps) - gaps[0] + 0.02:
            sign = rng.choice([-1, 1]) * rng.uniform(0.5, 1)
            wave += np.where(t >= start, sign * np.exp(-(t - start) / decay_s), 0.0)
        return sized([field], [wave], peak_uv)

    return Event(_truth("electrode pop", onset_s, length_s, field, peak_uv), render)


def loose_electrode(
    rng: np.random.Generator, person: Person, stage: Stage, onset_s: float
) -> Event:
    """An electrode that lost contact: wandering, noise and line frequency for a while."""
    electrode = str(rng.choice(ELECTRODES_10_20))
    length_s, peak_uv = log_uniform(rng, 8, 180), log_uniform(rng, 60, 600)
    hum = float(rng.uniform(0, 0.5))
    field = stage.single(electrode)

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        wander = knots(rng, n, stage.sfreq, float(rng.uniform(0.1, 0.8)))
        t = np.arange(n) / stage.sfreq
        wave = wander + hum * np.sin(2 * np.pi * person.line_hz * t)
        wave += 0.15 * rng.standard_normal(n)
        return sized([field], [wave * envelope(n, 0.02, 0.02)], peak_uv)

    return Event(_truth("loose electrode", onset_s, length_s, field, peak_uv), render)


def movement(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """The head moves: slow irregular swings at many electrodes together, some muscle with it."""
    length_s, peak_uv = log_uniform(rng, 0.7, 20), log_uniform(rng, 60, 600)
    sway = rng.standard_normal((4, len(stage.names))).astype(np.float32)
    sway[0] = 1.0 + 0.4 * sway[0]

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        shape = band(0.0, float(rng.uniform(0.8, 2.5)))
        rows = burst_noise(rng, 4, n, stage.sfreq, shape) * envelope(n, 0.3, 0.3)
        muscle = burst_noise(rng, 2, n, stage.sfreq, muscle_spectrum(20.0)) * 0.12
        muscle *= np.maximum(knots(rng, n, stage.sfreq, 0.5), 0)
        fields = [*sway, stage.near(place("T7"), 35), stage.near(place("T8"), 35)]
        return sized(fields, [*rows, *muscle], peak_uv)

    return Event(_truth("movement", onset_s, length_s, sway[0], peak_uv), render)


def rhythmic_movement(
    rng: np.random.Generator, person: Person, stage: Stage, onset_s: float
) -> Event:
    """Patting, rocking, tremor, nursing: cables swing in step at 1-6.5 Hz without evolving."""
    length_s, freq_hz = log_uniform(rng, 3, 60), float(rng.uniform(1.0, 6.5))
    peak_uv, sharp = log_uniform(rng, 20, 250), float(rng.uniform(0, 0.5))
    field = rng.standard_normal(len(stage.names)) * (rng.random(len(stage.names)) < 0.6)
    field[int(rng.integers(len(ELECTRODES_10_20)))] = 1.5
    if rng.random() < 0.4:  # the head lies on one side
        side = stage.near(place(str(rng.choice(["O1", "O2", "P7", "P8"]))), 35)
        field = side + 0.2 * field
    field = (field / np.abs(field).max()).astype(np.float32)

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        cycles = drifting_phase(rng, np.full(n, freq_hz), stage.sfreq, 0.12)
        size = np.exp(0.35 * knots(rng, n, stage.sfreq, 1.0)) * envelope(n, 0.1, 0.1)
        return sized([field], [waveform(cycles, sharp) * size], peak_uv)

    return Event(_truth("rhythmic movement", onset_s, length_s, field, peak_uv, freq_hz), render)


def sweat(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """Sweat: large drift at 0.1-0.5 Hz for a minute or more."""
    length_s, peak_uv = log_uniform(rng, 30, 240), log_uniform(rng, 60, 500)
    fields = rng.standard_normal((3, len(stage.names))).astype(np.float32)

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        rows = burst_noise(rng, 3, n, stage.sfreq, band(0.1, 0.2)) * envelope(n, 0.2, 0.2)
        return sized(list(fields), list(rows), peak_uv)

    return Event(_truth("sweat", onset_s, length_s, fields[0], peak_uv), render)


def _truth(
    kind: str, onset_s: float, length_s: float, field: Float, peak_uv: float, freq_hz: float = 0.0
) -> SimulatedEvent:
    return SimulatedEvent(
        kind, onset_s, length_s, strongest(field), freq_hz, freq_hz, round(peak_uv, 1)
    )
