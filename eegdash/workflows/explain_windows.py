"""Which windows to explain: of an event or a span, its quiet neighbour, and ready-made sets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import CheckpointInfo, read_config
from eegdash.detection import UNSCORED, ProbabilityTrace
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain import Request
from eegdash.workflows.explain_material import Material, open_material

CONFIDENT_PM = 200
"""A window at or under this probability, per mille, counts as confident non-seizure."""


@dataclass(frozen=True, slots=True, eq=False)
class SpanWindows:
    """The windows of a span.

    Parameters
    ----------
    indices : ndarray of int64
        Windows whose centre lies in the span; the nearest one if there is none.
    probability : ndarray of float64
        0 to 1; NaN where not scored.
    strongest : int
        Index of the window with the highest probability; the first one if none is scored.
    """

    indices: NDArray[np.int64]
    probability: NDArray[np.float64]
    strongest: int


def window_at(trace: ProbabilityTrace, time_s: float) -> int:
    """Return the index of the window whose centre is nearest to a time, s."""
    nearest = round((time_s - trace.first_centre_s) / trace.step_s)
    return min(max(nearest, 0), trace.n_windows - 1)


def windows_of_span(trace: ProbabilityTrace, onset_s: float, duration_s: float) -> SpanWindows:
    """Return the windows of an event, a label or a hand-marked span."""
    time_s = trace.time_s
    indices = np.flatnonzero((time_s >= onset_s - 1e-9) & (time_s <= onset_s + duration_s + 1e-9))
    if len(indices) == 0:
        indices = np.array([window_at(trace, onset_s + duration_s / 2)])
    scored = trace.probability_pm[indices] != UNSCORED
    probability = np.where(scored, trace.probability_pm[indices] / 1000, np.nan)
    strongest = indices[np.nanargmax(probability)] if scored.any() else indices[0]
    return SpanWindows(indices.astype(np.int64), probability, int(strongest))


def nearest_confident_non_seizure(trace: ProbabilityTrace, index: int) -> int | None:
    """Return the nearest window that the detector is sure is none, or None if there is none.

    Sure means at most :data:`CONFIDENT_PM`, its neighbours too; it shares no second with the
    window ``index``. The detector is sure, that is all: nobody said that it is right.
    """
    low = trace.probability_pm <= CONFIDENT_PM  # UNSCORED is far above
    padded = np.concatenate([[True], low, [True]])
    sure = low & padded[:-2] & padded[2:]
    apart = math.ceil(2 * trace.first_centre_s / trace.step_s - 1e-9)
    distance = np.abs(np.arange(trace.n_windows) - index)
    found = np.flatnonzero(sure & (distance >= apart))
    return int(found[np.argmin(distance[found])]) if len(found) else None


@dataclass(frozen=True, slots=True)
class Preset:
    """A ready-made comparison of two to four panels.

    Parameters
    ----------
    name, title : str
    requests : tuple of Request
        Empty where it cannot be built.
    problem : str
        Why it cannot be built, in words, with what to do; empty where it can.
    """

    name: str
    title: str
    requests: tuple[Request, ...] = ()
    problem: str = ""


def presets(desk: Desk, path: Path, model: str, index: int) -> tuple[Preset, ...]:
    """Return the ready-made comparisons for a window.

    ``methods`` (methods on this window), ``contrast`` (this event and the nearest confident
    non-seizure), ``tuning`` (before and after fine-tuning: a model whose training record names
    another as the one it began from), ``models`` (two models).
    """
    info = desk.model(model)
    base = Request(path, info.name, index)
    material = open_material(desk, path, info.name)
    return (
        _methods(base),
        _contrast(material, base),
        _tuning(desk, info, base),
        _models(desk, info, base),
    )


def _methods(base: Request) -> Preset:
    names = ("integrated-gradients", "grad-cam", "hires-cam", "occlusion")
    return Preset(
        "methods",
        "Methods on this window",
        tuple(replace(base, method=name) for name in names),
    )


def _contrast(material: Material, base: Request) -> Preset:
    title = "This event and the nearest confident non-seizure"
    if material.trace is None:
        problem = "Score the recording first; then a window without a seizure can be found."
        return Preset("contrast", title, problem=problem)
    other = nearest_confident_non_seizure(material.trace, base.index)
    if other is None:
        return Preset(
            "contrast",
            title,
            problem=f"No window apart from this one has a probability of {CONFIDENT_PM / 1000:g} "
            "or less, neighbours included. Choose another recording for comparison.",
        )
    requests = [
        replace(base, index=index, method=method)
        for method in ("integrated-gradients", "grad-cam")
        for index in (base.index, other)
    ]
    return Preset("contrast", title, tuple(requests))


def _tuning(desk: Desk, info: CheckpointInfo, base: Request) -> Preset:
    title = "Before and after fine-tuning"
    hashes = {other.sha256: other for other in desk.models()}
    before = hashes.get(_parent_sha256(info))
    after = info
    if before is None:
        children = [m for m in desk.models() if _parent_sha256(m) == info.sha256]
        if not children:
            problem = (
                f"{info.title} was not fine-tuned from a model that is here, nor another from "
                "it. Fine-tune it on your labels first."
            )
            return Preset("tuning", title, problem=problem)
        before, after = info, children[-1]
    return Preset("tuning", title, _pairs(base, (before, after)))


def _models(desk: Desk, info: CheckpointInfo, base: Request) -> Preset:
    title = "Two models"
    others = [m for m in desk.models() if m.sha256 != info.sha256]
    if not others:
        problem = "There is one model only. Copy or train another into the folder models."
        return Preset("models", title, problem=problem)
    return Preset("models", title, _pairs(base, (info, others[0])))


def _pairs(base: Request, models: Sequence[CheckpointInfo]) -> tuple[Request, ...]:
    return tuple(
        replace(base, model=info.name, method=method)
        for method in ("integrated-gradients", "grad-cam")
        for info in models
    )


def _parent_sha256(info: CheckpointInfo) -> str:
    """Return the hash of the model that a fine-tuned one began from, as its record states it."""
    parent = read_config(info.folder).training.get("parent")
    return str(parent.get("sha256", "")) if isinstance(parent, Mapping) else ""
