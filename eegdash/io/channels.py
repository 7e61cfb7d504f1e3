"""What a channel label and a unit say: names, EEG or not, factor to microvolt."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence

from eegdash.montage import parse_label

# the greek letter, the micro sign, and how either looks after a wrong decoding
_MICRO = ("\u03bc", "\u00b5", "\u00c2\u00b5", "\u00ce\u00bc", "\x83\u00ca")
_TO_MICROVOLT = {"nv": 1e-3, "uv": 1.0, "mv": 1e3, "v": 1e6}

_STIMULUS = "STIM STI STATUS TRIG TRIGGER DTRIG DIG MARKER EVENT EVENTS"
_NOT_EEG = """
    ECG EKG EMG EOG VEOG HEOG REOG LEOG IEOG EXG RESP RESPIRATION ABD ABDOMEN CHEST THOR THORAX
    FLOW AIRFLOW NASAL ORONASAL SNORE SPO2 SAO2 OSAT PULSE PLETH PULS HR TEMP TEMPERATURE VNS LOC
    ROC PHOTIC DC BODY POSITION POS GSR EDA ACC BEAT IBI CO2 ETCO2 ANNOTATIONS BP
"""
_STIMULUS_WORDS = frozenset(_STIMULUS.split())
_NOT_EEG_WORDS = _STIMULUS_WORDS | frozenset(_NOT_EEG.split())
_WORD = re.compile(r"[A-Z]+[A-Z0-9]*")


def microvolt_factor(unit: str) -> float | None:
    """Return microvolt per unit, or None if the unit is not a voltage.

    ``uV``, ``mV``, ``V`` and ``nV`` are understood in any case, with any spelling of micro.
    """
    text = unit.strip()
    for micro in _MICRO:
        text = text.replace(micro, "u")
    return _TO_MICROVOLT.get(text.lower())


def _words(label: str) -> set[str]:
    found = set(_WORD.findall(label.upper()))
    return found | {word.rstrip("0123456789") for word in found}


def is_placeholder(label: str) -> bool:
    """Whether a label only holds a place (CHB-MIT has channels named ``-`` and ``.``)."""
    return not label.strip(" .-_\x00")


def is_stimulus(label: str) -> bool:
    """Whether a label names a trigger or status channel."""
    return bool(_words(label) & _STIMULUS_WORDS)


def is_eeg(label: str, unit: str) -> bool:
    """Whether a channel is EEG, from its label and unit.

    A voltage is EEG unless its label says otherwise. A channel without a unit is EEG only if
    its label names an electrode. Anything else than a voltage is not.
    """
    if is_placeholder(label) or _words(label) & _NOT_EEG_WORDS:
        return False
    if microvolt_factor(unit) is not None:
        return True
    return unit.strip() in ("", "-") and parse_label(label) is not None


def unique_names(labels: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell equal labels apart by a running suffix ``-0``, ``-1`` ...

    Parameters
    ----------
    labels : sequence of str

    Returns
    -------
    names : tuple of str
        As many, all different.
    repeated : tuple of str
        Labels that occurred more than once, in order.
    """
    count = Counter(labels)
    running = {label: itertools.count() for label, n in count.items() if n > 1}
    taken = set(labels) - set(running)
    names: list[str] = []
    for label in labels:
        name = label
        if label in running:
            # a label of the file may already read like one with a suffix
            candidates = (f"{label}-{number}" for number in running[label])
            name = next(candidate for candidate in candidates if candidate not in taken)
            taken.add(name)
        names.append(name)
    return tuple(names), tuple(running)
