"""How far readers agree: among each other, with the detector, and with themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import CheckpointInfo
from eegdash.labels.agreement import (
    N_BOOT,
    Confusion,
    Interval,
    Patterns,
    cohen_kappa,
    event_counts,
    fleiss_kappa,
    gwet_ac1,
    gwet_ac1_several,
    interval,
    observed_agreement,
    patterns,
    specific_agreement,
)
from eegdash.labels.opinions import NO_SEIZURE, SEIZURE, UNSURE, Reading, stance, standing
from eegdash.labels.spans import Spans, common, covered_ms, on_epochs, spans_of, touches, without
from eegdash.workflows.desk import Desk
from eegdash.workflows.opinion_material import Opinions, opinions
from eegdash.workflows.queue_spans import detected
from eegdash.workflows.readers import Reader

DETECTOR_NAME = "detector"
EPOCH_S = 1.0
_EPOCH_MS = round(1000 * EPOCH_S)
_EPOCHS = "epochs of 1 s"
_SPANS = "spans shown twice"


@dataclass(frozen=True, slots=True, eq=False)
class PairAgreement:
    """Two raters on what both read.

    Parameters
    ----------
    one, other : str
        Names; :data:`DETECTOR_NAME` stands for the detector at its locked operating point.
    n_recordings : int
        Recordings of which both stated something about the same time.
    compared_s : float
        Time of which both stated what it is, s.
    confusion : Confusion
        Epochs of 1 s: ``one`` in rows, ``other`` in columns, seizure first.
    kappa, ac1 : Interval
        Cohen's kappa and Gwet's AC1 over the epochs.
    events : Interval
        Agreement on seizures (events), 0 to 1: the share of both raters' events that overlap an
        event of the other (proportion of specific agreement).
    n_events_one, n_events_other, n_matched_one, n_matched_other : int
    """

    one: str
    other: str
    n_recordings: int
    compared_s: float
    confusion: Confusion
    kappa: Interval
    ac1: Interval
    events: Interval
    n_events_one: int
    n_events_other: int
    n_matched_one: int
    n_matched_other: int


@dataclass(frozen=True, slots=True)
class GroupAgreement:
    """All readers together, over the epochs that two or more of them read."""

    readers: tuple[str, ...]
    n_recordings: int
    compared_s: float
    fleiss: Interval
    ac1: Interval


@dataclass(frozen=True, slots=True, eq=False)
class SelfAgreement:
    """A reader on hidden repeats: first and second statement on the same spans.

    ``confusion`` counts spans (not epochs): seizure, no seizure, unsure; the first statement in
    rows. ``same`` is the share of spans on which both statements are the same.
    """

    reader: str
    n_repeats: int
    confusion: Confusion
    same: Interval
    kappa: Interval
    ac1: Interval


@dataclass(frozen=True, slots=True, eq=False)
class AgreementReport:
    """Everything the agreement page shows; intervals are 95 % by bootstrap over recordings.

    ``notes`` are plain sentences: what was left out, and why.
    """

    pairs: tuple[PairAgreement, ...]
    with_detector: tuple[PairAgreement, ...]
    group: GroupAgreement | None
    repeats: tuple[SelfAgreement, ...]
    readers: tuple[str, ...]
    model: str
    model_sha256: str
    threshold_pm: int | None
    blinded_only: bool
    n_recordings: int
    notes: tuple[str, ...]


def agreement(
    desk: Desk,
    reader: Reader | None,
    model: CheckpointInfo | None,
    *,
    readers: Sequence[str] | None = None,
    recordings: Sequence[str] | None = None,
    blinded_only: bool = False,
    whole_after_sign_off: bool = False,
    seed: int = 0,
    n_boot: int = N_BOOT,
) -> AgreementReport:
    """Return the agreement over what the viewer may see.

    Parameters
    ----------
    desk : Desk
    reader : Reader or None
        Who is looking; None leaves nothing out, for what is itself withheld as a whole (a report).
    model : CheckpointInfo or None
        The detector to compare with, at its locked operating point.
    readers, recordings : sequence of str, optional
        Only these.
    blinded_only : bool
        Only blinded first reads (labels made before the reader saw the detector's output).
    whole_after_sign_off : bool
        Take a first read or sign-off as a statement on the whole recording; otherwise only on
        what had been on the reader's screen.
    seed, n_boot : int
        Of the bootstrap.
    """
    found, n_withheld = opinions(
        desk,
        reader,
        recordings=None if recordings is None else set(recordings),
        readers=None if readers is None else set(readers),
        blinded_only=blinded_only,
        whole_after_sign_off=whole_after_sign_off,
    )
    names = sorted({name for one in found for name in one.readings}, key=str.casefold)
    machine = [_detector_reading(desk, one, model) for one in found]
    # the detector must not share a name with somebody who chose to be called like it
    raters = [*names, DETECTOR_NAME]
    statements = [
        [*(one.readings.get(name) for name in names), its]
        for one, its in zip(found, machine, strict=True)
    ]
    table = patterns(
        [str(number) for number in range(len(raters))],
        [[None if x is None else _epochs(x) for x in row] for row in statements],
    )
    compare = _Comparison(raters, table, statements, seed, n_boot)
    last = len(names)
    pairs = [compare.pair(i, j) for i, j in combinations(range(last), 2)]
    with_detector = [compare.pair(i, last) for i in range(last)]
    return AgreementReport(
        pairs=tuple(x for x in pairs if x.n_recordings),
        with_detector=tuple(x for x in with_detector if x.n_recordings),
        group=compare.group(last),
        repeats=_repeats(found, readers, seed, n_boot),
        readers=tuple(names),
        model=model.name if model else "",
        model_sha256=model.sha256 if model else "",
        threshold_pm=model.threshold_pm if model else None,
        blinded_only=blinded_only,
        n_recordings=len(found),
        notes=_notes(found, machine, names, n_withheld, model),
    )


def _detector_reading(desk: Desk, one: Opinions, model: CheckpointInfo | None) -> Reading | None:
    """What the detector says where it was scored; nothing to a blinded viewer."""
    found = None if one.blind else detected(desk, one.recording_sha256, model)
    if found is None:
        return None
    seizure = common(spans_of((e.onset_s, e.end_s) for e in found.events), found.scored)
    return Reading(seizure, spans_of([]), without(found.scored, seizure))


def _epochs(reading: Reading) -> tuple[Spans, Spans]:
    return on_epochs(reading.seizure, _EPOCH_MS), on_epochs(reading.background, _EPOCH_MS)


class _Comparison:
    """All raters' statements, compared two by two and together."""

    def __init__(
        self,
        raters: Sequence[str],
        table: Patterns,
        statements: Sequence[Sequence[Reading | None]],
        seed: int,
        n_boot: int,
    ) -> None:
        self._raters, self._table, self._statements = raters, table, statements
        self._boot: dict[str, int] = {"seed": seed, "n_boot": n_boot}

    def pair(self, i: int, j: int) -> PairAgreement:
        """Compare two raters by position."""
        counts = self._table.pair(str(i), str(j))
        shared = [n for n, row in enumerate(counts) if row.any()]
        counts = counts[shared]
        events = np.array([self._events(n, i, j) for n in shared], dtype=np.int64).reshape(-1, 4)
        total = counts.sum(axis=0)
        n_one, matched_one, n_other, matched_other = events.sum(axis=0).tolist()
        return PairAgreement(
            one=self._raters[i],
            other=self._raters[j],
            n_recordings=len(shared),
            compared_s=float(total.sum()) * EPOCH_S,
            confusion=Confusion((SEIZURE, NO_SEIZURE), total, _EPOCHS),
            kappa=interval(counts, cohen_kappa, **self._boot),
            ac1=interval(counts, gwet_ac1, **self._boot),
            events=interval(events, specific_agreement, **self._boot),
            n_events_one=n_one,
            n_events_other=n_other,
            n_matched_one=matched_one,
            n_matched_other=matched_other,
        )

    def _events(self, recording: int, i: int, j: int) -> NDArray[np.int64]:
        """Events of two raters in the time that both know."""
        one, other = self._statements[recording][i], self._statements[recording][j]
        if one is None or other is None:  # epochs of both were counted, so neither is
            return np.zeros(4, dtype=np.int64)
        return event_counts(_comparable(one, other), _comparable(other, one))

    def group(self, n_readers: int) -> GroupAgreement | None:
        """Compare all readers; None with fewer than two."""
        raters = [str(number) for number in range(n_readers)]
        if n_readers < 2:
            return None
        table = self._table.table(raters)
        several = table.sum(axis=1) >= 2
        counts = self._table.counts[:, several]
        shared = counts.any(axis=1)
        table, counts = table[several], counts[shared]
        if not counts.size:
            return None
        return GroupAgreement(
            readers=tuple(self._raters[:n_readers]),
            n_recordings=int(shared.sum()),
            compared_s=float(counts.sum()) * EPOCH_S,
            fleiss=interval(counts, lambda w: fleiss_kappa(table, w), **self._boot),
            ac1=interval(counts, lambda w: gwet_ac1_several(table, w), **self._boot),
        )


def _comparable(one: Reading, other: Reading) -> Spans:
    """Events of one of which the other knows half, or a part to be seizure.

    They are kept whole: cut to what the other knows, one event could become two.
    """
    half = 2 * covered_ms(one.seizure, other.known) >= one.seizure[:, 1] - one.seizure[:, 0]
    return one.seizure[half | touches(one.seizure, other.seizure)]


def _repeats(
    found: Sequence[Opinions], readers: Sequence[str] | None, seed: int, n_boot: int
) -> tuple[SelfAgreement, ...]:
    categories = (SEIZURE, NO_SEIZURE, UNSURE)
    counted: dict[str, list[NDArray[np.int64]]] = {}
    for one in found:
        first = {x.uuid: x for x in one.records}
        by_reader: dict[str, NDArray[np.int64]] = {}
        for second in standing(one.records):
            before = first.get(second.repeat_of or "")
            if before is None or before.reviewer != second.reviewer or second.kind != "label":
                continue
            counts = by_reader.setdefault(second.reviewer, np.zeros((3, 3), dtype=np.int64))
            counts[categories.index(stance(before)), categories.index(stance(second))] += 1
        for name, counts in by_reader.items():
            counted.setdefault(name, []).append(counts)
    return tuple(
        _self_agreement(name, np.array(counts), categories, seed, n_boot)
        for name, counts in sorted(counted.items())
        if readers is None or name in readers
    )


def _self_agreement(
    name: str, counts: NDArray[np.int64], categories: tuple[str, ...], seed: int, n_boot: int
) -> SelfAgreement:
    total = counts.sum(axis=0)
    return SelfAgreement(
        reader=name,
        n_repeats=int(total.sum()),
        confusion=Confusion(categories, total, _SPANS),
        same=interval(counts, observed_agreement, n_boot=n_boot, seed=seed),
        kappa=interval(counts, cohen_kappa, n_boot=n_boot, seed=seed),
        ac1=interval(counts, gwet_ac1, n_boot=n_boot, seed=seed),
    )


def _notes(
    found: Sequence[Opinions],
    machine: Sequence[Reading | None],
    names: Sequence[str],
    n_withheld: int,
    model: CheckpointInfo | None,
) -> tuple[str, ...]:
    notes: list[str] = []
    if n_withheld:
        notes.append(
            f"Records withheld from you and left out: {n_withheld}. Commit your blinded first "
            "reads, or ask whether others' labels may be shown to you."
        )
    if len(names) < 2:
        notes.append("Two readers must have read the same recording before they can be compared.")
    missing = sum(its is None for its in machine)
    if model is not None and missing:
        notes.append(
            f"Recordings not compared with the detector: {missing} of {len(found)}. Not scored, "
            "or not to be revealed to you yet."
        )
    old = sum(x.kind != "label" and x.seen is None for one in found for x in standing(one.records))
    if old:
        notes.append(
            f"First reads and sign-offs that do not say what had been on screen: {old}. They count "
            "for their whole span."
        )
    return tuple(notes)


def as_json(report: AgreementReport) -> dict[str, Any]:
    """Return the report as JSON values; undefined numbers are None."""
    group = report.group
    return {
        "readers": list(report.readers),
        "n_recordings": report.n_recordings,
        "model": report.model,
        "model_sha256": report.model_sha256,
        "threshold": None if report.threshold_pm is None else report.threshold_pm / 1000,
        "blinded_only": report.blinded_only,
        "epoch_s": EPOCH_S,
        "pairs": [_pair_json(x) for x in report.pairs],
        "with_detector": [_pair_json(x) for x in report.with_detector],
        "group": None
        if group is None
        else {
            "readers": list(group.readers),
            "n_recordings": group.n_recordings,
            "compared_s": group.compared_s,
            "fleiss_kappa": _interval_json(group.fleiss),
            "gwet_ac1": _interval_json(group.ac1),
        },
        "repeats": [
            {
                "reader": x.reader,
                "n_repeats": x.n_repeats,
                "confusion": _confusion_json(x.confusion),
                "same": _interval_json(x.same),
                "cohen_kappa": _interval_json(x.kappa),
                "gwet_ac1": _interval_json(x.ac1),
            }
            for x in report.repeats
        ],
        "notes": list(report.notes),
    }


def _pair_json(pair: PairAgreement) -> dict[str, Any]:
    return {
        "one": pair.one,
        "other": pair.other,
        "n_recordings": pair.n_recordings,
        "compared_s": pair.compared_s,
        "confusion": _confusion_json(pair.confusion),
        "cohen_kappa": _interval_json(pair.kappa),
        "gwet_ac1": _interval_json(pair.ac1),
        "event_agreement": _interval_json(pair.events),
        "events": {
            "one": pair.n_events_one,
            "one_matched": pair.n_matched_one,
            "other": pair.n_events_other,
            "other_matched": pair.n_matched_other,
        },
    }


def _confusion_json(confusion: Confusion) -> dict[str, Any]:
    return {
        "categories": list(confusion.categories),
        "unit": confusion.unit,
        "counts": confusion.counts.tolist(),
    }


def _interval_json(found: Interval) -> dict[str, float | None]:
    names = ("value", "low", "high")
    values = {name: getattr(found, name) for name in names}
    return {name: None if math.isnan(x) else x for name, x in values.items()}
