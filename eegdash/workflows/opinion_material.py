"""What a viewer may see of everybody's opinions, recording by recording, read once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from eegdash.labels import Label
from eegdash.labels.opinions import Reading, reading_of
from eegdash.workflows.desk import Desk
from eegdash.workflows.readers import Reader, Sight


@dataclass(frozen=True, slots=True, eq=False)
class Opinions:
    """Everybody's records on one recording, as far as the viewer may see them.

    Parameters
    ----------
    recording_sha256 : str
    records : tuple of Label
        By sequence, superseded ones included.
    readings : dict of str to Reading
        What each reader said, by name.
    blind : bool
        The detector and the reference are withheld from the viewer.
    """

    recording_sha256: str
    records: tuple[Label, ...]
    readings: dict[str, Reading]
    blind: bool


def opinions(
    desk: Desk,
    reader: Reader | None,
    *,
    recordings: Collection[str] | None = None,
    readers: Collection[str] | None = None,
    blinded_only: bool = False,
    whole_after_sign_off: bool = False,
) -> tuple[list[Opinions], int]:
    """Return the opinions on each labelled recording, and how many records were withheld.

    Parameters
    ----------
    desk : Desk
    reader : Reader or None
        Who is looking; None leaves nothing out, for what is itself withheld as a whole (a report).
    recordings, readers : collection of str, optional
        Only these hashes, these names.
    blinded_only, whole_after_sign_off : bool
        See :func:`eegdash.labels.opinions.reading_of`.
    """
    records = desk.labels.all()
    sight = None if reader is None else Sight(desk, reader, records)
    by_recording, n_withheld = visible(records, sight, recordings, readers)
    found = [
        Opinions(
            sha256,
            tuple(mine),
            readings_of(mine, readers, blinded_only, whole_after_sign_off),
            sight is not None and sight.blind(sha256),
        )
        for sha256, mine in by_recording.items()
    ]
    return found, n_withheld


def visible(
    records: Sequence[Label],
    sight: Sight | None,
    recordings: Collection[str] | None = None,
    readers: Collection[str] | None = None,
) -> tuple[dict[str, list[Label]], int]:
    """Return the records that may be seen by recording, and how many were withheld."""
    by_recording: dict[str, list[Label]] = {}
    n_withheld = 0
    for record in records:
        if recordings is not None and record.recording_sha256 not in recordings:
            continue
        if sight is not None and not sight.sees(record):
            n_withheld += 1
            continue
        if readers is None or record.reviewer in readers or record.role == "adjudicator":
            by_recording.setdefault(record.recording_sha256, []).append(record)
    return by_recording, n_withheld


def readings_of(
    records: Sequence[Label],
    readers: Collection[str] | None = None,
    blinded_only: bool = False,
    whole_after_sign_off: bool = False,
) -> dict[str, Reading]:
    """Return what each reader said about one recording, by name; see :func:`opinions`."""
    by_reader: dict[str, list[Label]] = {}
    # an adjudicator who settles a conflict withdraws another reader's label; a blinded first read
    # counts as it stood, whatever happened since
    gone = set() if blinded_only else {x.supersedes for x in records if x.supersedes != x.uuid}
    for record in records:
        if record.uuid not in gone and (readers is None or record.reviewer in readers):
            by_reader.setdefault(record.reviewer, []).append(record)
    found: dict[str, Reading] = {}
    for name, mine in by_reader.items():
        reading = reading_of(
            mine, blinded_only=blinded_only, whole_after_sign_off=whole_after_sign_off
        )
        if reading is not None and len(reading.known):
            found[name] = reading
    return found
