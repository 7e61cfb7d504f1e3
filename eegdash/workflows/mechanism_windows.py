"""The recordings and windows that an analysis of a detector's units is made on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.cache import cache_key
from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import ProbabilityTrace, SegmentReader
from eegdash.errors import DatasetError
from eegdash.io.layouts import read_dataset
from eegdash.mechanism.activations import Activations
from eegdash.mechanism.descriptors import describe
from eegdash.mechanism.perturbation import Perturbation, apply
from eegdash.montage import MONTAGES, REGIONS
from eegdash.recording import alias_of
from eegdash.scoring import WindowLabels, window_labels
from eegdash.workflows import library
from eegdash.workflows.desk import Desk
from eegdash.workflows.score import Failed, Progress, score

if TYPE_CHECKING:
    from eegdash.checkpoints import Detector

PERSON, RECORDING = "person", "recording"
_VERSION = 1
_TOGETHER = 160  # segments read at once, 4 min


@dataclass(frozen=True, slots=True)
class ActivationRequest:
    """What activations are asked for.

    Parameters
    ----------
    model : CheckpointInfo
    paths : tuple of Path
    n_windows : int
        At most, half of them seizure.
    changed : Perturbation
        What is done to the input first.
    by : str
        ``person`` or ``recording``: what is kept together in cross-validation and resampling.
    seed : int
    untrained : bool
        The same architecture with random weights, for comparison.
    """

    model: CheckpointInfo
    paths: tuple[Path, ...]
    n_windows: int = 600
    changed: Perturbation = field(default_factory=Perturbation)
    by: str = PERSON
    seed: int = 0
    untrained: bool = False

    def key(self, desk: Desk) -> str:
        """Return a hash of all that decides the activations."""
        marks = {folder: _reference_mark(folder) for folder in {p.parent for p in self.paths}}
        parts = []
        for path in self.paths:
            sha256 = library.known_hash(desk, path)
            mapping = library.mapping_key(library.channel_map(desk, sha256))
            parts.append([sha256, mapping, marks[path.parent]])
        return cache_key(
            "",
            self.model.sha256,
            "mechanism-activations",
            version=_VERSION,
            recordings=parts,
            n_windows=self.n_windows,
            changed=self.changed.as_dict(),
            by=self.by,
            seed=self.seed,
            untrained=self.untrained,
        )

    def as_arguments(self) -> dict[str, Any]:
        """Return the request as JSON values, for a job."""
        return {
            "model": self.model.name,
            "paths": [str(path) for path in self.paths],
            "n_windows": self.n_windows,
            "changed": self.changed.as_dict(),
            "by": self.by,
            "seed": self.seed,
            "untrained": self.untrained,
        }

    @classmethod
    def from_arguments(cls, desk: Desk, values: Mapping[str, Any]) -> ActivationRequest:
        """Return the request of a job."""
        return cls(
            desk.model(str(values["model"])),
            tuple(Path(path) for path in values["paths"]),
            int(values["n_windows"]),
            Perturbation(**values["changed"]),
            str(values["by"]),
            int(values["seed"]),
            bool(values["untrained"]),
        )


def _reference_mark(folder: Path) -> str:
    """A mark that changes when an annotation file of a folder changes."""
    marks = []
    for other in sorted(folder.iterdir()):
        if other.suffix.lower() in (".tsv", ".seizures", ".txt") and "_desc-" not in other.name:
            found = other.stat()
            marks.append(f"{other.name}|{found.st_size}|{found.st_mtime_ns}")
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()


class WindowSource:
    """One recording as windows of a detector: their truth, and their input.

    Parameters
    ----------
    desk : Desk
    detector : Detector
    model : CheckpointInfo
        What scores the recording, if it was not yet: its background is that which scoring found.
    path : Path
    by : str
        What a group is, ``person`` or ``recording``.

    Raises
    ------
    EegdashError
        If the recording cannot be read by this detector.
    DatasetError
        If it has no reference.
    """

    def __init__(
        self,
        desk: Desk,
        detector: Detector,
        model: CheckpointInfo,
        path: Path,
        *,
        by: str = PERSON,
    ) -> None:
        opened = library.open_path(desk, path)
        if opened.reference is None:
            raise DatasetError(
                f"{path.name} has no reference, so the truth of its windows is not known. "
                "Put an events file beside it, or leave it out."
            )
        self.recording, self.reference = opened.recording, opened.reference
        outcome = score(desk, path, model)
        if isinstance(outcome, Failed):
            raise DatasetError(outcome.reason)
        self.detector = detector.in_recording(outcome.trace.background)
        self.config = detector.config
        self._reader = SegmentReader(opened.recording, detector, mapping=opened.mapping)
        item = read_dataset(path).items[0]
        alias = alias_of(opened.recording.sha256)
        self.person_key = item.person_key or alias
        self.group = self.person_key if by == PERSON else alias
        self.n_segments = self._reader.n_segments
        self.n_windows = self.n_segments - 4

    def trace(
        self, probability_pm: NDArray[np.uint16], *, model: str, model_sha256: str
    ) -> ProbabilityTrace:
        """Return a trace on the grid of this recording."""
        return ProbabilityTrace(
            probability_pm,
            self.config.window_s / 2,
            self.config.step_s,
            self.recording.duration_s,
            model,
            model_sha256,
            self.recording.sha256,
        )

    def labels(self) -> WindowLabels:
        """Return the truth of each window."""
        nothing = np.zeros(self.n_windows, dtype=np.uint16)
        return window_labels(self.trace(nothing, model="", model_sha256=""), self.reference)

    def segments(
        self, first: int, stop: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
        """Return features and scorability of segments, and the derivations behind them."""
        block_uv, usable, scorable = self._reader.read(first, stop)
        return self.detector.features(block_uv, usable=usable), scorable, block_uv

    def windows(self, indices: NDArray[np.int64]) -> Iterator[WindowBatch]:
        """Yield chosen windows in batches that lie close together, those not scorable left out.

        Parameters
        ----------
        indices : ndarray of int64
            Rising.
        """
        length, step = (
            round(s * self.config.sfreq) for s in (self.config.window_s, self.config.step_s)
        )
        for near in _close_together(indices):
            first, stop = int(near[0]), int(near[-1]) + 5
            block_uv, usable, scorable = self._reader.read(first, stop)
            at = near - first
            good = scorable[at] & scorable[at + 2] & scorable[at + 4]
            at, near = at[good], near[good]
            if len(at) == 0:
                continue
            features = self.detector.features(block_uv, usable=usable)
            yield WindowBatch(
                self.detector,
                near,
                np.stack([features[at + k] for k in (0, 2, 4)], axis=1),
                np.stack([block_uv[:, k * step : k * step + length] for k in at]),
                np.stack([usable[k : k + 5] for k in at]),
            )


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """Windows of one recording.

    Parameters
    ----------
    detector : Detector
    index : ndarray of int64, shape (n,)
        On the recording's grid.
    raw : ndarray of float32, shape (n, 3, *input_shape)
        The detector's input as it was recorded.
    window_uv : ndarray of float32, shape (n, n_channels, n_samples)
        Derivations at the detector's rate, uV.
    usable : ndarray of bool, shape (n, 5, n_channels)
        Of the five segments within each window.
    """

    detector: Detector
    index: NDArray[np.int64]
    raw: NDArray[np.float32]
    window_uv: NDArray[np.float32]
    usable: NDArray[np.bool_]

    def changed_uv(self, changed: Perturbation, *, seed: int = 0) -> NDArray[np.float32]:
        """Return the windows with a change of their input.

        What is drawn follows from the seed and the window's index, whatever else was chosen.
        """
        sfreq = self.detector.config.sfreq
        return np.stack(
            [
                apply(window, sfreq, changed, np.random.default_rng([seed, int(k)]))
                for window, k in zip(self.window_uv, self.index, strict=True)
            ]
        )

    def features(self, changed: Perturbation, *, seed: int = 0) -> NDArray[np.float32]:
        """Return the detector's input after a change, (n, 3, *input_shape)."""
        if changed.kind == "raw":
            return self.raw
        return np.stack(
            [
                self.detector.features(window, usable=usable)[::2]
                for window, usable in zip(
                    self.changed_uv(changed, seed=seed), self.usable, strict=True
                )
            ]
        )

    def descriptors(self, changed: Perturbation, *, seed: int = 0) -> NDArray[np.float32]:
        """Return what a reader would call these windows, (n, n_descriptors)."""
        config = self.detector.config
        rows = region_rows(config.montage)
        masks = []
        for sides in (("LL", "LP"), ("RL", "RP")):
            mask = np.zeros(self.window_uv.shape[1], dtype=np.bool_)
            mask[[k for side in sides for k in rows[side]]] = True
            masks.append(mask)
        return np.stack(
            [
                describe(w, config.sfreq, left=masks[0], right=masks[1])
                for w in self.changed_uv(changed, seed=seed)
            ]
        )


def _close_together(indices: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Cut rising indices into runs that are worth reading at once."""
    start = 0
    for k in range(1, len(indices) + 1):
        ended = k == len(indices)
        if ended or indices[k] - indices[k - 1] > 20 or indices[k] - indices[start] > _TOGETHER:
            if k > start:
                yield indices[start:k]
            start = k


def region_rows(montage: str) -> dict[str, list[int]]:
    """Return which derivations of a montage lie in each of the four regions."""
    names = [d.name for d in MONTAGES[montage].derivations]
    return {
        region: [names.index(d.name) for d in derivations if d.name in names]
        for region, derivations in REGIONS.items()
    }


def untrained_copy(detector: Detector, *, seed: int = 0) -> Detector:
    """Return the same architecture with freshly drawn weights; the detector itself stays."""
    import copy

    import torch

    from eegdash.checkpoints import Detector

    network = copy.deepcopy(detector.network)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for module in network.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
    return Detector(detector.config, network)


def load_detector(desk: Desk, model: CheckpointInfo, *, untrained: bool, seed: int) -> Detector:
    """Return a detector of one's own, which nobody else uses while it is altered."""
    from eegdash.checkpoints import load_checkpoint

    detector = load_checkpoint(model.folder, trusted_packages=desk.settings.trusted_packages)
    return untrained_copy(detector, seed=seed) if untrained else detector


def paths_of(desk: Desk, sha256s: Sequence[str]) -> list[Path]:
    """Return the files of recordings by hash.

    Raises
    ------
    DatasetError
        If one is not in the workspace any more.
    """
    found = []
    for sha256 in sha256s:
        path = library.find_recording(desk, sha256)
        if path is None:
            raise DatasetError(
                "A recording of this analysis is not in the workspace any more. Choose again."
            )
        found.append(path)
    return found


def reread(
    desk: Desk,
    request: ActivationRequest,
    detector: Detector,
    found: Activations,
    rows: NDArray[np.int64],
) -> Iterator[tuple[NDArray[np.int64], WindowBatch]]:
    """Yield rows of the activations with the windows that they were made of.

    Parameters
    ----------
    desk : Desk
    request : ActivationRequest
    detector : Detector
    found : Activations
    rows : ndarray of int64

    Yields
    ------
    rows : ndarray of int64, shape (n,)
    batch : WindowBatch
        As recorded, whatever the request does to the input.
    """
    recording, window = found.fact("recording"), found.fact("window")
    for i, path in enumerate(request.paths):
        mine = rows[np.asarray(recording[rows]) == i]
        if len(mine) == 0:
            continue
        source = WindowSource(desk, detector, request.model, path, by=request.by)
        row_of = {int(window[k]): int(k) for k in mine}
        for batch in source.windows(np.array(sorted(row_of), dtype=np.int64)):
            yield np.array([row_of[int(k)] for k in batch.index]), batch


Analysis = Callable[
    [Desk, ActivationRequest, Activations, Mapping[str, Any], Progress], dict[str, Any]
]
"""What makes a result: JSON values, of activations and parameters."""
