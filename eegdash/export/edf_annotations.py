"""Annotations alone as EDF+ (doi 10.1016/S1388-2457(03)00123-8, 2.2: a file without signals)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eegdash.annotations import Annotation
from eegdash.atomic import replacing
from eegdash.errors import AnnotationError


def write_edf_annotations(path: Path, annotations: Sequence[Annotation]) -> None:
    """Write annotations as an EDF+ file without signals and without any patient field.

    Onset and duration are decimal text, so that milliseconds are exact. The text is the
    annotation's own, or else its event type. The start is EDF's "unknown" (1985-01-01): onsets
    count from the start of the recording.

    Parameters
    ----------
    path : Path
    annotations : sequence of Annotation

    Raises
    ------
    AnnotationError
        If an annotation does not fit the format.
    WorkspaceError
        If the file cannot be written.
    """
    import edfio

    try:
        notes = [
            edfio.EdfAnnotation(round(a.onset_s, 3), round(a.duration_s, 3) or None, text)
            for a in sorted(annotations, key=lambda a: (a.onset_s, a.duration_s))
            if (text := a.text or a.event_type)
        ]
        edf = edfio.Edf([], annotations=notes)
    except ValueError as error:
        raise AnnotationError(f"{path.name} was not written: {error}.") from error
    with replacing(path) as temporary:
        edf.write(temporary)
