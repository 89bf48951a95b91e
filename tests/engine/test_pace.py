"""When to ask: soon enough for the artist, seldom enough for the provider, and fairly among the jobs."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator

import pytest
from remote_video_pack.remote_video.engine.pace import Places, QuestionRate, pause_before_question

ANSWER_S = 0.05
"""What a question takes in these tables, s."""
MINUTES = 60.0


def questions(until_s: float, usual_s: float | None = None) -> Iterator[float]:
    """The moments at which a job that takes so long is asked about, s; the last one finds it finished."""
    at = 0.0
    while at < until_s:
        at += pause_before_question(at, usual_s=usual_s) + ANSWER_S
        yield at


@pytest.mark.parametrize("job_s", [2, 2.9, 5, 8, 13, 30, 34, 47, 60, 95, 120, 300, 600, 900, 1200])
@pytest.mark.parametrize("later", [0.0, 0.001, 0.5, 0.9])
def test_a_clip_is_seen_to_be_finished_within_a_second_or_three_per_cent(job_s, later):
    """Wherever the end falls between two questions."""
    end = job_s + later
    asked = list(questions(end))
    assert asked[-1] - end <= max(1.0, 0.03 * end) + 1e-9


def test_the_worst_end_of_all_is_seen_in_time():
    """A job that ends right after it was asked about."""
    asked = [at for at in questions(20 * MINUTES) if at > 2]
    for before, after in itertools.pairwise(asked):
        assert after - before <= max(1.0, 0.03 * before) + 1e-9


def test_twenty_minutes_take_at_most_160_questions():
    assert len(list(questions(20 * MINUTES))) <= 160


@pytest.mark.parametrize("usual_s", [30, 100, 600, 1200])
def test_a_model_whose_usual_time_is_known_is_asked_about_less_and_no_later_around_its_end(usual_s):
    assert len(list(questions(usual_s, usual_s))) < 0.8 * len(list(questions(usual_s)))
    asked = [at for at in questions(2 * usual_s, usual_s) if at > 0.6 * usual_s]
    assert all(b - a <= max(1.0, 0.03 * a) + 1e-9 for a, b in itertools.pairwise(asked))


TABLE = [
    # elapsed, usual, asked for -> pause, s
    (0.0, None, 0.0, 2.85),
    (5.0, None, 0.0, 0.93),
    (100.0, None, 0.0, 2.91),
    (1200.0, None, 0.0, 30.0),
    (86_400.0, None, 0.0, 30.0),
    (5.0, None, 20.0, 20.0),
    (5.0, None, 120.0, 120.0),
    (5.0, 100.0, 0.0, 2.79),
    (49.0, 100.0, 0.0, 1.39),
    (60.0, 100.0, 0.0, 1.72),
]


@pytest.mark.parametrize(("elapsed_s", "usual_s", "retry_after_s", "pause_s"), TABLE)
def test_the_pace_as_a_table(elapsed_s, usual_s, retry_after_s, pause_s):
    told = pause_before_question(elapsed_s, usual_s=usual_s, retry_after_s=retry_after_s)
    assert told == pytest.approx(pause_s, abs=0.01)


async def test_a_provider_gets_so_many_questions_a_second_first_come_first_served():
    rate, order = QuestionRate(100.0), []

    async def ask(number: int) -> None:
        await rate.turn()
        order.append(number)

    begun = time.monotonic()
    await asyncio.gather(*(ask(number) for number in range(40)))
    assert time.monotonic() - begun >= 0.38
    assert order == list(range(40))


async def test_who_asks_seldom_does_not_wait():
    rate = QuestionRate(1 / 60)
    await rate.turn()
    rate._next -= 61.0
    await asyncio.wait_for(rate.turn(), 30.0)


async def test_a_429_halves_the_rate_once_for_the_questions_under_way_and_it_recovers():
    rate = QuestionRate(50.0)
    asked = [await rate.turn() for _ in range(3)]
    for at in asked:
        rate.slow_down(at)
    assert 24.0 <= rate.per_s < 35.0, "three answers to questions of the same moment are one reason"
    await asyncio.sleep(0.5)
    assert rate.per_s > 25.5
    rate._set_at -= 60.0
    assert rate.per_s == 50.0


async def test_a_provider_that_only_says_429_is_still_asked_once_a_second():
    rate = QuestionRate(2.0)
    for _ in range(20):
        rate.slow_down(time.monotonic())
    assert rate.per_s >= 1.0


def test_the_line_for_the_places_is_as_long_as_is_allowed():
    places = Places()
    assert [places.enter(2) for _ in range(3)] == [True, True, False]
    places.leave()
    assert places.enter(2)


async def test_a_thousand_who_wait_for_a_place_ask_the_ledger_once():
    places, looks = Places(), 0

    async def free() -> int:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return 3

    assert all(await asyncio.gather(*(places.look(free, 60.0) for _ in range(1000))))
    assert looks == 1
    assert [places.take() for _ in range(4)] == [True, True, True, False]
    assert not await places.look(free, 60.0), "that many were taken a moment ago"
    places.leave()
    assert await places.look(free, 60.0), "a place that was given back here is seen at once"
    assert looks == 2
