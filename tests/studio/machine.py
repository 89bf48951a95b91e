"""A machine of a studio: a process with a clock, a home and an output folder of its own, that may die at any moment.

    python machine.py      for each line of JSON on stdin: {"start": MACHINE.json} forks a machine and says its pid;
                           {"reap": pid} waits for its end and says how it ended

What it is asked for lies in a folder as `<name>.ask`; what came of that is written beside it as `<name>.answer`. What
has no answer yet is asked for again by the next process, as a user does after a crash. A file `submits` is touched when
something is about to be submitted.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import importlib
import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
PAUSE_S = 0.2
"""Before a user presses Run again after an error."""
LOOK_S = 0.02
NEW_NAMESPACE, NEW_USER = 0x00020000, 0x10000000
BIND, PRIVATE = 0x1000, 0x4000 | 0x40000
DIES_WITH_PARENT = 1
ADVICE = ("psycopg", "boto3")
"""Imported before the first fork, where they are there: each takes long."""

_real_time = time.time
_shift = 0.0


def shifted() -> float:
    """The clock on this machine's wall."""
    return _real_time() + _shift


def live(machine: dict[str, Any]) -> None:
    """Be that machine, until the process is killed."""
    global _shift
    _shift = machine["shift"]
    os.environ.update(machine["environment"])
    logging.basicConfig(filename=machine["log"], level=logging.INFO, format="%(levelname)s %(message)s")
    if machine["own"]:
        move_in(Path(machine["own"]), Path(machine["folder"]))
    from dataclasses import replace

    from one_job import HURRY, Setup

    sandbox = type("Elsewhere", (), {"base_urls": machine["base_urls"]})
    timeouts = replace(HURRY, **machine["timeouts"])
    setup = Setup(sandbox, Path(machine["folder"]), timeouts=timeouts, collect=True, more=machine["more"])
    if machine["home"]:
        Setup.home = property(lambda setup: Path(machine["home"]))
    setup.engine.start()
    asyncio.run(answer_all(setup, Path(machine["asks"])))


async def answer_all(setup: Any, asks: Path) -> None:
    begun: set[Path] = set()
    while True:
        for ask in sorted(asks.glob("*.ask")):
            if ask not in begun and not ask.with_suffix(".answer").exists():
                begun.add(ask)
                asyncio.get_running_loop().create_task(answer_one(setup, ask), name=ask.stem)
        await asyncio.sleep(LOOK_S)


async def answer_one(setup: Any, ask: Path) -> None:
    """Press Run, and again after every error that lets one; write down what came of it."""
    from remote_video_pack.remote_video.errors import JobUncertain, RemoteVideoError

    said: list[str] = []
    submits = ask.with_name("submits")

    def at_line(line: str) -> None:
        if line.startswith("submitting"):
            submits.touch()

    while True:
        try:
            asker = sys.modules["one_job"].RecordingAsker(at_line=at_line)
            clip = await setup.run(asker, prompt=json.loads(ask.read_text(encoding="utf-8")))
        except JobUncertain as error:
            answer = {"outcome": "uncertain", "says": str(error)}
        except RemoteVideoError as error:
            said.append(f"{type(error).__name__}: {error}")
            await asyncio.sleep(PAUSE_S)
            continue
        except Exception as fault:
            logging.exception("a fault")
            answer = {"outcome": "fault", "says": f"{type(fault).__name__}: {fault}"}
        else:
            answer = {"outcome": "clip", "path": str(clip.path.relative_to(setup.output)), "reused": clip.reused}
        part = ask.with_suffix(".part")
        part.write_text(json.dumps({**answer, "errors": said}), encoding="utf-8")
        part.replace(ask.with_suffix(".answer"))
        return


# -- a machine sees nothing of the others' disks ---------------------------------------------------------------------


def move_in(own: Path, folder: Path) -> None:
    """Let this process see its own folder at `folder`, where every machine has its own, and none of the others'.

    Linux: a mount namespace, as root or in a user namespace. Raises OSError.
    """
    ids = os.geteuid(), os.getegid()
    if ids[0] == 0:
        _call("unshare", NEW_NAMESPACE)
    else:
        _call("unshare", NEW_NAMESPACE | NEW_USER)
        Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
        for name, number in zip(("uid_map", "gid_map"), ids, strict=True):
            Path("/proc/self", name).write_text(f"{number} {number} 1", encoding="utf-8")
    _call("mount", b"none", b"/", None, PRIVATE, None)
    _call("mount", os.fsencode(own), os.fsencode(folder), None, BIND, None)
    _call("mount", b"none", os.fsencode(own.parent), b"tmpfs", 0, None)


def _call(name: str, *arguments: Any) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def may_move_in(own: Path, folder: Path) -> bool:
    """Whether machines can be kept apart here: tried in a process of its own."""
    if sys.platform != "linux":
        return False
    pid = os.fork()
    if pid == 0:
        try:
            move_in(own, folder)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


# -- where machines come from ----------------------------------------------------------------------------------------


def serve() -> None:
    while line := sys.stdin.readline():
        order = json.loads(line)
        if "start" in order:
            machine = json.loads(Path(order["start"]).read_text(encoding="utf-8"))
            if (pid := os.fork()) == 0:
                _be(machine)
            print(pid, flush=True)
        elif "try" in order:
            print(int(may_move_in(*map(Path, order["try"]))), flush=True)
        else:
            print(os.waitstatus_to_exitcode(os.waitpid(order["reap"], 0)[1]), flush=True)


def _be(machine: dict[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL)
    try:
        live(machine)
    finally:
        logging.exception("the machine's process ends by itself")
        logging.shutdown()
        os._exit(1)


def main() -> None:
    time.time = shifted  # before anything takes it by its name
    sys.path.insert(0, str(TESTS / "engine"))
    from child import load

    load("remote_video_pack", TESTS.parent / "__init__.py", TESTS.parent)
    load("one_job", TESTS / "engine" / "one_job.py")
    sys.path.pop(0)
    for name in ADVICE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    assert threading.active_count() == 1, "a process that forks must have one thread"
    serve()


if __name__ == "__main__":
    main()
