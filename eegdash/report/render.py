"""Facts to Markdown and HTML, by templates that escape whatever they are given."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from eegdash.report import words

_TEMPLATES = Path(__file__).with_name("templates")
_MARKDOWN_SPECIAL = frozenset("\\`*_{}[]<>#|!&")


def html(facts: Mapping[str, Any], figures: Mapping[str, bytes]) -> str:
    """Return the report as one HTML page that loads nothing.

    Parameters
    ----------
    facts : mapping
        What ``report.json`` holds.
    figures : mapping of str to bytes
        PNGs by file name; they become part of the page.
    """
    images = {
        name: f"data:image/png;base64,{base64.b64encode(content).decode()}"
        for name, content in figures.items()
    }
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    return (
        _environment(escape_html=True)
        .get_template("report.html")
        .render(r=facts, images=images, style=style)
    )


def markdown(facts: Mapping[str, Any]) -> str:
    """Return the report as Markdown, with its figures as files beside it."""
    return _environment(escape_html=False).get_template("report.md").render(r=facts)


@lru_cache(maxsize=2)
def _environment(*, escape_html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=escape_html,
        # Jinja2 knows no Markdown: every text that a template puts in is made plain here
        finalize=None if escape_html else _plain_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        percent=words.percent,
        score=words.score,
        interval=words.interval,
        number_interval=words.number_interval,
        seconds=words.seconds,
        span=words.span,
        count=words.count,
    )
    return environment


def _plain_text(value: object) -> object:
    """Return text that Markdown shows as it is, on one line; other values as they are."""
    if not isinstance(value, str):
        return value
    escaped = "".join(f"\\{c}" if c in _MARKDOWN_SPECIAL else c for c in value)
    return " ".join(escaped.split())
