"""Header and footer of every page."""

from __future__ import annotations

import streamlit as st

from eegdash import __version__
from eegdash.ui.session import session, widget_value

RESEARCH_USE = "Research use, not for diagnosis."

# Streamlit's own spacing wastes a quarter of a laptop's screen height
_STYLE = """
<style>
.stMainBlockContainer { padding: 4.1rem 1.6rem 1rem; max-width: none; }
.stMainBlockContainer .stVerticalBlock { gap: .6rem; }
.st-key-list [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-list [data-testid="stMarkdownContainer"] p { margin: 0; }
.stMain:focus-visible, .stAppScrollToBottomContainer:focus-visible { outline: none; }
</style>
"""


def header(headline: str) -> None:
    """Draw the headline of a page, the research-use line and the field for the reader's name.

    Parameters
    ----------
    headline : str
        Markdown; text from files must be made plain before.
    """
    st.html(_STYLE)
    left, middle, right = st.columns([6, 3, 2], vertical_alignment="center")
    left.markdown(headline)
    middle.markdown(f":gray[**{RESEARCH_USE}**]")
    key = f"reviewer-{session().renamed}"
    right.text_input(
        "Your name or initials",
        # the session keeps the name; a widget's own value is lost with a change of page
        value=session().reviewer,
        # a name that was taken makes a new field, which no longer holds the keyboard
        key=key,
        placeholder="Your name or initials",
        label_visibility="collapsed",
        icon=":material/person:",
        max_chars=60,
        on_change=_named,
        args=(key,),
        help="Kept with every label that you save.",
    )


def _named(key: str) -> None:
    session().reviewer = str(widget_value(key) or "").strip()
    session().renamed += 1


def footer() -> None:
    """Draw the version and, once more, what the program is not."""
    st.caption(f"EEG review {__version__} · {RESEARCH_USE}")
