"""The table of methods: what each is called, says and fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution.baselines import Baseline
from eegdash.attribution.maps import Attribution, Progress
from eegdash.checkpoints import Detector
from eegdash.errors import AttributionError

Compute = Callable[..., Attribution]


@dataclass(frozen=True, slots=True)
class Method:
    """An entry of :data:`METHODS`.

    Parameters
    ----------
    name, title : str
    sentence : str
        For a clinician: what the picture shows.
    module, function : str
        Where it is computed; imported when it is first used, because it needs torch and Captum.
    needs_baseline : bool
        Whether the result depends on the baseline.
    unsuitable : callable or None
        ``detector -> str``: why it does not fit a detector, empty where it does.
    """

    name: str
    title: str
    sentence: str
    module: str
    function: str
    needs_baseline: bool
    unsuitable: Callable[[Detector], str] | None = None

    def problem(self, detector: Detector) -> str:
        """Return why the method does not fit a detector, or an empty text."""
        return self.unsuitable(detector) if self.unsuitable else ""


def attribute(
    name: str,
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> Attribution:
    """Explain one window by a method of :data:`METHODS`.

    Parameters
    ----------
    name : str
    detector : Detector
        Left exactly as it was.
    window : ndarray of float32, shape (3, *input_shape)
    baseline : Baseline
    progress : callable, optional
        Called with 0 to 1; what it raises stops the work.
    **options
        Of the method, e.g. ``steps`` of Integrated Gradients.

    Returns
    -------
    Attribution
        Of the seizure logit before the temperature.

    Raises
    ------
    AttributionError
        If there is no such method, it does not fit, or its values are not finite.
    """
    method = METHODS.get(name)
    if method is None:
        raise AttributionError(
            f'There is no method called "{name}". Choose one of {", ".join(METHODS)}.'
        )
    problem = method.problem(detector)
    if problem:
        raise AttributionError(problem)
    found = computed(name, detector, window, baseline, progress=progress, **options)
    if not np.isfinite(found.values).all():
        raise AttributionError(
            f"{method.title} gave values that are not finite for this window. "
            "Choose another method."
        )
    if name == "deep-lift" and not found.complete:
        raise AttributionError(f"{_incomplete(detector, found)} Choose Integrated Gradients.")
    return found


def computed(
    name: str,
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> Attribution:
    """Return a map without asking whether the method fits: of a randomised twin, for instance."""
    import importlib

    method = METHODS[name]
    compute: Compute = getattr(importlib.import_module(method.module), method.function)
    values = np.ascontiguousarray(window, dtype=np.float32)
    found = compute(detector, values, baseline, progress=progress, **options)
    return replace(found, baseline=baseline.name if method.needs_baseline else "")


# ---- which methods fit ---------------------------------------------------------------------


def _no_convolution(detector: Detector) -> str:
    if getattr(detector.network, "cam_layer", ""):
        return ""
    return (
        f"{_title(detector)} names no last convolution (cam_layer), "
        "so there is no activation map. Choose Integrated Gradients or occlusion."
    )


def _deep_lift_incomplete(detector: Detector) -> str:
    """Try DeepLIFT on seeded windows and see whether its sum holds on all of them."""
    error = _deep_lift_error(detector, detector.config.sha256)
    return f"{error} Choose Integrated Gradients." if error else ""


@lru_cache(maxsize=32)
def _deep_lift_error(detector: Detector, sha256: str) -> str:
    from eegdash.attribution.gradients import deep_lift

    rng = np.random.default_rng(0)
    shape = (3, *detector.input_shape)
    for trial in range(6):
        # walks, not noise: far from each other in places, as real windows are
        walks = rng.standard_normal((2, *shape)).cumsum(axis=-1).cumsum(axis=-2)
        window, start = (walks / walks.std() * (1, 2, 4)[trial % 3]).astype(np.float32)
        try:
            found = deep_lift(detector, window, Baseline("trial", start, start[None]))
        except _CAPTUM_REFUSES as error:
            return (
                f"DeepLIFT cannot follow the layers of {_title(detector)} ({type(error).__name__})."
            )
        if not found.complete:
            return _incomplete(detector, found)
    return ""


# in as many ways does Captum refuse a network that it has no rules for
_CAPTUM_REFUSES = (RuntimeError, AssertionError, TypeError, AttributeError, LookupError)


def _incomplete(detector: Detector, found: Attribution) -> str:
    wanted = found.logit - found.baseline_logit
    return (
        f"DeepLIFT does not hold for {_title(detector)}: its values add up to "
        f"{wanted + (found.completeness_error or 0.0):.2f} instead of {wanted:.2f} logits, "
        "because the network has steps that the method has no rule for (recurrent layer, "
        "strongest derivation, limits)."
    )


def _title(detector: Detector) -> str:
    return detector.config.title or detector.config.name


def quick_options(name: str) -> dict[str, Any]:
    """Return options for maps that are only compared: their sum is not looked at."""
    return {"doublings": 0} if name == "integrated-gradients" else {}


def twin_options(name: str) -> dict[str, Any]:
    """Return options for maps of networks with shuffled weights, of which only ranks are looked at.

    A quarter of the steps is enough for that: on both networks that ship, the rank correlation
    with the map on screen stayed the same to 0.002.
    """
    return {"doublings": 0, "steps": 16} if name == "integrated-gradients" else {}


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "integrated-gradients",
            "Integrated Gradients",
            "How much each cell adds to the detector's answer on the way from the baseline to "
            "this window; all cells together make up the whole difference.",
            "eegdash.attribution.gradients",
            "integrated_gradients",
            True,
        ),
        Method(
            "grad-cam",
            "Grad-CAM",
            "Where the last convolution saw something that speaks for a seizure; coarse.",
            "eegdash.attribution.cams",
            "grad_cam",
            False,
            _no_convolution,
        ),
        Method(
            "grad-cam++",
            "Grad-CAM++",
            "As Grad-CAM, weighted so that several separate places show; only units that speak "
            "for a seizure are weighed.",
            "eegdash.attribution.cams",
            "grad_cam_plus_plus",
            False,
            _no_convolution,
        ),
        Method(
            "hires-cam",
            "HiResCAM",
            "As Grad-CAM, but each place is weighed by itself, so that it follows the derivation "
            "that the detector used.",
            "eegdash.attribution.cams",
            "hires_cam",
            False,
            _no_convolution,
        ),
        Method(
            "gradient-shap",
            "Gradient SHAP",
            "As Integrated Gradients, averaged over several quiet windows and random places on "
            "the way; its sum holds up to chance.",
            "eegdash.attribution.gradients",
            "gradient_shap",
            True,
        ),
        Method(
            "deep-lift",
            "DeepLIFT",
            "How much each cell adds compared with the baseline, layer by layer.",
            "eegdash.attribution.gradients",
            "deep_lift",
            True,
            _deep_lift_incomplete,
        ),
        Method(
            "occlusion",
            "Occlusion",
            "How far the detector's answer falls when a block is exchanged for the baseline: "
            "no calculus, only trying.",
            "eegdash.attribution.occlusion",
            "occlusion",
            True,
        ),
        Method(
            "saliency",
            "Saliency",
            "Where a small change of the input would move the answer most; says what the "
            "detector is sensitive to, not what it used.",
            "eegdash.attribution.gradients",
            "saliency",
            False,
        ),
    )
}
"""Methods by name, in the order in which they are offered."""
