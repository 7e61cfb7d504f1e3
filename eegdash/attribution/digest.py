"""A map in words, and as tables of evidence for and against by band and region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution.bands import (
    EVERYWHERE,
    REGION_TITLES,
    equal_slices,
    physiological_bands,
)
from eegdash.attribution.maps import LOGIT, PAST_LOGIT, Attribution, Masses
from eegdash.attribution.methods import METHODS

_WORTH_SAYING = 0.1  # logit
_SEGMENTS = ("t=0", "t=1", "t=2")


@dataclass(frozen=True, slots=True, eq=False)
class Digest:
    """What a map says, for a reader who has a minute.

    Parameters
    ----------
    sentences : tuple of str
        The first says whether there is evidence for a seizure at all; warnings come last.
    clinical : Masses
        By clinical band (delta .. gamma, as far as the detector sees them) and region.
    slices : Masses
        By five equal slices B1 (lowest) .. B5 of what the detector sees, and region.
    segments : ndarray of float64, shape (2, 3)
        Mass for and against in t = 0, 1, 2.
    """

    sentences: tuple[str, ...]
    clinical: Masses
    slices: Masses
    segments: NDArray[np.float64]


def digest(found: Attribution) -> Digest:
    """Return the digest of a map; evidence for and against is never subtracted from each other."""
    clinical = found.masses(physiological_bands(found.freqs_hz))
    slices = found.masses(equal_slices(found.freqs_hz[found.freqs_hz > 0]))
    sentences = [_whole(found)]
    if not found.no_positive_evidence:
        sentences.append(_where("for a seizure", clinical, clinical.positive))
        sentences.append(_when(found))
    if found.negative_mass > 0:
        sentences.append(_where("against", clinical, clinical.negative))
    sentences += _warnings(found)
    return Digest(tuple(s for s in sentences if s), clinical, slices, found.by_segment())


def _whole(found: Attribution) -> str:
    title = METHODS[found.method].title if found.method in METHODS else found.method
    if found.no_positive_evidence:
        return f"{title} finds no positive evidence: nothing worth a picture speaks for a seizure."
    if found.unit == LOGIT:
        return (
            f"{title}: evidence for a seizure adds up to +{found.positive_mass:.2f} logits, "
            f"evidence against to -{found.negative_mass:.2f}. The window has the logit "
            f"{found.logit:.2f}, its baseline {found.baseline_logit:.2f}."
        )
    share = found.positive_mass / (found.positive_mass + found.negative_mass)
    return (
        f"{title}: {100 * share:.0f} % of what is marked speaks for a seizure. "
        "Its values have no unit that could be added up."
    )


def _where(side: str, masses: Masses, part: NDArray[np.float64]) -> str:
    """Name the bands that hold half of the evidence, and the place where most of it lies."""
    whole = float(part.sum())
    if whole <= 0:
        return ""
    by_region = part.sum(axis=0) / whole
    place = ""
    if masses.regions != (EVERYWHERE,):
        top = int(np.argmax(by_region))
        place = f"{_region(masses.regions[top])} ({100 * by_region[top]:.0f} %)"
    by_band = part.sum(axis=1) / whole
    lead = np.argsort(-by_band)
    count = 1 + int(np.searchsorted(np.cumsum(by_band[lead]), 0.5))
    if len(by_band) == 1:
        named = ""
    else:
        named = " and ".join(
            f"{masses.bands[k].title} {100 * by_band[k]:.0f} %" for k in lead[: min(count, 3)]
        )
    if named and place:
        return f"Most of the evidence {side} lies in {named}; the region with most is {place}."
    return f"Most of the evidence {side} lies in {named or place}." if named or place else ""


def _region(name: str) -> str:
    return f"{REGION_TITLES[name]}, {name}" if name in REGION_TITLES else name


def _when(found: Attribution) -> str:
    positive = found.by_segment()[0]
    share = positive / positive.sum()
    top = int(np.argmax(share))
    return f"Of it, {100 * share[top]:.0f} % lies in {_SEGMENTS[top]} of the three parts."


def _warnings(found: Attribution) -> list[str]:
    warnings = []
    if found.complete is False and found.completeness_error is not None:
        wanted = found.logit - found.baseline_logit
        warnings.append(
            f"The values miss their sum: they add up to {wanted + found.completeness_error:.2f} "
            f"instead of {wanted:.2f} logits, so amounts must not be trusted."
        )
    if found.baseline_logit > 0:  # NaN, where there is no baseline, is not
        warnings.append(
            "The baseline itself looks more like a seizure than not to the detector, so that "
            "what the window has in common with it is not shown. Compare with another baseline."
        )
    past = found.parameters.get(PAST_LOGIT)
    if past is not None and abs(past) >= _WORTH_SAYING:
        warnings.append(
            f"Of the window's logit of {found.logit:.2f}, {past:+.2f} comes from how loud the "
            "window is in four bands, which goes past the convolutions: this map cannot show it. "
            "Integrated Gradients and occlusion do."
        )
    if found.method == "grad-cam++":
        warnings.append("Grad-CAM++ shows evidence for a seizure only, whatever the window.")
    if len(found.freqs_hz) == 0:
        warnings.append(
            "This map has no frequencies, because the detector reads samples; Integrated "
            "Gradients gives them."
        )
    return warnings
