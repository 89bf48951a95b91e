"""Whether a file is complete, according to its own headers.

MP4: top-level boxes (ISO/IEC 14496-12, 4.2), the index of fragments (`sidx`, 8.16.3) and their whole duration (`mehd`,
8.8.2). WebM and Matroska: the segment (RFC 9559, 4.5). A fragmented MP4 without either box that is cut exactly between
two fragments, and a live WebM, whose segment has no length, say nothing: neither can be told from a whole file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

HEADER = struct.Struct(">I4s")
LONG_SIZE = struct.Struct(">Q")
NEEDED = {b"ftyp", b"moov", b"moof", b"mdat"}
"""Boxes that the clip is made of. What isn't one of them may be anything, also bytes that don't belong to the file."""
TABLES = {b"moov", b"moof", b"sidx"}
MAX_TABLE_BYTES = 64 * 2**20
"""Of all tables together; beyond that a file is not judged by them."""
LEAST_MISSING_S = 0.1
"""A declared duration may be rounded, and no fragment is shorter."""
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
Box = tuple[bytes, bytes]
"""Its kind and its content."""


def what_is_missing(path: Path) -> str:
    """How much of the clip the file lacks at its end, in words; empty for a whole file, and for one that can't tell.

    Bytes after the clip's own do no harm.

    Raises:
        OSError: it can't be read.
    """
    end = path.stat().st_size
    with path.open("rb") as file:
        begin = file.read(HEADER.size)
        if begin.startswith(EBML):
            missing = max(0, _end_of_segment(file) - end)
            return f"{missing:,} bytes" if missing else ""
        return _missing_of_boxes(file, end) if begin[4:] == b"ftyp" else ""


def _missing_of_boxes(file: BinaryIO, end: int) -> str:
    at = indexed = 0
    fragment_open = False
    """A fragment's table has come, its data not yet."""
    tables: list[Box] = []
    room = MAX_TABLE_BYTES
    while end - at >= HEADER.size:
        file.seek(at)
        size, kind = HEADER.unpack(file.read(HEADER.size))
        if not kind.isalnum():
            break
        if size == 0:
            return ""
        if size == 1:
            long_size = file.read(LONG_SIZE.size)
            if len(long_size) < LONG_SIZE.size:
                return f"{LONG_SIZE.size - len(long_size)} bytes"
            (size,) = LONG_SIZE.unpack(long_size)
        if size < HEADER.size:
            break
        if at + size > end:
            return f"{at + size - end:,} bytes" if kind in NEEDED else ""
        if kind in TABLES and (room := room - size) >= 0:
            tables.append((kind, file.read(at + size - file.tell())))
            if kind == b"sidx":
                indexed = max(indexed, at + size + _indexed_bytes(tables.pop()[1]))
        at += size
        fragment_open = kind == b"moof" or (fragment_open and kind != b"mdat")
    if fragment_open:
        return "a fragment's bytes"
    if indexed > end:
        return f"{indexed - end:,} bytes"
    try:
        missing_s = _missing_seconds(tables) if room >= 0 else 0.0
    except (struct.error, LookupError, ArithmeticError):
        return ""
    return f"{missing_s:.1f} s" if missing_s else ""


def _indexed_bytes(sidx: bytes) -> int:
    """How many bytes after the box it is the index of."""
    try:
        is_long = sidx[0] > 0
        (first,) = struct.unpack_from(">Q" if is_long else ">I", sidx, 20 if is_long else 16)
        at = 30 if is_long else 22
        (count,) = struct.unpack_from(">H", sidx, at)
        sizes = (struct.unpack_from(">I", sidx, at + 2 + 12 * n)[0] & 0x7FFFFFFF for n in range(count))
        return int(first + sum(sizes))
    except (struct.error, IndexError):
        return 0


# -- the duration of fragments -----------------------------------------------------------------------------------------


def _missing_seconds(tables: list[Box]) -> float:
    """What the fragments there are lack of the duration that is declared for all, s; 0.0 where none is."""
    moov = next((content for kind, content in tables if kind == b"moov"), b"")
    mehd = _inside(moov, b"mvex", b"mehd")
    if mehd is None:
        return 0.0
    (declared,) = struct.unpack_from(">Q" if mehd[0] else ">I", mehd, 4)
    mvhd = dict(_boxes(moov))[b"mvhd"]
    (scale,) = struct.unpack_from(">I", mvhd, 20 if mvhd[0] else 12)
    delay = max((_empty_edit(trak) for kind, trak in _boxes(moov) if kind == b"trak"), default=0) / scale
    ends, length = _ends_of_fragments(moov, [content for kind, content in tables if kind == b"moof"])
    missing = declared / scale - delay - max(ends, default=0.0)
    return missing if missing > max(LEAST_MISSING_S, length / 2) else 0.0


def _empty_edit(trak: bytes) -> int:
    """How much later than its samples say a track is shown, in the movie's time scale."""
    elst = _inside(trak, b"edts", b"elst") or bytes(8)
    if not struct.unpack_from(">I", elst, 4)[0]:
        return 0
    duration, media_time = struct.unpack_from(">Qq" if elst[0] else ">Ii", elst, 8)
    return duration if media_time == -1 else 0


def _ends_of_fragments(moov: bytes, fragments: list[bytes]) -> tuple[list[float], float]:
    """Where each track ends, s, and how long the longest piece of the last fragment is, s."""
    scales, usual = {}, {}
    for kind, trak in _boxes(moov):
        tkhd, mdhd = _inside(trak, b"tkhd"), _inside(trak, b"mdia", b"mdhd")
        if kind == b"trak" and tkhd and mdhd:
            (track,) = struct.unpack_from(">I", tkhd, 20 if tkhd[0] else 12)
            (scales[track],) = struct.unpack_from(">I", mdhd, 20 if mdhd[0] else 12)
    for kind, trex in _boxes(_inside(moov, b"mvex") or b""):
        if kind == b"trex":
            track, _, usual[track] = struct.unpack_from(">3I", trex, 4)
    ends: dict[int, int] = {}
    length = 0.0
    for fragment in fragments:
        length = 0.0
        for kind, traf in _boxes(fragment):
            parts = dict(_boxes(traf)) if kind == b"traf" else {}
            if b"tfhd" not in parts:
                continue
            flags, track = struct.unpack_from(">2I", parts[b"tfhd"])
            at = 8 + 8 * bool(flags & 0x1) + 4 * bool(flags & 0x2)
            each = struct.unpack_from(">I", parts[b"tfhd"], at)[0] if flags & 0x8 else usual.get(track, 0)
            if tfdt := parts.get(b"tfdt"):
                (ends[track],) = struct.unpack_from(">Q" if tfdt[0] else ">I", tfdt, 4)
            spent = sum(_duration(trun, each) for kind, trun in _boxes(traf) if kind == b"trun")
            ends[track] = ends.get(track, 0) + spent
            length = max(length, spent / scales[track])
    return [end / scales[track] for track, end in ends.items()], length


def _duration(trun: bytes, each: int) -> int:
    """Of the samples of a run; `each` where it does not say."""
    flags, count = struct.unpack_from(">2I", trun)
    if not flags & 0x100:
        return int(count * each)
    at = 8 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
    step = 4 * (flags & 0xF00).bit_count()
    return sum(struct.unpack_from(">I", trun, at + n * step)[0] for n in range(count))


def _boxes(content: bytes) -> Iterator[Box]:
    at = 0
    while at + HEADER.size <= len(content):
        size, kind = HEADER.unpack_from(content, at)
        if size < HEADER.size:
            return
        yield kind, content[at + HEADER.size : at + size]
        at += size


def _inside(content: bytes, *kinds: bytes) -> bytes | None:
    """The content of a box in a box."""
    found: bytes | None = content
    for kind in kinds:
        found = dict(_boxes(found)).get(kind) if found is not None else None
    return found


# -- Matroska ----------------------------------------------------------------------------------------------------------


def _end_of_segment(file: BinaryIO) -> int:
    """Where the segment ends; 0 where it has no length."""
    file.seek(len(EBML))
    header = _ebml_size(file)
    file.seek(header or 0, 1)
    if header is None or file.read(len(SEGMENT)) != SEGMENT:
        return 0
    size = _ebml_size(file)
    return 0 if size is None else file.tell() + size


def _ebml_size(file: BinaryIO) -> int | None:
    """A variable-size number (RFC 8794, 4); None for the one that means "not known"."""
    first = file.read(1)
    length = 9 - first[0].bit_length() if first and first[0] else 0
    rest = file.read(length - 1) if length else b""
    if not length or len(rest) < length - 1:
        return None
    number = int.from_bytes(first + rest, "big") & ((1 << 7 * length) - 1)
    return None if number == (1 << 7 * length) - 1 else number
