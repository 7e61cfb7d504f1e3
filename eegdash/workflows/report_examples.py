"""The examples of a report: maps with their tests, and the figures of each window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eegdash.attribution import METHODS, Attribution
from eegdash.attribution.digest import digest
from eegdash.attribution.faithfulness import Checks, Curve
from eegdash.attribution.maps import Progress
from eegdash.checkpoints import DetectorConfig
from eegdash.errors import AttributionError
from eegdash.montage import MONTAGES, resolve
from eegdash.plotting.report_examples import (
    Traces,
    limit_of,
    maps_png,
    picture,
    spectrogram_png,
    traces_png,
)
from eegdash.preprocessing import filter_uv, margin_s
from eegdash.report.json_values import json_values
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain import Explained, Request, WindowFeatures, explain
from eegdash.workflows.explain_checks import check
from eegdash.workflows.library import Opened
from eegdash.workflows.report_windows import ChosenWindow

SHOWN = ("grad-cam", "grad-cam++", "integrated-gradients")
LOW_HZ, HIGH_HZ = 1.0, 70.0
_AROUND_S = 3.0
_DRAWN_HZ = 256.0


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A window with its maps and their tests.

    Parameters
    ----------
    chosen : ChosenWindow
    explained : tuple of Explained
        By the methods of :data:`SHOWN` that fit the model.
    checks : tuple of Checks
        One for each.
    problem : str
        Why a map is missing, in words.
    """

    chosen: ChosenWindow
    explained: tuple[Explained, ...]
    checks: tuple[Checks, ...]
    problem: str


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Examples as JSON values, with the PNGs that they name."""

    facts: list[dict[str, Any]]
    figures: dict[str, bytes]


def explain_example(
    desk: Desk, model: str, chosen: ChosenWindow, progress: Progress | None = None
) -> Example:
    """Explain a window by every method that fits, and test each map; what is stored is taken."""
    explained: list[Explained] = []
    checks: list[Checks] = []
    problems: list[str] = []
    for done, method in enumerate(SHOWN):
        request = Request(chosen.recording.opened.recording.path, model, chosen.index, method)
        try:
            found = explain(desk, request)
            tested = check(desk, request)
        except AttributionError as error:
            problems.append(f"No map by {METHODS[method].title}: {error}")
        else:
            explained.append(found)
            checks.append(tested)
        if progress is not None:
            progress((done + 1) / len(SHOWN))
    return Example(chosen, tuple(explained), tuple(checks), " ".join(problems))


def draw_examples(
    examples: Sequence[Example], config: DetectorConfig, progress: Progress | None = None
) -> Drawn:
    """Draw all examples, the maps of one method on one colour scale."""
    limits = {
        method: limit_of(
            [
                picture(found.map)
                for example in examples
                for found in example.explained
                if found.request.method == method
            ]
        )
        for method in SHOWN
    }
    on_traces = limit_of(
        [_on_traces(found.map) for e in examples for found in e.explained if _placed(found.map)]
    )
    facts: list[dict[str, Any]] = []
    figures: dict[str, bytes] = {}
    for number, example in enumerate(examples, start=1):
        made = _figures(number, example, config, limits, on_traces)
        figures.update({name: content for name, (content, _, _) in made.items()})
        shown = [
            {"file": name, "alt": alt, "caption": caption, "narrow": False}
            for name, (_, alt, caption) in made.items()
        ]
        facts.append({**_facts(number, example, config, limits), "figures": shown})
        if progress is not None:
            progress(number / len(examples))
    return Drawn(facts, figures)


def _facts(
    number: int, example: Example, config: DetectorConfig, limits: Mapping[str, float]
) -> dict[str, Any]:
    chosen = example.chosen
    onset_s = chosen.index * config.step_s
    maps = [
        _map_facts(found, checks, limits[found.request.method])
        for found, checks in zip(example.explained, example.checks, strict=True)
    ]
    shared = _shared(maps)
    return {
        "number": number,
        "kind": chosen.kind,
        "truth": chosen.truth,
        "predicted": chosen.predicted,
        "probability": chosen.probability_pm / 1000,
        "alias": chosen.recording.opened.recording.alias,
        "recording_sha256": chosen.recording.opened.recording.sha256,
        "index": chosen.index,
        "onset_s": onset_s,
        "centre_s": onset_s + config.window_s / 2,
        "end_s": onset_s + config.window_s,
        "problem": example.problem,
        "maps": json_values(maps),
        "sentences": shared,
    }


def _shared(maps: Sequence[dict[str, Any]]) -> list[str]:
    """Take what several maps say word for word out of them; it is said once."""
    told: dict[str, list[str]] = {}
    for one in maps:
        for sentence in one["sentences"]:
            told.setdefault(sentence, []).append(one["title"])
    for one in maps:
        one["sentences"] = [sentence for sentence in one["sentences"] if len(told[sentence]) == 1]
    return [
        f"{' and '.join(titles)}: {sentence}"
        for sentence, titles in told.items()
        if len(titles) > 1
    ]


def _map_facts(found: Explained, checks: Checks, limit: float) -> dict[str, Any]:
    made = found.map
    said = digest(made)
    return {
        "method": made.method,
        "title": METHODS[made.method].title,
        "unit": made.unit,
        "limit": limit,
        "logit": made.logit,
        "baseline": None if found.baseline is None else found.baseline.title,
        "baseline_logit": made.baseline_logit,
        "completeness_error": made.completeness_error,
        "positive_mass": made.positive_mass,
        "negative_mass": made.negative_mass,
        "native_shape": made.native_shape,
        "sentences": said.sentences,
        "bands": [band.title for band in said.clinical.bands],
        "regions": said.clinical.regions,
        "positive": said.clinical.positive,
        "negative": said.clinical.negative,
        "insertion": _curve(checks.insertion),
        "deletion": _curve(checks.deletion),
        "randomisation": {
            "signed": checks.randomisation.signed,
            "magnitude": checks.randomisation.magnitude,
            "n_networks": checks.randomisation.n_networks,
            "survives": checks.randomisation.survives,
        },
        "note": checks.note,
        "parameters": made.parameters,
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "auc": curve.auc,
        "random_mean": curve.random_auc_mean,
        "random_low": curve.random_auc_low,
        "random_high": curve.random_auc_high,
        "n_random": curve.n_random,
        "beats_random": curve.beats_random,
    }


def faithfulness_of(facts: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many maps of the examples stood their tests."""
    maps = [one for example in facts for one in example["maps"]]
    return {
        "n_maps": len(maps),
        "n_insertion": sum(one["insertion"]["beats_random"] for one in maps),
        "n_deletion": sum(one["deletion"]["beats_random"] for one in maps),
        "n_survive": sum(one["randomisation"]["survives"] for one in maps),
    }


# ---- figures -------------------------------------------------------------------------------

Figures = dict[str, tuple[bytes, str, str]]


def _figures(
    number: int,
    example: Example,
    config: DetectorConfig,
    limits: Mapping[str, float],
    on_traces: float,
) -> Figures:
    """Return PNG, alternative text and caption by file name."""
    chosen, made = example.chosen, Figures()
    window = example.explained[0].window if example.explained else None
    onsets = [config.step_s * (chosen.index + k) for k in (0, 2, 4)]
    about = (
        f"Window from {onsets[0]:.1f} to {onsets[0] + config.window_s:.1f} s; true label: "
        f"{chosen.truth}, predicted: {chosen.predicted}, probability "
        f"{chosen.probability_pm / 1000:.3f}."
    )
    if window is not None and window.log_power_db is not None:
        made[f"example-{number}-spectrogram.png"] = _spectrogram(window, about)
    if example.explained:
        maps = [found.map for found in example.explained]
        titles = ", ".join(METHODS[found.method].title for found in maps)
        said = " ".join(digest(maps[-1]).sentences)
        ends = ", ".join(f"{limits[one.method]:.3g} ({one.unit})" for one in maps)
        caption = f"{titles} for t=0, 1, 2; colour scales end at {ends}."
        made[f"example-{number}-maps.png"] = (
            maps_png(maps, limits, onsets, config.segment_s),
            f"Maps of evidence by {titles}. {about} {said}",
            caption,
        )
    placed = next((f.map for f in reversed(example.explained) if _placed(f.map)), None)
    made[f"example-{number}-traces.png"] = _traces(chosen, config, placed, on_traces, about)
    return made


def _spectrogram(window: WindowFeatures, about: str) -> tuple[bytes, str, str]:
    assert window.log_power_db is not None
    content = spectrogram_png(
        window.log_power_db, window.freqs_hz, window.segment_onset_s, window.segment_s
    )
    power = 10 * np.log10(np.mean(10 ** (window.log_power_db / 10), axis=1))
    loudest = float(window.freqs_hz[int(power.mean(axis=(0, 2)).argmax())])
    return (
        content,
        f"Spectrogram triptych, mean of the derivations; most power at {loudest:.0f} Hz. {about}",
        "Spectrogram triptych t=0, 1, 2: mean power of the derivations that the detector reads.",
    )


def _placed(found: Attribution) -> bool:
    return found.method == "integrated-gradients" and found.has_channels


def _on_traces(found: Attribution) -> Any:
    """Return signed evidence by derivation and time, (3, n_channels, n_columns)."""
    if found.has_frequency_axis:
        return found.channel_time().shown()
    return picture(found)


def _traces(
    chosen: ChosenWindow,
    config: DetectorConfig,
    placed: Attribution | None,
    limit: float,
    about: str,
) -> tuple[bytes, str, str]:
    onset_s = chosen.index * config.step_s
    traces = traces_around(chosen.recording.opened, onset_s, onset_s + config.window_s)
    evidence = None
    if placed is not None and tuple(traces.names) == tuple(placed.ch_names):
        evidence = _on_traces(placed)
    ground = (
        " Behind it: Integrated Gradients by derivation and time." if evidence is not None else ""
    )
    caption = f"Raw EEG, longitudinal bipolar, {LOW_HZ:g} to {HIGH_HZ:g} Hz, negative up.{ground}"
    return traces_png(traces, evidence, limit), f"Raw EEG traces. {about}", caption


def traces_around(opened: Opened, begin_s: float, end_s: float) -> Traces:
    """Return the filtered derivations from 3 s before to 3 s after a window."""
    recording = opened.recording
    sfreq = recording.sfreq
    matrix = resolve(recording, MONTAGES["longitudinal-bipolar"], mapping=opened.mapping)
    first = round(max(begin_s - _AROUND_S, 0.0) * sfreq)
    stop = min(round((end_s + _AROUND_S) * sfreq), recording.n_samples)
    margin = math.ceil(margin_s(LOW_HZ) * sfreq)
    derived = matrix.apply(recording.read(first - margin, stop + margin, list(matrix.picks)))
    filtered = filter_uv(derived, sfreq, low_hz=LOW_HZ, high_hz=HIGH_HZ)
    shown = filtered[:, margin : margin + stop - first]
    # above 70 Hz nothing is left, so that fewer samples draw the same line
    thinned = max(int(sfreq // _DRAWN_HZ), 1)
    seizures = opened.reference.seizures if opened.reference is not None else ()
    start_s = first / sfreq
    return Traces(
        signal_uv=shown[:, ::thinned],
        names=matrix.names,
        start_s=start_s,
        sfreq=sfreq / thinned,
        window_s=(begin_s, end_s),
        seizures_s=tuple(
            (max(s.onset_s, start_s), min(s.end_s, stop / sfreq))
            for s in seizures
            if s.onset_s < stop / sfreq and s.end_s > start_s
        ),
    )
