"""A report as PDF, from its HTML; its text can be selected."""

from __future__ import annotations

import io
import logging
from functools import lru_cache
from typing import Any

from eegdash.errors import ReportError

_NO_PANGO = (
    "No PDF was made: the library Pango is not on this machine. Install it (Debian: apt-get "
    "install libpango-1.0-0 libpangoft2-1.0-0) and write the report again, or print report.html."
)


def pdf_from_html(html: str) -> bytes:
    """Return a PDF; nothing but what is in the HTML itself is loaded.

    Raises
    ------
    ReportError
        If this machine lacks what it takes; the message says what to do.
    """
    module = _weasyprint()
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    buffer = io.BytesIO()
    inside = module.urls.URLFetcher(allowed_protocols=("data",))
    module.HTML(string=html, base_url=None, url_fetcher=inside).write_pdf(buffer)
    return buffer.getvalue()


def can_make_pdf() -> str:
    """Return why no PDF can be made, in words; empty where it can."""
    try:
        _weasyprint()
    except ReportError as error:
        return str(error)
    return ""


@lru_cache(maxsize=1)
def _weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as error:  # OSError: Pango is looked up while importing
        raise ReportError(_NO_PANGO) from error
    return weasyprint
