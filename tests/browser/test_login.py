"""Logins of an identity provider: a reader logs in, labels under that name, and logs out."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect
from simulated_files import write_noise

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = pytest.mark.browser
NAME, ADDRESS, PASSWORD = "Ana Lima <b>", "ana@hospital.example", "correct horse"


def test_a_reader_logs_in_is_known_by_that_name_and_logs_out(
    page: Page, serve: Callable[..., Server], tmp_path: Path
) -> None:
    pytest.importorskip("authlib", reason="logins need Authlib and httpx")
    pytest.importorskip("httpx", reason="logins need Authlib and httpx")
    from oidc_provider import Provider, running

    write_noise(tmp_path / "workspace" / "recordings" / "night.edf", seconds=12)
    users = {"ana": (PASSWORD, {"name": NAME, "email": ADDRESS})}
    with running(Provider(redirect_uris=set(), users=users)) as provider:
        settings = tmp_path / "secrets.toml"
        settings.write_text(
            "[auth]\n"
            'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            f'cookie_secret = "{secrets.token_hex(24)}"\n'
            f'client_id = "{provider.client_id}"\n'
            f'client_secret = "{provider.client_secret}"\n'
            f'server_metadata_url = "{provider.url}/.well-known/openid-configuration"\n'
        )
        server = serve(tmp_path / "workspace", [f"--secrets.files={settings}"])
        provider.redirect_uris.add(f"{server.url}/oauth2callback")

        page.goto(server.url)
        expect(page.get_by_placeholder("Your name or initials")).to_have_count(0)
        page.get_by_role("button", name="Log in", exact=True).click()
        page.get_by_label("User").fill("ana")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in at the hospital").click()
        expect(page.get_by_text("This is not right.")).to_be_visible()
        page.get_by_label("User").fill("ana")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in at the hospital").click()

        # back on the dashboard, known by name and address, which are text and not markup
        who = page.get_by_role("button", name=NAME)
        expect(who).to_contain_text("hospital.example")
        assert page.url.startswith(server.url)
        assert provider.tokens_given == 1
        page.reload()
        expect(who).to_be_visible()
        assert "code=" not in page.url

        who.click()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_text("You are logged out.")).to_be_visible()
        assert provider.logouts[0]["client_id"] == provider.client_id
        page.goto(server.url)
        expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
    log = server.log.read_text()
    assert PASSWORD not in log
    assert provider.client_secret not in log
    assert ADDRESS not in log
