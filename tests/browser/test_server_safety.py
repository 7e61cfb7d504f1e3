"""The server as it is started: its settings, its names, its limits, and TLS in front of it."""

from __future__ import annotations

import http.client
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect
from simulated_files import write_noise
from tls_proxy import tls_in_front_of

from eegdash.settings import MAX_UPLOAD_MB

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    workspace = tmp_path_factory.mktemp("safety")
    write_noise(workspace / "recordings" / "night.edf", seconds=15)
    # the options are those of the page on deployment, so that what it says is what runs
    options = re.findall(r"--server\.allowedHosts=\S+", DEPLOYMENT)
    assert len(options) == 2
    return serve(
        workspace, [*options, "--server.allowedHosts=localhost", "--server.maxUploadSize=1"]
    )


def test_the_settings_are_those_that_were_decided() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["address"] == "127.0.0.1"
    assert config["server"]["allowedHosts"] == ["localhost", "127.0.0.1", "[::1]"]
    assert config["server"]["maxUploadSize"] == MAX_UPLOAD_MB
    assert config["client"]["showErrorDetails"] == "none"
    assert config["browser"]["gatherUsageStats"] is False
    # what is safe by default must not be switched off here
    assert not {"enableXsrfProtection", "enableCORS"} & set(config["server"])


def test_the_headers_are_those_that_the_page_on_deployment_lists(server: Server) -> None:
    answer = asked(server, "/", "127.0.0.1")
    listed = " ".join(
        re.findall(r"```\n(content-security-policy.*?)```", DEPLOYMENT, re.DOTALL)[0].split()
    )
    policy = re.sub(
        r"('sha256-[^']+' ?)+", "'sha256-...' ", str(answer.headers["content-security-policy"])
    )
    assert " ".join(policy.split()).replace(" ;", ";") in listed
    for name in ("x-content-type-options", "x-frame-options", "referrer-policy",
                 "cross-origin-opener-policy", "permissions-policy"):  # fmt: skip
        assert f"{name}: {answer.headers[name]}" in listed


def asked(server: Server, path: str, host: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/tiles/x/notes/m", "/_stcore/health", "/review"]
)
def test_another_name_gets_no_answer_that_a_page_could_read(server: Server, path: str) -> None:
    """DNS rebinding: a stranger's name that points here is not one of this server's."""
    port = server.url.rpartition(":")[2]
    assert asked(server, path, f"evil.example:{port}").status == 421
    assert asked(server, path, f"127.0.0.1.evil.example:{port}").status == 421
    assert asked(server, path, f"127.0.0.1:{port}").status != 421
    assert asked(server, path, f"LOCALHOST:{port}").status != 421
    assert asked(server, path, "eeg.example.org").status != 421


def test_the_websocket_answers_neither_another_name_nor_another_origin(server: Server) -> None:
    port = server.url.rpartition(":")[2]
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec_WebSocket_Protocol": "streamlit",
    }
    own, other = f"127.0.0.1:{port}", f"evil.example:{port}"
    stream = "/_stcore/stream"
    assert asked(server, stream, other, Origin=f"http://{other}", **upgrade).status == 403
    assert asked(server, stream, own, Origin="http://evil.example", **upgrade).status == 403


def test_an_upload_over_the_limit_is_refused_and_a_name_is_made_here(
    page: Page, server: Server, tmp_path: Path
) -> None:
    name = "<img src=x onerror=q()>..;.edf"
    path = write_noise(tmp_path / name, seconds=12, seed=5)
    page.goto(server.url)
    page.get_by_role("button", name="Upload a recording").click()
    with page.expect_request(lambda r: r.method == "PUT" and "upload_file" in r.url) as sent:
        page.locator('input[type="file"]').set_input_files(path)
    headers = {k: v for k, v in sent.value.headers.items() if k.lower() == "x-xsrftoken"}

    def put(size: int, headers: dict[str, str]) -> Any:
        code = """async ({url, size, headers}) => {
            const form = new FormData();
            form.append("file", new Blob([new Uint8Array(size)]), "large.edf");
            return (await fetch(url, {method: "PUT", body: form, headers})).status; }"""
        url = re.sub(r"[^/]+$", "another-file", sent.value.url)
        return page.evaluate(code, {"url": url, "size": size, "headers": headers})

    assert put(1000, headers) < 300
    assert put(2 << 20, headers) == 413
    assert put(1000, {}) == 403  # without the token against forged requests
    page.get_by_role("button", name="Add to the workspace").click()
    expect(page.get_by_text("Added as").first).to_be_visible()
    names = {found.name for found in (server.workspace / "recordings").iterdir()}
    (made,) = names - {"night.edf"}
    assert re.fullmatch(r"img-src-x-onerror-q-[0-9a-f]{8}\.edf", made)
    assert path.name not in server.log.read_text()


def test_behind_tls_pages_and_tiles_come_and_the_policy_holds(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    """What docs/deployment.md says of a proxy: it ends TLS and passes the name on."""
    pytest.importorskip("cryptography", reason="a certificate is made for this test")
    port = int(server.url.rpartition(":")[2])
    with tls_in_front_of(port, tmp_path) as address:
        context = browser.new_context(ignore_https_errors=True)
        context.set_default_timeout(45_000)
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        answer = page.goto(address)
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self' blob:" in policy
        assert "frame-ancestors 'none'" in policy
        page.get_by_role("button", name="Review", exact=True).first.click()
        expect(page.locator("[data-painted]")).to_have_attribute("data-painted", re.compile(r"\d"))
        assert [line for line in said if "Content Security Policy" in line] == []
        assert page.evaluate("location.protocol") == "https:"
        # the policy is what stops a script that got into the page all the same
        page.evaluate(
            """() => { const image = document.createElement("img");
                       document.body.append(image);
                       image.outerHTML = "<img src=x onerror='window.__xss = 1'>"; }"""
        )
        page.evaluate(
            """() => { const script = document.createElement("script");
                       script.textContent = "window.__xss = 2"; document.body.append(script);
                       const far = document.createElement("script");
                       far.src = "https://xss.invalid/x.js"; document.body.append(far); }"""
        )
        expect(page.locator('img[src="x"]')).to_be_attached()
        assert page.evaluate("window.__xss") is None
        assert any("Content Security Policy" in line for line in said)
        context.close()
