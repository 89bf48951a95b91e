"""When to ask: how long to wait between two questions about a job, and how many questions a provider gets.

The promise: a clip is seen to be finished within 1 s, or 3 % of the job's time where that is more, with at most 160
questions in 20 minutes.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any

SHARE = 0.0298
"""Of the time a job has taken so far: a little under 3 %, which leaves `ANSWER_S` for the answer itself."""
ANSWER_S = 0.07
FIRST = 3.06
"""The first status request comes after this many minimum intervals: no model is ready sooner."""
LONGEST_S = 30.0
EARLY = 3.0
"""So much rarer are the questions in the first half of a model's usual time."""

USUAL_FLOOR_S = 0.93


def pause_before_question(
    elapsed_s: float, *, usual_s: float | None = None, retry_after_s: float = 0.0, floor_s: float = USUAL_FLOOR_S
) -> float:
    """How long to wait before the next question about a job, s.

    Args:
        elapsed_s: since the provider accepted the job.
        usual_s: the model's usual time; None when it is not known.
        retry_after_s: what the provider asked for.
        floor_s: the shortest pause.
    """
    if elapsed_s < floor_s * FIRST / 2:
        pause = floor_s * FIRST
    else:
        pause = max(floor_s, SHARE * elapsed_s - ANSWER_S * floor_s / USUAL_FLOOR_S)
    if usual_s is not None and elapsed_s < usual_s / 2:
        pause = max(pause, min(EARLY * pause, usual_s / 2 - elapsed_s))
    return max(min(pause, LONGEST_S), retry_after_s)


class QuestionRate:
    """How many questions a second one provider gets: all jobs wait in one line, first come, first served.

    A 429 halves the rate, once for all questions that were under way then; it recovers by a twentieth of the full rate
    each second.
    """

    RECOVERS = 0.05
    LOWEST = 1.0

    def __init__(self, per_s: float) -> None:
        self._full = per_s
        self._rate = per_s
        self._next = self._set_at = 0.0
        self._line = asyncio.Lock()

    @property
    def per_s(self) -> float:
        """The rate as it is now, questions a second."""
        recovered = self._rate + self._full * self.RECOVERS * (time.monotonic() - self._set_at)
        return min(self._full, recovered)

    async def turn(self) -> float:
        """Wait for one's turn to ask; when that was, by `time.monotonic()`."""
        async with self._line:
            now = time.monotonic()
            self._next = max(self._next + 1 / self.per_s, now)
            await asyncio.sleep(self._next - now)
        return time.monotonic()

    def slow_down(self, asked_at: float) -> None:
        """The provider said 429 to a question of that time."""
        if asked_at > self._set_at:
            self._rate, self._set_at = max(self.LOWEST, self.per_s / 2), time.monotonic()


class Places:
    """The line for the places at one provider: all who share a ledger share them, and one here asks it for all.

    A place that was free when the ledger was looked at may be taken since; `Ledger.begin` holds to what is true then.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._free = 0
        """So many were free at the last look, and are not taken here since."""
        self._look_at = 0.0
        self._looking: asyncio.Task[None] | None = None

    def enter(self, most: float) -> bool:
        """Take one of the places for work or requests; False if none is free."""
        if self._inside >= most:
            return False
        self._inside += 1
        return True

    def leave(self) -> None:
        """A job has ended, and with it a place is free."""
        self._inside -= 1
        self._look_at = 0.0

    def take(self) -> bool:
        """Take a place that was free at the last look; False when none is known to be."""
        if self._free < 1:
            return False
        self._free -= 1
        return True

    def are_taken(self) -> None:
        """What was free is not any more: the next look is due after a pause."""
        self._free = 0

    async def look(self, free: Callable[[], Coroutine[Any, Any, int]], pause_s: float) -> bool:
        """Look how many are free, or wait for the look that is under way; False when it isn't time for one.

        Args:
            free: asks the ledger.
            pause_s: until the next one, a quarter more or less, so that processes don't ask in step.
        """
        if self._looking is None:
            if time.monotonic() < self._look_at:
                return False
            self._look_at = time.monotonic() + pause_s * random.uniform(0.75, 1.25)  # noqa: S311
            self._looking = asyncio.create_task(self._look(free))
        await asyncio.shield(self._looking)
        return True

    async def _look(self, free: Callable[[], Coroutine[Any, Any, int]]) -> None:
        try:
            self._free = await free()
        finally:
            self._looking = None
