"""What the suites counted, printed at the end of the run: mutated files, faults tried, processes killed."""

from __future__ import annotations

from collections import Counter

COUNTS: Counter[str] = Counter()


def count(name: str, n: int = 1) -> None:
    """Add n to a promise's count."""
    COUNTS[name] += n
