"""Do maps say where an injected seizure is, and do they beat random maps? By method and network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench import ROOT, Bench
from benchmarks.figures import Figure, Row

if TYPE_CHECKING:
    from eegdash.attribution import Attribution, Baseline
    from eegdash.checkpoints import Detector

MODELS = ("spectrogram-cnn-lstm", "shallow-cnn")
SEEDS = range(6)
CARRIED = 0.8


@lru_cache
def detector(name: str) -> Detector:
    """Return a detector that ships."""
    from eegdash.checkpoints import load_checkpoint

    return load_checkpoint(ROOT / "models" / name)


@dataclass(frozen=True)
class Case:
    """The window of an injected seizure that the detector is surest of, and the truth.

    Parameters
    ----------
    window : ndarray of float32, shape (3, *input_shape)
    quiet : ndarray of float32, shape (10, 3, *input_shape)
        The windows of the same recording that it is least sure of.
    logit : float
    carriers : ndarray of bool, shape (n_channels,)
        The fewest derivations that carry 80 % of the power which the seizure adds to the window
        in the range of its rhythm: 4 to 6 of 18.
    places : ndarray of bool, shape (n_channels,)
        Derivations that touch an electrode with half of the largest amplitude: 2 to 4 of 18. The
        field of a focus reaches further, so that this is narrower than where the seizure is.
    low_hz, high_hz : float
        Range of the rhythm, 1 Hz wider on both sides.
    """

    window: NDArray[np.float32]
    quiet: NDArray[np.float32]
    logit: float
    carriers: NDArray[np.bool_]
    places: NDArray[np.bool_]
    low_hz: float
    high_hz: float


@lru_cache
def seizure(name: str, seed: int) -> Case:
    """Inject a focal seizure from 40 to 70 s into a simulated person without one."""
    from eegdash.montage import ELECTRODES_10_20
    from eegdash.simulation import example, inject_into
    from eegdash.training.datasets import bipolar_uv

    found = detector(name)
    person = example(50 + seed, 0, duration_s=90.0, sfreq=80.0)
    made = inject_into(
        person.signal_uv,
        80.0,
        ELECTRODES_10_20,
        kind="focal",
        seed=seed,
        onset_s=40.0,
        duration_s=30.0,
    )
    with_uv, without_uv = bipolar_uv(made.signal_uv), bipolar_uv(person.signal_uv)
    segments = found.features(with_uv)
    windows = np.stack([segments[k : len(segments) - 4 + k] for k in (0, 2, 4)], axis=1)
    logits = found.logits(windows)
    centres = 4.5 + 1.5 * np.arange(len(logits))
    inside = np.flatnonzero((centres > 45) & (centres < 65))
    best = inside[np.argmax(logits[inside])]
    electrodes = set(made.truth.channels)
    hz = (made.truth.start_hz, made.truth.end_hz)
    inside_window = slice(round(80 * 1.5 * int(best)), round(80 * (1.5 * int(best) + 9)))
    added = [_power(uv[:, inside_window], min(hz) - 1, max(hz) + 1) for uv in (with_uv, without_uv)]
    return Case(
        window=windows[best],
        quiet=windows[np.argsort(logits)[:10]],
        logit=float(logits[best]),
        carriers=_carriers(np.maximum(added[0] - added[1], 0)),
        places=np.array([bool(electrodes & set(n.split("-"))) for n in found.config.ch_names]),
        low_hz=min(hz) - 1,
        high_hz=max(hz) + 1,
    )


def _power(signal_uv: NDArray[np.float32], low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """Return the power of each row in a range of frequencies, 80 Hz, in any unit."""
    spectrum = np.abs(np.fft.rfft(signal_uv - signal_uv.mean(axis=1, keepdims=True))) ** 2
    freqs_hz = np.fft.rfftfreq(signal_uv.shape[1], 1 / 80.0)
    held = (freqs_hz >= low_hz) & (freqs_hz <= high_hz)
    return np.asarray(spectrum[:, held].sum(axis=1), dtype=np.float64)


def _carriers(added: NDArray[np.float64]) -> NDArray[np.bool_]:
    order = np.argsort(-added)
    needed = 1 + int(np.searchsorted(np.cumsum(added[order]) / added.sum(), CARRIED))
    found = np.zeros(len(added), dtype=np.bool_)
    found[order[:needed]] = True
    return found


@lru_cache
def mapped(model: str, seed: int, method: str) -> tuple[Attribution, Baseline]:
    """Return the map of a case, and the usual baseline."""
    from eegdash.attribution import default_baseline
    from eegdash.attribution.baselines import make_baseline
    from eegdash.attribution.methods import attribute

    used, case = detector(model), seizure(model, seed)
    name = default_baseline(used.config.features)
    baseline = make_baseline(name, used.config, case.window, case.quiet)
    return attribute(method, used, case.window, baseline), baseline


@dataclass(frozen=True)
class Inside:
    """Shares of the positive mass of a map, by what is known of the seizure.

    Parameters
    ----------
    place, named : float
        In the derivations that carry the seizure (``Case.carriers``), and in those that touch its
        electrodes (``Case.places``).
    band : float
        In the range of the rhythm; NaN where a map has no frequencies.
    times_even : float
        In the electrodes' derivations and the band together, over an even spread; of the former
        alone where a map has no frequencies.
    strongest : bool
        Whether the derivation with most evidence carries the seizure.
    """

    place: float
    named: float
    band: float
    times_even: float
    strongest: bool


def inside(found: Attribution, case: Case) -> Inside:
    """Return how much of the evidence for a seizure lies where the seizure is."""
    cells = np.maximum(found.values, 0)
    if not found.has_frequency_axis and found.spectral is not None:
        cells = np.maximum(found.spectral, 0)
    rows = cells.sum(axis=tuple(k for k in range(cells.ndim) if k != 1), dtype=np.float64)
    rows /= rows.sum()
    place, named = float(rows[case.carriers].sum()), float(rows[case.places].sum())
    strongest = bool(case.carriers[int(rows.argmax())])
    if not found.has_frequency_axis and found.spectral is None:
        return Inside(place, named, float("nan"), named / float(case.places.mean()), strongest)
    held = (found.freqs_hz >= case.low_hz) & (found.freqs_hz <= case.high_hz)
    whole = float(cells.sum())
    both = float(cells[:, case.places][:, :, held].sum()) / whole
    times_even = both / float(case.places.mean() * held.mean())
    band = float(cells[:, :, held].sum()) / whole
    return Inside(place, named, band, times_even, strongest)


def measure(bench: Bench) -> Iterator[Row]:
    """Explain six injected seizures by every method on both networks."""
    from eegdash.attribution import METHODS

    seeds = SEEDS[: bench.repeats(len(SEEDS))]
    for model in MODELS:
        for method in METHODS.values():
            if not method.problem(detector(model)):
                yield _row(model, method.name, seeds)


def _row(model: str, method: str, seeds: range) -> Row:
    from eegdash.attribution.faithfulness import insertion_and_deletion, randomisation

    shares, inserted, deleted, alike = [], 0, 0, []
    for seed in seeds:
        found, baseline = mapped(model, seed, method)
        case = seizure(model, seed)
        shares.append(inside(found, case))
        curves = insertion_and_deletion(detector(model), case.window, baseline, found)
        inserted += curves[0].beats_random
        deleted += curves[1].beats_random
        twins = randomisation(detector(model), case.window, baseline, found)
        alike.append(twins.signed)
    place = sum(share.place > 0.5 for share in shares)
    named = sum(share.named > 0.5 for share in shares)
    strongest = sum(share.strongest for share in shares)
    of_band = [share.band > 0.5 for share in shares if share.band == share.band]  # not NaN
    band = str(sum(of_band)) if of_band else "n/a"
    return Row(
        what=f"{model}: {method}, evidence in place and band over an even spread",
        median=median(s.times_even for s in shares),
        unit="x",
        n=len(shares),
        peer=f"most in place {place} (in its electrodes {named}), in band {band}, strongest "
        f"derivation in place {strongest}; insertion beats random {inserted}, deletion "
        f"{deleted}; randomised r {median(alike):.2f}",
    )


FIGURE = Figure(
    name="map-truth",
    title="maps of injected seizures with known place and rhythm",
    budget="none: how often the evidence lies where the seizure was put",
    measure=measure,
)
