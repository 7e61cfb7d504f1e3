"""Recordings: choose, upload and score the recordings of the workspace."""

from eegdash.ui.recordings import draw

draw()
