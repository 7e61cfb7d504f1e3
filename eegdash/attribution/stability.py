"""Infidelity and sensitivity-max of a map, by Captum: computed on demand, they take seconds."""

from __future__ import annotations

import numpy as np
import torch
from captum.metrics import infidelity, sensitivity_max
from numpy.typing import NDArray
from torch import Tensor

from eegdash.attribution.baselines import Baseline
from eegdash.attribution.faithfulness import Stability, patches
from eegdash.attribution.maps import ARBITRARY, PER_UNIT, Attribution, Progress
from eegdash.attribution.methods import computed, quick_options
from eegdash.attribution.network_call import at_work, told
from eegdash.checkpoints import Detector

N_SAMPLES = 64
N_MAPS = 6
_EXCHANGED = 0.1
_RADIUS = 0.02
_BATCH = 32
_SEED = 13


def stability(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    found: Attribution,
    *,
    progress: Progress | None = None,
) -> Stability:
    """Return infidelity and sensitivity-max of a map (Yeh C. et al. 2019, arXiv 1901.09392).

    Parameters
    ----------
    detector : Detector
    window : ndarray of float32, shape (3, *input_shape)
    baseline : Baseline
        Patches are exchanged for it, also where the map itself has none.
    found : Attribution
        Of this detector and window.
    progress : callable, optional
        Called with 0 to 1; what it raises stops the work.
    """
    half = progress and (lambda done: progress(0.5 * done))
    values = found.values if found.has_channels else found.values[:, None]
    laid = np.array(np.broadcast_to(values, window.shape), dtype=np.float32)
    scaled = found.unit == ARBITRARY
    own = _infidelity(detector, window, baseline, laid, found.unit, half, scaled=scaled)
    nothing = _infidelity(
        detector, window, baseline, np.zeros_like(laid), found.unit, None, scaled=False
    )
    largest = _sensitivity(detector, window, baseline, found, progress)
    return Stability(own, nothing, largest, N_SAMPLES, N_MAPS)


def _infidelity(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    values: NDArray[np.float32],
    unit: str,
    progress: Progress | None,
    *,
    scaled: bool,
) -> float:
    numbers = patches(detector)
    n_patches = int(numbers.max()) + 1
    start = torch.from_numpy(baseline.values)
    rng = np.random.default_rng(_SEED)

    def exchange(inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the map is multiplied with, and the windows with patches exchanged.

        A sensitivity is multiplied with the change of the input; evidence holds it already.
        """
        chosen = rng.random((len(inputs), n_patches)) < _EXCHANGED
        held = torch.from_numpy(chosen[:, numbers]).to(inputs.dtype)
        altered = inputs * (1 - held) + start * held
        return (inputs - altered if unit == PER_UNIT else held), altered

    with at_work(detector.network, seed=_SEED), torch.no_grad():
        found = infidelity(
            told(detector.network, progress, N_SAMPLES + 1),
            exchange,
            torch.from_numpy(window)[None],
            torch.from_numpy(values)[None],
            n_perturb_samples=N_SAMPLES,
            max_examples_per_batch=_BATCH,
            normalize=scaled,
        )
    return float(found[0])


def _sensitivity(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    found: Attribution,
    progress: Progress | None,
) -> float:
    done, options = 0, quick_options(found.method)

    def explain(inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
        nonlocal done
        maps = []
        for one in inputs[0]:
            values = one.detach().numpy()
            again = computed(found.method, detector, values, baseline, **options)
            maps.append(torch.from_numpy(again.values))
            done += 1
            if progress is not None:
                progress(0.5 + 0.5 * min(done / (N_MAPS + 1), 1.0))
        return (torch.stack(maps),)

    with at_work(detector.network, seed=_SEED):
        largest = sensitivity_max(
            explain,
            torch.from_numpy(window)[None],
            perturb_radius=_RADIUS * float(window.std()),
            n_perturb_samples=N_MAPS,
        )
    return float(largest[0])
