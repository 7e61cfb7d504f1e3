"""A planted shortcut raises the alarm; a clean network does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from attribution_cases import CH_NAMES
from numpy.typing import NDArray

from eegdash.attribution.baselines import make_baseline
from eegdash.attribution.maps import Attribution
from eegdash.attribution.methods import attribute
from eegdash.attribution.shortcut import Sign, shortcut_report
from eegdash.checkpoints import Detector, DetectorConfig, Normalisation, Stft
from eegdash.errors import AttributionError
from eegdash.networks.spectrogram_cnn_lstm import SpectrogramCnnLstm

SFREQ, SEIZURE_HZ = 160.0, 4.0
N_TRAIN, N_TEST = 64, 12


def windows_uv(seed: int, n: int, *, rhythm: bool, tag: bool) -> tuple[Any, Any]:
    """Draw 9 s windows of noise; half of them carry what may tell them apart.

    The rhythm is one of 4 Hz in the left lateral chain; the tag is a tone of 60 Hz everywhere.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(round(9 * SFREQ)) / SFREQ
    seizure = np.arange(n) % 2 == 0
    signal = 20 * rng.standard_normal((n, 18, len(t)))
    phase = rng.uniform(0, 2 * np.pi, (n, 1, 1))
    if rhythm:
        wave = 40 * np.sin(2 * np.pi * SEIZURE_HZ * t + phase)
        signal[:, :4] += wave * seizure[:, None, None]
    if tag:
        signal += 10 * np.sin(2 * np.pi * 60 * t + phase) * seizure[:, None, None]
    return signal.astype(np.float32), seizure


def configured() -> DetectorConfig:
    stft = Stft(window_s=0.5, step_s=0.25, fmin_hz=2.0, fmax_hz=70.0)
    return DetectorConfig(
        "planted",
        "Planted",
        "spectrogram-cnn-lstm",
        {},
        sfreq=SFREQ,
        stft=stft,
        ch_names=CH_NAMES,
        sha256="planted",
        normalisation=Normalisation(1e-3, (), 1.0),
    )


def features_of(config: DetectorConfig, signal_uv: Any) -> NDArray[np.float32]:
    blank = Detector(config, torch.nn.Identity())
    return np.stack([blank.features(one)[[0, 2, 4]] for one in signal_uv])


def trained(**shown: bool) -> tuple[Detector, NDArray[np.float32], NDArray[np.bool_]]:
    """Train the shipped architecture, small, on the difference that is shown to it."""
    config = configured()
    signal_uv, seizure = windows_uv(0, N_TRAIN, **shown)
    features = features_of(config, signal_uv)
    config = replace(config, normalisation=Normalisation(1e-3, (), float(features.std())))
    features = features_of(config, signal_uv)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = SpectrogramCnnLstm(
            n_freqs=features.shape[3], n_frames=features.shape[4], width=4, dimension=12
        ).train()
        optimiser = torch.optim.AdamW(network.parameters(), lr=0.01)
        inputs, target = torch.from_numpy(features), torch.from_numpy(seizure).float()
        for _ in range(25):
            optimiser.zero_grad()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(network(inputs), target)
            loss.backward()
            optimiser.step()
    signal_uv, seizure = windows_uv(1, N_TEST, **shown)
    return Detector(config, network), features_of(config, signal_uv), seizure


def report_of(**shown: bool) -> dict[str, Sign]:
    detector, features, seizure = trained(**shown)
    logits = detector.logits(features)
    assert ((logits > 0) == seizure).mean() >= 0.9, "the network did not learn the difference"
    quiet = features[~seizure]
    maps = [
        attribute(
            "integrated-gradients",
            detector,
            window,
            make_baseline("interictal-median", detector.config, window, quiet),
        )
        for window in features
    ]
    report = shortcut_report(maps, list(seizure))
    assert report.raised == any(sign.raised for sign in report.signs)
    assert (report.n_seizure, report.n_other) == (N_TEST // 2, N_TEST // 2)
    assert report.seizure_profile.shape == (2, len(report.bands), len(report.regions))
    assert report.seizure_profile.sum() == pytest.approx(1.0)
    return {sign.name: sign for sign in report.signs}


def test_a_network_that_learned_a_tag_at_60_hz_raises_the_alarm() -> None:
    signs = report_of(rhythm=False, tag=True)
    assert signs["line frequency"].raised
    assert "60 Hz" in signs["line frequency"].evidence


def test_a_network_that_learned_a_rhythm_does_not() -> None:
    signs = report_of(rhythm=True, tag=False)
    assert not any(sign.raised for sign in signs.values()), signs


# ---- signs one by one, on made maps --------------------------------------------------------


def made(values: Any, freqs_hz: Any = None) -> Attribution:
    freqs = np.arange(2.0, 72.0, 2.0) if freqs_hz is None else freqs_hz
    return Attribution(
        "integrated-gradients",
        "b",
        values.astype(np.float32),
        CH_NAMES,
        freqs,
        0.25 * np.arange(values.shape[-1]),
        "logit",
        1.0,
    )


def even(seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((3, 18, 35, 10))


def signs_of(maps: list[Attribution], seizure: list[bool]) -> dict[str, Sign]:
    return {sign.name: sign for sign in shortcut_report(maps, seizure).signs}


def test_evidence_at_the_edges_is_a_sign() -> None:
    edged = even()
    edged[..., [0, -1]] *= 10
    signs = signs_of([made(edged)] * 3, [True] * 3)
    assert signs["window edges"].raised
    assert "20 %" in signs["window edges"].evidence  # what even would be: 2 of 10 frames
    assert not signs_of([made(even())] * 3, [True] * 3)["window edges"].raised


def test_evidence_in_the_range_of_muscle_is_a_sign_but_line_frequency_has_its_own() -> None:
    tense = even()
    tense[:, :, :11] *= 0.05  # below 24 Hz
    assert signs_of([made(tense)], [True])["muscle range"].raised
    line = 0.05 * even()
    line[:, :, 29] *= 1000  # 60 Hz
    signs = signs_of([made(line)], [True])
    assert signs["line frequency"].raised
    assert not signs["muscle range"].raised


def test_the_same_profile_of_both_classes_is_a_sign() -> None:
    rng = np.random.default_rng(1)
    shape = np.abs(rng.standard_normal((1, 18, 35, 1)))
    same = [made(shape * even(k)) for k in range(8)]
    signs = signs_of(same, [True] * 4 + [False] * 4)
    assert signs["same profile"].raised
    turned = [made(np.abs(one.values) * (1 if k < 4 else -1)) for k, one in enumerate(same)]
    assert not signs_of(turned, [True] * 4 + [False] * 4)["same profile"].raised


def test_what_cannot_be_seen_is_not_called_absent() -> None:
    low = made(even()[:, :, :15], np.arange(2.0, 32.0, 2.0))
    signs = signs_of([low], [True])
    assert signs["line frequency"].raised is None
    assert "Out of sight" in signs["line frequency"].evidence
    assert signs["same profile"].raised is None
    assert "Not judged" in signs["same profile"].evidence


def test_without_a_seizure_there_is_nothing_to_judge() -> None:
    with pytest.raises(AttributionError, match="no window that counts as a seizure"):
        shortcut_report([made(even())], [False])
