"""The narrative that the program writes from the facts, and the facts that a model is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eegdash.report.conclusion import conclusion
from eegdash.report.words import count, interval, number_interval, percent, score, seconds, span

Facts = Mapping[str, Any]
NOT_KNOWN = "not known"


def narrative(facts: Facts) -> list[list[str]]:
    """Return the narrative as paragraphs of sentences; the conclusion stands before it."""
    parts = (
        (_data, _performance),
        (_point,),
        (_evidence, _maps, _inside),
        (_mistakes, _reading),
    )
    found = [[sentence for part in group for sentence in part(facts)] for group in parts]
    return [paragraph for paragraph in found if paragraph]


def conclusion_sentences(facts: Facts) -> list[str]:
    """Return the conclusion, sentence by sentence."""
    return [sentence for finding in conclusion(facts) for sentence in finding.sentences]


def _data(facts: Facts) -> Iterator[str]:
    subject, balance = facts["subject"], facts["balance"]
    what = (
        f"This report is about {count(subject['n_recordings'], 'recording')} of the person "
        f"{subject['name']}"
        if facts["kind"] == "person"
        else f"This report is about the recording {subject['name']}"
    )
    yield f"{what}, {span(balance['scored_min'])} of it scored by {facts['detector']['title']}."
    if balance["n_windows"]:
        yield (
            f"Of {count(balance['n_windows'], 'window')} of known truth {balance['n_seizure']:,} "
            f"lie in seizures ({percent(balance['seizure_share'])}) and {balance['n_free']:,} do "
            "not."
        )
    if balance["n_failed"]:
        yield (
            f"{count(balance['n_failed'], 'recording')} could not be scored; that is never counted "
            "as free of seizures."
        )


def _performance(facts: Facts) -> Iterator[str]:
    metrics = facts["metrics"]
    if metrics is None:
        yield (
            f"At the threshold {score(facts['operating_point']['threshold'])} the detector calls "
            f"{count(facts['balance']['n_detections'], 'event')}."
        )
        return
    events, windows = metrics["events"], metrics["windows"]
    alarms = (
        f"{score(events['fp_per_24h']['value'], 1)} false positives per 24 h "
        f"({number_interval(events['fp_per_24h'], 1)})"
    )
    if events["n_ref"]:
        yield (
            f"By events (SzCORE) it finds {events['tp']} of {events['n_ref']}: sensitivity "
            f"{percent(events['sensitivity']['value'])} (95 % interval "
            f"{interval(events['sensitivity'])}), {alarms}."
        )
    else:
        yield (
            "No seizure that could be found as an event lies in the known truth, so that no "
            f"sensitivity by events can be stated; there are {alarms}."
        )
    named = (("sensitivity", "sensitivity"), ("specificity", "specificity"), ("f1", "F1"))
    shown = [
        f"{title} {percent(windows[name]['value'])} ({interval(windows[name])})"
        for name, title in named
        if windows[name]["value"] is not None
    ]
    if shown:
        yield f"By windows: {', '.join(shown)}."
    if metrics["auroc"]["value"] is not None:
        area = metrics["auroc"]
        spread = (
            f"95 % interval by persons {number_interval(area, 3)}"
            if area["low"] is not None
            else "no interval, because there is one person"
        )
        yield (
            f"Over all thresholds the windows are separated with AUROC {score(area['value'], 3)} "
            f"({spread})."
        )


def _point(facts: Facts) -> Iterator[str]:
    point = facts["operating_point"]
    yield f"The threshold is {score(point['threshold'])}: {point['origin']}"
    for best in point["best"][:1]:
        yield (
            f"On these recordings {score(best['threshold'])} would give the best {best['title']} "
            f"({percent(best['value'])}); chosen where it is scored, it flatters, and it is not "
            "used."
        )


def _evidence(facts: Facts) -> Iterator[str]:
    alarm = facts["alarm"]
    if alarm["top_seizure"] is not None and not alarm["raised"]:
        top = alarm["top_seizure"]
        place = "" if top["region"] == "all" else f", {top['region_title']}"
        yield (
            "In windows that the detector takes for seizures, most evidence lies in "
            f"{top['band']}{place} ({percent(top['share'])})."
        )
    if alarm["problem"]:
        yield f"Signs of a shortcut were not looked for: {alarm['problem']}"
    for sign in alarm["signs"]:
        if sign["raised"] is None:
            yield f'The sign "{sign["name"]}" was not judged. {sign["evidence"]}'


def _maps(facts: Facts) -> Iterator[str]:
    tests = facts["faithfulness"]
    if not tests["n_maps"]:
        return
    yield (
        f"Of {count(tests['n_maps'], 'map')} of the examples {tests['n_insertion']} beat random "
        f"maps by insertion and {tests['n_deletion']} by deletion; {tests['n_survive']} stay much "
        "the same with randomised weights and so show the input rather than the reason."
    )


def _mistakes(facts: Facts) -> Iterator[str]:
    for example in facts["examples"]:
        if example["truth"] in (example["predicted"], NOT_KNOWN):
            continue
        yield (
            f"Example {example['number']} is {example['kind']}, at {seconds(example['centre_s'])}: "
            f"truth {example['truth']}, probability {score(example['probability'], 3)}."
        )


def _reading(facts: Facts) -> Iterator[str]:
    reviews = facts["reviews"]
    if reviews["withheld"]:
        yield reviews["withheld"]
        return
    if not reviews["n_labels"]:
        yield "No reader has labelled anything here yet."
        return
    verdicts = ", ".join(f"{n} {name}" for name, n in reviews["verdicts"].items() if n)
    yield (
        f"{count(reviews['n_readers'], 'reader')} left {count(reviews['n_labels'], 'label')} "
        f"({verdicts})."
    )
    yield from _agreement(reviews["agreement"])
    if reviews["disagreements"]:
        yield f"{count(len(reviews['disagreements']), 'disagreement')} listed below with reasons."


def _agreement(agreement: Facts | None) -> Iterator[str]:
    group = None if agreement is None else agreement["group"]
    if group is None:
        return
    figures = [
        f"{title} {score(group[name]['value'])}"
        + (f" ({number_interval(group[name])})" if group[name]["low"] is not None else "")
        for name, title in (("fleiss_kappa", "Fleiss' kappa"), ("gwet_ac1", "Gwet's AC1"))
        if group[name]["value"] is not None
    ]
    read = f"{span(group['compared_s'] / 60)} were judged by two readers or more"
    yield f"{read}: {', '.join(figures)}." if figures else f"{read}; agreement is undefined there."


def _inside(facts: Facts) -> Iterator[str]:
    inside = facts["inside"]
    if inside is None or not inside["findings"]:
        return
    holds = sum(one["holds"] for one in inside["findings"])
    yield (
        f"Of {count(len(inside['findings']), 'claim')} about the inside of this detector that "
        f"{'was' if len(inside['findings']) == 1 else 'were'} tested on "
        f"{count(inside['n_recordings'], 'recording')}, {holds} "
        f"{'holds' if holds == 1 else 'hold'}."
    )


# ---- what a model is given -----------------------------------------------------------------

_EXAMPLE = ("number", "kind", "truth", "predicted", "probability", "centre_s", "onset_s", "end_s")
_MOST_SENTENCES = 40


def digest(facts: Facts) -> dict[str, Any]:
    """Return the part of the facts that a language model is given: small, and without names.

    No hash, no curve, no reader's name, no comment; all of it is in ``report.json``.
    """
    examples = [
        {
            **{name: example[name] for name in _EXAMPLE},
            "says": example["sentences"],
            "maps": [
                {
                    "method": one["title"],
                    "says": one["sentences"],
                    "beats_random_by_insertion": one["insertion"]["beats_random"],
                    "beats_random_by_deletion": one["deletion"]["beats_random"],
                    "survives_randomised_weights": one["randomisation"]["survives"],
                }
                for one in example["maps"]
            ],
        }
        for example in facts["examples"]
    ]
    reviews = facts["reviews"]
    alarm = facts["alarm"]
    return {
        "conclusion": conclusion_sentences(facts),
        "facts": [s for paragraph in narrative(facts) for s in paragraph][:_MOST_SENTENCES],
        "kind": facts["kind"],
        "balance": facts["balance"],
        "metrics": facts["metrics"],
        "operating_point": {
            name: facts["operating_point"][name] for name in ("threshold", "origin", "best")
        },
        "shortcut": {
            name: alarm[name]
            for name in ("raised", "signs", "n_seizure", "n_other", "top_seizure", "top_other")
        },
        "faithfulness": facts["faithfulness"],
        "examples": examples,
        "readers": {
            **{name: reviews[name] for name in ("n_readers", "n_labels", "verdicts")},
            "agreement": _without_names(reviews["agreement"]),
        },
        "inside": None
        if facts["inside"] is None
        else {name: facts["inside"][name] for name in ("findings", "n_recordings")},
        "warnings": [warning["text"] for warning in facts["warnings"]],
    }


def _without_names(agreement: Facts | None) -> dict[str, Any] | None:
    group = None if agreement is None else agreement["group"]
    if group is None:
        return None
    return {name: value for name, value in group.items() if name != "readers"}
