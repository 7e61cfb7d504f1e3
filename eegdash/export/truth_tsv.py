"""What a simulation put in, as a table: seizures, patterns, sleep waves and artefacts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eegdash.atomic import replacing
from eegdash.simulation import SimulatedEvent

COLUMNS = ("onset", "duration", "kind", "eventType", "channels", "startHz", "endHz", "peakUv")


def write_truth_tsv(path: Path, events: Sequence[SimulatedEvent]) -> None:
    """Write one row per event, by onset; seconds, Hz, and uV peak to peak.

    Parameters
    ----------
    path : Path
    events : sequence of SimulatedEvent
        ``eventType`` is SzCORE's for a seizure, else ``n/a``.

    Raises
    ------
    WorkspaceError
        If the file cannot be written.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write("\t".join(COLUMNS) + "\n")
        for event in events:
            cells = (
                f"{event.onset_s:.2f}",
                f"{event.duration_s:.2f}",
                event.kind,
                event.event_type or "n/a",
                ",".join(event.channels),
                f"{event.start_hz:.2f}",
                f"{event.end_hz:.2f}",
                f"{event.peak_uv:.1f}",
            )
            file.write("\t".join(cells) + "\n")
