"""A process that works on jobs and may be killed at any moment.

    python child.py JOB.json            do what that file says
    python child.py --nursery           for each path on stdin: fork a child for it and say its pid; at the next line,
                                        wait for its end and say how it ended

The nursery has the pack imported before it forks, so that a child costs milliseconds. A job's file says where
everything is, and which of the functions in `DOES` is called; what came of it is written to its `result`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib.util
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def load(name: str, file: Path, package_folder: Path | None = None) -> Any:
    folders = [str(package_folder)] if package_folder else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=folders)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def do(job_file: Path) -> None:
    job = json.loads(job_file.read_text(encoding="utf-8"))
    result = DOES[job["does"]](job)
    part = Path(job["result"] + ".new")
    part.write_text(json.dumps(result), encoding="utf-8")
    part.replace(job["result"])


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Press Run, and end when the clip is there."""
    from remote_video_pack.remote_video.errors import RemoteVideoError, Stopped

    asker = sys.modules["one_job"].RecordingAsker(at_line=lambda line: _hold(job, line))
    setup = _setup(job)
    try:
        clip = setup.run_now(asker)
    except (RemoteVideoError, Stopped) as error:
        return {"outcome": type(error).__name__, "says": str(error)}
    finally:
        setup.close()
    return {"outcome": "clip", "path": str(clip.path), "request_id": clip.request_id, "reused": clip.reused}


def submit_many(job: dict[str, Any]) -> dict[str, Any]:
    """Press Run once for each seed, all at the same time, and end when each is accepted or has failed."""
    outcomes = asyncio.run(_setup(job).submit_many(job["seeds"]))
    return {"outcomes": [getattr(outcome, "text", None) or type(outcome).__name__ for outcome in outcomes]}


def run_many(job: dict[str, Any]) -> dict[str, Any]:
    """Press Run once for each seed, all at the same time, and end when all clips are there."""
    setup, askers = _setup(job), [sys.modules["one_job"].RecordingAsker() for _ in job["seeds"]]

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(
            *(setup.run(who, seed=seed) for who, seed in zip(askers, job["seeds"], strict=True))
        )

    clips = asyncio.run(all_of_them())
    setup.close()
    return {"clips": len({clip.path for clip in clips}), "waited": sum(who.heard("a free place") for who in askers)}


def collect(job: dict[str, Any]) -> dict[str, Any]:
    """Press nothing, and end when there is nothing left to be brought home or settled."""
    from remote_video_pack.remote_video.ledger.ledger import Ledger
    from remote_video_pack.remote_video.ledger.lifecycle import TO_COLLECT, State

    setup = _setup(job, collect=True)
    ledger, unsettled = Ledger.of(setup.settings), {*TO_COLLECT, State.INTENT}
    setup.engine.start()
    try:
        wait_until = sys.modules["one_job"].wait_until
        wait_until(lambda: all(record.state not in unsettled for record in ledger.recent()), "the collector to be done")
    finally:
        setup.close()
    return {"outcome": "collected", "pid": os.getpid()}


def leave(job: dict[str, Any]) -> dict[str, Any]:
    """Cancel the run while the sandbox holds its submission's answer back, and come to the end of the program."""
    setup = _setup(job)
    atexit.register(setup.close)

    async def main() -> None:
        run = asyncio.ensure_future(setup.run())
        while not Path(job["held"]).exists():
            await asyncio.sleep(0.01)
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run

    asyncio.run(main())
    return {}


def be_ended(job: dict[str, Any]) -> dict[str, Any]:
    """Press Run, and let a signal end the process, as ComfyUI does: SIGINT in order, SIGTERM by a handler of ours."""
    setup = _setup(job)
    atexit.register(setup.close)

    def terminate(number: int, _frame: object) -> None:
        setup.close()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, terminate)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(setup.run())
    return {}


def be_replaced(job: dict[str, Any]) -> dict[str, Any]:
    """Follow a job until the file `held` is there; then become a program that collects, as at a Manager's restart."""
    setup = _setup(job)

    async def accepted() -> None:
        await (await setup.watch(until_accepted=True)).accepted()

    asyncio.run(accepted())
    held = Path(job["held"])
    while not held.exists():
        time.sleep(0.01)
    successor = held.with_suffix(".successor")
    successor.write_text(json.dumps({**job, "does": "collect"}), encoding="utf-8")
    held.unlink()
    os.execv(sys.executable, [sys.executable, str(Path(__file__).resolve()), str(successor)])


DOES = {f.__name__: f for f in (run, submit_many, run_many, collect, leave, be_ended, be_replaced)}


def _setup(job: dict[str, Any], *, collect: bool = False) -> Any:
    sandbox = type("Elsewhere", (), {"base_urls": job["base_urls"]})
    return sys.modules["one_job"].Setup(
        sandbox, Path(job["folder"]), job["provider"], collect=collect, more=job["more"]
    )


def _hold(job: dict[str, Any], line: str) -> None:
    """Hold the run up at its first line with the words `hold_at`, until the file it makes is taken away."""
    if not job.get("hold_at") or job["hold_at"] not in line:
        return
    job["hold_at"] = ""
    held = Path(job["held"])
    held.touch()
    while held.exists():
        time.sleep(0.002)


def nursery() -> None:
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            _be_a_child(Path(line.strip()))
        print(pid, flush=True)
        sys.stdin.readline()  # until then an ended child keeps its pid: nobody else can be killed in its place
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _be_a_child(job_file: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    code = 1
    try:
        do(job_file)
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    load("remote_video_pack", HERE.parents[1] / "__init__.py", HERE.parents[1])
    load("one_job", HERE / "one_job.py")
    with contextlib.suppress(ImportError):
        importlib.import_module("psycopg")  # takes long, too
    if sys.argv[1] == "--nursery":
        assert threading.active_count() == 1, "a process that forks must have one thread"
        nursery()
    else:
        do(Path(sys.argv[1]))
