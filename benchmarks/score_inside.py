"""Scoring without the imports, and its peer, in a process of their own.

Run as ``python -m benchmarks.score_inside FILE REPEATS``; prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from eegdash.checkpoints import DetectorConfig, load_checkpoint
from eegdash.detection import detect
from eegdash.io import open_recording
from eegdash.montage import MONTAGES, resolve
from eegdash.recording import Recording
from eegdash.spectrogram import power_spectrogram
from eegdash.workflows.desk import DEFAULT_MODEL, SHIPPED_MODELS

_CHUNK_S = 240


def read_and_transform(recording: Recording, config: DetectorConfig) -> None:
    """Read the derivations of the detector and take its STFT once over, in the same chunks.

    Consecutive segments overlap by half; this computes each frame once, as a frugal peer would.
    """
    matrix = resolve(recording, MONTAGES[config.montage])
    chunk = round(_CHUNK_S * recording.sfreq)
    for first in range(0, recording.n_samples, chunk):
        stop = min(first + chunk, recording.n_samples)
        signal_uv = matrix.apply(recording.read(first, stop, matrix.picks))
        power_spectrogram(
            signal_uv,
            recording.sfreq,
            window_s=config.stft.window_s,
            step_s=config.stft.step_s,
            fmax_hz=config.stft.fmax_hz,
        )


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main(path: Path, repeats: int) -> dict[str, object]:
    """Measure both in turn; the first of each is what a fresh process gives."""
    began = time.perf_counter()
    detector = load_checkpoint(SHIPPED_MODELS / DEFAULT_MODEL)
    load_s = time.perf_counter() - began
    recording = open_recording(path)
    detect_s, peer_s = [], []
    for _ in range(repeats):
        detect_s.append(_seconds(lambda: detect(recording, detector)))
        peer_s.append(_seconds(lambda: read_and_transform(recording, detector.config)))
    return {"load_s": load_s, "detect_s": detect_s, "peer_s": peer_s}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
