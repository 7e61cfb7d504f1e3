"""The folder of a report: it is there complete, or not at all."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

from eegdash.errors import ReportError

_UNFINISHED = ".unfinished-report-"
_STALE_S = 3600.0


def write_folder(parent: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """Write files into a new folder that takes its name when all of them are on disk.

    Whoever is killed meanwhile leaves a hidden folder, which the next report takes away after an
    hour.

    Parameters
    ----------
    parent : Path
    name : str
        Where it is taken, a number is put behind it.
    files : mapping of str to bytes

    Returns
    -------
    Path

    Raises
    ------
    ReportError
        If it cannot be written.
    """
    temporary: Path | None = None
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(parent)
        temporary = Path(tempfile.mkdtemp(dir=parent, prefix=_UNFINISHED))
        for file_name, content in files.items():
            with (temporary / file_name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(0o755)  # mkdtemp keeps a folder from all others
        return _named(temporary, parent, name)
    except OSError as error:
        raise ReportError(
            f"The report could not be written ({error.strerror or type(error).__name__}). Check "
            "that the folder may be written to and the disk is not full."
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _named(temporary: Path, parent: Path, name: str) -> Path:
    for number in range(1, 1000):
        target = parent / (name if number == 1 else f"{name}-{number}")
        if target.exists():
            continue
        try:
            temporary.rename(target)
        except OSError:
            if not target.exists():  # another report took the name meanwhile otherwise
                raise
        else:
            return target
    raise ReportError("There are too many reports of one name. Remove some of them.")


def _remove_stale(parent: Path) -> None:
    for folder in parent.glob(f"{_UNFINISHED}*"):
        if time.time() - folder.stat().st_mtime > _STALE_S:
            shutil.rmtree(folder, ignore_errors=True)


def zipped(folder: Path) -> bytes:
    """Return a report as a ZIP file, in a folder of its name.

    Raises
    ------
    ReportError
        If it cannot be read.
    """
    buffer = io.BytesIO()
    try:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.iterdir()):
                if path.is_file():
                    archive.write(path, f"{folder.name}/{path.name}")
    except OSError as error:
        raise ReportError(
            f"The report {folder.name} cannot be read ({error.strerror}). Write it again."
        ) from error
    return buffer.getvalue()
