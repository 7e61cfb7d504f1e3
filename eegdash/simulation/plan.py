"""The plan of a recording: its course of states and every event, drawn before any sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from eegdash.simulation import artefacts, patterns
from eegdash.simulation.events import Event, Stage
from eegdash.simulation.head import Array
from eegdash.simulation.person import Person
from eegdash.simulation.seizures import DURATIONS_S, SEIZURES, postictal, seizure
from eegdash.simulation.states import Course, draw_course

_EDGE_S = 10.0  # no seizure begins or ends closer to the ends of a recording
_BETWEEN_S = 20.0  # least distance of two seizures
_CLEAR_S = 5.0  # no pattern within this distance of a seizure
_TRIES = 300

Maker = Callable[[np.random.Generator, Person, Stage, float], Event]

_WAKE = ("eyes open", "eyes closed", "ill")
_ASLEEP = ("N2", "N3", "REM")
_ANY = (*_WAKE, "N1", *_ASLEEP)
# per minute for a clutter of 1, and the states in which they come
_ARTEFACTS: tuple[tuple[Maker, float, tuple[str, ...]], ...] = (
    (artefacts.flutter, 0.12, ("eyes open", "eyes closed")),
    (artefacts.chewing, 0.08, ("eyes open", "ill")),
    (artefacts.pop, 0.15, _ANY),
    (artefacts.loose_electrode, 0.03, _ANY),
    (artefacts.movement, 0.25, (*_WAKE, "N1")),
    (artefacts.movement, 0.04, _ASLEEP),
    (artefacts.rhythmic_movement, 0.08, (*_WAKE, "N1")),
    (artefacts.sweat, 0.015, _ANY),
)
# per minute
_SLEEP: tuple[tuple[Maker, float, tuple[str, ...]], ...] = (
    (patterns.spindle, 5.0, ("N2",)),
    (patterns.spindle, 1.5, ("N3",)),
    (patterns.k_complex, 1.5, ("N2",)),
    (patterns.vertex_wave, 2.5, ("N1",)),
    (patterns.vertex_wave, 0.6, ("N2",)),
    (patterns.temporal_theta, 0.25, ("N1",)),
    (patterns.slow_burst, 0.3, ("N1", "N2")),
    (artefacts.slow_eyes, 1.0, ("N1",)),
)
PATTERN_MAKERS: dict[str, Maker] = {
    "LPD": partial(patterns.periodic, general=False),
    "GPD": partial(patterns.periodic, general=True),
    "LRDA": partial(patterns.rhythmic_delta, general=False),
    "GRDA": partial(patterns.rhythmic_delta, general=True),
    "spike-wave burst": patterns.spike_wave_burst,
    "spike": patterns.spike,
}
ARTEFACT_MAKERS: dict[str, Maker] = {
    "blink": artefacts.blink,
    "eyelid flutter": artefacts.flutter,
    "lateral gaze": artefacts.gaze,
    "slow eye movement": artefacts.slow_eyes,
    "muscle": artefacts.muscle,
    "chewing": artefacts.chewing,
    "electrode pop": artefacts.pop,
    "loose electrode": artefacts.loose_electrode,
    "movement": artefacts.movement,
    "rhythmic movement": artefacts.rhythmic_movement,
    "sweat": artefacts.sweat,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything drawn beforehand.

    Parameters
    ----------
    course : Course
    events : tuple of Event
        By onset.
    beats_s : ndarray
        Times of the heart beats, s.
    """

    course: Course
    events: tuple[Event, ...]
    beats_s: Array


@dataclass(frozen=True, slots=True)
class SeizurePlan:
    """How many seizures, of which kinds, and how long.

    Parameters
    ----------
    count : int
    kinds : sequence of str
        Drawn from these.
    seizure_s : (float, float), optional
        Shortest and longest; by kind where not given.
    """

    count: int = 0
    kinds: Sequence[str] = SEIZURES
    seizure_s: tuple[float, float] | None = None


def draw_plan(
    seed: int,
    duration_s: float,
    person: Person,
    stage: Stage,
    wanted: SeizurePlan,
    *,
    each_pattern: bool = False,
) -> Plan:
    """Draw states, seizures, patterns, sleep waves, artefacts and heart beats.

    Parameters
    ----------
    seed : int
    duration_s : float
    person : Person
    stage : Stage
    wanted : SeizurePlan
    each_pattern : bool
        Each of the person's patterns occurs at least once, where chance alone gives none.

    Raises
    ------
    ValueError
        If the seizures or patterns do not fit, or a kind is unknown.
    """
    rng = np.random.default_rng([seed, 4])
    course = draw_course(rng, duration_s, person.vigilance)
    events: list[Event] = []
    taken: list[tuple[float, float]] = []
    for kind, onset_s, length_s in _place_seizures(rng, duration_s, wanted):
        events.append(seizure(rng, person, stage, onset_s, length_s, kind))
        taken.append((onset_s, onset_s + length_s))
        after = postictal(rng, person, stage, onset_s + length_s, kind == "bilateral")
        if kind != "spike-wave":  # absences end at once
            events.append(after)
    draw = partial(_scatter, rng, duration_s, person, stage, course)
    for name in person.patterns:
        per_min = person.patterns_per_hour / 60 * (8 if name == "spike" else 1)
        found = draw(PATTERN_MAKERS[name], per_min, _ANY)
        found = [event for event in found if _clear(event, taken)]
        if each_pattern and not found:
            found = [_placed(rng, duration_s, person, stage, name, taken)]
        events += found
    for maker, per_min, states in _SLEEP:
        events += [event for event in draw(maker, per_min, states) if _clear(event, taken)]
    for maker, per_min, states in _ARTEFACTS:
        events += draw(maker, per_min * person.clutter, states)
    open_eyes = ("eyes open", "ill") if person.vigilance == "ill" else ("eyes open",)
    events += draw(artefacts.blink, person.blinks_per_min, open_eyes)
    events += draw(artefacts.gaze, 0.25 * person.blinks_per_min, open_eyes)
    events += draw(artefacts.muscle, person.muscle_per_min, (*_WAKE, "N1"))
    events.sort(key=lambda event: (event.truth.onset_s, event.truth.kind))
    return Plan(course, tuple(events), _beats(rng, duration_s))


def _clear(event: Event, taken: Sequence[tuple[float, float]]) -> bool:
    first, last = event.truth.onset_s, event.truth.onset_s + event.truth.duration_s
    return all(last < start - _CLEAR_S or first > end + _CLEAR_S for start, end in taken)


def _placed(
    rng: np.random.Generator,
    duration_s: float,
    person: Person,
    stage: Stage,
    name: str,
    taken: Sequence[tuple[float, float]],
) -> Event:
    """Draw a pattern until it lies inside the recording and clear of the seizures."""
    for _ in range(_TRIES):
        onset_s = round(float(rng.uniform(0, duration_s)), 3)
        event = PATTERN_MAKERS[name](rng, person, stage, onset_s)
        if event.end_s <= duration_s and _clear(event, taken):
            return event
    raise ValueError(
        f"{name} does not fit into {duration_s:g} s beside the seizures; simulate a longer "
        "recording or fewer seizures"
    )


def _scatter(
    rng: np.random.Generator,
    duration_s: float,
    person: Person,
    stage: Stage,
    course: Course,
    maker: Maker,
    per_min: float,
    states: Sequence[str],
) -> list[Event]:
    """Draw a Poisson process; keep what lies in the states and the recording, one at a time."""
    onsets = np.sort(rng.uniform(0, duration_s, rng.poisson(per_min * duration_s / 60)))
    kept = [float(onset) for onset in onsets if course.at(float(onset)) in states]
    events: list[Event] = []
    for onset in kept:
        event = maker(rng, person, stage, round(onset, 3))
        if event.end_s <= duration_s and (not events or events[-1].end_s <= onset):
            events.append(event)
    return events


def _place_seizures(
    rng: np.random.Generator, duration_s: float, wanted: SeizurePlan
) -> list[tuple[str, float, float]]:
    """Return kind, onset and duration of each seizure, s; apart from each other and the ends."""
    count = wanted.count
    unknown = set(wanted.kinds) - set(SEIZURES)
    if unknown or count < 0 or (count and not wanted.kinds):
        raise ValueError(
            f"a number of seizures of the kinds {', '.join(SEIZURES)} was expected, found {count} "
            f"of {', '.join(sorted(unknown)) or 'those'}"
        )
    kinds = [str(kind) for kind in rng.choice(list(wanted.kinds), count)] if count else []
    share_s = (duration_s - 2 * _EDGE_S - max(count - 1, 0) * _BETWEEN_S) / max(count, 1)
    lengths = []
    for kind in kinds:
        low, high = wanted.seizure_s or DURATIONS_S[kind]
        low = low if wanted.seizure_s else 10.0 if kind == "spike-wave" else 12.0
        if share_s < low:
            raise ValueError(
                f"{count} seizures of at least {low:g} s do not fit into {duration_s:g} s; "
                "simulate a longer recording or fewer seizures"
            )
        usual = DURATIONS_S[kind][0] if wanted.seizure_s is None else low
        lengths.append(round(float(rng.uniform(min(usual, share_s), min(high, share_s))), 2))
    free = duration_s - sum(lengths) - 2 * _EDGE_S - max(count - 1, 0) * _BETWEEN_S
    gaps = np.sort(rng.uniform(0, max(free - 0.1, 0), count))
    placed, now = [], _EDGE_S
    for kind, gap, length in zip(kinds, gaps, lengths, strict=True):
        placed.append((kind, round(now + float(gap), 2), length))
        now += length + _BETWEEN_S
    return placed


def _beats(rng: np.random.Generator, duration_s: float) -> Array:
    period_s = 60 / float(rng.uniform(55, 105))
    count = int(duration_s / period_s * 1.15) + 10
    k = np.arange(count)
    breathing = 0.03 * np.sin(2 * np.pi * k * period_s / 4.0)
    times = np.cumsum(period_s * (1 + breathing + 0.02 * rng.standard_normal(count)))
    return np.asarray(times[times < duration_s])
