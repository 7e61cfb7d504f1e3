"""The workspace: folders, names of uploads, atomic writes, the signing key, small records."""

from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from eegdash.atomic import replacing, write_atomically
from eegdash.errors import WorkspaceError
from eegdash.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "ws").create()


def test_create_makes_every_folder_and_may_be_repeated(workspace: Workspace) -> None:
    marker = workspace.recordings / "kept.edf"
    marker.write_bytes(b"1")
    workspace.create()
    folders = sorted(path.name for path in workspace.root.iterdir())
    assert folders == ["cache", "labels", "models", "recordings", "reports", "state"]
    assert marker.read_bytes() == b"1"


def test_a_file_in_the_place_of_the_workspace_is_a_plain_refusal(tmp_path: Path) -> None:
    (tmp_path / "ws").write_text("a file")
    with pytest.raises(WorkspaceError, match="EEGDASH_WORKSPACE") as caught:
        Workspace(tmp_path / "ws").create()
    assert str(tmp_path) not in str(caught.value)


def test_recordings_are_listed_by_suffix_and_name_without_hidden_ones(workspace: Workspace) -> None:
    for name in ("b.EDF", "a.edf", "c.txt", ".hidden.edf", "sub/d.bdf", ".trash/e.edf"):
        path = workspace.recordings / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    (workspace.recordings / "folder.edf").mkdir()
    found = [path.name for path in workspace.recording_files([".edf", ".bdf"])]
    assert found == ["a.edf", "b.EDF", "d.bdf"]


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("../../../etc/cron.d/x.edf", "x-{digest}.edf"),
        ("..\\..\\windows\\x.edf", "x-{digest}.edf"),
        ("/etc/passwd.edf", "passwd-{digest}.edf"),
        ("a\0b.edf", "ab-{digest}.edf"),
        ("chb02_16+.edf", "chb02_16+-{digest}.edf"),
        ("x" * 300 + ".edf", "x" * 60 + "-{digest}.edf"),
        ("rec\u202efde.edf", "rec-fde-{digest}.edf"),
        ("Größe 北京.edf", "Gr-e-{digest}.edf"),
        ("北京.edf", "upload-{digest}.edf"),
        ("..edf", "upload-{digest}.edf"),
        (".edf", "upload-{digest}.edf"),
        # what stands before a slash is a folder and is left out
        ("=cmd|' /C calc'!A0.EDF", "C-calc-A0-{digest}.edf"),
    ],
)
def test_an_upload_gets_a_name_made_here(workspace: Workspace, name: str, stored: str) -> None:
    content = name.encode()
    path = workspace.store_upload(name, content)
    digest = hashlib.sha256(content).hexdigest()[:8]
    assert path.name == stored.format(digest=digest)
    assert path.resolve().parent == workspace.recordings.resolve()
    assert path.read_bytes() == content
    assert list(workspace.recordings.iterdir()) == [path]


@pytest.mark.parametrize("name", ["", ".", "..", "/", "\0", "x.", "noextension", "a." + "b" * 300])
def test_an_upload_of_any_name_stays_inside(workspace: Workspace, name: str) -> None:
    path = workspace.store_upload(name, b"content")
    assert path.resolve().parent == workspace.recordings.resolve()
    assert len(path.name) < 90
    assert path.read_bytes() == b"content"


def test_two_uploads_of_one_name_do_not_overwrite_each_other(workspace: Workspace) -> None:
    first = workspace.store_upload("a.edf", b"1")
    second = workspace.store_upload("a.edf", b"2")
    assert first != second
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")
    assert workspace.store_upload("a.edf", b"1") == first


def test_who_may_read_a_written_file_is_stated(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_atomically(path, b"for this user")
    assert path.stat().st_mode & 0o777 == 0o600
    with replacing(path) as temporary:
        temporary.write_bytes(b"for all")
    assert path.stat().st_mode & 0o777 == 0o644


def test_atomic_write_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_content_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.json"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WorkspaceError, match=r"^x\.json could not be written .*No space") as caught:
        write_atomically(path, b"new")
    assert str(tmp_path) not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_a_plain_refusal(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="could not be written"):
        write_atomically(tmp_path / "absent" / "x.json", b"")


def test_signing_key_is_made_once_and_private(workspace: Workspace) -> None:
    key = workspace.signing_key()
    assert len(key) == 64
    assert int(key, 16) > 0
    assert workspace.signing_key() == key
    assert Workspace(workspace.root).signing_key() == key
    mode = stat.S_IMODE((workspace.state / "signing.key").stat().st_mode)
    assert mode == 0o600


def test_two_workspaces_have_different_keys(tmp_path: Path) -> None:
    keys = {Workspace(tmp_path / name).create().signing_key() for name in ("a", "b")}
    assert len(keys) == 2


@pytest.mark.parametrize("damage", [b"", b"short", b"\xff\xfe\x00", b"z" * 64])
def test_a_damaged_key_is_replaced(workspace: Workspace, damage: bytes) -> None:
    path = workspace.state / "signing.key"
    path.write_bytes(damage)
    key = workspace.signing_key()
    assert len(key) == 64
    assert path.read_text() == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


_ASK = """
import sys, time
from pathlib import Path
from eegdash.workspace import Workspace
import filelock
go = Path(sys.argv[2])
print("ready", flush=True)
while not go.exists():
    time.sleep(0.001)
print(Workspace(Path(sys.argv[1])).signing_key())
"""


def test_processes_that_start_together_agree_on_one_key(
    workspace: Workspace, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    command = [sys.executable, "-c", _ASK, str(workspace.root), str(go)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    go.touch()
    keys = {process.communicate(timeout=20)[0].strip() for process in started}
    assert keys == {workspace.signing_key()}


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"\xff\xfe", b"[1]", b"null", b'"text"', b"[" * 200_000, b"\0" * 50]
)
def test_a_damaged_record_reads_as_empty_and_can_be_written_again(
    workspace: Workspace, damage: bytes
) -> None:
    (workspace.state / "hashes.json").write_bytes(damage)
    assert workspace.read_state("hashes") == {}
    workspace.write_state("hashes", {"ä": "é"})
    assert workspace.read_state("hashes") == {"ä": "é"}


def test_an_absent_record_reads_as_empty(workspace: Workspace) -> None:
    assert workspace.read_state("nothing") == {}
