"""Class activation maps: what the last convolution saw, weighted by what it meant for the logit.

With ``A[k]`` the rectified map of unit ``k`` and ``g[k]`` the gradient of the logit there:

- Grad-CAM, ``sum_k mean(g[k]) A[k]`` (Selvaraju R. et al. 2017, doi:10.1109/ICCV.2017.74);
- Grad-CAM++, ``sum_k (sum alpha[k] relu(g[k])) A[k]`` with ``alpha = g^2 / (2 g^2 + S g^3)``, ``S``
  the sum of ``A[k]`` (Chattopadhay A. et al. 2018, doi:10.1109/WACV.2018.00097);
- HiResCAM, ``sum_k g[k] A[k]`` (Draelos R., Carin L. 2020, arXiv 2011.08891).

Each segment of the triptych has its own weights. The rectifier at the end and the scaling from 0
to 1 of the first two papers are left out: they hide evidence against, and make weak evidence look
strong. The networks that ship convolve each derivation by itself, so that ``A`` has a channel axis,
which is kept; mean and sums of the weights run over it too, so that Grad-CAM says where the units
responded that speak for a seizure, while HiResCAM follows the gradient at each derivation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eegdash.attribution.baselines import Baseline
from eegdash.attribution.maps import ARBITRARY, PAST_LOGIT, Attribution, Progress
from eegdash.attribution.network_call import at_work, layer_output, window_logits
from eegdash.checkpoints import DERIVATIONS, Detector


def grad_cam(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    *,
    progress: Progress | None = None,
) -> Attribution:
    """Return the Grad-CAM of a window.

    It is Captum's ``LayerGradCam`` of the rectifier; that is written as a function in the
    networks that ship, where Captum finds modules only.
    """
    seen = _seen(detector, window)
    return _finished("grad-cam", detector, pooled(seen.maps, seen.gradient), seen)


def grad_cam_plus_plus(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    *,
    progress: Progress | None = None,
) -> Attribution:
    """Return the Grad-CAM++ of a window."""
    seen = _seen(detector, window)
    return _finished("grad-cam++", detector, plus_plus(seen.maps, seen.gradient), seen)


def hires_cam(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    *,
    progress: Progress | None = None,
) -> Attribution:
    """Return the HiResCAM of a window."""
    seen = _seen(detector, window)
    return _finished("hires-cam", detector, (seen.maps * seen.gradient).sum(dim=1), seen)


def pooled(maps: Tensor, gradient: Tensor) -> Tensor:
    """Return Grad-CAM (n, ...) from maps and gradients (n, n_units, ...)."""
    weights = gradient.mean(dim=tuple(range(2, maps.ndim)), keepdim=True)
    return (weights * maps).sum(dim=1)


def plus_plus(maps: Tensor, gradient: Tensor) -> Tensor:
    """Return Grad-CAM++ (n, ...) from maps and gradients (n, n_units, ...)."""
    places = tuple(range(2, maps.ndim))
    total = maps.sum(dim=places, keepdim=True)
    square = gradient**2
    divisor = 2 * square + total * square * gradient
    # 0 / 0 where a unit does not matter; it then gets no weight
    alpha = torch.where(divisor.abs() > 1e-20, square / divisor, torch.zeros_like(square))
    weights = (alpha * torch.relu(gradient)).sum(dim=places, keepdim=True)
    return (weights * maps).sum(dim=1)


def _layer(detector: Detector) -> str:
    return str(detector.network.cam_layer)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Activations and gradients of the CAM layer, (3, n_units, ...), and what came of them."""

    maps: Tensor
    gradient: Tensor
    logit: float
    past_logit: float | None


def _seen(detector: Detector, window: NDArray[np.float32]) -> _Seen:
    network = detector.network
    with at_work(network), layer_output(network, _layer(detector)) as seen:
        inputs = torch.from_numpy(window)[None].requires_grad_()
        logit = window_logits(network, inputs)
        (gradient,) = torch.autograd.grad(logit.sum(), seen[0])
        maps = seen[0].detach()
        return _Seen(maps, gradient, float(logit.detach()), _past(detector, inputs.detach()[0]))


def _past(detector: Detector, segments: Tensor) -> float | None:
    """Return the part of the logit that goes past the layer: that of the levels alone.

    A network that adds up two experts (``eegdash.networks``) gives its second one the levels of the
    window only, which never pass a convolution. None where there are no such experts.
    """
    network: Any = detector.network
    if not getattr(network, "n_levels", 0) or not hasattr(network, "experts"):
        return None
    with torch.no_grad():
        return float(network.experts(network.encode(segments)[None])[0, 1])


def _finished(method: str, detector: Detector, native: Tensor, seen: _Seen) -> Attribution:
    """Lay a CAM (3, [n_channels,] ...) over the grid of the features."""
    config = detector.config
    spectral = config.features != DERIVATIONS
    grid = detector.input_shape[1:]
    mixes = native.ndim - 1 == len(grid)
    ch_names = () if mixes else config.ch_names
    parameters: dict[str, Any] = {"layer": _layer(detector), "interpolation": "linear"}
    if seen.past_logit is not None:
        parameters[PAST_LOGIT] = round(seen.past_logit, 6)
    return Attribution(
        method=method,
        baseline="",
        values=interpolated(native, tuple(grid)),
        ch_names=ch_names,
        freqs_hz=detector.freqs_hz if spectral else np.empty(0),
        time_s=detector.frame_s,
        unit=ARBITRARY,
        logit=seen.logit,
        native=np.ascontiguousarray(native.numpy(), dtype=np.float32),
        parameters=parameters,
    )


def interpolated(native: Tensor, grid: tuple[int, ...]) -> NDArray[np.float32]:
    """Interpolate the last axes of a map linearly to a grid; its values stay within its range."""
    lead = native.shape[: native.ndim - len(grid)]
    flat = native.reshape(-1, 1, *native.shape[native.ndim - len(grid) :])
    mode = "bilinear" if len(grid) == 2 else "linear"
    laid = torch.nn.functional.interpolate(flat, size=grid, mode=mode, align_corners=False)
    return np.ascontiguousarray(laid.reshape(*lead, *grid).numpy(), dtype=np.float32)
