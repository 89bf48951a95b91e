"""How long each thing is waited for. One record, handed down from the settings, so that tests can be in a hurry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timeouts:
    """Waits and time limits, s."""

    question_floor: float = 0.93
    """Between two questions about a young job; `engine.pace` says how it grows."""
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
    request: float = 30.0
    """For a request that may be repeated (status, result, cancel): from the look-up of the name to the last byte."""
    submission: float = 180.0
    """For a submission, in the same way, besides a second for each 64 KiB that are sent: providers store the image
    before they answer."""
    read: float = 30.0
    """For the next byte of a clip."""
    download: float = 1800.0
    """For a clip, from one address."""
    offer: float = 3.0
    """For what a provider says of a model, once the request is ready; no answer by then counts as none."""
    pictures: float = 60.0
    """For the video of a finished job whose result names only pictures."""
    stop_check: float = 0.05
    """Between two looks at whether the user pressed Stop."""
    cancel_answer: float = 5.0
    """For the answer to a request to cancel."""
    close_answer: float = 30.0
    """For the answers to submissions that are under way when the process ends."""
    lease: float = 30.0
    """An engine that was not heard of for so long is gone."""
    heartbeat: float = 2.0
    """Between two signs of life of an engine that holds leases."""
    heartbeat_seen: float = 3.5
    """For a sign of life of an engine whose last one is older than a lease by the clock on the wall."""
    shared_look: float = 0.25
    """Between two looks at a job that another engine holds."""
    place_look: float = 1.0
    """Between two looks at whether one of the studio's places is free, a quarter more or less."""
    collect: float = 2.0
    """Between two searches for jobs that nobody watches."""
    balance: float = 5.0
    """For a provider to say what an account has left, before a submission goes without knowing."""
    balance_kept: float = 60.0
    """How long what it said is taken for true."""
    store_connect: float = 5.0
    """For a connection to the clip store to open."""
    store_request: float = 30.0
    """For one request to the clip store, repeated ones too: an answer, or 8 MB of a clip."""
    store_answer: float = 12.0
    """For the clip store to say whether it has a clip, before the provider is asked."""
    store_pause: float = 10.0
    """Before the clip store is tried again after trouble; doubles each time."""
    store_pass: float = 600.0
    """Between two looks at all clips that no clip store has yet, and what that pause grows to."""
    ledger_pause: float = 2.0
    """Before an accepted id that the disk refused is written again."""
    database_read: float = 6.0
    """For a database that is away to be read again."""
    database_write: float = 20.0
    """For one that is away to be written to again."""
    database_answer: float = 20.0
    """For its answer to one statement."""
    database_lock: float = 15.0
    """For a lock in it that another worker holds."""
    database_idle: float = 10.0
    """For a worker that went to sleep inside a transaction: the database ends that then."""


DEFAULT_TIMEOUTS = Timeouts()
