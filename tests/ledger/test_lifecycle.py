"""The life of a job: the table keeps the design's rules."""

from __future__ import annotations

from remote_video_pack.remote_video.ledger.lifecycle import (
    FORGETTABLE,
    ON_RUN,
    STANDS_FOR_MONEY,
    TRANSITIONS,
    Action,
    Event,
    IllegalTransition,
    State,
    advance,
)

PAID = {State.SUBMITTED, State.FINISHED, State.STORED}
"""A clip exists or is on its way, and it is paid for."""
NO_JOB_BRINGS_A_CLIP = {None, State.REFUSED, State.FAILED, State.CANCELLED}
"""Nothing was accepted, or what was accepted has ended without a clip."""
LIFE = """
-          begin        intent
intent     accepted     submitted
intent     turned_down  refused
intent     lost         uncertain
submitted  succeeded    finished
submitted  failed       failed
submitted  cancelled    cancelled
submitted  not_found    expired
finished   stored       stored
finished   not_found    expired
stored     file_missing finished
refused    begin        intent
failed     begin        intent
cancelled  begin        intent
uncertain  accepted     submitted
uncertain  turned_down  refused
expired    found        submitted
"""
"""From, event, to: written out here, as the design has it."""


def test_a_job_goes_the_ways_of_the_design_and_no_other():
    ways = {}
    for state in (None, *State):
        for event in Event:
            try:
                ways[state, event] = advance(state, event)
            except IllegalTransition as refusal:
                assert "can't happen" in str(refusal)
    told = [line.split() for line in LIFE.strip().splitlines()]
    named = {name.lower(): state for name, state in State.__members__.items()} | {"-": None}
    assert ways == {(named[state], Event[event.upper()]): named[after] for state, event, after in told}


def test_every_state_has_its_line_in_every_table():
    assert set(TRANSITIONS) == set(ON_RUN) == {None, *State}
    assert all(state.sentence for state in State)


def test_a_submission_may_leave_only_where_certainly_no_clip_can_come_of_an_earlier_one():
    assert {state for state, events in TRANSITIONS.items() if Event.BEGIN in events} == NO_JOB_BRINGS_A_CLIP
    assert {state for state, what in ON_RUN.items() if what is Action.SUBMIT} == NO_JOB_BRINGS_A_CLIP


def test_nothing_but_the_provider_ends_a_job_that_is_paid_for():
    told_by_provider = {Event.FAILED, Event.CANCELLED, Event.NOT_FOUND}
    for state in PAID:
        out = {event for event, after in TRANSITIONS[state].items() if after not in PAID}
        assert out <= told_by_provider
        assert Event.BEGIN not in TRANSITIONS[state]


def test_only_an_answer_or_the_user_gets_a_job_out_of_uncertainty():
    assert set(TRANSITIONS[State.UNCERTAIN]) == {Event.ACCEPTED, Event.TURNED_DOWN}
    assert ON_RUN[State.UNCERTAIN] is Action.ASK_USER
    assert ON_RUN[State.INTENT] is Action.ASK_USER


def test_every_job_can_come_to_an_end_the_user_can_act_on():
    """From every state some events lead to a saved clip, or to one where Run submits anew or the user may forget."""
    ends = {State.STORED} | FORGETTABLE
    good = set(ends)
    while grown := {state for state, out in TRANSITIONS.items() if set(out.values()) & good} - good:
        good |= grown
    assert good >= {None, *State}


def test_what_is_paid_for_and_can_still_bring_a_clip_is_never_forgotten():
    assert not FORGETTABLE & (PAID | {State.INTENT})


def test_what_run_does_for_a_job_that_is_paid_for_is_free():
    assert {ON_RUN[state] for state in PAID} == {Action.FOLLOW, Action.FETCH, Action.REUSE}


def test_what_is_paid_for_or_may_be_stands_for_money():
    """Written out, not derived: whatever is missing here is paid for again under a regenerated key."""
    expected = {State.INTENT, State.SUBMITTED, State.FINISHED, State.STORED, State.UNCERTAIN, State.EXPIRED}
    assert expected == STANDS_FOR_MONEY
    assert {None, *State} - expected == NO_JOB_BRINGS_A_CLIP
