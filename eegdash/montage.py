"""Montages: how derivations are made from what a recording holds. Data, not code.

Electrodes have one canonical spelling here (``Fp1``, ``F7``, ``T7``, ``P7`` ...). The old
names T3, T4, T5, T6 are synonyms of T7, T8, P7, P8 (ACNS guideline 2, 2016).
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eegdash.errors import MissingChannelsError
from eegdash.recording import Recording

ELECTRODES_10_20 = "Fp1 Fp2 F7 F3 Fz F4 F8 T7 C3 Cz C4 T8 P7 P3 Pz P4 P8 O1 O2".split()
_OTHER_ELECTRODES = (
    "Fpz AF7 AF3 AFz AF4 AF8 F9 F5 F1 F2 F6 F10 FT9 FT7 FC5 FC3 FC1 FCz FC2 FC4 FC6 FT8 FT10 "
    "T9 C5 C1 C2 C6 T10 TP9 TP7 CP5 CP3 CP1 CPz CP2 CP4 CP6 TP8 TP10 P9 P5 P1 P2 P6 P10 "
    "PO7 PO3 POz PO4 PO8 Oz Iz A1 A2 M1 M2 O9 O10 PO9 PO10"
).split()
_CANONICAL = {name.upper(): name for name in (*ELECTRODES_10_20, *_OTHER_ELECTRODES)}
SYNONYMS = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
_CANONICAL.update(SYNONYMS)

# what a second part of a label may be when it names a reference rather than an electrode
_REFERENCES = frozenset(
    "REF LE AVG AV AR AVE A1A2 A1+A2 LER G GND M1M2 CE CAR X VREF REFERENCE CS2".split()
)
_EAR_OR_MASTOID = frozenset({"A1", "A2", "M1", "M2"})
_PREFIX = re.compile(r"^(EEG|POL)[\s_:]+", re.IGNORECASE)
_DUPLICATE = re.compile(r"-\d+$")


@dataclass(frozen=True, slots=True)
class Derivation:
    """Anode minus cathode; without a cathode the channel as recorded, against its reference."""

    anode: str
    cathode: str | None = None

    @property
    def name(self) -> str:
        """Display name, e.g. ``Fp1-F7``."""
        if self.cathode is None:
            return self.anode
        return f"{self.anode}-{'Av' if self.cathode == AVERAGE else self.cathode}"


def _chain(*electrodes: str) -> tuple[Derivation, ...]:
    return tuple(Derivation(a, b) for a, b in pairwise(electrodes))


LEFT_LATERAL = _chain("Fp1", "F7", "T7", "P7", "O1")
LEFT_PARASAGITTAL = _chain("Fp1", "F3", "C3", "P3", "O1")
RIGHT_PARASAGITTAL = _chain("Fp2", "F4", "C4", "P4", "O2")
RIGHT_LATERAL = _chain("Fp2", "F8", "T8", "P8", "O2")
MIDLINE = _chain("Fz", "Cz", "Pz")

LONGITUDINAL_BIPOLAR = (
    *LEFT_LATERAL,
    *LEFT_PARASAGITTAL,
    *RIGHT_PARASAGITTAL,
    *RIGHT_LATERAL,
    *MIDLINE,
)
TRANSVERSE_BIPOLAR = (
    *_chain("F7", "Fp1", "Fp2", "F8"),
    *_chain("F7", "F3", "Fz", "F4", "F8"),
    *_chain("T7", "C3", "Cz", "C4", "T8"),
    *_chain("P7", "P3", "Pz", "P4", "P8"),
    *_chain("P7", "O1", "O2", "P8"),
)
AVERAGE = "average"
"""Cathode of an average-reference derivation: the mean of the 10-20 electrodes present."""

REGIONS: dict[str, tuple[Derivation, ...]] = {
    "LL": LEFT_LATERAL,
    "RL": RIGHT_LATERAL,
    "LP": LEFT_PARASAGITTAL,
    "RP": RIGHT_PARASAGITTAL,
}
REGION_NAMES = {
    "LL": "left lateral",
    "RL": "right lateral",
    "LP": "left parasagittal",
    "RP": "right parasagittal",
}


@dataclass(frozen=True, slots=True)
class Montage:
    """A named list of derivations; an empty list means the channels as recorded."""

    name: str
    title: str
    derivations: tuple[Derivation, ...]
    complete: bool = True
    """Whether every derivation is needed; otherwise what is absent is left out."""


MONTAGES: dict[str, Montage] = {
    montage.name: montage
    for montage in (
        Montage("longitudinal-bipolar", "Longitudinal bipolar", LONGITUDINAL_BIPOLAR),
        Montage("transverse-bipolar", "Transverse bipolar", TRANSVERSE_BIPOLAR),
        Montage(
            "average-reference",
            "Average reference",
            tuple(Derivation(name, AVERAGE) for name in ELECTRODES_10_20),
            complete=False,
        ),
        Montage("as-recorded", "As recorded", (), complete=False),
    )
}


def canonical_electrode(label: str) -> str | None:
    """Return the canonical name of one electrode, or None if the word is not one."""
    return _CANONICAL.get(label.strip().rstrip(".").upper())


def parse_label(label: str) -> Derivation | None:
    """Read a channel label: referential electrode, bipolar derivation, or neither.

    ``EEG FP1-REF``, ``Fp1``, ``EEG Fp1-LE``, ``Fp1-Avg`` and ``Fc5.`` are referential;
    ``FP1-F7`` and ``T8-P8-1`` are bipolar; ``ECG``, ``-`` and ``A2-A1`` are neither.

    Parameters
    ----------
    label : str
        The channel label as stored.

    Returns
    -------
    Derivation or None
    """
    text = _PREFIX.sub("", label.strip())
    parts = text.split("-")
    if len(parts) >= 3 and _DUPLICATE.search(text):  # T8-P8-1: the suffix of a duplicate
        parts = parts[:-1]
    anode = canonical_electrode(parts[0])
    if anode is None or anode in _EAR_OR_MASTOID:
        return None
    if len(parts) == 1:
        return Derivation(anode)
    second = parts[1].strip()
    cathode = canonical_electrode(second)
    if cathode is None:
        known = second.upper().replace(" ", "") in _REFERENCES or second.isdigit()
        return Derivation(anode) if known and len(parts) == 2 else None
    if cathode in _EAR_OR_MASTOID:
        return Derivation(anode)
    return Derivation(anode, cathode) if len(parts) == 2 else None


@dataclass(frozen=True, slots=True)
class MontageMatrix:
    """How derivations follow from the channels of one recording.

    Parameters
    ----------
    names : tuple of str
        Names of the derivations.
    picks : tuple of int
        Channel indices of the recording that take part.
    weights : ndarray of float32, shape (n_derivations, n_picks)
        ``derived_uv = weights @ signal_uv[picks]``.
    notes : tuple of str
        Choices made, e.g. which of two equal labels was used.
    inputs : tuple of tuple of int
        Per derivation the recorded channels of its anode and cathode. The electrodes that
        make up an average are not among them: one of them alone does not spoil the row.
    """

    names: tuple[str, ...]
    picks: tuple[int, ...]
    weights: NDArray[np.float32]
    notes: tuple[str, ...] = ()
    inputs: tuple[tuple[int, ...], ...] = ()

    def apply(self, signal_uv: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return derivations (n_derivations, n_samples) from picked channels (n_picks, n_samples).

        A row is NaN where one of its own channels is NaN, never because of another's.
        """
        bad = ~np.isfinite(signal_uv)
        if not bad.any():
            return np.asarray(self.weights @ signal_uv, dtype=np.float32)
        derived = self.weights @ np.where(bad, np.float32(0), signal_uv)
        touched = (self.weights != 0).astype(np.float32) @ bad.astype(np.float32)
        derived[touched > 0] = np.nan
        return np.asarray(derived, dtype=np.float32)


def resolve(
    recording: Recording,
    montage: Montage,
    *,
    mapping: Mapping[str, str] | None = None,
) -> MontageMatrix:
    """Find the channels of a recording that give the derivations of a montage.

    A derivation is taken as recorded if a channel carries it, otherwise built by
    subtraction from two referential channels.

    Parameters
    ----------
    recording : Recording
    montage : Montage
    mapping : mapping of str to str, optional
        Electrode or derivation for channel names that are not understood, as the reader chose.

    Returns
    -------
    MontageMatrix

    Raises
    ------
    MissingChannelsError
        If the montage is complete and something it needs is absent.
    """
    if not montage.derivations:
        return _as_recorded(recording)
    single, pairs, notes = _known_channels(recording, dict(mapping or {}))
    average = [single[e] for e in ELECTRODES_10_20 if e in single]
    rows: list[_Row] = []
    missing: list[Derivation] = []
    for derivation in montage.derivations:
        row = _row(derivation, single, pairs, average)
        if row is None:
            missing.append(derivation)
        else:
            rows.append(row)
    if missing and (montage.complete or not rows):
        raise _missing_error(recording, montage, missing, single)
    return _matrix(rows, tuple(notes))


def present(
    recording: Recording,
    derivations: Sequence[Derivation],
    *,
    mapping: Mapping[str, str] | None = None,
) -> MontageMatrix:
    """Return those of ``derivations`` that the recording can give (possibly none)."""
    single, pairs, notes = _known_channels(recording, dict(mapping or {}))
    rows = [_row(d, single, pairs, []) for d in derivations]
    return _matrix([row for row in rows if row is not None], tuple(notes))


@dataclass(frozen=True, slots=True)
class ShownMontage:
    """What a reader sees of a montage: the rows there are, and those that cannot be made.

    Parameters
    ----------
    matrix : MontageMatrix
    absent : tuple of str
        Names of the derivations to which no path over the recorded channels leads.
    """

    matrix: MontageMatrix
    absent: tuple[str, ...] = ()


def shown(
    recording: Recording,
    montage: Montage,
    *,
    mapping: Mapping[str, str] | None = None,
    bad: Collection[int] = (),
) -> ShownMontage:
    """Find what a montage can show of a recording, by sums of recorded derivations if need be.

    Voltages around any loop add up to zero (Kirchhoff), so that the sum of recorded derivations
    along a path from anode to cathode is that derivation, exactly: ``Fp1-F7`` plus ``F7-T7`` is
    ``Fp1-T7``. The path of fewest recorded channels is taken, since each adds its noise. A
    derivation without a path is left out. The detector is fed by :func:`resolve`, which makes no
    such sums.

    Parameters
    ----------
    recording : Recording
    montage : Montage
    mapping : mapping of str to str, optional
        As in :func:`resolve`.
    bad : collection of int
        Recorded channels that are kept out of the average of an average reference.

    Returns
    -------
    ShownMontage

    Raises
    ------
    MissingChannelsError
        If not a single derivation can be made.
    """
    if not montage.derivations:
        return ShownMontage(_as_recorded(recording))
    single, pairs, notes = _known_channels(recording, dict(mapping or {}))
    average = [single[e] for e in ELECTRODES_10_20 if e in single and single[e] not in bad]
    links = _links(single, pairs)
    rows: list[_Row] = []
    missing: list[Derivation] = []
    for derivation in montage.derivations:
        row = _row(derivation, single, pairs, average) or _path(derivation, links)
        if row is None:
            missing.append(derivation)
        else:
            rows.append(row)
    if not rows and missing[0].cathode == AVERAGE and (single or pairs):
        raise MissingChannelsError(
            f"{recording.path.name} cannot give the {montage.title.lower()} montage: it needs a "
            "good electrode that was recorded against a common reference. "
            "Choose another montage.",
            [],
        )
    if not rows:
        raise _missing_error(recording, montage, missing, single)
    return ShownMontage(_matrix(rows, tuple(notes)), tuple(d.name for d in missing))


_Links = Mapping[str, Sequence[tuple[str, int, float]]]
_REFERENCE = ""  # stands for the common reference of referential channels


def _links(single: Mapping[str, int], pairs: Mapping[tuple[str, str], int]) -> _Links:
    """Return per electrode (other electrode, channel, sign): own minus other is sign x channel."""
    links: dict[str, list[tuple[str, int, float]]] = defaultdict(list)
    recorded = {**{(e, _REFERENCE): index for e, index in single.items()}, **pairs}
    for (anode, cathode), index in sorted(recorded.items(), key=lambda item: item[1]):
        links[anode].append((cathode, index, 1.0))
        links[cathode].append((anode, index, -1.0))
    return links


def _path(derivation: Derivation, links: _Links) -> _Row | None:
    """Sum the recorded channels along the shortest path from anode to cathode."""
    anode, cathode = derivation.anode, derivation.cathode
    if cathode is None or anode not in links or cathode not in links:
        return None
    before: dict[str, tuple[str, int, float]] = {}
    queue = deque([anode])
    while queue and cathode not in before:
        here = queue.popleft()
        for other, index, sign in links[here]:
            if other not in before and other != anode:
                before[other] = (here, index, sign)
                queue.append(other)
    if cathode not in before:
        return None
    weights = dict(_walked_back(cathode, anode, before))
    return _Row(derivation.name, weights, tuple(sorted(weights)))


def _walked_back(
    end: str, start: str, before: Mapping[str, tuple[str, int, float]]
) -> Iterator[tuple[int, float]]:
    while end != start:
        end, index, sign = before[end]
        yield index, sign


def _as_recorded(recording: Recording) -> MontageMatrix:
    picks = tuple(i for i, is_eeg in enumerate(recording.eeg) if is_eeg)
    picks = picks or tuple(range(len(recording.ch_names)))
    return MontageMatrix(
        names=tuple(recording.ch_names[i] for i in picks),
        picks=picks,
        weights=np.eye(len(picks), dtype=np.float32),
        inputs=tuple((i,) for i in picks),
    )


class _Row(NamedTuple):
    """A derivation as weights of recorded channels, and which of these are its own electrodes."""

    name: str
    weights: dict[int, float]
    inputs: tuple[int, ...]


def _known_channels(
    recording: Recording, mapping: dict[str, str]
) -> tuple[dict[str, int], dict[tuple[str, str], int], list[str]]:
    single: dict[str, int] = {}
    pairs: dict[tuple[str, str], int] = {}
    notes: list[str] = []
    for index, name in enumerate(recording.ch_names):
        # what the reader maps by hand counts as EEG, whatever its unit said
        if not recording.eeg[index] and name not in mapping:
            continue
        derivation = parse_label(mapping.get(name, name))
        if derivation is None:
            continue
        if derivation.cathode is None:
            taken = single.setdefault(derivation.anode, index)
        else:
            taken = pairs.setdefault((derivation.anode, derivation.cathode), index)
        if taken != index:
            notes.append(
                f"{derivation.name} occurs more than once; "
                f"channel {recording.ch_names[taken]} is used."
            )
    return single, pairs, notes


def _row(
    derivation: Derivation,
    single: dict[str, int],
    pairs: dict[tuple[str, str], int],
    average: list[int],
) -> _Row | None:
    anode, cathode = derivation.anode, derivation.cathode
    weights: dict[int, float] | None = None
    if cathode is None:
        weights = {single[anode]: 1.0} if anode in single else None
    elif cathode == AVERAGE:
        if anode in single and average:
            weights = dict.fromkeys(average, -1.0 / len(average))
            weights[single[anode]] = weights.get(single[anode], 0.0) + 1.0
            return _Row(derivation.name, weights, (single[anode],))
    elif (anode, cathode) in pairs:
        weights = {pairs[anode, cathode]: 1.0}
    elif (cathode, anode) in pairs:
        weights = {pairs[cathode, anode]: -1.0}
    elif anode in single and cathode in single:
        weights = {single[anode]: 1.0, single[cathode]: -1.0}
    return None if weights is None else _Row(derivation.name, weights, tuple(weights))


def _matrix(rows: Sequence[_Row], notes: tuple[str, ...]) -> MontageMatrix:
    picks = tuple(sorted({index for row in rows for index in row.weights}))
    column = {index: position for position, index in enumerate(picks)}
    weights = np.zeros((len(rows), len(picks)), dtype=np.float32)
    for position, row in enumerate(rows):
        for index, weight in row.weights.items():
            weights[position, column[index]] = weight
    names = tuple(row.name for row in rows)
    return MontageMatrix(names, picks, weights, notes, tuple(row.inputs for row in rows))


def _missing_error(
    recording: Recording,
    montage: Montage,
    missing: Sequence[Derivation],
    single: Mapping[str, int],
) -> MissingChannelsError:
    nothing_known = not single and len(missing) == len(montage.derivations)
    if single or nothing_known:
        wanted = {e for d in missing for e in (d.anode, d.cathode) if e and e != AVERAGE}
        names = [e for e in ELECTRODES_10_20 if e in wanted and e not in single]
        kind = "electrodes"
    else:
        names = [d.name for d in missing]
        kind = "derivations"
    if nothing_known:
        found = "no 10-20 electrode was recognised among its channels"
    else:
        found = f"these {kind} are missing: {', '.join(names)}"
    return MissingChannelsError(
        f"{recording.path.name} cannot give the {montage.title.lower()} montage: {found}. "
        "If channels carry other names, map them to electrodes on the Recordings page; "
        "otherwise choose another montage.",
        names,
    )
