"""Promises 1, 2 and 7 under kill -9, with the ledger in PostgreSQL: each way to be killed, once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from counts import count
from remote_video_pack.remote_video.ledger.lifecycle import State

from .kill_cases import BOUNDARIES, CLIP, UNCERTAIN, Case, KillRunner, kill_at_random
from .one_job import PROVIDERS

SOAK = bool(os.environ.get("REMOTE_VIDEO_SOAK"))
KILLS = 400 if SOAK else 8
BOTH_WAYS = [(boundary, provider) for boundary in BOUNDARIES for provider in PROVIDERS]
ONCE = [(boundary, PROVIDERS[number % len(PROVIDERS)]) for number, boundary in enumerate(BOUNDARIES)]
"""`make soak` takes both."""
SETTLED = {UNCERTAIN: State.UNCERTAIN, CLIP: State.STORED}


def is_collected(boundary: str, provider: str) -> bool:
    """Whether there is something to be settled; at the provider at which it isn't run again."""
    return BOUNDARIES[boundary][1] is not None and (SOAK or (boundary, provider) not in ONCE)


@pytest.fixture(scope="module")
def runner(tmp_path_factory, small_mp4, nurseries, postgres) -> Iterator[KillRunner]:
    with (
        postgres.database() as name,
        KillRunner(tmp_path_factory.mktemp("runner"), small_mp4, nurseries[0], postgres.url(name)) as runner,
    ):
        yield runner


@pytest.mark.parametrize(("boundary", "provider"), BOTH_WAYS if SOAK else ONCE)
def test_a_job_killed_at_a_step_is_ended_by_the_next_run_and_never_paid_twice(runner, boundary, provider):
    case = Case(runner, runner.setup(provider))
    expected = case.killed_at(boundary)
    assert case.run_to_the_end() == expected
    count("killed at a step boundary, PostgreSQL")


@pytest.mark.parametrize(("boundary", "provider"), [way for way in BOTH_WAYS if is_collected(*way)])
def test_a_job_killed_at_a_step_is_settled_by_a_process_that_collects(runner, boundary, provider):
    case = Case(runner, runner.setup(provider))
    expected = case.killed_at(boundary)
    assert case.collect_to_the_end() == SETTLED[expected]
    count("killed at a step boundary and collected, PostgreSQL")


@pytest.mark.timeout(7200 if SOAK else 400)
def test_jobs_killed_at_random_moments_end_and_are_never_paid_twice(runner):
    outcomes = kill_at_random(runner, seed=7, kills=KILLS)
    assert outcomes["kills"] == KILLS
    count("killed at a random moment, PostgreSQL", KILLS)
