"""Response headers that Streamlit does not send, and the signed addresses of tiles."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import streamlit
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_AGE_S = 12 * 3600
_SALT = "tiles"
_FULL, _BLIND = "full", "blind"
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def _inline_hashes() -> str:
    """Hashes of the inline scripts of Streamlit's own start page, which the policy must allow."""
    page = Path(streamlit.__file__).parent / "static" / "index.html"
    digests = (hashlib.sha256(code).digest() for code in _INLINE_SCRIPT.findall(page.read_bytes()))
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


# inline component code is imported from a blob; styles are set inline by the front end
_POLICY = (
    f"default-src 'self'; script-src 'self' blob: 'wasm-unsafe-eval' {_inline_hashes()}; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "frame-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'self'"
)
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
    b"content-security-policy": _POLICY.encode("ascii"),
}


class SecurityHeaders:
    """ASGI middleware that adds the security headers to every HTTP response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, with headers added to the start of the response."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                added = [(k, v) for k, v in _HEADERS.items() if k not in present]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class AllowedHosts:
    """ASGI middleware that answers only to the names of ``server.allowedHosts``.

    Streamlit checks them for its websocket alone. A page of another site whose name was pointed at
    this server (DNS rebinding) would be of the same origin as its routes; it gets 421.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, unless it was sent to another name."""
        from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

        if scope["type"] == "http":
            host = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"host"), None)
            if not is_host_allowed(host):
                answer = PlainTextResponse("This server does not answer to that name.", 421)
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token opens.

    Parameters
    ----------
    recording_sha256 : str
    blind : bool
        Opens the EEG and what is computed from it alone, not what anybody says about it.
    """

    recording_sha256: str
    blind: bool = False


def sign(key: str, recording_sha256: str, *, blind: bool = False) -> str:
    """Return a token that opens the tiles of one recording for :data:`TOKEN_AGE_S`."""
    scope = _BLIND if blind else _FULL
    return str(URLSafeTimedSerializer(key, salt=_SALT).dumps([recording_sha256, scope]))


def verified(key: str, token: str) -> Grant | None:
    """Return what a valid token opens, None for a forged or expired one."""
    try:
        content = URLSafeTimedSerializer(key, salt=_SALT).loads(token, max_age=TOKEN_AGE_S)
        recording_sha256, scope = content
    except (BadSignature, TypeError, ValueError):
        return None
    if scope not in (_FULL, _BLIND):
        return None
    return Grant(str(recording_sha256), scope == _BLIND)
