"""Signs that a detector looks at the wrong thing.

A detector may be right for a wrong reason: because seizures were recorded on another apparatus,
because patients tense their muscles, because of what its filters do at the edges of a segment
(DeGrave A. et al. 2021, doi:10.1038/s42256-021-00338-7, on shortcuts in general). Each sign below
compares where the evidence lies with where it would lie if it were spread evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution.bands import Band, physiological_bands
from eegdash.attribution.maps import Attribution
from eegdash.errors import AttributionError

SAME_PROFILE = 0.9
"""Correlation of the profiles of both classes from which the sign is raised."""
TIMES_EVEN = 2.0
"""How many times the even share raises the sign of edges and of muscle."""
LINE_TIMES, LINE_SHARE = 3.0, 0.05
LINE_HZ = (50.0, 60.0)
MUSCLE_HZ = 25.0
"""Scalp muscle outweighs the EEG from here on (Goncharova I. et al. 2003,
doi:10.1016/S1388-2457(03)00093-2)."""
FEWEST = 3
_EDGE_S = 0.15


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that was looked for.

    Parameters
    ----------
    name : str
        ``same profile``, ``window edges``, ``line frequency`` or ``muscle range``.
    raised : bool or None
        None where this detector cannot see it or the set does not allow a judgement.
    evidence : str
        A sentence with the numbers behind it.
    """

    name: str
    raised: bool | None
    evidence: str


@dataclass(frozen=True, slots=True, eq=False)
class ShortcutReport:
    """The shortcut alarm over a set of windows.

    Parameters
    ----------
    signs : tuple of Sign
    n_seizure, n_other : int
        How many windows of each class.
    bands : tuple of Band
    regions : tuple of str
    seizure_profile, other_profile : ndarray of float64, shape (2, n_bands, n_regions)
        Mean share of the whole mass of a window: for and against a seizure.
    """

    signs: tuple[Sign, ...]
    n_seizure: int
    n_other: int
    bands: tuple[Band, ...]
    regions: tuple[str, ...]
    seizure_profile: NDArray[np.float64]
    other_profile: NDArray[np.float64]

    @property
    def raised(self) -> bool:
        """Whether any sign is raised."""
        return any(sign.raised for sign in self.signs)


def shortcut_report(maps: Sequence[Attribution], seizure: Sequence[bool]) -> ShortcutReport:
    """Look for signs of a shortcut in the maps of a set of windows.

    Parameters
    ----------
    maps : sequence of Attribution
        By one method, of one detector; Integrated Gradients as a rule.
    seizure : sequence of bool
        Which windows are of the class seizure.

    Raises
    ------
    AttributionError
        If there is no window of the class seizure.
    """
    chosen = [found for found, is_one in zip(maps, seizure, strict=True) if is_one]
    others = [found for found, is_one in zip(maps, seizure, strict=True) if not is_one]
    if not chosen:
        raise AttributionError(
            "The set holds no window that counts as a seizure, so there is nothing to explain. "
            "Choose a recording with a detection."
        )
    bands = physiological_bands(chosen[0].freqs_hz)
    profiles = [_profile(group, bands) for group in (chosen, others or chosen)]
    masses = chosen[0].masses(bands)
    signs = (
        _same_profile(profiles[0], profiles[1], len(chosen), len(others)),
        _edges(chosen),
        _line(chosen),
        _muscle(chosen),
    )
    other_profile = profiles[1] if others else np.full_like(profiles[0], np.nan)
    return ShortcutReport(
        signs,
        len(chosen),
        len(others),
        masses.bands,
        masses.regions,
        profiles[0],
        other_profile,
    )


def _profile(maps: Sequence[Attribution], bands: Sequence[Band]) -> NDArray[np.float64]:
    """Return the mean share of the whole mass, for and against, (2, n_bands, n_regions)."""
    found = []
    for one in maps:
        masses = one.masses(bands)
        both = np.stack([masses.positive, masses.negative])
        found.append(both / max(float(both.sum()), 1e-12))
    return np.asarray(np.mean(found, axis=0))


def _same_profile(
    seizure: NDArray[np.float64], other: NDArray[np.float64], n_seizure: int, n_other: int
) -> Sign:
    name = "same profile"
    if min(n_seizure, n_other) < FEWEST:
        return Sign(
            name,
            None,
            f"Not judged: {FEWEST} windows of each class are needed, there are {n_seizure} with "
            f"and {n_other} without a seizure.",
        )
    if np.ptp(seizure) == 0 or np.ptp(other) == 0:
        return Sign(name, None, "Not judged: the maps are the same everywhere.")
    r = float(np.corrcoef(seizure.ravel(), other.ravel())[0, 1])
    return Sign(
        name,
        r >= SAME_PROFILE,
        f"The profiles of both classes by band, region and side correlate with r = {r:.2f} "
        f"({n_seizure} and {n_other} windows; raised from {SAME_PROFILE:g}).",
    )


def _edges(maps: Sequence[Attribution]) -> Sign:
    """Compare the first and last frame (or 0.15 s) of each segment with the rest."""
    n = maps[0].values.shape[-1]
    if maps[0].has_frequency_axis:
        width, what = 1, "the first and last frame of the segments"
    else:
        spacing = float(maps[0].time_s[1] - maps[0].time_s[0])
        width = max(round(_EDGE_S / spacing), 1)
        what = f"the first and last {width * spacing:.2f} s of the segments"
    held = np.zeros(n, dtype=np.bool_)
    held[:width] = held[-width:] = True
    weight = np.mean([_shares(np.abs(found.values)) for found in maps], axis=0)
    share, even = float(weight[held].sum()), float(held.mean())
    return Sign(
        "window edges",
        share >= TIMES_EVEN * even,
        f"{100 * share:.0f} % of the evidence lies in {what}; spread evenly it would be "
        f"{100 * even:.0f} % (raised from {TIMES_EVEN:g} times that).",
    )


def _shares(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the share of the mass at each place of the last axis."""
    mass = values.reshape(-1, values.shape[-1]).sum(axis=0, dtype=np.float64)
    return np.asarray(mass / max(float(mass.sum()), 1e-12))


def _line(maps: Sequence[Attribution]) -> Sign:
    freqs, share = _by_frequency(maps)
    if len(freqs) == 0:
        return Sign("line frequency", None, "Not judged: these maps have no frequencies.")
    seen = [hz for hz in LINE_HZ if freqs[-1] >= hz - 1]
    if not seen:
        return Sign(
            "line frequency",
            None,
            f"Out of sight: this detector sees {freqs[0]:.3g} to {freqs[-1]:.3g} Hz, neither 50 "
            "nor 60 Hz.",
        )
    found = {hz: (np.abs(freqs - hz) <= 1.0 + 1e-9) for hz in seen}
    worst = max(seen, key=lambda hz: float(share[found[hz]].sum()))
    amount, even = float(share[found[worst]].sum()), float(found[worst].mean())
    return Sign(
        "line frequency",
        amount >= max(LINE_TIMES * even, LINE_SHARE),
        f"{100 * amount:.0f} % of the evidence for a seizure lies at {worst:g} Hz +- 1 Hz; spread "
        f"evenly it would be {100 * even:.0f} % (raised from {LINE_TIMES:g} times that).",
    )


def _muscle(maps: Sequence[Attribution]) -> Sign:
    freqs, share = _by_frequency(maps)
    if len(freqs) == 0 or freqs[-1] < MUSCLE_HZ:
        return Sign("muscle range", None, "Out of sight: these maps show no frequency of muscle.")
    held = freqs >= MUSCLE_HZ
    for hz in LINE_HZ:  # has a sign of its own
        held &= np.abs(freqs - hz) > 1.0 + 1e-9
    amount, even = float(share[held].sum()), float(held.mean())
    return Sign(
        "muscle range",
        amount >= min(TIMES_EVEN * even, 0.8),
        f"{100 * amount:.0f} % of the evidence for a seizure lies at {MUSCLE_HZ:g} Hz and above; "
        f"spread evenly it would be {100 * even:.0f} % (raised from "
        f"{100 * min(TIMES_EVEN * even, 0.8):.0f} %).",
    )


def _by_frequency(
    maps: Sequence[Attribution],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the frequencies and the mean share of the positive mass at each."""
    first = maps[0]
    if first.has_frequency_axis:
        axis = 2 if first.has_channels else 1
        cells = [np.moveaxis(found.values, axis, -1) for found in maps]
    elif all(found.spectral is not None for found in maps):
        # 0 Hz was taken away with the mean, so that nothing can lie there
        cells = [found.spectral[..., 1:] for found in maps if found.spectral is not None]
    else:
        return np.empty(0), np.empty(0)
    freqs = first.freqs_hz if first.has_frequency_axis else first.freqs_hz[1:]
    return freqs, np.mean([_shares(np.maximum(values, 0)) for values in cells], axis=0)
