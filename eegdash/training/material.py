"""Training material: simulated people, simulated events in real background, and real clips.

Seizures of real data sets come from other hospitals than their background, so that a network
could learn the data set. Simulated seizures and look-alikes are therefore put into the same real
recordings, and what has to be told apart differs in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Annotation, Reference
from eegdash.checkpoints import DetectorConfig, segment_features
from eegdash.errors import MissingChannelsError
from eegdash.io.dataset import DatasetItem
from eegdash.montage import MONTAGES, resolve
from eegdash.preprocessing import resample_uv
from eegdash.scoring import window_labels
from eegdash.simulation import (
    INJECTABLE,
    PATTERNS,
    SEIZURES,
    SimulatedEvent,
    example,
    inject_into,
)
from eegdash.training.calibration import trace_of
from eegdash.training.datasets import LabelledRecording, bipolar_uv, label_windows

SIMULATED_S = 120.0
"""Length of a simulated person's recording."""
PIECE_S = 70.5
"""Length of a piece of real background into which something is put."""
_ARTEFACTS = tuple(kind for kind in INJECTABLE if kind not in (*SEIZURES, *PATTERNS))
_TENSE_S = 6.0  # muscle for longer than this is told from a convulsion by its context alone
_TENSE_WEIGHT = 0.25
_AROUND_S = 25.0
_CLIP_WEIGHT = 8.0  # of all known windows of a clip together
_LOUDEST_UV = 3276.7
_INTERFERED = 0.2  # share of the recordings with a tone from outside
_TONES_HZ = (10.0, 12.0, 12.5, 15.0, 50 / 3, 20.0, 25.0, 30.0)  # line frequency by 2 to 5

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class RealRecording:
    """A short real recording in memory, as the derivations of the detector.

    Parameters
    ----------
    derivations_uv : ndarray of float32, shape (n_channels, n_samples)
        At ``config.sfreq``, uV.
    reference : Reference
    person, group, name, sha256 : str
        A recording whose person is not stated has its own name as person.
    """

    derivations_uv: NDArray[np.float32]
    reference: Reference
    person: str
    group: str
    name: str
    sha256: str


def read_real(items: Iterable[DatasetItem], config: DetectorConfig) -> list[RealRecording]:
    """Read the recordings whose truth is known anywhere, whole, into memory.

    Those that lack a derivation are left out: the record of a training names what was used.

    Parameters
    ----------
    items : iterable of DatasetItem
        Of minutes, not of hours.
    config : DetectorConfig

    Returns
    -------
    list of RealRecording

    Raises
    ------
    RecordingError
        If one cannot be opened.
    """
    found = []
    for item in items:
        recording, reference = item.open()
        if reference is None or not reference.coverage:
            continue
        try:
            matrix = resolve(recording, MONTAGES[config.montage])
        except MissingChannelsError:
            continue
        signal_uv = recording.read(0, recording.n_samples, matrix.picks)
        derived = resample_uv(matrix.apply(signal_uv), recording.sfreq, config.sfreq)
        found.append(
            RealRecording(
                np.nan_to_num(derived),
                reference,
                item.person_key or f"{item.group}/{item.path.name}",
                item.group,
                item.path.name,
                recording.sha256,
            )
        )
    return found


def simulated(
    config: DetectorConfig, *, seed: int, n: int, progress: Progress | None = None
) -> list[LabelledRecording]:
    """Return simulated people of :func:`eegdash.simulation.examples`, each in another recording."""
    found = []
    for index in range(n):
        made = example(seed, index, duration_s=SIMULATED_S, sfreq=config.sfreq)
        rng = np.random.default_rng([seed, 33, index])
        signal_uv = with_tone(rng, bipolar_uv(made.signal_uv), config)
        recording = labelled(signal_uv, config, made.annotations)
        found.append(_less_sure(recording, config, made.truth))
        if progress is not None:
            progress((index + 1) / n)
    return found


def injected(
    config: DetectorConfig, backgrounds: Sequence[RealRecording], *, seed: int, n: int
) -> list[LabelledRecording]:
    """Return pieces of real background with simulated events in them.

    A third holds a seizure, a third a pattern that resembles one, the others artefacts or
    nothing; artefacts may come on top of any.

    Parameters
    ----------
    config : DetectorConfig
    backgrounds : sequence of RealRecording
        Seizure-free throughout.
    seed : int
    n : int
        How many pieces.
    """
    found = []
    for index in range(n):
        rng = np.random.default_rng([seed, 31, index])
        piece_uv = _piece(rng, backgrounds[int(rng.integers(len(backgrounds)))], config)
        kinds: list[str] = []
        if index % 3 < 2:
            kinds.append(str(rng.choice((SEIZURES, PATTERNS)[index % 3])))
        kinds += [str(rng.choice(_ARTEFACTS)) for _ in range(int(rng.integers(3)))]
        piece_uv, truth = _with_events(rng, piece_uv, config, kinds)
        piece_uv = with_tone(rng, piece_uv, config)
        annotations = [_annotation(event) for event in truth if event.event_type]
        found.append(_less_sure(labelled(piece_uv, config, annotations), config, truth))
    return found


def with_tone(
    rng: np.random.Generator, signal_uv: NDArray[np.float32], config: DetectorConfig
) -> NDArray[np.float32]:
    """Add a steady tone to some recordings: devices pull subharmonics of the line frequency in.

    It differs between derivations, and neither begins, ends nor evolves.
    """
    if rng.random() >= _INTERFERED:
        return signal_uv
    tone = np.sin(
        2 * np.pi * float(rng.choice(_TONES_HZ)) / config.sfreq * np.arange(signal_uv.shape[1])
    )
    size_uv = np.exp(rng.uniform(np.log(2), np.log(600))) * rng.exponential(1.0, len(signal_uv))
    return np.asarray(signal_uv + np.outer(size_uv, tone), dtype=np.float32)


def _annotation(event: SimulatedEvent) -> Annotation:
    return Annotation(event.onset_s, event.duration_s, event.event_type)


def _less_sure(
    recording: LabelledRecording, config: DetectorConfig, truth: Sequence[SimulatedEvent]
) -> LabelledRecording:
    """Let windows in long spells of muscle count less: in 9 s they look like a convulsion."""
    weight = recording.weight.copy()
    centre_s = config.window_s / 2 + config.step_s * np.arange(len(weight))
    for event in truth:
        if event.kind == "muscle" and event.duration_s >= _TENSE_S:
            inside = (centre_s >= event.onset_s) & (centre_s < event.onset_s + event.duration_s)
            weight[inside & ~recording.seizure] *= np.float32(_TENSE_WEIGHT)
    return replace(recording, weight=weight)


def _piece(
    rng: np.random.Generator, background: RealRecording, config: DetectorConfig
) -> NDArray[np.float32]:
    whole = background.derivations_uv
    length = min(round(PIECE_S * config.sfreq), whole.shape[1])
    first = int(rng.integers(whole.shape[1] - length + 1))
    return whole[:, first : first + length]


def _with_events(
    rng: np.random.Generator,
    signal_uv: NDArray[np.float32],
    config: DetectorConfig,
    kinds: Sequence[str],
) -> tuple[NDArray[np.float32], tuple[SimulatedEvent, ...]]:
    truth: tuple[SimulatedEvent, ...] = ()
    for kind in kinds:
        try:
            made = inject_into(
                signal_uv, config.sfreq, config.ch_names, kind=kind, seed=int(rng.integers(2**31))
            )
        except ValueError:  # this one is longer than the recording
            continue
        signal_uv, truth = made.signal_uv, (*truth, made.truth)
    return np.clip(signal_uv, -_LOUDEST_UV, _LOUDEST_UV), truth


def clip_variants(
    config: DetectorConfig, clips: Sequence[RealRecording], *, seed: int, n: int
) -> list[LabelledRecording]:
    """Return variants of real clips: played faster or slower, with artefacts on top.

    Of a clip without a seizure every second variant has a simulated one put into it. Every clip
    weighs the same, however many of its windows have a known truth.

    Parameters
    ----------
    config : DetectorConfig
    clips : sequence of RealRecording
    seed : int
    n : int
        Variants of each.
    """
    found = []
    for number, clip in enumerate(clips):
        for variant in range(n):
            rng = np.random.default_rng([seed, 32, number, variant])
            faster = float(np.exp(rng.uniform(-0.15, 0.15))) if variant else 1.0
            signal_uv = _stretched(clip.derivations_uv, faster, config)
            kinds = [str(rng.choice(_ARTEFACTS))] if variant and rng.random() < 0.4 else []
            signal_uv, _ = _with_events(rng, signal_uv, config, kinds)
            reference = _in_time(clip.reference, faster)
            if variant % 2 and not clip.reference.seizures:
                signal_uv, reference = _made_ictal(rng, signal_uv, config, reference)
            found.append(of_reference(signal_uv, config, reference))
    return found


def _made_ictal(
    rng: np.random.Generator,
    signal_uv: NDArray[np.float32],
    config: DetectorConfig,
    reference: Reference,
) -> tuple[NDArray[np.float32], Reference]:
    """Put a seizure into a clip that is long enough only with its mirror images around it."""
    pad = round(_AROUND_S * config.sfreq)
    long_uv = np.pad(signal_uv, ((0, 0), (pad, pad)), mode="reflect")
    length_s = long_uv.shape[1] / config.sfreq
    onset_s = float(rng.uniform(2, _AROUND_S + 0.5 * (length_s - 2 * _AROUND_S)))
    made = inject_into(
        long_uv,
        config.sfreq,
        config.ch_names,
        kind=str(rng.choice(SEIZURES)),
        seed=int(rng.integers(2**31)),
        onset_s=onset_s,
        duration_s=round(min(float(rng.uniform(25, 70)), length_s - onset_s - 2), 2),
    )
    truth = made.truth
    seizure = Annotation(truth.onset_s - _AROUND_S, truth.duration_s, truth.event_type)
    whole_uv = np.clip(made.signal_uv[:, pad:-pad], -_LOUDEST_UV, _LOUDEST_UV)
    return whole_uv, Reference((seizure,), reference.coverage, reference.source)


def _stretched(
    signal_uv: NDArray[np.float32], faster: float, config: DetectorConfig
) -> NDArray[np.float32]:
    """Resample in time, but never to less than one window."""
    n = signal_uv.shape[1]
    shortest = round(config.window_s * config.sfreq)
    wanted = max(round(n / faster), min(n, shortest))
    places = np.linspace(0, n - 1, wanted)
    rows = [np.interp(places, np.arange(n), row) for row in signal_uv]
    return np.stack(rows).astype(np.float32)


def labelled(
    signal_uv: NDArray[np.float32], config: DetectorConfig, annotations: Sequence[Annotation]
) -> LabelledRecording:
    """Take the features of derivations whose truth is known throughout."""
    features = segment_features(signal_uv, config)
    seizure, weight = label_windows(len(features) - 4, config, annotations)
    events = tuple((a.onset_s, a.end_s) for a in annotations if a.is_seizure)
    duration_s = signal_uv.shape[1] / config.sfreq
    return LabelledRecording(features.astype(np.float16), seizure, weight, events, duration_s)


def of_reference(
    signal_uv: NDArray[np.float32],
    config: DetectorConfig,
    reference: Reference,
) -> LabelledRecording:
    """Take the features of derivations with the truth of a reference; unknown spans weigh 0."""
    features = segment_features(signal_uv, config)
    duration_s = signal_uv.shape[1] / config.sfreq
    trace = trace_of(
        np.full(max(len(features) - 4, 0), 0.0),
        step_s=config.step_s,
        window_s=config.window_s,
        duration_s=duration_s,
    )
    truth = window_labels(trace, reference)
    known = max(int(truth.known.sum()), 1)
    weight = truth.known * np.float32(_CLIP_WEIGHT / known)
    events = tuple((a.onset_s, a.end_s) for a in reference.seizures)
    return LabelledRecording(
        features.astype(np.float16), truth.seizure, weight.astype(np.float32), events, duration_s
    )


def _in_time(reference: Reference, faster: float) -> Reference:
    spans = tuple(
        Annotation(a.onset_s / faster, a.duration_s / faster, a.event_type)
        for a in reference.annotations
    )
    coverage = tuple((start / faster, stop / faster) for start, stop in reference.coverage)
    return Reference(spans, coverage, reference.source)
