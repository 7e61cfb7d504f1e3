"""What a process of the local cluster does as it starts (Dask calls ``dask_setup``)."""

from __future__ import annotations

import signal
from typing import Any


def dask_setup(worker: Any) -> None:
    """Leave Ctrl-C to the process that started this one, which ends it in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
