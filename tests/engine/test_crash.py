"""Promises 1 and 2 under kill -9: whatever the moment, one job is accepted at most, and the next run ends it."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from counts import count

from .kill_cases import BOUNDARIES, Case, KillRunner, kill_at_random, usual_life
from .one_job import PROVIDERS

SOAK = bool(os.environ.get("REMOTE_VIDEO_SOAK"))
KILLS = 4000 if SOAK else 60
"""At random: what is promised at each step is held to above, each way to be killed once a provider."""


@pytest.fixture(scope="module")
def runner(tmp_path_factory, small_mp4, nurseries) -> Iterator[KillRunner]:
    with KillRunner(tmp_path_factory.mktemp("runner"), small_mp4, nurseries[0]) as runner:
        yield runner


# -- at every step boundary ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_job_killed_at_a_step_is_ended_by_the_next_run_and_never_paid_twice(runner, provider, boundary):
    case = Case(runner, runner.setup(provider))
    expected = case.killed_at(boundary)
    assert case.run_to_the_end() == expected
    count("killed at a step boundary")


# -- at random moments -----------------------------------------------------------------------------------------------


@pytest.mark.timeout(7200 if SOAK else 400)
def test_jobs_killed_at_random_moments_end_and_are_never_paid_twice(tmp_path, small_mp4, nurseries):
    def kill_some(number: int) -> Counter[str]:
        with KillRunner(tmp_path / f"runner-{number}", small_mp4, nurseries[number]) as runner:
            return kill_at_random(runner, seed=number, kills=KILLS // len(nurseries))

    with ThreadPoolExecutor(len(nurseries)) as pool:
        together = sum(pool.map(kill_some, range(len(nurseries))), Counter())
    assert together["kills"] == KILLS
    for name in sorted(name for name in together if name.startswith("  ")):
        count("killed at a random moment: " + name.strip(), together[name])
    count("killed at a random moment: all", together["kills"])
    count("killed at a random moment: jobs that ended with one clip and one accepted submission", together["clip"])
    count("killed at a random moment: jobs left uncertain and never submitted again", together["JobUncertain"])


@pytest.mark.timeout(3600 if SOAK else 120)
def test_of_two_processes_with_one_job_the_survivor_ends_it_and_nothing_is_paid_twice(runner, nurseries):
    """Both run the same job at once; one of them is killed at a random moment."""
    moments = random.Random(5)
    life = usual_life(runner, "runcomfy")
    for _ in range(KILLS // 10):
        case = Case(runner, runner.setup(moments.choice(PROVIDERS)))
        children = [nursery.start(case.setup) for nursery in nurseries]
        moments.shuffle(children)
        victim, survivor = children
        time.sleep(moments.uniform(0, life))
        case.killed(victim)
        result = survivor.result()
        assert result["outcome"] in ("clip", "JobUncertain"), result
        assert case.run_to_the_end() == result["outcome"]
        count("killed beside a process that shared its job", case.kills)


def test_a_child_that_is_not_killed_makes_one_clip(runner):
    case = Case(runner, runner.setup("runcomfy"))
    assert case.run_to_the_end() == "clip"
