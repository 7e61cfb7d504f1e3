"""What the page "Inside the detector" costs, in a process of its own so that its memory is known.

Run as ``python -m benchmarks.mechanism_inside FILE MODEL LAYER ...``; writes ``figures.json`` into
the workspace.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from eegdash.mechanism.activations import ActivationWriter
from eegdash.mechanism.descriptors import descriptor_names
from eegdash.mechanism.ensembles import largest_size
from eegdash.mechanism.layers import sites
from eegdash.mechanism.perturbation import Perturbation
from eegdash.mechanism.separation import PictureParameters, pca_scores, picture
from eegdash.networks.threads import one_thread
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.mechanism import analyse
from eegdash.workflows.mechanism_windows import (
    RECORDING,
    ActivationRequest,
    WindowSource,
    load_detector,
)

N_WINDOWS = 2000
N_CONTROLS = 100


def main(path: Path, model: str, layers: list[str]) -> dict[str, Any]:
    """Measure the layers, the picture of one, and silencing in some of them."""
    desk = open_desk()
    request = ActivationRequest(desk.model(model), (path,), 200, by=RECORDING)
    with one_thread():  # as the analyses do
        found = _layers(desk, request)
    analyse(desk, request, "overview", {}, _quiet)
    for layer in layers:
        found["silencing"][layer] = _silence(desk, request, layer)
    return found


def _layers(desk: Desk, request: ActivationRequest) -> dict[str, Any]:
    detector = load_detector(desk, request.model, untrained=False, seed=0)
    source = WindowSource(desk, detector, request.model, request.paths[0], by=RECORDING)
    seizure = source.labels().seizure
    batches = []

    def read() -> None:
        for batch in source.windows(np.arange(N_WINDOWS)):
            batches.append((batch.index, batch.raw, batch.descriptors(Perturbation())))

    reading_s = _seconds(read)
    n = sum(len(index) for index, _, _ in batches)
    with tempfile.TemporaryDirectory() as folder:
        writer = ActivationWriter(
            Path(folder) / "set",
            detector.network,
            n_windows=n,
            n_channels=len(detector.config.ch_names),
            n_descriptors=len(descriptor_names(detector.config.sfreq)),
        )

        def run() -> None:
            for index, features, descriptors in batches:
                facts = {
                    "recording": np.zeros(len(index)),
                    "group": np.zeros(len(index)),
                    "window": index,
                    "time_s": index,
                    "seizure": seizure[index],
                    "descriptors": descriptors,
                }
                writer.add(source.detector.network, features, facts)

        layers_s = _seconds(run)
        values = np.array(writer.finish({}).of("code"))
    batches.clear()
    picture(pca_scores(values[:60]), PictureParameters())  # compiles, once in a process
    picture_s = _seconds(lambda: picture(pca_scores(values), PictureParameters()))
    return {
        "n_windows": n,
        "reading_s": reading_s,
        "layers_s": layers_s,
        "picture_s": picture_s,
        "silencing": {},
    }


def _silence(desk: Desk, request: ActivationRequest, layer: str) -> dict[str, Any]:
    detector = load_detector(desk, request.model, untrained=False, seed=0)
    n_units = next(site.n_units for site in sites(detector.network) if site.layer == layer)
    parameters: dict[str, Any] = {
        "layer": layer,
        "units": list(range(largest_size(n_units))),
        "mode": "mean",
        "keep_only": False,
        "n_controls": N_CONTROLS,
        "seed": 0,
        "half": "all",
    }
    answer: dict[str, Any] = {}
    began = time.process_time()
    seconds = _seconds(
        lambda: answer.update(analyse(desk, request, "silencing", parameters, _quiet))
    )
    return {
        "seconds": seconds,
        "cpu_s": time.process_time() - began,
        "units": len(parameters["units"]),
        "n_units": n_units,
        "controls": answer["result"]["controls"]["n"],
    }


def _quiet(_: float) -> None:
    """Progress that nobody looks at."""


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


if __name__ == "__main__":
    out = Path(os.environ["EEGDASH_WORKSPACE"]) / "figures.json"
    out.write_text(json.dumps(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])))
