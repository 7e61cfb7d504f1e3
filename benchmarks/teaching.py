"""Does teaching work? Simulated readers correct a detector that is wrong in a systematic way.

    python -m benchmarks.teaching --seeds 5

For each seed a copy of the shipped detector is spoiled: it is fitted to simulated people with one
kind of seizure called background and chewing called seizure. Simulated readers, who know the
truth, then read recordings of further people until they have disagreed 20 times: they mark what it
missed, reject its false alarms, and agree with the rest. The detector is taught through the same
workflow that the page Models runs, and compared on people whom neither it nor anybody before saw.
A control is fitted to the rehearsal alone, without a label: what it gains is not the labels' doing.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import BACKGROUND, Annotation
from eegdash.checkpoints import CheckpointInfo, Detector, load_checkpoint, save_checkpoint
from eegdash.detection import find_events
from eegdash.export import write_edf
from eegdash.export.events_tsv import write_events_tsv
from eegdash.labels import DraftLabel
from eegdash.settings import Settings
from eegdash.simulation import SEIZURES, draw_person, inject_into, plan_simulation
from eegdash.training.datasets import LabelledRecording, bipolar_uv, label_windows
from eegdash.training.fine_tune import TeachParameters, fine_tune, plain_config, rehearsal
from eegdash.training.fit import FitParameters, fit
from eegdash.training.level_expert import fit_level_expert
from eegdash.training.material import labelled
from eegdash.training.opinions import touches
from eegdash.workflows import library
from eegdash.workflows.comparison import CompareItem, compare_items, compare_models
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.score import Scored, post_of, score
from eegdash.workflows.teach import request_now, teach
from eegdash.workflows.teach_labels import TeachChoice

SFREQ = 128.0
LENGTH_S = 240.0
_APART_S = 95.0  # SzCORE joins detections less than 90 s apart
_LONG_CHEWING_S = 10.0
_LIMIT_UV = 3276.7
_CORRECTED, _ELSEWHERE = "corrected", "elsewhere"
_BOTH = ("before", "after")

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Made:
    """A simulated recording: 19 electrodes, uV, its seizures and its chewing."""

    signal_uv: NDArray[np.float32]
    ch_names: tuple[str, ...]
    seizures: tuple[Annotation, ...]
    chewing: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """How large the study is; the defaults are the study, tests take less."""

    disagreements: int = 20
    spoiling: int = 120
    spoiling_epochs: int = 5
    tested: int = 24
    control: bool = True
    parameters: TeachParameters = field(default_factory=TeachParameters)


def person(seed: int, kind: str, chewing: bool, *, sfreq: float = SFREQ) -> Made:
    """Simulate a quiet, awake person with a seizure of a kind (or none) and, if so, chewing."""
    who = draw_person(seed, vigilance="awake", clutter=0.0, patterns=(), muscle_per_min=0.2)
    made = plan_simulation(
        LENGTH_S, seed=seed, sfreq=sfreq, n_seizures=1 if kind else 0,
        kinds=(kind,) if kind else SEIZURES, person=who,
    ).whole()  # fmt: skip
    seizures = tuple(a for a in made.annotations if a.is_seizure)
    signal_uv = made.signal_uv
    chewed: tuple[Span, ...] = ()
    if chewing:
        signal_uv, chewed = _with_chewing(signal_uv, made.ch_names, seizures, seed, sfreq)
    return Made(
        np.clip(signal_uv, -_LIMIT_UV, _LIMIT_UV).astype(np.float32), made.ch_names, seizures,
        chewed,
    )  # fmt: skip


def _with_chewing(
    signal_uv: NDArray[np.float32],
    names: Sequence[str],
    seizures: Sequence[Annotation],
    seed: int,
    sfreq: float,
) -> tuple[NDArray[np.float32], tuple[Span, ...]]:
    for attempt in range(40):
        try:
            found = inject_into(signal_uv, sfreq, names, kind="chewing", seed=40 * seed + attempt)
        except ValueError:  # longer than the recording
            continue
        onset_s, end_s = found.truth.onset_s, found.truth.onset_s + found.truth.duration_s
        near = any(onset_s < s.end_s + _APART_S and end_s > s.onset_s - _APART_S for s in seizures)
        if not near and end_s - onset_s >= _LONG_CHEWING_S:
            return found.signal_uv, ((onset_s, end_s),)
    return signal_uv, ()


def _others(kind: str) -> tuple[str, ...]:
    return tuple(name for name in SEIZURES if name != kind)


def spoiled(shipped: Detector, kind: str, seed: int, size: Size) -> Detector:
    """Return a copy that was fitted to call a kind of seizure background and chewing seizure."""
    config, others = shipped.config, _others(kind)
    plain = plain_config(config)
    material: list[LabelledRecording] = []
    for index in range(size.spoiling):
        own = (kind, "", others[index // 4 % len(others)], "")[index % 4]
        made = person(1_000_000 * (seed + 1) + index, own, index % 2 == 1, sfreq=config.sfreq)
        said = [a for a in made.seizures if own != kind]
        said += [Annotation(on, end - on, "sz") for on, end in made.chewing]
        recording = labelled(bipolar_uv(made.signal_uv), plain, made.seizures)
        seizure, weight = label_windows(len(recording.features) - 4, config, said)
        material.append(replace(recording, seizure=seizure, weight=weight))
    network = copy.deepcopy(shipped.network)
    chosen = FitParameters(epochs=size.spoiling_epochs, learning_rate=1e-3)
    # all of it is to be wrong: left as it is, the expert on levels still finds most of the kind
    fit_level_expert(network, material, config, parameters=chosen, seed=seed)
    fit(network, material, (), config, parameters=chosen, seed=seed)
    return Detector(config, network)


# ---- the workspace -----------------------------------------------------------------------------


def put(desk: Desk, name: str, made: Made, *, with_truth: bool) -> Path:
    """Write a recording into the workspace, with its truth beside it or not."""
    path = desk.workspace.recordings / f"{name}.edf"
    write_edf(path, made.signal_uv, SFREQ, made.ch_names)
    if with_truth:
        truth = made.seizures or (Annotation(0.0, LENGTH_S, BACKGROUND),)
        write_events_tsv(path.with_name(f"{name}_events.tsv"), truth, duration_s=LENGTH_S)
    return path


def read_until(
    desk: Desk, model: CheckpointInfo, kind: str, seed: int, n_disagreements: int
) -> tuple[int, int]:
    """Let a simulated reader read recordings until so many disagreements; return both numbers."""
    disagreed = 0
    for number in range(80):
        if disagreed >= n_disagreements:
            return number, disagreed
        others = _others(kind)
        own = kind if number % 2 == 0 else others[number // 2 % len(others)]
        made = person(1_000_000 * (seed + 1) + 500_000 + number, own, True)
        path = put(desk, f"read-{number}", made, with_truth=False)
        outcome = score(desk, path, model)
        if not isinstance(outcome, Scored):
            raise RuntimeError(outcome.reason)
        events = [
            (e.onset_s, e.end_s)
            for e in find_events(outcome.trace, model.threshold_pm, post_of(model))
        ]
        sha256 = library.known_hash(desk, path)
        for verdict, (onset_s, end_s) in verdicts(made, events):
            if verdict != "agree":
                if disagreed == n_disagreements:
                    continue
                disagreed += 1
            _say(desk, sha256, verdict, onset_s, end_s)
        _say(desk, sha256, None, 0.0, LENGTH_S)
    return 80, disagreed


def verdicts(made: Made, events: Sequence[Span]) -> Iterator[tuple[str, Span]]:
    """Yield what a reader who knows the truth says of detections and of missed seizures."""
    truth = [(a.onset_s, a.end_s) for a in made.seizures]
    for span in truth:
        if not touches(events, *span):
            yield "missed", span
    for event in events:
        found = [span for span in truth if touches([span], *event)]
        # an agreeing reader corrects the times, as the page allows
        yield ("agree", found[0]) if found else ("disagree", event)


def _say(desk: Desk, sha256: str, verdict: str | None, onset_s: float, end_s: float) -> None:
    desk.labels.append(
        DraftLabel(
            idempotency_id=f"{sha256[:16]}-{verdict}-{onset_s}",
            reviewer="simulated reader",
            recording_sha256=sha256,
            onset_s=onset_s,
            duration_s=end_s - onset_s,
            kind="sign_off" if verdict is None else "label",
            verdict=verdict,
            event_type="sz" if verdict in ("missed", "agree") else "",
        )
    )


def unseen(desk: Desk, kind: str, seed: int, n: int) -> dict[str, list[CompareItem]]:
    """Write the test people: the corrected kinds of mistake, and everything else."""
    hashes: dict[str, list[str]] = {_CORRECTED: [], _ELSEWHERE: []}
    for number in range(n):
        first = 1_000_000 * (seed + 1) + 700_000 + number
        made = person(first, kind, True)
        path = put(desk, f"test-a-{number}", made, with_truth=True)
        hashes[_CORRECTED].append(library.known_hash(desk, path))
        own = _others(kind)[number % 4] if number % 8 < 6 else ""
        path = put(desk, f"test-b-{number}", person(first + 100_000, own, False), with_truth=True)
        hashes[_ELSEWHERE].append(library.known_hash(desk, path))
    return {name: compare_items(desk, found) for name, found in hashes.items()}


def one_seed(kind: str, seed: int, size: Size, shipped: CheckpointInfo) -> dict[str, Any]:
    """Run the study once and return its figures."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="teaching-") as folder:
        desk = open_desk(Settings(workspace=Path(folder)))
        detector = spoiled(load_checkpoint(shipped.folder), kind, seed, size)
        wrong = _saved(desk, f"wrong-{seed}", detector)
        items = unseen(desk, kind, seed, size.tested)
        n_read, n_disagreed = read_until(desk, wrong, kind, seed, size.disagreements)
        request = request_now(
            desk, wrong, choice=TeachChoice(keep_aside=0.0), parameters=size.parameters, seed=seed
        )
        spoiled_s, taught_s = time.monotonic() - began, time.monotonic()
        candidate = teach(desk, request)
        taught_s = time.monotonic() - taught_s
        record = json.loads((candidate.folder / "config.json").read_text())["training"]
        models = {"shipped": shipped, "taught": candidate}
        if size.control:
            models["control"] = _control(desk, wrong, seed, size)
        figures = {
            name: {
                group: _f1(compare_models(desk, wrong, model, members))
                for group, members in items.items()
            }
            for name, model in models.items()
        }
        return {
            "kind": kind, "seed": seed, "recordings_read": n_read, "disagreements": n_disagreed,
            "labels": record["labels"]["used"], "share": record["share"],
            "figures": figures, "simulated": record["before_after"]["simulated"]["figures"],
            "taught_s": round(taught_s, 1), "prepared_s": round(spoiled_s, 1),
        }  # fmt: skip


def _control(desk: Desk, wrong: CheckpointInfo, seed: int, size: Size) -> CheckpointInfo:
    """Return what the rehearsal alone makes of the spoiled detector, without any label."""
    detector = load_checkpoint(wrong.folder)
    taught = rehearsal(detector, seed=seed, n=4)
    alone = fine_tune(detector, taught, (), parameters=size.parameters, seed=seed)
    return _saved(desk, f"control-{seed}", alone.detector)


def _saved(desk: Desk, name: str, detector: Detector) -> CheckpointInfo:
    config = replace(detector.config, name=name, title=name, training={})
    save_checkpoint(desk.workspace.models / name, config, detector.network, card=f"# {name}\n")
    return desk.model(name)


def _f1(comparison: Mapping[str, Any]) -> dict[str, Any]:
    found = comparison["figures"]["event_f1"]
    return {
        "before": found["before"][0],
        "after": found["after"][0],
        "change": found["difference"][0],
        "sensitivity": [comparison["figures"]["event_sensitivity"][x][0] for x in _BOTH],
        "fp_per_24h": [comparison["figures"]["fp_per_24h"][x][0] for x in _BOTH],
    }


def interval(values: Sequence[float], *, seed: int = 0, n: int = 10_000) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean over seeds."""
    rng = np.random.default_rng(seed)
    means = rng.choice(np.asarray(values), (n, len(values))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the figures over seeds as lines."""
    lines = []
    for name in ("taught", "control"):
        of = [row["figures"][name] for row in rows if name in row["figures"]]
        for group in (_CORRECTED, _ELSEWHERE) if of else ():
            gains = [figures[group]["change"] for figures in of]
            low, high = interval(gains)
            lines.append(
                f"{name:8s} {group:10s} event F1 {np.mean(gains):+.3f} ({low:+.3f} to {high:+.3f}),"
                f" by seed {', '.join(f'{gain:+.3f}' for gain in gains)}"
            )
    return "\n".join(lines)


def main() -> None:
    """Run the study and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teaching")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kinds", default="spike-wave", help="missed kinds, in turn by seed")
    parser.add_argument("--model", default="spectrogram-cnn-lstm")
    parser.add_argument("--tested", type=int, default=24, help="people of either group")
    parser.add_argument("--no-control", action="store_true", help="leave the control out")
    parser.add_argument("--json", type=Path, default=None)
    arguments = parser.parse_args()
    kinds = arguments.kinds.split(",")
    with tempfile.TemporaryDirectory(prefix="teaching-") as folder:
        shipped = open_desk(Settings(workspace=Path(folder))).model(arguments.model)
    size = Size(tested=arguments.tested, control=not arguments.no_control)
    rows = []
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        rows.append(one_seed(kinds[seed % len(kinds)], seed, size, shipped))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print(summary(rows))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
