"""Words in square brackets that an artist can put into a prompt to see what an error looks like."""

from __future__ import annotations

from enum import Enum


class Flag(Enum):
    """What a bracketed word in the prompt makes the sandbox do."""

    MODERATION = "[moderation]"
    """The submission is refused by content moderation."""
    WITHHELD = "[withheld]"
    """The job runs, then content moderation withholds the result."""
    FAIL = "[fail]"
    """The job runs, then fails."""
    BALANCE = "[balance]"
    """The account has not enough money."""
    BUSY = "[busy]"
    """The provider turns the submission away for now (429)."""
    GONE = "[gone]"
    """The provider does not offer the model any more."""
    HTTPS_ONLY = "[https-only]"
    """Images and videos inside the request are refused: the provider wants to fetch them from an address."""
    SLOW = "[slow]"
    """The job takes half a minute longer."""


SLOW_S = 30.0


def flag_in(prompt: str) -> Flag | None:
    """The first flag a prompt contains, in the order above."""
    lowered = prompt.lower()
    return next((flag for flag in Flag if flag.value in lowered), None)
