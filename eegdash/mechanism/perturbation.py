"""Changes of the input: filtered, scaled, reversed, permuted, with random phases.

Each is a function of one window, (n_channels, n_samples) in uV, and a generator. They serve twice:
as input types, of which all analyses can be made, and to see what the probability depends on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One change of the input.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    low_hz, high_hz : float
        Band, for filters.
    factor : float
        For scaling.
    """

    kind: str = "raw"
    low_hz: float = 0.0
    high_hz: float = 0.0
    factor: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if self.kind not in KINDS:
            raise ValueError(f"the change {self.kind!r} is none of {', '.join(KINDS)}")
        if self.kind in ("band-pass", "band-stop") and not 0 <= self.low_hz < self.high_hz:
            raise ValueError("a band begins at 0 Hz or more and ends above its beginning")
        if self.kind == "scaled" and not self.factor > 0:
            raise ValueError("a factor is above 0")

    @property
    def title(self) -> str:
        """What was done, in words."""
        if self.kind in ("band-pass", "band-stop"):
            verb = "only" if self.kind == "band-pass" else "without"
            return f"{verb} {self.low_hz:g}-{self.high_hz:g} Hz"
        if self.kind == "scaled":
            return f"amplitude x {self.factor:.2g}"
        return KINDS[self.kind]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


KINDS: dict[str, str] = {
    "raw": "as recorded",
    "band-pass": "band-pass",
    "band-stop": "band-stop",
    "scaled": "scaled",
    "reversed": "time reversed",
    "permuted": "derivations permuted",
    "phases": "phases randomised",
}

BATTERY: tuple[Perturbation, ...] = (
    *(Perturbation("band-stop", low, high) for low, high in ((0.5, 4), (4, 8), (8, 13), (13, 30))),
    *(Perturbation("band-pass", low, high) for low, high in ((0.5, 4), (4, 8), (8, 13), (13, 30))),
    Perturbation("scaled", factor=1 / 3),
    Perturbation("scaled", factor=3.0),
    Perturbation("reversed"),
    Perturbation("permuted"),
    Perturbation("phases"),
)
"""What is tried when nothing else is asked: the clinical bands and the six kinds."""


def apply(
    window_uv: Signal, sfreq: float, perturbation: Perturbation, rng: np.random.Generator
) -> Signal:
    """Return a window with a change of its input.

    Parameters
    ----------
    window_uv : ndarray of float32, shape (n_channels, n_samples)
        uV; not changed itself.
    sfreq : float
        Hz.
    perturbation : Perturbation
    rng : Generator
        For permutations and phases.
    """
    return _FUNCTIONS[perturbation.kind](window_uv, sfreq, perturbation, rng)


def _raw(window_uv: Signal, *_: Any) -> Signal:
    return window_uv


def _filtered(window_uv: Signal, sfreq: float, p: Perturbation, _: Any) -> Signal:
    """Keep or remove a band by its Fourier coefficients: no phase shift, no transition band.

    The window is mirrored at both ends, so that its edges do not ring.
    """
    n = window_uv.shape[1]
    mirrored = np.pad(window_uv.astype(np.float64), ((0, 0), (n - 1, n - 1)), mode="reflect")
    spectrum = np.fft.rfft(mirrored, axis=1)
    freqs = np.fft.rfftfreq(mirrored.shape[1], 1 / sfreq)
    inside = (freqs >= p.low_hz) & (freqs < p.high_hz)
    spectrum[:, ~inside if p.kind == "band-pass" else inside] = 0
    filtered = np.fft.irfft(spectrum, mirrored.shape[1], axis=1)
    return filtered[:, n - 1 : 2 * n - 1].astype(np.float32)


def _scaled(window_uv: Signal, _: float, p: Perturbation, __: Any) -> Signal:
    return np.asarray(window_uv * np.float32(p.factor))


def _reversed(window_uv: Signal, *_: Any) -> Signal:
    return np.ascontiguousarray(window_uv[:, ::-1])


def _permuted(window_uv: Signal, _: float, __: Perturbation, rng: np.random.Generator) -> Signal:
    return window_uv[rng.permutation(len(window_uv))]


def _phases(window_uv: Signal, _: float, __: Perturbation, rng: np.random.Generator) -> Signal:
    """Draw the phases anew, the same turn for every derivation at each frequency.

    Power spectrum and the relations between derivations stay, shape and moment do not (Prichard D.
    and Theiler J. 1994, doi:10.1103/PhysRevLett.73.951).
    """
    n = window_uv.shape[1]
    spectrum = np.fft.rfft(window_uv.astype(np.float64), axis=1)
    turn = np.exp(2j * np.pi * rng.random(spectrum.shape[1]))
    turn[0] = 1
    if n % 2 == 0:
        turn[-1] = 1  # the Nyquist coefficient is real
    return np.fft.irfft(spectrum * turn, n, axis=1).astype(np.float32)


_FUNCTIONS: dict[str, Callable[[Signal, float, Perturbation, np.random.Generator], Signal]] = {
    "raw": _raw,
    "band-pass": _filtered,
    "band-stop": _filtered,
    "scaled": _scaled,
    "reversed": _reversed,
    "permuted": _permuted,
    "phases": _phases,
}
