"""How long to wait before something is tried again: one rule for every loop that does."""

from __future__ import annotations

import random

GROWTH = 2.0
SPREAD = 0.15
"""Part of a pause by which it is shorter or longer, so that what failed together is not tried again together."""
LONGEST_RUN = 64
"""Attempts after which a pause has long reached any limit; a higher power would only overflow."""


def backoff(attempt: int, first: float, longest: float, *, at_least: float = 0.0, chance: float | None = None) -> float:
    """The pause before the next try, s: about `first`, doubled at each attempt, about `longest` at most.

    Args:
        attempt: how many tries have failed before this pause, less one: 0 gives `first`.
        first, longest: s.
        at_least: what the other side asks for (Retry-After), s; it is never undercut, not even by `longest`.
        chance: 0..1, where in the spread the pause falls; drawn at random when not given.
    """
    pause = min(first * GROWTH ** min(attempt, LONGEST_RUN), longest)
    drawn = random.random() if chance is None else chance  # noqa: S311 - spreads load, guards nothing
    return max(pause * (1 + SPREAD * (2 * drawn - 1)), at_least)
