"""About this server: for those who run it."""

from eegdash.ui.about import draw

draw()
