"""The level expert: a logistic regression on levels, fitted before the network around it.

Levels in bands carry over from simulated to real seizures better than shapes do, which a
simulator can only resemble. A network that learns both at once leans on the shapes, with which
the simulator's seizures are told apart almost perfectly. So the levels get an expert of their
own, and the logits are added (the product rule of Kittler J. et al. 1998, doi:10.1109/34.667881).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import LOG_POWER, DetectorConfig
from eegdash.training.datasets import LabelledRecording
from eegdash.training.fit import FitParameters, levels_of, runs_of
from eegdash.training.surroundings import RUN_SEGMENTS, drawn

_ROUNDS = 3
"""How often each run is seen, each time with another gain and another length around it."""
_RIDGE = 1e-4


def fit_level_expert(
    network: Any,
    recordings: Sequence[LabelledRecording],
    config: DetectorConfig,
    *,
    parameters: FitParameters,
    seed: int,
) -> None:
    """Fit ``network.level`` in place, to its optimum, and leave it as it is from then on.

    Parameters
    ----------
    network : torch.nn.Module
        With levels; another is left alone.
    recordings : sequence of LabelledRecording
    config : DetectorConfig
    parameters : FitParameters
        Label smoothing and the range of gains.
    seed : int
    """
    import torch

    if not getattr(network, "n_levels", 0):
        return
    levels = levels_of(network, recordings, config)
    scale = config.normalisation.scale if config.features == LOG_POWER else 1.0
    decades = 2 * parameters.augmentation.gain_decades / scale
    seen, seizure, weight = _windows(network, recordings, levels, decades, seed)
    target = seizure + parameters.label_smoothing * (0.5 - seizure)
    found = _logistic(seen, target, weight)
    with torch.no_grad():
        network.level.weight.copy_(torch.from_numpy(found[None, :-1]))
        network.level.bias.copy_(torch.from_numpy(found[-1:]))
    network.level.requires_grad_(False)


def _windows(
    network: Any,
    recordings: Sequence[LabelledRecording],
    levels: Sequence[NDArray[np.float32]],
    decades: float,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return inputs (n, n_inputs), truth and weight of windows whose truth is known."""
    import torch

    from eegdash.networks.levels import level_inputs

    rng = np.random.default_rng([seed, 51])
    seen, seizure, weight = [], [], []
    for number, first in [run for _ in range(_ROUNDS) for run in runs_of(recordings)]:
        recording, whole = recordings[number], levels[number]
        part = whole[first : first + RUN_SEGMENTS]
        gain = np.float32(rng.uniform(-decades, decades))
        around = drawn(rng, whole, recording.seizure, first) + part.mean(axis=0) + gain
        windows = np.stack([part[k : len(part) - 4 + k] for k in (0, 2, 4)], axis=1) + gain
        background = network.background(torch.from_numpy(around))
        seen.append(level_inputs(torch.from_numpy(windows), background).flatten(1).numpy())
        seizure.append(recording.seizure[first : first + len(windows)])
        weight.append(recording.weight[first : first + len(windows)])
    known = np.concatenate(weight) > 0
    return (
        np.concatenate(seen)[known].astype(np.float64),
        np.concatenate(seizure)[known].astype(np.float64),
        np.concatenate(weight)[known].astype(np.float64),
    )


def _logistic(
    seen: NDArray[np.float64], target: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the weights and the bias that minimise the weighted cross-entropy."""
    from scipy.optimize import minimize

    inputs = np.hstack([seen, np.ones((len(seen), 1))])
    share = weight / weight.sum()

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = inputs @ theta
        value = share @ (np.logaddexp(0, logits) - target * logits) + _RIDGE * theta @ theta
        wrong = share * (0.5 + 0.5 * np.tanh(logits / 2) - target)
        return float(value), inputs.T @ wrong + 2 * _RIDGE * theta

    start = np.zeros(inputs.shape[1])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x, dtype=np.float32)
