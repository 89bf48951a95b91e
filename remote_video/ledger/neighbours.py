"""Which engines live, where the ledger is a file and no clock can be relied on.

Host names, process numbers and clocks are the same in two containers, or wrong. So whether an engine still lives is
judged by what this process saw of its count of heartbeats, by its own monotonic clock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..timeouts import Timeouts


class _Sighting(NamedTuple):
    sign: tuple[int, float]
    """The count and time of its latest heartbeat: whatever changes in that is a sign of life."""
    since: float
    """When that was first seen, by the monotonic clock."""
    last: float
    """When the engine was last looked at."""


class Neighbours:
    """What one process has seen of the engines that share a ledger. Safe to use from many threads.

    Args:
        monotonic: s; never set back.
        wall: s since the epoch; not to be relied on.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._monotonic, self._wall = monotonic, wall
        self._seen: dict[str, _Sighting] = {}
        self._lock = threading.Lock()

    def alive(self, engines: Iterable[tuple[str, int, float]], timeouts: Timeouts) -> set[str]:
        """Look at all engines there are; the ids of those that have not been silent for too long.

        Args:
            engines: id, heartbeats, and when the last one was, by the engine's own clock, s since the epoch: where
                that is long ago, a shorter look is enough.
        """
        now, alive = self._monotonic(), set()
        with self._lock:
            before, self._seen = self._seen, {}
            for engine_id, beats, heard_at in engines:
                seen = before.get(engine_id)
                since = now
                # Who has not looked for a whole lease may have slept, and the other with it: it gets another chance.
                if seen and seen.sign == (beats, heard_at) and now - seen.last <= timeouts.lease:
                    since = seen.since
                self._seen[engine_id] = _Sighting((beats, heard_at), since, now)
                is_old_news = self._wall() - heard_at > timeouts.lease
                if now - since < (min(timeouts.heartbeat_seen, timeouts.lease) if is_old_news else timeouts.lease):
                    alive.add(engine_id)
        return alive
