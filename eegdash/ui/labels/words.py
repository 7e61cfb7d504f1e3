"""Labels in words: the same on every part of the page."""

from __future__ import annotations

from eegdash.labels import Label
from eegdash.ui.text import elapsed
from eegdash.workflows.review import EVENT_TYPES, PROGRAM_REASONS

# a sign as well as a word, never a colour alone
VERDICTS = {
    "agree": "✓ agree",
    "disagree": "✗ disagree",
    "unsure": "? unsure",
    "missed": "+ missed",
    "adjudicated": "§ adjudicated",
    "retract": "↶ taken back",
}
KINDS = {"label": "label", "first_read": "blinded first read", "sign_off": "sign-off"}
TYPES = {"bckg": "no seizure", **dict(EVENT_TYPES)}


def verdict(label: Label) -> str:
    """Return what a label says, with its sign."""
    if label.verdict is None:
        return KINDS.get(label.kind, label.kind)
    return VERDICTS.get(label.verdict, label.verdict)


def event_type(name: str) -> str:
    """Return a SzCORE type in words."""
    return TYPES.get(name, name)


def span(onset_s: float, duration_s: float) -> str:
    """Return onset, end and length of a span."""
    end = elapsed(onset_s + duration_s, 1)
    return f"{elapsed(onset_s, 1)} to {end} ({duration_s:,.1f} s)"


def moment(time_utc: str) -> str:
    """Return a time of the labels file to the minute."""
    return time_utc[:16].replace("T", " ")


def reason(label: Label) -> str:
    """Return the reason that a reader gave; what the program wrote is none."""
    return "" if label.reason in PROGRAM_REASONS else label.reason


def count(n: int, thing: str) -> str:
    """Return a number of things."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"
