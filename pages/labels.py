"""Labels: what was said, what is next, where readers disagree, and how it leaves the workspace."""

from eegdash.ui.labels import draw

draw()
