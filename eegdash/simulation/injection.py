"""Simulated events added to a real recording, through that recording's own montage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eegdash.annotations import Annotation
from eegdash.montage import Derivation, parse_label
from eegdash.recording import Recording
from eegdash.simulation.events import Event, SimulatedEvent, Stage
from eegdash.simulation.head import RECORDED, Array, Float, project, recorded_as
from eegdash.simulation.person import Person
from eegdash.simulation.plan import ARTEFACT_MAKERS, PATTERN_MAKERS
from eegdash.simulation.seizures import DURATIONS_S, SEIZURES, seizure

_MARGIN_S = 2.0
_ATTEMPTS = 40
INJECTABLE = (*SEIZURES, *PATTERN_MAKERS, *ARTEFACT_MAKERS)
"""Kinds of events that :func:`inject` knows."""


@dataclass(frozen=True, slots=True)
class Injected:
    """A recording's signal with a simulated event in it, and the truth about that event.

    Parameters
    ----------
    signal_uv : ndarray of float32, shape (n_channels, n_samples)
        Channels that are no EEG are as they were.
    annotations : tuple of Annotation
        The seizure, or nothing where the event is none.
    truth : SimulatedEvent
    """

    signal_uv: Float
    annotations: tuple[Annotation, ...]
    truth: SimulatedEvent


def inject(
    recording: Recording,
    *,
    kind: str,
    seed: int,
    onset_s: float | None = None,
    duration_s: float | None = None,
    ratio: float | None = None,
) -> Injected:
    """Add a simulated event to a recording; its whole signal is read.

    Parameters and errors are those of :func:`inject_into`.

    Returns
    -------
    Injected
    """
    signal_uv = recording.read(0, recording.n_samples)
    return inject_into(
        signal_uv,
        recording.sfreq,
        recording.ch_names,
        kind=kind,
        seed=seed,
        onset_s=onset_s,
        duration_s=duration_s,
        ratio=ratio,
        eeg=recording.eeg,
    )


def inject_into(
    signal_uv: Float,
    sfreq: float,
    ch_names: Sequence[str],
    *,
    kind: str,
    seed: int,
    onset_s: float | None = None,
    duration_s: float | None = None,
    ratio: float | None = None,
    eeg: Sequence[bool] | None = None,
) -> Injected:
    """Add a simulated seizure, pattern or artefact to a signal.

    Its potentials at the electrodes are recorded as each channel is: a bipolar channel takes the
    difference, a referential one that to the ears. A seizure dampens the background as far as it
    does in a simulation.

    Parameters
    ----------
    signal_uv : ndarray of float32, shape (n_channels, n_samples)
        NaN stays NaN.
    sfreq : float
        Hz.
    ch_names : sequence of str
    kind : str
        One of :data:`INJECTABLE`.
    seed : int
    onset_s : float, optional
        Drawn so that the event fits where not given.
    duration_s : float, optional
        Of a seizure; drawn as usual for its kind, and no longer than the signal allows.
    ratio : float, optional
        Largest peak-to-peak amplitude in a channel over the RMS of the recording's own
        background; drawn where not given. Artefacts keep their own size unless it is given.
    eeg : sequence of bool, optional
        Which channels are EEG; by default those whose label is understood.

    Returns
    -------
    Injected

    Raises
    ------
    ValueError
        If the kind is unknown, no channel is an EEG channel, or the event does not fit.
    """
    if kind not in INJECTABLE:
        raise ValueError(f"{kind} is not among {', '.join(INJECTABLE)}")
    rng = np.random.default_rng([seed, 11])
    rows, derivations = _channels(ch_names, eeg)
    ground_uv = background_rms_uv(signal_uv[rows], sfreq)
    length_s = signal_uv.shape[1] / sfreq
    stage = Stage(sfreq, 0.0042, _electrodes(derivations))
    person = Person(background_uv=max(ground_uv, 0.5) / 1.6)
    event = _draw(rng, person, stage, kind, length_s, duration_s)
    room_s = length_s - event.truth.duration_s - 2 * _MARGIN_S
    if onset_s is None:
        onset_s = _MARGIN_S + float(rng.uniform(0, max(room_s, 0)))
    if onset_s < 0 or onset_s + event.truth.duration_s > length_s:
        raise ValueError(
            f"{kind} of {event.truth.duration_s:.1f} s does not fit at {onset_s:.1f} s into "
            f"{length_s:.1f} s; choose another onset or a longer recording"
        )
    return _added(rng, signal_uv, rows, derivations, stage, event, round(onset_s, 2), ratio)


def background_rms_uv(signal_uv: Float, sfreq: float) -> float:
    """Return the median over channels and seconds of the standard deviation in a second, uV."""
    second = max(round(sfreq), 1)
    n = signal_uv.shape[1] // second
    if n == 0:
        raise ValueError("the recording is shorter than a second; choose a longer one")
    pieces = signal_uv[:, : n * second].reshape(len(signal_uv), n, second)
    spread = pieces.std(axis=2)
    good = spread[np.isfinite(spread) & (spread > 0.05)]
    return float(np.median(good)) if good.size else 0.5


def _channels(
    ch_names: Sequence[str], eeg: Sequence[bool] | None
) -> tuple[list[int], list[Derivation]]:
    rows, derivations = [], []
    for row, name in enumerate(ch_names):
        derivation = parse_label(name) if eeg is None or eeg[row] else None
        if derivation is not None:
            rows.append(row)
            derivations.append(derivation)
    if not rows:
        raise ValueError("no channel is named after electrodes of the 10-20 system")
    return rows, derivations


def _electrodes(derivations: Sequence[Derivation]) -> tuple[str, ...]:
    """Return the electrodes that are always simulated, then others that the channels name."""
    asked = [name for d in derivations for name in (d.anode, d.cathode) if name]
    return tuple(dict.fromkeys([*RECORDED, *asked]))


def _draw(
    rng: np.random.Generator,
    person: Person,
    stage: Stage,
    kind: str,
    length_s: float,
    duration_s: float | None,
) -> Event:
    """Draw an event that fits, its onset at 0 s."""
    most_s = length_s - 2 * _MARGIN_S
    if kind in SEIZURES:
        low, high = DURATIONS_S[kind]
        low = min(low, max(most_s, 0.0))
        chosen = float(rng.uniform(low, max(min(high, most_s), low)))
        chosen = chosen if duration_s is None else duration_s
        if chosen < 4.0:
            raise ValueError(f"a seizure of {chosen:.1f} s is too short; at least 4 s are needed")
        return seizure(rng, person, stage, 0.0, round(chosen, 2), kind)
    maker = {**PATTERN_MAKERS, **ARTEFACT_MAKERS}[kind]
    for _ in range(_ATTEMPTS):
        event = maker(rng, person, stage, 0.0)
        if event.truth.duration_s <= most_s:
            return event
    raise ValueError(f"{kind} does not fit into {length_s:.1f} s; choose a longer recording")


def _added(
    rng: np.random.Generator,
    signal_uv: Float,
    rows: list[int],
    derivations: list[Derivation],
    stage: Stage,
    event: Event,
    onset_s: float,
    ratio: float | None,
) -> Injected:
    fields, waves = event.render(rng, stage)
    matrix = recorded_as(derivations, "ears", stage.names)
    added = project(matrix @ fields, waves)
    peak_uv = float(np.ptp(added, axis=1).max())
    if ratio is not None:
        added *= np.float32(ratio * background_rms_uv(signal_uv[rows], stage.sfreq) / peak_uv)
    first = round(onset_s * stage.sfreq)
    stop = min(first + added.shape[1], signal_uv.shape[1])
    result = np.array(signal_uv, dtype=np.float32)
    part = result[rows, first:stop]
    result[rows, first:stop] = _damped(part, event, stage.sfreq) + added[:, : stop - first]
    truth = replace(
        event.truth,
        onset_s=onset_s,
        duration_s=round((stop - first) / stage.sfreq, 2),
        peak_uv=round(float(np.ptp(added, axis=1).max()), 1),
    )
    marked = (Annotation(truth.onset_s, truth.duration_s, truth.event_type),)
    return Injected(result, marked if truth.event_type else (), truth)


def _damped(part: Float, event: Event, sfreq: float) -> Float:
    """Dampen what was there around its mean, since a recorded channel may carry an offset."""
    if not event.damp:
        return part
    times, gains = zip(*event.damp, strict=True)
    gain: Array = np.interp(np.arange(part.shape[1]) / sfreq, times, gains)
    mean = np.nan_to_num(np.nanmean(part, axis=1, keepdims=True))
    return np.asarray(mean + (part - mean) * gain, dtype=np.float32)
