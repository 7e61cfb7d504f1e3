"""Inside the detector: what its units answer to, and what happens without them."""

from eegdash.ui.mechanism.page import draw

draw()
