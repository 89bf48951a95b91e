"""Trouble for a studio: machines that share a ledger are killed, put to sleep and cut off at moments a seed gives."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from remote_video_pack.remote_video.sandbox import Sandbox

from ..engine.children import environment
from ..fault_proxy import FaultProxy
from ..postgres.server import PostgresServer

TIMEOUTS = {"lease": 1.5, "heartbeat": 0.2, "heartbeat_seen": 0.8}
ASLEEP_S = 2.0 * TIMEOUTS["lease"]
CALM_S = 90.0
"""How long everything may take to come to its end once all is well again."""
FREE_BOX = b"free"


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


def clip_of(clip: bytes, prompt: str) -> bytes:
    """The clip of a prompt: as many bytes as any other, but not the same. MP4 readers pass a `free` box over."""
    told = prompt.encode().ljust(64, b".")
    return clip + (8 + len(told)).to_bytes(4, "big") + FREE_BOX + told


class Zygote:
    """A process that has the pack imported, and of which machines are forked."""

    def __init__(self) -> None:
        script = str(Path(__file__).with_name("machine.py"))
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, script], stdin=pipe, stdout=pipe, text=True, env=environment(), start_new_session=True
        )

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def tell(self, **order: Any) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


class Machine:
    """One machine of the studio, from outside."""

    def __init__(self, studio: Studio, number: int, shift: float, url: str | None) -> None:
        self.name, self.shift = f"machine-{number}", shift
        self.proxy: FaultProxy | None = None
        self._zygote, self._pid = studio.zygote, 0
        self.disk = studio.folder / "machines" / self.name
        self.asks = studio.folder / "asks" / self.name
        self.log = studio.folder / f"{self.name}.log"
        for folder in (self.disk, self.asks):
            folder.mkdir(parents=True)
        if url is not None:
            assert studio.postgres is not None
            self.proxy = FaultProxy(studio.postgres.port).__enter__()
            url = studio.postgres.url(url, port=self.proxy.port)
        shared = {"clips_url": studio.clips_url} if studio.clips_url else {}
        about = {
            "own": str(self.disk) if studio.is_apart else "",
            "folder": str(studio.here if studio.is_apart else self.disk),
            "home": "" if url else str(studio.folder / "home"),
            "shift": shift,
            "log": str(self.log),
            "asks": str(self.asks),
            "base_urls": studio.sandbox.base_urls,
            "timeouts": TIMEOUTS,
            "environment": studio.environment,
            "more": {"host": self.name, **({"ledger_url": url} if url else {}), **shared},
        }
        self._about = studio.folder / f"{self.name}.json"
        self._about.write_text(json.dumps(about), encoding="utf-8")

    def start(self) -> None:
        self._pid = self._zygote.tell(start=str(self._about))

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        self._zygote.tell(reap=self._pid)
        self._pid = 0

    def sleep(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.kill(self._pid, signal.SIGCONT)

    def end(self) -> None:
        if self._pid:
            self.kill()
        if self.proxy is not None:
            self.proxy.__exit__()

    def ask(self, name: str, prompt: str) -> None:
        """Somebody presses Run here."""
        part = self.asks / f"{name}.new"
        part.write_text(json.dumps(prompt), encoding="utf-8")
        part.replace(self.asks / f"{name}.ask")

    def asked(self, name: str) -> str:
        return str(json.loads((self.asks / f"{name}.ask").read_text(encoding="utf-8")))

    def answers(self) -> dict[str, dict[str, Any]]:
        """What became of each ask, by its name."""
        files = self.asks.glob("*.answer")
        return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}

    def clip(self, answer: dict[str, Any]) -> bytes:
        """What this machine's own disk has in the place that it named."""
        return (self.disk / "output" / answer["path"]).read_bytes()


@dataclass
class Studio:
    """Machines, what they share, and the provider.

    Args:
        folder: for all of it.
        clips_url: of object storage, which they find by `environment`.
        store: the way to it.
        clip: what `clip_of` makes the provider's clips of.
        database: of `postgres`, for the ledger; None: a file that the machines share.
    """

    folder: Path
    zygote: Zygote
    sandbox: Sandbox
    clip: bytes
    postgres: PostgresServer | None = None
    database: str | None = None
    clips_url: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    store: FaultProxy | None = None
    is_apart: bool = False
    """Each machine sees its own disk alone, and all of them see it at one path. With a file there is but one disk."""
    machines: list[Machine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.here = self.folder / "here"
        for folder in (self.here, self.folder / "machines"):
            folder.mkdir()
        if self.database is not None:
            probe = self.folder / "machines" / "probe"
            probe.mkdir()
            self.is_apart = bool(self.zygote.tell(**{"try": [str(probe), str(self.here)]}))
            probe.rmdir()

    @property
    def ways(self) -> list[FaultProxy]:
        """To all that the machines share."""
        to_database = [machine.proxy for machine in self.machines if machine.proxy is not None]
        return [*to_database, self.store] if self.store is not None else to_database

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        for machine in self.machines:
            machine.end()
        shutil.rmtree(self.folder / "machines")


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
        for moment, act in self._plan():
            time.sleep(max(0.0, began + moment - time.monotonic()))
            act()
        for proxy in self.studio.ways:
            proxy.heal()
        self._wait("what was asked for")
        self._ask_all("again")
        self._ask_all("at-last")  # by then also what only a machine knew that had no way to the ledger is known
        self._check()

    # -- what happens ------------------------------------------------------------------------------------------------

    def _plan(self) -> list[tuple[float, Callable[[], object]]]:
        size, draw, machines = self.size, self._random, self.studio.machines
        plan: list[tuple[float, Callable[[], object]]] = []

        def at(moment: float, name: str, act: Callable[[], object]) -> None:
            def counted() -> None:
                self.happened[name] += 1
                act()

            plan.append((moment, counted))

        for index, prompt in enumerate(self._prompts * size.times):
            machine = draw.choice(machines)
            name = f"ask-{index}"
            at(draw.uniform(0, size.lasts_s), "asked", lambda m=machine, n=name, p=prompt: m.ask(n, p))
        for _ in range(size.kills):
            moment, machine = draw.uniform(0.2, size.lasts_s), draw.choice(machines)
            at(moment, "machines killed", lambda m=machine: self._kill(m))
        for _ in range(size.sleeps):
            moment, machine = draw.uniform(0.2, size.lasts_s), draw.choice(machines)
            at(moment, "machines put to sleep for longer than a lease", machine.sleep)
            plan.append((moment + ASLEEP_S, machine.wake))
        if self.studio.postgres is not None:
            for _ in range(size.restarts):
                way = draw.choice(["stop", "crash", "kill"])
                at(draw.uniform(0.2, size.lasts_s), "restarts of the database", lambda w=way: self._restart(w))
            for _ in range(size.cuts):
                self._plan_cut(at, plan)
        return sorted(plan, key=lambda step: step[0])

    def _plan_cut(self, at: Callable[..., None], plan: list[tuple[float, Callable[[], object]]]) -> None:
        draw, proxy = self._random, self._random.choice(self.studio.ways)
        moment, lasts = draw.uniform(0.2, self.size.lasts_s), draw.uniform(0.1, 2.5)
        cuts: dict[str, Callable[[], object]] = {
            "cut off": lambda: (proxy.refuse(), proxy.cut()),
            "reset": proxy.cut,
            "swallowed": proxy.swallow,
            "answers swallowed": lambda: proxy.swallow("down"),
            "cut before a COMMIT": lambda: proxy.cut_at(b"COMMIT", forwarded=False),
            "cut after a COMMIT": lambda: proxy.cut_at(b"COMMIT", forwarded=True),
            "slow": lambda: proxy.delay(up_s=0.05, down_s=0.05),
        }
        name = draw.choice(list(cuts))
        at(moment, f"ways to {'the store' if proxy is self.studio.store else 'the database'} {name}", cuts[name])
        plan.append((moment + lasts, proxy.heal))

    def _kill(self, machine: Machine) -> None:
        machine.kill()
        machine.start()

    def _restart(self, way: str) -> None:
        assert self.studio.postgres is not None
        getattr(self.studio.postgres, way)()
        self.studio.postgres.start()

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
