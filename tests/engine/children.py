"""Processes that work on jobs, started cheaply and killed without mercy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .one_job import KEY, Setup

SCRIPT = Path(__file__).with_name("child.py")
CAN_FORK = hasattr(os, "fork")


def environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("REMOTE_VIDEO_")}
    return {**own, "RUNCOMFY_API_TOKEN": KEY, "COMETAPI_KEY": KEY, "OMP_NUM_THREADS": "1"}


def job_file(setup: Setup, does: str = "run", hold_at: str = "", **more: Any) -> tuple[Path, dict[str, Any]]:
    """What `child.py` has to know, in a file."""
    setup.folder.mkdir(parents=True, exist_ok=True)
    file = setup.folder / f"job-{uuid.uuid4().hex}.json"
    job = {
        "does": does,
        "folder": str(setup.folder),
        "provider": setup.provider,
        "base_urls": setup.sandbox.base_urls,
        "more": setup.more,
        "hold_at": hold_at,
        "held": str(file.with_suffix(".held")),
        "result": str(file.with_suffix(".result")),
        **more,
    }
    file.write_text(json.dumps(job), encoding="utf-8")
    return file, job


def start(file: Path, *before: str) -> subprocess.Popen[str]:
    """A process that is forked from nothing: for what only a main program does.

    Args:
        file: see `job_file`.
        before: a program that starts it in another way.
    """
    return subprocess.Popen([*before, sys.executable, str(SCRIPT), str(file)], env=environment(), text=True)


@dataclass
class Child:
    """A process that works on one job."""

    pid: int
    job: dict[str, Any]
    nursery: Nursery | None
    process: subprocess.Popen[str] | None = None

    def kill(self) -> bool:
        """SIGKILL (on Windows: TerminateProcess), and wait for its end. Whether it was still alive."""
        if self.process is not None:
            self.process.kill()
            return self.process.wait() != 0
        os.kill(self.pid, signal.SIGKILL)
        return self.wait() != 0

    def wait(self) -> int:
        """Its exit code; negative is the signal that ended it."""
        if self.process is not None:
            return self.process.wait()
        assert self.nursery is not None
        return self.nursery.take_leave()

    def result(self) -> dict[str, Any]:
        """Wait for its end, and for what came of the run."""
        code = self.wait()
        assert code == 0, f"the child ended with {code}"
        return json.loads(Path(self.job["result"]).read_text(encoding="utf-8"))


class Nursery:
    """Starts one child after another, each from a process that has the pack imported already."""

    def __init__(self) -> None:
        self._parent: subprocess.Popen[str] | None = None
        if CAN_FORK:
            command = [sys.executable, str(SCRIPT), "--nursery"]
            pipe = subprocess.PIPE
            self._parent = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment())

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        if self._parent is not None:
            assert self._parent.stdin is not None and self._parent.stdout is not None
            self._parent.stdin.close()
            self._parent.wait()
            self._parent.stdout.close()

    def start(self, setup: Setup, does: str = "run", hold_at: str = "", **more: Any) -> Child:
        """Start a process.

        Args:
            does: what, see `child.DOES`.
            hold_at: hold a run up at its first line with these words, until the file `held` is taken away.
            more: what else it has to know.
        """
        file, job = job_file(setup, does, hold_at, **more)
        if self._parent is None:
            process = start(file)
            return Child(process.pid, job, None, process)
        assert self._parent.stdin is not None
        print(file, file=self._parent.stdin, flush=True)
        return Child(self._read_number(), job, self)

    def take_leave(self) -> int:
        """Wait for the child's end; its exit code."""
        assert self._parent is not None and self._parent.stdin is not None
        print(file=self._parent.stdin, flush=True)
        return self._read_number()

    def _read_number(self) -> int:
        assert self._parent is not None and self._parent.stdout is not None
        return int(self._parent.stdout.readline())
