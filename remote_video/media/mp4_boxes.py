"""Whether an MP4 file is all there: its top-level boxes say how long they are (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

import struct
from pathlib import Path

HEADER = struct.Struct(">I4s")
LONG_SIZE = struct.Struct(">Q")


def missing_bytes(path: Path) -> int:
    """How many bytes the file's last box lacks; 0 for a whole file, and for one that is not made of boxes.

    Raises:
        OSError: it can't be read.
    """
    end = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while end - at >= HEADER.size:
            file.seek(at)
            size, kind = HEADER.unpack(file.read(HEADER.size))
            if not kind.isalnum() or (at == 0 and kind != b"ftyp"):
                return 0
            if size == 0:
                return 0
            if size == 1:
                long_size = file.read(LONG_SIZE.size)
                if len(long_size) < LONG_SIZE.size:
                    return LONG_SIZE.size - len(long_size)
                (size,) = LONG_SIZE.unpack(long_size)
            if size < HEADER.size:
                return 0
            at += size
    return max(at - end, 0)
