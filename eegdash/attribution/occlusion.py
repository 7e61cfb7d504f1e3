"""Occlusion: what the logit loses when a block of the window is exchanged for the baseline."""

from __future__ import annotations

import numpy as np
import torch
from captum.attr import FeatureAblation
from numpy.typing import NDArray

from eegdash.attribution.bands import physiological_bands, regions_of
from eegdash.attribution.baselines import Baseline
from eegdash.attribution.maps import LOGIT, Attribution, Progress
from eegdash.attribution.network_call import at_work, told, window_logits
from eegdash.checkpoints import DERIVATIONS, Detector

SLICE_S = 0.5
_BATCH = 25


def occlusion(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    *,
    progress: Progress | None = None,
) -> Attribution:
    """Return occlusion by segment x band x region, by Captum's ``FeatureAblation``.

    Of a network of derivations by segment x region x half seconds: a band cannot be cut out of
    samples by blocks (the what-if page does it in the Fourier domain). The change of the logit by
    a block is spread evenly over its cells, so that sums over a block are in logits. Blocks are
    exchanged one at a time; their sum need not be the whole (Zeiler M., Fergus R. 2014,
    doi:10.1007/978-3-319-10590-1_53).
    """
    network = detector.network
    blocks = occlusion_blocks(detector)
    n_blocks = int(blocks.max()) + 1
    with at_work(network):
        inputs, start = torch.from_numpy(window)[None], torch.from_numpy(baseline.values)[None]
        method = FeatureAblation(told(network, progress, n_blocks + 1))
        with torch.no_grad():
            effect = method.attribute(
                inputs,
                baselines=start,
                feature_mask=torch.from_numpy(blocks)[None],
                perturbations_per_eval=_BATCH,
            )[0]
            logit = float(window_logits(network, inputs))
            start_logit = float(window_logits(network, start))
    size = np.bincount(blocks.ravel())[blocks]
    return Attribution(
        method="occlusion",
        baseline=baseline.name,
        values=np.ascontiguousarray(effect.numpy() / size, dtype=np.float32),
        ch_names=detector.config.ch_names,
        freqs_hz=detector.freqs_hz,
        time_s=detector.frame_s,
        unit=LOGIT,
        logit=logit,
        baseline_logit=start_logit,
        parameters={"blocks": n_blocks},
    )


def occlusion_blocks(detector: Detector) -> NDArray[np.int64]:
    """Return the number of the block that each cell of a window lies in, (3, *input_shape).

    Frequencies outside of all bands make a block of their own per region.
    """
    rows = np.zeros(len(detector.config.ch_names), dtype=np.int64)
    for number, chosen in enumerate(regions_of(detector.config.ch_names).values()):
        rows[chosen] = number
    if detector.config.features == DERIVATIONS:
        inner = (detector.frame_s / SLICE_S + 1e-9).astype(np.int64)[None, :]
        place = rows[:, None]
    else:
        bands = physiological_bands(detector.freqs_hz)
        column = np.full(len(detector.freqs_hz), len(bands), dtype=np.int64)
        for number, band in enumerate(bands):
            column[band.holds(detector.freqs_hz)] = number
        frames = np.zeros(len(detector.frame_s), dtype=np.int64)
        inner = (column[:, None] + frames)[None]
        place = rows[:, None, None]
    inside = place * (int(inner.max()) + 1) + inner
    segments = np.arange(3, dtype=np.int64).reshape(3, *[1] * inside.ndim)
    joined = segments * (int(inside.max()) + 1) + inside[None]
    # consecutive numbers: Captum asks once for each
    return np.unique(joined, return_inverse=True)[1].reshape(joined.shape).astype(np.int64)
