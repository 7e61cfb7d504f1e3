"""Analyses of stored activations: each gives a mapping of JSON values, by name in ANALYSES."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.errors import DatasetError
from eegdash.mechanism import separation, units
from eegdash.mechanism.activations import Activations, window_activations
from eegdash.mechanism.descriptors import name_units
from eegdash.mechanism.ensembles import (
    METHODS,
    SIZE_RULE,
    contributions,
    find_ensemble,
    on_held_out,
    stability,
)
from eegdash.mechanism.layers import sites
from eegdash.mechanism.perturbation import BATTERY, Perturbation
from eegdash.mechanism.redundancy import cka_between, redundancy
from eegdash.mechanism.selection import halves
from eegdash.mechanism.sparsity import sparsity
from eegdash.mechanism.statistics import Bools, Whole, group_interval, plain
from eegdash.mechanism.stimuli import stimuli, stimulus_windows
from eegdash.workflows.desk import Desk
from eegdash.workflows.mechanism_silencing import silence
from eegdash.workflows.mechanism_windows import (
    ActivationRequest,
    Analysis,
    load_detector,
    region_rows,
    reread,
)
from eegdash.workflows.score import Progress

if TYPE_CHECKING:
    from eegdash.checkpoints import Detector

INPUT = "input"
"""The pseudo-layer of human-readable descriptors, before any layer of the network."""
N_SPLITS = 20
_PER_CLASS = 60  # windows that a perturbation or a gradient is taken of


def overview(
    desk: Desk,
    request: ActivationRequest,
    found: Activations,
    parameters: Mapping[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """How many windows of either class there are; the activations are made on the way."""
    return dict(_counts(found))


def separate(
    desk: Desk,
    request: ActivationRequest,
    found: Activations,
    parameters: Mapping[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """Linear probe and silhouette of the input's descriptors and of each layer."""
    summary, seed = str(parameters["summary"]), int(parameters["seed"])
    names = (INPUT, *found.layers)
    rows = []
    for k, name in enumerate(names):
        values = found.fact("descriptors") if name == INPUT else found.of(name, summary)
        probe = separation.probe(values, found.seizure, found.group, seed=seed)
        shape = separation.silhouette(values, found.seizure, found.group, seed=seed)
        rows.append(
            {
                "layer": name,
                "n_units": int(np.shape(values)[1]),
                "probe": probe.as_dict(),
                "silhouette": shape.as_dict(),
            }
        )
        progress((k + 1) / len(names))
    return {"layers": rows, **_counts(found)}


def _counts(found: Activations) -> dict[str, int]:
    return {
        "n_windows": len(found.seizure),
        "n_seizure": int(found.seizure.sum()),
        "n_groups": len(np.unique(found.group)),
        "n_groups_with_seizure": len(np.unique(found.group[found.seizure])),
    }


def picture(
    desk: Desk,
    request: ActivationRequest,
    found: Activations,
    parameters: Mapping[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """PCA and UMAP of one layer, and what the picture keeps of it."""
    scores = _scores(found, parameters)
    chosen = separation.PictureParameters(
        int(parameters["n_neighbors"]), float(parameters["min_dist"]), int(parameters["seed"])
    )
    progress(0.1)
    coordinates = separation.picture(scores, chosen)
    progress(0.9)
    quality = separation.picture_quality(scores, coordinates, found.seizure, chosen)
    k = min(15, len(scores) // 2 - 1)
    return {
        "umap": np.round(coordinates, 3).tolist(),
        "pca": np.round(scores[:, :2], 3).tolist(),
        "n_components": int(scores.shape[1]),
        "trustworthiness": plain(quality.trustworthiness),
        "same_label": plain(quality.same_label),
        "same_label_pca": plain(separation.same_label_share(scores, found.seizure, k)),
        "by_chance": plain(np.mean(found.seizure) ** 2 + np.mean(~found.seizure) ** 2),
    }


def _scores(found: Activations, parameters: Mapping[str, Any]) -> NDArray[np.float64]:
    values = found.of(str(parameters["layer"]), str(parameters["summary"]))
    scores = separation.pca_scores(values)
    if scores.shape[1] < 2 or len(scores) < 20:
        raise DatasetError(
            "A picture takes at least 20 windows and two live units in the layer. "
            "Choose more windows or another layer."
        )
    return scores


def picture_stability(
    desk: Desk,
    request: ActivationRequest,
    found: Activations,
    parameters: Mapping[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """The quality of the picture over a grid of UMAP's parameters and two seeds."""
    scores = _scores(found, parameters)
    settings = [
        separation.PictureParameters(k, distance, seed)
        for k in (5, 15, 50)
        for distance in (0.0, 0.1, 0.5)
        for seed in (0, 1)
    ]
    rows = []
    progress(0.0)
    for k, chosen in enumerate(settings):
        points = separation.picture(scores, chosen)
        quality = separation.picture_quality(scores, points, found.seizure, chosen)
        rows.append(
            {
                "n_neighbors": chosen.n_neighbors,
                "min_dist": chosen.min_dist,
                "seed": chosen.seed,
                "trustworthiness": plain(quality.trustworthiness),
                "same_label": plain(quality.same_label),
            }
        )
        progress((k + 1) / len(settings))
    return {"rows": rows}


def structure(
    desk: Desk,
    request: ActivationRequest,
    found: Activations,
    parameters: Mapping[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """Sparsity and redundancy of each layer, and CKA between layers."""
    summary, seed = str(parameters["summary"]), int(parameters["seed"])
    rows, tables = [], {}
    for k, name in enumerate(found.layers):
        values = np.asarray(found.of(name, summary))
        tables[name] = values
        rows.append(
            {
                "layer": name,
                "n_units": values.shape[1],
                "sparsity": sparsity(values, found.seizure, seed=seed).as_dict(),
                "redundancy": redundancy(values, seed=seed).as_dict(),
            }
        )
        progress(0.8 * (k + 1) / len(found.layers))
    cka, null = cka_between(tables, seed=seed)
    return {
        "layers": rows,
        "cka": [[plain(v) for v in row] for row in cka],
        "cka_null": [[plain(v) for v in row] for row in null],
        **_counts(found),
    }


def describe_units(
    desk: Desk,
    request: ActivationRequest,
    found: Activations,
    parameters: Mapping[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """Figures, names, regions and tuning of the units of one layer, and the logit's name."""
    layer, seed = str(parameters["layer"]), int(parameters["seed"])
    summary = str(parameters["summary"])
    values = np.asarray(found.of(layer, summary))
    figures = units.unit_figures(values, found.seizure, found.group, seed=seed)
    progress(0.3)
    names = tuple(found.meta["descriptors"])
    table = np.column_stack([values, found.fact("logit")])
    named = name_units(
        table, found.fact("descriptors"), names, found.seizure, found.group, seed=seed
    )
    progress(0.5)
    detector = load_detector(desk, request.model, untrained=request.untrained, seed=request.seed)
    config = detector.config
    regions = region_rows(config.montage)
    places = found.places(layer)
    profile = units.region_profile(places, found.seizure, regions) if places is not None else {}
    tuning = _tuning(detector, layer, summary, regions)
    rows = [
        {
            "unit": figure.unit,
            "selectivity": plain(figure.selectivity),
            "auroc": figure.auroc.as_dict(),
            "mean": figure.mean,
            "high": figure.high,
            "preferred": list(figure.preferred),
            "naming": naming.as_dict(),
            "regions": {name: float(column[figure.unit]) for name, column in profile.items()},
        }
        for figure, naming in zip(figures, named[:-1], strict=True)
    ]
    return {
        "units": rows,
        "logit": named[-1].as_dict(),
        "tuning": tuning,
        "filters": _filters(detector) if layer == found.layers[0] else None,
        **_counts(found),
    }


def _tuning(
    detector: Detector, layer: str, summary: str, regions: Mapping[str, list[int]]
) -> dict[str, Any]:
    config = detector.config
    n_samples = round(config.window_s * config.sfreq)
    wanted = stimuli(tuple(regions))
    made = stimulus_windows(
        wanted,
        sfreq=config.sfreq,
        n_samples=n_samples,
        n_channels=len(config.ch_names),
        regions=regions,
    )
    repeats = made.shape[1]
    features = np.stack([detector.features(w)[::2] for w in made.reshape(-1, *made.shape[2:])])
    layers = sites(detector.network)
    found = window_activations(detector.network, layers, features, n_channels=len(config.ch_names))[
        f"{layer}.{summary}"
    ]
    mean = found.reshape(len(wanted), repeats, -1).mean(axis=1)
    return {
        "stimuli": [
            {"hz": s.frequency_hz, "uv": s.amplitude_uv, "region": s.region} for s in wanted
        ],
        "answers": np.round(mean.T, 5).tolist(),
    }


def _filters(detector: Detector) -> dict[str, Any] | None:
    config = detector.config
    reads_samples = detector.freqs_hz.size == 0
    found = units.first_filters(
        detector.network,
        sfreq=config.sfreq,
        frame_s=config.stft.step_s,
        bin_hz=None if reads_samples else 1 / config.stft.window_s,
    )
    if found is None:
        return None
    return {
        "weights": np.round(found.weights, 5).tolist(),
        "tap_s": found.tap_s,
        "bin_hz": found.bin_hz,
        "freqs_hz": None if found.freqs_hz is None else found.freqs_hz.tolist(),
        "gain_db": None if found.gain_db is None else np.round(found.gain_db, 2).tolist(),
    }


# ---- ensembles -----------------------------------------------------------------------------


def find_ensembles(
    desk: Desk,
    request: ActivationRequest,
    found: Activations,
    parameters: Mapping[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """Ensembles of one layer by every method, tested on the other half, over many splits."""
    layer, seed = str(parameters["layer"]), int(parameters["seed"])
    values = np.asarray(found.of(layer, str(parameters["summary"])))
    seizure, group = found.seizure, found.group
    given = _contributions(desk, request, found, layer, lambda done: progress(0.5 * done))
    rows = []
    for prefers in ("seizure", "other"):
        for method in METHODS:
            rows.append(
                _one_method(layer, values, seizure, group, given, method, prefers, seed=seed)
            )
            progress(0.5 + 0.5 * len(rows) / (2 * len(METHODS)))
    return {"layer": layer, "size_rule": SIZE_RULE, "rows": rows, **_counts(found)}


def _one_method(
    layer: str,
    values: NDArray[Any],
    seizure: Bools,
    group: Whole,
    given: NDArray[Any],
    method: str,
    prefers: str,
    *,
    seed: int,
) -> dict[str, Any]:
    first, second = split_halves(group, seizure, seed)

    def on(half: Bools, k: int) -> Any:
        return find_ensemble(
            layer,
            values[half],
            seizure[half],
            method=method,
            prefers=prefers,
            contributions=given[half],
            seed=k,
        )

    ensemble = on(first, seed)
    tested = on_held_out(ensemble, values[second], seizure[second], group[second], seed=seed)
    others = [
        on(split_halves(group, seizure, seed + 1 + k)[0], seed + 1 + k) for k in range(N_SPLITS)
    ]
    stable = stability([ensemble, *others], values.shape[1], seed=seed)
    return {
        "method": method,
        "prefers": prefers,
        "units": list(ensemble.units),
        "n_units": values.shape[1],
        "tested": tested.as_dict(),
        "stability": {
            "jaccard": plain(stable.jaccard),
            "expected": plain(stable.expected),
            "share": list(stable.share),
            "n_splits": stable.n_splits,
        },
    }


def split_halves(group: Whole, seizure: Bools, seed: int) -> tuple[Bools, Bools]:
    """Return the half that ensembles are found on and the half they are tested on.

    Raises
    ------
    DatasetError
        If a half would lack one of the classes.
    """
    try:
        return halves(group, seizure, seed=seed)
    except ValueError as error:
        raise DatasetError(
            "An ensemble is found on one half of the recordings and tested on the other, and both "
            "need seizure and seizure-free windows. Choose recordings with seizures of at least "
            "two persons, or group by recording."
        ) from error


def _contributions(
    desk: Desk,
    request: ActivationRequest,
    found: Activations,
    layer: str,
    progress: Progress,
) -> NDArray[np.float32]:
    """Return gradient times activation of all windows, (n_windows, n_units)."""
    detector = load_detector(desk, request.model, untrained=request.untrained, seed=request.seed)
    site = [s for s in sites(detector.network) if s.layer == layer]
    result = np.zeros_like(np.asarray(found.of(layer)))
    done = 0
    for rows, batch in reread(desk, request, detector, found, np.arange(len(result))):
        features = batch.features(request.changed, seed=request.seed)
        for first in range(0, len(rows), 32):
            part = slice(first, first + 32)
            result[rows[part]] = contributions(batch.detector.network, site, features[part])[layer]
        done += len(rows)
        progress(done / len(result))
    return result


# ---- the input -----------------------------------------------------------------------------


def perturb(
    desk: Desk,
    request: ActivationRequest,
    found: Activations,
    parameters: Mapping[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """How the probability changes with the input, in both classes."""
    detector = load_detector(desk, request.model, untrained=request.untrained, seed=request.seed)
    rng = np.random.default_rng(int(parameters["seed"]))
    rows = np.sort(
        np.concatenate(
            [
                rng.permutation(np.flatnonzero(mask))[:_PER_CLASS]
                for mask in (found.seizure, ~found.seizure)
            ]
        )
    )
    seizure, group = found.seizure[rows], found.group[rows]
    tried = [Perturbation(), *BATTERY]
    p = np.full((len(tried), len(found.seizure)), np.nan)
    done = 0
    for index, batch in reread(desk, request, detector, found, rows):
        for k, changed in enumerate(tried):
            features = batch.features(changed, seed=request.seed)
            p[k, index] = detector.probability(batch.detector.logits(features))
        done += len(index)
        progress(0.9 * done / len(rows))
    p = p[:, rows]
    figures = []
    for changed, values in zip(tried, p, strict=True):
        row: dict[str, Any] = {"title": changed.title, **changed.as_dict()}
        for name, mask in (("seizure", seizure), ("other", ~seizure)):
            row[name] = _mean_interval(values, mask, group)
            row[f"{name}_change"] = _mean_interval(values - p[0], mask, group)
        figures.append(row)
    return {"rows": figures, "n_seizure": int(seizure.sum()), "n_other": int((~seizure).sum())}


def _mean_interval(values: NDArray[Any], mask: Bools, group: Whole) -> dict[str, Any]:
    def mean(used: Whole) -> float:
        inside = values[used][mask[used]]
        inside = inside[np.isfinite(inside)]
        return float(inside.mean()) if len(inside) else float("nan")

    return group_interval(mean, group).as_dict()


ANALYSES: dict[str, Analysis] = {
    "overview": overview,
    "separation": separate,
    "picture": picture,
    "stability": picture_stability,
    "structure": structure,
    "units": describe_units,
    "ensembles": find_ensembles,
    "silencing": silence,
    "perturbation": perturb,
}
"""Name of an analysis -> what makes it."""
