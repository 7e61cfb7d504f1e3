"""Labels in PostgreSQL: rights, order, failing servers, and the way there and back."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from postgres_server import USER, Database, PostgresServer
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from eegdash.cli import main
from eegdash.errors import LabelNotSavedError, WorkspaceError
from eegdash.labels import DraftLabel, LabelStore, LineStatus, database
from eegdash.labels.database import TABLE_NAME, DatabaseLabelStore, create_table
from eegdash.labels.migration import to_database, to_file

SHA = "ab" * 32
ROOT = Path(__file__).resolve().parents[2]


def draft(key: str, **changes: object) -> DraftLabel:
    values: dict[str, object] = {
        "idempotency_id": key,
        "reviewer": "A",
        "recording_sha256": SHA,
        "onset_s": 12.0,
        "duration_s": 9.0,
        "verdict": "agree",
    }
    return DraftLabel(**{**values, **changes})  # type: ignore[arg-type]


@contextmanager
def opened(url: str, folder: Path) -> Iterator[DatabaseLabelStore]:
    store = DatabaseLabelStore(url, folder)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def store(label_database: Database, tmp_path: Path) -> Iterator[DatabaseLabelStore]:
    with opened(label_database.url, tmp_path / "labels") as found:
        yield found


def run_as(url: str, statement: str) -> None:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


# -- rights --------------------------------------------------------------------------------

CHANGES = [
    f"UPDATE {TABLE_NAME} SET line = ''",
    f"DELETE FROM {TABLE_NAME}",
    f"TRUNCATE {TABLE_NAME}",
]


@pytest.mark.parametrize("statement", [*CHANGES, f"DROP TABLE {TABLE_NAME}"])
def test_the_dashboards_user_cannot_change_or_remove_labels(store, label_database, statement):
    store.append(draft("a"))
    with pytest.raises(SQLAlchemyError, match=r"permission denied|must be owner"):
        run_as(label_database.url, statement)
    assert store.reload() == 1


@pytest.mark.parametrize("statement", CHANGES)
def test_a_slip_of_the_owner_is_refused_too(store, label_database, statement):
    store.append(draft("a"))
    with pytest.raises(SQLAlchemyError, match="only ever added"):
        run_as(label_database.owner_url, statement)
    assert store.reload() == 1


def test_a_user_with_more_rights_is_refused(label_database, tmp_path):
    with opened(label_database.owner_url, tmp_path) as store:
        with pytest.raises(WorkspaceError, match="may change or delete labels"):
            store.all()
        with pytest.raises(LabelNotSavedError, match="NOT saved: The dashboard's database user"):
            store.append(draft("a"))


def test_a_right_given_later_by_column_is_noticed_at_the_next_start(
    label_database, postgres, tmp_path
):
    postgres.sql(label_database.name, f"GRANT UPDATE (line) ON {TABLE_NAME} TO {USER}")
    with (
        opened(label_database.url, tmp_path) as store,
        pytest.raises(WorkspaceError, match="may change or delete labels"),
    ):
        store.all()


def test_making_the_table_again_takes_rights_back_and_keeps_labels(
    store, label_database, postgres, tmp_path
):
    store.append(draft("a"))
    postgres.sql(label_database.name, f"GRANT DELETE ON {TABLE_NAME} TO {USER}")
    create_table(label_database.owner_url, USER)
    with opened(label_database.url, tmp_path) as again:
        assert len(again.all()) == 1


def test_a_database_without_the_table_says_how_to_make_it(postgres, tmp_path):
    made = postgres.database()
    with (
        opened(made.url, tmp_path) as store,
        pytest.raises(WorkspaceError, match="labels create-table --grant USER"),
    ):
        store.refresh()


def test_a_table_that_cannot_be_made_is_told_without_the_password(label_database):
    with pytest.raises(WorkspaceError, match="cannot be made") as caught:
        create_table(label_database.url.replace(label_database.name, "absent"), USER)
    assert "secret" not in str(caught.value)


# -- order ---------------------------------------------------------------------------------


def _append_beside_an_open_transaction(
    reading: DatabaseLabelStore, store: DatabaseLabelStore, other: DatabaseLabelStore
) -> list[str]:
    """Append while another server's append is not committed yet; return what ``reading`` sees."""
    inserted, finish = threading.Event(), threading.Event()
    label = other._next_label(draft("slow"))

    def slow() -> None:
        from eegdash.labels.database import _ROWS, _row

        with other._writing() as connection:
            connection.execute(_ROWS.insert(), [_row(label.to_line().rstrip(b"\n"), label)])
            inserted.set()
            finish.wait(10)

    first = threading.Thread(target=slow)
    first.start()
    assert inserted.wait(10)
    second = threading.Thread(target=lambda: store.append(draft("quick")))
    second.start()
    second.join(0.5)
    reading.refresh()
    finish.set()
    first.join()
    second.join()
    return [x.idempotency_id for x in reading.all()]


def test_a_label_committed_late_is_not_overlooked(store, label_database, tmp_path):
    with opened(label_database.url, tmp_path) as other, opened(label_database.url, tmp_path) as x:
        assert _append_beside_an_open_transaction(x, store, other) == ["slow", "quick"]


def test_without_the_lock_it_would_be_overlooked(store, label_database, tmp_path, monkeypatch):
    """The same trial with a deliberately broken store, to show that it can fail."""

    @contextmanager
    def unlocked(self):
        with self._engine.begin() as connection:
            yield connection

    monkeypatch.setattr(DatabaseLabelStore, "_writing", unlocked)
    with opened(label_database.url, tmp_path) as other, opened(label_database.url, tmp_path) as x:
        assert _append_beside_an_open_transaction(x, store, other) == ["quick"]


def test_an_append_waits_for_the_lock_only_so_long(store, label_database, tmp_path, monkeypatch):
    monkeypatch.setattr("eegdash.labels.database._LOCK_S", 1)
    with (
        opened(label_database.url, tmp_path) as other,
        other._writing(),
        pytest.raises(LabelNotSavedError, match="NOT saved: the label database refused"),
    ):
        store.append(draft("a"))
    assert store.append(draft("a")).seq == 1


# -- several processes ---------------------------------------------------------------------

_WRITER = """
import sys, time
from pathlib import Path
from eegdash.labels import DraftLabel, open_labels
store = open_labels(Path(sys.argv[1]), sys.argv[2])
name, n, go = sys.argv[3], int(sys.argv[4]), Path(sys.argv[5])
store.refresh()
while not go.exists():
    time.sleep(0.001)
for i in range(n):
    label = store.append(DraftLabel(
        idempotency_id=f"{name}-{i}", reviewer=name, recording_sha256="ab" * 32,
        onset_s=float(i), duration_s=9.0, verdict="agree", comment="x" * (i % 300)))
    sys.stdout.write(label.uuid + "\\n")
    sys.stdout.flush()
"""


def start_writer(
    store: DatabaseLabelStore, url: str, name: str, n: int, *, after: Path
) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WRITER, str(store.folder), url, name, str(n), str(after)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_eight_writers_at_once_lose_nothing(store, label_database, tmp_path):
    url = label_database.url
    go = tmp_path / "go"
    writers = [start_writer(store, url, f"w{i}", 25, after=go) for i in range(8)]
    time.sleep(2)  # most of them are waiting, so that they begin at once
    go.touch()
    acknowledged: list[str] = []
    for writer in writers:
        out, _ = writer.communicate(timeout=120)
        assert writer.returncode == 0
        acknowledged += out.split()
    found = store.all()
    assert len(acknowledged) == 200
    assert {label.uuid for label in found} == set(acknowledged)
    assert [label.seq for label in found] == list(range(1, 201))


def test_every_acknowledged_label_is_found_after_kill_9(store, label_database):
    url = label_database.url
    acknowledged: list[str] = []
    for trial in range(4):
        writer = start_writer(store, url, f"trial{trial}", 100_000, after=ROOT)
        assert writer.stdout is not None
        with writer.stdout as stream:
            first = stream.readline()
            time.sleep(0.01 * trial)
            writer.kill()
            rest = stream.read()
        writer.wait()
        # a last word without its newline was not acknowledged in full
        acknowledged += [text for text in (first + rest).split("\n")[:-1] if text]
    assert len(acknowledged) >= 4
    assert set(acknowledged) <= {label.uuid for label in store.all()}
    assert store.append(draft("after")).seq == len(store.all())


# -- failing servers -----------------------------------------------------------------------


def test_what_was_acknowledged_survives_a_crash_of_the_server(
    postgres: PostgresServer, store, label_database, tmp_path
):
    saved = [store.append(draft(f"k{i}")) for i in range(20)]
    postgres.control("stop", "-m", "immediate")  # no checkpoint, as after a power cut
    try:
        with pytest.raises(LabelNotSavedError, match="NOT saved"):
            store.append(draft("down"))
        with pytest.raises(WorkspaceError, match="cannot be read"):
            store.refresh()
    finally:
        postgres.start()
    assert store.all() == saved
    assert store.append(draft("down")).seq == 21


def test_a_lost_answer_to_a_commit_does_not_make_a_second_label(store, monkeypatch):
    store.refresh()
    writing = DatabaseLabelStore._writing

    @contextmanager
    def answer_lost(self):
        with writing(self) as connection:
            yield connection
        raise SQLAlchemyError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(DatabaseLabelStore, "_writing", answer_lost)
        saved = store.append(draft("a"))
    assert store.all() == [saved]
    assert store.append(draft("a")) == saved


def test_a_commit_is_on_disk_even_where_the_server_would_not_wait(store, postgres, label_database):
    postgres.sql("postgres", f"ALTER DATABASE {label_database.name} SET synchronous_commit = off")
    store.close()
    with store._writing() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"


def test_messages_and_logs_hold_neither_password_nor_label(store, label_database, caplog):
    url = label_database.url.replace("secret", "geheim")
    with opened(url, store.folder) as wrong, pytest.raises(LabelNotSavedError) as caught:
        wrong.append(draft("a", comment="CANARY"))
    said = f"{caught.value} {caught.value.__cause__} {caplog.text}"
    assert "geheim" not in said
    assert "CANARY" not in said


# -- the command line ----------------------------------------------------------------------


def test_the_commands_make_the_table_and_move_labels_both_ways(
    postgres, odd_file, tmp_path, monkeypatch, capsys
):
    made = postgres.database()
    workspace = tmp_path / "workspace"
    (workspace / "labels").mkdir(parents=True)
    (workspace / "labels" / "labels.jsonl").write_bytes(odd_file.path.read_bytes())
    monkeypatch.setenv("EEGDASH_WORKSPACE", str(workspace))
    assert main(["labels", "create-table", "--grant", USER]) == 2
    assert main(["labels", "migrate", "--to-database"]) == 2
    monkeypatch.setenv("EEGDASH_LABELS_OWNER_URL", made.owner_url)
    monkeypatch.setenv("EEGDASH_LABELS_URL", made.url)
    assert main(["labels", "create-table", "--grant", USER]) == 0
    assert main(["labels", "migrate", "--to-database"]) == 0
    assert main(["labels", "migrate", "--to-folder", str(tmp_path / "back")]) == 0
    assert (tmp_path / "back" / "labels.jsonl").read_bytes() == odd_file.path.read_bytes()
    assert main(["labels", "list", "--json"]) == 0
    said = capsys.readouterr()
    assert "8 lines copied and compared" in said.out
    assert "secret" not in said.out + said.err


# -- migration -----------------------------------------------------------------------------


@pytest.fixture
def odd_file(tmp_path: Path) -> LabelStore:
    """A labels file with everything that hands and crashes do to one."""
    file = LabelStore(tmp_path / "file")
    for key in "abc":
        file.append(draft(key, comment="脳"))
    first, second, third = file.path.read_bytes().splitlines()
    file.path.write_bytes(
        b"\n".join(
            [
                b"\xef\xbb\xbf" + first,
                second.replace(b'"agree"', b'"unsure"') + b"\r",
                b"torn \xff\x00 {",
                b"",
                third,
                third,
                third.replace(b'"agree"', b'"disagree"'),
                third[:80],
            ]
        )
        + b"\n"
    )
    return file


def test_labels_move_to_the_database_and_back_byte_for_byte(store, odd_file, tmp_path):
    moved = to_database(odd_file.folder, store)
    assert moved.n_lines == 8
    assert moved.sha256 == hashlib.sha256(odd_file.path.read_bytes()).hexdigest()
    assert store.lines == odd_file.lines
    assert store.status_counts() == odd_file.status_counts()
    assert odd_file.status_counts()[LineStatus.TORN] == 2
    assert to_database(odd_file.folder, store) == moved  # repeated: nothing is added
    assert to_file(store, tmp_path / "back") == moved
    assert (tmp_path / "back" / "labels.jsonl").read_bytes() == odd_file.path.read_bytes()
    assert store.append(draft("new")).seq == 4
    assert store.append(draft("a")).seq == 1


def test_a_last_line_without_newline_moves_too(store, odd_file):
    odd_file.path.write_bytes(odd_file.path.read_bytes().rstrip(b"\n"))
    assert to_database(odd_file.folder, store).n_lines == 8
    assert store.lines == odd_file.lines


def test_labels_are_never_mixed(store, odd_file, tmp_path):
    store.append(draft("x"))
    with pytest.raises(WorkspaceError, match="holds 1 lines that differ"):
        to_database(odd_file.folder, store)
    with pytest.raises(WorkspaceError, match=r"already holds a labels\.jsonl"):
        to_file(store, odd_file.folder)
    assert len(store.all()) == 1


def test_a_failing_migration_adds_nothing(store, odd_file, monkeypatch):
    store.refresh()
    monkeypatch.setattr("eegdash.labels.database._ROWS_A_TIME", 2)
    row = database._row

    def failing(line, label):
        found = row(line, label)
        return {**found, "line": None} if line.startswith(b"torn") else found

    monkeypatch.setattr("eegdash.labels.database._row", failing)
    with pytest.raises(LabelNotSavedError):
        to_database(odd_file.folder, store)
    assert store.raw_lines() == []


def test_a_folder_without_labels_is_told(store, tmp_path):
    with pytest.raises(WorkspaceError, match="nothing to copy"):
        to_database(tmp_path / "absent", store)
