"""Inside the detector: what its analyses cost, and what they find in both detectors that ship."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bench import ROOT, Bench, run
from benchmarks.figures import Figure, Row, at_most, number

if TYPE_CHECKING:
    from eegdash.checkpoints import CheckpointInfo
    from eegdash.workflows.desk import Desk

MODELS = ("spectrogram-cnn-lstm", "shallow-cnn")
PACK = ROOT.parent / "shared" / "data"
_LAYERS_S, _PICTURE_S = 15.0, 30.0
_SILENCING_S, _FIRST_LAYER_S = 60.0, 120.0
_MOST_MB = 1500.0
_PERSONS, _MINUTES, _SEIZURES = 9, 8, 3
_N_WINDOWS = 400


def measure(bench: Bench) -> Iterator[Row]:
    """Run the analyses of the 1 h recording for both detectors, each in a process of its own."""
    layers = ("conv1", "dense") if bench.quick else ("conv1", "conv2", "conv3", "code", "dense")
    for model in MODELS:
        folder = bench.new_folder("mechanism")
        command = [
            sys.executable, "-m", "benchmarks.mechanism_inside", str(bench.hour_file), model,
            *layers,
        ]  # fmt: skip
        taken = run(command, folder)
        found = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
        yield _row(
            f"{model}: {found['n_windows']} windows through all layers",
            found["layers_s"],
            _LAYERS_S,
            f"reading them and their descriptors {number(found['reading_s'])} s",
        )
        yield _row(f"{model}: PCA and UMAP of one layer, warm", found["picture_s"], _PICTURE_S)
        for layer in layers:
            one = found["silencing"][layer]
            yield _row(
                f"{model}: {one['units']} of {one['n_units']} units of {layer} silenced in 1 h, "
                f"{one['controls']} random ensembles",
                one["seconds"],
                _FIRST_LAYER_S if layer == "conv1" else _SILENCING_S,
                f"{number(one['cpu_s'])} s of processor time",
            )
        yield Row(
            what=f"{model}: all of this in one process",
            median=taken.peak_mb,
            unit="MB",
            budget=f"<= {_MOST_MB:g} MB",
            within=at_most(taken.peak_mb, _MOST_MB),
        )


def _row(what: str, seconds: float, budget_s: float, peer: str = "") -> Row:
    return Row(
        what=what,
        median=seconds,
        unit="s",
        budget=f"<= {budget_s:g} s",
        within=at_most(seconds, budget_s),
        peer=peer,
    )


FIGURE = Figure(
    name="mechanism",
    title="units of a detector: all layers, a map, silencing in 1 h with random ensembles",
    budget=f"2,000 windows <= {_LAYERS_S:g} s, map <= {_PICTURE_S:g} s, silencing <= "
    f"{_SILENCING_S:g} s (first layer <= {_FIRST_LAYER_S:g} s), memory <= {_MOST_MB:g} MB",
    measure=measure,
)


# ---- three findings ------------------------------------------------------------------------


def measure_findings(bench: Bench) -> Iterator[Row]:
    """Say of three findings of an earlier project whether they hold, with their figures."""
    from eegdash.settings import Settings
    from eegdash.workflows.desk import open_desk

    desk = open_desk(Settings(workspace=bench.new_folder("mechanism-findings")))
    for name, paths in (("simulated", simulated(bench)), ("clips", clips())):
        for model in MODELS if paths else ():
            yield from _findings(desk, desk.model(model), name, paths)


def simulated(bench: Bench) -> tuple[Path, ...]:
    """Write recordings of nine simulated people."""
    from eegdash.workflows.files import simulate_to_file

    folder = bench.new_folder("mechanism-people")
    paths = []
    for k in range(bench.repeats(_PERSONS)):
        paths.append(folder / f"person{k + 1}.edf")
        simulate_to_file(paths[-1], duration_s=60.0 * _MINUTES, n_seizures=_SEIZURES, seed=4100 + k)
    return tuple(paths)


def clips() -> tuple[Path, ...]:
    """Return the short real recordings with known truth, where they are at hand."""
    found = sorted(PACK.glob("seizure_clips/*.edf")) + sorted(PACK.glob("background/eegmat/*.edf"))
    return tuple(p for p in found if p.with_name(f"{p.stem}_events.tsv").exists())


def _findings(
    desk: Desk, model: CheckpointInfo, name: str, paths: tuple[Path, ...]
) -> Iterator[Row]:
    from eegdash.workflows.mechanism import analyse
    from eegdash.workflows.mechanism_saved import findings
    from eegdash.workflows.mechanism_windows import ActivationRequest

    request = ActivationRequest(model, paths, _N_WINDOWS)
    base: dict[str, Any] = {"summary": "mean", "seed": 0}

    def made(kind: str, **parameters: Any) -> Mapping[str, Any]:
        found = analyse(desk, request, kind, {**base, **parameters}, lambda done: None)
        result: Mapping[str, Any] = found["result"]
        return result

    separation = made("separation")
    title = f"{name}, {model.name} ({model.sha256[:8]})"
    counted = (
        f"{separation['n_windows']} windows, {separation['n_seizure']} in seizures, of "
        f"{separation['n_groups']} persons, {separation['n_groups_with_seizure']} with seizures"
    )
    first = findings({"separation": separation})[0]
    probes = [row["probe"]["auroc"]["value"] for row in separation["layers"]]
    yield _found(f"{title}, {counted}: 1, probe of the first convolution", probes[1], first)
    for layer in [row["layer"] for row in separation["layers"]][1:]:
        ensembles = made("ensembles", layer=layer)
        row = next(r for r in ensembles["rows"] if (r["method"], r["prefers"]) == _STANDARD)
        silencing = made(
            "silencing",
            layer=layer,
            units=row["units"],
            mode="mean",
            keep_only=False,
            n_controls=100,
            half="tested",
        )
        _, second, third = findings({"ensembles": ensembles, "silencing": silencing})
        area = row["tested"]["auroc"]["value"]
        yield _found(f"{title}: 2, ensemble of {layer} on other people", area, second)
        after = silencing["effect"]["auroc_after"]["value"]
        yield _found(f"{title}: 3, {layer} silenced (altered model)", after, third)


_STANDARD = ("auc", "seizure")


def _found(what: str, value: float | None, finding: Any) -> Row:
    holds = {True: "reproduced", False: "not reproduced", None: "not tested"}[finding.holds]
    return Row(
        what=what,
        median=float("nan") if value is None else value,
        unit="AUROC",
        peer=f"{holds}: {finding.evidence}",
    )


FINDINGS = Figure(
    name="unit-findings",
    title="three findings of an earlier project, in both detectors",
    budget="none: whether they are reproduced, with their figures",
    measure=measure_findings,
)
