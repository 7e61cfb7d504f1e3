"""What every store of labels promises: a file, or a table in PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eegdash.errors import LabelNotSavedError, WorkspaceError
from eegdash.labels import DraftLabel, LabelBook, LabelStore, LineStatus, open_labels

SHA = "0123456789abcdef" * 4
OTHER = "f" * 64


@pytest.fixture(params=["file", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Address of the labels; empty is a file."""
    if request.param == "file":
        return ""
    return str(request.getfixturevalue("label_database").url)


@pytest.fixture
def open_store(url: str, tmp_path: Path) -> Iterator[Callable[[], LabelBook]]:
    """Open the same labels again and again, as several servers would."""
    opened: list[LabelBook] = []

    def again() -> LabelBook:
        opened.append(open_labels(tmp_path / "labels", url))
        return opened[-1]

    yield again
    for store in opened:
        store.close()


def draft(key: str, **changes: object) -> DraftLabel:
    values: dict[str, object] = {
        "idempotency_id": key,
        "reviewer": "Dr. Weiß",
        "recording_sha256": SHA,
        "onset_s": 12.0,
        "duration_s": 9.0,
        "verdict": "agree",
    }
    return DraftLabel(**{**values, **changes})  # type: ignore[arg-type]


def test_every_field_survives_a_round_trip(open_store):
    saved = open_store().append(
        draft(
            "a",
            role="adjudicator",
            verdict="adjudicated",
            event_type="sz_foc_ia",
            reason="muscle",
            comment='line one\nline "two" \u2028 = é \U0001f9e0',
            confidence=0.75,
            blinded=True,
            model="spectrogram-cnn-lstm",
            model_sha256=OTHER,
            threshold_pm=701,
            probability_pm=1000,
            postprocessing={"smoothing_s": 4.5, "hysteresis": 1.0},
            guideline="1.2",
            source="SzCORE events",
        )
    )
    (found,) = open_store().for_recording(SHA)
    assert found == saved
    assert found.as_dict() == saved.as_dict()
    assert (found.threshold, found.threshold_pm, found.probability) == (0.701, 701, 1.0)
    assert found.recording_alias == "rec-01234567"
    assert found.status is LineStatus.VERIFIED


def test_a_repeated_idempotency_id_returns_the_first_record_and_appends_nothing(open_store):
    store = open_store()
    first = store.append(draft("a", comment="first"))
    assert store.append(draft("a", comment="second")) == first
    assert open_store().append(draft("a", comment="third")) == first
    assert [label.comment for label in open_store().all()] == ["first"]


def test_sequence_counts_up_over_two_stores_in_turn(open_store):
    stores = [open_store(), open_store()]
    seqs = [stores[i % 2].append(draft(f"k{i}")).seq for i in range(7)]
    assert seqs == [1, 2, 3, 4, 5, 6, 7]
    assert [label.seq for label in stores[1].for_recording(SHA)] == seqs


def test_a_store_sees_what_another_appended(open_store):
    reader, writer = open_store(), open_store()
    assert reader.for_recording(SHA) == []
    saved = writer.append(draft("a"))
    assert reader.for_recording(SHA) == [saved]
    assert reader.for_recording(OTHER) == []
    assert reader.recordings() == {SHA: 1}


def test_a_superseded_label_is_no_longer_current_but_kept(open_store):
    store = open_store()
    first = store.append(draft("a"))
    second = store.append(draft("b", verdict="disagree", reason="electrode", supersedes=first.uuid))
    current = store.current(SHA)
    assert current.labels == (second,)
    assert current.conflicts == ()
    assert store.for_recording(SHA) == [first, second]
    assert store.history(first.uuid) == store.history(second.uuid) == [first, second]


def test_a_retracted_label_leaves_nothing_current(open_store):
    store = open_store()
    first = store.append(draft("a"))
    store.append(draft("b", verdict="retract", reason="undo", supersedes=first.uuid))
    assert store.current(SHA).labels == ()
    assert store.current(SHA).conflicts == ()


def test_two_records_superseding_the_same_one_are_both_kept_as_a_conflict(open_store):
    store = open_store()
    first = store.append(draft("a"))
    rivals = tuple(
        store.append(draft(key, verdict=verdict, reason="muscle", supersedes=first.uuid))
        for key, verdict in (("b", "disagree"), ("c", "unsure"))
    )
    current = store.current(SHA)
    assert current.labels == rivals
    (conflict,) = current.conflicts
    assert (conflict.superseded, conflict.labels) == (first.uuid, rivals)


def test_a_change_beside_a_retraction_is_a_conflict(open_store):
    store = open_store()
    first = store.append(draft("a"))
    change = store.append(draft("b", verdict="unsure", reason="muscle", supersedes=first.uuid))
    undo = store.append(draft("c", verdict="retract", reason="undo", supersedes=first.uuid))
    current = store.current(SHA)
    assert current.labels == (change,)
    assert current.conflicts[0].labels == (change, undo)


def test_a_conflict_is_settled_by_retracting_one_side(open_store):
    store = open_store()
    first = store.append(draft("a"))
    left = store.append(draft("b", verdict="unsure", reason="muscle", supersedes=first.uuid))
    right = store.append(draft("c", verdict="disagree", reason="LPD", supersedes=first.uuid))
    store.append(draft("d", verdict="retract", reason="we agreed", supersedes=right.uuid))
    current = store.current(SHA)
    assert current.labels == (left,)
    assert current.conflicts == ()


def test_current_can_be_restricted_to_one_reviewer_and_kind(open_store):
    store = open_store()
    mine = store.append(draft("a", reviewer="A"))
    store.append(draft("b", reviewer="B"))
    read = store.append(draft("c", reviewer="A", kind="first_read", verdict=None))
    assert store.current(SHA, reviewer="A").labels == (mine, read)
    assert store.current(SHA, reviewer="A", kind="label").labels == (mine,)


def test_a_repeat_is_no_opinion_unless_asked_for_and_names_a_label_of_the_recording(open_store):
    store = open_store()
    first = store.append(draft("a"))
    repeat = store.append(draft("b", verdict="disagree", repeat_of=first.uuid))
    assert open_store().current(SHA).labels == (first,)
    assert open_store().current(SHA, repeats=True).labels == (first, repeat)
    for changes in (
        {"recording_sha256": OTHER},
        {"repeat_of": "0" * 8 + "-0000" * 3 + "-" + "0" * 12},
    ):
        with pytest.raises(LabelNotSavedError, match="Reload the page"):
            store.append(draft("c", **{"repeat_of": first.uuid, **changes}))


def test_a_label_is_found_by_uuid_and_by_idempotency_id(open_store):
    saved = open_store().append(draft("a"))
    store = open_store()
    assert store.find(saved.uuid) == store.saved_as("a") == saved
    assert store.find("nothing") is None
    assert store.saved_as("nothing") is None


def test_what_was_seen_survives_a_round_trip(open_store):
    seen = ((0.0, 10.5), (20.0, 30.0))
    open_store().append(draft("a", kind="first_read", verdict=None, seen=seen))
    assert open_store().for_recording(SHA)[0].seen == seen


@pytest.mark.parametrize("recording", [SHA, OTHER])
def test_superseding_an_unknown_label_or_one_of_another_recording_is_refused(open_store, recording):
    store = open_store()
    other = store.append(draft("a", recording_sha256=OTHER))
    unknown = "00000000-0000-4000-8000-000000000000"
    supersedes = other.uuid if recording == SHA else unknown
    with pytest.raises(LabelNotSavedError, match=r"^NOT saved: .*Reload the page"):
        store.append(draft("b", recording_sha256=recording, reason="undo", supersedes=supersedes))
    assert len(store.all()) == 1


def test_the_address_chooses_the_store(open_store, url):
    assert isinstance(open_store(), LabelStore) is (not url)


def test_nothing_is_there_at_first(open_store):
    store = open_store()
    assert store.all() == []
    assert store.recordings() == {}
    assert set(store.status_counts().values()) == {0}


def test_the_table_for_spreadsheets_is_written_once_a_change(open_store):
    store = open_store()
    store.append(draft("a", comment="=1+1"))
    assert store.write_csv()
    assert not store.write_csv()
    assert "'=1+1" in store.csv_path.read_text(encoding="utf-8")
    store.append(draft("b"))
    assert store.write_csv()


def test_threads_of_one_store_share_the_sequence(open_store):
    store = open_store()

    def work(name: str) -> None:
        for i in range(10):
            store.append(draft(f"{name}-{i}"))

    threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [label.seq for label in store.all()] == list(range(1, 41))


def test_an_address_that_is_not_understood_is_refused_without_its_password(tmp_path):
    for wrong in ("mysql://u:geheim@h/d", "postgresql://u:geheim@h/d", "geheim", "a:b:geheim@"):
        with pytest.raises(WorkspaceError, match=r"Write it as postgresql\+psycopg") as caught:
            open_labels(tmp_path, wrong)
        assert "geheim" not in str(caught.value)
