"""A studio: machines as processes, each with a disk and a clock of its own, and what they share."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engine.children import environment
from ..fault_proxy import FaultProxy
from ..faults import Sandbox
from ..postgres.server import PostgresServer

TIMEOUTS = {"lease": 1.5, "heartbeat": 0.2, "heartbeat_seen": 0.8}
LONGEST_WAIT_S = 1.0
"""For a machine to submit something, so that trouble comes in the middle of that."""
FREE_BOX = b"free"


def clip_of(clip: bytes, prompt: str) -> bytes:
    """The clip of a prompt: as many bytes as any other, but not the same. MP4 readers pass a `free` box over."""
    told = prompt.encode().ljust(64, b".")
    return clip + (8 + len(told)).to_bytes(4, "big") + FREE_BOX + told


class Zygote:
    """A process that has the pack imported, and of which machines are forked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
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
        with self._lock:
            print(json.dumps(order), file=self._process.stdin, flush=True)
            return int(self._process.stdout.readline())


class Machine:
    """One machine of the studio, from outside."""

    def __init__(self, studio: Studio, number: int, shift: float, url: str | None) -> None:
        self.name, self.shift = f"machine-{number}", shift
        self.proxy: FaultProxy | None = None
        self._zygote, self._pid, self._lock = studio.zygote, 0, threading.Lock()
        self.disk = studio.folder / "machines" / self.name
        self.asks = studio.folder / "asks" / self.name
        self.submits = self.asks / "submits"
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
        with self._lock:
            if not self._pid:
                self._pid = self._zygote.tell(start=str(self._about))

    def kill(self) -> None:
        with self._lock:
            if self._pid:
                os.kill(self._pid, signal.SIGKILL)
                self._zygote.tell(reap=self._pid)
                self._pid = 0

    def sleep(self) -> None:
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        with self._lock:
            if self._pid:
                os.kill(self._pid, number)

    def end(self) -> None:
        self.kill()
        if self.proxy is not None:
            self.proxy.__exit__()

    def ask(self, name: str, prompt: str) -> None:
        """Somebody presses Run here."""
        part = self.asks / f"{name}.new"
        part.write_text(json.dumps(prompt), encoding="utf-8")
        part.replace(self.asks / f"{name}.ask")

    def until_it_submits(self) -> None:
        """Wait for its next submission, a while."""
        self.submits.unlink(missing_ok=True)
        end = time.monotonic() + LONGEST_WAIT_S
        while not self.submits.exists() and time.monotonic() < end:
            time.sleep(0.005)

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
