"""A connection to PostgreSQL that waits for no answer for ever: a network that swallows everything is noticed."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Generator, Mapping
from typing import Any

import psycopg

OLDEST = (3, 2, 11)
"""With an earlier one no time limit of `Connection` holds: it tells who waits nothing of the time that goes by."""
if tuple(int(part) for part in re.findall(r"\d+", psycopg.__version__)[:3]) < OLDEST:
    raise ImportError(f"psycopg {psycopg.__version__} is too old")


class Connection(psycopg.Connection[Any]):
    """psycopg's, with a time limit for each answer."""

    answer_s = math.inf

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """See psycopg's; closes the connection when no answer came in time."""
        return super().wait(self._limited(gen), *args, **kwargs)

    def _limited(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        end = time.monotonic() + self.answer_s
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > end:
                    self.close()
                    raise psycopg.OperationalError(f"no answer within {self.answer_s:g} s")
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value


def connect(options: Mapping[str, object], answer_s: float) -> Connection:
    """Open one.

    Args:
        options: libpq's parameters.
        answer_s: for the answer to each statement, s.

    Raises:
        psycopg.OperationalError
    """
    # A pooler in transaction mode hands statements that were prepared on one server connection to another.
    known: dict[str, Any] = {**options, "prepare_threshold": None}
    connection = Connection.connect(**known)
    connection.answer_s = answer_s
    return connection
