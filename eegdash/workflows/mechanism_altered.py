"""Whole recordings under interventions: segment by segment, or window by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.mechanism.silencing import Altering, Intervention, SegmentRunner
from eegdash.workflows.mechanism_windows import ActivationRequest, WindowSource
from eegdash.workflows.score import Progress

DOSES = (0.25, 0.5, 0.75)
MAX_CONTROL_SEGMENTS = 2400
"""Of a longer recording the random ensembles see these many segments, 1 h, all over it."""
_CHUNK = 160


@dataclass(frozen=True, slots=True)
class Interventions:
    """All that is done: the ensemble, its doses, the whole layer, the random ensembles."""

    target: Intervention
    doses: tuple[Intervention, ...]
    whole: Intervention
    random: tuple[Intervention, ...]

    @property
    def all(self) -> tuple[Intervention, ...]:
        """The ensemble first, then its doses, the whole layer, and the random ensembles."""
        return (self.target, *self.doses, self.whole, *self.random)

    @property
    def n_shown(self) -> int:
        """How many of them are computed wherever there is signal."""
        return 2 + len(self.doses)


def plan_of(target: Intervention, n_units: int, random: Sequence[tuple[int, ...]]) -> Interventions:
    """Return all that is done beside silencing the ensemble itself.

    Parameters
    ----------
    target : Intervention
    n_units : int
        Of the layer. What is left when all of them are silenced goes past the layer.
    random : sequence of tuple of int
        Units of the random ensembles.
    """
    doses = tuple(replace(target, dose=dose) for dose in DOSES)
    whole = replace(target, units=tuple(range(n_units)), keep_only=False)
    others = tuple(replace(target, units=units) for units in random)
    return Interventions(target, doses, whole, others)


@dataclass(frozen=True, slots=True)
class Studied:
    """One recording under all interventions.

    ``shown`` (3 + n_doses, n_windows): logits of the model, of the altered one, of the doses, and
    with the whole layer silenced.
    ``random`` (n_random, n_windows), NaN where it was not computed. ``usable``: scorable.
    """

    source: WindowSource
    shown: NDArray[np.float32]
    random: NDArray[np.float32]
    usable: NDArray[np.bool_]


def study(
    source: WindowSource,
    altering: Altering,
    plan: Interventions,
    request: ActivationRequest,
    progress: Progress,
) -> Studied:
    """Run a recording under all interventions.

    Parameters
    ----------
    source : WindowSource
    altering : Altering
    plan : Interventions
    request : ActivationRequest
        Tells what is done to the input first.
    progress : callable
    """
    runner = SegmentRunner(source.detector.network, altering, plan.all)
    if request.changed.kind == "raw":
        return _by_segments(source, runner, plan, progress)
    return _by_windows(source, runner, plan, request, progress)


# ---- as recorded: a segment is shared by three windows ---------------------------------------


def _by_segments(
    source: WindowSource, runner: SegmentRunner, plan: Interventions, progress: Progress
) -> Studied:
    n, in_encoder = source.n_segments, runner.n_codes > 1
    spans = [(a, min(a + _CHUNK, n)) for a in range(0, n, _CHUNK)]
    chosen = _control_spans(source, spans)
    codes: list[list[Any]] = [[] for _ in range(1 + plan.n_shown if in_encoder else 1)]
    random: list[list[Any]] = [[] for _ in plan.random] if in_encoder else []
    rows = np.full(n, -1, dtype=np.int64)
    scorable = np.zeros(n, dtype=np.bool_)
    kept = 0
    for k, (first, stop) in enumerate(spans):
        features, scorable[first:stop], _ = source.segments(first, stop)
        wanted = len(plan.all) if chosen[k] else plan.n_shown
        found = runner.codes(features, offset=first, only=range(wanted))
        for store, part in zip(codes, found, strict=False):
            store.append(part)
        if chosen[k]:
            rows[first:stop] = np.arange(kept, kept + stop - first)
            kept += stop - first
            for store, part in zip(random, found[1 + plan.n_shown :], strict=False):
                store.append(part)
        progress((k + 1) / len(spans))
    shown, others = _logits(runner, plan, codes, random, rows)
    usable = scorable[:-4] & scorable[2:-2] & scorable[4:]
    return Studied(source, shown, others, usable)


def _logits(
    runner: SegmentRunner,
    plan: Interventions,
    codes: list[list[Any]],
    random: list[list[Any]],
    rows: NDArray[np.int64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Join segments to windows and run the head."""
    import torch

    whole = [torch.cat(parts) for parts in codes]
    n = len(rows) - 4
    every = np.arange(n)
    if len(whole) == 1:  # the layer is in the head, which sees whole recordings at once
        found = runner.logits([_triples(whole[0], every)])
        return found[: 1 + plan.n_shown], found[1 + plan.n_shown :]
    shown = runner.logits([_triples(part, every) for part in whole])
    others = np.full((len(plan.random), n), np.nan, dtype=np.float32)
    there = (rows[:-4] >= 0) & (rows[2:-2] >= 0) & (rows[4:] >= 0)
    for k, parts in enumerate(random):
        mine = torch.cat(parts)
        triples = torch.stack([mine[rows[j : n + j][there]] for j in (0, 2, 4)], dim=1)
        others[k, there] = runner.logits([triples])[0]
    return shown, others


def _triples(codes: Any, index: NDArray[np.int64]) -> Any:
    import torch

    return torch.stack([codes[index + k] for k in (0, 2, 4)], dim=1)


def _control_spans(source: WindowSource, spans: Sequence[tuple[int, int]]) -> list[bool]:
    """Choose where the random ensembles are run: everywhere in 1 h, else at seizures and evenly."""
    most = max(MAX_CONTROL_SEGMENTS // _CHUNK, 1)
    if len(spans) <= most + 1:
        return [True] * len(spans)
    seizure = source.labels().seizure
    held = [bool(seizure[a : min(b, len(seizure))].any()) for a, b in spans]
    chosen = [k for k, has in enumerate(held) if has][: most // 2]
    free = [k for k, has in enumerate(held) if not has]
    wanted = np.linspace(0, len(free) - 1, most - len(chosen)).round().astype(int)
    chosen += [free[k] for k in sorted(set(wanted.tolist()))]
    return [k in set(chosen) for k in range(len(spans))]


# ---- changed input: what is done is done to whole windows ------------------------------------


def _by_windows(
    source: WindowSource,
    runner: SegmentRunner,
    plan: Interventions,
    request: ActivationRequest,
    progress: Progress,
) -> Studied:
    """Run each window by itself: reversed or scrambled, it shares no segment with the next."""
    import torch

    n, in_encoder = source.n_windows, runner.n_codes > 1
    shown = np.zeros((1 + plan.n_shown, n), dtype=np.float32)
    random = np.full((len(plan.random), n), np.nan, dtype=np.float32)
    usable = np.zeros(n, dtype=np.bool_)
    compared = _control_windows(source)
    codes = []
    for batch in source.windows(np.arange(n)):
        usable[batch.index] = True
        features = batch.features(request.changed, seed=request.seed)
        for rows, wanted in (
            (np.flatnonzero(compared[batch.index]), len(plan.all)),
            (np.flatnonzero(~compared[batch.index]), plan.n_shown),
        ):
            if len(rows) == 0:
                continue
            index = batch.index[rows]
            flat = features[rows].reshape(-1, *features.shape[2:])
            found = runner.codes(flat, offset=3 * int(index[0]), only=range(wanted))
            triples = [part.reshape(len(rows), 3, -1) for part in found]
            if in_encoder:
                logits = runner.logits(triples)
                shown[:, index] = logits[: 1 + plan.n_shown]
                random[: wanted - plan.n_shown, index] = logits[1 + plan.n_shown :]
            else:
                codes.append((index, triples[0]))
        progress((int(batch.index[-1]) + 1) / n)
    if codes:  # the layer is in the head, which sees the recording at once
        index = np.concatenate([part for part, _ in codes])
        logits = runner.logits([torch.cat([part for _, part in codes])])
        shown[:, index], random[:, index] = logits[: 1 + plan.n_shown], logits[1 + plan.n_shown :]
    return Studied(source, shown, random, usable)


def _control_windows(source: WindowSource) -> NDArray[np.bool_]:
    """Choose windows for the random ensembles, three segments each: of seizures, and evenly."""
    n, most = source.n_windows, max(MAX_CONTROL_SEGMENTS // 3, 2)
    if n <= most:
        return np.ones(n, dtype=np.bool_)
    seizure = source.labels().seizure
    chosen = np.zeros(n, dtype=np.bool_)
    for mask, share in ((seizure, most // 2), (~seizure, most)):
        there = np.flatnonzero(mask)
        room = min(share, most - int(chosen.sum()), len(there))
        if room > 0:
            chosen[there[np.linspace(0, len(there) - 1, room).round().astype(int)]] = True
    return chosen
