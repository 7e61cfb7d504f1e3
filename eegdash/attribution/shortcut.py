"""Signs that a detector looks at the wrong thing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution.bands import Band


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
