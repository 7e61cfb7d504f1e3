"""Header and footer of every page."""

from __future__ import annotations

import streamlit as st

from eegdash import __version__
from eegdash.ui import cache
from eegdash.ui.session import BLINDED_COOKIE, session, widget_value

RESEARCH_USE = "Research use, not for diagnosis."

# Streamlit's own spacing wastes a quarter of a laptop's screen height
_STYLE = """
<style>
.stMainBlockContainer { padding: 4.1rem 1.6rem 1rem; max-width: none; }
.stMainBlockContainer .stVerticalBlock { gap: .6rem; }
.st-key-list [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-list [data-testid="stMarkdownContainer"] p { margin: 0; }
.st-key-remembered { position: absolute; width: 0; height: 0; overflow: hidden; }
.stMain:focus-visible, .stAppScrollToBottomContainer:focus-visible { outline: none; }
</style>
"""
# A reload begins a new session; the browser remembers the mode for it, and says so before the
# first thing is drawn.
_remember = st.components.v2.component(
    "eeg_review_remember",
    js="""
export default function ({ data }) {
  const age = data.on ? 31536000 : 0;
  document.cookie = `${data.cookie}=1; path=/; max-age=${age}; samesite=strict`;
}
""",
)


def header(headline: str) -> None:
    """Draw the headline of a page, the research-use line and the field for the reader's name.

    Parameters
    ----------
    headline : str
        Markdown; text from files must be made plain before.
    """
    st.html(_STYLE)
    left, middle, mode, right = st.columns([6, 2.3, 1.5, 2], vertical_alignment="center")
    left.markdown(headline)
    middle.markdown(f":gray[**{RESEARCH_USE}**]")
    key = _name_key()
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
    _blinded_mode(mode)


def _blinded_mode(column: st.delta_generator.DeltaGenerator) -> None:
    compulsory = cache.desk().settings.blinded
    column.toggle(
        "Read blinded",
        value=session().blinded or compulsory,
        key="blinded",
        disabled=compulsory,
        on_change=_mode_chosen,
        help="Hides what the detector, the reference and other readers say about a recording "
        "until you commit your first read of it."
        + (" This installation asks it of everybody." if compulsory else ""),
    )
    with st.container(key="remembered"):
        _remember(data={"cookie": BLINDED_COOKIE, "on": session().blinded}, key="remember")


def _mode_chosen() -> None:
    session().blinded = bool(widget_value("blinded"))


def _name_key() -> str:
    return f"reviewer-{session().renamed}"


def _named(key: str) -> None:
    # the browser may still send the empty field from before a name was restored
    if key != _name_key():
        return
    session().reviewer = str(widget_value(key) or "").strip()
    session().renamed += 1


def footer() -> None:
    """Draw the version and, once more, what the program is not."""
    st.caption(f"EEG review {__version__} · {RESEARCH_USE}")
