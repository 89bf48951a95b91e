"""One engine works on a job for as long as it is heard of, whatever the clocks say."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from remote_video_pack.remote_video.ledger import postgres, sqlite_file
from remote_video_pack.remote_video.ledger.ledger import Forgotten, Lease, Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.neighbours import Neighbours
from remote_video_pack.remote_video.timeouts import Timeouts

from .rows import HASTY, JOB, KEY, ME, ON_SQLITE, OTHER, begun, job_in, key_of, sql

USUAL = Timeouts()
LONG = Timeouts(lease=3.2, heartbeat_seen=2.4)
"""For a holder that must not miss its time, on a machine that stands still for a while."""
HOUR = 3600.0
LONG_AFTER = 20 * HASTY.lease


@contextmanager
def beating(ledger: Ledger, engine_id: str, spoil: Callable[[], object] = lambda: None) -> Iterator[None]:
    """An engine that is heard of every now and then; `spoil` follows each heartbeat."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HASTY.heartbeat_seen / 15):
            ledger.heartbeat(engine_id)
            spoil()

    heart = threading.Thread(target=beat)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join()


def seconds_until_acquired(ledger: Ledger, engine_id: str, within: float = LONG_AFTER) -> float | None:
    begin = time.monotonic()
    while time.monotonic() < begin + within:
        if ledger.acquire(KEY, engine_id):
            return time.monotonic() - begin
        time.sleep(0.01)
    return None


@pytest.fixture
def ledger(home, url) -> Ledger:
    return Ledger(home, HASTY, url)


# -- when an engine is gone: the rule by itself ------------------------------------------------------------------------


class Clocks:
    """A wall clock, and one that only goes on."""

    def __init__(self) -> None:
        self.monotonic, self.wall = 1000.0, 1_700_000_000.0
        self.neighbours = Neighbours(lambda: self.monotonic, lambda: self.wall)

    def wait(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds

    def is_gone(self, beats: int, heard_at: float) -> bool:
        return not self.neighbours.alive([("engine", beats, heard_at)], USUAL)

    def gone_after(self, heard_at: float, within: float = 10 * USUAL.lease) -> float | None:
        """Look each half second at an engine that was last heard of then."""
        begin = self.monotonic
        while self.monotonic < begin + within:
            if self.is_gone(7, heard_at):
                return self.monotonic - begin
            self.wait(0.5)
        return None


def test_an_engine_that_falls_silent_is_gone_after_a_lease():
    clocks = Clocks()
    assert clocks.gone_after(clocks.wall) == USUAL.lease


def test_an_engine_that_died_long_ago_is_not_waited_for_a_whole_lease():
    clocks = Clocks()
    assert clocks.gone_after(clocks.wall - HOUR) == USUAL.heartbeat_seen


def test_the_short_look_is_longer_than_a_heartbeat():
    assert USUAL.heartbeat < USUAL.heartbeat_seen < USUAL.lease


@pytest.mark.parametrize("ahead", [-24 * HOUR, -HOUR, HOUR, 24 * HOUR])
def test_an_engine_with_a_wrong_clock_lives_as_long_as_it_is_heard_of(ahead):
    clocks = Clocks()
    for beats in range(60):
        for _ in range(4):
            assert not clocks.is_gone(beats, clocks.wall + ahead)
            clocks.wait(0.5)


@pytest.mark.parametrize("set_by", [-24 * HOUR, HOUR, 24 * HOUR])
def test_a_clock_that_is_set_here_makes_nobody_dead(set_by):
    clocks = Clocks()
    assert not clocks.is_gone(1, clocks.wall)
    clocks.wait(1.0)
    heard_at, clocks.wall = clocks.wall, clocks.wall + set_by
    assert not clocks.is_gone(1, heard_at)
    clocks.wait(1.0)
    assert not clocks.is_gone(2, heard_at)


def test_a_dead_engine_whose_clock_was_ahead_is_gone_after_a_lease():
    clocks = Clocks()
    assert clocks.gone_after(clocks.wall + 24 * HOUR) == USUAL.lease


def test_who_slept_gives_the_others_a_chance_to_be_heard_of():
    """A laptop's lid: both slept, and the first look comes before the other's next heartbeat."""
    clocks = Clocks()
    assert not clocks.is_gone(7, clocks.wall)
    heard_at = clocks.wall
    clocks.wait(8 * HOUR)
    assert clocks.gone_after(heard_at) == USUAL.heartbeat_seen


def test_what_was_seen_of_engines_that_are_no_longer_there_is_dropped():
    clocks = Clocks()
    for number in range(100):
        clocks.neighbours.alive([(f"engine-{number}", 1, 0.0)], USUAL)
    assert len(clocks.neighbours._seen) == 1


def test_an_engine_that_was_given_up_and_comes_back_gets_a_whole_lease():
    """With as many heartbeats as before: it is new to the ledger, too."""
    clocks = Clocks()
    assert clocks.gone_after(clocks.wall)
    assert clocks.gone_after(clocks.wall) == USUAL.lease


# -- leases in the ledger ----------------------------------------------------------------------------------------------


def test_a_job_is_one_engine_s_at_a_time(ledger):
    lease = ledger.acquire(KEY, ME)
    assert lease == Lease(KEY, ME, lease.fence)
    assert ledger.acquire(KEY, OTHER) is None
    assert ledger.acquire(key_of(1), OTHER)
    ledger.release(lease)
    assert ledger.acquire(KEY, OTHER).fence > lease.fence


def test_of_many_that_want_a_job_at_once_one_gets_it(home, url):
    together, got = threading.Barrier(8), []

    def want(engine_id: str) -> None:
        ledger = Ledger(home, url=url)
        together.wait()
        if lease := ledger.acquire(KEY, engine_id):
            got.append(lease)

    threads = [threading.Thread(target=want, args=(f"engine-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_a_lease_is_not_taken_over_while_its_holder_is_heard_of(home, url):
    ledger = Ledger(home, LONG, url)
    lease = begun(ledger)
    with beating(ledger, ME):
        assert seconds_until_acquired(ledger, OTHER, within=1.2 * LONG.lease) is None
        assert ledger.interrupted() == []
        assert ledger.forget(KEY) is Forgotten.IN_USE
        ledger.heartbeat(OTHER)
    ledger.note(lease, cost_usd=1.0)


@ON_SQLITE
@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
def test_whatever_time_a_heartbeat_bears_it_counts_and_no_other_does(home, url, hours):
    ledger = Ledger(home, LONG, url)

    def set_clock() -> None:
        sql(ledger, "UPDATE engines SET heard_at = ? WHERE id = ?", time.time() + hours * HOUR, ME)

    ledger.acquire(KEY, ME)
    set_clock()
    with beating(ledger, ME, spoil=set_clock):
        assert seconds_until_acquired(ledger, OTHER, within=1.2 * LONG.lease) is None
    assert seconds_until_acquired(ledger, OTHER) is not None


def test_a_silent_holder_s_lease_is_taken_over_and_not_before_its_time(ledger):
    begin = time.monotonic()
    ledger.acquire(KEY, ME)
    assert seconds_until_acquired(ledger, OTHER) is not None
    assert time.monotonic() - begin >= HASTY.lease


def test_what_is_seen_of_an_engine_is_known_to_each_ledger_object_of_the_process(home, url):
    """They are made for a call each; none of them lives long enough to see an engine die."""
    Ledger(home, HASTY, url).acquire(KEY, ME)
    end = time.monotonic() + LONG_AFTER
    while not Ledger(home, HASTY, url).acquire(KEY, OTHER):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_holder_whose_engine_nobody_knows_is_gone_at_once(ledger):
    ledger.acquire(KEY, ME)
    sql(ledger, "DELETE FROM engines")
    assert ledger.holder(KEY) is None
    assert ledger.acquire(KEY, OTHER)


def test_an_engine_that_ends_in_order_is_not_waited_for(ledger):
    ledger.acquire(KEY, ME)
    ledger.acquire(key_of(1), ME)
    kept = ledger.acquire(key_of(2), OTHER)
    ledger.retire(ME)
    assert ledger.acquire(KEY, OTHER)
    assert ledger.acquire(key_of(1), OTHER)
    ledger.begin(kept, JOB)


def test_an_engine_with_many_jobs_has_one_heart(ledger):
    for number in range(20):
        ledger.acquire(key_of(number), ME)
    ledger.heartbeat(ME)
    ledger.heartbeat(ME)
    assert sql(ledger, "SELECT id, beats FROM engines") == [(ME, 2)]


def test_an_engine_is_heard_of_before_its_first_job_and_after_it_was_given_up(ledger):
    ledger.heartbeat(OTHER)
    assert sql(ledger, "SELECT id FROM engines") == [(OTHER,)]
    sql(ledger, "DELETE FROM engines")
    ledger.heartbeat(OTHER)
    assert sql(ledger, "SELECT id FROM engines") == [(OTHER,)]


def test_a_waiter_is_told_who_has_the_job_and_since_when(ledger):
    assert ledger.holder(KEY) is None
    lease = ledger.acquire(KEY, "0123456789abcdef")
    holder = ledger.holder(KEY)
    assert holder.engine_id == "01234567"
    assert holder.since == pytest.approx(time.time(), abs=60)
    ledger.release(lease)
    assert ledger.holder(KEY) is None


def test_a_job_whose_engine_died_in_the_middle_of_its_submission_is_found(ledger):
    begun(ledger)
    job_in(ledger, State.SUBMITTED, key_of(1))
    begun(ledger, key_of(2), engine_id=OTHER)
    assert ledger.interrupted() == []
    with beating(ledger, OTHER):
        end = time.monotonic() + LONG_AFTER
        while not (found := ledger.interrupted()):
            assert time.monotonic() < end
            time.sleep(0.01)
        assert [job.key for job in found] == [KEY]


def test_engines_that_are_gone_are_cleared_up_with_their_leases(ledger):
    lost = begun(ledger)
    with beating(ledger, OTHER):
        kept = ledger.acquire(key_of(1), OTHER)
        end = time.monotonic() + LONG_AFTER
        while len(sql(ledger, "SELECT id FROM engines")) > 1:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert sql(ledger, "SELECT engine_id, fence FROM leases ORDER BY key") == [
            (OTHER, kept.fence),
            (None, lost.fence),
        ]


@contextmanager
def all_locks_taken(ledger: Ledger) -> Iterator[None]:
    """Whatever other threads may be at."""
    database = ledger._database
    if isinstance(database, postgres.Postgres):
        with postgres._lock, database._opening, database.engine.connect():
            yield
    else:
        file = sqlite_file.in_process(Path(ledger.name))
        with sqlite_file._lock, file.opening, file.writing, file.neighbours._lock:
            yield


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_may_use_the_ledger_whatever_its_parent_was_at(home, url):
    ledger = Ledger(home, Timeouts(), url)
    ledger.acquire(KEY, ME)
    with all_locks_taken(ledger):
        child = os.fork()
        if child == 0:
            try:
                in_child = Ledger(home, Timeouts(), url)
                ok = in_child.acquire(key_of(1), OTHER) and in_child.acquire(KEY, OTHER) is None
                os._exit(0 if ok else 1)
            finally:
                os._exit(2)
    end = time.monotonic() + 20
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the child waits for a lock of its parent's")
        time.sleep(0.02)
    assert os.waitstatus_to_exitcode(ended[1]) == 0
    assert ledger.acquire(key_of(2), ME), "and the child's end closed nothing of its parent's"


def test_a_ledger_in_a_copied_home_has_no_ties_to_the_first(home, tmp_path):
    """The holder in the copy is nobody who is ever heard of there, though it lives where it was copied from."""
    first = Ledger(home, HASTY)
    first.acquire(KEY, ME)
    copied_home = tmp_path / "copy"
    copied_home.mkdir()
    sql(first.name, "VACUUM INTO ?", str(copied_home / Path(first.name).name))
    with beating(first, ME):
        assert seconds_until_acquired(Ledger(copied_home, HASTY), OTHER) is not None
        assert first.acquire(KEY, OTHER) is None
