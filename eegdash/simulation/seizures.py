"""Seizures of five kinds, each a rhythm that evolves in frequency, amplitude and place.

``focal`` (temporal most often, spreads over the hemisphere and across), ``spike-wave`` (absence:
3 Hz, at least 10 s), ``fast onset`` (low-voltage beta, then rhythmic slowing), ``bilateral``
(focal to bilateral tonic-clonic, with muscle and suppression afterwards) and ``critical``
(electrographic seizures of the severely ill: slow sharp rhythms that wax and wane). Terms:
ILAE 2017 (doi:10.1111/epi.13671) and ACNS 2021 (doi:10.1097/WNP.0000000000000806).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    band,
    burst_noise,
    drifting_phase,
    envelope,
    knots,
    muscle_spectrum,
    one_over_f,
    spike_wave,
    waveform,
)

DURATIONS_S: dict[str, tuple[float, float]] = {
    "focal": (20, 120), "spike-wave": (10, 30), "fast onset": (20, 90),
    "bilateral": (50, 120), "critical": (15, 150),
}  # fmt: skip
EVENT_TYPES = {
    "focal": "sz_foc_ia", "spike-wave": "sz_gen_nm_typical", "fast onset": "sz_foc_ia",
    "bilateral": "sz_foc_f2b", "critical": "sz_foc_ua",
}  # fmt: skip
SEIZURES = tuple(DURATIONS_S)


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """A seizure without its place in time: where and how fast it begins, and how fast it ends.

    The background sinks to the share ``damp_to`` meanwhile.
    """

    field: Float
    start_hz: float
    end_hz: float
    render: Callable[[np.random.Generator, Stage], Waves]
    damp_to: float


Maker = Callable[[np.random.Generator, Stage, float, float], _Rhythm]
"""Draws a seizure of a duration (s) and a largest peak-to-peak amplitude (uV)."""


def seizure(
    rng: np.random.Generator,
    person: Person,
    stage: Stage,
    onset_s: float,
    duration_s: float,
    kind: str,
    peak_uv: float | None = None,
) -> Event:
    """Draw a seizure.

    Parameters
    ----------
    rng : Generator
    person : Person
        Its background sets the amplitude.
    stage : Stage
    onset_s, duration_s : float
    kind : str
        One of :data:`SEIZURES`.
    peak_uv : float, optional
        Largest peak-to-peak amplitude; drawn where not given.

    Returns
    -------
    Event
    """
    if peak_uv is None:
        ground_uv = person.background_uv * (0.6 + 0.4 * person.slow)
        low, high = {"spike-wave": (30, 150), "critical": (18, 240)}.get(kind, (35, 400))
        peak_uv = float(np.clip(ground_uv * log_uniform(rng, low, high), 50, 1500))
    rhythm = _MAKERS[kind](rng, stage, duration_s, peak_uv)
    truth = SimulatedEvent(
        kind,
        onset_s,
        duration_s,
        strongest(rhythm.field),
        round(rhythm.start_hz, 2),
        round(rhythm.end_hz, 2),
        round(peak_uv, 1),
        EVENT_TYPES[kind],
    )
    soon, share = min(4.0, duration_s / 3), rhythm.damp_to
    damp = ((0.0, 1.0), (soon, share), (duration_s - 0.5, share), (duration_s, 1.0))
    return Event(truth, rhythm.render, damp)


def postictal(
    rng: np.random.Generator, person: Person, stage: Stage, onset_s: float, deep: bool
) -> Event:
    """Return the time after a seizure: less of everything, then irregular slow waves."""
    length_s = log_uniform(rng, 40, 150) if deep else log_uniform(rng, 6, 60)
    low = float(rng.uniform(0.12, 0.35)) if deep else float(rng.uniform(0.45, 1.0))
    peak_uv = person.background_uv * log_uniform(rng, 4, 18)
    field = stage.patch(jittered(rng, place("Fz"), 25), float(rng.uniform(30, 60)))

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        wave = burst_noise(rng, 1, n, stage.sfreq, band(1.2, 0.7))[0]
        return sized([field], [wave * envelope(n, 0.6, 0.4)], peak_uv)

    truth = SimulatedEvent(
        "postictal", onset_s, length_s, strongest(field), peak_uv=round(peak_uv, 1)
    )
    damp = ((0.0, low), (0.4 * length_s, low), (length_s, 1.0))
    return Event(truth, render, damp)


def _focal(rng: np.random.Generator, stage: Stage, length_s: float, peak_uv: float) -> _Rhythm:
    start_hz, end_hz = log_uniform(rng, 3.5, 11.0), float(rng.uniform(1.4, 3.4))
    fields, joins = _spread(rng, stage)
    sharp = rng.uniform(0.05, 0.6, 2)
    bend, rise = float(rng.uniform(0.5, 1.6)), float(rng.uniform(0.15, 0.7))
    emg_uv = _tension(rng)

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        u = np.linspace(0, 1, n)
        freq_hz = start_hz * (end_hz / start_hz) ** (u**bend)
        cycles = drifting_phase(rng, freq_hz, stage.sfreq, float(rng.uniform(0.02, 0.1)))
        level = _growth(rng, u, length_s, rise, stage)
        waves = _spreading(rng, stage, cycles, sharp[0] + (sharp[1] - sharp[0]) * u, u, joins)
        main = sized(fields, [wave * level for wave in waves], peak_uv)
        return _tensed(rng, stage, main, emg_uv * np.clip((u - 0.15) / 0.3, 0, 1))

    return _Rhythm(fields[0], start_hz, end_hz, render, float(rng.uniform(0.5, 1)))


def _spike_wave(rng: np.random.Generator, stage: Stage, length_s: float, peak_uv: float) -> _Rhythm:
    start_hz = float(rng.uniform(2.9, 3.6))
    end_hz = start_hz - float(rng.uniform(0.2, 0.7))
    spike, poly = float(rng.uniform(0.5, 1.5)), bool(rng.random() < 0.15)
    field = stage.patch(jittered(rng, place("Fz"), 7), float(rng.uniform(36, 52)))
    back = stage.patch(jittered(rng, place("Pz"), 12), 35.0) * np.float32(rng.uniform(0.1, 0.4))

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        cycles = drifting_phase(rng, np.linspace(start_hz, end_hz, n), stage.sfreq, 0.025)
        wave = spike_wave(cycles, spike, poly)
        ramp = min(0.8 / length_s, 0.4)
        size = np.exp(0.12 * knots(rng, n, stage.sfreq, 1.0)) * envelope(n, ramp, ramp)
        lag = round(0.012 * stage.sfreq)
        return sized([field, back], [wave * size, np.roll(wave, lag) * size], peak_uv)

    return _Rhythm(field, start_hz, end_hz, render, float(rng.uniform(0.4, 0.8)))


def _fast_onset(rng: np.random.Generator, stage: Stage, length_s: float, peak_uv: float) -> _Rhythm:
    fast_hz, start_hz = float(rng.uniform(15, 28)), float(rng.uniform(7, 13))
    end_hz = float(rng.uniform(1.5, 3.5))
    turn = float(rng.uniform(0.1, 0.35))
    fields, joins = _spread(rng, stage)
    sharp = float(rng.uniform(0.2, 0.6))
    size_fast = float(rng.uniform(0.06, 0.2))
    emg_uv = _tension(rng)

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        u = np.linspace(0, 1, n)
        later = np.clip((u - turn) / (1 - turn), 0, 1)
        cycles = drifting_phase(rng, start_hz * (end_hz / start_hz) ** later, stage.sfreq, 0.05)
        fast = burst_noise(rng, 1, n, stage.sfreq, band(fast_hz, 2.5))[0]
        fast *= np.minimum(u / 0.02, 1) * np.clip((turn * 1.3 - u) / (0.3 * turn), 0, 1)
        level = _growth(rng, later, length_s, 0.5, stage) * np.minimum(later / 0.1, 1)
        waves = _spreading(rng, stage, cycles, sharp * later, u, joins)
        rows = [wave * level for wave in waves]
        rows[0] = rows[0] + size_fast * fast
        return _tensed(rng, stage, sized(fields, rows, peak_uv), emg_uv * later)

    return _Rhythm(fields[0], fast_hz, end_hz, render, float(rng.uniform(0.3, 0.6)))


def _bilateral(rng: np.random.Generator, stage: Stage, length_s: float, peak_uv: float) -> _Rhythm:
    start_hz, end_hz = float(rng.uniform(5, 9)), float(rng.uniform(0.9, 1.8))
    fields, joins = _spread(rng, stage)
    tonic, clonic = float(rng.uniform(0.2, 0.4)), float(rng.uniform(0.5, 0.65))
    emg_uv = log_uniform(rng, 30, 150)
    whole = stage.patch(jittered(rng, place("Fz"), 10), 55.0)

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        u = np.linspace(0, 1, n)
        first = np.clip(u / tonic, 0, 1)
        cycles = drifting_phase(rng, start_hz * (3.5 / start_hz) ** first, stage.sfreq, 0.05)
        rows = [w * first * (u < clonic) for w in _spreading(rng, stage, cycles, 0.3, u, joins)]
        fast = burst_noise(rng, 1, n, stage.sfreq, band(11, 2))[0]
        fast *= np.clip((u - tonic) / 0.08, 0, 1) * np.clip((clonic - u) / 0.05, 0, 1)
        later = np.clip((u - clonic) / (1 - clonic), 0, 1)
        jerks = drifting_phase(rng, 4.0 * (end_hz / 4.0) ** later, stage.sfreq, 0.06)
        waves = spike_wave(jerks, 1.2, True) * np.minimum(later / 0.08, 1)
        waves *= np.minimum((1 - u) * length_s / 1.0, 1)
        gate = np.clip((u - tonic) / 0.1, 0, 1) * np.where(u < clonic, 1.0, _jerk(jerks))
        main = sized([*fields, whole], [*rows, 0.35 * fast + waves], peak_uv)
        return _tensed(rng, stage, main, emg_uv * gate)

    return _Rhythm(fields[0], start_hz, end_hz, render, 0.3)


def _tension(rng: np.random.Generator) -> float:
    """RMS of the muscle that comes with a seizure, uV; none in half of them."""
    return log_uniform(rng, 4, 110) if rng.random() < 0.5 else 0.0


def _tensed(rng: np.random.Generator, stage: Stage, brain: Waves, rms_uv: Array) -> Waves:
    """Add muscle of the temples and the forehead whose size follows ``rms_uv`` (n_samples,)."""
    if not rms_uv.any():
        return brain
    sites = ("T7", "T8", "F7", "F8", "Fp1", "Fp2")
    skin = [stage.near(place(site), 24) * np.float32(rng.uniform(0.4, 1)) for site in sites]
    emg = burst_noise(rng, len(sites), len(rms_uv), stage.sfreq, muscle_spectrum(22.0)) * rms_uv
    return Waves(
        np.column_stack([brain.fields, *skin]).astype(np.float32),
        np.vstack([brain.waves, emg]).astype(np.float32),
    )


def _jerk(cycles: Array) -> Array:
    """Muscle contracts with the discharge, and rests between."""
    place_in = np.mod(cycles, 1.0)
    return np.asarray(np.exp(-(((place_in - 0.25) / 0.15) ** 2)))


def _critical(rng: np.random.Generator, stage: Stage, length_s: float, peak_uv: float) -> _Rhythm:
    general = bool(rng.random() < 0.3)
    slow_hz, fast_hz = float(rng.uniform(0.9, 1.8)), float(rng.uniform(2.5, 4.5))
    centre = jittered(rng, place("Fz"), 15) if general else draw_focus(rng)
    extent = float(rng.uniform(40, 60)) if general else float(rng.uniform(12, 38))
    fields = [
        stage.patch(centre, extent),
        stage.patch(jittered(rng, centre, 40), float(rng.uniform(14, 36))),
    ]
    top, sharp = float(rng.uniform(0.25, 0.6)), float(rng.uniform(0.15, 0.65))

    def render(rng: np.random.Generator, stage: Stage) -> Waves:
        n = stage.samples(length_s)
        u = np.linspace(0, 1, n)
        hump = np.interp(u, [0, top, 1], [0, 1, 0]) ** 0.7
        cycles = drifting_phase(rng, slow_hz * (fast_hz / slow_hz) ** hump, stage.sfreq, 0.07)
        level = (0.35 + 0.65 * hump) * np.exp(0.2 * knots(rng, n, stage.sfreq, 0.8))
        ramp = min(2.0 / length_s, 0.3)
        level = level * envelope(n, ramp, ramp)
        lag = rng.uniform(0, 0.15)
        return sized(
            fields,
            [
                waveform(cycles, sharp) * level,
                0.6 * np.minimum(u / 0.5, 1) * waveform(cycles - lag, sharp) * level,
            ],
            peak_uv,
        )

    return _Rhythm(fields[0], slow_hz, slow_hz, render, float(rng.uniform(0.6, 1)))


def _spread(rng: np.random.Generator, stage: Stage) -> tuple[list[Float], Array]:
    """Return the fields that join, the focus first, and when each does (share of the duration)."""
    focus = draw_focus(rng)
    tilt = float(rng.uniform(0, 0.8)) if rng.random() < 0.6 else 0.0
    mirror = focus * np.array([-1, 1, 1])
    fields = [
        stage.patch(focus, float(rng.uniform(10, 24)), tilt, 45 * int(rng.integers(8))),
        stage.patch(jittered(rng, focus, 35), float(rng.uniform(12, 26))),
        stage.patch(jittered(rng, focus, 20), float(rng.uniform(24, 55))),
        stage.patch(jittered(rng, mirror, 15), float(rng.uniform(12, 32))),
    ]
    sizes = np.array([1.0, rng.uniform(0.4, 1.2), rng.uniform(0.1, 0.7), rng.uniform(0.2, 1.1)])
    if rng.random() < 0.4:
        sizes[3] = 0.05  # stays on its side
    joins = np.array([0.0, rng.uniform(0.05, 0.4), rng.uniform(0.15, 0.7), rng.uniform(0.3, 0.9)])
    scaled = [field * np.float32(size) for field, size in zip(fields, sizes, strict=True)]
    return scaled, joins


def _spreading(
    rng: np.random.Generator,
    stage: Stage,
    cycles: Array,
    sharp: float | Array,
    u: Array,
    joins: Array,
) -> list[Array]:
    """Return a wave per field: the same rhythm, later in phase where it came by spread."""
    irregular = burst_noise(rng, len(joins), len(u), stage.sfreq, one_over_f(1.6, 2.0))
    waves = []
    for k, join in enumerate(joins):
        lag = 0.0 if k == 0 else rng.uniform(0.02, 0.5)
        own = 0.08 * k * knots(rng, len(u), stage.sfreq, 1.0)
        grown = np.clip((u - join) / 0.2, 0, 1) if join else 1.0
        waves.append((waveform(cycles - lag + own, sharp) + 0.35 * irregular[k]) * grown)
    return waves


def _growth(
    rng: np.random.Generator, u: Array, length_s: float, rise: float, stage: Stage
) -> Array:
    """Amplitude that rises, wavers, and ends within a second or two."""
    start = rng.uniform(0.12, 0.4)
    grown = start + (1 - start) * np.clip(u / rise, 0, 1) ** rng.uniform(0.6, 1.6)
    wavering = np.exp(0.2 * knots(rng, len(u), stage.sfreq, 0.9))
    edges = np.minimum(u * length_s / 0.7, 1) * np.minimum((1 - u) * length_s / 1.2, 1)
    return np.asarray(grown * wavering * edges)


_MAKERS: dict[str, Maker] = {
    "focal": _focal,
    "spike-wave": _spike_wave,
    "fast onset": _fast_onset,
    "bilateral": _bilateral,
    "critical": _critical,
}
