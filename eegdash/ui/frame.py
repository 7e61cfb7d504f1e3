"""Header and footer of every page."""

from __future__ import annotations

import streamlit as st

from eegdash import __version__
from eegdash.ui import cache, identity
from eegdash.ui.session import BLINDED_COOKIE, session, widget_value

RESEARCH_USE = "Research use, not for diagnosis."
ABOUT = "../../pages/about.py"

# Streamlit's own spacing wastes a quarter of a laptop's screen height. The file that its tables
# offer would carry file names, and text that a spreadsheet runs: exports are made on their page.
_STYLE = """
<style>
.stMainBlockContainer { padding: 4.1rem 1.6rem 1rem; max-width: none; }
.stMainBlockContainer .stVerticalBlock { gap: .6rem; }
.st-key-list [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-list [data-testid="stMarkdownContainer"] p { margin: 0; }
.stVerticalBlock.st-key-reader-name { flex: none; height: 2.5rem; overflow: hidden; }
.st-key-remembered { position: absolute; width: 0; height: 0; overflow: hidden; }
[data-testid="stElementToolbarButton"]:has([aria-label^="Download as CSV"]) { display: none; }
.stMain:focus-visible, .stAppScrollToBottomContainer:focus-visible { outline: none; }
.stMain:focus-visible::before { box-shadow: none; }
</style>
"""
# A reload begins a new session; the browser remembers the mode for it, and says so before the
# first thing is drawn. The tab remembers who reads; another tab does not.
_remember = st.components.v2.component(
    "eeg_review_remember",
    js="""
export default function ({ data, setStateValue }) {
  const age = data.on ? 31536000 : 0;
  document.cookie = `${data.cookie}=1; path=/; max-age=${age}; samesite=strict`;
  const known = sessionStorage.getItem(data.store);
  if (data.reader) sessionStorage.setItem(data.store, data.reader);
  else if (data.ask && known) setStateValue("reader", known);
}
""",
)
_REMEMBER, _STORE = "remember", "eeg-review-reader"  # the viewer knows the name of the store, too


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
    identity.field(right)
    _blinded_mode(mode)
    if identity.problem():
        st.error(identity.problem())


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
        _remember(
            data={
                "cookie": BLINDED_COOKIE,
                "on": session().blinded,
                "store": _STORE,
                "reader": session().reviewer,
                # whoever empties the field is not given the old name again
                "ask": not session().renamed and not identity.provided(),
            },
            key=_REMEMBER,
            default={"reader": None},
            on_reader_change=_restored,
        )


def _restored() -> None:
    identity.restore(str(getattr(widget_value(_REMEMBER), "reader", None) or ""))


def _mode_chosen() -> None:
    session().blinded = bool(widget_value("blinded"))


def footer() -> None:
    """Draw the version, once more what the program is not, and the way to the server's page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"EEG review {__version__} · {RESEARCH_USE}", width="content")
        st.page_link(ABOUT, label=":gray[:small[About this server]]")
