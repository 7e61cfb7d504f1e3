"""The model card of a detector that was taught from labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eegdash.checkpoints import DetectorConfig
from eegdash.training.card import input_lines, use_lines

FIGURES: tuple[tuple[str, str, str], ...] = (
    ("event_f1", "F1, events (SzCORE)", "{:.3f}"),
    ("event_sensitivity", "Sensitivity, events", "{:.3f}"),
    ("event_precision", "Precision, events", "{:.3f}"),
    ("fp_per_24h", "False detections per 24 h", "{:.1f}"),
    ("window_auroc", "Area under the ROC curve, windows", "{:.3f}"),
    ("window_sensitivity", "Sensitivity, windows", "{:.3f}"),
    ("window_specificity", "Specificity, windows", "{:.3f}"),
    ("window_f1", "F1, windows", "{:.3f}"),
)
"""Key, title and format of what is compared before and after."""


def taught_card(config: DetectorConfig) -> str:
    """Return the model card of a taught detector, as Markdown.

    Parameters
    ----------
    config : DetectorConfig
        With the record of its teaching.
    """
    training = config.training
    lines = [f"# {config.title}", "", "**Research use, not for diagnosis.**", ""]
    lines += [*use_lines(), *input_lines(config), *_origin(training), *_labels(training)]
    lines += [*_recipe(training), *_figures(training), *_limits(training), *_curves(training)]
    return "\n".join(lines)


def _origin(training: Mapping[str, Any]) -> Iterator[str]:
    parent, labels = training["parent"], training["labels"]
    yield from ("## Where it comes from", "")
    yield f"- parent: {parent['name']}, model hash `{parent['sha256']}`"
    yield (
        f"- labels: {labels['n_used']} of the first {labels['n_lines']} lines of `labels.jsonl`, "
        f"SHA-256 of these lines `{labels['sha256']}`"
    )
    yield (
        "- temperature, threshold and event rules are the parent's (threshold "
        f"{parent['threshold_pm'] / 1000:g}): none was chosen on these labels"
    )
    yield "- a candidate until somebody promotes it on the page Models; the workspace keeps who"
    yield "  did, when and why"
    yield ""


def _labels(training: Mapping[str, Any]) -> Iterator[str]:
    labels = training["labels"]
    yield from ("## Labels", "")
    used = ", ".join(f"{n} {verdict}" for verdict, n in sorted(labels["used"].items()))
    yield (
        f"Used: {used}; of {labels['n_readers']} readers, in {labels['n_recordings']} recordings "
        f"of {labels['n_persons']} persons."
    )
    for why, n in sorted(labels["left_out"].items()):
        yield f"- left out: {n} {why}"
    yield ""
    yield "| windows | number |"
    yield "|---|---|"
    for source, n in labels["windows"].items():
        yield f"| {source} | {n} |"
    yield ""
    yield "A person whose recordings were taught is scored nowhere below, and whoever was kept"
    yield "aside took no part in any teaching of this detector's ancestors."
    yield ""


def _recipe(training: Mapping[str, Any]) -> Iterator[str]:
    recipe, choice = training["recipe"], training["choice"]
    teach = recipe["teach"]
    yield from ("## Recipe", "")
    yield (
        f"{teach['fit']['epochs']} epochs, learning rate {teach['fit']['learning_rate']:g}, seed "
        f"{recipe['seed']}; a correction weighs {recipe['weights']['corrected']:g} times a "
        "confirmation."
    )
    yield (
        f"Rehearsed: {teach['rehearsed']} simulated people, only windows that the parent had right."
    )
    yield (
        f"Taken: {100 * training['share']:.0f} % of the change of the weights, chosen on "
        + (
            f"{training['n_choice']} labelled recordings that were not fitted and "
            if training["n_choice"]
            else ""
        )
        + f"{teach['validated']} further simulated people:"
    )
    yield ""
    yield "| share | loss on labels held out | forgotten of what the parent had right |"
    yield "|---|---|---|"
    for tried in choice:
        held = "n/a" if tried["held_loss"] is None else f"{tried['held_loss']:.4f}"
        yield f"| {tried['share']:g} | {held} | {100 * tried['forgotten']:.1f} % |"
    yield ""
    if not training["kept_all"]:
        yield (
            f"Every share forgot more than the {100 * teach['forgotten']:g} % that were allowed; "
            "the smallest was taken."
        )
        yield ""


def _figures(training: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Before and after", "")
    for key, title in (
        ("aside", "Recordings of the workspace that were kept aside"),
        ("simulated", "Simulated people, in no training"),
    ):
        found = training["before_after"][key]
        if not found["n_recordings"]:
            yield f"{title}: none."
            yield ""
            continue
        yield (
            f"{title}: {found['n_recordings']} recordings of {found['n_persons']} persons, "
            f"{found['hours']:.2f} h; 95 % intervals by person."
        )
        yield from figure_rows(found["figures"])
        changes = [entry["change"] for entry in found["recordings"]]
        yield ""
        yield (
            f"Fewer wrong events in {changes.count('better')} recordings, more in "
            f"{changes.count('worse')}, as many in {changes.count('same')}."
        )
        yield ""


def figure_rows(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the rows of a table of figures before and after."""
    yield ""
    yield "| figure | before | after | change |"
    yield "|---|---|---|---|"
    for key, title, form in FIGURES:
        if key in figures:
            cells = [_cell(figures[key][side], form) for side in ("before", "after", "difference")]
            yield f"| {title} | {' | '.join(cells)} |"


def _cell(figure: list[float | None], form: str) -> str:
    value, low, high = figure
    if value is None:
        return "n/a"
    if low is None or high is None:
        return form.format(value)
    return f"{form.format(value)} ({form.format(low)} to {form.format(high)})"


def _limits(training: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Limits", "")
    yield "- All limits of the parent hold; see its card."
    yield f"- {training['labels']['n_used']} labels are few. It learned what these readers said, on"
    yield "  these recordings: another reader may disagree with them."
    if not training["before_after"]["aside"]["n_recordings"]:
        yield "- No recording of the workspace could be kept aside: what it does on recordings like"
        yield "  yours was not measured."
    yield ""


def _curves(training: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Learning curve", "")
    yield "| epoch | training loss |"
    yield "|---|---|"
    for epoch, loss in enumerate(training["curves"]["train_loss"], start=1):
        yield f"| {epoch} | {loss:.4f} |"
    versions = ", ".join(f"{name} {value}" for name, value in training["versions"].items())
    device = "a GPU" if training["device"] == "cuda" else "the CPU"
    yield ""
    yield f"Taught in {training['elapsed_s'] / 60:.1f} min on {device}; {versions}."
    yield ""
