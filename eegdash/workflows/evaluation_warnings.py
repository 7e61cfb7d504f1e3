"""What has to be said beside the figures of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eegdash.scoring import Criterion
from eegdash.workflows.evaluation import Evaluation, Group

FEW_PERSONS = 10
FEW_SEIZURES = 30
FEW_HOURS = 24.0


def warnings_of(
    evaluation: Evaluation, training: Mapping[str, Any], criterion: Criterion | None
) -> tuple[str, ...]:
    """Return the warnings of an evaluation, in sentences.

    Parameters
    ----------
    evaluation : Evaluation
    training : mapping
        What the model says about its training: ``persons`` and ``recordings_sha256``.
    criterion : Criterion or None
        Wanted for the choice of a threshold.
    """
    found: list[str] = []
    if evaluation.choice is not None:
        found.append(
            "The threshold was chosen on the recordings it is scored on, so the figures at it "
            "flatter the detector. Choose it on recordings of other persons, then lock it."
        )
    elif criterion is not None:
        found.append(
            "No threshold on these recordings reaches what was asked for; the locked one is used."
        )
    if evaluation.overall is None:
        return (*found, "No recording with a known truth could be scored: there are no figures.")
    found += training_warnings(evaluation.overall, training)
    if len(evaluation.groups) > 1:
        found.append(
            "The groups differ in hospital, amplifier, age or reference. Compare within a group: "
            "between groups a detector can tell the source from the source, not the seizure."
        )
    for group in evaluation.groups:
        found += _few(group)
    n_short = sum(not r.events_possible for r in evaluation.overall.recordings)
    if n_short:
        found.append(
            f"In {n_short} of the recordings less was scored than the shortest detection lasts "
            f"({evaluation.post.min_duration_s:g} s): they enter the window figures only."
        )
    n_failed = sum(entry.failed for entry in evaluation.left_out)
    if n_failed:
        found.append(
            f"{n_failed} of the recordings failed and are in no figure. If these are the difficult "
            "ones, the figures flatter the detector."
        )
    return tuple(found)


def training_warnings(group: Group, training: Mapping[str, Any]) -> list[str]:
    """Return what has to be said where the model was trained on these persons or recordings."""
    found = []
    persons = _names(training, "persons")
    shared = sorted({r.person for r in group.recordings if r.person_key in persons})
    if shared:
        found.append(
            f"The model was trained on recordings of {len(shared)} of these persons "
            f"({', '.join(shared[:5])}{' ...' if len(shared) > 5 else ''}): the figures say "
            "nothing about new patients."
        )
    known = {digest[:8] for digest in _names(training, "recordings_sha256")}
    same = sum(r.alias[-8:] in known for r in group.recordings)
    if same:
        found.append(f"The model was trained on {same} of these very recordings.")
    return found


def _names(training: Mapping[str, Any], key: str) -> set[str]:
    value = training.get(key)
    return {str(name) for name in value} if isinstance(value, list | tuple) else set()


def _few(group: Group) -> list[str]:
    persons = {r.person_key for r in group.recordings}
    with_seizures = {
        r.person_key for r in group.recordings if r.table.n_ref[0] or r.counts.n_seizure
    }
    n_seizures = int(group.table.n_ref[:, 0].sum())
    hours = sum(r.covered_s for r in group.recordings) / 3600
    short = []
    if len(persons) < FEW_PERSONS:
        short.append("1 person" if len(persons) == 1 else f"{len(persons)} persons")
    if with_seizures and n_seizures < FEW_SEIZURES:
        noun = "seizure" if n_seizures == 1 else "seizures"
        short.append(f"{n_seizures} {noun} that could be detected as events")
    if hours < FEW_HOURS:
        short.append(f"{60 * hours:.1f} min" if hours < 1 else f"{hours:.1f} h")
    if not short:
        return []
    return [
        f"{group.name}: only {', '.join(short)} of known truth. These figures show that the "
        "program runs; they are no sensitivity and no false-alarm rate of the detector."
    ]
