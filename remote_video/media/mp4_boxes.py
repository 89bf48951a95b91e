"""Whether an MP4 file is all there: its top-level boxes say how long they are (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

import struct
from pathlib import Path

HEADER = struct.Struct(">I4s")
LONG_SIZE = struct.Struct(">Q")


NEEDED = {b"ftyp", b"moov", b"moof", b"mdat"}
"""Boxes that the clip is made of. What isn't one of them may be anything, also bytes that don't belong to the file."""


def missing_bytes(path: Path) -> int:
    """How many bytes of the clip the file lacks at its end; 0 for a whole file, and for one that is not made of boxes.

    Bytes after the clip's own do no harm.

    Raises:
        OSError: it can't be read.
    """
    end = path.stat().st_size
    fragment_open = False
    """A fragment's table has come, its data not yet."""
    with path.open("rb") as file:
        at = 0
        while end - at >= HEADER.size:
            file.seek(at)
            size, kind = HEADER.unpack(file.read(HEADER.size))
            if not kind.isalnum() or (at == 0 and kind != b"ftyp"):
                break
            if size == 0:
                return 0
            if size == 1:
                long_size = file.read(LONG_SIZE.size)
                if len(long_size) < LONG_SIZE.size:
                    return LONG_SIZE.size - len(long_size)
                (size,) = LONG_SIZE.unpack(long_size)
            if size < HEADER.size:
                break
            if at + size > end:
                return at + size - end if kind in NEEDED else 0
            at += size
            fragment_open = kind == b"moof" or (fragment_open and kind != b"mdat")
    return HEADER.size if fragment_open else 0
