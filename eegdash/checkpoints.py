"""Model folders: ``models/<name>/`` -> :class:`Detector`, verified by SHA-256.

A folder holds ``model.safetensors``, ``config.json`` and ``README.md`` (the model card). Two
hashes stand in the config:

- ``weights_sha256``: SHA-256 of the bytes of ``model.safetensors``;
- ``sha256``, the *model hash* that every result carries: SHA-256 of ``weights_sha256``, a
  newline, and the canonical JSON (sorted keys, compact, UTF-8) of those fields of the config
  that decide a probability (:data:`HASHED_FIELDS`). Title, threshold, post-processing and the
  training record are left out: they change no trace, and are saved with every result.

Reading the list of models imports no torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.errors import CheckpointError
from eegdash.montage import MONTAGES
from eegdash.networks import network_class
from eegdash.spectrogram import power_spectrogram

if TYPE_CHECKING:
    from torch import nn

WEIGHTS_NAME = "model.safetensors"
CONFIG_NAME = "config.json"
CARD_NAME = "README.md"
SCHEMA = 1
HASHED_FIELDS = (
    "architecture",
    "parameters",
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
_MAX_WEIGHTS_BYTES = 1 << 30


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
    """

    name: str
    title: str
    sha256: str
    threshold_pm: int
    post: Mapping[str, float]
    folder: Path
    problem: str = ""


class Detector:
    """A network with the config it was trained with; numpy in, numpy out.

    Parameters
    ----------
    config : DetectorConfig
    network : torch.nn.Module
        In evaluation mode. Attribution and mechanism go through it, for its gradients and layers.
    """

    def __init__(self, config: DetectorConfig, network: nn.Module) -> None:
        self.config = config
        self.network = network.eval()

    @property
    def layers(self) -> tuple[str, ...]:
        """Named layers for attribution and mechanism."""
        return tuple(getattr(self.network, "layers", ()))

    @property
    def freqs_hz(self) -> NDArray[np.float64]:
        """Frequencies of the features' second axis, Hz."""
        stft = self.config.stft
        freqs = np.fft.rfftfreq(round(stft.window_s * self.config.sfreq), 1 / self.config.sfreq)
        return np.asarray(freqs[_bins(freqs, stft)], dtype=np.float64)

    @property
    def frame_s(self) -> NDArray[np.float64]:
        """Centres of the features' third axis, s from the start of a segment."""
        stft = self.config.stft
        n_frames = int((self.config.segment_s - stft.window_s) / stft.step_s + 1e-9) + 1
        return np.asarray(stft.window_s / 2 + stft.step_s * np.arange(n_frames), dtype=np.float64)

    def features(
        self, block_uv: NDArray[np.float32], *, usable: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        """Return the features of every segment that fits into a block.

        Parameters
        ----------
        block_uv : ndarray of float32, shape (n_channels, n_samples)
            Derivations at ``config.sfreq``, uV; segment ``j`` starts at ``j * step_s``.
        usable : ndarray of bool, shape (n_segments, n_channels), optional
            An unusable derivation gets the mean of the usable ones, which says nothing.

        Returns
        -------
        ndarray of float32, shape (n_segments, n_channels, n_freqs, n_frames)
        """
        return segment_features(block_uv, self.config, usable=usable)

    def encode(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the codes (n, dimension) of segments (n, n_channels, n_freqs, n_frames)."""
        return self._run("encode", features)

    def head(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (n,) of windows from the codes (n, 3, dimension) of their segments."""
        return self._run("head", embeddings)

    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (n,) of windows (n, 3, n_channels, n_freqs, n_frames)."""
        return self._run("forward", windows)

    def probability(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return calibrated probabilities: ``sigmoid(logit / temperature)``."""
        scaled = np.asarray(logits, dtype=np.float64) / self.config.temperature
        # tanh keeps large logits from overflowing
        return np.asarray(0.5 + 0.5 * np.tanh(scaled / 2))

    def _run(self, method: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
            result: NDArray[np.float32] = getattr(self.network, method)(tensor).numpy()
        return result


def segment_features(
    block_uv: NDArray[np.float32],
    config: DetectorConfig,
    *,
    usable: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return normalised log power of every segment; see :meth:`Detector.features`."""
    stft, norm = config.stft, config.normalisation
    freqs, power = power_spectrogram(
        block_uv,
        config.sfreq,
        window_s=stft.window_s,
        step_s=stft.step_s,
        fmax_hz=stft.fmax_hz,
    )
    kept = power[:, _bins(freqs, stft)]
    kept += np.float32(norm.floor_uv2_per_hz)
    np.log10(kept, out=kept)
    if norm.mean:
        kept -= np.asarray(norm.mean, dtype=np.float32)[:, None]
    kept /= np.float32(norm.scale)
    per_step = round(config.step_s / stft.step_s)
    n_frames = int((config.segment_s - stft.window_s) / stft.step_s + 1e-9) + 1
    if kept.shape[2] < n_frames:
        return np.empty((0, kept.shape[0], kept.shape[1], n_frames), dtype=np.float32)
    views = np.lib.stride_tricks.sliding_window_view(kept, n_frames, axis=2)[:, :, ::per_step]
    segments = np.ascontiguousarray(views.transpose(2, 0, 1, 3))
    if usable is not None:
        _fill_unusable(segments, usable)
    return segments


def _bins(freqs_hz: NDArray[np.floating], stft: Stft) -> NDArray[np.bool_]:
    return np.asarray((freqs_hz >= stft.fmin_hz - 1e-9) & (freqs_hz <= stft.fmax_hz + 1e-9))


def _fill_unusable(segments: NDArray[np.float32], usable: NDArray[np.bool_]) -> None:
    for index in np.flatnonzero(~usable.all(axis=1)):
        good = usable[index]
        segments[index, ~good] = segments[index, good].mean(axis=0) if good.any() else 0.0


def model_hash(config: DetectorConfig) -> str:
    """Return the model hash of a config whose ``weights_sha256`` is set (see the module)."""
    values = config.as_dict()
    hashed = {name: values[name] for name in HASHED_FIELDS}
    text = json.dumps(
        hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(f"{config.weights_sha256}\n{text}".encode()).hexdigest()


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
    _write(folder / WEIGHTS_NAME, weights)
    _write(folder / CARD_NAME, card.encode())
    _write(folder / CONFIG_NAME, (text + "\n").encode())
    return config


def _write(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


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
    per_step = config.step_s / config.stft.step_s
    if abs(config.segment_s - 2 * config.step_s) > 1e-9 or abs(per_step - round(per_step)) > 1e-9:
        raise ValueError("step_s must be half of segment_s and a multiple of the frame step")


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
                )
            )
    return sorted(found, key=lambda info: info.name)


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
