"""The model card, written from the config."""

from __future__ import annotations

from eegdash.checkpoints import DetectorConfig

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


def model_card(config: DetectorConfig) -> str:
    """Return the model card of a detector trained on simulated EEG, as Markdown.

    Parameters
    ----------
    config : DetectorConfig
        With its training record.

    Returns
    -------
    str
    """
    training = config.training
    results = training["results"]
    curves = training["curves"]
    lines = [
        f"# {config.title}",
        "",
        "**Research use, not for diagnosis.**",
        "",
        "## Intended use",
        "",
        "Shows how the review dashboard works, and is a start for training on a reader's own",
        "labels. It marks spans that resemble an evolving rhythm; a reader judges every one.",
        "It must not decide about a patient, raise an alarm, or replace reading the recording.",
        "",
        "## Input and output",
        "",
        f"- {len(config.ch_names)} derivations of the montage `{config.montage}` at "
        f"{config.sfreq:g} Hz",
        f"- log power from {config.stft.fmin_hz:g} to {config.stft.fmax_hz:g} Hz, frames of "
        f"{config.stft.window_s:g} s every {config.stft.step_s:g} s",
        f"- windows of {config.window_s:g} s every {config.step_s:g} s; probability = "
        f"sigmoid(logit / {config.temperature:g})",
        f"- locked threshold {config.threshold_pm / 1000:.2f}; smoothing "
        f"{config.post['smoothing_s']:g} s, merging below {config.post['merge_gap_s']:g} s, "
        f"events from {config.post['min_duration_s']:g} s",
        "",
        "## Training data",
        "",
        f"{training['hours']:g} h of {training['data']}, {training['recordings']} simulated "
        f"people, seed {training['seed']}. Temperature and threshold were",
        f"chosen on another {training['validation_hours']:g} h and then locked. "
        "No recording of a patient was used.",
        "",
        "## Results on simulated recordings",
        "",
        f"{training['test_hours']:g} h of further simulated people, who took no part in fitting "
        "or calibration:",
        "",
        "| figure | value |",
        "|---|---|",
    ]
    lines += [
        f"| {title} | {form.format(results[key])} |"
        for key, title, form in _RESULTS
        if key in results
    ]
    lines += [
        "",
        "Many simulated people are made restless on purpose: rhythmic movement and chewing that",
        "resemble seizures lower the precision. The figures say only how well the network",
        "learned the simulator. They say nothing about its sensitivity or its false-alarm rate",
        "in patients, which must be expected to be clearly worse.",
        "",
        "## Limits",
        "",
        "- Never validated on patients; neonates, intensive care, depth electrodes and ambulatory",
        "  recordings were not even simulated.",
        "- Seizures without a rhythm between 1.5 and 14 Hz, shorter than 20 s, or of low amplitude",
        "  may be missed. It sees 9 s at a time and knows no baseline of the person.",
        "- The simulator was revised after looking at a few real clips (CHB-MIT, IIIC, EEGMAT,",
        "  EEGMMIDB). None was trained on, but none is blind evidence about this model either.",
        "- Periodic and rhythmic patterns (LPD, GPD, LRDA, GRDA), chewing, rhythmic movement and",
        "  sleep patterns may be called seizures.",
        "",
        "## Learning curves",
        "",
        "| epoch | training loss | validation loss | validation AUROC |",
        "|---|---|---|---|",
    ]
    rows = zip(
        curves["train_loss"], curves["validation_loss"], curves["validation_auroc"], strict=True
    )
    lines += [
        f"| {epoch} | {train:.4f} | {held:.4f} | {area:.4f} |"
        for epoch, (train, held, area) in enumerate(rows, start=1)
    ]
    versions = ", ".join(f"{name} {value}" for name, value in training["versions"].items())
    lines += ["", f"Trained in {training['elapsed_s']:.0f} s without a GPU; {versions}.", ""]
    return "\n".join(lines)
