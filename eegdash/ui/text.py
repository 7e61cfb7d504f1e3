"""Text from files, reviewers and models, made harmless for markdown."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[0-9]{1,8}(\.[0-9]{1,3})?")
# what begins an address: http://, https://, www.
_ADDRESS = re.compile(r"https?(?=://)|www(?=\.)", re.IGNORECASE)
_JOINER = "\u2060"
_SPECIAL = frozenset("\\`*_{}[]()#+-.!|<>$:~^&")


def plain(text: str) -> str:
    """Return text that markdown shows as it is: no link, image, heading, formula or icon.

    Addresses become links even where every sign is escaped; an invisible sign that joins words
    (U+2060) keeps them text.
    """
    text = _ADDRESS.sub(lambda found: f"{found[0]}{_JOINER}", text).replace("@", f"{_JOINER}@")
    escaped = "".join(f"\\{c}" if c in _SPECIAL else c for c in text)
    return " ".join(escaped.split())


def elapsed(seconds: float, digits: int = 0) -> str:
    """Return a moment of a recording as ``h:mm:ss``, as the viewer writes it."""
    units = 10**digits
    whole = round(seconds * units)
    minutes, rest = divmod(whole, 60 * units)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest // units:02d}" + (f".{rest % units:0{digits}d}" if digits else "")
    return f"{hours}:{minutes:02d}:{tail}"


def seconds_of(text: str) -> float | None:
    """Return the moment that ``h:mm:ss``, ``mm:ss`` or seconds name; None if it is none."""
    parts = text.strip().split(":")
    if not 1 <= len(parts) <= 3 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    if any("." in part for part in parts[:-1]):
        return None
    total = 0.0
    for part in parts:
        total = 60 * total + float(part)
    return total


def duration(seconds: float) -> str:
    """Return a length of time in the unit that suits it."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"
