"""Simulated scalp EEG with known truth: background, states, artefacts, patterns and seizures.

Sources in a head of four shells are projected to 10-20 electrodes (:mod:`.head`): a 1/f
background of many sources with rhythms by state of vigilance (:mod:`.background`,
:mod:`.states`), artefacts (:mod:`.artefacts`), sleep waves and patterns that resemble seizures
(:mod:`.patterns`) and five kinds of seizures (:mod:`.seizures`). People, states and amplifiers
differ (:mod:`.person`). Everything follows from a seed and textbook descriptions. It stands in for
recordings in tests, demonstrations and training; it is not evidence about patients.
"""

from eegdash.simulation.events import SimulatedEvent
from eegdash.simulation.examples import example, examples, themes
from eegdash.simulation.injection import INJECTABLE, Injected, inject, inject_into
from eegdash.simulation.person import PATTERNS, REFERENCES, VIGILANCE, Person
from eegdash.simulation.recording import (
    LIMIT_UV,
    SimulatedRecording,
    Simulation,
    demo,
    draw_person,
    plan_simulation,
    simulate,
)
from eegdash.simulation.seizures import SEIZURES

__all__ = [
    "INJECTABLE",
    "LIMIT_UV",
    "PATTERNS",
    "REFERENCES",
    "SEIZURES",
    "VIGILANCE",
    "Injected",
    "Person",
    "SimulatedEvent",
    "SimulatedRecording",
    "Simulation",
    "demo",
    "draw_person",
    "example",
    "examples",
    "inject",
    "inject_into",
    "plan_simulation",
    "simulate",
    "themes",
]
