"""Model folders: saved whole, listed without torch, loaded only after they were verified."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eegdash.atomic import write_atomically
from eegdash.checkpoints.config import (
    CARD_NAME,
    CONFIG_NAME,
    WEIGHTS_NAME,
    DetectorConfig,
    model_hash,
    read_config,
)
from eegdash.checkpoints.detector import Detector
from eegdash.errors import CheckpointError
from eegdash.networks import network_class

if TYPE_CHECKING:
    from torch import nn

_MAX_WEIGHTS_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """What a list of models shows; nothing is verified and no torch is imported.

    Parameters
    ----------
    name, title, sha256 : str
    threshold_pm : int
    post : mapping of str to float
        Fields of ``detection.PostProcessing``.
    folder : Path
    problem : str
        Why the model cannot be used, or ``""``.
    parent_sha256 : str
        Hash of the model that this one was taught from, or ``""``.
    """

    name: str
    title: str
    sha256: str
    threshold_pm: int
    post: Mapping[str, float]
    folder: Path
    problem: str = ""
    parent_sha256: str = ""


def save_checkpoint(
    folder: Path, config: DetectorConfig, network: nn.Module, *, card: str
) -> DetectorConfig:
    """Write a model folder; each file appears whole or not at all.

    Parameters
    ----------
    folder : Path
        ``models/<name>``; made if needed. The config, which names the hashes, is written last,
        so that an interrupted save leaves a folder that is refused, not a wrong model.
    config : DetectorConfig
    network : torch.nn.Module
    card : str
        Text of the model card (Markdown).

    Returns
    -------
    DetectorConfig
        The config with both hashes.
    """
    from dataclasses import replace

    from safetensors.torch import save

    state = {
        name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()
    }
    weights: bytes = save(state)
    config = replace(config, weights_sha256=hashlib.sha256(weights).hexdigest())
    config = replace(config, sha256=model_hash(config))
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(config.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / WEIGHTS_NAME, weights, mode=0o644)
    write_atomically(folder / CARD_NAME, card.encode(), mode=0o644)
    write_atomically(folder / CONFIG_NAME, (text + "\n").encode(), mode=0o644)
    return config


def list_checkpoints(*folders: Path) -> list[CheckpointInfo]:
    """List the model folders inside ``folders``, ordered by name; imports no torch.

    A folder whose config cannot be read is listed with its ``problem``.
    """
    found = []
    for parent in folders:
        if not parent.is_dir():
            continue
        for folder in sorted(path.parent for path in parent.glob(f"*/{CONFIG_NAME}")):
            try:
                config = read_config(folder)
            except CheckpointError as error:
                found.append(
                    CheckpointInfo(folder.name, folder.name, "", 500, {}, folder, str(error))
                )
                continue
            found.append(
                CheckpointInfo(
                    name=config.name,
                    title=config.title,
                    sha256=config.sha256,
                    threshold_pm=config.threshold_pm,
                    post=config.post,
                    folder=folder,
                    parent_sha256=_parent(config),
                )
            )
    return sorted(found, key=lambda info: info.name)


def _parent(config: DetectorConfig) -> str:
    parent = config.training.get("parent")
    return str(parent.get("sha256", "")) if isinstance(parent, Mapping) else ""


def load_checkpoint(folder: Path, *, trusted_packages: Sequence[str] = ()) -> Detector:
    """Load a model folder and verify it.

    Parameters
    ----------
    folder : Path
        ``models/<name>``.
    trusted_packages : sequence of str
        Packages from which an architecture ``package.module:Class`` may be imported.

    Returns
    -------
    Detector

    Raises
    ------
    CheckpointError
        If a file is missing, was changed, does not fit the architecture, or holds values that
        are not finite; or if the architecture is not trusted.
    """
    config = read_config(folder)
    path = folder / WEIGHTS_NAME
    try:
        if path.stat().st_size > _MAX_WEIGHTS_BYTES:
            raise CheckpointError(f"{folder.name}: {WEIGHTS_NAME} is larger than 1 GB; refused.")
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{folder.name}: {WEIGHTS_NAME} cannot be read ({error.strerror}). "
            "Copy the whole folder again."
        ) from error
    if hashlib.sha256(content).hexdigest() != config.weights_sha256:
        raise CheckpointError(
            f"{folder.name}: {WEIGHTS_NAME} is not the file that {CONFIG_NAME} lists "
            "(SHA-256 differs): it is incomplete or was changed. Copy the whole folder again."
        )
    if model_hash(config) != config.sha256:
        raise CheckpointError(
            f"{folder.name}: {CONFIG_NAME} was changed after the model was saved "
            "(the model hash differs). Copy the whole folder again."
        )
    cls = network_class(config.architecture, trusted_packages=trusted_packages)
    return Detector(config, _build(folder.name, cls, config, content))


def _build(name: str, cls: type[nn.Module], config: DetectorConfig, content: bytes) -> nn.Module:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        state = load(content)
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{name}: {WEIGHTS_NAME} is not a safetensors file. Copy the whole folder again."
        ) from error
    for key, value in state.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise CheckpointError(
                f"{name}: the weights {key} hold values that are not finite (NaN or infinity), "
                "so every score would be meaningless. Train the model anew."
            )
    try:
        network: nn.Module = cls(**dict(config.parameters))
        network.load_state_dict(state, strict=True)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{name}: the weights do not fit the architecture {config.architecture} "
            f"({str(error).splitlines()[0]}). Use the folder that belongs to it, or train anew."
        ) from error
    return network
