"""Splits by person: nobody on two sides, the same seed the same split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from eegdash.errors import DatasetError
from eegdash.io.dataset import (
    DatasetItem,
    Split,
    person_folds,
    refuse_shared_persons,
    split_by_person,
)
from eegdash.recording import Recording


def never(path: Path) -> tuple[Recording, None]:
    raise AssertionError(f"{path.name} was opened")


def item(name: str, person: str, group: str = "G") -> DatasetItem:
    return DatasetItem(Path(name), person, group, never)


ITEMS = [item(f"{k}.edf", f"p{k % 10}") for k in range(30)]


def names(items: tuple[DatasetItem, ...]) -> set[str]:
    return {i.path.name for i in items}


@pytest.mark.parametrize("seed", range(5))
def test_a_split_covers_everything_once_and_keeps_persons_together(seed: int) -> None:
    split = split_by_person(ITEMS, shares=(0.6, 0.2, 0.2), seed=seed)
    sides = (split.train, split.validation, split.test)
    assert Counter(i.path.name for side in sides for i in side) == Counter(
        i.path.name for i in ITEMS
    )
    persons = [{i.person for i in side} for side in sides]
    assert [len(p) for p in persons] == [6, 2, 2]
    assert not persons[0] & persons[1]
    assert not persons[1] & persons[2]
    assert not persons[0] & persons[2]


def test_the_seed_decides_not_the_order_of_the_items() -> None:
    one = split_by_person(ITEMS, seed=3)
    assert names(one.test) == names(split_by_person(ITEMS[::-1], seed=3).test)
    others = [names(split_by_person(ITEMS, seed=s).test) for s in range(10)]
    assert any(other != names(one.test) for other in others)


def test_small_shares_get_one_person_and_zero_shares_none() -> None:
    split = split_by_person(ITEMS[:3], shares=(0.8, 0.1, 0.1))
    assert [len(s) for s in (split.train, split.validation, split.test)] == [1, 1, 1]
    split = split_by_person(ITEMS, shares=(0.9, 0.0, 0.1))
    assert split.validation == ()


def test_chb21_is_on_the_side_of_chb01() -> None:
    from eegdash.io.chbmit import person_of

    cases = [item(f"chb{k:02d}_01.edf", person_of(f"chb{k:02d}_01.edf") or "") for k in
             range(1, 25)]  # fmt: skip
    for split in person_folds(cases):
        sides = [names(s) for s in (split.train, split.validation, split.test)]
        assert sum({"chb01_01.edf", "chb21_01.edf"} <= side for side in sides) == 1
    assert len(person_folds(cases)) == 23


@pytest.mark.parametrize("n_folds", [None, 3, 4])
def test_folds_test_each_person_once(n_folds: int | None) -> None:
    folds = person_folds(ITEMS, n_folds=n_folds, seed=1)
    assert len(folds) == (n_folds or 10)
    tested = Counter(i.path.name for fold in folds for i in fold.test)
    assert tested == Counter(i.path.name for i in ITEMS)
    for fold in folds:
        assert fold.train
        assert fold.validation
        assert len(names(fold.train) | names(fold.validation) | names(fold.test)) == 30


def test_recordings_of_nobody_in_particular_are_left_out() -> None:
    split = split_by_person([*ITEMS, item("x.edf", "")])
    assert names(split.left_out) == {"x.edf"}
    with pytest.raises(DatasetError, match="does not say who"):
        Split((item("x.edf", ""),), (), ())


def test_a_person_on_two_sides_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"b\.edf: the person p1 is in training and in test"):
        Split((item("a.edf", "p1"),), (), (item("b.edf", "p1"),))
    # the same number in another data set is somebody else
    refuse_shared_persons({"a": [item("a.edf", "p1", "G")], "b": [item("b.edf", "p1", "H")]})


def test_too_few_persons_are_refused() -> None:
    with pytest.raises(DatasetError, match="needs 3 persons, the data set states 2"):
        split_by_person([item("a.edf", "p"), item("b.edf", "q")])
    with pytest.raises(DatasetError, match="needs 11 persons"):
        person_folds(ITEMS, n_folds=11)
    with pytest.raises(ValueError, match="sum to 1"):
        split_by_person(ITEMS, shares=(0.5, 0.1, 0.1))
    with pytest.raises(ValueError, match="at least 3"):
        person_folds(ITEMS, n_folds=2)
