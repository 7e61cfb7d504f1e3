"""What was saved about the inside of a detector, for a report on recordings that it judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eegdash.checkpoints import CheckpointInfo
from eegdash.mechanism.silencing import ALTERED
from eegdash.report.json_values import json_values
from eegdash.workflows.desk import Desk
from eegdash.workflows.mechanism_saved import Saved, every_result, figures_of, findings

_TITLES = {
    "separation": "Separation of seizure from other windows, by layer",
    "structure": "Sparseness and redundancy, by layer",
    "ensembles": "Groups of selective units",
    "silencing": f"Silencing of units: an {ALTERED}, not the detector of this report",
    "perturbation": "Answers to altered input",
}
_MOST_FIGURES = 24
_UNTOUCHED = "raw"


def inside_of(
    desk: Desk, model: CheckpointInfo, hashes: Sequence[str] = ()
) -> dict[str, Any] | None:
    """Return the saved analyses of a detector's units as JSON values, None where there are none.

    Taken are the newest result of each kind and layer, of these very weights and of EEG as it is:
    results of untrained copies and of altered input belong beside others, on the page. Nothing in
    it names a reader or a person.

    Parameters
    ----------
    desk : Desk
    model : CheckpointInfo
    hashes : sequence of str
        Recordings of the report, to say how many of them were analysed.

    Returns
    -------
    dict or None
        ``results``, ``findings``, ``recordings`` (hashes, so that the report can be withheld from
        who still has to read one of them blinded) and ``n_here``.
    """
    newest: dict[tuple[int, str], tuple[dict[str, Any], list[dict[str, Any]], list[str]]] = {}
    for saved in every_result(desk):
        if saved.kind not in _TITLES:
            continue
        try:
            place = (list(_TITLES).index(saved.kind), _layer(saved))
            if place not in newest and _is_of(saved, model):
                hashes_of = [str(sha256) for sha256 in _made_of(saved)["recordings"]]
                newest[place] = _row(saved), _findings(saved), hashes_of
        except (LookupError, TypeError, ValueError, AttributeError, StopIteration):
            continue  # a file by another hand is left out
    if not newest:
        return None
    kept = [newest[place] for place in sorted(newest)]
    recordings = sorted({sha256 for _, _, of_it in kept for sha256 in of_it})
    return {
        "results": [row for row, _, _ in kept],
        "findings": [finding for _, found, _ in kept for finding in found],
        "recordings": recordings,
        "n_recordings": len(recordings),
        "n_here": len(set(recordings) & set(hashes)),
    }


def _made_of(saved: Saved) -> Mapping[str, Any]:
    found: Mapping[str, Any] = saved.content["provenance"]
    return found


def _is_of(saved: Saved, model: CheckpointInfo) -> bool:
    made_of = _made_of(saved)
    return (
        made_of["model_sha256"] == model.sha256
        and not made_of["untrained"]
        and made_of["changed"]["kind"] == _UNTOUCHED
    )


def _layer(saved: Saved) -> str:
    return str(saved.content["parameters"].get("layer", ""))


def _row(saved: Saved) -> dict[str, Any]:
    made_of, figures = _made_of(saved), figures_of(saved.content)
    shown = list(figures.items())[:_MOST_FIGURES]
    return {
        "kind": saved.kind,
        "title": _TITLES[saved.kind],
        "layer": _layer(saved),
        "saved_utc": saved.saved_utc[:16].replace("T", " ") + " UTC",
        "n_recordings": len(made_of["recordings"]),
        "n_groups": len(made_of["groups"]),
        "seed": made_of["seed"],
        "software": f"eegdash {made_of['version']}",
        "figures": [{"name": name, "value": json_values(value)} for name, value in shown],
        "n_left_out": len(figures) - len(shown),
    }


def _findings(saved: Saved) -> list[dict[str, Any]]:
    """Say of each earlier finding that this result tests whether it holds."""
    return [
        {"claim": one.claim, "holds": one.holds, "evidence": one.evidence}
        for one in findings({saved.kind: saved.content["result"]})
        if one.holds is not None
    ]
