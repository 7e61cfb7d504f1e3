"""Who reads: a name typed on the page, or the login of an identity provider.

Where ``.streamlit/secrets.toml`` has an ``[auth]`` section, Streamlit knows the reader by an OpenID
Connect login, and the name is no longer typed: what is saved under a name was said by whoever
logged in under it. Streamlit needs the package Authlib for that, which is not installed otherwise.
"""

from __future__ import annotations

import streamlit as st
from streamlit.errors import StreamlitAuthError, StreamlitMissingAuthlibError

from eegdash.ui import cache
from eegdash.ui.session import session, widget_value
from eegdash.ui.text import plain
from eegdash.workflows.readers import ADJUDICATOR, READER, Reader, may_adjudicate

LONGEST_NAME = 100  # characters that a label keeps of a reader's name
NO_AUTHLIB = (
    "This installation names an identity provider, but nobody can log in, because the "
    "package Authlib is missing. Have it installed (pip install 'Authlib>=1.3.2' 'httpx>=0.24.1') "
    "and the dashboard restarted. Until then recordings can be read, but nothing is saved."
)
NOT_CONFIGURED = (
    "Nobody can log in, because the section [auth] of .streamlit/secrets.toml is not complete: it "
    "needs redirect_uri, cookie_secret, client_id, client_secret and server_metadata_url. Have it "
    "completed and the dashboard restarted."
)


def provided() -> bool:
    """Return whether an identity provider says who reads."""
    return "is_logged_in" in st.user


def logged_in() -> str:
    """Return the reader's name as the provider gives it; empty while nobody is logged in.

    Two readers may have the same name, so the address that the provider knows follows it.
    """
    if not provided() or not st.user.get("is_logged_in"):
        return ""
    name = _claim("name")
    address = _claim("email") or _claim("preferred_username") or _claim("sub")
    both = f"{name} ({address})" if name and address else name or address
    return both if len(both) <= LONGEST_NAME else (address or name)[:LONGEST_NAME]


def _claim(name: str) -> str:
    value = st.user.get(name)
    # a name with a line break would not be kept as a reader's name
    return " ".join(value.split()) if isinstance(value, str) else ""


def first() -> str:
    """Return what somebody without a name does first."""
    if provided():
        return "Log in at the top right first."
    return "Enter your name or initials at the top right first."


def follow_login() -> None:
    """Take the name from the identity provider, where there is one."""
    if provided():
        session().reviewer = logged_in()


def reader() -> Reader:
    """Return who is looking, as the workflows ask for it."""
    name = session().reviewer
    adjudicates = session().role == ADJUDICATOR and may_adjudicate(cache.desk(), name)
    return Reader(name, ADJUDICATOR if adjudicates else READER, session().blinded)


def field(column: st.delta_generator.DeltaGenerator) -> None:
    """Draw who reads: the login where there is a provider, else a field for the name."""
    if not provided():
        _typed(column)
    elif name := logged_in():
        with column.popover(plain(name), icon=":material/person:", width="stretch"):
            st.caption("You are known by your login. It is kept with every label that you save.")
            st.button("Log out", key="logout", icon=":material/logout:", on_click=st.logout)
    else:
        _login_buttons(column)


def _login_buttons(column: st.delta_generator.DeltaGenerator) -> None:
    providers = _providers()
    box = column.container(horizontal=True, horizontal_alignment="right")
    for provider in providers:
        box.button(
            f"Log in with {provider}" if provider and len(providers) > 1 else "Log in",
            key=f"login-{provider}",
            icon=":material/login:",
            type="primary",
            on_click=_log_in,
            args=(provider,),
            help="Labels are saved under your login.",
        )


def _providers() -> list[str | None]:
    """Return the providers that are configured; None is the one without a name of its own."""
    try:
        section = st.secrets.get("auth", {})
    except FileNotFoundError:  # a host that knows its users by other means
        return [None]
    named = [str(key) for key, value in section.items() if hasattr(value, "keys")]
    return [*([None] if "client_id" in section or not named else []), *named]


def _log_in(provider: str | None) -> None:
    try:
        st.login(provider)
    except StreamlitMissingAuthlibError:
        session().login_problem = NO_AUTHLIB
    except StreamlitAuthError:  # its words may quote the secrets file
        session().login_problem = NOT_CONFIGURED


def problem() -> str:
    """Return why nobody could log in, empty if nothing is known of it."""
    return "" if session().reviewer else session().login_problem


def _typed(column: st.delta_generator.DeltaGenerator) -> None:
    key = _name_key()
    # frame.py keeps it one field high: a name that was taken makes a new field, and for a moment
    # the old one stands beside it, which must not move the page under a hand that is on a button
    column.container(key="reader-name").text_input(
        "Your name or initials",
        # the session keeps the name; a widget's own value is lost with a change of page
        value=session().reviewer,
        key=key,  # another one after each name: the new field no longer holds the keyboard
        placeholder="Your name or initials",
        label_visibility="collapsed",
        icon=":material/person:",
        max_chars=60,
        on_change=_named,
        args=(key,),
        help="Kept with every label that you save.",
    )


def restore(name: str) -> bool:
    """Take the name that this tab remembers from before a reload; tell whether it was taken."""
    name = name.strip()[:60]
    if not name or session().reviewer or provided():
        return False
    session().reviewer = name
    session().views.clear()  # what this new session knows is less than what was kept
    session().renamed += 1
    return True


def _name_key() -> str:
    return f"reviewer-{session().renamed}"


def _named(key: str) -> None:
    # the browser may still send the empty field from before a name was restored
    if key != _name_key():
        return
    session().reviewer = str(widget_value(key) or "").strip()
    session().role = READER  # a role is taken by a person, not by a tab
    session().renamed += 1
