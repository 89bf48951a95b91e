"""Every request the sandbox got, for tests and for `/sandbox/state`."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

MOST_KEPT = 50_000


@dataclass
class LoggedRequest:
    """One request, logged when its head arrived; `body_bytes` grows to what was read of its body.

    Header names are in lower case; `at` is seconds since 1970; `route` is a fault menu's name, "" for an unknown path.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    at: float
    body_bytes: int = 0
    route: str = ""
    fault: str = ""


class RequestLog:
    """The last requests, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[LoggedRequest] = deque(maxlen=MOST_KEPT)
        self._lock = threading.Lock()

    def arrived(self, method: str, path: str, headers: Mapping[str, str], route: str) -> LoggedRequest:
        entry = LoggedRequest(method, path, headers, time.time(), route=route)
        with self._lock:
            self._kept.append(entry)
        return entry

    def all(self) -> list[LoggedRequest]:
        with self._lock:
            return list(self._kept)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
