"""Promise 7 under kill -9: whatever is killed, and whenever, a process that collects ends it without Run."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from counts import count
from remote_video_pack.remote_video.ledger.lifecycle import State

from .children import Child
from .kill_cases import BOUNDARIES, CLIP, UNCERTAIN, Case, KillRunner, at_line
from .one_job import PROVIDERS, wait_until

SOAK = bool(os.environ.get("REMOTE_VIDEO_SOAK"))
KILLS = 400 if SOAK else 12
"""At random, besides each step boundary once a provider."""
MOST_KILLS_OF_ONE_JOB = 3
JOBS = 12
BRINGING_HOME_S = 0.08
"""How long a collector takes, from its first question to the stored clip."""
SETTLED = {UNCERTAIN: State.UNCERTAIN, CLIP: State.STORED}


@pytest.fixture(scope="module")
def runner(tmp_path_factory, small_mp4, nurseries) -> Iterator[KillRunner]:
    with KillRunner(tmp_path_factory.mktemp("runner"), small_mp4, nurseries[0]) as runner:
        yield runner


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("boundary", [name for name, (_, state, _) in BOUNDARIES.items() if state])
def test_a_job_killed_at_a_step_is_settled_by_a_process_that_collects(runner, provider, boundary):
    case = Case(runner, runner.setup(provider))
    expected = case.killed_at(boundary)
    assert case.collect_to_the_end() == SETTLED[expected]
    count("killed at a step boundary and collected")


def orphan(runner: KillRunner, provider: str) -> Case:
    """A job whose process was killed while it followed it."""
    case = Case(runner, runner.setup(provider))
    at_line("in the queue", "never-starts")(case)
    runner.sandbox.faults.clear()
    return case


def until_it_works(case: Case, collectors: list[Child], before: int) -> None:
    """Wait until one of the processes asks about the job, or all have ended because there is nothing left to do."""
    results = [Path(collector.job["result"]) for collector in collectors]
    sandbox = case.runner.sandbox
    wait_until(lambda: len(sandbox.requests) > before or all(r.exists() for r in results), "a process to collect")


def kill_while_it_collects(runner: KillRunner, seed: int, kills: int) -> Counter[str]:
    """Kill so many processes, up to three that collect the same job; what the ledger then said -> how often."""
    moments, said = random.Random(seed), Counter[str]()
    while said.total() < kills:
        case = orphan(runner, moments.choice(PROVIDERS))
        for _ in range(min(moments.randint(1, MOST_KILLS_OF_ONE_JOB), kills - said.total())):
            before, killed = len(runner.sandbox.requests), case.kills
            collector = case.start("collect")
            until_it_works(case, [collector], before)
            time.sleep(moments.uniform(0, BRINGING_HOME_S))
            case.killed(collector)
            said[str(case.state and case.state.value)] += case.kills - killed
        assert case.collect_to_the_end() is State.STORED
    return said


@pytest.mark.timeout(3600 if SOAK else 120)
def test_a_collector_killed_at_random_moments_brings_one_clip_home_in_the_end(tmp_path, small_mp4, nurseries):
    def kill_some(number: int) -> Counter[str]:
        with KillRunner(tmp_path / f"runner-{number}", small_mp4, nurseries[number]) as runner:
            return kill_while_it_collects(runner, seed=number, kills=KILLS // len(nurseries))

    with ThreadPoolExecutor(len(nurseries)) as pool:
        together = sum(pool.map(kill_some, range(len(nurseries))), Counter[str]())
    assert together.total() == KILLS
    for state, kills in together.items():
        count(f"killed while it collected: the ledger then said {state}", kills)


@pytest.mark.timeout(3600 if SOAK else 120)
def test_of_two_processes_that_collect_one_ledger_the_survivor_brings_one_clip_home(runner, nurseries):
    moments = random.Random(4)
    for _ in range(KILLS // 4):
        case = orphan(runner, moments.choice(PROVIDERS))
        before = len(runner.sandbox.requests)
        collectors = [nursery.start(case.setup, "collect") for nursery in nurseries]
        until_it_works(case, collectors, before)
        time.sleep(moments.uniform(0, BRINGING_HOME_S))
        victim, survivor = moments.sample(collectors, 2)
        case.killed(victim)
        assert survivor.result()["outcome"] == "collected"
        assert case.collect_to_the_end() is State.STORED
        count("killed beside a process that collected the same ledger", case.kills - 1)


def test_two_processes_that_collect_one_ledger_bring_each_clip_home_once(setup, nurseries):
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")

    async def left_behind() -> None:
        looks = [await setup.watch(seed=seed, until_accepted=True) for seed in range(JOBS)]
        await asyncio.gather(*(look.accepted() for look in looks))

    asyncio.run(left_behind())
    setup.close()
    setup.sandbox.faults.clear()
    collectors = [nursery.start(setup, "collect") for nursery in nurseries]
    assert [collector.result()["outcome"] for collector in collectors] == ["collected"] * 2
    assert len(setup.clips()) == len(setup.calls("media")) == setup.posts == JOBS
    assert setup.leftovers() == []
