"""Which numbers a text holds, and whether the facts hold them, too.

A number of the text stands for one of the facts if it is that number rounded to the digits that
are written, with two of them at least. A percentage stands for a fraction of the facts or for a
percentage in one of their sentences. Nothing may be rounded to 0 % or to 100 %: "all" and "none"
are claims of their own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_WORDS = {
    "zero": 0, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "hundred": 100, "thousand": 1000, "million": 10**6, "dozen": 12, "half": 0.5,
    "quarter": 0.25, "twice": 2, "double": 2, "triple": 3, "thrice": 3,
}  # fmt: skip
_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)
# signs of the trade that carry a digit and no claim: F1, FP/24 h, t=0, the 10-20 system
_TERMS = re.compile(
    r"\bF1\b|\bFP\s?/\s?24\s?h\b|\bper 24 (?:h|hours?)\b|\bt\s?=\s?[012]\b|\b10[-–]20\b|µV²|uV\^2",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![\w.])[A-Za-z][A-Za-z_-]*\d[\w+-]*")
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w.)%])[-−–+]\s?)?"
    r"(?P<digits>\d+(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+)"
    r"(?P<exponent>[eE][-+]?\d+)?"
    r"(?P<percent>\s?(?:%|per ?cent\b|percentage points?\b))?",
)
_RELATIVE = 1e-9


@dataclass(frozen=True, slots=True)
class Token:
    """A number as it is written.

    Parameters
    ----------
    text : str
    value : float
    decimals : int
        Digits behind the point.
    percent : bool
    n_digits : int
        Digits that are written, without leading zeros.
    """

    text: str
    value: float
    decimals: int
    percent: bool
    n_digits: int


@dataclass(frozen=True, slots=True)
class Known:
    """The numbers of the facts.

    Parameters
    ----------
    values : frozenset of float
        As they are.
    percents : frozenset of float
        What may be written with a percent sign.
    names : frozenset of str
        Words that hold a digit, such as ``chb20``, in lower case.
    """

    values: frozenset[float] = field(default_factory=frozenset)
    percents: frozenset[float] = field(default_factory=frozenset)
    names: frozenset[str] = field(default_factory=frozenset)

    def holds(self, token: Token) -> bool:
        """Return whether a number stands for one of these."""
        known = self.percents if token.percent else self.values
        return any(_stands_for(token, value) for value in known)


def known_numbers(facts: Any) -> Known:
    """Return the numbers of JSON values; those in its sentences count as well."""
    values: set[float] = set()
    percents: set[float] = set()
    names: set[str] = set()
    for leaf in _leaves(facts):
        if isinstance(leaf, str):
            names |= set(names_in(leaf))
            for token in numbers_in(leaf):
                values.add(token.value / 100 if token.percent else token.value)
                if token.percent:
                    percents.add(token.value)
        else:
            values.add(float(leaf))
            if 0 <= leaf <= 1:
                percents.add(100.0 * leaf)
    return Known(frozenset(values), frozenset(percents), frozenset(names))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value)):
        yield value


def numbers_in(text: str) -> list[Token]:
    """Return the numbers of a text, written in digits or in words."""
    bare = _NAME.sub(" ", _TERMS.sub(" ", text))
    found = [_token(match) for match in _NUMBER.finditer(bare)]
    for match in _WORD.finditer(bare):
        after = bare[match.end() : match.end() + 12].lower().lstrip()
        percent = after.startswith(("%", "percent", "per cent"))
        found.append(Token(match[0], float(_WORDS[match[0].lower()]), 0, percent, 1))
    return found


def names_in(text: str) -> list[str]:
    """Return the words of a text that hold a digit, in lower case."""
    return [match[0].lower().rstrip("-+") for match in _NAME.finditer(_TERMS.sub(" ", text))]


def unknown_numbers(text: str, known: Known) -> list[str]:
    """Return the numbers and numbered names of a text that the facts do not hold."""
    numbers = [token.text for token in numbers_in(text) if not known.holds(token)]
    return numbers + [name for name in names_in(text) if name not in known.names]


def _token(match: re.Match[str]) -> Token:
    digits = match["digits"]
    if re.fullmatch(r"\d+(?:,\d{3})+(?:\.\d+)?", digits):
        digits = digits.replace(",", "")
    digits = digits.replace(",", ".")
    value = float(digits + (match["exponent"] or ""))
    if match["sign"] and match["sign"].strip() != "+":
        value = -value
    _, _, behind = digits.partition(".")
    # 1e3 is said to one digit, whatever its size
    decimals = len(behind) - int((match["exponent"] or "e0")[1:])
    digits_given = len(digits.replace(".", "").lstrip("0"))
    return Token(match[0].strip(), value, decimals, bool(match["percent"]), digits_given)


def _stands_for(token: Token, value: float) -> bool:
    if math.isclose(token.value, value, rel_tol=_RELATIVE, abs_tol=1e-12):
        return True
    if token.value == 0 or (token.percent and token.value == 100):
        return False  # nothing is rounded to none or to all
    if abs(token.value) == 1 and not token.percent and abs(value) < 1:
        return False
    if token.n_digits < 2:
        return False
    unit = 10.0**-token.decimals
    return abs(token.value - value) <= unit / 2 * (1 + 1e-6)
