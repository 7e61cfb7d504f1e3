"""Leave one person out: nobody is scored by a network that saw the person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from eegdash.annotations import Annotation, Reference
from eegdash.io.layouts import read_dataset
from eegdash.networks import network_class
from eegdash.training import folds
from eegdash.training.fit import FitParameters
from eegdash.training.folds import (
    BOTH,
    HeldOutWindows,
    RefineParameters,
    leave_one_person_out,
    person_groups,
    refine,
    separations,
)
from eegdash.training.material import RealRecording, read_real, simulated
from eegdash.training.recipe import raw_config

CONFIG = raw_config("t", "spectrogram-cnn-lstm")
SMALL = RefineParameters(variants=1, replayed=0.1, fit=FitParameters(epochs=1))


def clip(person: str, *, ictal: bool) -> RealRecording:
    annotations = (Annotation(0.0, 10.0, "sz" if ictal else "bckg"),)
    signal_uv = np.random.default_rng(len(person)).normal(0, 20, (18, 1280)).astype(np.float32)
    reference = Reference(annotations, ((0.0, 10.0),), "test")
    return RealRecording(signal_uv, reference, person, "g", f"{person}.edf", person * 8)


def tiny() -> Any:
    torch.manual_seed(0)
    return network_class(CONFIG.architecture)(**CONFIG.parameters, width=2, dimension=8).eval()


def windows(group: str, person: str, seizure: list[bool], value: list[int]) -> HeldOutWindows:
    amplitude = [float(v) for v in value[::-1]]
    return HeldOutWindows(person, person, group, value, seizure, amplitude, amplitude)


def test_every_person_is_left_out_once_and_seizures_are_spread() -> None:
    clips = [clip(f"p{k}", ictal=k < 3) for k in range(8)] + [clip("p0", ictal=False)]
    groups = person_groups(clips, 3)
    assert sorted(person for group in groups for person in group) == [f"p{k}" for k in range(8)]
    assert all(sum(person in ("p0", "p1", "p2") for person in group) == 1 for group in groups)
    assert len(person_groups(clips[:2], 5)) == 2


def test_refining_leaves_the_first_network_as_it_was() -> None:
    network = tiny()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first = simulated(CONFIG, seed=0, n=2)
    refined = refine(network, CONFIG, [clip("a", ictal=True)], first, parameters=SMALL, seed=0)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert any(not torch.equal(v, before[n]) for n, v in refined.state_dict().items())


def test_no_fold_sees_the_person_it_scores(
    data_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [i for i in read_dataset(data_pack).items if i.group == "CHB-MIT"]
    clips = read_real(items, CONFIG)
    items = [item for item in items if item.path.name in {c.name for c in clips}]
    seen: list[set[str]] = []

    def watched(network: Any, config: Any, kept: list[RealRecording], *_: Any, **__: Any) -> Any:
        seen.append({c.person for c in kept})
        return network

    monkeypatch.setattr(folds, "refine", watched)
    shares: list[float] = []
    found = leave_one_person_out(
        tiny(), CONFIG, clips, items, [], n_folds=6, parameters=SMALL, seed=0,
        folder=tmp_path, progress=shares.append,
    )  # fmt: skip
    assert shares == pytest.approx([1 / 3, 2 / 3, 1])
    assert sorted(w.name for w in found) == sorted(c.name for c in clips)
    persons = {"CHB-MIT/chb01", "CHB-MIT/chb02", "CHB-MIT/chb03"}
    assert [persons - kept for kept in seen] == [{p} for p in sorted(persons)]
    again = leave_one_person_out(
        tiny(), CONFIG, clips, items, [], n_folds=6, parameters=SMALL, seed=0,
        folder=tmp_path, progress=shares.append,
    )  # fmt: skip
    assert again == found
    assert len(seen) == 3  # finished folds are not repeated


def test_separations_agree_with_scikit_learn_by_group_and_over_both() -> None:
    rng = np.random.default_rng(0)
    found = [
        windows(group, f"{group}{k}", [bool(v) for v in rng.random(12) < 0.4],
                [int(v) for v in rng.integers(0, 1000, 12)])
        for group in ("a", "b") for k in range(3)
    ]  # fmt: skip
    found.append(windows("free", "x", [False] * 4, [1, 2, 3, 4]))
    result = separations(found)
    assert set(result) == {"a", "b", BOTH}
    for group, values in result.items():
        part = [w for w in found if w.group == group or (group == BOTH and w.group != "free")]
        truth = np.concatenate([w.seizure for w in part])
        expected = roc_auc_score(truth, np.concatenate([w.probability_pm for w in part]))
        assert values["detector"].auroc.value == pytest.approx(expected)
        assert values["detector"].n_persons == len(part)
        level = roc_auc_score(truth, np.concatenate([w.rms_uv for w in part]))
        assert values["root mean square"].auroc.value == pytest.approx(level)
