"""Attribution: why the detector says so, and whether the explanation can be believed."""

from eegdash.ui.attribution.page import draw

draw()
