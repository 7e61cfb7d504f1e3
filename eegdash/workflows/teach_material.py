"""From labelled recordings to the pieces of EEG that a detector is taught with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.checkpoints import CheckpointInfo, Detector
from eegdash.detection import find_events, read_segments
from eegdash.training.datasets import LabelledRecording
from eegdash.training.fine_tune import plain_config
from eegdash.training.opinions import OpinionTargets, OpinionWeights, Source, opinion_targets
from eegdash.training.surroundings import RUN_SEGMENTS
from eegdash.workflows import library
from eegdash.workflows.comparison import point_of
from eegdash.workflows.desk import Desk
from eegdash.workflows.score import Failed, Progress, score
from eegdash.workflows.teach_labels import LabelledFile

_RUN = RUN_SEGMENTS - 4  # windows of one run
_AROUND = _RUN // 2
_BACKGROUND_RUNS = 8  # of a recording, 24 s each
_MOST_WINDOWS = 4000  # of a recording: 40 MB of features


@dataclass(frozen=True, slots=True)
class TaughtFile:
    """The pieces of one recording.

    Parameters
    ----------
    pieces : list of LabelledRecording
    windows : mapping of str to int
        By :class:`~eegdash.training.opinions.Source`, of the whole recording.
    reason : str
        Why there are none, in words; empty where there are.
    """

    pieces: list[LabelledRecording]
    windows: Mapping[str, int]
    reason: str = ""


def taught_file(
    desk: Desk,
    file: LabelledFile,
    parent: CheckpointInfo,
    detector: Detector,
    *,
    weights: OpinionWeights,
    seed: int,
    progress: Progress | None = None,
) -> TaughtFile:
    """Return the pieces of a recording around what was said of it, and some of its background.

    Parameters
    ----------
    desk : Desk
    file : LabelledFile
    parent : CheckpointInfo
        The detector that is taught, at its operating point; scores the recording where needed.
    detector : Detector
        The same, loaded.
    weights : OpinionWeights
    seed : int
        Of the choice of background.
    progress : callable, optional
    """
    outcome = score(desk, file.path, parent, progress)
    if isinstance(outcome, Failed):
        return TaughtFile([], {}, outcome.reason)
    trace, point = outcome.trace, point_of(parent)
    events = find_events(trace, point.threshold_pm, point.post)
    targets = opinion_targets(
        file.opinions,
        [(event.onset_s, event.end_s) for event in events],
        n_windows=trace.n_windows,
        config=detector.config,
        finished=file.finished,
        contested=file.contested,
        weights=weights,
    )
    weight = np.where(trace.scored, targets.weight, np.float32(0))
    rng = np.random.default_rng([seed, int(file.sha256[:8], 16)])
    wanted = wanted_windows(targets, weight, rng)
    opened = library.open_path(desk, file.path)
    plain = Detector(plain_config(detector.config), detector.network)
    pieces = []
    for first, stop in _stretches(wanted):
        found = read_segments(opened.recording, plain, first, stop + 4, mapping=opened.mapping)
        whole = found.scorable[:-4] & found.scorable[2:-2] & found.scorable[4:]
        pieces.append(
            LabelledRecording(
                found.features.astype(np.float16),
                targets.seizure[first:stop],
                np.where(whole, weight[first:stop], np.float32(0)),
                (),
                (stop - first) * trace.step_s,
                trace.background,
            )
        )
    return TaughtFile(pieces, targets.counts())


def wanted_windows(
    targets: OpinionTargets, weight: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return which windows are fitted: what was said, what lies around it, and some background.

    Parameters
    ----------
    targets : OpinionTargets
    weight : ndarray of float32, shape (n_windows,)
        0 where a window cannot be used.
    rng : Generator

    Returns
    -------
    ndarray of bool, shape (n_windows,)
        Corrections first where there is more than fits.
    """
    n = len(weight)
    wanted = np.zeros(n, dtype=np.bool_)
    spoken = [
        np.flatnonzero((weight > 0) & (targets.source == source))
        for source in (Source.CORRECTED, Source.CONFIRMED)
    ]
    for group in spoken:
        # in runs: neighbouring windows share the codes of their segments
        runs = np.unique(group // _RUN)
        for run in rng.permutation(runs):
            if wanted.sum() > _MOST_WINDOWS:
                break
            wanted[max(run * _RUN - _AROUND, 0) : (run + 1) * _RUN + _AROUND] = True
    silent = np.isin(targets.source, (Source.READ, Source.UNREAD)) & (weight > 0) & ~wanted
    runs = np.unique(np.flatnonzero(silent) // _RUN)
    for run in rng.permutation(runs)[:_BACKGROUND_RUNS]:
        wanted[run * _RUN : (run + 1) * _RUN] = True
    return wanted


def _stretches(wanted: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], wanted.astype(np.int8), [0]))))
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        yield int(first), int(stop)


def total(files: list[TaughtFile]) -> dict[str, int]:
    """Return the number of windows by source over all recordings."""
    counts: Counter[str] = Counter()
    for file in files:
        counts.update(file.windows)
    return dict(counts)
