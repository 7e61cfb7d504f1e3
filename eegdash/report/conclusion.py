"""What the data make of a detector: suspect, uncertain, flattered, or none of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eegdash.report.words import count, interval, percent, score, span

Facts = Mapping[str, Any]
WIDE = 0.1
"""A perfect score whose interval is wider than this is said to be uncertain."""
SHORTCUT, UNCERTAIN, FLATTERED, NO_GAIN, UNKNOWN, BLIND = (
    "shortcut", "uncertain", "flattered", "no gain over amplitude", "truth not known",
    "finds nothing",
)  # fmt: skip
_SCORES = (
    ("windows", "accuracy", "accuracy by windows", "window"),
    ("windows", "sensitivity", "sensitivity by windows", "seizure window"),
    ("windows", "specificity", "specificity by windows", "seizure-free window"),
    ("windows", "f1", "F1 by windows", "window"),
    ("events", "sensitivity", "sensitivity by events", "reference event"),
    ("events", "precision", "precision by events", "detection"),
    ("events", "f1", "F1 by events", "event"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One conclusion with its evidence.

    Parameters
    ----------
    name : str
        :data:`SHORTCUT`, :data:`UNCERTAIN` and the like; empty where nothing is against the
        detector.
    sentences : tuple of str
    """

    name: str
    sentences: tuple[str, ...]

    @property
    def doubtful(self) -> bool:
        """Whether praise would contradict it."""
        return bool(self.name)


def conclusion(facts: Facts) -> tuple[Finding, ...]:
    """Return what follows from the facts, the gravest first; never empty."""
    found = (
        _shortcut(facts), _unknown(facts), _finds_nothing(facts), _flattered(facts),
        _uncertain(facts), _gain(facts),
    )  # fmt: skip
    kept = tuple(one for one in found if one is not None)
    return kept or (_nothing_against(facts),)


def _shortcut(facts: Facts) -> Finding | None:
    alarm = facts["alarm"]
    if not alarm["raised"]:
        return None
    raised = [sign for sign in alarm["signs"] if sign["raised"]]
    same = any(sign["name"] == "same profile" for sign in raised)
    if same:
        first = (
            "The detector is suspect: it looks at the same band and region for both classes, which "
            "speaks for a shortcut rather than for seizures."
        )
    else:
        names = " and ".join(_SIGN_WORDS.get(sign["name"], sign["name"]) for sign in raised)
        first = f"The detector is suspect of a shortcut: it leans on {names}."
    places = _places(alarm) if same else ()
    return Finding(SHORTCUT, (first, *places, *(sign["evidence"] for sign in raised)))


_SIGN_WORDS = {
    "window edges": "the edges of its segments",
    "line frequency": "the frequency of the mains",
    "muscle range": "the range of muscle",
}


def _places(alarm: Facts) -> tuple[str, ...]:
    seizure, other = alarm["top_seizure"], alarm["top_other"]
    if seizure is None or other is None:
        return ()
    return (
        f"Where it sees a seizure, most evidence lies in {_place(seizure)}; where it sees none, in "
        f"{_place(other)}.",
    )


def _place(top: Facts) -> str:
    place = "" if top["region"] == "all" else f", {top['region_title']}"
    return f"{top['band']}{place} ({percent(top['share'])})"


def _unknown(facts: Facts) -> Finding | None:
    if facts["metrics"] is not None:
        return None
    which = "these recordings" if facts["subject"]["n_recordings"] > 1 else "this recording"
    words = (
        f"No accuracy can be stated: the truth of {which} is not known, because no reference lies "
        "beside the file. What follows describes what the detector "
        "says, not whether it is right."
    )  # fmt: skip
    return Finding(UNKNOWN, (words,))


def _finds_nothing(facts: Facts) -> Finding | None:
    metrics = facts["metrics"]
    if metrics is None or not metrics["events"]["n_ref"] or metrics["events"]["tp"]:
        return None
    events = metrics["events"]
    what = (
        "missed the only seizure"
        if events["n_ref"] == 1
        else f"found none of the {count(events['n_ref'], 'seizure')}"
    )
    words = (
        f"The detector {what} in the known truth, at the threshold "
        f"{score(facts['operating_point']['threshold'])}, with "
        f"{count(events['fp'], 'false positive')} in {span(facts['balance']['covered_min'])}."
    )
    return Finding(BLIND, (words,))


def _flattered(facts: Facts) -> Finding | None:
    words = [w["text"] for w in facts["warnings"] if w["kind"] in ("threshold", "training")]
    return Finding(FLATTERED, tuple(words)) if words else None


def _uncertain(facts: Facts) -> Finding | None:
    metrics = facts["metrics"]
    if metrics is None:
        return None
    words = tuple(_perfect(metrics))
    if not words:
        return None
    return Finding(
        UNCERTAIN,
        (*words, "A perfect score on so few is uncertain, and no promise for other recordings."),
    )


def _perfect(metrics: Facts) -> Iterator[str]:
    for level, name, title, thing in _SCORES:
        found = metrics[level][name]
        value, low = found["value"], found["low"]
        if value == 1 and low is not None and 1 - low > WIDE:
            overlap = (
                f", which overlap and say about as much as {score(found['n_effective'], 1)}"
                if level == "windows"
                else ""
            )
            yield (
                f"The {title} is {percent(value)}, but on {count(found['n'], thing)} "
                f"only{overlap}: its 95 % interval is {interval(found)}."
            )


def _gain(facts: Facts) -> Finding | None:
    metrics = facts["metrics"]
    if metrics is None or metrics["auroc"]["value"] is None:
        return None
    area = metrics["auroc"]["value"]
    better = [b for b in metrics["baselines"] if b["auroc"] is not None and b["auroc"] >= area]
    if not better:
        return None
    names = " and ".join(f"{b['name']} ({score(b['auroc'], 3)})" for b in better)
    return Finding(
        NO_GAIN,
        (
            f"The detector separates the windows no better (AUROC {score(area, 3)}) than amplitude "
            f"alone does: {names}.",
        ),
    )


def _nothing_against(facts: Facts) -> Finding:
    alarm, metrics = facts["alarm"], facts["metrics"]
    judged = [sign for sign in alarm["signs"] if sign["raised"] is not None]
    words = []
    if judged:
        words.append(
            f"None of the {count(len(judged), 'sign')} of a shortcut that could be judged was "
            f"found, in {alarm['n_seizure']} windows with and {alarm['n_other']} without a "
            "detection. That does not prove that there is none."
        )
    else:
        words.append("Whether the detector takes a shortcut could not be judged here.")
    events = metrics["events"]
    words.append(
        f"By SzCORE it found {events['tp']} of {count(events['n_ref'], 'reference event')}, with "
        f"{count(events['fp'], 'false positive')} in {span(facts['balance']['covered_min'])} "
        "of known truth."
    )
    return Finding("", tuple(words))
