"""Attribution: which parts of a window made the detector say "seizure", and can one believe it.

- :mod:`.maps`: the signed map and its views; :mod:`.bands`: frequency bands and regions;
- :mod:`.methods`: the table ``METHODS``; :mod:`.baselines`: what a window is compared with;
- :mod:`.faithfulness`: tests of a map; :mod:`.digest`: a map in words and as a table;
- :mod:`.shortcut`: evidence that a detector looks at the wrong thing; :mod:`.masks`: what-if.

Importing the package imports no torch.
"""

from __future__ import annotations

from eegdash.attribution.bands import (
    REGION_ORDER,
    REGION_TITLES,
    Band,
    equal_slices,
    physiological_bands,
    region_of,
    regions_of,
)
from eegdash.attribution.baselines import BASELINES, Baseline, default_baseline
from eegdash.attribution.maps import Attribution, Masses, Parts
from eegdash.attribution.methods import METHODS, Method

__all__ = [
    "BASELINES",
    "METHODS",
    "REGION_ORDER",
    "REGION_TITLES",
    "Attribution",
    "Band",
    "Baseline",
    "Masses",
    "Method",
    "Parts",
    "default_baseline",
    "equal_slices",
    "physiological_bands",
    "region_of",
    "regions_of",
]
