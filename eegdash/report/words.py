"""Numbers in words, alike in every form of a report; what is undefined is "n/a"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOT_AVAILABLE = "n/a"


def percent(value: float | None, digits: int = 1) -> str:
    """Return a fraction as a percentage; only what is 0 or 1 becomes 0 % or 100 %."""
    if value is None:
        return NOT_AVAILABLE
    if value in (0, 1):
        return f"{100 * value:.0f} %"
    text, step = f"{100 * value:.{digits}f}", 10.0**-digits
    if float(text) == 0:
        return f"< {step:.{digits}f} %"
    return f"> {100 - step:.{digits}f} %" if float(text) == 100 else f"{text} %"


def score(value: float | None, digits: int = 2) -> str:
    """Return a number with so many digits behind the point."""
    if value is None:
        return NOT_AVAILABLE
    if isinstance(value, int):
        return f"{value:,}"
    text = f"{value:.{digits}f}"
    while float(text) == 0 and value != 0 and digits < 12:
        digits += 1
        text = f"{value:.{digits}f}"
    return text


def interval(found: Mapping[str, Any], digits: int = 1) -> str:
    """Return ``low to high`` of a share."""
    if found.get("low") is None or found.get("high") is None:
        return NOT_AVAILABLE
    return f"{percent(found['low'], digits)} to {percent(found['high'], digits)}"


def number_interval(found: Mapping[str, Any], digits: int = 2) -> str:
    """Return ``low to high`` of a number."""
    if found.get("low") is None or found.get("high") is None:
        return NOT_AVAILABLE
    return f"{score(found['low'], digits)} to {score(found['high'], digits)}"


def count(n: int, thing: str) -> str:
    """Return a number of things."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def span(minutes: float | None) -> str:
    """Return a length of time: minutes below two hours, else hours."""
    if minutes is None:
        return NOT_AVAILABLE
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def seconds(value: float | None) -> str:
    """Return a time in seconds, to the tenth."""
    return NOT_AVAILABLE if value is None else f"{value:.1f} s"
