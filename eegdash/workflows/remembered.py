"""What was worked out for a recording and holds until its labels, or its detections, are others.

The queue and the cases go over every recording of the workspace. A label changes one of them; the
rest need not be gone over again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Tuples that were worked out, the most recently used ones, shared by the threads of a server.

    Parameters
    ----------
    most : int
        Items kept in all tuples together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[object, tuple[T, ...]]] = OrderedDict()
        self._weight = 0
        self._mutex = threading.Lock()

    def of(
        self, key: Hashable, witness: object, work_out: Callable[[], tuple[T, ...]]
    ) -> tuple[T, ...]:
        """Return what belongs to a key, worked out where it is not known.

        Parameters
        ----------
        key : hashable
            Everything that the items follow from, except the witness.
        witness : object
            Compared by identity: another one makes what was kept worthless.
        work_out : callable
            Returns the items; runs without the lock.
        """
        with self._mutex:
            kept = self._kept.get(key)
            if kept is not None and kept[0] is witness:
                self._kept.move_to_end(key)
                return kept[1]
        made = work_out()
        with self._mutex:
            before = self._kept.pop(key, None)
            self._weight += _weight(made) - (_weight(before[1]) if before else 0)
            self._kept[key] = (witness, made)
            while self._weight > self._most and len(self._kept) > 1:
                self._weight -= _weight(self._kept.popitem(last=False)[1][1])
        return made


def _weight(items: tuple[object, ...]) -> int:
    return len(items) + 1
