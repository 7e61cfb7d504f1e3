"""Operating point: choose a threshold, see what it costs and gains, lock it."""

from eegdash.ui.threshold import draw

draw()
