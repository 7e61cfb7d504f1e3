"""A small OpenID Connect provider on loopback: discovery, authorization code flow, logout.

Users log in with a form, tokens are signed with RS256, and whatever does not belong to the
specification's flow (a wrong secret, a code used twice, another redirect address) is refused.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

FORM = """<!doctype html><title>Log in</title><form method="post">
<label>User <input name="user" autofocus></label>
<label>Password <input name="password" type="password"></label>
<button>Log in at the hospital</button></form><p>{said}</p>"""


@dataclass
class Provider:
    """What the provider knows and what it was asked.

    Parameters
    ----------
    redirect_uris : set of str
        Addresses that a code may be sent to.
    users : dict
        Password and claims by user.
    """

    redirect_uris: set[str]
    users: dict[str, tuple[str, dict[str, str]]]
    client_id: str = "eeg-review"
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    key: Any = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"}))
    url: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens_given: int = 0
    logouts: list[dict[str, str]] = field(default_factory=list)

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
        }

    def may_ask(self, asked: dict[str, str]) -> bool:
        return (
            asked.get("client_id") == self.client_id
            and asked.get("response_type") == "code"
            and asked.get("redirect_uri") in self.redirect_uris
            and "openid" in asked.get("scope", "").split()
            and bool(asked.get("state"))
        )

    def code_for(self, user: str, asked: dict[str, str]) -> str:
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "user": user}
        return code

    def token_for(self, client: tuple[str, str], sent: dict[str, str]) -> dict[str, Any] | None:
        asked = self.codes.pop(sent.get("code", ""), None)
        if (
            asked is None
            or client != (self.client_id, self.client_secret)
            or sent.get("grant_type") != "authorization_code"
            or sent.get("redirect_uri") != asked["redirect_uri"]
        ):
            return None
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": self.client_id,
            "sub": asked["user"],
            "iat": now,
            "exp": now + 600,
            **({"nonce": asked["nonce"]} if "nonce" in asked else {}),
            **self.users[asked["user"]][1],
        }
        self.tokens_given += 1
        return {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": 600,
            "id_token": jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key),
        }


@contextmanager
def running(provider: Provider) -> Iterator[Provider]:
    """Serve a provider on a free port of loopback."""

    class Handler(_Handler):
        asked_of = provider

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    asked_of: Provider

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = {key: values[0] for key, values in parse_qs(address.query).items()}
        provider = self.asked_of
        if address.path == "/.well-known/openid-configuration":
            self._json(provider.discovery())
        elif address.path == "/jwks":
            self._json({"keys": [provider.key.as_dict(private=False)]})
        elif address.path == "/authorize" and provider.may_ask(asked):
            self._page(FORM.format(said=""))
        elif address.path == "/logout":
            provider.logouts.append(asked)
            self._page("<!doctype html><title>Out</title><p>You are logged out.</p>")
        else:
            self._json({"error": "invalid_request"}, 400)

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        sent = {key: values[0] for key, values in parse_qs(body).items()}
        if address.path == "/token":
            found = self.asked_of.token_for(self._client(sent), sent)
            self._json(found or {"error": "invalid_grant"}, 200 if found else 400)
            return
        asked = {key: values[0] for key, values in parse_qs(address.query).items()}
        if address.path != "/authorize" or not self.asked_of.may_ask(asked):
            self._json({"error": "invalid_request"}, 400)
            return
        user = sent.get("user", "")
        known = self.asked_of.users.get(user)
        if known is None or known[0] != sent.get("password"):
            self._page(FORM.format(said="This is not right."))
            return
        back = {"code": self.asked_of.code_for(user, asked), "state": asked["state"]}
        self.send_response(302)
        self.send_header("location", f"{asked['redirect_uri']}?{urlencode(back, quote_via=quote)}")
        self.end_headers()

    def _client(self, sent: dict[str, str]) -> tuple[str, str]:
        kind, _, value = self.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            name, _, secret = base64.b64decode(value).decode().partition(":")
            return unquote(name), unquote(secret)
        return sent.get("client_id", ""), sent.get("client_secret", "")

    def _json(self, content: dict[str, Any], status: int = 200) -> None:
        self._send(json.dumps(content).encode(), "application/json", status)

    def _page(self, text: str) -> None:
        self._send(text.encode(), "text/html; charset=utf-8", 200)

    def _send(self, content: bytes, kind: str, status: int) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
