"""Review: look at a recording and say where the detector is right or wrong."""

from eegdash.ui.review import draw

draw()
