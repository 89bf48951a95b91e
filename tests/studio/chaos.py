"""Trouble for a studio: machines that share a ledger are killed, put to sleep and cut off at moments a seed gives."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ..postgres.server import PostgresServer
from .studio import TIMEOUTS, Machine, Studio, clip_of

ASLEEP_S = 2.0 * TIMEOUTS["lease"]
CALM_S = 90.0
"""How long everything may take to come to its end once all is well again."""
LONGEST_INTO_POST_S = 0.5
Act = Callable[[], object]


@dataclass(frozen=True)
class Size:
    """How much is asked for, and how much goes wrong meanwhile."""

    machines: int = 3
    keys: int = 6
    times: int = 3
    """Each key is asked for so often, on machines drawn by the seed."""
    lasts_s: float = 6.0
    restarts: int = 1
    kills: int = 3
    sleeps: int = 1
    cuts: int = 3


@dataclass
class Trouble:
    """Something that goes wrong, and is well again.

    Args:
        machine: whom it concerns.
        moment: when, s.
        into_post: so long after that machine began to submit something, s; None: whatever it does.
        lasts: until it is well again, s.
    """

    name: str
    machine: Machine
    moment: float
    into_post: float | None
    begin: Act
    lasts: float
    end: Act

    def happen(self, began: float) -> None:
        time.sleep(max(0.0, began + self.moment - time.monotonic()))
        if self.into_post is not None:
            self.machine.until_it_submits()
            time.sleep(self.into_post)
        self.begin()
        time.sleep(self.lasts)
        self.end()


@dataclass
class Chaos:
    """One run: what is asked for, what goes wrong, and what was promised of the end.

    Args:
        seed: of all moments and choices.
    """

    studio: Studio
    seed: int
    size: Size = field(default_factory=Size)
    happened: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._prompts = [f"shot {number} of seed {self.seed}" for number in range(self.size.keys)]
        shifts = [self._random.uniform(-7200, 7200) for _ in range(self.size.machines)]
        studio = self.studio
        studio.machines += [Machine(studio, n, shift, studio.database) for n, shift in enumerate(shifts, 1)]

    def run(self) -> None:
        """Start the machines, let everything happen, make all well again, and hold the end against the promises."""
        for machine in self.studio.machines:
            machine.start()
        began = time.monotonic()
        troubles = self._troubles()
        with ThreadPoolExecutor(len(troubles)) as pool:
            suffered = [pool.submit(trouble.happen, began) for trouble in troubles]
            self._ask_at_random(began)
        for future in suffered:
            future.result()
        self.happened.update(trouble.name for trouble in troubles)
        for proxy in self.studio.ways:
            proxy.heal()
        self._wait("what was asked for")
        self._ask_all("again")
        self._ask_all("at-last")  # by then also what only a machine knew that had no way to the ledger is known
        self._check()

    # -- what happens ------------------------------------------------------------------------------------------------

    def _ask_at_random(self, began: float) -> None:
        draw = random.Random(self.seed)
        moments = sorted(draw.uniform(0, self.size.lasts_s) for _ in self._prompts * self.size.times)
        prompts = draw.sample(self._prompts * self.size.times, len(moments))
        for number, (moment, prompt) in enumerate(zip(moments, prompts, strict=True)):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            draw.choice(self.studio.machines).ask(f"ask-{number}", prompt)
            self.happened["asked"] += 1

    def _troubles(self) -> list[Trouble]:
        size, postgres = self.size, self.studio.postgres
        troubles = [self._trouble(*self._kill()) for _ in range(size.kills)]
        troubles += [self._trouble(*self._sleep()) for _ in range(size.sleeps)]
        if postgres is not None:
            troubles += [self._trouble(*self._restart(postgres)) for _ in range(size.restarts)]
            troubles += [self._trouble(*self._cut()) for _ in range(size.cuts)]
        return troubles

    def _trouble(self, name: str, machine: Machine, begin: Act, lasts: float = 0.0, end: Act = lambda: None) -> Trouble:
        draw = self._random
        into_post = draw.uniform(0, LONGEST_INTO_POST_S) if draw.random() < 0.6 else None
        return Trouble(name, machine, draw.uniform(0.2, self.size.lasts_s), into_post, begin, lasts, end)

    def _kill(self) -> tuple[str, Machine, Act, float, Act]:
        machine = self._random.choice(self.studio.machines)
        return "machines killed", machine, machine.kill, self._random.choice([0.0, ASLEEP_S]), machine.start

    def _sleep(self) -> tuple[str, Machine, Act, float, Act]:
        machine = self._random.choice(self.studio.machines)
        return "machines put to sleep for longer than a lease", machine, machine.sleep, ASLEEP_S, machine.wake

    def _restart(self, postgres: PostgresServer) -> tuple[str, Machine, Act, float, Act]:
        way = self._random.choice(["stop", "crash", "kill"])
        machine, away = self._random.choice(self.studio.machines), self._random.uniform(0, 2)
        return f"database {way} and start", machine, getattr(postgres, way), away, postgres.start

    def _cut(self) -> tuple[str, Machine, Act, float, Act]:
        machine = self._random.choice(self.studio.machines)
        proxy = self._random.choice([machine.proxy, machine.proxy, self.studio.store or machine.proxy])
        assert proxy is not None
        ways: dict[str, Act] = {
            "cut off": lambda: (proxy.refuse(), proxy.cut()),
            "reset": proxy.cut,
            "swallowed": proxy.swallow,
            "answers swallowed": lambda: proxy.swallow("down"),
            "cut before a COMMIT": lambda: proxy.cut_at(b"COMMIT", forwarded=False),
            "cut after a COMMIT": lambda: proxy.cut_at(b"COMMIT", forwarded=True),
            "slow": lambda: proxy.delay(up_s=0.05, down_s=0.05),
        }
        way = self._random.choice(list(ways))
        name = f"way to {'the store' if proxy is self.studio.store else 'the database'} {way}"
        return name, machine, ways[way], self._random.uniform(0.1, 2.5), proxy.heal

    # -- how it ends -------------------------------------------------------------------------------------------------

    def _wait(self, what: str) -> None:
        end = time.monotonic() + CALM_S
        while missing := self._unanswered():
            assert time.monotonic() < end, f"seed {self.seed}: {what} has no answer: {missing}"
            time.sleep(0.05)

    def _unanswered(self) -> list[str]:
        return [
            f"{machine.name}/{ask.stem}"
            for machine in self.studio.machines
            for ask in machine.asks.glob("*.ask")
            if not ask.with_suffix(".answer").exists()
        ]

    def _ask_all(self, name: str) -> None:
        """Have every machine asked for every clip."""
        for machine in self.studio.machines:
            for number, prompt in enumerate(self._prompts):
                machine.ask(f"{name}-{number}", prompt)
        self._wait("what every machine was asked for in the end")

    def _check(self) -> None:
        accepted = Counter(job.plan.prompt for job in self.studio.sandbox.jobs)
        said = f"seed {self.seed}: {dict(self.happened)}"
        assert set(accepted) <= set(self._prompts)
        paid_twice = [prompt for prompt, posts in accepted.items() if posts > 1]
        assert not paid_twice, f"{said}; paid more than once: {paid_twice}"
        for number, prompt in enumerate(self._prompts):
            ends = {machine.name: machine.answers()[f"at-last-{number}"] for machine in self.studio.machines}
            outcomes = {end["outcome"] for end in ends.values()}
            assert len(outcomes) == 1 and "fault" not in outcomes, f"{said}; {prompt}: {ends}"
            self.happened[f"keys that ended as {outcomes.pop()}"] += 1
            if next(iter(ends.values()))["outcome"] == "clip":
                assert accepted[prompt] == 1, f"{said}; {prompt}: a clip, but {accepted[prompt]} accepted"
        for machine in self.studio.machines:
            self._check_clips(machine, said)
            self._check_words(machine, said)

    def _check_clips(self, machine: Machine, said: str) -> None:
        """Whatever it handed out at any time is the right clip."""
        for name, answer in machine.answers().items():
            if answer["outcome"] == "clip":
                wanted = clip_of(self.studio.clip, machine.asked(name))
                assert machine.clip(answer) == wanted, f"{said}; {name} got another clip on {machine.name}: {answer}"

    def _check_words(self, machine: Machine, said: str) -> None:
        log = machine.log.read_text(encoding="utf-8", errors="replace")
        answers = machine.answers().values()
        faults = [answer["says"] for answer in answers if answer["outcome"] == "fault"]
        assert not faults, f"{said}; {machine.name}: {faults}"
        assert "Traceback" not in log, f"{said}; {machine.name}: {log[-4000:]}"
        if self.studio.postgres is not None:
            words = log + json.dumps(list(answers))
            assert self.studio.postgres.password not in words, f"the password of the database is told by {machine.name}"
        for answer in answers:
            for error in answer["errors"]:
                self.happened[f"  runs that ended with {error.partition(':')[0]} and were tried again"] += 1
