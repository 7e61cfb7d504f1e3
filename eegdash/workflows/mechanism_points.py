"""What the page shows of single windows: what is known of each, and its EEG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eegdash.checkpoints import CheckpointInfo, read_config
from eegdash.mechanism.activations import Activations
from eegdash.mechanism.perturbation import Perturbation, apply
from eegdash.montage import MONTAGES, resolve
from eegdash.preprocessing import resample_uv
from eegdash.spectrogram import power_spectrogram
from eegdash.workflows import library
from eegdash.workflows.desk import Desk
from eegdash.workflows.mechanism_windows import paths_of

AS_RECORDED = Perturbation()
UNJUDGED = "not judged"
_SHOWN_HZ = 30.0


def points(desk: Desk, found: Activations, model: CheckpointInfo) -> dict[str, list[Any]]:
    """Return what is known of each window, as lists of equal length.

    Returns
    -------
    dict
        ``sha256``, ``alias``, ``group``, ``time_s``, ``seizure``, ``probability``, ``outcome``
        (against the model's threshold) and ``verdict`` (the last label that covers the centre).
    """
    temperature = read_config(model.folder).temperature
    probability = 1 / (1 + np.exp(-np.asarray(found.fact("logit"), dtype=np.float64) / temperature))
    recording = [int(k) for k in found.fact("recording")]
    time_s = [float(t) for t in found.fact("time_s")]
    seizure = [bool(x) for x in found.seizure]
    called = probability >= model.threshold_pm / 1000
    shas, aliases, groups = (found.meta[k] for k in ("recordings", "aliases", "groups"))
    verdicts = {sha256: _verdicts(desk, sha256) for sha256 in shas}
    return {
        "sha256": [shas[k] for k in recording],
        "alias": [aliases[k] for k in recording],
        "group": [groups[int(k)] for k in found.group],
        "time_s": time_s,
        "seizure": seizure,
        "probability": [float(p) for p in probability],
        "outcome": [_outcome(a, bool(b)) for a, b in zip(seizure, called, strict=True)],
        "verdict": [
            _verdict_at(verdicts[shas[k]], t) for k, t in zip(recording, time_s, strict=True)
        ],
    }


def _outcome(seizure: bool, called: bool) -> str:
    if seizure:
        return "seizure found" if called else "seizure missed"
    return "false alarm" if called else "rightly quiet"


def _verdicts(desk: Desk, sha256: str) -> list[tuple[float, float, str]]:
    labels = desk.labels.current(sha256, kind="label").labels
    return [(label.onset_s, label.end_s, label.verdict or UNJUDGED) for label in labels]


def _verdict_at(verdicts: Sequence[tuple[float, float, str]], time_s: float) -> str:
    for onset_s, end_s, verdict in reversed(verdicts):
        if onset_s <= time_s <= end_s:
            return verdict
    return UNJUDGED


def window_eeg(
    desk: Desk,
    model: CheckpointInfo,
    sha256: str,
    centre_s: float,
    *,
    changed: Perturbation = AS_RECORDED,
    seed: int = 0,
) -> Mapping[str, Any]:
    """Return traces and spectrogram of one window, for a chart.

    Parameters
    ----------
    desk : Desk
    model : CheckpointInfo
    sha256 : str
    centre_s : float
        Centre of the window, s from the start of the recording.
    changed : Perturbation
        What the detector was shown instead of the EEG as it was recorded.
    seed : int
        Of what is drawn for it.

    Returns
    -------
    dict
        ``names``; ``time_s`` (n_samples,), from the start of the recording; ``uv``
        (n_channels, n_samples); ``frame_s``, ``freqs_hz`` and ``db`` (n_freqs, n_frames), the
        median over derivations of power, dB re 1 uV2/Hz.
    """
    config = read_config(model.folder)
    path = paths_of(desk, [sha256])[0]
    opened = library.open_path(desk, path)
    recording, montage = opened.recording, MONTAGES[config.montage]
    matrix = resolve(recording, montage, mapping=opened.mapping)
    first = max(round((centre_s - config.window_s / 2) * recording.sfreq), 0)
    stop = first + round(config.window_s * recording.sfreq)
    derived = np.nan_to_num(matrix.apply(recording.read(first, stop, matrix.picks)))
    shown = resample_uv(derived, recording.sfreq, config.sfreq)
    # drawn as WindowBatch.changed_uv does, by the window's place on the grid
    index = round((centre_s - config.window_s / 2) / config.step_s)
    shown = apply(shown, config.sfreq, changed, np.random.default_rng([seed, max(index, 0)]))
    freqs, power = power_spectrogram(
        shown, config.sfreq, window_s=1.0, step_s=0.25, fmax_hz=_SHOWN_HZ
    )
    start_s = first / recording.sfreq
    level = 10 * np.log10(np.maximum(np.median(power, axis=0), 1e-3))
    return {
        "names": [d.name for d in montage.derivations],
        "time_s": [round(start_s + k / config.sfreq, 4) for k in range(shown.shape[1])],
        "uv": np.round(shown, 1).tolist(),
        "frame_s": [start_s + 0.5 + 0.25 * k for k in range(power.shape[2])],
        "freqs_hz": freqs.tolist(),
        "db": np.round(level, 1).tolist(),
    }
