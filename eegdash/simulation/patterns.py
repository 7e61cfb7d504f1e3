"""Sleep waves, and patterns that resemble seizures: ACNS 2021, doi:10.1097/WNP.0000000000000806.

Lateralised and generalised periodic discharges (LPD, GPD), rhythmic delta (LRDA, GRDA),
spike-and-wave bursts below 10 s, single spikes, temporal theta of drowsiness, and the vertex
waves, K-complexes, spindles and bursts of slow waves of sleep.
"""

from __future__ import annotations

import numpy as np

from eegdash.simulation.events import (
    Event,
    SimulatedEvent,
    Stage,
    Waves,
    draw_focus,
    jittered,
    log_uniform,
    place,
    sized,
    strongest,
)
from eegdash.simulation.head import Array, Float
from eegdash.simulation.person import Person
from eegdash.simulation.waves import (
    discharges,
    drifting_phase,
    envelope,
    knots,
    spike_wave,
    waveform,
)


def periodic(
    rng: np.random.Generator, person: Person, stage: Stage, onset_s: float, general: bool
) -> Event:
    """Periodic discharges at 0.4-2.5 Hz that do not evolve."""
    length_s, freq_hz = log_uniform(rng, 12, 180), log_uniform(rng, 0.4, 2.4)
    width_s, after = log_uniform(rng, 0.025, 0.09), float(rng.uniform(0, 0.9))
    if general and rng.random() < 0.4:  # triphasic
        width_s, after = float(rng.uniform(0.07, 0.13)), float(rng.uniform(0.5, 1.1))
    peak_uv = _peak(rng, person, 8, 55)
    fields = _fields(rng, stage, general)

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        cycles = drifting_phase(rng, np.full(n, freq_hz), stage.sfreq, 0.1)
        wave = discharges(cycles, freq_hz, width_s, after)
        return sized(*_with_lags(rng, stage, fields, wave, length_s), peak_uv)

    kind = "GPD" if general else "LPD"
    return Event(_truth(kind, onset_s, length_s, fields[0], peak_uv, freq_hz), render)


def rhythmic_delta(
    rng: np.random.Generator, person: Person, stage: Stage, onset_s: float, general: bool
) -> Event:
    """Rhythmic delta at 0.8-3 Hz that does not evolve, in runs."""
    length_s, freq_hz = log_uniform(rng, 4, 90), float(rng.uniform(0.8, 3.0))
    peak_uv, sharp = _peak(rng, person, 9, 60), float(rng.uniform(0, 0.35))
    fields = _fields(rng, stage, general)

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        cycles = drifting_phase(rng, np.full(n, freq_hz), stage.sfreq, 0.12)
        return sized(*_with_lags(rng, stage, fields, waveform(cycles, sharp), length_s), peak_uv)

    kind = "GRDA" if general else "LRDA"
    return Event(_truth(kind, onset_s, length_s, fields[0], peak_uv, freq_hz), render)


def spike_wave_burst(
    rng: np.random.Generator, person: Person, stage: Stage, onset_s: float
) -> Event:
    """Generalised spike-and-wave that ends before 10 s."""
    length_s, freq_hz = float(rng.uniform(1.0, 8.0)), float(rng.uniform(2.3, 4.5))
    peak_uv, spike = _peak(rng, person, 18, 110), float(rng.uniform(0.4, 1.6))
    fields = _fields(rng, stage, True)
    poly = bool(rng.random() < 0.3)

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        cycles = drifting_phase(rng, np.full(n, freq_hz), stage.sfreq, 0.08)
        wave = spike_wave(cycles, spike, poly)
        return sized(*_with_lags(rng, stage, fields, wave, length_s), peak_uv)

    truth = _truth("spike-wave burst", onset_s, length_s, fields[0], peak_uv, freq_hz)
    return Event(truth, render)


def spike(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """One focal or generalised spike or sharp wave with its slow wave."""
    width_s, after = log_uniform(rng, 0.015, 0.06), float(rng.uniform(0.2, 0.9))
    peak_uv = _peak(rng, person, 10, 60)
    fields = _fields(rng, stage, bool(rng.random() < 0.25))

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        t = np.arange(stage.samples(0.8)) / stage.sfreq
        return sized(fields[:1], [discharges(t + 0.02, 1.0, width_s, after)], peak_uv)

    return Event(_truth("spike", onset_s, 0.8, fields[0], peak_uv), render)


def temporal_theta(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """Rhythmic theta over one temple in drowsiness, 4.5-7 Hz, notched, not evolving."""
    length_s, freq_hz = log_uniform(rng, 2, 25), float(rng.uniform(4.5, 7.0))
    peak_uv, sharp = _peak(rng, person, 5, 16), float(rng.uniform(0.15, 0.5))
    field = stage.patch(jittered(rng, place(str(rng.choice(["T7", "T8"]))), 6), 17.0)

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        cycles = drifting_phase(rng, np.full(n, freq_hz), stage.sfreq, 0.06)
        size = np.exp(0.25 * knots(rng, n, stage.sfreq, 1.0)) * envelope(n, 0.2, 0.2)
        return sized([field], [waveform(cycles, sharp) * size], peak_uv)

    return Event(_truth("temporal theta", onset_s, length_s, field, peak_uv, freq_hz), render)


def slow_burst(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """Bilateral bursts of high slow waves: drowsiness of children, arousal, hyperventilation."""
    length_s, freq_hz = log_uniform(rng, 1.5, 12), float(rng.uniform(2.2, 5.0))
    peak_uv = _peak(rng, person, 8, 40)
    field = stage.patch(jittered(rng, place("Fz"), 14), float(rng.uniform(35, 50)))

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        cycles = drifting_phase(rng, np.full(n, freq_hz), stage.sfreq, 0.15)
        size = np.exp(0.3 * knots(rng, n, stage.sfreq, 0.7)) * envelope(n, 0.3, 0.3)
        return sized([field], [waveform(cycles, 0.1) * size], peak_uv)

    return Event(_truth("slow burst", onset_s, length_s, field, peak_uv, freq_hz), render)


def spindle(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """Sleep spindle: 12-15 Hz over the centre for 0.5-2 s."""
    length_s, freq_hz = float(rng.uniform(0.5, 1.8)), float(rng.uniform(12.2, 14.6))
    peak_uv = float(np.clip(_peak(rng, person, 4, 12), 12, 90))
    field = stage.patch(jittered(rng, place("Cz"), 9), float(rng.uniform(22, 32)))

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        cycles = drifting_phase(rng, np.full(n, freq_hz), stage.sfreq, 0.02)
        return sized([field], [waveform(cycles, 0.0) * envelope(n, 0.5, 0.5)], peak_uv)

    return Event(_truth("spindle", onset_s, length_s, field, peak_uv, freq_hz), render)


def k_complex(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """K-complex: a sharp negative, then a slower positive wave at the vertex, over 0.5 s."""
    peak_uv = float(np.clip(_peak(rng, person, 12, 45), 70, 350))
    return _transient(rng, stage, onset_s, "K-complex", "FCz", 34.0, 1.0, peak_uv)


def vertex_wave(rng: np.random.Generator, person: Person, stage: Stage, onset_s: float) -> Event:
    """Vertex sharp wave: negative at Cz, 0.2 s."""
    peak_uv = float(np.clip(_peak(rng, person, 8, 30), 40, 250))
    return _transient(rng, stage, onset_s, "vertex wave", "Cz", 24.0, 0.35, peak_uv)


def _transient(
    rng: np.random.Generator,
    stage: Stage,
    onset_s: float,
    kind: str,
    electrode: str,
    extent_deg: float,
    length_s: float,
    peak_uv: float,
) -> Event:
    field = stage.patch(jittered(rng, place(electrode), 6), extent_deg)
    length_s *= float(rng.uniform(0.8, 1.3))

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        u = np.arange(stage.samples(length_s)) / stage.samples(length_s)
        wave = -np.exp(-(((u - 0.25) / 0.1) ** 2)) + 0.7 * np.exp(-(((u - 0.58) / 0.16) ** 2))
        return sized([field], [wave * envelope(len(u), 0.1, 0.1)], peak_uv)

    return Event(_truth(kind, onset_s, length_s, field, peak_uv), render)


def _peak(rng: np.random.Generator, person: Person, low: float, high: float) -> float:
    """Amplitude as a multiple of the person's background, children and the ill included."""
    ground_uv = person.background_uv * (0.6 + 0.4 * person.slow)
    return float(np.clip(ground_uv * log_uniform(rng, low, high), 15, 700))


def _fields(rng: np.random.Generator, stage: Stage, general: bool) -> list[Float]:
    """Return a main field, and a second one that follows or lies beside it."""
    if general:
        front = rng.random() < 0.75
        centre = jittered(rng, place("Fz" if front else "Pz"), 10)
        fields = [stage.patch(centre, float(rng.uniform(38, 60)))]
        return [*fields, stage.patch(jittered(rng, place("Cz"), 30), 35.0) * np.float32(0.4)]
    centre = draw_focus(rng)
    tilt = float(rng.uniform(0, 0.6)) if rng.random() < 0.5 else 0.0
    main = stage.patch(centre, float(rng.uniform(13, 34)), tilt, 45 * int(rng.integers(8)))
    beside = stage.patch(jittered(rng, centre, 30), float(rng.uniform(20, 38)))
    return [main, beside * np.float32(rng.uniform(0.1, 0.6))]


def _with_lags(
    rng: np.random.Generator, stage: Stage, fields: list[Float], wave: Array, length_s: float
) -> tuple[list[Float], list[Array]]:
    """Let the second field follow by some ms, and vary the size from wave to wave."""
    n = len(wave)
    lag = round(rng.uniform(0, 0.05) * stage.sfreq)
    ramp = min(0.6 / length_s, 0.4)
    size = np.exp(0.22 * knots(rng, n, stage.sfreq, 0.6)) * envelope(n, ramp, ramp)
    return fields, [wave * size, np.roll(wave, lag) * size]


def _truth(
    kind: str, onset_s: float, length_s: float, field: Float, peak_uv: float, freq_hz: float = 0.0
) -> SimulatedEvent:
    return SimulatedEvent(
        kind, onset_s, length_s, strongest(field), freq_hz, freq_hz, round(peak_uv, 1)
    )
