"""Downloading from a server of our own on 127.0.0.1 that misbehaves as networks do."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from eegdash.errors import DatasetError
from eegdash.io import physionet
from eegdash.io.physionet import (
    Downloaded,
    DownloadProgress,
    Patience,
    download_chbmit,
    read_checksums,
)

RANDOM = np.random.default_rng(0)
FILES = {
    "RECORDS": b"chb01/chb01_01.edf\nchb02/chb02_16+.edf\n",
    "RECORDS-WITH-SEIZURES": b"chb02/chb02_16+.edf\n",
    "SUBJECT-INFO": b"Case\tGender\n",
    "chb01/chb01-summary.txt": b"File Name: chb01_01.edf\nNumber of Seizures in File: 0\n",
    "chb01/chb01_01.edf": RANDOM.bytes(900_000),
    "chb02/chb02_16+.edf": RANDOM.bytes(1000),
    "shoeb-icml-2010.pdf": b"not wanted",
}
BIG = "chb01/chb01_01.edf"


@dataclass
class Server:
    """What the server does, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    ranges: bool = True
    etag: str = '"one"'
    cut_after: list[int] = field(default_factory=list)
    """Bytes after which the next answers to the big file are cut off."""
    statuses: dict[str, list[int]] = field(default_factory=dict)
    asked: list[tuple[str, str | None, int]] = field(default_factory=list)
    url: str = ""

    def sums(self) -> bytes:
        lines = [f"{hashlib.sha256(data).hexdigest()} {name}" for name, data in FILES.items()]
        return "\n".join(lines).encode() + b"\n"


def handler_of(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            from urllib.parse import unquote

            name = unquote(self.path).removeprefix("/data/")
            content = server.sums() if name == "SHA256SUMS.txt" else server.files.get(name)
            wanted = self.headers.get("Range")
            if waiting := server.statuses.get(name):
                status = waiting.pop(0)
            elif content is None:
                status = 404
            else:
                status = 200
            start = 0
            if status == 200 and wanted and server.ranges:
                if_range = self.headers.get("If-Range")
                if if_range in (None, server.etag):
                    start = int(wanted.removeprefix("bytes=").rstrip("-"))
                    status = 206 if start < len(content or b"") else 416
            server.asked.append((name, wanted, status))
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "7")
            if status not in (200, 206) or content is None:
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = content[start:]
            if status == 206:
                last = len(content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
            if server.etag:
                self.send_header("ETag", server.etag)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if name == BIG and server.cut_after:
                body = body[: server.cut_after.pop(0)]
                self.close_connection = True
            self.wfile.write(body)

    return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    state = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(state))
    state.url = f"http://127.0.0.1:{http.server_port}/data/"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


def get(server: Server, out: Path, waits: list[float], *cases: str, **kwargs: object) -> Downloaded:
    patience = Patience(attempts=4, wait=waits.append)
    return download_chbmit(
        list(cases), out, base_url=server.url, patience=patience, **kwargs  # type: ignore[arg-type]
    )  # fmt: skip


def present(out: Path) -> set[str]:
    return {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()} - {
        ".download.lock"
    }


CHB01 = {"RECORDS", "RECORDS-WITH-SEIZURES", "SUBJECT-INFO", "SHA256SUMS.txt", BIG,
         "chb01/chb01-summary.txt"}  # fmt: skip


def test_a_case_and_the_lists_arrive_whole(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    states: list[DownloadProgress] = []
    found = get(server, tmp_path / "out", waits, "chb01", progress=states.append)
    assert present(tmp_path / "out") == CHB01
    assert (tmp_path / "out" / BIG).read_bytes() == FILES[BIG]
    assert len(found.fetched) == 5
    assert found.received_bytes == sum(len(FILES[n]) for n in found.fetched)
    assert states[-1].n_done == states[-1].n_files == 5
    shares = [s.file_bytes for s in states if s.file == BIG]
    assert shares == sorted(shares)
    assert shares[-1] == 900_000
    assert found.fetched[-1] == BIG  # what is small and says the truth comes first
    assert waits == []


def test_without_a_case_all_are_downloaded(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    get(server, tmp_path, waits)
    assert (tmp_path / "chb02" / "chb02_16+.edf").read_bytes() == FILES["chb02/chb02_16+.edf"]
    assert not (tmp_path / "shoeb-icml-2010.pdf").exists()


def test_what_is_there_is_verified_and_not_fetched_again(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    get(server, tmp_path, waits, "chb01")
    server.asked.clear()
    found = get(server, tmp_path, waits, "chb01")
    assert (len(found.present), found.fetched, found.received_bytes) == (5, (), 0)
    assert [name for name, _, _ in server.asked] == ["SHA256SUMS.txt"]
    (tmp_path / BIG).write_bytes(FILES[BIG][:-1] + b"x")
    assert get(server, tmp_path, waits, "chb01").fetched == (BIG,)
    assert (tmp_path / BIG).read_bytes() == FILES[BIG]


def test_a_connection_cut_in_the_middle_is_continued(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    server.cut_after = [300_000, 200_000]
    found = get(server, tmp_path, waits, "chb01")
    asked = [(wanted, status) for name, wanted, status in server.asked if name == BIG]
    assert asked == [(None, 200), ("bytes=300000-", 206), ("bytes=500000-", 206)]
    assert found.received_bytes == sum(len(FILES[n]) for n in found.fetched)
    assert (tmp_path / BIG).read_bytes() == FILES[BIG]
    assert present(tmp_path) == CHB01
    assert waits == [1.0, 1.0]  # bytes arrived in between: the wait does not grow


def test_a_server_that_keeps_cutting_is_given_up_and_continued_the_next_time(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    server.cut_after = [400_000, 0, 0, 0, 0, 0]
    with pytest.raises(DatasetError, match=r"after 4 attempts.*what has arrived is kept"):
        get(server, tmp_path, waits, "chb01")
    assert waits == [1.0, 2.0, 4.0]
    assert not (tmp_path / BIG).exists()
    assert (tmp_path / f"{BIG}.part").stat().st_size == 400_000
    server.cut_after.clear()
    server.asked.clear()
    found = get(server, tmp_path, waits, "chb01")
    assert (BIG, "bytes=400000-", 206) in server.asked
    assert found.received_bytes == 500_000
    assert (tmp_path / BIG).read_bytes() == FILES[BIG]


def test_a_server_without_range_starts_again(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    server.ranges = False
    server.cut_after = [300_000]
    get(server, tmp_path, waits, "chb01")
    assert [status for name, _, status in server.asked if name == BIG] == [200, 200]
    assert (tmp_path / BIG).read_bytes() == FILES[BIG]


def test_a_file_that_changed_on_the_server_is_not_mixed(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    (tmp_path / "chb01").mkdir()
    (tmp_path / f"{BIG}.part").write_bytes(b"old" * 100)
    (tmp_path / f"{BIG}.part.etag").write_text('"zero"')
    get(server, tmp_path, waits, "chb01")
    assert [status for name, _, status in server.asked if name == BIG] == [200]
    assert present(tmp_path) == CHB01


@pytest.mark.parametrize("leftover", [b"old" * 100, RANDOM.bytes(900_000), RANDOM.bytes(950_000)])
def test_leftovers_of_something_else_are_found_by_the_checksum(
    server: Server, tmp_path: Path, waits: list[float], leftover: bytes
) -> None:
    server.etag = ""
    (tmp_path / "chb01").mkdir()
    (tmp_path / f"{BIG}.part").write_bytes(leftover)
    get(server, tmp_path, waits, "chb01")
    assert (tmp_path / BIG).read_bytes() == FILES[BIG]
    assert present(tmp_path) == CHB01


def test_a_complete_leftover_needs_no_bytes(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    (tmp_path / "chb01").mkdir()
    (tmp_path / f"{BIG}.part").write_bytes(FILES[BIG])
    get(server, tmp_path, waits, "chb01")
    assert [status for name, _, status in server.asked if name == BIG] == [416]
    assert (tmp_path / BIG).read_bytes() == FILES[BIG]


def test_a_wrong_checksum_is_refused_after_a_second_try(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    server.files[BIG] = b"changed" * 1000
    with pytest.raises(DatasetError, match=r"chb01_01\.edf arrived twice with a wrong checksum"):
        get(server, tmp_path, waits, "chb01")
    assert present(tmp_path) == CHB01 - {BIG}
    assert len([1 for name, _, _ in server.asked if name == BIG]) == 2


@pytest.mark.parametrize(
    ("status", "says"), [(404, "Check the address"), (403, "asks for a login")]
)
def test_a_refusal_is_not_tried_again(
    server: Server, tmp_path: Path, waits: list[float], status: int, says: str
) -> None:
    server.statuses[BIG] = [status]
    with pytest.raises(DatasetError, match=f"{status}.*{says}"):
        get(server, tmp_path, waits, "chb01")
    assert waits == []
    assert BIG not in present(tmp_path)


def test_a_busy_server_is_tried_again_when_it_says(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    server.statuses = {"SHA256SUMS.txt": [503], BIG: [429, 500]}
    get(server, tmp_path, waits, "chb01")
    assert waits == [1.0, 7.0, 2.0]
    assert (tmp_path / BIG).read_bytes() == FILES[BIG]


def test_no_server_is_said_in_a_sentence(tmp_path: Path, waits: list[float]) -> None:
    gone = Server(url="http://127.0.0.1:9/data/")
    with pytest.raises(DatasetError, match="could not be downloaded after 4 attempts"):
        get(gone, tmp_path, waits, "chb01")
    assert waits == [1.0, 2.0, 4.0]


def test_what_is_no_case_or_no_address_is_refused(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    with pytest.raises(DatasetError, match="not a case of CHB-MIT"):
        get(server, tmp_path, waits, "../chb01")
    with pytest.raises(DatasetError, match="lists no case chb09"):
        get(server, tmp_path, waits, "chb09")
    with pytest.raises(DatasetError, match="https://"):
        download_chbmit([], tmp_path, base_url="file:///etc/")


def test_two_downloads_into_one_folder_are_refused(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    with FileLock(tmp_path / ".download.lock"), pytest.raises(DatasetError, match="is running"):
        get(server, tmp_path, waits, "chb01")


def test_a_full_disk_is_said_before_anything_is_written(
    server: Server, tmp_path: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(physionet, "_SPARE_BYTES", 1 << 60)
    with pytest.raises(DatasetError, match="no space for RECORDS"):
        get(server, tmp_path, waits, "chb01")


@pytest.mark.parametrize("line", ["0" * 64 + " ../x", "0" * 64 + " /etc/passwd", "short chb01/a",
                                  "0" * 64 + " chb01/../../x", "<html>"])  # fmt: skip
def test_a_list_that_leads_elsewhere_is_refused(line: str) -> None:
    with pytest.raises(DatasetError, match="no checksum of a file"):
        read_checksums(line + "\n")


def test_the_published_list_is_understood(data_pack: Path) -> None:
    text = (data_pack / "chbmit_annotations" / "SHA256SUMS.txt").read_text()
    sums = read_checksums(text)
    assert len([name for name in sums if name.endswith(".edf")]) == 686
    assert "chb02/chb02_16+.edf" in sums
    record_list = (data_pack / "chbmit_annotations" / "RECORDS").read_bytes()
    assert hashlib.sha256(record_list).hexdigest() == sums["RECORDS"]


def test_the_remaining_time_is_that_of_the_rate_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 20.0])
    monkeypatch.setattr(physionet.time, "monotonic", lambda: next(clock))
    states: list[DownloadProgress] = []
    tally = physionet._Tally(3, states.append)
    tally.received("a", 100, 100, 400)  # 10 B/s; 300 here and two more of 400 to come
    assert states[-1].remaining_s == pytest.approx(1100 / 10)
    tally.received("a", 300, 400, 400)
    assert states[-1].remaining_s == pytest.approx(800 / 20)
