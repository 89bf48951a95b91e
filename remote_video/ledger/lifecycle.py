"""The life of a job, whole, as one table.

The rules:
1. A job's row says `intent` before the POST leaves, and the provider's id is written before anything else happens.
2. `refused` means that certainly no job exists at the provider; only then (or after a job that ended without a
   clip) may the same request be submitted again.
3. `uncertain` means that nobody here can know. Only the user gets it out of there.
4. A clip that was paid for is never given up by the machine: `submitted` and `finished` stay until it is `stored`,
   or the provider says that it no longer knows the job.

Everything that affects the state is in this file and nothing here does I/O. An event that isn't in the table for a
state is a bug, and raises.
"""

from __future__ import annotations

from enum import Enum


class State(str, Enum):
    """Where a job is."""

    sentence: str
    """What that means to a user."""

    def __new__(cls, value: str, sentence: str = "") -> State:
        state = str.__new__(cls, value)
        state._value_, state.sentence = value, sentence
        return state

    INTENT = "intent", "being submitted"
    SUBMITTED = "submitted", "accepted by the provider and on its way"
    FINISHED = "finished", "finished at the provider, not yet downloaded"
    STORED = "stored", "saved"
    REFUSED = "refused", "refused by the provider; nothing was accepted"
    FAILED = "failed", "failed at the provider"
    CANCELLED = "cancelled", "cancelled"
    UNCERTAIN = "uncertain", "sent, but no answer came back: it may or may not exist at the provider"
    EXPIRED = "expired", "no longer known to the provider"


class Event(str, Enum):
    """What can happen to a job."""

    BEGIN = "begin"
    """Its submission is about to leave."""
    ACCEPTED = "accepted"
    """The provider gave it an id."""
    TURNED_DOWN = "turned down"
    """A definite no, or the connection never opened."""
    LOST = "lost"
    """The submission left and no answer came, or the process died before one could be written down."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NOT_FOUND = "gone"
    """The provider knows no such job."""
    FOUND = "found"
    """The provider knows it again after all."""
    STORED = "stored"
    """The clip is complete on disk."""
    FILE_MISSING = "file missing"
    """The clip is no longer on disk."""


TRANSITIONS: dict[State | None, dict[Event, State]] = {
    None: {Event.BEGIN: State.INTENT},
    State.INTENT: {
        Event.ACCEPTED: State.SUBMITTED,
        Event.TURNED_DOWN: State.REFUSED,
        Event.LOST: State.UNCERTAIN,
    },
    State.SUBMITTED: {
        Event.SUCCEEDED: State.FINISHED,
        Event.FAILED: State.FAILED,
        Event.CANCELLED: State.CANCELLED,
        Event.NOT_FOUND: State.EXPIRED,
    },
    State.FINISHED: {Event.STORED: State.STORED, Event.NOT_FOUND: State.EXPIRED},
    State.STORED: {Event.FILE_MISSING: State.FINISHED},
    State.REFUSED: {Event.BEGIN: State.INTENT},
    State.FAILED: {Event.BEGIN: State.INTENT},
    State.CANCELLED: {Event.BEGIN: State.INTENT},
    # Another engine may have taken a slow submission for lost; its answer still counts when it comes.
    State.UNCERTAIN: {Event.ACCEPTED: State.SUBMITTED, Event.TURNED_DOWN: State.REFUSED},
    State.EXPIRED: {Event.FOUND: State.SUBMITTED},
}

FORGETTABLE = frozenset({State.REFUSED, State.FAILED, State.CANCELLED, State.UNCERTAIN, State.EXPIRED})
"""States a user may have the pack forget: the next Run then submits anew, and may pay again."""

STANDS_FOR_MONEY = frozenset(
    {State.INTENT, State.SUBMITTED, State.FINISHED, State.STORED, State.UNCERTAIN, State.EXPIRED}
)
"""States of a job that was paid for, or may have been: it counts under every key of the provider."""

BRINGS_A_CLIP = frozenset({State.SUBMITTED, State.FINISHED, State.STORED})
"""States of a job that is on its way to a clip or there: no error of before counts any more."""

COSTS_NOTHING = frozenset({State.REFUSED, State.CANCELLED})
"""States of a job that is not billed unless the provider says so: never accepted, or let go before it was made."""

ENDED_WITHOUT_A_CLIP = (State.FAILED, State.CANCELLED, State.REFUSED)
"""States of a job that brings nothing any more: forgotten, it is submitted anew as it would be anyway."""

TO_COLLECT = frozenset({State.SUBMITTED, State.FINISHED})
"""States of a job whose clip still has to be collected."""


FETCHABLE = TO_COLLECT | {State.STORED, State.EXPIRED}
"""States of a job whose clip can be asked for at its provider, again too, without a submission."""


class Action(Enum):
    """What pressing Run does for a job."""

    SUBMIT = "submit"
    FOLLOW = "follow the same request id"
    FETCH = "only download"
    REUSE = "only read the file"
    ASK_PROVIDER = "ask whether the provider knows it after all, else raise"
    ASK_USER = "raise; the user decides"


ON_RUN: dict[State | None, Action] = {
    None: Action.SUBMIT,
    State.INTENT: Action.ASK_USER,
    State.SUBMITTED: Action.FOLLOW,
    State.FINISHED: Action.FETCH,
    State.STORED: Action.REUSE,
    State.REFUSED: Action.SUBMIT,
    State.FAILED: Action.SUBMIT,
    State.CANCELLED: Action.SUBMIT,
    State.UNCERTAIN: Action.ASK_USER,
    State.EXPIRED: Action.ASK_PROVIDER,
}
"""INTENT is seen at Run only when its engine died in the middle: it is then recorded as LOST first."""


class IllegalTransition(RuntimeError):
    """An event that can't happen in that state: a bug in this pack."""


def advance(state: State | None, event: Event) -> State:
    """The state after `event`. Raises IllegalTransition for anything that isn't in the table."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        was = state.value if state else "new"
        raise IllegalTransition(f"{event.name} can't happen to a job that is {was}") from None
