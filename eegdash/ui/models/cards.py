"""A model card, drawn with its headings, lists and tables but without anything that it could load.

A card comes with a model, and a model may come from anywhere: links, images, formulas and HTML in
it are shown as the text they are.
"""

from __future__ import annotations

import re

from eegdash.ui.text import plain

_HEADING = re.compile(r"(#{1,6})\s+(.*)")
_BULLET = re.compile(r"\s*[-*]\s+(.*)")
_RULE = re.compile(r"\|?[\s:|-]+\|?")


def safe_card(text: str) -> str:
    """Return Markdown of a card that shows its structure and nothing else.

    Parameters
    ----------
    text : str
        Markdown from a file.
    """
    return "\n".join(_line(line.rstrip()) for line in text.splitlines())


def _line(line: str) -> str:
    if heading := _HEADING.fullmatch(line):
        level = "####" if len(heading[1]) == 1 else "#####"
        return f"{level} {_words(heading[2])}"
    if line.startswith("|"):
        if _RULE.fullmatch(line):
            return "|" + "|".join(":---" for _ in line.strip("|").split("|")) + "|"
        return "|" + "|".join(_words(cell) for cell in line.strip("|").split("|")) + "|"
    if bullet := _BULLET.fullmatch(line):
        return f"- {_words(bullet[1])}"
    return _words(line)


def _words(text: str) -> str:
    return plain(text.replace("**", "").replace("`", ""))
