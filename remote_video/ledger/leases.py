"""Who works on a job: one engine at a time, for as long as it is heard of.

An engine is a random id and a count of heartbeats, nothing else: host names, process numbers and clocks are the same
in two containers, or wrong. Whether it still lives is judged by what this process saw of the count, by its own
monotonic clock. Every lease has a fence, a number that only grows: whoever slept through a lease can't write under it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ..timeouts import Timeouts


@dataclass(frozen=True)
class Lease:
    """The right to work on a job.

    Args:
        key: the job's.
        engine_id: who has it.
        fence: larger than that of every lease on this job before.
    """

    key: str
    engine_id: str
    fence: int


@dataclass(frozen=True)
class Holder:
    """The engine that works on a job.

    Args:
        engine_id: the first letters of it.
        since: when it began, by the clock of its machine, s since the epoch.
    """

    engine_id: str
    since: float


class LeaseLost(Exception):
    """Another engine has taken the job over, or may have: this one was not heard of in time."""


@dataclass
class _Sighting:
    beats: int
    since: float
    """When this count was first seen, by the monotonic clock."""
    last: float
    """When it was last looked at."""


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

    def is_gone(self, engine_id: str, beats: int, heard_at: float, timeouts: Timeouts) -> bool:
        """Look at an engine, and say whether it was silent for too long.

        Args:
            beats: its heartbeats by now.
            heard_at: when the last one was, by its own clock, s since the epoch: where that is long ago, a shorter
                look is enough.
        """
        now = self._monotonic()
        with self._lock:
            seen = self._seen.get(engine_id)
            # Who has not looked for a whole lease may have slept, and the other one with it: it gets another chance.
            if seen is None or seen.beats != beats or now - seen.last > timeouts.lease:
                seen = self._seen[engine_id] = _Sighting(beats, now, now)
            seen.last = now
            silent = now - seen.since
        is_old_news = self._wall() - heard_at > timeouts.lease
        return silent >= (min(timeouts.heartbeat_seen, timeouts.lease) if is_old_news else timeouts.lease)

    def keep_only(self, engine_ids: Collection[str]) -> None:
        """Drop what was seen of all others."""
        with self._lock:
            for engine_id in self._seen.keys() - set(engine_ids):
                del self._seen[engine_id]
