"""What two numbers without any learning reach on the same windows as a detector.

Seizures are often larger than what surrounds them. A detector that does not beat the root mean
square and the line length of the window has learned little more than amplitude.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.preprocessing import filter_uv, margin_s
from eegdash.recording import Recording
from eegdash.scoring.blocks import derivation_blocks

LOW_HZ = 1.0
HIGH_HZ = 40.0
SFREQ = 256.0
_BLOCK_S = 300.0


@dataclass(frozen=True, slots=True)
class Baselines:
    """Two amplitudes of each window; both of shape (n_windows,), NaN where a sample is missing.

    Parameters
    ----------
    rms_uv : ndarray of float64
        Root mean square over the samples and derivations of the window, uV.
    line_length_uv : ndarray of float64
        Mean absolute difference of neighbouring samples at :data:`SFREQ`, uV per sample (Esteller
        et al. 2001, doi 10.1109/IEMBS.2001.1020545).
    """

    rms_uv: NDArray[np.float64]
    line_length_uv: NDArray[np.float64]


def baselines(
    recording: Recording,
    *,
    montage: str = "longitudinal-bipolar",
    step_s: float = 1.5,
    window_s: float = 9.0,
    mapping: Mapping[str, str] | None = None,
) -> Baselines:
    """Measure the windows of a recording, 1 to 40 Hz, in bounded memory.

    Parameters
    ----------
    recording : Recording
    montage : str
        Name in ``MONTAGES``; its derivations are averaged.
    step_s, window_s : float
        Window ``i`` starts at ``i * step_s``; ``window_s`` is a multiple of ``step_s``.
    mapping : mapping of str to str, optional
        Electrode or derivation for channel names that are not understood.

    Returns
    -------
    Baselines
        For as many windows as fit into the recording.

    Raises
    ------
    MissingChannelsError
        If the recording lacks a derivation.
    """
    step, per_window = round(step_s * SFREQ), round(window_s / step_s)
    n_steps = int(recording.duration_s * SFREQ + 1e-6) // step
    squares, moves, joints = (np.full(n_steps, np.nan) for _ in range(3))
    for first, block_uv in _blocks(recording, montage, mapping, step, n_steps):
        n = block_uv.shape[1] // step
        parts = block_uv[:, : n * step].astype(np.float64).reshape(len(block_uv), n, step)
        squares[first : first + n] = np.mean(parts**2, axis=(0, 2))
        moves[first : first + n] = np.abs(np.diff(parts, axis=2)).mean(axis=0).sum(axis=1)
        after = block_uv[:, step : n * step + 1 : step].astype(np.float64)
        inner = np.abs(after - parts[:, : after.shape[1], -1]).mean(axis=0)
        joints[first : first + len(inner)] = inner
    n_windows = max(n_steps - per_window + 1, 0)
    steps = np.arange(n_windows)[:, None] + np.arange(per_window)
    n_differences = step * per_window - 1
    return Baselines(
        rms_uv=np.sqrt(squares[steps].mean(axis=1)),
        line_length_uv=(moves[steps].sum(axis=1) + joints[steps[:, :-1]].sum(axis=1))
        / n_differences,
    )


def _blocks(
    recording: Recording,
    montage: str,
    mapping: Mapping[str, str] | None,
    step: int,
    n_steps: int,
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the first step of a block and its derivations, one sample further where there is."""
    for block in derivation_blocks(
        recording,
        montage,
        SFREQ,
        length=n_steps * step,
        block=max(round(_BLOCK_S * SFREQ) // step, 1) * step,
        margin=round(margin_s(LOW_HZ) * SFREQ),
        mapping=mapping,
    ):
        filtered_uv = filter_uv(block.signal_uv, SFREQ, low_hz=LOW_HZ, high_hz=HIGH_HZ)
        beyond = block.stop < n_steps * step
        begin = block.start - block.first
        yield block.start // step, filtered_uv[:, begin : block.stop - block.first + beyond]
