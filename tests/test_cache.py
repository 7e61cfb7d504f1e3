"""The analysis cache under damage, planted content, full disks and competition."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from eegdash.cache import AnalysisCache, cache_key

KEY = cache_key("a" * 64, "b" * 64, "trace", step_s=1.5)
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def store(folder: Path) -> AnalysisCache:
    return AnalysisCache(folder)


def sql(folder: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(folder / "cache.db")
    with connection:
        connection.execute(statement, values)
    connection.close()


SMALL = np.arange(12, dtype=np.uint16).reshape(3, 4)
LARGE = np.arange(200_000, dtype=np.float32)  # beyond 32 kB: in a file of its own


@pytest.mark.parametrize("array", [SMALL, LARGE, LARGE[::3], np.array(1.5), np.zeros((0, 2), "U3")])
def test_arrays_come_back_as_they_were(store, folder, array):
    assert store.get_array(KEY) is None
    assert store.put_array(KEY, array)
    found = AnalysisCache(folder).get_array(KEY)
    assert found is not None
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


def test_json_comes_back_as_it_was(store, folder):
    value = {"rows": [1, 2.5, None, "é"], "deep": {"a": []}}
    assert store.put_json(KEY, value)
    assert AnalysisCache(folder).get_json(KEY) == value
    with pytest.raises(TypeError):
        store.put_json(KEY, None)


def test_keys_are_hashes_that_depend_on_every_part_and_not_on_the_order():
    base = cache_key("a", "b", "k", x=1, y=[1, "z"])
    assert base == cache_key("a", "b", "k", y=(1, "z"), x=1)
    others = [
        cache_key("c", "b", "k", x=1, y=[1, "z"]),
        cache_key("a", "c", "k", x=1, y=[1, "z"]),
        cache_key("a", "b", "l", x=1, y=[1, "z"]),
        cache_key("a", "b", "k", x=2, y=[1, "z"]),
        cache_key("a", "b", "k", x=1),
        cache_key("ab", "", "k", x=1, y=[1, "z"]),
    ]
    assert len({base, *others}) == 7
    assert "Miller" not in cache_key("a", "b", "k", name="Miller")
    with pytest.raises(TypeError):
        cache_key("a", "b", "k", x=object())


def test_the_folder_is_for_the_owner_only(store, folder):
    folder.mkdir(mode=0o755)
    store.put_array(KEY, SMALL)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_arrays_of_python_objects_are_refused(store):
    with pytest.raises(ValueError, match="Python objects"):
        store.put_array(KEY, np.array([object()]))


# -- damage --------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [0, 40, 100, -1])
def test_a_flipped_bit_in_a_value_file_is_a_miss(store, folder, position):
    store.put_array(KEY, LARGE)
    (path,) = folder.glob("??/??/*.val")
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    assert store.get_array(KEY) is None
    assert store.put_array(KEY, LARGE)
    assert store.get_array(KEY) is not None


def test_a_flipped_bit_in_a_small_value_is_a_miss(store, folder):
    store.put_array(KEY, SMALL)
    (value,) = sqlite3.connect(folder / "cache.db").execute("SELECT value FROM Cache").fetchone()
    data = bytearray(value)
    data[-3] ^= 16
    sql(folder, "UPDATE Cache SET value = ?", bytes(data))
    assert store.get_array(KEY) is None


def test_a_value_moved_to_another_key_is_a_miss(store, folder):
    other = cache_key("c" * 64, "b" * 64, "trace", step_s=1.5)
    store.put_array(KEY, SMALL)
    sql(folder, "UPDATE Cache SET key = ?", other)
    assert store.get_array(other) is None


@pytest.mark.parametrize("damage", ["truncated", "removed"])
def test_a_damaged_value_file_is_a_miss(store, folder, damage):
    store.put_array(KEY, LARGE)
    (path,) = folder.glob("??/??/*.val")
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:1000])
    assert store.get_array(KEY) is None


def fill_and_close(store: AnalysisCache) -> None:
    for i in range(50):
        store.put_array(cache_key("a", "b", "x", i=i), np.full(1000, i))
    store.put_array(KEY, LARGE)
    store.close()


@pytest.mark.parametrize("damage", ["garbage", "truncated", "half", "wrong tables", "zero page"])
def test_a_damaged_database_is_set_aside_and_a_fresh_one_is_used(store, folder, damage):
    fill_and_close(store)
    database = folder / "cache.db"
    data = database.read_bytes()
    if damage == "garbage":
        database.write_bytes(b"this is no database" * 1000)
    elif damage == "truncated":
        database.write_bytes(data[:1000])
    elif damage == "half":
        database.write_bytes(data[: len(data) // 2])
    elif damage == "zero page":
        database.write_bytes(data[:4096] + bytes(4096 * 3) + data[4096 * 4 :])
    else:
        sql(folder, "DROP TABLE Cache")
        sql(folder, "CREATE TABLE Cache (x)")
    fresh = AnalysisCache(folder)
    for _ in range(2):  # the first use may only find out
        fresh.get_array(KEY)
        fresh.put_array(KEY, SMALL)
    found = fresh.get_array(KEY)
    assert found is not None
    np.testing.assert_array_equal(found, SMALL)
    assert (folder / "cache.db.corrupt").exists()
    assert not list(folder.glob("??/??/*.val"))  # values of the old database are not left behind


def test_a_database_damaged_while_open_does_no_harm(store, folder):
    store.put_array(KEY, SMALL)
    with (folder / "cache.db").open("r+b") as stream:
        stream.write(os.urandom(8192))
    for _ in range(3):
        store.get_array(KEY)
        store.put_array(KEY, SMALL)
    found = store.get_array(KEY)
    assert found is not None
    np.testing.assert_array_equal(found, SMALL)


def test_a_locked_database_is_not_set_aside(store, folder, monkeypatch):
    monkeypatch.setattr("eegdash.cache._TIMEOUT_S", 0.05)
    store.put_array(KEY, SMALL)
    connection = sqlite3.connect(folder / "cache.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    assert not store.put_array(KEY, LARGE)
    connection.execute("ROLLBACK")
    connection.close()
    assert store.put_array(KEY, LARGE)
    assert not (folder / "cache.db.corrupt").exists()


# -- planted content -----------------------------------------------------------------------


def canary_pickle(path: Path) -> bytes:
    """Bytes that create ``path`` when unpickled (written by hand: nothing here pickles)."""
    return b"cposix\nsystem\n(S'touch %s'\ntR." % str(path).encode()


def test_the_canary_pickle_would_fire(tmp_path):
    code = "import pickle, sys; pickle.loads(sys.stdin.buffer.read())"
    target = tmp_path / "canary"
    subprocess.run([sys.executable, "-c", code], input=canary_pickle(target), check=True)
    assert target.exists()


@pytest.mark.parametrize("mode", [1, 2, 3, 4, 99, "x", None])
@pytest.mark.parametrize("in_file", [False, True])
def test_a_planted_pickle_is_not_unpickled(store, folder, tmp_path, mode, in_file):
    target = tmp_path / "canary"
    store.put_array(KEY, LARGE if in_file else SMALL)
    planted = canary_pickle(target)
    if in_file:
        (path,) = folder.glob("??/??/*.val")
        path.write_bytes(planted)
        sql(folder, "UPDATE Cache SET mode = ?", mode)
    else:
        sql(folder, "UPDATE Cache SET mode = ?, value = ?", mode, planted)
    assert store.get_array(KEY) is None
    assert store.get_json(KEY) is None
    sql(folder, "UPDATE Cache SET raw = 0, key = ?", planted)
    store.get_array(KEY)
    store.put_array(KEY, SMALL)
    store.clear()
    assert not target.exists()


@pytest.mark.parametrize("name", ["../outside.val", "/etc/hostname", "aa/bb/../../../outside.val"])
def test_a_planted_file_name_neither_reads_nor_deletes_outside(store, folder, tmp_path, name):
    outside = tmp_path / "outside.val"
    outside.write_text("precious")
    store.put_array(KEY, LARGE)
    sql(folder, "UPDATE Cache SET filename = ?", name)
    assert store.get_array(KEY) is None
    store.put_array(KEY, SMALL)  # replaces the row and removes its old file
    sql(folder, "UPDATE Cache SET filename = ?", name)
    store.clear()
    assert outside.read_text() == "precious"


@pytest.mark.parametrize("value", [None, 7, 1.5, "text", b"", b"x" * 31])
def test_values_of_another_kind_are_misses(store, folder, value):
    store.put_array(KEY, SMALL)
    sql(folder, "UPDATE Cache SET value = ?", value)
    assert store.get_array(KEY) is None
    assert store.get_json(KEY) is None


def test_an_array_is_no_json_and_the_reverse(store):
    store.put_array(KEY, SMALL)
    assert store.get_json(KEY) is None
    store.put_json(KEY, [1])
    assert store.get_array(KEY) is None


# -- disk and competition ------------------------------------------------------------------


def test_a_full_disk_makes_put_a_no_op(store, folder, monkeypatch):
    store.put_array(KEY, SMALL)
    from diskcache import Disk

    def full(self: object, path: str, iterator: object, mode: str, encoding: object = None) -> int:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Disk, "_write", full)
        assert not store.put_array(KEY, LARGE)
    assert not list(folder.glob("??/??/*.val"))
    np.testing.assert_array_equal(store.get_array(KEY), SMALL)
    assert store.put_array(KEY, LARGE)


def test_a_folder_that_cannot_be_made_is_a_miss(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = AnalysisCache(tmp_path / "file" / "cache")
    assert store.get_array(KEY) is None
    assert not store.put_array(KEY, SMALL)
    assert not store.clear()
    assert store.size_bytes() == 0


def test_the_size_limit_removes_the_oldest(folder):
    store = AnalysisCache(folder, size_limit_bytes=4 * 2**20)
    keys = [cache_key("a", "b", "x", i=i) for i in range(20)]
    for key in keys:
        assert store.put_array(key, LARGE)  # 0.8 MB each
    assert store.size_bytes() <= 5 * 2**20
    assert store.get_array(keys[0]) is None
    assert store.get_array(keys[-1]) is not None


def test_logs_hold_neither_paths_nor_keys(store, folder, caplog):
    fill_and_close(store)
    (folder / "cache.db").write_bytes(b"garbage" * 1000)
    with caplog.at_level(logging.DEBUG):
        AnalysisCache(folder).get_array(KEY)
    text = "\n".join(
        record.getMessage() for record in caplog.records if record.name == "eegdash.cache"
    )
    assert "set aside" in text
    assert str(folder) not in text
    assert KEY not in text


_WORKER = """
import sys
from pathlib import Path
import numpy as np
from eegdash.cache import AnalysisCache, cache_key
store = AnalysisCache(Path(sys.argv[1]))
stored = hits = 0
for i in range(60):
    key = cache_key("a", "b", "x", i=i % 20)
    stored += store.put_array(key, np.full(20_000 if i % 2 else 100, i % 20))
    found = store.get_array(key)
    if found is not None:
        hits += 1
        if not (found == i % 20).all():
            sys.exit(3)
sys.stdout.write(f"{stored} {hits}")
"""


def test_two_processes_and_four_threads_share_a_cache(store, folder):
    command = [sys.executable, "-c", _WORKER, str(folder)]
    workers = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    wrong: list[int] = []

    def work() -> None:
        for i in range(40):
            key = cache_key("a", "b", "x", i=i % 20)
            store.put_array(key, np.full(100, i % 20))
            found = store.get_array(key)
            if found is not None and not (found == i % 20).all():
                wrong.append(i)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in workers:
        out, _ = worker.communicate(timeout=60)
        assert worker.returncode == 0
        stored, hits = map(int, out.split())
        assert stored == 60
        assert hits >= 50  # a file replaced between look-up and read is a miss, never an error
    assert not wrong
    assert not (folder / "cache.db.corrupt").exists()


def test_importing_the_module_imports_no_diskcache():
    code = "import sys, eegdash.cache; sys.exit('diskcache' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
