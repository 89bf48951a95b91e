"""The life of a job: the table keeps the design's rules, and the ledger on disk never leaves the table."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from counts import count
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from remote_video_pack.remote_video.jobs import lifecycle
from remote_video_pack.remote_video.jobs.ledger import ClaimLost, Ledger
from remote_video_pack.remote_video.jobs.lifecycle import (
    FORGETTABLE,
    ON_RUN,
    TRANSITIONS,
    Event,
    IllegalTransition,
    Run,
    State,
    advance,
)
from remote_video_pack.remote_video.jobs.owner import new_owner, retire
from remote_video_pack.remote_video.jobs.record import NewJob

PAID = {State.SUBMITTED, State.FINISHED, State.STORED}
"""A clip exists or is on its way, and it is paid for."""
NO_JOB_BRINGS_A_CLIP = {None, State.REFUSED, State.FAILED, State.CANCELLED}
"""Nothing was accepted, or what was accepted has ended without a clip."""
PAIRS = [(state, event) for state in (None, *State) for event in Event]


def name(pair: tuple[State | None, Event]) -> str:
    state, event = pair
    return f"{state.value if state else 'new'}-{event.value}"


@pytest.mark.parametrize("pair", PAIRS, ids=name)
def test_a_transition_is_in_the_table_or_raises(pair: tuple[State | None, Event]):
    state, event = pair
    if event in TRANSITIONS[state]:
        assert isinstance(advance(state, event), State)
    else:
        with pytest.raises(IllegalTransition, match="can't happen"):
            advance(state, event)


def test_every_state_has_its_line_in_every_table():
    assert set(TRANSITIONS) == set(ON_RUN) == {None, *State}
    assert all(state.sentence for state in State)


def test_a_submission_may_leave_only_where_certainly_no_clip_can_come_of_an_earlier_one():
    assert {state for state, events in TRANSITIONS.items() if Event.BEGIN in events} == NO_JOB_BRINGS_A_CLIP
    assert {state for state, what in ON_RUN.items() if what is Run.SUBMIT} == NO_JOB_BRINGS_A_CLIP


def test_nothing_but_the_provider_ends_a_job_that_is_paid_for():
    told_by_provider = {Event.FAILED, Event.CANCELLED, Event.GONE}
    for state in PAID:
        out = {event for event, after in TRANSITIONS[state].items() if after not in PAID}
        assert out <= told_by_provider
        assert Event.BEGIN not in TRANSITIONS[state]


def test_only_an_answer_or_the_user_gets_a_job_out_of_uncertainty():
    assert set(TRANSITIONS[State.UNCERTAIN]) == {Event.ACCEPTED, Event.TURNED_DOWN}
    assert ON_RUN[State.UNCERTAIN] is Run.ASK_USER
    assert ON_RUN[State.INTENT] is Run.ASK_USER


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
    assert {ON_RUN[state] for state in PAID} == {Run.FOLLOW, Run.FETCH, Run.REUSE}


# -- the ledger on disk, under events in any order ---------------------------------------------------------------------

KEYS = [letter * 64 for letter in "abc"]
JOB = NewJob("RunComfy", "https://model-api.runcomfy.net", "google-deepmind/veo-3/image-to-video", "Veo 3", 1)


@dataclass
class Expected:
    """What the ledger has to say of one key."""

    state: State | None = None
    attempt: int = 0
    request_id: str | None = None
    begun: int = 0
    """Submissions that were let out, ever."""
    lost: int = 0
    """Of those, how many ended without a clip, were refused, or were given up by the user."""
    owner: str | None = None
    facts: dict[str, object] = field(default_factory=dict)


class LedgerLife(RuleBasedStateMachine):
    """Runs of several owners do to the ledger file whatever comes, in any order."""

    owners = Bundle("owners")

    @initialize()
    def begin_with_an_empty_home(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="ledger-life-"))
        self.ledger = Ledger(self.home)
        self.expected = {key: Expected() for key in KEYS}
        self.retired: set[str] = set()
        self.ids = 0

    @rule(target=owners)
    def a_run_begins(self) -> str:
        return new_owner()

    @rule(owner=owners)
    def a_run_ends(self, owner: str) -> None:
        retire(owner)
        self.retired.add(owner)

    @rule(key=st.sampled_from(KEYS), owner=owners)
    def a_run_wants_the_job(self, key: str, owner: str) -> None:
        expected = self.expected[key]
        free = expected.owner in (None, owner) or expected.owner in self.retired
        assert self.ledger.claim(key, owner) is free
        if free:
            expected.owner = owner

    @rule(key=st.sampled_from(KEYS), owner=owners)
    def a_run_lets_go(self, key: str, owner: str) -> None:
        self.ledger.release(key, owner)
        if self.expected[key].owner == owner:
            self.expected[key].owner = None

    @rule(key=st.sampled_from(KEYS), owner=owners)
    def a_submission_is_about_to_leave(self, key: str, owner: str) -> None:
        expected = self.expected[key]
        if expected.owner != owner:
            with pytest.raises(ClaimLost):
                self.ledger.begin(key, JOB, owner)
        elif expected.state not in NO_JOB_BRINGS_A_CLIP:
            with pytest.raises(IllegalTransition):
                self.ledger.begin(key, JOB, owner)
        else:
            expected.lost += expected.state is not None
            record = self.ledger.begin(key, JOB, owner)
            expected.attempt, expected.begun = expected.attempt + 1, expected.begun + 1
            expected.state, expected.request_id = State.INTENT, None
            assert (record.attempt, record.request_id, record.path, record.error) == (
                expected.attempt,
                None,
                None,
                None,
            )

    @rule(key=st.sampled_from(KEYS), event=st.sampled_from([e for e in Event if e is not Event.BEGIN]))
    def something_happens(self, key: str, event: Event) -> None:
        expected = self.expected[key]
        if expected.state is None:
            return
        self.ids += 1
        facts = {"request_id": f"r-{self.ids}"} if event is Event.ACCEPTED else {"error": event.value}
        before = self.ledger.get(key)
        if event not in TRANSITIONS[expected.state]:
            with pytest.raises(IllegalTransition):
                self.ledger.record(key, event, **facts)
            assert self.ledger.get(key) == before
            return
        record = self.ledger.record(key, event, **facts)
        expected.state = lifecycle.TRANSITIONS[expected.state][event]
        expected.request_id = facts.get("request_id", expected.request_id)
        assert record == self.ledger.get(key)

    @rule(key=st.sampled_from(KEYS))
    def an_answer_comes_late(self, key: str) -> None:
        """It is about a request id from before; nothing changes."""
        before = self.ledger.get(key)
        if before is not None:
            assert self.ledger.record(key, Event.CANCELLED, about="r-of-long-ago") == before
            assert self.ledger.get(key) == before

    @rule(key=st.sampled_from(KEYS))
    def the_user_forgets_a_job(self, key: str) -> None:
        expected = self.expected[key]
        worked_on = expected.owner is not None and expected.owner not in self.retired
        may = expected.state in FORGETTABLE and not worked_on
        assert self.ledger.forget(key) is may
        if may:
            expected.lost += 1
            expected.state, expected.attempt, expected.request_id = None, 0, None

    @rule()
    def the_process_starts_again(self) -> None:
        """Another look at the same file: nothing lives in memory alone."""
        self.ledger = Ledger(self.home)

    @invariant()
    def the_file_says_what_was_done(self) -> None:
        for key, expected in self.expected.items():
            record = self.ledger.get(key)
            assert (record.state if record else None) is expected.state
            if record is not None:
                assert (record.attempt, record.request_id) == (expected.attempt, expected.request_id)

    @invariant()
    def at_most_one_submission_per_key_can_still_bring_a_clip(self) -> None:
        for expected in self.expected.values():
            assert expected.begun - expected.lost <= 1

    @invariant()
    def an_accepted_job_has_its_id(self) -> None:
        for expected in self.expected.values():
            assert expected.state not in PAID or expected.request_id

    @invariant()
    def the_panel_lists_every_job_once(self) -> None:
        known = {key for key, expected in self.expected.items() if expected.state is not None}
        assert sorted(job.key for job in self.ledger.recent()) == sorted(known)

    def teardown(self) -> None:
        if not hasattr(self, "home"):
            return
        with sqlite3.connect(self.ledger.path) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        file.close()
        shutil.rmtree(self.home, ignore_errors=True)
        count("random lives of the ledger")


LIVES = 2000 if os.environ.get("REMOTE_VIDEO_SOAK") else 50
LedgerLife.TestCase.settings = settings(
    max_examples=LIVES, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLedgerLife = LedgerLife.TestCase
