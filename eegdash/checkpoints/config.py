"""What decides a detector besides its weights, as it stands in ``config.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eegdash.errors import CheckpointError
from eegdash.montage import MONTAGES

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
CARD_NAME = "README.md"
SCHEMA = 1
LOG_POWER = "log-power"
DERIVATIONS = "derivations"
FEATURES = (LOG_POWER, DERIVATIONS)
"""What a network reads: the log-power spectrogram of a segment, or its samples."""
HASHED_FIELDS = (
    "architecture",
    "parameters",
    "features",
    "sfreq",
    "segment_s",
    "step_s",
    "montage",
    "ch_names",
    "stft",
    "normalisation",
    "temperature",
)
_MAX_CONFIG_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Stft:
    """The spectrogram that the network reads: frames of ``window_s`` every ``step_s``, Hann.

    Bins from ``fmin_hz`` to ``fmax_hz`` are kept, both inclusive.
    """

    window_s: float = 1.0
    step_s: float = 0.25
    fmin_hz: float = 1.0
    fmax_hz: float = 40.0


@dataclass(frozen=True, slots=True)
class Normalisation:
    """``(log10(power + floor_uv2_per_hz) - mean[f]) / scale``, the same for every recording.

    Parameters
    ----------
    floor_uv2_per_hz : float
        Keeps the logarithm finite on silent channels.
    mean : tuple of float
        Per frequency, from the training recordings.
    scale : float
    """

    floor_uv2_per_hz: float = 1e-3
    mean: tuple[float, ...] = ()
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """Everything about a detector but its weights.

    Parameters
    ----------
    name, title : str
        Name of the folder, and a line for the reader.
    architecture : str
        Name in ``NETWORKS`` or ``package.module:Class``.
    features : str
        What the network reads, one of :data:`FEATURES`: normalised log power
        (``stft``, ``normalisation``), or the derivations, uV, each around its mean in the segment.
    parameters : mapping
        Arguments of the network's constructor.
    threshold_pm : int
        Locked operating point, per mille.
    post : mapping of str to float
        Fields of ``detection.PostProcessing``.
    temperature : float
        ``probability = sigmoid(logit / temperature)`` (Guo C. et al. 2017, arXiv 1706.04599).
    sfreq, segment_s, step_s : float
        Rate of the derivations, Hz; length and distance of segments, s.
    montage : str
        Name in ``MONTAGES``; ``ch_names`` are its derivations in order.
    training : mapping
        Record of how the weights came about: data, seeds, versions, curves, results.
    weights_sha256, sha256 : str
        Set by :func:`save_checkpoint`.
    """

    name: str
    title: str
    architecture: str
    parameters: Mapping[str, Any]
    features: str = LOG_POWER
    threshold_pm: int = 500
    post: Mapping[str, float] = field(default_factory=dict)
    temperature: float = 1.0
    sfreq: float = 256.0
    segment_s: float = 3.0
    step_s: float = 1.5
    montage: str = "longitudinal-bipolar"
    ch_names: tuple[str, ...] = ()
    stft: Stft = Stft()
    normalisation: Normalisation = Normalisation()
    training: Mapping[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    sha256: str = ""

    @property
    def window_s(self) -> float:
        """Length of a window, s: the segments i, i + 2 and i + 4."""
        return 4 * self.step_s + self.segment_s

    def as_dict(self) -> dict[str, Any]:
        """Return the config as JSON values."""
        values = asdict(self)
        values["ch_names"] = list(self.ch_names)
        values["normalisation"]["mean"] = list(self.normalisation.mean)
        return {"schema": SCHEMA, **values}


def model_hash(config: DetectorConfig) -> str:
    """Return the model hash of a config whose ``weights_sha256`` is set (see the module)."""
    values = config.as_dict()
    hashed = {name: values[name] for name in HASHED_FIELDS}
    if config.features == LOG_POWER:
        del hashed["features"]  # models from before there was a choice keep their hash
    text = json.dumps(
        hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(f"{config.weights_sha256}\n{text}".encode()).hexdigest()


def read_config(folder: Path) -> DetectorConfig:
    """Read and check ``config.json`` of a model folder, without torch and without the weights.

    Raises
    ------
    CheckpointError
        If the file is missing, is not valid, or names no hash.
    """
    path = folder / CONFIG_NAME
    try:
        if path.stat().st_size > _MAX_CONFIG_BYTES:
            raise CheckpointError(f"{folder.name}: {CONFIG_NAME} is too large to be a config.")
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(
            f"{folder.name} is not a model folder: {CONFIG_NAME} cannot be read "
            f"({error.strerror}). Copy the whole folder again."
        ) from error
    except ValueError as error:  # JSON and Unicode errors
        raise CheckpointError(
            f"{folder.name}: {CONFIG_NAME} is not valid JSON. Copy the whole folder again."
        ) from error
    try:
        config = _parse_config(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{folder.name}: {CONFIG_NAME} does not describe a detector "
            f"({type(error).__name__}: {error}). Copy the whole folder again, or train anew."
        ) from error
    if not config.sha256 or not config.weights_sha256:
        raise CheckpointError(
            f"{folder.name}: {CONFIG_NAME} lists no SHA-256 of the weights, so they cannot be "
            "verified. Use a folder written by this program."
        )
    return config


def _parse_config(values: Mapping[str, Any]) -> DetectorConfig:
    known = dict(values)
    if known.pop("schema") != SCHEMA:
        raise ValueError(f"schema {values['schema']!r} is not {SCHEMA}")
    known["ch_names"] = tuple(str(name) for name in known["ch_names"])
    known["stft"] = Stft(**{key: float(value) for key, value in known["stft"].items()})
    norm = dict(known["normalisation"])
    norm["mean"] = tuple(float(value) for value in norm["mean"])
    known["normalisation"] = Normalisation(**norm)
    config = DetectorConfig(**known)
    _check_values(config)
    return config


def _check_values(config: DetectorConfig) -> None:
    montage = MONTAGES[config.montage]
    if config.features not in FEATURES:
        raise ValueError(f"features {config.features!r} are none of {', '.join(FEATURES)}")
    if config.ch_names != tuple(d.name for d in montage.derivations):
        raise ValueError(f"ch_names are not the derivations of the montage {config.montage}")
    numbers = [config.sfreq, config.segment_s, config.step_s, config.temperature]
    numbers += [config.stft.window_s, config.stft.step_s, config.normalisation.scale]
    if not all(np.isfinite(value) and value > 0 for value in numbers):
        raise ValueError("rates, lengths, temperature and scale must be positive")
    if not np.isfinite(config.normalisation.mean).all():
        raise ValueError("the normalisation holds a value that is not finite")
    if not (isinstance(config.threshold_pm, int) and 0 <= config.threshold_pm <= 1000):
        raise ValueError("threshold_pm must be a whole number from 0 to 1000")
    for value in (config.step_s * config.sfreq, config.segment_s * config.sfreq):
        if abs(value - round(value)) > 1e-9:
            raise ValueError("segments must be whole numbers of samples")
    per_step = config.step_s / config.stft.step_s if config.features == LOG_POWER else 1.0
    if abs(config.segment_s - 2 * config.step_s) > 1e-9 or abs(per_step - round(per_step)) > 1e-9:
        raise ValueError("step_s must be half of segment_s and a multiple of the frame step")
