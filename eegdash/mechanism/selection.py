"""Which windows are looked at: balanced over the classes, and over the groups within each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eegdash.mechanism.statistics import Bools, Whole


@dataclass(frozen=True, slots=True)
class Supply:
    """The windows that one recording offers.

    Parameters
    ----------
    usable : ndarray of bool, shape (n_windows,)
        Truth known.
    seizure : ndarray of bool, shape (n_windows,)
    group : str
        Person, or the recording's alias where nobody says who it is.
    """

    usable: Bools
    seizure: Bools
    group: str


def select_windows(supplies: Sequence[Supply], n_windows: int, *, seed: int = 0) -> list[Whole]:
    """Choose windows: half seizure, half not; within each class evenly over groups.

    Within a group the windows are shared evenly among its recordings. What one group cannot give,
    the others do; a class with fewer windows than its half gives all of them, and the other class
    then gives no more than its own half, so that the classes stay as balanced as can be.

    Parameters
    ----------
    supplies : sequence of Supply
    n_windows : int
        At most.
    seed : int

    Returns
    -------
    list of ndarray of int64
        Window indices of each recording, rising.
    """
    rng = np.random.default_rng(seed)
    chosen: list[list[int]] = [[] for _ in supplies]
    for wanted in (True, False):
        pools = [
            rng.permutation(np.flatnonzero(s.usable & (s.seizure == wanted))) for s in supplies
        ]
        groups = sorted({s.group for s in supplies})
        by_group = {g: [i for i, s in enumerate(supplies) if s.group == g] for g in groups}
        sizes = [sum(len(pools[i]) for i in by_group[g]) for g in groups]
        for name, quota in zip(groups, _shared(n_windows // 2, sizes, rng), strict=True):
            members = by_group[name]
            parts = _shared(quota, [len(pools[i]) for i in members], rng)
            for i, part in zip(members, parts, strict=True):
                chosen[i].extend(int(k) for k in pools[i][:part])
    return [np.array(sorted(indices), dtype=np.int64) for indices in chosen]


def _shared(total: int, sizes: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Share ``total`` as evenly as the sizes allow; who gets the odd ones is drawn."""
    parts = [0] * len(sizes)
    left = min(total, sum(sizes))
    while left > 0:
        open_ = [k for k, size in enumerate(sizes) if parts[k] < size]
        each = left // len(open_)
        if each == 0:
            for k in rng.permutation(open_)[:left]:
                parts[int(k)] += 1
            break
        for k in open_:
            given = min(each, sizes[k] - parts[k])
            parts[k] += given
            left -= given
    return parts


def halves(group: Sequence[str] | Whole, seizure: Bools, *, seed: int = 0) -> tuple[Bools, Bools]:
    """Split windows into two halves without a group in both.

    Groups with a seizure are dealt out first, so that both halves have some where two groups do.

    Parameters
    ----------
    group : sequence, shape (n,)
    seizure : ndarray of bool, shape (n,)
    seed : int

    Returns
    -------
    found, tested : ndarray of bool, shape (n,)
        The half on which ensembles are found, and the half on which they are tested.

    Raises
    ------
    ValueError
        If a half would lack one of the classes.
    """
    names, code = np.unique(np.asarray(group), return_inverse=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(names))
    with_seizure = [k for k in order if seizure[code == k].any()]
    without = [k for k in order if not seizure[code == k].any()]
    side = np.zeros(len(names), dtype=np.bool_)
    side[with_seizure[::2]] = True
    # the odd one out of the first kind is made up for by the second
    side[without[len(with_seizure) % 2 :: 2]] = True
    first = side[code]
    for half in (first, ~first):
        if not (seizure[half].any() and (~seizure[half]).any()):
            raise ValueError("one half of the recordings lacks seizure or seizure-free windows")
    return first, ~first
