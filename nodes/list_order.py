"""The clips of one list are numbered in the list's order, whichever is done first."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from ..remote_video.clips.output_file import Target, expand, target

TICKS_TO_BEGIN = 2
"""ComfyUI begins the items of a list one after the other, each a turn of its loop after the one before."""


@dataclass
class _List:
    """The items of one list that save under one prefix."""

    prefix: str
    begun: int = 0
    held: int = 0
    first: dict[tuple[Path, str], int] = field(default_factory=dict)
    """The first item's number, by folder and name."""


_lists: dict[tuple[str, str, str], _List] = {}
_lock = threading.Lock()


class ListItem:
    """One item of what may be a list; enter it before anything is awaited, so that the items come in their order.

    Args:
        prompt_id, node_id: whose list.
        filename_prefix: as the node has it.
    """

    def __init__(self, prompt_id: str, node_id: str, filename_prefix: str) -> None:
        self._key = (prompt_id, node_id, filename_prefix)

    def __enter__(self) -> ListItem:
        with _lock:
            self._list = _lists.setdefault(self._key, _List(expand(self._key[2])))
            self._place = self._list.begun
            self._list.begun += 1
            self._list.held += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with _lock:
            self._list.held -= 1
            if not self._list.held:
                _lists.pop(self._key, None)

    async def others_begun(self) -> None:
        """Let the items behind this one begin: only then does the first one know that it is in a list."""
        for _ in range(TICKS_TO_BEGIN):
            await asyncio.sleep(0)

    def filename_prefix(self, output_folder: Path, *, follow_links: bool = False) -> str:
        """The prefix; in a list with a number of its own. May list the folder. Raises InputRefused."""
        prefix = self._list.prefix
        if self._list.begun < 2:
            return prefix
        place = target(output_folder, prefix, follow_links=follow_links)
        if place.is_whole and not self._place:
            return prefix
        number = self._first(place) + self._place
        return "/".join((*prefix.replace("\\", "/").split("/")[:-1], place.with_number(number)))

    def _first(self, place: Target) -> int:
        row = (place.folder, place.stem)
        with _lock:
            if row not in self._list.first:
                taken = [other.first[row] + other.begun for other in _lists.values() if row in other.first]
                self._list.first[row] = max([place.next_number(), *taken])
            return self._list.first[row]
