"""Models: which detectors there are, teach one from the labels, compare any two."""

from eegdash.ui.models.page import draw

draw()
