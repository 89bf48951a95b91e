"""Money before a submission: what it will cost, what is left in the account, and the user's own budget."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from remote_video_pack.remote_video.budget import NO_BUDGET, Budget, Budgets, Period
from remote_video_pack.remote_video.catalogue import store
from remote_video_pack.remote_video.catalogue.catalogue import Catalogue
from remote_video_pack.remote_video.errors import BalanceError, Billed, BudgetReached, SettingsError
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.models.request import Request
from remote_video_pack.remote_video.providers.client import SANDBOX_KEY

from ..providers.scripted import Exchange, ScriptedProvider, reply, says
from .one_job import HURRY, SOON_S, RecordingAsker, Setup, until

VEO = {"model_id": "google-deepmind/veo-3/image-to-video", "categories": ["image-to-video"]}
PRICE = 1.2
BALANCE = "/prod/v2/balance"


class Provider(ScriptedProvider):
    """Accepts what it is sent, and says what is left in the account."""

    def __init__(self, balance: Any) -> None:
        super().__init__([self._answer])
        self.balance: Any = balance
        """In USD, or a script."""
        self.accepts = True
        self.status = "in_queue"
        """Of every job."""
        self.answers_posts = threading.Event()
        self.answers_posts.set()

    def _answer(self, exchange: Exchange) -> bool | None:
        if exchange.seen.path == BALANCE:
            script = self.balance if callable(self.balance) else says({"balance_usd": self.balance, "currency": "USD"})
        elif exchange.seen.method == "POST":
            self.answers_posts.wait(SOON_S)
            no = says({"error_code": 422001, "error_message": "No."}, 422)
            script = says({"request_id": f"r-{len(self.requests)}"}, 202) if self.accepts else no
        else:
            script = says({"request_id": exchange.seen.path.split("/")[-2], "status": self.status})
        return script(exchange)

    @property
    def posts(self) -> int:
        return sum(seen.method == "POST" for seen in self.requests)

    @property
    def looks(self) -> int:
        return sum(seen.path == BALANCE for seen in self.requests)


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue that knows what a clip costs."""
    catalogue = Catalogue.of([{**VEO, "base_price_usd": PRICE, "price_unit": "output"}])
    monkeypatch.setattr(store, "known", lambda home, endpoint: catalogue)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider(100.0) as running:
        yield running


@pytest.fixture
def setup(tmp_path: Path, keys: None, provider: Provider) -> Iterator[Setup]:
    elsewhere: Any = type("Elsewhere", (), {"base_urls": {"runcomfy": provider.origin, "cometapi": provider.origin}})
    setup = Setup(elsewhere, tmp_path)
    yield setup
    setup.close()


def submitted(setup: Setup, *seeds: int, asker: RecordingAsker | None = None) -> list[Any]:
    """What came of so many presses on Run at the same time."""
    if asker is None:
        return asyncio.run(setup.submit_many(seeds))

    async def one() -> Any:
        return await (await setup.watch(asker, until_accepted=True, seed=seeds[0])).accepted()

    return [asyncio.run(one())]


def is_accepted(outcome: Any) -> bool:
    return not isinstance(outcome, BaseException)


# -- the balance -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("priced")
def test_a_clip_that_the_account_can_not_pay_for_is_refused_before_anything_is_sent(setup, provider):
    provider.balance = 0.4
    (error,) = submitted(setup, 1)
    assert isinstance(error, BalanceError)
    assert "about $1.20" in error.what and "$0.40" in error.what
    assert (error.billed, provider.posts) == (Billed.NO, 0)
    assert Ledger(setup.home).recent() == []
    provider.balance = 1.2
    assert is_accepted(*submitted(setup, 1)), "who runs again after a top-up is asked for anew"


@pytest.mark.usefixtures("priced")
def test_what_it_will_cost_is_said_while_it_is_submitted_and_kept(setup):
    asker = RecordingAsker()
    submitted(setup, 1, asker=asker)
    assert asker.heard("submitting, about $1.20")
    (job,) = Ledger(setup.home).recent()
    assert (job.estimate_usd, job.assumed_usd, job.sandbox) == (PRICE, None, False), "what is known is not assumed"


def test_without_a_known_price_the_balance_is_not_asked_and_nothing_is_said(setup, provider):
    provider.balance, asker = 0.0, RecordingAsker()
    submitted(setup, 1, asker=asker)
    assert (provider.looks, asker.heard("$")) == (0, False)
    assert Ledger(setup.home).recent()[0].estimate_usd is None


@pytest.mark.usefixtures("priced")
@pytest.mark.parametrize(
    "answer",
    [
        reply(500, b"no"),
        reply(404, b"<html>"),
        says({"error_code": 400004}, 401),
        says({"balance_usd": 0.1, "currency": "EUR"}),
        says({"balance_usd": {}}),
        lambda exchange: exchange.reset(),
    ],
    ids=["500", "404", "401", "another currency", "no number", "reset"],
)
def test_a_balance_that_can_not_be_had_blocks_no_run(setup, provider, answer):
    provider.balance = answer
    assert is_accepted(*submitted(setup, 1))


@pytest.mark.usefixtures("priced")
def test_a_balance_that_does_not_come_is_not_waited_for(setup, provider):
    setup = replace(setup, timeouts=replace(HURRY, balance=0.05))
    provider.balance = lambda exchange: exchange.connection.recv(1) and None
    assert all(map(is_accepted, submitted(setup, 1, 2)))
    assert provider.looks == 1


@pytest.mark.usefixtures("priced")
def test_under_a_budget_an_unknown_balance_is_said(setup, provider):
    setup = replace(setup, more={"budget": Budget(day_usd=10.0)})
    provider.balance, asker = reply(500, b"no"), RecordingAsker()
    assert is_accepted(*submitted(setup, 1, asker=asker))
    assert asker.heard("account has left is not known") and asker.heard("budget is held")


@pytest.mark.usefixtures("priced")
def test_it_is_asked_once_for_many_jobs_which_draw_on_it_together(setup, provider):
    provider.balance = 3 * PRICE
    outcomes = submitted(setup, *range(8))
    assert sum(map(is_accepted, outcomes)) == provider.posts == 3
    errors = [error for error in outcomes if not is_accepted(error)]
    assert {type(error) for error in errors} == {BalanceError}
    assert all("$3.60, $3.60 of it for clips that were just begun" in error.what for error in errors)
    assert provider.looks == 1


@pytest.mark.usefixtures("priced")
def test_the_next_answer_knows_of_what_was_accepted(setup, provider):
    setup = replace(setup, timeouts=replace(HURRY, balance_kept=0.0))
    provider.balance = PRICE
    assert all(is_accepted(*submitted(setup, seed)) for seed in range(3))
    assert provider.looks >= 3


@pytest.mark.usefixtures("priced")
async def test_a_job_that_is_submitted_again_is_drawn_again_until_it_is_accepted(setup, provider):
    setup = replace(setup, timeouts=replace(HURRY, balance_kept=0.0))
    provider.balance, provider.status = PRICE, "cancelled"
    assert is_accepted(*await setup.submit_many([1]))
    await until(lambda: not setup.engine.jobs, "the job to be cancelled")
    provider.answers_posts.clear()
    again = asyncio.create_task(setup.submit_many([1]))
    await until(lambda: provider.posts == 2, "its second submission")
    (other,) = await setup.submit_many([2])
    provider.answers_posts.set()
    assert isinstance(other, BalanceError)
    assert is_accepted(*await again)
    assert provider.posts == 2


@pytest.mark.usefixtures("priced")
def test_what_was_refused_is_not_drawn(setup, provider):
    provider.balance, provider.accepts = PRICE, False
    assert not is_accepted(*submitted(setup, 1))
    provider.accepts = True
    assert is_accepted(*submitted(setup, 2))
    assert provider.looks == 1


@pytest.mark.usefixtures("priced")
def test_a_balance_is_of_one_account(setup, provider, monkeypatch):
    provider.balance = PRICE
    assert is_accepted(*submitted(setup, 1))
    monkeypatch.setenv("RUNCOMFY_API_TOKEN", "another-key-of-the-tests")
    assert is_accepted(*submitted(setup, 2))
    assert provider.looks == 2


@pytest.mark.usefixtures("priced")
def test_it_is_asked_while_the_image_is_encoded(setup, provider):
    asked = threading.Event()

    class Patient(Request):
        def encode(self) -> None:
            assert asked.wait(SOON_S), "the encoding would go on without the question"
            super().encode()

    def hears(exchange: Exchange) -> Any:
        asked.set()
        return says({"balance_usd": 5.0})(exchange)

    async def accepted() -> Any:
        order = setup.order()
        patient = Patient(**vars(order.request))
        return await setup.engine.watch(
            replace(order, request=patient), RecordingAsker(), until_accepted=True
        ).accepted()

    provider.balance = hears
    assert is_accepted(asyncio.run(accepted()))


# -- sandboxes ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("priced")
def test_the_sandbox_costs_nothing_and_is_held_by_no_budget(setup):
    setup = replace(setup, more={"sandbox": True, "budget": Budget(day_usd=0.0)})
    order = setup.order()
    assert (order.estimate, order.budget(), order.job.sandbox) == (None, NO_BUDGET, True)
    assert (order.job.estimate_usd, order.job.assumed_usd) == (None, None)


@pytest.mark.usefixtures("priced")
@pytest.mark.parametrize("key", [None, SANDBOX_KEY])
def test_a_stand_in_that_is_shown_no_key_of_an_account_is_a_sandbox(setup, monkeypatch, key):
    monkeypatch.delenv("RUNCOMFY_API_TOKEN")
    if key:
        monkeypatch.setenv("RUNCOMFY_API_TOKEN", key)
    asker = RecordingAsker()
    assert is_accepted(*submitted(setup, 1, asker=asker))
    (job,) = Ledger(setup.home).recent()
    assert job.sandbox
    assert not asker.heard("$"), "nothing is paid there"
    assert Ledger(setup.home).spent(Period.now("day")).jobs == 0


# -- the budget --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("priced")
def test_a_budget_is_held_before_an_image_is_put_anywhere(setup, provider):
    setup = replace(setup, more={"budget": Budget(month_usd=1.0)})
    (error,) = submitted(setup, 1)
    assert isinstance(error, BudgetReached)
    assert {seen.method for seen in provider.requests} <= {"GET"}


def test_a_broken_budget_file_is_not_no_budget_but_stored_clips_are_still_had(setup, provider):
    Budgets(setup.home, NO_BUDGET).save(5, None)
    next(setup.home.glob("budget*")).write_text("{", encoding="utf-8")
    (error,) = submitted(setup, 1)
    assert isinstance(error, SettingsError) and "broken" in error.what
    assert provider.posts == 0
    assert setup.order().key


def test_fifty_jobs_of_three_processes_share_a_budget_for_ten(queueing, nurseries):
    """What each costs isn't known: it counts as the highest known price of its kind."""
    price = queueing.order().job.assumed_usd
    assert price is not None
    Budgets(queueing.home, NO_BUDGET).save(f"{10 * price:.6f}", 1000)
    seeds = [list(range(start, 50, 3)) for start in range(3)]
    children = [nursery.start(queueing, "submit_many", seeds=seeds[n]) for n, nursery in enumerate(nurseries)]
    here = asyncio.run(queueing.submit_many(seeds[2]))
    outcomes = [outcome for child in children for outcome in child.result()["outcomes"]]
    outcomes += ["accepted" if is_accepted(outcome) else type(outcome).__name__ for outcome in here]
    assert len(outcomes) == 50
    assert outcomes.count("BudgetReached") == 40
    assert queueing.posts == queueing.sandbox.accepted_posts == 10
    assert Ledger(queueing.home).spent(Period.now("day")).expected_usd == pytest.approx(10 * price)


def test_what_a_job_cost_counts_in_place_of_what_it_was_to_cost(queueing):
    Budgets(queueing.home, NO_BUDGET).save(2.0, None)
    queueing = replace(queueing, more={"budget": Budget(unknown_price_usd=1.5)})
    assert is_accepted(*submitted(queueing, 1))
    assert isinstance(submitted(queueing, 2)[0], BudgetReached)
    ledger = Ledger(queueing.home)
    ledger.note(ledger.acquire(ledger.recent()[0].key, queueing.engine.id), cost_usd=0.5)
    assert is_accepted(*submitted(queueing, 2))
