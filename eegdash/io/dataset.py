"""Data sets: recordings with their person and their truth, and splits by person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eegdash.annotations import Reference
from eegdash.errors import DatasetError
from eegdash.io.chbmit import Subject
from eegdash.recording import Recording

Opener = Callable[[Path], tuple[Recording, Reference | None]]


@dataclass(frozen=True, slots=True)
class DatasetItem:
    """One recording of a data set; nothing is read before :meth:`open`.

    Parameters
    ----------
    path : Path
    person : str
        Who was recorded, e.g. ``chb01``; empty where the data set does not say.
    group : str
        Collection from one source. Windows are compared within a group only: between groups the
        amplifier, the reference or the age may give the seizure away.
    opener : callable
        Gives the recording and its reference.
    """

    path: Path
    person: str
    group: str
    opener: Opener

    @property
    def person_key(self) -> str:
        """Person within all data sets; empty where the person is not stated."""
        return f"{self.group}/{self.person}" if self.person else ""

    def open(self) -> tuple[Recording, Reference | None]:
        """Open the recording and read its reference; None where the truth is not known.

        Raises
        ------
        RecordingError
            If the recording cannot be opened.
        AnnotationError
            If what should hold the reference cannot be read.
        """
        return self.opener(self.path)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Recordings that were found in one folder.

    Parameters
    ----------
    layout : str
        How the folder is arranged, in words.
    items : tuple of DatasetItem
        Ordered by path.
    subjects : mapping of str to Subject
        By case as the data set names it, where it says anything.
    notes : tuple of str
        What is missing or had to be decided, in sentences.
    """

    layout: str
    items: tuple[DatasetItem, ...]
    subjects: Mapping[str, Subject] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def persons(self) -> tuple[str, ...]:
        """Keys of the persons who are stated, ordered."""
        return tuple(sorted({item.person_key for item in self.items if item.person}))


@dataclass(frozen=True, slots=True)
class Split:
    """Recordings for training, validation and test, without a person on two sides.

    Parameters
    ----------
    train, validation, test : tuple of DatasetItem
    left_out : tuple of DatasetItem
        Recordings whose person is not stated: they could be of anyone.

    Raises
    ------
    DatasetError
        If a person is on two sides, or a recording without a stated person is on any.
    """

    train: tuple[DatasetItem, ...]
    validation: tuple[DatasetItem, ...]
    test: tuple[DatasetItem, ...]
    left_out: tuple[DatasetItem, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would leak."""
        refuse_shared_persons(
            {"training": self.train, "validation": self.validation, "test": self.test}
        )


def refuse_shared_persons(sides: Mapping[str, Iterable[DatasetItem]]) -> None:
    """Raise unless each person is on one side only and every person is stated.

    Raises
    ------
    DatasetError
    """
    seen: dict[str, str] = {}
    for side, items in sides.items():
        for item in items:
            if not item.person:
                raise DatasetError(
                    f"{item.path.name}: the data set does not say who was recorded, so it can "
                    f"stand on no side of a split. Leave it out of {side}."
                )
            if seen.setdefault(item.person_key, side) != side:
                raise DatasetError(
                    f"{item.path.name}: the person {item.person} is in {seen[item.person_key]} "
                    f"and in {side}. Split by person: all recordings of one go to one side."
                )


def split_by_person(
    items: Sequence[DatasetItem],
    *,
    shares: tuple[float, float, float] = (0.7, 0.15, 0.15),
    seed: int = 0,
) -> Split:
    """Split recordings into training, validation and test by person.

    Parameters
    ----------
    items : sequence of DatasetItem
    shares : tuple of float
        Shares of the persons for training, validation and test; they sum to 1. A side with a
        share above 0 gets one person at least.
    seed : int
        The same seed gives the same split, whatever the order of the items.

    Returns
    -------
    Split

    Raises
    ------
    DatasetError
        If there are fewer persons than sides with a share.
    ValueError
        If the shares are not shares.
    """
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError("the shares of a split are 0 or more and sum to 1")
    persons = _shuffled(items, seed)
    _enough(persons, sum(share > 0 for share in shares))
    sizes = [max(round(share * len(persons)), 1) if share else 0 for share in shares]
    while sum(sizes) != len(persons):
        sizes[int(np.argmax(sizes))] += 1 if sum(sizes) < len(persons) else -1
    first, second = sizes[0], sizes[0] + sizes[1]
    return _split(items, persons[first:second], persons[second:])


def person_folds(
    items: Sequence[DatasetItem], *, n_folds: int | None = None, seed: int = 0
) -> tuple[Split, ...]:
    """Return folds in which each person is tested once; the next fold's persons validate.

    Parameters
    ----------
    items : sequence of DatasetItem
    n_folds : int, optional
        At least 3; one fold per person (leave one person out) by default.
    seed : int

    Returns
    -------
    tuple of Split

    Raises
    ------
    DatasetError
        If there are fewer persons than folds, or fewer than 3.
    """
    persons = _shuffled(items, seed)
    n = len(persons) if n_folds is None else n_folds
    _enough(persons, max(n, 3))
    if n < 3:
        raise ValueError("training, validation and test take at least 3 folds")
    parts = [persons[k::n] for k in range(n)]
    return tuple(_split(items, parts[(k + 1) % n], parts[k]) for k in range(n))


def _shuffled(items: Sequence[DatasetItem], seed: int) -> list[str]:
    persons = sorted({item.person_key for item in items if item.person})
    order = np.random.default_rng(seed).permutation(len(persons))
    return [persons[k] for k in order]


def _enough(persons: Sequence[str], needed: int) -> None:
    if len(persons) < needed:
        raise DatasetError(
            f"A split by person into {needed} sides needs {needed} persons, the data set states "
            f"{len(persons)}. Add recordings of other persons or ask for fewer sides."
        )


def _split(items: Sequence[DatasetItem], validation: Sequence[str], test: Sequence[str]) -> Split:
    held = {*validation, *test}
    return Split(
        train=tuple(i for i in items if i.person and i.person_key not in held),
        validation=tuple(i for i in items if i.person and i.person_key in set(validation)),
        test=tuple(i for i in items if i.person and i.person_key in set(test)),
        left_out=tuple(i for i in items if not i.person),
    )
