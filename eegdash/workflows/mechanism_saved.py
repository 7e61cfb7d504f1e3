"""Saved analyses of units: kept as JSON, compared between models, and told in sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eegdash.atomic import write_atomically
from eegdash.cache import cache_key
from eegdash.mechanism.silencing import ALTERED
from eegdash.workflows import reading
from eegdash.workflows.desk import Desk

SCHEMA = 1
KINDS: dict[str, str] = {
    "separation": "Layers",
    "picture": "Map of windows",
    "structure": "Sparsity and overlap",
    "units": "Units",
    "ensembles": "Ensembles",
    "silencing": f"Silencing ({ALTERED})",
    "perturbation": "Changed input",
}
"""Kinds of analyses that are saved, and what the page calls them."""
_NAME = re.compile(r"[A-Za-z0-9_.+-]+")


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved analysis.

    Parameters
    ----------
    path : Path
    saved_utc : str
    note : str
        Of the reader.
    content : mapping
        ``kind``, ``parameters``, ``provenance`` and ``result`` of the analysis.
    """

    path: Path
    saved_utc: str
    note: str
    content: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Which analysis it is."""
        return str(self.content["kind"])

    @property
    def model_sha256(self) -> str:
        """Hash of the weights that it was made with."""
        return str(self.content["provenance"]["model_sha256"])

    @property
    def title(self) -> str:
        """Kind, model and time, in a line."""
        when = self.saved_utc[:16].replace("T", " ")
        return f"{self.subject} · {self.model} · {when}"

    @property
    def subject(self) -> str:
        """What was analysed: the kind, and the layer where it is of one."""
        layer = str(self.content["parameters"].get("layer", ""))
        return f"{KINDS.get(self.kind, self.kind)}{f', {layer}' if layer else ''}"

    @property
    def model(self) -> str:
        """Name and hash of the detector in words."""
        made_of = self.content["provenance"]
        random = ", random weights" if made_of["untrained"] else ""
        return f"{made_of['model']} ({self.model_sha256[:8]}){random}"


def _folder(desk: Desk) -> Path:
    return desk.workspace.reports / "mechanism"


def save_result(desk: Desk, content: Mapping[str, Any], *, note: str = "") -> Path:
    """Keep a result among the reports; the same result is kept once.

    The file holds aliases and hashes of recordings, and no name of a file.

    Raises
    ------
    WorkspaceError
        If it cannot be written.
    """
    made_of = content["provenance"]
    mark = cache_key(
        str(made_of["activations"]), "", str(content["kind"]), **dict(content["parameters"])
    )[:8]
    model = "-".join(_NAME.findall(str(made_of["model"])))
    path = _folder(desk) / f"{model}-{content['kind']}-{mark}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "schema": SCHEMA,
        "saved_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "note": note,
        "research_use": "Research use, not for diagnosis.",
        **content,
    }
    write_atomically(path, json.dumps(record, indent=1, ensure_ascii=False).encode())
    return path


def saved_results(desk: Desk, *, reviewer: str = "", blinded: bool = False) -> list[Saved]:
    """Return what was saved, newest first, without what a blinded reader must not see.

    Kinds that this version does not know are left out.

    Parameters
    ----------
    desk : Desk
    reviewer : str
    blinded : bool
        The reader wants to read blinded first.
    """
    return [
        saved
        for saved in every_result(desk)
        if not any(
            reading.is_blind(desk, str(sha256), reviewer, wanted=blinded)
            for sha256 in saved.content["provenance"]["recordings"]
        )
    ]


def every_result(desk: Desk) -> list[Saved]:
    """Return all that was saved, newest first: for what is withheld as a whole, a report."""
    found = []
    for path in sorted(_folder(desk).glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["schema"] != SCHEMA:
                continue
            saved = Saved(path, str(record["saved_utc"]), str(record["note"]), record)
            recordings = list(saved.content["provenance"]["recordings"])
            if saved.title and saved.kind in KINDS and recordings:
                found.append(saved)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # a file by another hand is not listed
    return sorted(found, key=lambda saved: saved.saved_utc, reverse=True)


def saved_of_model(
    desk: Desk, model_sha256: str, *, reviewer: str = "", blinded: bool = False
) -> dict[str, list[Saved]]:
    """Return what was saved of one model by kind, newest first; of a report, for example.

    Parameters
    ----------
    desk : Desk
    model_sha256 : str
        Hash of its weights.
    reviewer : str
    blinded : bool
        The reader wants to read blinded first.
    """
    found: dict[str, list[Saved]] = {}
    for one in saved_results(desk, reviewer=reviewer, blinded=blinded):
        untrained = bool(one.content["provenance"]["untrained"])
        if one.model_sha256 == model_sha256 and not untrained:
            found.setdefault(one.kind, []).append(one)
    return found


def figures_of(content: Mapping[str, Any]) -> dict[str, float | str | None]:
    """Return the figures of a result by name, for tables and comparisons."""
    return {
        "separation": _of_separation,
        "structure": _of_structure,
        "ensembles": _of_ensembles,
        "silencing": _of_silencing,
        "perturbation": _of_perturbation,
    }.get(str(content["kind"]), _of_nothing)(content["result"])


def compare(first: Saved, second: Saved) -> list[dict[str, Any]]:
    """Return the figures that both results have, side by side, and what changed."""
    a, b = figures_of(first.content), figures_of(second.content)
    rows = []
    for name in [n for n in a if n in b]:
        x, y = a[name], b[name]
        numbers = isinstance(x, int | float) and isinstance(y, int | float)
        rows.append({"figure": name, "A": x, "B": y, "B - A": y - x if numbers else None})  # type: ignore[operator]
    return rows


def counterpart(saved: Sequence[Saved], first: Saved) -> int:
    """Return which of the saved results to put beside one: of another model, all else alike.

    Where there is none, of another input; where there is none either, itself.
    """
    alike = [
        (one.model_sha256 == first.model_sha256, k)
        for k, one in enumerate(saved)
        if one is not first and not _unlike(first, one)
    ]
    return min(alike)[1] if alike else saved.index(first)


def _unlike(first: Saved, second: Saved) -> bool:
    """Whether more than the model and the input differs."""
    why = comparable(first, second)
    return bool(why) and not why.startswith("The input")


def comparable(first: Saved, second: Saved) -> str:
    """Return why two results should not be compared, in words; empty where they may."""
    if first.kind != second.kind:
        return "These are analyses of different kinds."
    a, b = first.content["provenance"], second.content["provenance"]
    layers = {str(one.content["parameters"].get("layer", "")) for one in (first, second)}
    if len(layers) > 1:
        return f"These are of different layers: {' and '.join(sorted(layers))}."
    if sorted(a["recordings"]) != sorted(b["recordings"]):
        return "These were made on different recordings: what differs may be the recordings."
    if a["changed"] != b["changed"]:
        return f"The input differs: A {a['input']}, B {b['input']}. What differs may be the input."
    return ""


def _of_nothing(result: Mapping[str, Any]) -> dict[str, float | str | None]:
    return {}


def _of_separation(result: Mapping[str, Any]) -> dict[str, float | str | None]:
    found: dict[str, float | str | None] = {}
    for row in result["layers"]:
        found[f"probe AUROC, {row['layer']}"] = row["probe"]["auroc"]["value"]
        found[f"silhouette, {row['layer']}"] = row["silhouette"]["value"]["value"]
    return found


def _of_structure(result: Mapping[str, Any]) -> dict[str, float | str | None]:
    found: dict[str, float | str | None] = {}
    for row in result["layers"]:
        sparse = row["sparsity"]
        found[f"population sparseness, {row['layer']}"] = sparse["population"]["treves_rolls"][
            "value"
        ]
        found[f"dead units, {row['layer']}"] = len(sparse["dead"])
        found[f"dimensions, {row['layer']}"] = row["redundancy"]["dimensions"]["value"]
    return found


def _of_ensembles(result: Mapping[str, Any]) -> dict[str, float | str | None]:
    found: dict[str, float | str | None] = {}
    for row in result["rows"]:
        name = f"{row['prefers']} by {row['method']}"
        found[f"units, {name}"] = len(row["units"])
        found[f"held-out AUROC, {name}"] = row["tested"]["auroc"]["value"]
        found[f"stability, {name}"] = row["stability"]["jaccard"]
    return found


def _of_silencing(result: Mapping[str, Any]) -> dict[str, float | str | None]:
    effect = result["effect"]
    names = {
        "auroc_before": "AUROC of the model",
        "auroc_after": f"AUROC, {ALTERED}",
        "recognised_before": "seizure windows recognised",
        "recognised_after": f"seizure windows recognised, {ALTERED}",
        "called_before": "other windows called seizure",
        "called_after": f"other windows called seizure, {ALTERED}",
    }
    found: dict[str, float | str | None] = {
        words: effect[name]["value"] for name, words in names.items()
    }
    found["percentile among random ensembles"] = effect["against_random"]["auroc_drop"][
        "percentile"
    ]
    if "whole_layer" in result:
        found[f"AUROC, whole layer silenced, {ALTERED}"] = result["whole_layer"]["value"]
    found["claim met"] = "yes" if effect["claim"] else "no"
    return found


def _of_perturbation(result: Mapping[str, Any]) -> dict[str, float | str | None]:
    found: dict[str, float | str | None] = {}
    for row in result["rows"]:
        found[f"seizure windows, {row['title']}"] = row["seizure"]["value"]
        found[f"other windows, {row['title']}"] = row["other"]["value"]
    return found


# ---- the three findings --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of an earlier project, and whether it holds here.

    ``holds`` is None where it was not tested yet.
    """

    claim: str
    holds: bool | None
    evidence: str


def findings(results: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Say of each earlier finding whether it is reproduced, with the numbers.

    Parameters
    ----------
    results : mapping of str to mapping
        Results by kind: ``separation``, ``ensembles``, ``silencing``; any may be missing.
    """
    return [
        _first_layer(results.get("separation")),
        _selective_groups(results.get("ensembles")),
        _silencing(results.get("silencing")),
    ]


_NOT_YET = "Not tested yet on these recordings."


def _first_layer(result: Mapping[str, Any] | None) -> Finding:
    claim = "Separation of seizure from other windows begins at the first convolution."
    if result is None:
        return Finding(claim, None, _NOT_YET)
    rows = {row["layer"]: row["probe"] for row in result["layers"]}
    first = next((name for name in rows if name != "input"), None)
    if first is None or rows[first]["n_folds"] == 0:
        return Finding(claim, None, "Seizures of at least two persons are needed for a probe.")
    probe, plain_input = rows[first], rows["input"]
    evidence = (
        f"Linear probe of {first}: AUROC {interval_words(probe['auroc'])}; shuffled labels reach "
        f"{probe['control']['null_high']:.2f}. Descriptors of the input without any network: "
        f"{interval_words(plain_input['auroc'])}."
    )
    if plain_input["above_control"] and probe["above_control"]:
        evidence += " The input separates the classes already, so it does not begin there."
    return Finding(
        claim, bool(probe["above_control"] and not plain_input["above_control"]), evidence
    )


def _selective_groups(result: Mapping[str, Any] | None) -> Finding:
    claim = "A small group of selective units carries the seizures."
    if result is None:
        return Finding(claim, None, _NOT_YET)
    row = next(r for r in result["rows"] if (r["method"], r["prefers"]) == ("auc", "seizure"))
    auroc, random = row["tested"]["auroc"], row["tested"]["random"]
    holds = auroc["low"] is not None and auroc["low"] > 0.5 and random["p"] <= 0.05
    evidence = (
        f"{result['layer']}: {len(row['units'])} of {row['n_units']} units, AUROC on the other "
        f"half of the recordings {interval_words(auroc)}, above {random['percentile']:.0f} % of "
        f"random groups as large (p = {random['p']:.3f})."
    )
    return Finding(claim, holds, evidence)


def _silencing(result: Mapping[str, Any] | None) -> Finding:
    claim = "Silencing the seizure ensemble drives seizure windows to chance and leaves the others."
    if result is None:
        return Finding(claim, None, _NOT_YET)
    return Finding(claim, bool(result["effect"]["claim"]), claim_words(result))


def claim_words(result: Mapping[str, Any]) -> str:
    """Return the three parts of the silencing claim with their numbers, in sentences."""
    effect, done = result["effect"], result["intervention"]
    random = effect["against_random"]["auroc_drop"]
    return (
        f"{done['layer']}, {len(done['units'])} {'unit' if len(done['units']) == 1 else 'units'}, "
        f"{done['mode']}"
        f"{', keep only these' if done['keep_only'] else ''}: AUROC "
        f"{interval_words(effect['auroc_before'])} becomes {interval_words(effect['auroc_after'])}"
        f" ({'chance' if effect['to_chance'] else 'not chance'}); other windows called seizure "
        f"{interval_words(effect['called_before'])} becomes "
        f"{interval_words(effect['called_after'])} "
        f"({'left alone' if effect['others_spared'] else 'not left alone, or not shown to be'}); "
        f"the drop exceeds {_number(random['percentile'], '.0f')} % of {random['n']} matched "
        f"random ensembles, p = {_number(random['p'], '.3f')}.{_whole_words(result)}"
    )


def _whole_words(result: Mapping[str, Any]) -> str:
    """What goes past the layer, for it is left when all of its units are silenced."""
    whole = result.get("whole_layer")
    if whole is None or whole["value"] is None:
        return ""
    return f" With every unit of the layer silenced the AUROC is {interval_words(whole)}."


def interval_words(values: Mapping[str, Any]) -> str:
    """Return a figure with its interval, or what is known of it."""
    if values["low"] is None:
        return f"{_number(values['value'], '.2f')} (no interval: one group)"
    return f"{values['value']:.2f} ({values['low']:.2f}-{values['high']:.2f})"


def _number(value: Any, form: str) -> str:
    return "n/a" if value is None else format(float(value), form)
