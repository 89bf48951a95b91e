"""Jobs whose process is killed: where that can be done, what the ledger says then, and what was promised of the end."""

from __future__ import annotations

import random
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count as numbers
from pathlib import Path

from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME

from ..faults import Sandbox
from ..ledger.rows import emptied, sql
from .children import Child, Nursery
from .one_job import PROVIDERS, QUICK, Setup, wait_until

MOST_RUNS = 8
MOST_KILLS_OF_ONE_JOB = 3
SETTLE_S = 0.15
"""For a process that was let go on to come to where it is held up next."""


class KillRunner:
    """One sandbox, one nursery, and a new setup for each job.

    Args:
        ledger_url: of a database for their ledgers, one after the other; None: each has a file in its home.
    """

    def __init__(self, folder: Path, clip: bytes, nursery: Nursery, ledger_url: str | None = None) -> None:
        self.clip = clip
        self.sandbox = Sandbox(folder / "sandbox", pace=QUICK, prebuilt=clip)
        self.nursery = nursery
        self._folder, self._ledger_url = folder, ledger_url
        self._names = numbers(1)

    def __enter__(self) -> KillRunner:
        self.sandbox.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.sandbox.stop()

    def setup(self, provider: str) -> Setup:
        setup = Setup(self.sandbox, self._folder / f"job-{next(self._names)}", provider)
        if self._ledger_url is not None:
            emptied(self._ledger_url)
            setup.more["ledger_url"] = self._ledger_url
        return setup


@dataclass
class Case:
    """A job that is killed, and how it ended when it was run again until it did."""

    runner: KillRunner
    setup: Setup

    def __post_init__(self) -> None:
        self._accepted_before = self.runner.sandbox.accepted_posts
        self.kills = 0

    def start(self, does: str = "run", hold_at: str = "") -> Child:
        return self.runner.nursery.start(self.setup, does, hold_at)

    def killed(self, child: Child) -> None:
        self.kills += child.kill()
        self.check()

    def killed_at(self, boundary: str) -> str:
        """Kill it at that step, and see what the ledger has of it then; how it is to end."""
        kill, state, expected = BOUNDARIES[boundary]
        kill(self)
        assert self.state == state
        assert self.kills == 1, "the process was to be killed at this step, but had ended before"
        return expected

    def run_to_the_end(self) -> str:
        """Run the job again until it ends; check all that was promised; "clip" or "JobUncertain"."""
        self.runner.sandbox.faults.clear()
        for _ in range(MOST_RUNS):
            result = self.start().result()
            self.check()
            if result["outcome"] in ("clip", "JobUncertain"):
                break
        outcome = result["outcome"]
        assert outcome in ("clip", "JobUncertain"), result
        if outcome == "clip":
            self._check_clip(Path(result["path"]))
        else:
            assert self.start().result()["outcome"] == "JobUncertain", "uncertain stays so until the user decides"
            assert self.accepted <= 1
            assert self.setup.clips() == []
        assert self.setup.leftovers() == []
        return str(outcome)

    def collect_to_the_end(self) -> State | None:
        """Let a process collect, without Run; check all that was promised; what the ledger says then."""
        self.runner.sandbox.faults.clear()
        assert self.start("collect").result()["outcome"] == "collected"
        self.check()
        state, clips = self.state, self.setup.clips()
        assert len(clips) == (state is State.STORED)
        assert self.accepted <= 1
        if clips:
            self._check_clip(*clips)
        assert self.setup.leftovers() == []
        return state

    def _check_clip(self, path: Path) -> None:
        assert self.accepted == 1
        assert self.setup.clips() == [path], "one clip, and no other file under a final name"
        assert path.read_bytes() == self.runner.clip
        again = self.start().result()
        assert (again["outcome"], again["path"], again["reused"]) == ("clip", str(path), True)
        assert self.accepted == 1

    @property
    def state(self) -> State | None:
        """What the ledger says of the job."""
        if not Ledger.is_there(self.setup.settings):
            return None
        ledger = self.setup.home / FILE_NAME
        is_shared = self.setup.settings.ledger_url is not None
        found = sql(Ledger.of(self.setup.settings) if is_shared else ledger, "SELECT state FROM jobs")
        return State(found[0][0]) if found else None

    @property
    def accepted(self) -> int:
        return self.runner.sandbox.accepted_posts - self._accepted_before

    def check(self) -> None:
        """No clip under a final name but whole ones, and a ledger that SQLite finds nothing wrong with."""
        assert all(path.read_bytes() == self.runner.clip for path in self.setup.clips())
        ledger = self.setup.home / FILE_NAME
        if ledger.exists():
            with closing(sqlite3.connect(ledger)) as db:
                assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert not list(self.setup.home.glob("*.broken-*")) if self.setup.home.exists() else True


# -- ways to kill it at a step -----------------------------------------------------------------------------------------


@contextmanager
def ledger_kept_locked(setup: Setup) -> Iterator[None]:
    """Hold the ledger's write lock, so that a run comes to a halt at the next thing it writes down."""
    if (url := setup.settings.ledger_url) is not None:
        import psycopg

        with psycopg.connect(url.replace("+psycopg", "")) as db:
            db.execute("LOCK TABLE jobs, leases, engines IN EXCLUSIVE MODE")
            yield
        return
    with closing(sqlite3.connect(setup.home / FILE_NAME, isolation_level=None, timeout=10)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield


def at_line(words: str, fault: str = "") -> Callable[[Case], None]:
    """Killed while it says this; a fault of the status call can see to it that it does."""

    def kill(case: Case) -> None:
        if fault:
            case.runner.sandbox.faults.set(case.setup.status_route, fault)
        child = case.start(hold_at=words)
        wait_until(Path(child.job["held"]).exists, f"the line {words!r}")
        case.killed(child)

    return kill


def before_intent(case: Case) -> None:
    """Killed when it is about to write down that it will submit."""
    child = case.start(hold_at="submitting")
    held = Path(child.job["held"])
    wait_until(held.exists, "the run to come to its submission")
    with ledger_kept_locked(case.setup):
        held.unlink()
        time.sleep(SETTLE_S)
        case.kills += child.kill()
    case.check()


def _at_call(case: Case, step: str, fault: str) -> Child:
    """A run that waits for the answer to this call, which a fault holds back."""
    route = route_of(case.setup, step)
    before = len(case.setup.calls(route))
    case.runner.sandbox.faults.set(route, fault, on_call=1)
    child = case.start()
    wait_until(lambda: len(case.setup.calls(route)) > before, f"the call of {route}")
    time.sleep(SETTLE_S)
    return child


def during_call(step: str, fault: str) -> Callable[[Case], None]:
    """Killed while this call is under way: the answer is held back by a fault."""

    def kill(case: Case) -> None:
        case.killed(_at_call(case, step, fault))

    return kill


def before_writing_after(step: str, fault: str) -> Callable[[Case], None]:
    """Killed when this call's answer has come, and what it says is not written down yet."""

    def kill(case: Case) -> None:
        child = _at_call(case, step, fault)
        with ledger_kept_locked(case.setup):
            case.runner.sandbox.faults.clear()
            time.sleep(SETTLE_S)
            case.kills += child.kill()
        case.check()

    return kill


def before_the_ledger_has_the_id(case: Case) -> None:
    """Killed when its submission was accepted, and the journal alone has the id."""
    child = _at_call(case, "submit", "stall:accepted")
    with ledger_kept_locked(case.setup):
        case.runner.sandbox.faults.clear()
        wait_until(lambda: list((case.setup.home / "journal").glob("*.json")), "the journal")
        case.kills += child.kill()
    case.check()


def route_of(setup: Setup, step: str) -> str:
    names = {"submit": setup.submit_route, "status": setup.status_route, "media": "media"}
    names["result"] = "runcomfy/result" if setup.provider == "runcomfy" else setup.status_route
    return names[step]


UNCERTAIN = "JobUncertain"
CLIP = "clip"
BOUNDARIES: dict[str, tuple[Callable[[Case], None], State | None, str]] = {
    "before it is prepared": (at_line("preparing"), None, CLIP),
    "before the intent": (at_line("submitting"), None, CLIP),
    "while the intent is written": (before_intent, None, CLIP),
    "while an accepted submission is not answered": (during_call("submit", "stall:accepted"), State.INTENT, UNCERTAIN),
    "while a lost submission is not answered": (during_call("submit", "stall:lost"), State.INTENT, UNCERTAIN),
    "while half of the answer is there": (during_call("submit", "stall-midway:accepted"), State.INTENT, UNCERTAIN),
    "before the id is in the ledger": (before_the_ledger_has_the_id, State.INTENT, CLIP),
    "while it asks for the state": (during_call("status", "stall"), State.SUBMITTED, CLIP),
    "while it reads half of the state": (during_call("status", "stall-midway"), State.SUBMITTED, CLIP),
    "while it is told it waits": (at_line("in the queue", "never-starts"), State.SUBMITTED, CLIP),
    "while it asks for the result": (during_call("result", "stall"), State.SUBMITTED, CLIP),
    "before the end is written": (before_writing_after("result", "stall"), State.SUBMITTED, CLIP),
    "before the first byte": (during_call("media", "stall"), State.FINISHED, CLIP),
    "before the download is noted": (before_writing_after("media", "stall"), State.FINISHED, CLIP),
    "in the middle of the download": (during_call("media", "stall-midway"), State.FINISHED, CLIP),
    "at a piece of the download": (at_line("downloading"), State.FINISHED, CLIP),
    "before the saved clip is written": (before_writing_after("media", "stall-midway"), State.FINISHED, CLIP),
}
"""How it is killed, what the ledger says then, and how the next run ends."""


# -- at random moments -------------------------------------------------------------------------------------------------


def usual_life(runner: KillRunner, provider: str) -> float:
    """How long an undisturbed process takes, s."""
    spent = []
    for _ in range(3):
        started = time.monotonic()
        assert runner.nursery.start(runner.setup(provider)).result()["outcome"] == "clip"
        spent.append(time.monotonic() - started)
    return statistics.median(spent)


def kill_at_random(runner: KillRunner, seed: int, kills: int) -> Counter[str]:
    """Kill so many processes, up to three of one job in a row; what happened -> how often."""
    moments = random.Random(seed)
    lives = {provider: usual_life(runner, provider) for provider in PROVIDERS}
    outcomes: Counter[str] = Counter()
    while outcomes["kills"] < kills:
        provider = moments.choice(PROVIDERS)
        case = Case(runner, runner.setup(provider))
        wanted = min(moments.randint(1, MOST_KILLS_OF_ONE_JOB), kills - outcomes["kills"])
        for _ in range(wanted):
            child = case.start()
            time.sleep(moments.uniform(0, lives[provider]))
            before = case.kills
            case.killed(child)
            if case.kills > before:
                outcomes[f"  the ledger then said {case.state.value if case.state else 'nothing of the job'}"] += 1
        outcomes["kills"] += case.kills
        outcomes[case.run_to_the_end()] += 1
    return outcomes
