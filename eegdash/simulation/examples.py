"""Training material: short recordings of different people, balanced over what matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from eegdash.simulation.person import PATTERNS, VIGILANCE, Person
from eegdash.simulation.recording import SimulatedRecording, plan_simulation
from eegdash.simulation.seizures import SEIZURES

_QUIET = ("plain", "artefacts")
_WAKE_SLEEP = tuple(name for name in VIGILANCE if name not in ("night", "ill"))


@dataclass(frozen=True, slots=True)
class Theme:
    """What one example is about.

    Parameters
    ----------
    seizure : str
        Kind of seizure, empty for none.
    lookalike : str
        A pattern (:data:`PATTERNS`), ``artefacts`` for a restless person, ``plain``, or empty.
    """

    seizure: str = ""
    lookalike: str = ""


def themes() -> tuple[Theme, ...]:
    """Return one round of themes: every kind of seizure twice, every look-alike once or more.

    Half of the examples hold a seizure; half of those also an interictal pattern or artefacts,
    so that neither tells of the other.
    """
    lookalikes = (*PATTERNS, *_QUIET)
    without = [Theme("", name) for name in (*lookalikes, *_QUIET)]
    plain = [Theme(kind) for kind in SEIZURES]
    mixed = [Theme(kind, lookalikes[k % len(lookalikes)]) for k, kind in enumerate(SEIZURES)]
    order = [theme for pair in zip(without, [*plain, *mixed], strict=True) for theme in pair]
    return tuple(order)


def examples(
    seed: int,
    n: int,
    *,
    duration_s: float = 150.0,
    sfreq: float = 256.0,
    reference: str = "ears",
) -> Iterator[SimulatedRecording]:
    """Yield short recordings, each of another person.

    The themes go round; person, state, apparatus, place, time and size are drawn anew each time.
    Example ``k`` depends on ``seed`` and ``k`` only, so that several processes may share the
    work by slicing.

    Parameters
    ----------
    seed : int
    n : int
        How many.
    duration_s : float
        Of each, s; at least 60.
    sfreq : float
        Hz.
    reference : str
        As in :class:`Person`; ``ears`` gives the 19 electrodes.

    Yields
    ------
    SimulatedRecording

    Raises
    ------
    ValueError
        If the recordings are too short to hold a seizure.
    """
    if duration_s < 60:
        raise ValueError(f"examples last at least 60 s, found {duration_s:g} s")
    for index in range(n):
        yield example(seed, index, duration_s=duration_s, sfreq=sfreq, reference=reference)


def example(
    seed: int,
    index: int,
    *,
    duration_s: float = 150.0,
    sfreq: float = 256.0,
    reference: str = "ears",
) -> SimulatedRecording:
    """Return one example; parameters as in :func:`examples`."""
    rng = np.random.default_rng([seed, 12, index])
    cycle = themes()
    theme = cycle[index % len(cycle)]
    person = replace(_person(rng, theme), reference=reference)
    kinds = (theme.seizure,) if theme.seizure else SEIZURES
    return plan_simulation(
        duration_s,
        seed=int(rng.integers(2**31)),
        sfreq=sfreq,
        n_seizures=1 if theme.seizure else 0,
        kinds=kinds,
        person=person,
    ).whole()


def _person(rng: np.random.Generator, theme: Theme) -> Person:
    person = Person.draw(rng)
    if person.vigilance == "night":  # a short piece of a night is one of its states
        person = replace(person, vigilance=str(rng.choice(_WAKE_SLEEP)))
    if theme.lookalike in PATTERNS:
        often = 120.0 if theme.lookalike in ("spike-wave burst", "spike") else 60.0
        return replace(
            person,
            patterns=tuple(dict.fromkeys((*person.patterns, theme.lookalike))),
            patterns_per_hour=max(person.patterns_per_hour, often),
        )
    if theme.lookalike == "artefacts":
        return replace(
            person,
            clutter=float(rng.uniform(2, 6)),
            muscle_per_min=max(person.muscle_per_min, 2.0),
            vigilance="awake" if person.vigilance != "ill" else "ill",
        )
    return person
