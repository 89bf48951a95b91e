"""How long each thing is waited for. One record, handed down from the settings, so that tests can be in a hurry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Waits and time limits, s."""

    first_poll_pause: float = 2.0
    """Between the first two questions about a job."""
    longest_poll_pause: float = 10.0
    """What that pause grows to."""
    retry_pause: float = 2.0
    """Before a submission that was certainly not accepted is tried again; doubles each time."""
    longest_retry_after: float = 120.0
    """A longer Retry-After to a submission is left to the user."""
    refetch_pause: float = 1.0
    """Before a download is tried again; doubles each time."""
    longest_refetch_pause: float = 20.0
    """What that pause grows to."""
    gone_pause: float = 1.0
    """Before a provider that does not know a finished job is asked again."""
    connect: float = 10.0
    """For a connection to open."""
    question: float = 30.0
    """For the next byte of the answer to a question."""
    answer: float = 60.0
    """For an answer to be read whole, from its first byte on."""
    submission: float = 180.0
    """For the answer to a submission: providers store the image before they answer."""
    read: float = 30.0
    """For the next byte of a clip."""
    stop_check: float = 0.2
    """Between two looks at whether the user pressed Stop."""
    stop_answer: float = 60.0
    """For the answer to a submission that is under way when the user presses Stop."""
    cancel_answer: float = 1.5
    """For the answer to a cancel after Stop."""
    ledger_pause: float = 2.0
    """Before an accepted id that the disk refused is written again."""


USUAL = Patience()
