"""What a file holds, judged by its first bytes, before any parser sees it."""

from __future__ import annotations

from pathlib import Path

from eegdash.errors import HeaderError, NotAnEegError

FIXED_BYTES = 256
"""Bytes of the part of an EDF or BDF header that does not depend on the number of signals."""

_SIGNATURES = (
    (b"version https://git-lfs", "a Git LFS pointer", "Run 'git lfs pull' to fetch the recording"),
    (b"PK\x03\x04", "a ZIP archive", "Unpack it and open the recording inside"),
    (b"\x1f\x8b", "a gzip archive", "Unpack it and open the recording inside"),
    (b"\x89PNG", "a PNG picture", "Choose the recording itself"),
    (b"%PDF", "a PDF document", "Choose the recording itself"),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it and open the recording inside"),
    (b"\x89HDF", "an HDF5 file", "Export the recording as EDF"),
)
_MAGIC = {"EDF": b"0       ", "BDF": b"\xffBIOSEMI"}


def check_content(path: Path, head: bytes, size: int, kind: str) -> None:
    """Refuse, in words, a file whose first bytes are not those of an EDF or BDF.

    Parameters
    ----------
    path : Path
    head : bytes
        The first 256 bytes.
    size : int
        Bytes in the file.
    kind : {"EDF", "BDF"}
    """
    if size == 0:
        raise NotAnEegError(
            f"{path.name} is empty (0 bytes). The copy probably failed; copy the file again."
        )
    check_not_foreign(path, head)
    if head[:8] == _MAGIC[kind] or (kind == "EDF" and head[:8].strip(b" \x00") == b"0"):
        if size < FIXED_BYTES:
            raise HeaderError(
                f"{path.name} is cut off: {kind} needs at least {FIXED_BYTES} bytes, found {size}. "
                "Copy the file again."
            )
        return
    other = next((k for k, magic in _MAGIC.items() if head[:8] == magic), None)
    if other is not None:
        raise NotAnEegError(
            f"{path.name} is named as {kind} but holds {other}. "
            f"Rename it to end in .{other.lower()} and open it again."
        )
    if _looks_like_text(head):
        raise NotAnEegError(
            f"{path.name} holds text, not an EEG. An {kind} recording was expected; "
            "choose the recording itself."
        )
    if size < FIXED_BYTES:
        raise NotAnEegError(
            f"{path.name} is not an EEG: {kind} needs at least {FIXED_BYTES} bytes, found {size}. "
            "Copy the file again or choose the recording itself."
        )
    raise NotAnEegError(
        f"{path.name} does not begin as {kind} files do. It may be damaged, encrypted or of "
        "another kind; export it as EDF from the program that recorded it."
    )


def check_not_foreign(path: Path, head: bytes) -> None:
    """Refuse a Git LFS pointer, an archive, a picture or a document, and say what it is."""
    for signature, what, remedy in _SIGNATURES:
        if head.startswith(signature):
            raise NotAnEegError(f"{path.name} is {what}, not an EEG. {remedy}.")


def _looks_like_text(head: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\r\n\f" for byte in head)
