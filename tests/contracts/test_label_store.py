"""What every label store must do; a new store joins by one line in ``FACTORIES``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eegdash.errors import LabelNotSavedError
from eegdash.labels import DraftLabel, LabelStore, LineStatus

SHA = "0123456789abcdef" * 4
OTHER = "f" * 64
FACTORIES: dict[str, Callable[[Path], LabelStore]] = {
    "jsonl": lambda folder: LabelStore(folder / "labels"),
}


@pytest.fixture(params=sorted(FACTORIES))
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], LabelStore]:
    """Open the same store again and again, as several processes would."""
    factory = FACTORIES[request.param]
    return lambda: factory(tmp_path)


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
