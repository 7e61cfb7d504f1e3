"""Text from files, reviewers and models, made harmless for markdown."""

from __future__ import annotations

_SPECIAL = frozenset("\\`*_{}[]()#+-.!|<>$:~^&")


def plain(text: str) -> str:
    """Return text that markdown shows as it is: no link, image, heading, formula or icon."""
    escaped = "".join(f"\\{c}" if c in _SPECIAL else c for c in text)
    return " ".join(escaped.split())


def duration(seconds: float) -> str:
    """Return a length of time in the unit that suits it."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"
