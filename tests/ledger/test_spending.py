"""What counts as spent, and the budget that is held in the transaction that begins a job."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from remote_video_pack.remote_video.budget import Budget, Period
from remote_video_pack.remote_video.errors import Billed, BudgetReached
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.spending import Spent

from .rows import JOB, KEY, ME, begun, job_in, key_of, sql

PRICED = replace(JOB, estimate_usd=1.0, request_digest="")
ASSUMED = replace(JOB, assumed_usd=2.0, request_digest="")
UNPRICED = replace(JOB, request_digest="")
TEN = Budget(day_usd=10.0)
DAY = Period.now("day")


@pytest.fixture
def ledger(home, url) -> Ledger:
    return Ledger(home, url=url)


def try_to_begin(ledger: Ledger, number: int, job=PRICED, budget=TEN) -> bool:
    lease = ledger.acquire(key_of(number), ME)
    try:
        ledger.begin(lease, job, budget)
    except BudgetReached:
        return False
    return True


@pytest.mark.parametrize("state", State)
def test_a_job_counts_unless_it_certainly_costs_nothing(ledger, state):
    job_in(ledger, state, job=PRICED)
    counts = state not in (State.REFUSED, State.CANCELLED)
    assert ledger.spent(DAY) == (Spent(expected_usd=1.0, jobs=1) if counts else Spent())


@pytest.mark.parametrize("state", [State.FINISHED, State.STORED, State.FAILED, State.CANCELLED])
@pytest.mark.parametrize("cost", [0.0, 0.25])
def test_what_the_provider_says_counts_in_place_of_an_estimate(ledger, state, cost):
    lease = job_in(ledger, state, job=PRICED)
    ledger.note(lease, cost_usd=cost)
    jobs = int(state is not State.CANCELLED or cost > 0)
    assert ledger.spent(DAY) == Spent(usd=cost, jobs=jobs)


def test_without_an_estimate_what_is_assumed_counts_and_is_no_estimate(ledger):
    begun(ledger, key_of(1), ASSUMED)
    begun(ledger, key_of(2), UNPRICED)
    assert ledger.spent(DAY) == Spent(expected_usd=2.0, unknown=1, jobs=2)
    assert [spent for _, _, spent in ledger.spendings()] == [Spent(unknown=1, jobs=1)] * 2


def test_sandbox_jobs_are_no_money(ledger):
    for number, job in enumerate((replace(PRICED, base="sandbox"), replace(PRICED, stand_in=1))):
        ledger.note(job_in(ledger, State.STORED, key_of(number), job), cost_usd=1.8)
        assert ledger.get(key_of(number)).sandbox
    assert ledger.spent(DAY) == Spent()
    assert ledger.spendings() == []


def test_a_failed_attempt_that_cost_something_is_not_forgotten_when_it_is_run_again(ledger):
    lease = job_in(ledger, State.FAILED, job=PRICED)
    ledger.note(lease, cost_usd=0.4)
    assert ledger.begin(lease, PRICED, TEN).earlier_usd == 0.4
    assert ledger.spent(DAY) == Spent(usd=0.4, expected_usd=1.0, jobs=1)
    ledger.accepted(KEY, PRICED, "an id")
    ledger.record(lease, Event.FAILED)
    assert ledger.begin(lease, PRICED, TEN).earlier_usd == 1.4, "whether the second was billed is not known"


def test_a_refused_attempt_costs_nothing_when_it_is_tried_again(ledger):
    lease = job_in(ledger, State.REFUSED, job=PRICED)
    assert ledger.begin(lease, PRICED, TEN).earlier_usd is None


# -- the cap -----------------------------------------------------------------------------------------------------------


def test_what_fits_is_begun_and_no_more(ledger):
    begun_ones = [try_to_begin(ledger, number, replace(PRICED, estimate_usd=0.1), Budget(0.3)) for number in range(5)]
    assert begun_ones == [True, True, True, False, False], "three tenths are three tenths"
    assert len(ledger.recent()) == 3


def test_threads_that_begin_jobs_together_do_not_overshoot(ledger):
    """Those that wait for each other's commit share a transaction."""
    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(lambda number: try_to_begin(ledger, number), range(40))) == 10


def test_nor_do_those_at_several_providers(ledger):
    jobs = [replace(PRICED, base=f"https://provider-{number % 8}.example") for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda number: try_to_begin(ledger, number, jobs[number]), range(40))) == 10


def test_the_error_says_which_budget_what_is_spent_what_it_costs_when_it_opens_and_how_to_raise_it(ledger):
    ledger.note(job_in(ledger, State.STORED, key_of(1), PRICED), cost_usd=9.5)
    lease = ledger.acquire(KEY, ME)
    with pytest.raises(BudgetReached) as told:
        ledger.begin(lease, PRICED, Budget(day_usd=50.0, month_usd=10.0))
    words = str(told.value)
    opens = Period.now("month").until
    for part in ("This month's budget is $10.00", "$9.50 of it", "about $1.00", "REMOTE_VIDEO_BUDGET_USD_MONTH"):
        assert part in words
    assert f"{opens:%Y-%m-%d} at 00:00" in words
    assert told.value.billed is Billed.NO
    assert ledger.get(KEY) is None, "nothing is left of it"
    assert ledger.afford(PRICED, Budget(day_usd=10.5)) is None
    with pytest.raises(BudgetReached):
        ledger.afford(PRICED, Budget(day_usd=10.0))


def test_a_clip_that_costs_more_than_the_whole_budget_is_not_told_to_wait(ledger):
    with pytest.raises(BudgetReached, match=r"budget is \$0\.50") as told:
        ledger.afford(PRICED, Budget(day_usd=0.5))
    assert "opens again" not in str(told.value)


def test_what_was_spent_before_the_period_does_not_count(ledger):
    job_in(ledger, State.STORED, key_of(1), PRICED)
    sql(ledger, "UPDATE jobs SET created_at = ?", DAY.since - 1)
    assert ledger.spent(DAY) == Spent()
    sql(ledger, "UPDATE jobs SET created_at = ?", DAY.since)
    assert ledger.spent(DAY).jobs == 1, "its first moment is of the day"
    sql(ledger, "UPDATE jobs SET created_at = ?", time.time() + 86400)
    assert ledger.spent(DAY).jobs == 1, "a clock that was set back opens no budget"


def test_an_unknown_price_needs_an_allowance(ledger):
    with pytest.raises(BudgetReached, match="not known") as told:
        ledger.afford(UNPRICED, TEN)
    assert "REMOTE_VIDEO_UNKNOWN_PRICE_USD" in str(told.value)
    assert ledger.afford(UNPRICED, Budget()) is None
    assert ledger.afford(ASSUMED, TEN) is None


def test_jobs_of_before_whose_price_nobody_knows_need_one_too(ledger):
    for number in range(2):
        begun(ledger, key_of(number), UNPRICED)
    with pytest.raises(BudgetReached, match="of 2 job") as told:
        ledger.afford(PRICED, TEN)
    assert "REMOTE_VIDEO_UNKNOWN_PRICE_USD" in str(told.value)
    assert ledger.afford(PRICED, replace(TEN, unknown_price_usd=4.5)) is None
    with pytest.raises(BudgetReached, match=r"\$9\.20 of it"):
        ledger.afford(PRICED, replace(TEN, unknown_price_usd=4.6))


def test_a_budget_can_be_tried_at_a_stand_in_whose_jobs_do_not_eat_into_it(ledger):
    make_believe = replace(PRICED, stand_in=1)
    assert sum(try_to_begin(ledger, number, make_believe) for number in range(12)) == 10
    assert sum(try_to_begin(ledger, 100 + number) for number in range(12)) == 10
    assert all(try_to_begin(ledger, 200 + number, replace(PRICED, base="sandbox")) for number in range(12))
