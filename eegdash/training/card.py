"""The model card, written from the config and its training record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eegdash.checkpoints import LOG_POWER, DetectorConfig

_RESULTS = (
    ("window_auroc", "Area under the ROC curve, windows", "{:.3f}"),
    ("window_sensitivity", "Sensitivity, windows", "{:.3f}"),
    ("window_specificity", "Specificity, windows", "{:.3f}"),
    ("event_sensitivity", "Sensitivity, events (any overlap, -30 s / +60 s)", "{:.3f}"),
    ("event_f1", "F1, events", "{:.3f}"),
    ("false_detections_per_24h", "False detections per 24 h", "{:.1f}"),
    ("seizures", "Seizures in the test recordings", "{:.0f}"),
    ("hours", "Hours of test recordings", "{:.1f}"),
)
_ATTRIBUTION = {
    "CHB-MIT": "CHB-MIT Scalp EEG Database 1.0.0: Guttag J., PhysioNet 2010, "
    "doi:10.13026/C2K01R; Shoeb A., PhD thesis, MIT 2009. ODC-By 1.0.",
    "IIIC": "IIIC-SPaRCNet: Jing J. et al. 2023, doi:10.1212/WNL.0000000000207127; IIIC-IRR: "
    "Jing J. et al. 2023, doi:10.1212/WNL.0000000000201670. ODC-By 1.0.",
    "EEGMAT": "EEG During Mental Arithmetic Tasks 1.0.0: Zyma I. et al. 2019, "
    "doi:10.3390/data4010014; PhysioNet, doi:10.13026/C2JQ1P. ODC-By 1.0.",
    "EEGMMIDB": "EEG Motor Movement/Imagery Dataset 1.0.0: Schalk G. et al. 2004, "
    "doi:10.1109/TBME.2004.827072; PhysioNet, doi:10.13026/C28G6P. ODC-By 1.0.",
}
"""Sources by a word in the key of a person; PhysioNet: Goldberger A. et al. 2000."""


def model_card(config: DetectorConfig) -> str:
    """Return the model card of a trained detector, as Markdown.

    Parameters
    ----------
    config : DetectorConfig
        With its training record.

    Returns
    -------
    str
    """
    training = config.training
    lines = [f"# {config.title}", "", "**Research use, not for diagnosis.**", ""]
    lines += [*use_lines(), *input_lines(config), *_data(training)]
    lines += [*_left_out(training), *_background(training), *_simulated(training["results"])]
    lines += [*_limits(training), *_curves(training)]
    return "\n".join(lines)


def _shown(value: float | None, decimals: int, factor: float = 1.0) -> str:
    return "n/a" if value is None else f"{factor * value:.{decimals}f}"


def use_lines() -> Iterator[str]:
    """Yield what a detector is for."""
    yield from (
        "## Intended use",
        "",
        "Shows a reader of long EEG recordings where to look first, and is a start for training on",
        "a reader's own labels. A reader judges every detection. It must not decide about a",
        "patient, raise an alarm, or replace reading the recording.",
        "",
    )


def input_lines(config: DetectorConfig) -> Iterator[str]:
    """Yield what a detector reads and gives."""
    stft, post = config.stft, config.post
    yield from ("## Input and output", "")
    yield (
        f"- {len(config.ch_names)} derivations of the montage `{config.montage}` at "
        f"{config.sfreq:g} Hz"
    )
    if config.features == LOG_POWER:
        yield (
            f"- log power from {stft.fmin_hz:g} to {stft.fmax_hz:g} Hz, frames of "
            f"{stft.window_s:g} s every {stft.step_s:g} s"
        )
    else:
        yield "- the samples themselves, each segment divided by its own level"
    yield (
        f"- windows of {config.window_s:g} s every {config.step_s:g} s; probability = "
        f"sigmoid(logit / {config.temperature:g})"
    )
    yield "- levels in four bands count relative to the recording's own background; the less there"
    yield "  is of a recording, the more the usual one of the training takes its place (3 min: next"
    yield "  to nothing, 1 min: a third, 10 s: all). So the gain of an amplifier hardly counts in"
    yield "  recordings of minutes and more, and does count in short clips"
    yield "- the logit is the sum of two: one by all that the network sees, one by the levels alone"
    yield (
        f"- locked threshold {config.threshold_pm / 1000:.2f}; smoothing "
        f"{post['smoothing_s']:g} s, merging below {post['merge_gap_s']:g} s, events from "
        f"{post['min_duration_s']:g} s"
    )
    yield ""


def _data(training: Mapping[str, Any]) -> Iterator[str]:
    recipe = training["recipe"]
    yield from ("## Training data", "")
    yield (
        f"{recipe['hours']:g} h from the seed {recipe['seed']}: simulated people of "
        "`eegdash.simulation`"
    )
    persons = training.get("persons")
    if not persons:
        yield "alone. No recording of a real person was used."
        yield from _locked()
        return
    yield "and simulated seizures, look-alikes and artefacts put into real recordings without"
    yield "seizures, half and half, so that the data set does not give the seizure away."
    if recipe["refine"]:
        yield "Then real clips with labels of experts, played faster and slower, with artefacts."
    else:
        yield "Real clips with labels of experts served for testing only."
    yield f"{len(persons)} real persons took part; `config.json` lists them and the SHA-256 of"
    yield "every recording."
    yield from _locked()
    for word, source in _ATTRIBUTION.items():
        if any(word in person for person in persons):
            yield f"- {source}"
    yield ""


def _locked() -> Iterator[str]:
    yield "Temperature and threshold were chosen on other people and then locked."
    yield ""


def _left_out(training: Mapping[str, Any]) -> Iterator[str]:
    found: Mapping[str, Mapping[str, Any]] = training.get("leave_one_person_out", {})
    if not found:
        return
    yield from ("## Results on real persons not seen in training", "")
    if training["folds"]:
        yield f"The recipe was repeated in {training['folds']} folds, and in each the clips of"
        yield "other persons were kept from it and scored."
    else:
        yield "No clip of these persons took part in training or calibration, so that"
        yield "`python -m eegdash evaluate FOLDER` gives the figures of each group again."
    yield "Windows of known truth, area under the ROC curve (95 % interval from resampled persons),"
    yield "beside two numbers without any learning:"
    yield ""
    yield "| group | detector | root mean square | line length | windows | persons |"
    yield "|---|---|---|---|---|---|"
    for group, ranked in found.items():
        cells = [
            f"{_shown(value['auroc'], 3)} ({_shown(value['low'], 3)}-{_shown(value['high'], 3)})"
            for value in ranked.values()
        ]
        n = ranked["detector"]
        yield (
            f"| {group} | {' | '.join(cells)} | {n['windows']:.0f}, of them "
            f"{n['seizure_windows']:.0f} in seizures | {n['persons']:.0f} |"
        )
    yield ""
    for group, ranked in found.items():
        own = ranked["detector"]["auroc"]
        better = [n for n, v in ranked.items() if own is not None and v["auroc"] > own]
        if better:
            yield f"- {group}: {' and '.join(better)} alone ranked these windows better."
    yield ""
    yield "So few persons say little: read the intervals, not the figures. A clip whose person is"
    yield "not stated counts as a person."
    yield ""


def _background(training: Mapping[str, Any]) -> Iterator[str]:
    found: Mapping[str, Any] | None = training.get("background")
    if found is None:
        return
    yield from ("## Real people without seizures, not seen in training", "")
    yield (
        f"{found['hours']:.2f} h of {found['persons']:.0f} persons, mostly cleaned of artefacts by "
        "their authors:"
    )
    yield ""
    yield (
        f"- false alarms at the locked threshold: {_shown(found['per_hour'], 1)} per hour "
        f"({_shown(found['low'], 1)}-{_shown(found['high'], 1)}); {found['alarms']:.0f} in all"
    )
    yield (
        f"- at the threshold that {_shown(found['share'], 1, 100)} % of the windows pass, "
        f"{_shown(found['share_times_3'], 1, 100)} % pass when the recordings are three times as "
        f"large, {_shown(found['share_by_3'], 1, 100)} % when a third"
    )
    yield ""


def _simulated(results: Mapping[str, float]) -> Iterator[str]:
    yield from ("## Results on simulated people", "")
    yield "Further simulated people, who took no part in fitting or calibration:"
    yield from ("", "| figure | value |", "|---|---|")
    for key, title, form in _RESULTS:
        if key in results:
            yield f"| {title} | {form.format(results[key])} |"
    yield ""
    yield "They are crowded with seizures, artefacts and look-alikes on purpose. The figures say"
    yield "how well the network learned the simulator, and nothing about patients."
    yield ""


def _limits(training: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Limits", "")
    yield "- Not validated on long recordings of patients: sensitivity and false alarms there are"
    yield "  unknown and must be expected to be clearly worse than above."
    yield "- Neonates, depth electrodes and ambulatory recordings took no part."
    yield "- It sees 9 s at a time, and one background for the whole recording. Short or low"
    yield "  seizures may be missed, in clips of a minute or less all of small amplitude; and there"
    yield "  whatever is large and slow may be called a seizure."
    yield "- Periodic and rhythmic patterns (LPD, GPD, LRDA, GRDA), chewing, rhythmic movement and"
    yield "  sleep patterns may be called seizures."
    if training.get("persons"):
        yield "- Recipe and simulator were developed with the clips in view, though each figure is"
        yield "  of persons who were left out: they are not blind evidence."
    if training["remark"]:
        yield f"- {training['remark']}"
    yield ""


def _curves(training: Mapping[str, Any]) -> Iterator[str]:
    curves = training["curves"]
    yield from ("## Learning curves", "")
    yield "| epoch | training loss | validation loss | validation AUROC |"
    yield "|---|---|---|---|"
    rows = zip(
        curves["train_loss"], curves["validation_loss"], curves["validation_auroc"], strict=True
    )
    for epoch, (train, held, area) in enumerate(rows, start=1):
        yield f"| {epoch} | {train:.4f} | {held:.4f} | {area:.4f} |"
    versions = ", ".join(f"{name} {value}" for name, value in training["versions"].items())
    device = "a GPU" if training["device"] == "cuda" else "the CPU"
    minutes = training["elapsed_s"] / 60
    yield ""
    yield f"Trained in {minutes:.0f} min on {device}, reproduced by `{training['command']}`;"
    yield f"{versions}."
    yield ""
