"""Model folders: round trip, verification, and refusals in plain words."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eegdash.checkpoints import (
    CONFIG_NAME,
    DERIVATIONS,
    HASHED_FIELDS,
    WEIGHTS_NAME,
    DetectorConfig,
    Normalisation,
    Stft,
    list_checkpoints,
    load_checkpoint,
    model_hash,
    save_checkpoint,
    segment_features,
)
from eegdash.errors import CheckpointError
from eegdash.montage import LONGITUDINAL_BIPOLAR
from eegdash.networks import NETWORKS
from eegdash.networks.shallow_cnn import ShallowCnn
from eegdash.networks.spectrogram_cnn_lstm import SpectrogramCnnLstm

SHIPPED = Path(__file__).resolve().parents[1] / "models"


def config_for(name: str = "tiny") -> DetectorConfig:
    return DetectorConfig(
        name=name,
        title="A tiny detector",
        architecture="spectrogram-cnn-lstm",
        parameters=SpectrogramCnnLstm(width=2, dimension=8).parameters_dict(),
        threshold_pm=600,
        post={"smoothing_s": 4.5, "hysteresis": 1.0, "merge_gap_s": 3.0, "min_duration_s": 6.0},
        ch_names=tuple(d.name for d in LONGITUDINAL_BIPOLAR),
        normalisation=Normalisation(mean=tuple(np.linspace(1, -1, 40)), scale=0.7),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = SpectrogramCnnLstm(width=2, dimension=8)
    save_checkpoint(tmp_path / "tiny", config_for(), network, card="# Tiny\n")
    return tmp_path / "tiny"


def change_config(folder: Path, **values: Any) -> None:
    path = folder / CONFIG_NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def rehash(folder: Path, **values: Any) -> None:
    """Change the weights or the config the way a careful forger would: with matching hashes."""
    from eegdash.checkpoints import read_config

    weights = hashlib.sha256((folder / WEIGHTS_NAME).read_bytes()).hexdigest()
    change_config(folder, weights_sha256=weights, **values)
    change_config(folder, sha256=model_hash(read_config(folder)))


def test_saved_detector_loads_and_gives_the_same_logits(folder: Path) -> None:
    torch.manual_seed(0)
    network = SpectrogramCnnLstm(width=2, dimension=8).eval()
    detector = load_checkpoint(folder)
    windows = np.random.default_rng(0).standard_normal((4, 3, 18, 40, 9)).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(windows)).numpy()
    np.testing.assert_array_equal(detector.logits(windows), expected)
    codes = np.stack([detector.encode(windows[:, k]) for k in range(3)], axis=1)
    np.testing.assert_allclose(detector.head(codes), expected, rtol=1e-4, atol=1e-5)
    assert detector.config.threshold_pm == 600
    assert detector.config.window_s == 9
    assert detector.layers == network.layers
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["README.md", CONFIG_NAME, WEIGHTS_NAME]
    )


def test_model_hash_follows_what_decides_a_probability(tmp_path: Path) -> None:
    network = SpectrogramCnnLstm(width=2, dimension=8)
    base = config_for()

    def hash_of(config: DetectorConfig) -> str:
        return save_checkpoint(tmp_path / "m", config, network, card="").sha256

    first = hash_of(base)
    assert hash_of(replace(base, threshold_pm=100, title="Other", training={"x": 1})) == first
    assert hash_of(replace(base, temperature=2.0)) != first
    with torch.no_grad():
        next(iter(network.parameters())).add_(1.0)
    assert hash_of(base) != first


def test_truncated_weights_are_refused(folder: Path) -> None:
    path = folder / WEIGHTS_NAME
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="incomplete or was changed"):
        load_checkpoint(folder)


def test_truncated_weights_with_a_matching_hash_are_refused(folder: Path) -> None:
    path = folder / WEIGHTS_NAME
    path.write_bytes(path.read_bytes()[:-100])
    rehash(folder)
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        load_checkpoint(folder)


def test_one_flipped_bit_is_refused(folder: Path) -> None:
    path = folder / WEIGHTS_NAME
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="SHA-256 differs"):
        load_checkpoint(folder)


def test_changed_config_is_refused(folder: Path) -> None:
    change_config(folder, temperature=0.5)
    with pytest.raises(CheckpointError, match="model hash differs"):
        load_checkpoint(folder)


def test_wrong_shapes_are_refused(folder: Path) -> None:
    rehash(folder, parameters=SpectrogramCnnLstm(width=4, dimension=8).parameters_dict())
    with pytest.raises(CheckpointError, match="do not fit the architecture"):
        load_checkpoint(folder)


def test_unknown_parameter_is_refused(folder: Path) -> None:
    rehash(folder, parameters={"depth": 3})
    with pytest.raises(CheckpointError, match="do not fit the architecture"):
        load_checkpoint(folder)


def test_weights_with_nan_are_refused(tmp_path: Path) -> None:
    network = SpectrogramCnnLstm(width=2, dimension=8)
    with torch.no_grad():
        network.conv1.weight[0, 0, 0, 0, 0] = float("nan")
    save_checkpoint(tmp_path / "bad", config_for("bad"), network, card="")
    with pytest.raises(CheckpointError, match="not finite"):
        load_checkpoint(tmp_path / "bad")


@pytest.mark.parametrize("field", ["weights_sha256", "sha256"])
def test_missing_hash_is_refused(folder: Path, field: str) -> None:
    change_config(folder, **{field: ""})
    with pytest.raises(CheckpointError, match=r"lists no SHA-256"):
        load_checkpoint(folder)


@pytest.mark.parametrize("name", [WEIGHTS_NAME, CONFIG_NAME])
def test_missing_file_is_refused_by_name_without_its_path(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=name) as caught:
        load_checkpoint(folder)
    assert str(folder.parent) not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"montage": "none"},
        {"ch_names": ["Fp1-F7"]},
        {"sfreq": -1.0},
        {"sfreq": float("nan")},
        {"threshold_pm": 5000},
        {"step_s": 1.0},
        {"schema": 99},
        {"surprise": 1},
        {"stft": None},
        {"features": "wavelets"},
    ],
)
def test_config_that_describes_no_detector_is_refused(folder: Path, values: dict[str, Any]) -> None:
    change_config(folder, **values)
    with pytest.raises(CheckpointError, match="does not describe a detector"):
        load_checkpoint(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_config_of_garbage_is_refused(folder: Path, content: bytes) -> None:
    (folder / CONFIG_NAME).write_bytes(content)
    with pytest.raises(CheckpointError):
        load_checkpoint(folder)


def test_user_architecture_needs_a_trusted_package(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "hospital_nets"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from eegdash.networks.spectrogram_cnn_lstm import SpectrogramCnnLstm\n"
        "class Ours(SpectrogramCnnLstm):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    rehash(folder, architecture="hospital_nets:Ours")
    with pytest.raises(CheckpointError, match="EEGDASH_TRUSTED_PACKAGES"):
        load_checkpoint(folder)
    assert "hospital_nets" not in sys.modules
    detector = load_checkpoint(folder, trusted_packages=("hospital_nets",))
    assert type(detector.network).__name__ == "Ours"


def test_list_shows_models_and_says_what_is_wrong_with_the_others(folder: Path) -> None:
    broken = folder.parent / "broken"
    broken.mkdir()
    (broken / CONFIG_NAME).write_text("{}")
    (folder.parent / "empty").mkdir()
    infos = list_checkpoints(folder.parent, folder.parent / "absent")
    assert [info.name for info in infos] == ["broken", "tiny"]
    assert infos[0].problem
    assert not infos[1].problem
    assert infos[1].threshold_pm == 600
    assert infos[1].folder == folder
    assert len(infos[1].sha256) == 64


def test_listing_imports_no_torch_and_no_scipy(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from eegdash.checkpoints import list_checkpoints; "
        f"assert list_checkpoints(Path({str(folder.parent)!r})); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'scipy', 'mne', 'safetensors')))"
    )
    root = Path(__file__).resolve().parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_features_are_log_power_on_the_segment_grid() -> None:
    rng = np.random.default_rng(0)
    block = (20 * rng.standard_normal((18, 256 * 12))).astype(np.float32)
    config = config_for()
    features = segment_features(block, config)
    assert features.shape == (7, 18, 40, 9)
    third = segment_features(block[:, 2 * 384 :], config)[0]
    np.testing.assert_array_equal(features[2], third)
    # tenfold amplitude is two decades of power
    louder = segment_features(10 * block, config)
    change = louder - features
    assert np.median(change) == pytest.approx(2 / 0.7, abs=0.005)
    assert change.max() < 2 / 0.7 + 0.005  # the floor can only hold the quietest bins back


def test_unusable_derivation_becomes_the_mean_of_the_others() -> None:
    rng = np.random.default_rng(0)
    block = (20 * rng.standard_normal((18, 256 * 6))).astype(np.float32)
    usable = np.ones((3, 18), dtype=bool)
    usable[1, 4] = False
    plain = segment_features(block, config_for())
    filled = segment_features(block, config_for(), usable=usable)
    others = np.delete(plain[1], 4, axis=0).mean(axis=0)
    np.testing.assert_allclose(filled[1, 4], others, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(filled[[0, 2]], plain[[0, 2]])


def test_derivations_are_cut_into_segments_around_their_mean() -> None:
    rng = np.random.default_rng(0)
    block = (500 + 20 * rng.standard_normal((18, 80 * 12))).astype(np.float32)
    config = replace(config_for(), features=DERIVATIONS, sfreq=80.0)
    features = segment_features(block, config)
    assert features.shape == (7, 18, 240)
    expected = block[:, 240:480] - block[:, 240:480].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(features[2], expected, atol=1e-3)
    np.testing.assert_array_equal(features[2], segment_features(block[:, 240:], config)[0])
    assert segment_features(block[:, :239], config).shape == (0, 18, 240)
    usable = np.ones((7, 18), dtype=bool)
    usable[3, 5] = False
    filled = segment_features(block, config, usable=usable)
    assert not filled[3, 5].any()
    np.testing.assert_array_equal(
        np.delete(filled[3], 5, axis=0), np.delete(features[3], 5, axis=0)
    )


def test_what_is_read_is_hashed_and_models_of_before_keep_their_hash() -> None:
    config = config_for()
    values = config.as_dict()
    older = {name: values[name] for name in HASHED_FIELDS if name != "features"}
    text = json.dumps(older, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert model_hash(config) == hashlib.sha256(f"\n{text}".encode()).hexdigest()
    assert model_hash(replace(config, features=DERIVATIONS)) != model_hash(config)


def test_frames_need_not_fit_the_grid_where_samples_are_read(tmp_path: Path) -> None:
    network = ShallowCnn(width=2, dimension=8)
    config = replace(
        config_for("raw"), architecture="shallow-cnn", parameters=network.parameters_dict(),
        features=DERIVATIONS, sfreq=80.0, normalisation=Normalisation(), stft=Stft(step_s=0.4),
    )  # fmt: skip
    save_checkpoint(tmp_path / "raw", config, network, card="# Raw\n")
    detector = load_checkpoint(tmp_path / "raw")
    assert detector.freqs_hz.size == 0
    assert detector.frame_s[[0, -1]].tolist() == [0.0, 3 - 1 / 80]


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_shipped_checkpoint_loads_and_its_card_states_use_and_figures(name: str) -> None:
    detector = load_checkpoint(SHIPPED / name)
    config = detector.config
    assert config.name == config.architecture == name
    card = (SHIPPED / name / "README.md").read_text()
    assert "Research use, not for diagnosis" in card
    assert "ODC-By 1.0" in card
    assert f"threshold {config.threshold_pm / 1000:.2f}" in card
    for group, ranked in config.training["leave_one_person_out"].items():
        assert f"| {group} | {ranked['detector']['auroc']:.3f}" in card
    for gained in ("share_times_3", "share_by_3"):  # a detector is no gain meter
        assert 0.025 <= config.training["background"][gained] <= 0.1
    found = config.training["leave_one_person_out"]["both"]
    assert found["detector"]["auroc"] >= 0.95
    assert found["detector"]["auroc"] > max(
        value["auroc"] for name, value in found.items() if name != "detector"
    )
    assert not {"CHB-MIT", "IIIC"} & {key.split("/")[0] for key in config.training["persons"]}


def test_shipped_detectors_read_log_power_and_samples() -> None:
    spectral = load_checkpoint(SHIPPED / "spectrogram-cnn-lstm")
    assert spectral.freqs_hz.tolist() == list(range(1, 33))
    assert spectral.frame_s.tolist() == [0.5 + 0.25 * k for k in range(9)]
    raw = load_checkpoint(SHIPPED / "shallow-cnn")
    assert raw.config.features == DERIVATIONS
    assert len(raw.frame_s) == 240
