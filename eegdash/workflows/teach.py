"""Teaching a detector from the labels of the workspace: plan, fit, compare, keep a candidate.

Nothing is put to use here: the result lies in the models of the workspace as a candidate until
somebody promotes it (:mod:`eegdash.workflows.model_decisions`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eegdash.annotations import SEIZURE_PREFIX, Annotation, Reference
from eegdash.atomic import write_atomically
from eegdash.checkpoints import CheckpointInfo, DetectorConfig, read_config
from eegdash.errors import CheckpointError, DatasetError, WorkspaceError
from eegdash.training.augmentation import Augmentation
from eegdash.training.fine_tune import TeachParameters, plain_config
from eegdash.training.fit import FitParameters
from eegdash.training.opinions import OpinionWeights
from eegdash.workflows.comparison import (
    CompareItem,
    OperatingPoint,
    Pair,
    compare_models,
    compare_pairs,
    point_of,
)
from eegdash.workflows.desk import Desk
from eegdash.workflows.journal import now_utc
from eegdash.workflows.operating_sets import training_record
from eegdash.workflows.score import Progress
from eegdash.workflows.teach_labels import (
    ASIDE,
    HELD,
    TAUGHT,
    LabelsFile,
    TeachChoice,
    TeachPlan,
    labels_at,
    labels_now,
    teach_plan,
)

if TYPE_CHECKING:
    from eegdash.checkpoints import Detector
    from eegdash.training.datasets import LabelledRecording
    from eegdash.training.fine_tune import Taught
    from eegdash.workflows.teach_material import TaughtFile

RUN_NAME = "run.json"
_PREFIX = ".teach-"
_TEST_SEED = 930_000
READING, FITTING, COMPARING = "reading", "fitting", "comparing"


@dataclass(frozen=True, slots=True)
class TeachRequest:
    """What decides the result of a teaching, all of it.

    Parameters
    ----------
    parent : str
        Name of the detector that is taught.
    labels : LabelsFile
        As they stood when it was asked.
    choice : TeachChoice
    weights : OpinionWeights
    parameters : TeachParameters
    seed : int
        0 to 9,999.
    reviewer : str
        Who asked; stands in the run, not in the model.
    """

    parent: str
    labels: LabelsFile
    choice: TeachChoice = field(default_factory=TeachChoice)
    weights: OpinionWeights = field(default_factory=OpinionWeights)
    parameters: TeachParameters = field(default_factory=TeachParameters)
    seed: int = 0
    reviewer: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the request as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TeachRequest:
        """Return a request from :meth:`as_dict`, after JSON.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is none.
        """
        teach = dict(values["parameters"])
        fit = dict(teach["fit"])
        fit["augmentation"] = Augmentation(**fit["augmentation"])
        teach |= {"fit": FitParameters(**fit), "shares": tuple(teach["shares"])}
        choice = dict(values["choice"])
        choice["readers"] = tuple(choice["readers"])
        return cls(
            parent=str(values["parent"]),
            labels=LabelsFile(**values["labels"]),
            choice=TeachChoice(**choice),
            weights=OpinionWeights(**values["weights"]),
            parameters=TeachParameters(**teach),
            seed=int(values["seed"]),
            reviewer=str(values["reviewer"]),
        )


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A teaching that was stopped and can go on.

    Parameters
    ----------
    key : str
    request : TeachRequest
    began_utc : str
    done : float
        Share done when its phase began, 0 to 1.
    phase : str
        :data:`READING`, :data:`FITTING` or :data:`COMPARING`.
    """

    key: str
    request: TeachRequest
    began_utc: str
    done: float
    phase: str


def request_now(desk: Desk, parent: CheckpointInfo, **chosen: Any) -> TeachRequest:
    """Return a request for the labels as they stand; further fields of it by name."""
    return TeachRequest(parent.name, labels_now(desk), **chosen)


def request_key(request: TeachRequest, parent: CheckpointInfo) -> str:
    """Return a hash of all that decides the result; who asked does not."""
    facts = {
        **request.as_dict(), "reviewer": "", "sha256": parent.sha256,
        "point": [parent.threshold_pm, dict(parent.post)],
    }  # fmt: skip
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def teach(desk: Desk, request: TeachRequest, progress: Progress | None = None) -> CheckpointInfo:
    """Teach a detector and keep the result as a candidate; repeated after a kill, it goes on.

    Parameters
    ----------
    desk : Desk
    request : TeachRequest
    progress : callable, optional
        Called with the share done, 0 to 1; what it raises stops the teaching, which can go on
        later.

    Returns
    -------
    CheckpointInfo
        The candidate, in the models of the workspace.

    Raises
    ------
    CheckpointError
        If the parent cannot be used.
    DatasetError
        If there is nothing to be taught from, or the labels file is not the one of the request.
    WorkspaceError
        If the workspace cannot be written.
    """
    from eegdash.checkpoints import load_checkpoint

    began = time.monotonic()
    parent = desk.model(request.parent)
    plan = checked_plan(desk, request, parent)
    run = _Run.open(desk, request, parent, progress)
    run.say(0.0, READING)
    detector = load_checkpoint(parent.folder, trusted_packages=desk.settings.trusted_packages)
    # at the operating point that was locked for it here, if any was
    detector.config = replace(
        detector.config, threshold_pm=parent.threshold_pm, post=dict(parent.post)
    )
    files = _read(desk, plan, parent, detector, request, run)
    taught = _fitted(files, detector, request, run)
    run.say(0.8, COMPARING)
    from eegdash.training.recipe import versions

    record = _record(plan, files, taught, parent, detector.config, request)
    record |= {"versions": versions()}
    candidate = _kept_aside(run.folder, taught, record)
    record["before_after"] = {
        "aside": _on_aside(desk, plan, parent, candidate, lambda s: run.say(0.8 + 0.15 * s)),
        "simulated": on_simulated(
            detector,
            taught.detector,
            point_of(parent),
            request.parameters.tested,
            lambda s: run.say(0.95 + 0.04 * s),
        ),
    }
    record["elapsed_s"] = round(time.monotonic() - began, 1)
    result = _keep(desk, taught, record, candidate.sha256)
    shutil.rmtree(run.folder, ignore_errors=True)
    run.report(1.0)
    return result


def checked_plan(desk: Desk, request: TeachRequest, parent: CheckpointInfo) -> TeachPlan:
    """Return the plan of a request.

    Raises
    ------
    DatasetError
        If there is nothing to be taught from, or the labels file is not that of the request.
    """
    if not 0 <= request.seed < 10_000:
        raise DatasetError("The seed of a teaching lies from 0 to 9,999.")
    if labels_at(desk, request.labels.n_lines) != request.labels:
        raise DatasetError(
            "The lines of labels.jsonl that this teaching was begun with were changed since. "
            "Start the teaching anew."
        )
    plan = teach_plan(desk, parent, request.choice, request.labels)
    if not plan.n_used or not plan.on(TAUGHT):
        raise DatasetError(
            "There is no label to be taught from yet. Say on the page Review where the detector "
            "is right or wrong; unsure and contested labels, and recordings kept aside, teach "
            "nothing."
        )
    return plan


def before_after(model: CheckpointInfo) -> dict[str, Any]:
    """Return the comparisons with its parent that a taught model carries, by set of recordings."""
    return dict(teaching_record(model)["before_after"])


def teaching_record(model: CheckpointInfo) -> Mapping[str, Any]:
    """Return what a taught model says about its teaching.

    Raises
    ------
    CheckpointError
        If its config cannot be read, or it was not taught.
    """
    training = read_config(model.folder).training
    if "before_after" not in training or "labels" not in training:
        raise CheckpointError(f"{model.name} was not taught from labels, or its record is gone.")
    return training


# ---- the run -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Run:
    """The folder of one teaching, with what it needs to go on, and its progress."""

    folder: Path
    request: TeachRequest
    key: str
    began_utc: str
    report: Progress
    phase: str = READING

    @classmethod
    def open(
        cls, desk: Desk, request: TeachRequest, parent: CheckpointInfo, progress: Progress | None
    ) -> _Run:
        key = request_key(request, parent)
        folder = desk.workspace.models / f"{_PREFIX}{key[:16]}"
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise WorkspaceError(
                f"The folder models of the workspace cannot be written ({error.strerror}). "
                "Check its permissions and the room on the disk."
            ) from error
        before = _stored(folder)
        began_utc = before.began_utc if before else now_utc()
        return cls(folder, request, key, began_utc, progress or (lambda share: None))

    def say(self, share: float, phase: str = "") -> None:
        """Report the share done; the file is for a reader who comes back after a kill."""
        if phase:
            self.phase = phase
            content = {
                "request": self.request.as_dict(), "key": self.key,
                "began_utc": self.began_utc, "done": share, "phase": phase,
            }  # fmt: skip
            write_atomically(self.folder / RUN_NAME, json.dumps(content).encode())
        self.report(share)


def _stored(folder: Path) -> Unfinished | None:
    try:
        values = json.loads((folder / RUN_NAME).read_text(encoding="utf-8"))
        request = TeachRequest.from_dict(values["request"])
        return Unfinished(
            str(values["key"]),
            request,
            str(values["began_utc"]),
            float(values["done"]),
            str(values["phase"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def unfinished(desk: Desk) -> list[Unfinished]:
    """Return the teachings that were stopped before they were done, the newest first."""
    found = [_stored(folder) for folder in desk.workspace.models.glob(f"{_PREFIX}*")]
    return sorted(
        (run for run in found if run is not None), key=lambda run: run.began_utc, reverse=True
    )


def throw_away(desk: Desk, key: str) -> None:
    """Remove what an unfinished teaching has kept; labels and models are not touched."""
    for folder in desk.workspace.models.glob(f"{_PREFIX}*"):
        run = _stored(folder)
        if run is not None and run.key == key:
            shutil.rmtree(folder, ignore_errors=True)


# ---- its parts ---------------------------------------------------------------------------------


def _read(
    desk: Desk,
    plan: TeachPlan,
    parent: CheckpointInfo,
    detector: Detector,
    request: TeachRequest,
    run: _Run,
) -> dict[str, list[TaughtFile]]:
    from eegdash.workflows.teach_material import taught_file

    both = [(side, file) for side in (TAUGHT, HELD) for file in plan.on(side)]
    found: dict[str, list[TaughtFile]] = {TAUGHT: [], HELD: []}
    for index, (side, file) in enumerate(both):
        found[side].append(
            taught_file(
                desk, file, parent, detector, weights=request.weights, seed=request.seed,
                progress=lambda s, i=index: run.say(0.25 * (i + 0.9 * s) / len(both)),  # type: ignore[misc]
            )
        )  # fmt: skip
        run.say(0.25 * (index + 1) / len(both))
    return found


def _fitted(
    files: Mapping[str, list[TaughtFile]], detector: Detector, request: TeachRequest, run: _Run
) -> Taught:
    from eegdash.training.fine_tune import fine_tune
    from eegdash.training.state import StateFolder

    pieces = {side: [p for file in found for p in file.pieces] for side, found in files.items()}
    if not any(piece.weight.any() for piece in pieces[TAUGHT]):
        reasons = [file.reason for found in files.values() for file in found if file.reason]
        raise DatasetError(
            "Nothing of the labelled recordings can be used for teaching. "
            + (reasons[0] if reasons else "Label further detections, or sign a recording off.")
        )
    run.say(0.25, FITTING)
    return fine_tune(
        detector, pieces[TAUGHT], pieces[HELD], parameters=request.parameters, seed=request.seed,
        progress=lambda s: run.say(0.25 + 0.55 * s),
        state=StateFolder(run.folder / "fit", run.key),
    )  # fmt: skip


def _record(
    plan: TeachPlan,
    files: Mapping[str, list[TaughtFile]],
    taught: Taught,
    parent: CheckpointInfo,
    config: DetectorConfig,
    request: TeachRequest,
) -> dict[str, Any]:
    """Return what the new model says about itself; aliases and keys, no names."""
    from eegdash.training.fine_tune import tried_record
    from eegdash.training.fit import device_name
    from eegdash.workflows.teach_material import total

    own = (*plan.on(TAUGHT), *plan.on(HELD))
    hashes, persons = training_record(parent)
    return {
        "parent": {
            "name": parent.name, "title": parent.title, "sha256": parent.sha256,
            "threshold_pm": config.threshold_pm,
        },
        "labels": {
            "n_lines": plan.labels.n_lines, "sha256": plan.labels.sha256, "n_used": plan.n_used,
            "used": dict(plan.used), "left_out": dict(plan.left_out),
            "n_readers": len({o.reader for file in own for o in file.opinions}),
            "n_recordings": len(own), "n_persons": len({file.person_key for file in own}),
            "windows": total([file for found in files.values() for file in found]),
        },
        "recipe": {
            "teach": asdict(request.parameters), "weights": asdict(request.weights),
            "choice": asdict(request.choice) | {"readers": len(request.choice.readers)},
            "seed": request.seed,
        },
        "taught_utc": now_utc(),
        "recordings_sha256": sorted(hashes | {file.sha256 for file in own}),
        "persons": sorted(persons | {file.person_key for file in own}),
        "share": taught.share, "kept_all": taught.kept_all,
        "choice": tried_record(taught.tried), "n_choice": len(plan.on(HELD)),
        "curves": taught.curves, "device": device_name(), "remark": "",
    }  # fmt: skip


def _kept_aside(folder: Path, taught: Taught, record: Mapping[str, Any]) -> CheckpointInfo:
    """Save the weights in the folder of the run, so that recordings can be scored with them."""
    from eegdash.checkpoints import save_checkpoint

    config = replace(taught.detector.config, training={"parent": record["parent"]})
    config = save_checkpoint(
        folder / "candidate", config, taught.detector.network, card="# unfinished\n"
    )
    return _info(config, folder / "candidate")


def _info(config: DetectorConfig, folder: Path) -> CheckpointInfo:
    return CheckpointInfo(
        config.name, config.title, config.sha256, config.threshold_pm, dict(config.post), folder,
        parent_sha256=str(config.training["parent"]["sha256"]),
    )  # fmt: skip


def _on_aside(
    desk: Desk, plan: TeachPlan, parent: CheckpointInfo, after: CheckpointInfo, progress: Progress
) -> dict[str, Any]:
    items = [
        CompareItem(file.path, file.sha256, file.alias, file.person_key, file.reference)
        for file in plan.on(ASIDE)
        if file.reference is not None
    ]
    found = compare_models(desk, parent, after, items, progress)
    # a reason may name a file
    return {**found, "failed": [entry["alias"] for entry in found["failed"]]}


def on_simulated(
    before: Detector,
    after: Detector,
    point: OperatingPoint,
    n: int,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Compare two detectors on simulated people who took part in no training: what was forgotten.

    Parameters
    ----------
    before, after : Detector
        With the same features.
    point : OperatingPoint
        Of both.
    n : int
        People, 2 min each; always the same ones.
    progress : callable, optional
    """
    from eegdash.training.material import simulated

    people = simulated(plain_config(before.config), seed=_TEST_SEED, n=n, progress=progress)
    pairs = [
        Pair(
            alias=f"simulated-{index + 1}", sha256="", person=f"simulated-{index + 1}",
            reference=Reference(
                tuple(Annotation(on, end - on, SEIZURE_PREFIX) for on, end in person.seizures),
                ((0.0, person.duration_s),), "simulation",
            ),
            traces=(_trace(before, person), _trace(after, person)),
            duration_s=person.duration_s,
        )
        for index, person in enumerate(people)
    ]  # fmt: skip
    return compare_pairs(pairs, (point, point))


def _trace(detector: Detector, recording: LabelledRecording) -> Any:
    from eegdash.training.calibration import trace_of
    from eegdash.training.fit import recording_logits

    config = detector.config
    return trace_of(
        detector.probability(recording_logits(detector.network, recording, config)),
        step_s=config.step_s, window_s=config.window_s, duration_s=recording.duration_s,
    )  # fmt: skip


def _keep(desk: Desk, taught: Taught, record: Mapping[str, Any], sha256: str) -> CheckpointInfo:
    """Write the candidate under a name of its own, unless the same weights are there already."""
    from filelock import FileLock, Timeout

    from eegdash.checkpoints import save_checkpoint
    from eegdash.training.taught_card import taught_card

    parent = record["parent"]
    base = str(parent["name"]).partition("-taught-")[0]
    title = str(parent["title"]).partition(", taught ")[0]
    words = f"{title}, taught {record['taught_utc'][:10]} from {record['labels']['n_used']} labels"
    models = desk.workspace.models
    try:
        with FileLock(models / ".teach.lock", timeout=20):
            same = [
                m for m in desk.checkpoints() if m.sha256 == sha256 and m.folder.parent == models
            ]
            if same:  # the same teaching was finished before
                return same[0]
            taken = {info.name for info in desk.checkpoints()} | {p.name for p in models.iterdir()}
            number = next(k for k in range(1, 10**6) if f"{base}-taught-{k}" not in taken)
            name = f"{base}-taught-{number}"
            config = replace(taught.detector.config, name=name, title=words, training=dict(record))
            config = save_checkpoint(
                models / name, config, taught.detector.network, card=taught_card(config)
            )
    except (OSError, Timeout) as error:
        raise CheckpointError(
            f"The taught detector could not be saved ({type(error).__name__}). Make room in the "
            "workspace, then start the teaching again: it goes on where it stopped."
        ) from error
    return _info(config, models / name)
