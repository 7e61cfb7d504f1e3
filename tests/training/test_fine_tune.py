"""Teaching without forgetting: its parts in closed form, and a small version of the study."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.teaching import Made, person
from eegdash.annotations import Annotation
from eegdash.checkpoints import Detector, DetectorConfig, load_checkpoint
from eegdash.montage import LONGITUDINAL_BIPOLAR
from eegdash.networks.spectrogram_cnn_lstm import SpectrogramCnnLstm
from eegdash.training.datasets import LabelledRecording, bipolar_uv, label_windows
from eegdash.training.fine_tune import (
    TeachParameters,
    Tried,
    choose,
    fine_tune,
    forgotten_share,
    held_loss,
    mixed,
    plain_config,
    rehearsal,
    repeated,
)
from eegdash.training.fit import FitParameters, fit, recording_logits, runs_of
from eegdash.training.material import labelled
from eegdash.training.opinions import Meaning, Opinion, opinion_targets
from eegdash.workflows.desk import SHIPPED_MODELS

NAMES = tuple(d.name for d in LONGITUDINAL_BIPOLAR)


def tiny(seed: int = 0) -> Detector:
    torch.manual_seed(seed)
    network: Any = SpectrogramCnnLstm(width=2, dimension=8)
    config = DetectorConfig(
        "t", "T", "spectrogram-cnn-lstm", network.parameters_dict(), sfreq=128.0, ch_names=NAMES
    )
    return Detector(config, network)


def tried(*values: tuple[float, float | None, float]) -> tuple[Tried, ...]:
    return (Tried(0.0, 1.0, 0.0), *(Tried(*value) for value in values))


def test_the_share_serves_held_out_labels_among_those_that_forget_little() -> None:
    of = tried((0.25, 0.8, 0.01), (0.5, 0.6, 0.02), (0.75, 0.7, 0.03), (1.0, 0.1, 0.2))
    assert choose(of, 0.05).share == 0.5


def test_without_held_out_labels_the_largest_that_forgets_little_is_taken() -> None:
    of = tried((0.25, None, 0.01), (0.5, None, 0.05), (0.75, None, 0.06))
    assert choose(of, 0.05).share == 0.5


def test_where_all_forget_too_much_the_smallest_is_taken() -> None:
    assert choose(tried((0.25, 0.9, 0.3), (0.5, 0.1, 0.4)), 0.05).share == 0.25


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_mixed_weights_lie_between_parent_and_fitted(share: float) -> None:
    parent, fitted = tiny(0).network, tiny(1).network
    found = mixed(parent, fitted, share).state_dict()
    for name, before in parent.state_dict().items():
        if before.is_floating_point():
            expected = before + share * (fitted.state_dict()[name] - before)
            torch.testing.assert_close(found[name], expected)


def recording(n: int, *, seizure: bool = False) -> LabelledRecording:
    rng = np.random.default_rng(n)
    return LabelledRecording(
        rng.standard_normal((n + 4, 18, 40, 9)).astype(np.float16),
        np.full(n, seizure), np.ones(n, dtype=np.float32), (), 1.5 * n,
    )  # fmt: skip


def test_labelled_pieces_are_repeated_to_their_share_of_the_runs() -> None:
    taught, rehearsed = [recording(16), recording(16)], [recording(160)]
    parameters = TeachParameters(taught_share=0.5, most_repeats=12)
    assert len(runs_of(rehearsed)) == 10
    assert len(repeated(taught, rehearsed, parameters)) == 10
    assert len(repeated(taught, rehearsed, replace(parameters, most_repeats=2))) == 4


def test_rehearsal_brings_no_truth_that_the_parent_did_not_have() -> None:
    detector = tiny()
    wrong = 0
    for found in rehearsal(detector, seed=3, n=3):
        logits = recording_logits(detector.network, found, detector.config)
        called = detector.probability(logits) >= 0.5
        assert not found.weight[called != found.seizure].any()
        wrong += int((called != found.seizure).sum())
    assert wrong, "an untrained network is wrong somewhere"
    assert forgotten_share(detector, rehearsal(detector, seed=3, n=3)) == 0.0


def test_the_loss_on_held_out_labels_is_that_of_their_windows() -> None:
    detector, one = tiny(), recording(20, seizure=True)
    logits = recording_logits(detector.network, one, detector.config)
    assert held_loss(detector, [one]) == pytest.approx(np.logaddexp(0, -logits).mean(), abs=1e-4)
    assert held_loss(detector, [replace(one, weight=0 * one.weight)]) is None


def test_nothing_known_is_nothing_to_be_taught() -> None:
    with pytest.raises(ValueError, match="known truth"):
        fine_tune(tiny(), [replace(recording(20), weight=np.zeros(20, dtype=np.float32))], ())


# ---- a small version of benchmarks/teaching.py -------------------------------------------------


def features_of(made: Made, config: DetectorConfig) -> LabelledRecording:
    return labelled(bipolar_uv(made.signal_uv), plain_config(config), made.seizures)


def chewing_called_seizure(
    detector: Detector, people: list[tuple[Made, LabelledRecording]]
) -> float:
    """Share of the windows in chewing that are called seizure."""
    called = []
    for made, one in people:
        centre_s = 4.5 + 1.5 * np.arange(len(one.seizure))
        inside = np.zeros(len(centre_s), dtype=np.bool_)
        for onset_s, end_s in made.chewing:
            inside |= (centre_s >= onset_s) & (centre_s < end_s)
        logits = recording_logits(detector.network, one, detector.config)
        positive = detector.probability(logits) >= detector.config.threshold_pm / 1000
        called.append(positive[inside])
    return float(np.concatenate(called).mean())


@pytest.mark.timeout(600)  # some 25 s of one core; a shared machine may take minutes
def test_a_few_corrections_unteach_a_systematic_mistake() -> None:
    shipped = load_checkpoint(SHIPPED_MODELS / "spectrogram-cnn-lstm")
    config = shipped.config
    made = [person(9000 + k, "", True, sfreq=config.sfreq) for k in range(20)]
    people = [(one, features_of(one, config)) for one in made]
    spoiled = []
    for one, known in people[:10]:
        said = [Annotation(on, end - on, "sz") for on, end in one.chewing]
        seizure, weight = label_windows(len(known.seizure), config, said)
        spoiled.append(replace(known, seizure=seizure, weight=weight))
    wrong = load_checkpoint(SHIPPED_MODELS / "spectrogram-cnn-lstm")
    fit(wrong.network, 4 * spoiled, (), config, parameters=FitParameters(6, 2e-3))
    unseen = people[14:]
    before = chewing_called_seizure(wrong, unseen)
    assert before > 0.5, "the spoiled detector alarms on chewing"

    taught = []
    for one, known in people[10:14]:
        opinions = [Opinion(on, end, Meaning.FREE, "AB") for on, end in one.chewing]
        targets = opinion_targets(
            opinions, one.chewing, n_windows=len(known.seizure), config=config, finished=True
        )
        taught.append(replace(known, seizure=targets.seizure, weight=targets.weight))
    parameters = TeachParameters(
        fit=replace(TeachParameters().fit, epochs=3), rehearsed=12, validated=8, forgotten=0.15
    )
    found = fine_tune(wrong, taught, (), parameters=parameters)
    assert chewing_called_seizure(found.detector, unseen) < before - 0.25
    assert found.kept_all, "and little of what it had right was lost"
    # the parent is as it was
    assert chewing_called_seizure(wrong, unseen) == before
