"""Every store of labels keeps the same promises: a file, or a table in PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eegdash.errors import LabelNotSavedError, WorkspaceError
from eegdash.labels import DraftLabel, LabelBook, LabelStore, LineStatus, open_labels

SHA, OTHER_SHA = "ab" * 32, "cd" * 32
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


@pytest.fixture(params=["file", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "file":
        return ""
    return str(request.getfixturevalue("label_database").url)


@pytest.fixture
def another(url: str, tmp_path: Path) -> Iterator[Callable[[], LabelBook]]:
    """Open the same labels once more, as another server does."""
    opened: list[LabelBook] = []

    def again() -> LabelBook:
        opened.append(open_labels(tmp_path / "labels", url))
        return opened[-1]

    yield again
    for store in opened:
        store.close()


@pytest.fixture
def store(another: Callable[[], LabelBook]) -> LabelBook:
    return another()


def test_the_address_chooses_the_store(store, url):
    assert isinstance(store, LabelStore) is (not url)


def test_nothing_is_there_at_first(store):
    assert store.all() == []
    assert store.recordings() == {}
    assert set(store.status_counts().values()) == {0}


def test_a_label_is_found_by_another_server_with_every_field(store, another):
    saved = store.append(
        draft(
            "a",
            reason="LPD",
            comment="=1+1 'quoted' \\ ü 脳 \u202e \t",
            confidence=0.7,
            blinded=True,
            model="m",
            model_sha256="ef" * 32,
            threshold_pm=700,
            probability_pm=123,
            postprocessing={"smoothing_s": 4.5},
        )
    )
    (found,) = another().all()
    assert found == saved
    assert found.to_line() == saved.to_line()
    assert found.status is LineStatus.VERIFIED
    assert (saved.seq, saved.recording_alias) == (1, "rec-abababab")


def test_the_same_form_sent_twice_is_one_label(store, another):
    first = store.append(draft("a"))
    assert store.append(draft("a")) == first
    assert another().append(draft("a", comment="typed since")) == first
    assert len(another().all()) == 1


def test_servers_share_one_sequence_and_read_what_is_new(store, another):
    second = another()
    for i, writer in enumerate([store, second, second, store]):
        assert writer.append(draft(f"k{i}")).seq == i + 1
    assert store.refresh() == 0
    assert [label.seq for label in second.all()] == [1, 2, 3, 4]
    assert store.reload() == 4


def test_a_superseding_label_holds_and_the_old_one_stays_in_history(store):
    old = store.append(draft("a"))
    new = store.append(draft("b", verdict="disagree", reason="muscle", supersedes=old.uuid))
    assert store.current(SHA).labels == (new,)
    assert store.history(new.uuid) == [old, new]
    assert store.find(old.uuid) == old
    assert store.saved_as("b") == new


def test_two_replacements_of_one_label_are_a_conflict(store, another):
    old = store.append(draft("a"))
    rivals = [
        writer.append(draft(f"r{i}", verdict="unsure", reason="x", supersedes=old.uuid))
        for i, writer in enumerate([store, another()])
    ]
    (conflict,) = store.current(SHA).conflicts
    assert list(conflict.labels) == rivals


def test_a_label_of_another_recording_cannot_be_superseded(store):
    old = store.append(draft("a"))
    with pytest.raises(LabelNotSavedError, match="not among the labels of this recording"):
        store.append(draft("b", recording_sha256=OTHER_SHA, reason="x", supersedes=old.uuid))
    assert len(store.all()) == 1
    assert store.append(draft("c")).seq == 2


def test_labels_are_found_by_recording_and_reviewer(store):
    store.append(draft("a"))
    store.append(draft("b", reviewer="B"))
    store.append(draft("c", recording_sha256=OTHER_SHA))
    assert store.recordings() == {SHA: 2, OTHER_SHA: 1}
    assert [x.reviewer for x in store.current(SHA, reviewer="B").labels] == ["B"]
    assert len(store.for_recording(OTHER_SHA)) == 1


def test_the_table_for_spreadsheets_is_written_once_a_change(store):
    store.append(draft("a", comment="=1+1"))
    assert store.write_csv()
    assert not store.write_csv()
    assert "'=1+1" in store.csv_path.read_text(encoding="utf-8")
    store.append(draft("b"))
    assert store.write_csv()


def test_threads_of_one_store_share_the_sequence(store):
    def work(name: str) -> None:
        for i in range(10):
            store.append(draft(f"{name}-{i}"))

    threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [label.seq for label in store.all()] == list(range(1, 41))


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
    store: LabelBook, url: str, name: str, n: int, *, after: Path
) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WRITER, str(store.folder), url, name, str(n), str(after)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_eight_writers_at_once_lose_nothing(store, url, tmp_path):
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


def test_every_acknowledged_label_is_found_after_kill_9(store, url):
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


def test_an_address_that_is_not_understood_is_refused_without_its_password(tmp_path):
    for wrong in ("mysql://u:geheim@h/d", "postgresql://u:geheim@h/d", "geheim", "a:b:geheim@"):
        with pytest.raises(WorkspaceError, match=r"Write it as postgresql\+psycopg") as caught:
            open_labels(tmp_path, wrong)
        assert "geheim" not in str(caught.value)
