"""A process that runs one job and may be killed at any moment.

    python child.py JOB.json            run the job of that file
    python child.py --leave-during-submission JOB.json
                                        end in order while its submission is under way
    python child.py --nursery           for each path on stdin: fork a child for it and say its pid; at the next line,
                                        wait for its end and say how it ended

The nursery has the pack imported before it forks, so that a child costs milliseconds. A job's file says where
everything is; what came of the run is written to its `result`.
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


def run(job_file: Path) -> None:
    job = json.loads(job_file.read_text(encoding="utf-8"))
    result = _result(job)
    part = Path(job["result"] + ".new")
    part.write_text(json.dumps(result), encoding="utf-8")
    part.replace(job["result"])


def _result(job: dict[str, Any]) -> dict[str, Any]:
    from remote_video_pack.remote_video.errors import RemoteVideoError, Stopped

    player = sys.modules["one_job"].Player(at_line=lambda line: _hold(job, line))
    studio = _studio(job)
    try:
        clip = studio.run_now(player)
    except (RemoteVideoError, Stopped) as error:
        return {"outcome": type(error).__name__, "says": str(error)}
    finally:
        studio.close()
    return {"outcome": "clip", "path": str(clip.path), "request_id": clip.request_id, "reused": clip.reused}


def leave_during_submission(job_file: Path) -> None:
    """Cancel the run while the sandbox holds its submission's answer back, and come to the end of the program."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    studio = _studio(job)
    atexit.register(studio.close)

    async def main() -> None:
        run = asyncio.ensure_future(studio.run())
        while not Path(job["held"]).exists():
            await asyncio.sleep(0.01)
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run

    asyncio.run(main())
    Path(job["result"]).touch()


def _studio(job: dict[str, Any]) -> Any:
    sandbox = type("Elsewhere", (), {"base_urls": job["base_urls"]})
    return sys.modules["one_job"].Studio(sandbox, Path(job["folder"]), job["provider"])


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
        run(job_file)
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    load("remote_video_pack", HERE.parents[1] / "__init__.py", HERE.parents[1])
    load("one_job", HERE / "one_job.py")
    if sys.argv[1] == "--nursery":
        assert threading.active_count() == 1, "a process that forks must have one thread"
        nursery()
    elif sys.argv[1] == "--leave-during-submission":
        leave_during_submission(Path(sys.argv[2]))
    else:
        run(Path(sys.argv[1]))
