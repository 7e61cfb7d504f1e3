"""Maps from gradients on the input: Integrated Gradients, Gradient SHAP, DeepLIFT, saliency.

Evidence of a network that reads samples is given by frequency as well. The path from the baseline
``b`` to the window ``x`` is straight, and the Fourier transform is linear, so that the same sum
over samples, ``sum_n g[n] (x - b)[n]``, is by Parseval the sum over frequencies
``Re(conj(G[f]) (X - B)[f]) / N`` with ``g`` the gradient averaged along the path (a virtual
inspection layer: Vielhaben J. et al. 2024, doi:10.1016/j.patcog.2024.110309). Nothing is lost: both
views add up to the same logit.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from captum.attr import (
    DeepLift,
    GradientShap,
    IntegratedGradients,
    NoiseTunnel,
    Saliency,
)
from numpy.typing import NDArray
from torch import Tensor

from eegdash.attribution.baselines import Baseline
from eegdash.attribution.maps import LOGIT, PER_UNIT, Attribution, Progress
from eegdash.attribution.network_call import at_work, told, window_logits
from eegdash.checkpoints import DERIVATIONS, Detector

IG_STEPS = 64
IG_DOUBLINGS = 2
_IG_BATCH = 16
_IG_RULE = "riemann_middle"
SHAP_SAMPLES = 64
SALIENCY_SAMPLES = 16
SALIENCY_NOISE = 0.1
_SEED = 7


def integrated_gradients(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    *,
    progress: Progress | None = None,
    steps: int = IG_STEPS,
    doublings: int = IG_DOUBLINGS,
) -> Attribution:
    """Return Integrated Gradients (Sundararajan M. et al. 2017, arXiv 1703.01365), by Captum.

    The steps lie in the middle of equal parts of the path. (Gauss-Legendre, the usual rule, is
    made for smooth functions; along paths with the kinks of rectifiers and maxima it missed the
    sum three times as often.) Where the sum is still missed, the steps are doubled, at most
    ``doublings`` times and only as long as that helps; ``parameters`` say how many were taken.
    """
    found = _integrated(detector, window, baseline, steps, progress)
    for _ in range(doublings):
        if found.complete:
            break
        steps *= 2
        # all was told already; the call still lets a reader cancel
        again = progress and (lambda done: progress(1.0))
        better = _integrated(detector, window, baseline, steps, again)
        helps = abs(better.completeness_error or 0) < 0.75 * abs(found.completeness_error or 0)
        found = better
        if not helps:
            break
    return found


def _integrated(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    steps: int,
    progress: Progress | None,
) -> Attribution:
    network = detector.network
    with at_work(network):
        inputs, start = _tensors(window, baseline)
        logits = told(network, progress, steps)
        # the mean gradient, not yet multiplied: the spectral view needs it
        method = IntegratedGradients(logits, multiply_by_inputs=False)
        mean_gradient = method.attribute(
            inputs, start, n_steps=steps, method=_IG_RULE, internal_batch_size=_IG_BATCH
        ).detach()
        ends = _ends(network, inputs, start)
    difference = inputs - start
    values = (mean_gradient * difference)[0].numpy()
    parameters = {"steps": steps, "rule": "midpoint"}
    spectral = _spectral(detector, mean_gradient[0], difference[0])
    return _of_sum("integrated-gradients", detector, values, baseline, ends, parameters, spectral)


def gradient_shap(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    *,
    progress: Progress | None = None,
    samples: int = SHAP_SAMPLES,
) -> Attribution:
    """Return Gradient SHAP (Lundberg S., Lee S. 2017, arXiv 1705.07874), by Captum.

    The expectation is over ``baseline.samples`` and random places on the way to the window. Every
    baseline gets as many places: drawn at random, their different logits alone made the sum miss.
    """
    network = detector.network
    with at_work(network, seed=_SEED):
        inputs, _ = _tensors(window, baseline)
        starts = torch.from_numpy(np.ascontiguousarray(baseline.samples))
        logits = told(network, progress, samples)
        each = max(samples // len(starts), 1)
        method = GradientShap(logits)
        maps = [method.attribute(inputs, one[None], n_samples=each).detach() for one in starts]
        values = torch.stack(maps).mean(dim=0)
        logit = float(window_logits(network, inputs).detach())
        start_logit = float(window_logits(network, starts).detach().mean())
    parameters = {"samples": each * len(starts), "baselines": len(starts), "seed": _SEED}
    return _of_sum(
        "gradient-shap", detector, values[0].numpy(), baseline, (logit, start_logit), parameters
    )


def deep_lift(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    *,
    progress: Progress | None = None,
) -> Attribution:
    """Return DeepLIFT (Shrikumar A. et al. 2017, arXiv 1704.02685; rescale rule), by Captum.

    Captum sees non-linearities only where they are modules used once. Whether the sum holds is
    for the caller to look at (``methods`` refuses the networks where it does not).
    """
    network = detector.network
    with at_work(network):
        inputs, start = _tensors(window, baseline)
        inputs.requires_grad_()
        with warnings.catch_warnings():
            # Captum says that it sets hooks; at_work sees to it that they go
            warnings.simplefilter("ignore", UserWarning)
            values = DeepLift(network).attribute(inputs, start).detach()
        ends = _ends(network, inputs.detach(), start)
    parameters = {"rule": "rescale"}
    return _of_sum("deep-lift", detector, values[0].numpy(), baseline, ends, parameters)


def saliency(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    *,
    progress: Progress | None = None,
    samples: int = SALIENCY_SAMPLES,
) -> Attribution:
    """Return the signed gradient, averaged over noisy copies of the window, by Captum.

    SmoothGrad (Smilkov D. et al. 2017, arXiv 1706.03825) with noise of 10 % of the standard
    deviation of the window.
    """
    network = detector.network
    with at_work(network, seed=_SEED):
        inputs, _ = _tensors(window, baseline)
        noise = SALIENCY_NOISE * float(inputs.std())
        tunnel = NoiseTunnel(Saliency(told(network, progress, samples)))
        values = tunnel.attribute(
            inputs,
            nt_type="smoothgrad",
            nt_samples=samples,
            nt_samples_batch_size=_IG_BATCH,
            stdevs=noise,
            abs=False,
        ).detach()
        logit = float(window_logits(network, inputs.detach()).detach())
    return Attribution(
        method="saliency",
        baseline="",
        values=np.ascontiguousarray(values[0].numpy(), dtype=np.float32),
        ch_names=detector.config.ch_names,
        freqs_hz=detector.freqs_hz,
        time_s=detector.frame_s,
        unit=PER_UNIT,
        logit=logit,
        parameters={"samples": samples, "noise": round(noise, 6), "seed": _SEED},
    )


def _tensors(window: NDArray[np.float32], baseline: Baseline) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(window)[None], torch.from_numpy(baseline.values)[None]


def _ends(network: torch.nn.Module, inputs: Tensor, start: Tensor) -> tuple[float, float]:
    """Return the logits of window and baseline, each asked alone as detection would."""
    with torch.no_grad():
        return float(window_logits(network, inputs)), float(window_logits(network, start))


def rfft_freqs(detector: Detector) -> NDArray[np.float64]:
    """Return the frequencies of the spectral view of derivations, Hz."""
    n = int(detector.input_shape[-1])
    return np.asarray(np.fft.rfftfreq(n, 1 / detector.config.sfreq), dtype=np.float64)


def _spectral(
    detector: Detector, gradient: Tensor, difference: Tensor
) -> NDArray[np.float32] | None:
    if detector.config.features != DERIVATIONS:
        return None
    n = gradient.shape[-1]
    product = np.fft.rfft(gradient.numpy()).conj() * np.fft.rfft(difference.numpy())
    values = product.real / n
    # every frequency between 0 and Nyquist stands for its negative twin as well
    values[..., 1 : (n + 1) // 2] *= 2
    return np.asarray(values, dtype=np.float32)


def _of_sum(
    method: str,
    detector: Detector,
    values: NDArray[np.float32],
    baseline: Baseline,
    ends: tuple[float, float],
    parameters: dict[str, Any],
    spectral: NDArray[np.float32] | None = None,
) -> Attribution:
    """Wrap values that should add up to the difference of two logits."""
    logit, start_logit = ends
    return Attribution(
        method=method,
        baseline=baseline.name,
        values=np.ascontiguousarray(values, dtype=np.float32),
        ch_names=detector.config.ch_names,
        freqs_hz=detector.freqs_hz if spectral is None else rfft_freqs(detector),
        time_s=detector.frame_s,
        unit=LOGIT,
        logit=logit,
        baseline_logit=start_logit,
        completeness_error=float(values.sum(dtype=np.float64)) - (logit - start_logit),
        spectral=spectral,
        parameters=parameters,
    )
