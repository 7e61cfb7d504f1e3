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

from eegdash.checkpoints.config import (
    CARD_NAME,
    CONFIG_NAME,
    DERIVATIONS,
    FEATURES,
    HASHED_FIELDS,
    LOG_POWER,
    SCHEMA,
    WEIGHTS_NAME,
    DetectorConfig,
    Normalisation,
    Stft,
    model_hash,
    read_config,
)
from eegdash.checkpoints.detector import Detector
from eegdash.checkpoints.features import feature_freqs_hz, feature_time_s, segment_features
from eegdash.checkpoints.folders import (
    CheckpointInfo,
    list_checkpoints,
    load_checkpoint,
    save_checkpoint,
)

__all__ = [
    "CARD_NAME",
    "CONFIG_NAME",
    "DERIVATIONS",
    "FEATURES",
    "HASHED_FIELDS",
    "LOG_POWER",
    "SCHEMA",
    "WEIGHTS_NAME",
    "CheckpointInfo",
    "Detector",
    "DetectorConfig",
    "Normalisation",
    "Stft",
    "feature_freqs_hz",
    "feature_time_s",
    "list_checkpoints",
    "load_checkpoint",
    "model_hash",
    "read_config",
    "save_checkpoint",
    "segment_features",
]
