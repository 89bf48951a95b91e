"""How many jobs may be in flight per provider; a count that threads and event loops share."""

from __future__ import annotations

import threading
from collections import Counter

_taken: Counter[str] = Counter()
_lock = threading.Lock()


def take(provider: str, most: int) -> bool:
    """Take a place; False when all are taken."""
    with _lock:
        if _taken[provider] >= most:
            return False
        _taken[provider] += 1
        return True


def give_back(provider: str) -> None:
    """Free a place that was taken."""
    with _lock:
        _taken[provider] -= 1
