"""Report: write one on a recording or a person, look at it, take it along."""

from eegdash.ui.report import draw

draw()
