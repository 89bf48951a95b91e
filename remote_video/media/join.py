"""Clips one after the other as one film: opened, agreed on, copied or encoded, and closed. None is kept in memory."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from operator import itemgetter
from typing import BinaryIO

from ..errors import InputRefused
from .film_file import FilmFile
from .frames import Check, nothing_to_check
from .look import Look, Wish, agree
from .measured import Part, measure

LEAST, MOST = 2, 50
"""Clips of a film."""
Told = Callable[[float], None]
"""Is told how much of the film is written, 0..1."""


def look_at(parts: Sequence[Part], wish: Wish, check: Check = nothing_to_check) -> Look:
    """What the film is going to be; nothing is written.

    Raises:
        InputRefused: too few clips, too many, or one with no room for the crossfade.
        MediaError: a clip is not a video, incomplete, or missing; the message says which.
    """
    if not LEAST <= len(parts) <= MOST:
        raise InputRefused(
            f"A film is joined from {LEAST} to {MOST} clips; there are {len(parts)}.",
            next_step="Wire more clips to `clips`, or a list of them, then run again.",
        )
    return agree([measure(number, part, check) for number, part in enumerate(parts, 1)], wish)


def join(look: Look, file: BinaryIO, told: Told = lambda share: None, check: Check = nothing_to_check) -> None:
    """Write the film.

    Args:
        file: written from its begin; it can be sought in.
        check: called again and again; what it raises ends the work.

    Raises:
        MediaError: a clip is damaged, or no longer there; its place is named.
        OSError: the disk doesn't take it.
    """
    with FilmFile(file, look) as film, ExitStack() as tracks:
        packets = [tracks.enter_context(closing(track)) for track in (film.pictures(check), film.sound(check))]
        for at_s, packet in heapq.merge(*packets, key=itemgetter(0)):
            check()
            film.write(packet)
            told(min(1.0, max(0.0, at_s / look.length_s)))
