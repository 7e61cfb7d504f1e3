"""The labels page: what was said, what is next, agreement, adjudication, import and export."""

from eegdash.ui.labels.page import draw

__all__ = ["draw"]
