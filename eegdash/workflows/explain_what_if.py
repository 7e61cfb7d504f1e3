"""What if a band, a region or a channel were as in the baseline?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution import BASELINES
from eegdash.attribution.maps import Progress
from eegdash.attribution.masks import Mask, masked, possible_masks
from eegdash.checkpoints import Detector, read_config
from eegdash.detection import read_segments, score_codes
from eegdash.errors import AttributionError
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain import Request
from eegdash.workflows.explain_material import (
    Material,
    baseline_for,
    calibrated,
    chosen_baseline,
    open_material,
    read_window,
    scored_window,
)

_CHUNK = 160


@dataclass(frozen=True, slots=True)
class Change:
    """Probability of a window with something masked.

    Parameters
    ----------
    mask : Mask
    before, after : float
        Calibrated probability, 0 to 1.
    logit_before, logit_after : float
    """

    mask: Mask
    before: float
    after: float
    logit_before: float
    logit_after: float


@dataclass(frozen=True, slots=True, eq=False)
class MaskedTrace:
    """Probability along the trace with something masked: an altered input, never a detection.

    Parameters
    ----------
    masks : tuple of Mask
    first : int
        Index of the first window on the grid of the trace.
    time_s : ndarray of float64, shape (n,)
        Window centres, s from the start of the file.
    before_pm, after_pm : ndarray of uint16, shape (n,)
        Per mille, or ``UNSCORED``.
    baseline : str
    """

    masks: tuple[Mask, ...]
    first: int
    time_s: NDArray[np.float64]
    before_pm: NDArray[np.uint16]
    after_pm: NDArray[np.uint16]
    baseline: str


def masks_for(desk: Desk, model: str) -> tuple[Mask, ...]:
    """Return what can be masked for a model: bands it sees, regions, channels."""
    return possible_masks(read_config(desk.model(model).folder))


def what_if(desk: Desk, request: Request, masks: Sequence[Mask]) -> tuple[Change, ...]:
    """Return the change by each mask alone, on the request's window; stored once computed.

    The method of the request does not matter.

    Raises
    ------
    AttributionError
        If the baseline or a mask does not fit the model, or the window was not scored.
    """
    material, name = _opened(desk, request)
    key = _window_key(material, request.index, name, masks)
    found = _stored_changes(desk, key, masks)
    if found is None:
        found = _changes(desk, material, request.index, name, [(mask,) for mask in masks])
        desk.cache.put_json(key, [[c.logit_before, c.logit_after] for c in found])
    return _with_probability(material, found)


def stored_what_if(
    desk: Desk, request: Request, masks: Sequence[Mask]
) -> tuple[Change, ...] | None:
    """Return a stored result of :func:`what_if`, or None."""
    material, name = _opened(desk, request)
    found = _stored_changes(desk, _window_key(material, request.index, name, masks), masks)
    return None if found is None else _with_probability(material, found)


def what_if_together(desk: Desk, request: Request, masks: Sequence[Mask]) -> Change:
    """Return the change by all masks at once; its ``mask`` is the last."""
    if not masks:
        raise AttributionError("Nothing is masked. Choose a band, a region or a channel.")
    material, name = _opened(desk, request)
    return _with_probability(
        material, _changes(desk, material, request.index, name, [tuple(masks)])
    )[0]


def _opened(desk: Desk, request: Request) -> tuple[Material, str]:
    material = open_material(desk, request.path, request.model)
    return material, chosen_baseline(material.config, request.baseline)


def _window_key(material: Material, index: int, baseline: str, masks: Sequence[Mask]) -> str:
    return material.key(
        "explain-what-if",
        index=index,
        baseline=material.baseline_key(baseline),
        masks=[astuple(mask) for mask in masks],
    )


def _stored_changes(desk: Desk, key: str, masks: Sequence[Mask]) -> tuple[Change, ...] | None:
    kept = desk.cache.get_json(key)
    if not isinstance(kept, list) or len(kept) != len(masks):
        return None
    return tuple(
        Change(mask, 0.0, 0.0, float(before), float(after))
        for mask, (before, after) in zip(masks, kept, strict=True)
    )


def _changes(
    desk: Desk,
    material: Material,
    index: int,
    baseline: str,
    sets: Sequence[tuple[Mask, ...]],
) -> tuple[Change, ...]:
    from eegdash.attribution.network_call import logits_of

    window = scored_window(desk, material, index).features
    filling = baseline_for(desk, material, baseline, window).values
    altered = [masked(window, filling, masks, material.config) for masks in sets]
    logits = logits_of(material.detector, np.stack([window, *altered]))
    return tuple(
        Change(masks[-1], 0.0, 0.0, float(logits[0]), float(after))
        for masks, after in zip(sets, logits[1:], strict=True)
    )


def _with_probability(material: Material, changes: Sequence[Change]) -> tuple[Change, ...]:
    def probability(logit: float) -> float:
        return calibrated(material.config, logit)

    return tuple(
        replace(c, before=probability(c.logit_before), after=probability(c.logit_after))
        for c in changes
    )


# ---- along the trace -----------------------------------------------------------------------


def what_if_trace(
    desk: Desk,
    request: Request,
    masks: Sequence[Mask],
    *,
    span_s: tuple[float, float] | None = None,
    progress: Progress | None = None,
) -> MaskedTrace:
    """Return the probability along the trace with all masks at once; streamed and stored.

    Parameters
    ----------
    desk : Desk
    request : Request
        Gives recording, model and baseline; its window does not matter.
    masks : sequence of Mask
    span_s : (float, float), optional
        Start and end, s; the whole recording by default.
    progress : callable, optional
        Called with 0 to 1; what it raises stops the work, and nothing is kept.

    Raises
    ------
    AttributionError
        If nothing is masked, or the baseline is made from the window itself, so that it differs
        from window to window.
    """
    material, name = _opened(desk, request)
    _check_trace(material, name, masks)
    first, stop = _span(material, span_s)
    key = _trace_key(material, name, masks, first, stop)
    kept = desk.cache.get_array(key)
    if kept is None or kept.dtype != np.uint16 or kept.shape != (2, stop - first):
        kept = _streamed(desk, material, name, tuple(masks), first, stop, progress)
        desk.cache.put_array(key, kept)
    return _trace(material, name, masks, first, kept)


def stored_what_if_trace(
    desk: Desk,
    request: Request,
    masks: Sequence[Mask],
    *,
    span_s: tuple[float, float] | None = None,
) -> MaskedTrace | None:
    """Return a stored result of :func:`what_if_trace`, or None."""
    material, name = _opened(desk, request)
    _check_trace(material, name, masks)
    first, stop = _span(material, span_s)
    kept = desk.cache.get_array(_trace_key(material, name, masks, first, stop))
    if kept is None or kept.dtype != np.uint16 or kept.shape != (2, stop - first):
        return None
    return _trace(material, name, masks, first, kept)


def _check_trace(material: Material, baseline: str, masks: Sequence[Mask]) -> None:
    if not masks:
        raise AttributionError("Nothing is masked. Choose a band, a region or a channel.")
    if baseline in BASELINES and BASELINES[baseline].of_window:
        usual = BASELINES[chosen_baseline(material.config, "")].title
        raise AttributionError(
            f"The baseline {BASELINES[baseline].title} differs from window to window, so it "
            f"cannot fill a whole trace. Choose {usual}."
        )


def _span(material: Material, span_s: tuple[float, float] | None) -> tuple[int, int]:
    """Return the windows whose centres lie in a span, one at least."""
    n, step, half = material.n_windows, material.config.step_s, material.config.window_s / 2
    if span_s is None:
        return 0, n
    first = min(max(math.ceil((span_s[0] - half) / step), 0), n - 1)
    stop = min(math.floor((span_s[1] - half) / step) + 1, n)
    return first, max(stop, first + 1)


def _trace_key(
    material: Material, baseline: str, masks: Sequence[Mask], first: int, stop: int
) -> str:
    return material.key(
        "explain-masked-trace",
        baseline=material.baseline_key(baseline),
        masks=sorted(list(astuple(mask)) for mask in masks),
        first=first,
        stop=stop,
    )


def _trace(
    material: Material,
    baseline: str,
    masks: Sequence[Mask],
    first: int,
    kept: NDArray[np.uint16],
) -> MaskedTrace:
    config = material.config
    centres = config.window_s / 2 + config.step_s * (first + np.arange(kept.shape[1]))
    time_s = np.asarray(centres, dtype=np.float64)
    return MaskedTrace(tuple(masks), first, time_s, kept[0], kept[1], baseline)


def _streamed(
    desk: Desk,
    material: Material,
    baseline: str,
    masks: tuple[Mask, ...],
    first: int,
    stop: int,
    progress: Progress | None,
) -> NDArray[np.uint16]:
    """Return per mille before and after, (2, n_windows), reading four minutes at a time.

    What was scored is not computed again: the trace knows what it was before.
    """
    detector = material.detector
    middle = read_window(desk, material, (first + stop) // 2).features
    filling = baseline_for(desk, material, baseline, middle).values
    known = None if material.trace is None else material.trace.probability_pm[first:stop]
    before: list[NDArray[np.float32]] = []
    after: list[NDArray[np.float32]] = []
    scorable = []
    last = stop + 4  # window i needs the segments i to i + 4
    for begin in range(first, last, _CHUNK):
        end = min(begin + _CHUNK, last)
        segments = read_segments(
            material.opened.recording, detector, begin, end, mapping=material.opened.mapping
        )
        # a baseline may differ between t = 0, 1, 2 only by chance (a surrogate): the middle one
        altered = masked(segments.features, filling[1], masks, material.config)
        after.append(_codes(detector, altered))
        if known is None:
            before.append(_codes(detector, segments.features))
        scorable.append(segments.scorable)
        if progress is not None:
            progress((end - first) / (last - first))
    usable = np.concatenate(scorable)
    now = score_codes(detector, np.concatenate(after), usable)
    if known is None:
        known = score_codes(detector, np.concatenate(before), usable)
    return np.stack([known, now])


def _codes(detector: Detector, features: NDArray[np.float32]) -> NDArray[np.float32]:
    from eegdash.networks.threads import one_thread

    with one_thread():
        return detector.encode(features)
