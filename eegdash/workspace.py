"""The workspace: one folder with recordings, labels, cache, reports and fine-tuned models."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eegdash.atomic import write_atomically
from eegdash.errors import WorkspaceError

_FOLDERS = ("recordings", "labels", "cache", "reports", "models", "state")
_SLUG = re.compile(r"[^A-Za-z0-9_+-]+")
_KEY_BYTES = 32
_KEY = re.compile(rf"[0-9a-f]{{{2 * _KEY_BYTES}}}")
_LOCK_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where an installation keeps its data.

    Parameters
    ----------
    root : Path
        The folder; made with its sub-folders by :meth:`create`.
    """

    root: Path

    @property
    def recordings(self) -> Path:
        """Recordings and their reference annotations."""
        return self.root / "recordings"

    @property
    def labels(self) -> Path:
        """The labels file and its view."""
        return self.root / "labels"

    @property
    def cache(self) -> Path:
        """Analysis cache; may be deleted at any time."""
        return self.root / "cache"

    @property
    def reports(self) -> Path:
        """Written reports."""
        return self.root / "reports"

    @property
    def models(self) -> Path:
        """Fine-tuned models."""
        return self.root / "models"

    @property
    def state(self) -> Path:
        """Small facts: file hashes, channel maps, the signing key."""
        return self.root / "state"

    def create(self) -> Workspace:
        """Make the folders that are missing and return the workspace.

        Raises
        ------
        WorkspaceError
            If a folder cannot be made.
        """
        try:
            for name in _FOLDERS:
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceError(
                f"The workspace folder {self.root.name} cannot be made ({error.strerror}). "
                "Choose a writable folder with EEGDASH_WORKSPACE."
            ) from error
        return self

    def recording_files(self, suffixes: Iterable[str]) -> Iterator[Path]:
        """Yield the recordings of the workspace, sub-folders included, ordered by name."""
        wanted = tuple(suffixes)
        for path in sorted(self.recordings.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(self.recordings).parts)
            if path.suffix.lower() in wanted and path.is_file() and not hidden:
                yield path

    def store_upload(self, original_name: str, content: bytes) -> Path:
        """Keep an uploaded file under a name made here and return its path.

        The name keeps the letters, digits, ``_``, ``+`` and ``-`` of the original stem (at most
        60), so that the reader recognises it, and 8 hex digits of the content's hash.

        Raises
        ------
        WorkspaceError
            If the file cannot be written.
        """
        base = original_name.replace("\\", "/").rsplit("/", 1)[-1].replace("\0", "")
        stem, _, suffix = base.rpartition(".")
        slug = _SLUG.sub("-", stem or "upload").strip("-")[:60] or "upload"
        digest = hashlib.sha256(content).hexdigest()[:8]
        suffix = _SLUG.sub("", suffix).lower()[:8]
        path = self.recordings / f"{slug}-{digest}.{suffix}"
        write_atomically(path, content)
        return path

    def signing_key(self) -> str:
        """Return the key that signs tile addresses; made once, readable by the owner only."""
        path = self.state / "signing.key"
        key = _stored_key(path)
        if key:
            return key
        from filelock import FileLock

        # server and worker may both start on a new workspace: they must agree on one key
        with FileLock(self.state / "signing.lock", timeout=_LOCK_TIMEOUT_S):
            key = _stored_key(path)
            if not key:
                key = secrets.token_hex(_KEY_BYTES)
                write_atomically(path, key.encode())
        return key

    def read_state(self, name: str) -> dict[str, Any]:
        """Return the small record ``name``; empty where it is absent or damaged."""
        try:
            record = json.loads((self.state / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):  # the last: brackets without end
            return {}
        return record if isinstance(record, dict) else {}

    def write_state(self, name: str, record: dict[str, Any]) -> None:
        """Replace the small record ``name``."""
        text = json.dumps(record, sort_keys=True, ensure_ascii=False)
        write_atomically(self.state / f"{name}.json", text.encode())


def _stored_key(path: Path) -> str:
    """Return the key in a file; empty where it is absent or not what is written here."""
    try:
        key = path.read_text(encoding="ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
    return key if _KEY.fullmatch(key) else ""
