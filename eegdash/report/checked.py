"""What is left of a language model's answer once every sentence was held against the facts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eegdash.report.numbers import known_numbers, unknown_numbers

FEWEST = 3
"""Sentences that must be left; otherwise the program's own words are used."""
MOST_CHARACTERS = 6000
_LONGEST = 600
_END = re.compile(r"(?<=[.!?])[\"')]?\s+|\n+")
_ABBREVIATED = re.compile(r"(?:\b(?:e\.g|i\.e|vs|approx|ca|cf|no|fig|resp|incl)\.)$", re.IGNORECASE)
_LEAD = re.compile(r"^\s*(?:[-*•>#]+|\d{1,2}[.)])\s+")
_MARKUP = re.compile(r"<[a-zA-Z/!?]|&\w+;|https?:|www\.|\]\(|!\[|javascript:|`", re.IGNORECASE)
_ADVICE = re.compile(
    r"\b(?:diagnos\w*|treat(?:ed|ment|ing)?\b|prescri\w*|medicat\w*|administer\w*|dose|dosage|"
    r"therap\w*|lorazepam|levetiracetam|valpro\w*|benzodiazepine\w*|"
    r"(?:the )?patient (?:has|suffers|should|must|needs)|ignore (?:all|any|the|previous)|"
    r"instructions?|system prompt|as an ai|language model)",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\b(?:trustworth\w*|reliabl[ey]|robust\w*|excellent\w*|outstanding|flawless\w*|perfect\w*|"
    r"highly accurate|clinically (?:ready|valid\w*|useful)|ready for|safe to|"
    r"no (?:sign|evidence|indication)s? of (?:a )?(?:shortcut|bias|artefact|artifact)\w*)",
    re.IGNORECASE,
)
_QUALIFIED = re.compile(
    r"\b(?:not|never|no|nor|neither|cannot|uncertain\w*|too few|few|although|suspect\w*|hardly)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Struck:
    """A sentence that was taken out, and why in words."""

    sentence: str
    reason: str


@dataclass(frozen=True, slots=True)
class CheckedText:
    """An answer after the check.

    Parameters
    ----------
    sentences : tuple of str
    struck : tuple of Struck
    """

    sentences: tuple[str, ...]
    struck: tuple[Struck, ...]

    @property
    def usable(self) -> bool:
        """Whether enough is left: :data:`FEWEST` sentences, and most of what was said."""
        return len(self.sentences) >= FEWEST and len(self.sentences) >= len(self.struck)


def checked_text(answer: str, digest: Any, *, doubtful: bool) -> CheckedText:
    """Hold every sentence of an answer against the facts that the model was given.

    Parameters
    ----------
    answer : str
        Untrusted; only its first :data:`MOST_CHARACTERS` characters are read.
    digest : JSON values
        What the model was given; part of ``report.json``.
    doubtful : bool
        The data make the detector suspect or its figures uncertain: praise contradicts that.
    """
    known = known_numbers(digest)
    kept: list[str] = []
    struck: list[Struck] = []
    for sentence in sentences_of(answer[:MOST_CHARACTERS]):
        reason = _problem(sentence, doubtful=doubtful)
        if not reason:
            unknown = unknown_numbers(sentence, known)
            reason = f"not in report.json: {', '.join(unknown)}" if unknown else ""
        if reason:
            struck.append(Struck(sentence, reason))
        else:
            kept.append(sentence)
    return CheckedText(tuple(kept), tuple(struck))


def sentences_of(text: str) -> list[str]:
    """Split plain text into sentences; signs of lists and headings are taken off."""
    found: list[str] = []
    for piece in _END.split("".join(c if c.isprintable() or c == "\n" else " " for c in text)):
        piece = " ".join(_LEAD.sub("", piece).replace("**", "").split())
        if not any(c.isalnum() for c in piece):
            continue
        if found and _ABBREVIATED.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found


def _problem(sentence: str, *, doubtful: bool) -> str:
    if len(sentence) > _LONGEST:
        return "longer than a sentence is"
    if _MARKUP.search(sentence):
        return "holds markup or an address"
    if _ADVICE.search(sentence):
        return "speaks of diagnosis, treatment or instructions"
    if doubtful and _PRAISE.search(sentence) and not _QUALIFIED.search(sentence):
        return "contradicts what the data support"
    return ""


def as_rows(struck: Sequence[Struck]) -> list[dict[str, str]]:
    """Return struck sentences as they stand in ``report.json``."""
    return [{"sentence": one.sentence, "reason": one.reason} for one in struck]
