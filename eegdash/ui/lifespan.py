"""What happens once per server process: the demo recording, and the end of the job queue."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from eegdash import logs
from eegdash.ui import cache
from eegdash.ui.sockets import send_at_once
from eegdash.workflows import library

_WARM_UP_AFTER_S = 4.0  # the first page is drawn by then


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Make the workspace, fill an empty one, and end the worker process with the server."""
    logs.configure(cache.desk().settings.log)
    logs.withhold(cache.desk().settings.log)
    send_at_once()
    if not library.recording_files(cache.desk()):
        cache.queue().submit("demo", "demo", {})
    cache.freeze()
    warm_up = threading.Timer(_WARM_UP_AFTER_S, cache.warm_up)
    warm_up.daemon = True
    warm_up.start()
    yield {}
    warm_up.cancel()
    cache.labels_table().now()
    cache.queue().close()
    cache.explainer().close()
