"""Activations of a detector over chosen recordings, and the analyses that are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash import __version__
from eegdash.cache import cache_key
from eegdash.errors import DatasetError, WorkspaceError
from eegdash.mechanism import activations as stored
from eegdash.mechanism.descriptors import descriptor_names
from eegdash.mechanism.selection import Supply, select_windows
from eegdash.networks.threads import one_thread
from eegdash.recording import alias_of
from eegdash.scoring import WindowLabels
from eegdash.workflows.desk import Desk
from eegdash.workflows.mechanism_analyses import ANALYSES
from eegdash.workflows.mechanism_windows import (
    ActivationRequest,
    WindowSource,
    load_detector,
)
from eegdash.workflows.score import Progress

_RESULTS_VERSION = 2


def folder_of(desk: Desk, key: str) -> Path:
    """Return where activations lie, whether they are there or not."""
    return desk.workspace.cache / "mechanism" / key


def load_activations(desk: Desk, key: str) -> stored.Activations | None:
    """Return activations that were computed, or None."""
    return stored.load(folder_of(desk, key))


def compute_activations(
    desk: Desk, request: ActivationRequest, progress: Progress | None = None
) -> stored.Activations:
    """Choose windows, run the detector on them and keep the activations of all named layers.

    Raises
    ------
    EegdashError
        If a recording cannot be read, no window of one class is known, or they cannot be kept.
    """
    key = request.key(desk)
    detector = load_detector(desk, request.model, untrained=request.untrained, seed=request.seed)
    known = [
        WindowSource(desk, detector, request.model, path, by=request.by) for path in request.paths
    ]
    labels = [source.labels() for source in known]
    supplies = [
        Supply(found.known, found.seizure, source.group)
        for found, source in zip(labels, known, strict=True)
    ]
    chosen = select_windows(supplies, request.n_windows, seed=request.seed)
    _both_classes(labels, chosen)
    writer = stored.ActivationWriter(
        folder_of(desk, key),
        detector.network,
        n_windows=sum(len(indices) for indices in chosen),
        n_channels=len(detector.config.ch_names),
        n_descriptors=len(descriptor_names(detector.config.sfreq)),
    )
    try:
        n_seizure, n = _write(writer, request, known, labels, chosen, progress)
        if not 0 < n_seizure < n:
            raise DatasetError(
                "The windows of one class cannot be scored: their signal has gaps, is flat or "
                "saturated. Choose other recordings."
            )
        found = writer.finish(_meta(request, known))
    finally:
        writer.discard()
    stored.prune(folder_of(desk, key).parent, keep=folder_of(desk, key))
    return found


def _both_classes(labels: list[WindowLabels], chosen: list[NDArray[np.int64]]) -> None:
    n = sum(len(indices) for indices in chosen)
    n_seizure = sum(
        int(found.seizure[indices].sum()) for found, indices in zip(labels, chosen, strict=True)
    )
    if not 0 < n_seizure < n:
        missing = "no window of a seizure" if n_seizure == 0 else "only windows of seizures"
        raise DatasetError(
            f"The chosen recordings hold {missing}. Choose recordings of both kinds."
        )


def _write(
    writer: stored.ActivationWriter,
    request: ActivationRequest,
    known: list[WindowSource],
    labels: list[WindowLabels],
    chosen: list[NDArray[np.int64]],
    progress: Progress | None,
) -> tuple[int, int]:
    """Stream the chosen windows through the network; return how many are of seizures, and all."""
    groups = _groups(known)
    total = sum(len(indices) for indices in chosen)
    done = n_seizure = 0
    for i, (source, indices) in enumerate(zip(known, chosen, strict=True)):
        for batch in source.windows(indices):
            n = len(batch.index)
            seizure = labels[i].seizure[batch.index]
            facts = {
                "recording": np.full(n, i),
                "group": np.full(n, groups.index(source.group)),
                "window": batch.index,
                "time_s": source.config.window_s / 2 + source.config.step_s * batch.index,
                "seizure": seizure,
                "descriptors": batch.descriptors(request.changed, seed=request.seed),
            }
            features = batch.features(request.changed, seed=request.seed)
            writer.add(source.detector.network, features, facts)
            done, n_seizure = done + n, n_seizure + int(seizure.sum())
            if progress is not None:
                progress(min(done / total, 1.0))
    return n_seizure, done


def _groups(known: list[WindowSource]) -> list[str]:
    return sorted({source.group for source in known})


def _meta(request: ActivationRequest, known: list[WindowSource]) -> dict[str, Any]:
    return {
        "model": request.model.name,
        "model_sha256": request.model.sha256,
        "untrained": request.untrained,
        "recordings": [source.recording.sha256 for source in known],
        "aliases": [alias_of(source.recording.sha256) for source in known],
        "groups": _groups(known),
        "by": request.by,
        "seed": request.seed,
        "input": request.changed.title,
        "changed": request.changed.as_dict(),
        "descriptors": list(descriptor_names(known[0].config.sfreq)),
        "version": __version__,
    }


# ---- results of analyses -------------------------------------------------------------------


def result_key(key: str, kind: str, parameters: Mapping[str, Any]) -> str:
    """Return under which key the result of an analysis of activations is kept."""
    return cache_key(key, "", f"mechanism-{kind}", version=_RESULTS_VERSION, **parameters)


def stored_result(
    desk: Desk, key: str, kind: str, parameters: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the result of an analysis, or None where it was not made yet."""
    found = desk.cache.get_json(result_key(key, kind, parameters))
    return found if isinstance(found, dict) else None


def analyse(
    desk: Desk,
    request: ActivationRequest,
    kind: str,
    parameters: Mapping[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """Make an analysis, computing the activations first where they are missing, and keep it.

    Parameters
    ----------
    desk : Desk
    request : ActivationRequest
    kind : str
        A name of :data:`eegdash.workflows.mechanism_analyses.ANALYSES`.
    parameters : mapping
    progress : callable

    Returns
    -------
    dict
        With the provenance of every result: model, hashes, parameters, version.
    """
    key = request.key(desk)
    found = load_activations(desk, key)
    share = 0.0 if found is not None else 0.4
    with one_thread():
        if found is None:
            found = compute_activations(desk, request, lambda done: progress(share * done))
        result = ANALYSES[kind](
            desk, request, found, parameters, lambda done: progress(share + (1 - share) * done)
        )
    meta = {k: v for k, v in found.meta.items() if k != "layers"}
    content = {
        "kind": kind,
        "parameters": dict(parameters),
        "provenance": {**meta, "layers": list(found.layers), "activations": key},
        "result": result,
    }
    if not desk.cache.put_json(result_key(key, kind, parameters), content):
        raise WorkspaceError(
            "The result could not be kept: the disk of the workspace is full or read-only. "
            "Make room, then try again."
        )
    return content


def mechanism_task(desk: Desk, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Make the analysis that a job asks for."""
    request = ActivationRequest.from_arguments(desk, arguments["request"])
    if request.model.sha256 != arguments["model_sha256"]:
        raise WorkspaceError(
            "The detector was replaced since the analysis was asked for. Ask again."
        )
    kind, parameters = str(arguments["kind"]), dict(arguments["parameters"])
    analyse(desk, request, kind, parameters, progress)
    return {"kind": kind}
