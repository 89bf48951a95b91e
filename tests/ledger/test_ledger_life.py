"""A ledger under any events, in a file and in PostgreSQL: it never leaves its table, and no late writer gets in."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from counts import count
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from remote_video_pack.remote_video.ledger import postgres, sqlite_file
from remote_video_pack.remote_video.ledger.ledger import Forgotten, Lease, LeaseLost, Ledger
from remote_video_pack.remote_video.ledger.lifecycle import FORGETTABLE, TRANSITIONS, Event, IllegalTransition, State
from remote_video_pack.remote_video.ledger.neighbours import Neighbours
from remote_video_pack.remote_video.timeouts import DEFAULT_TIMEOUTS

from .rows import JOB, as_after_a_restart, emptied, sql

KEYS = [letter * 64 for letter in "ab"]
ENGINES = ["engine-one", "engine-two", "engine-three"]
PAID = {State.SUBMITTED, State.FINISHED, State.STORED}
NO_JOB_BRINGS_A_CLIP = {None, State.REFUSED, State.FAILED, State.CANCELLED}
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where a commit costs no wait for a disk: a failure is reported after thousands of lives."""
HAPPENINGS = [event for event in Event if event not in (Event.BEGIN, Event.ACCEPTED)]


@dataclass
class Expected:
    """What the ledger has to say of one key."""

    state: State | None = None
    attempt: int = 0
    request_id: str | None = None
    begun: int = 0
    """Submissions that were let out, ever."""
    ended: int = 0
    """Of those, how many ended without a clip, were refused, or were given up by the user."""
    lease: Lease | None = None
    fence: int = 0


class LedgerLife(RuleBasedStateMachine):
    """Engines do to the ledger whatever comes, in any order."""

    leases = Bundle("leases")

    @initialize()
    def begin_with_an_empty_ledger(self) -> None:
        self.ledger = self.new_ledger()
        self.expected = {key: Expected() for key in KEYS}
        self.ids = 0

    # -- who works on it -----------------------------------------------------------------------------------------

    @rule(target=leases, key=st.sampled_from(KEYS), engine_id=st.sampled_from(ENGINES))
    def an_engine_wants_the_job(self, key: str, engine_id: str):
        expected = self.expected[key]
        lease = self.ledger.acquire(key, engine_id)
        is_free = expected.lease is None or expected.lease.engine_id == engine_id
        assert (lease is not None) is is_free
        if lease is None:
            return multiple()
        assert lease.fence > expected.fence
        expected.lease, expected.fence = lease, lease.fence
        return lease

    @rule(lease=leases)
    def an_engine_lets_go(self, lease: Lease) -> None:
        self.ledger.release(lease)
        if self.expected[lease.key].lease == lease:
            self.expected[lease.key].lease = None

    @rule(engine_id=st.sampled_from(ENGINES))
    def an_engine_ends(self, engine_id: str) -> None:
        self.ledger.retire(engine_id)
        self._all_lost_by({engine_id})

    @rule(silent=st.sets(st.sampled_from(ENGINES)))
    def a_while_goes_by(self, silent: set[str]) -> None:
        """Longer than a lease; all engines but some are heard of."""
        self.let_a_lease_go_by(sorted(set(ENGINES) - silent))
        self._all_lost_by(silent)

    def _all_lost_by(self, engine_ids: set[str]) -> None:
        for expected in self.expected.values():
            if expected.lease and expected.lease.engine_id in engine_ids:
                expected.lease = None

    # -- what happens to it --------------------------------------------------------------------------------------

    @rule(lease=leases)
    def a_submission_is_about_to_leave(self, lease: Lease) -> None:
        expected = self.expected[lease.key]
        if expected.lease != lease:
            with pytest.raises(LeaseLost):
                self.ledger.begin(lease, JOB)
        elif expected.state not in NO_JOB_BRINGS_A_CLIP:
            with pytest.raises(IllegalTransition):
                self.ledger.begin(lease, JOB)
        else:
            expected.ended += expected.state is not None
            record = self.ledger.begin(lease, JOB)
            expected.attempt, expected.begun = expected.attempt + 1, expected.begun + 1
            expected.state, expected.request_id = State.INTENT, None
            assert (record.attempt, record.request_id, record.error) == (expected.attempt, None, None)

    @rule(key=st.sampled_from(KEYS))
    def an_accepted_id_comes(self, key: str) -> None:
        expected = self.expected[key]
        if expected.state not in (State.INTENT, State.UNCERTAIN):
            return
        self.ids += 1
        record = self.ledger.accepted(key, JOB, f"r-{self.ids}")
        expected.state, expected.request_id = State.SUBMITTED, f"r-{self.ids}"
        assert record == self.ledger.get(key)

    @rule(lease=leases, event=st.sampled_from(HAPPENINGS))
    def something_happens(self, lease: Lease, event: Event) -> None:
        expected = self.expected[lease.key]
        if expected.state is None:
            return
        before = self.ledger.get(lease.key)
        trouble = None
        if expected.lease != lease:
            trouble = LeaseLost
        elif event not in TRANSITIONS[expected.state]:
            trouble = IllegalTransition
        if trouble:
            with pytest.raises(trouble):
                self.ledger.record(lease, event, error="?")
            assert self.ledger.get(lease.key) == before
        else:
            record = self.ledger.record(lease, event, error=event.value)
            expected.state = TRANSITIONS[expected.state][event]
            assert record == self.ledger.get(lease.key)

    @rule(key=st.sampled_from(KEYS))
    def the_user_forgets_a_job(self, key: str) -> None:
        expected = self.expected[key]
        if expected.state is None:
            outcome = Forgotten.NOT_THERE
        elif expected.lease:
            outcome = Forgotten.IN_USE
        else:
            outcome = Forgotten.DONE if expected.state in FORGETTABLE else Forgotten.NOT_FORGETTABLE
        assert self.ledger.forget(key) is outcome
        if outcome is Forgotten.DONE:
            expected.ended += 1
            expected.state, expected.attempt, expected.request_id = None, 0, None

    @rule()
    def the_process_starts_again(self) -> None:
        """Another look at the same ledger: nothing of a job lives in memory alone."""
        self.ledger = self.ledger_of_a_new_process()

    # -- what always holds ---------------------------------------------------------------------------------------

    @invariant()
    def the_ledger_says_what_was_done(self) -> None:
        found = {job.key: (job.state, job.attempt, job.request_id) for job in self.ledger.recent()}
        assert found == {
            key: (expected.state, expected.attempt, expected.request_id)
            for key, expected in self.expected.items()
            if expected.state is not None
        }

    @invariant()
    def at_most_one_submission_per_key_can_still_bring_a_clip(self) -> None:
        for expected in self.expected.values():
            assert expected.begun - expected.ended <= 1

    @invariant()
    def an_accepted_job_has_its_id(self) -> None:
        for expected in self.expected.values():
            assert expected.state not in PAID or expected.request_id

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.end()
            count("random lives of the ledger")


class InAFile(LedgerLife):
    def new_ledger(self) -> Ledger:
        self.home = Path(tempfile.mkdtemp(prefix="ledger-life-", dir=IN_MEMORY))
        ledger = Ledger(self.home)
        self.now = 0.0
        sqlite_file.in_process(Path(ledger.name)).neighbours = Neighbours(lambda: self.now, lambda: self.now)
        return ledger

    def let_a_lease_go_by(self, heard_of: list[str]) -> None:
        for _ in range(3):
            for engine_id in heard_of:
                self.ledger.heartbeat(engine_id)
            self.ledger.heartbeat("a watcher")
            self.now += 0.6 * DEFAULT_TIMEOUTS.lease
        self.now -= 0.6 * DEFAULT_TIMEOUTS.lease

    def ledger_of_a_new_process(self) -> Ledger:
        as_after_a_restart(Path(self.ledger.name))
        return Ledger(self.home)

    def end(self) -> None:
        with closing(sqlite3.connect(self.ledger.name)) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        del sqlite_file._files[Path(self.ledger.name)]
        shutil.rmtree(self.home, ignore_errors=True)


class InPostgres(LedgerLife):
    """The clock is the server's and can't be set: what engines said is made older instead."""

    url = ""

    def new_ledger(self) -> Ledger:
        return emptied(self.url)

    def let_a_lease_go_by(self, heard_of: list[str]) -> None:
        silent = "UPDATE engines SET heard_at = heard_at - ? WHERE NOT id = ANY(?)"
        sql(self.ledger, silent, 1.1 * DEFAULT_TIMEOUTS.lease, heard_of)
        for engine_id in (*heard_of, "a watcher"):
            self.ledger.heartbeat(engine_id)

    def ledger_of_a_new_process(self) -> Ledger:
        for database in list(postgres._databases.values()):
            database.engine.dispose()
        postgres._databases.clear()
        return Ledger(Path(), url=self.url)

    def end(self) -> None:
        """The next life empties it."""


@pytest.fixture(scope="module")
def life_in_postgres(one_ledger: str) -> None:
    InPostgres.url = one_ledger


SOAK = bool(os.environ.get("REMOTE_VIDEO_SOAK"))


def case_of(machine: type[LedgerLife], lives: int) -> type:
    case = machine.TestCase
    case.settings = settings(
        max_examples=lives,
        stateful_step_count=20,
        deadline=None,
        print_blob=True,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
    # Hypothesis may shrink a failure for five minutes before it reports it.
    case.pytestmark = [pytest.mark.timeout(3600 if SOAK else 900)]
    return case


TestLedgerLife = case_of(InAFile, 1000 if SOAK else 60)
TestLedgerLifeInPostgres = case_of(InPostgres, 300 if SOAK else 30)
TestLedgerLifeInPostgres.pytestmark.append(pytest.mark.usefixtures("life_in_postgres"))
