"""The derivations of a recording at another rate, block by block, as if taken in one piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.montage import MONTAGES, resolve
from eegdash.preprocessing import resample_ratio, resample_uv
from eegdash.recording import Recording


@dataclass(frozen=True, slots=True)
class DerivationBlock:
    """Samples ``start:stop`` of the resampled derivations, with room on either side.

    Parameters
    ----------
    signal_uv : ndarray of float32, shape (n_derivations, n_samples)
        Microvolt; its first column is sample ``first``.
    first, start, stop : int
        Sample indices at the new rate; ``first <= start``.
    """

    signal_uv: NDArray[np.float32]
    first: int
    start: int
    stop: int


def derivation_blocks(
    recording: Recording,
    montage: str,
    sfreq: float,
    *,
    length: int,
    block: int,
    margin: int = 0,
    mapping: Mapping[str, str] | None = None,
) -> Iterator[DerivationBlock]:
    """Yield a recording's derivations at ``sfreq`` in blocks of bounded memory.

    Each block is read from a sample at which both rates coincide and with room for the resampling
    filter, so that the samples do not depend on where blocks begin.

    Parameters
    ----------
    recording : Recording
    montage : str
        Name in ``MONTAGES``.
    sfreq : float
        Hz.
    length, block : int
        Samples in all and per block, at ``sfreq``.
    margin : int
        Samples wanted on either side of a block, as far as there are any.
    mapping : mapping of str to str, optional
        Electrode or derivation for channel names that are not understood.

    Raises
    ------
    MissingChannelsError
        If the recording lacks a derivation.
    """
    matrix = resolve(recording, MONTAGES[montage], mapping=mapping)
    ratio = resample_ratio(recording.sfreq, sfreq)
    room = 2 * ratio.support
    for start in range(0, length, block):
        stop = min(start + block, length)
        period = max((start - margin) // ratio.up - -(-room // ratio.down), 0)
        last = -(-(stop + 1 + margin) * ratio.down // ratio.up) + room + 1
        signal_uv = recording.read(
            period * ratio.down, min(last, recording.n_samples), matrix.picks
        )
        derived_uv = resample_uv(matrix.apply(signal_uv), recording.sfreq, sfreq)
        yield DerivationBlock(derived_uv, period * ratio.up, start, stop)
