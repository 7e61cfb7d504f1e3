"""What results of analyses of units say, in a sentence or two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from eegdash.mechanism.silencing import ALTERED
from eegdash.workflows.mechanism_saved import claim_words, findings, interval_words


def told(content: Mapping[str, Any]) -> str:
    """Return what a result says, in one or two sentences for a reader who knows no networks.

    Parameters
    ----------
    content : mapping
        ``kind``, ``parameters`` and ``result`` of an analysis.
    """
    by_kind: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], str]] = {
        "separation": _told_separation,
        "picture": _told_picture,
        "structure": _told_structure,
        "units": _told_units,
        "ensembles": lambda result, _: findings({"ensembles": result})[1].evidence,
        "silencing": lambda result, _: _told_silencing(result),
        "perturbation": lambda result, _: _told_perturbation(result),
    }
    tell = by_kind.get(str(content["kind"]))
    return "" if tell is None else tell(content["result"], content["parameters"])


def _told_separation(result: Mapping[str, Any], _: Mapping[str, Any]) -> str:
    layers = [row for row in result["layers"] if row["layer"] != "input"]
    if not layers or layers[0]["probe"]["auroc"]["value"] is None:
        return "Seizures of one person only: nothing can be tested on another."
    best = max(layers, key=lambda row: row["probe"]["auroc"]["value"] or 0)
    first, before = layers[0], result["layers"][0]["probe"]
    return (
        f"On persons it was not fitted on, a straight line through the units of {first['layer']} "
        f"tells seizure from other windows with an AUROC of "
        f"{interval_words(first['probe']['auroc'])}, through those of {best['layer']} with "
        f"{interval_words(best['probe']['auroc'])}. What a reader would measure of the EEG, "
        f"without any network, reaches {interval_words(before['auroc'])}."
    )


def _told_picture(result: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    return (
        f"Of the 15 windows that {parameters['layer']} finds most alike, "
        f"{100 * result['same_label_pca']:.0f} % have the same truth "
        f"({100 * result['by_chance']:.0f} % by chance); in the map "
        f"{100 * result['same_label']:.0f} %."
    )


def _told_structure(result: Mapping[str, Any], _: Mapping[str, Any]) -> str:
    rows = [row for row in result["layers"] if row["redundancy"]["dimensions"]["value"]]
    if not rows:
        return "No layer has two live units."
    least = min(rows, key=lambda row: row["redundancy"]["dimensions"]["value"] / row["n_units"])
    dead = sum(len(row["sparsity"]["dead"]) for row in result["layers"])
    return (
        f"Units say the same most in {least['layer']}: its {least['n_units']} units move in "
        f"{least['redundancy']['dimensions']['value']:.1f} independent directions. "
        f"{dead or 'No'} {'unit' if dead == 1 else 'units'} of the network never "
        f"{'answers' if dead == 1 else 'answer'}."
    )


def _told_units(result: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    known = [u for u in result["units"] if u["auroc"]["value"] is not None]
    if not known:
        return "No unit could be measured."
    best = max(known, key=lambda unit: abs(unit["auroc"]["value"] - 0.5))
    more = "more" if best["auroc"]["value"] > 0.5 else "less"
    named = sum(unit["naming"]["name"] != "no descriptor names it" for unit in known)
    return (
        f"Unit {best['unit']} of {parameters['layer']} tells the classes apart best: it answers "
        f"{more} in seizures (AUC {interval_words(best['auroc'])}) and follows: "
        f"{best['naming']['name']}. {named} of {len(known)} units follow something a reader "
        "would measure."
    )


def _told_silencing(result: Mapping[str, Any]) -> str:
    return f"{'Yes' if result['effect']['claim'] else 'No'} ({ALTERED}). {claim_words(result)}"


def _told_perturbation(result: Mapping[str, Any]) -> str:
    base, *rows = result["rows"]
    known = [row for row in rows if row["seizure_change"]["value"] is not None]
    if not known:
        return "No seizure window could be changed."
    by_change = sorted(known, key=lambda row: abs(row["seizure_change"]["value"]))
    steady, most = by_change[0], by_change[-1]
    return (
        f"In seizure windows the mean probability is {base['seizure']['value']:.2f} as "
        f"recorded. It changes most with the input {most['title']}: "
        f"{interval_words(most['seizure'])}, and elsewhere {interval_words(most['other'])}. It "
        f"changes least with the input {steady['title']}: {interval_words(steady['seizure'])}."
    )
