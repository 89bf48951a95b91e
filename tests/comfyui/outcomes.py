"""What became of jobs: in the ledger, on disk, and in the server's log."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME

from .comfy_server import ComfyServer
from .prompts import Prompt, node

T = TypeVar("T")
SOON_S = 60.0


def soon(found: Callable[[], T], what: str, within_s: float = SOON_S) -> T:
    """What `found` gives, as soon as it is true."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError(f"waited {within_s:g} s for {what}")


def states(server: ComfyServer, words: str) -> list[State]:
    """What the ledger says of the jobs whose files' names begin so."""
    if not (server.home / FILE_NAME).exists():
        return []
    return [job.state for job in Ledger(server.home).recent(1000) if job.filename_prefix == words]


def clips(server: ComfyServer, prefix: str) -> list[Path]:
    """The MP4s in the output folder whose names are `prefix` and a number."""
    return sorted(server.output.glob(f"{prefix}_?????_.mp4"))


def clips_soon(server: ComfyServer, prefix: str, count: int) -> list[Path]:
    """The clips, once there are so many."""
    soon(lambda: len(clips(server, prefix)) >= count, f"{count} files {prefix}")
    time.sleep(0.2)  # a second copy would be there by now
    found = clips(server, prefix)
    assert len(found) == count
    return found


def submitted(server: ComfyServer, words: str, count: int = 1) -> None:
    """Wait until the ledger has so many of those jobs as accepted."""
    soon(lambda: states(server, words).count(State.SUBMITTED) == count, f"{count} submissions")


def run_until_there(server: ComfyServer, prompt: Prompt) -> dict[str, Any]:
    """What the prompt's nodes show when no clip is on its way: one that doesn't wait shows its clip at a later run."""
    outputs = server.run(prompt)
    late = [name for name, entry in prompt.items() if entry["inputs"].get("wait") is False]
    for name in late:
        outputs = soon(lambda name=name: (shown := server.run(prompt)).get(name) and shown, f"the clip of node {name}")
    return outputs


def job_in_panel(server: ComfyServer, request_id: str) -> dict[str, Any]:
    """What the jobs panel is told of a job."""
    (job,) = [job for job in server.get("/remote_video/jobs")["jobs"] if job["request_id"] == request_id]
    return job


def lives(server: ComfyServer, log_before: int = 0) -> None:
    """The prompt worker takes prompts, and nothing but nodes that raised left a traceback in the log since then."""
    server.run({"1": node("LoadImage", image="example.png"), "2": node("PreviewImage", images=["1", 0])})
    is_quiet(server.log()[log_before:])


def is_quiet(log: str) -> None:
    """No trace of a fault: ComfyUI prints one traceback for each node that raises, and says so before."""
    of_nodes = log.count("!!! Exception during processing !!!")
    chained = log.count("direct cause of the following") + log.count("another exception occurred")
    assert log.count("Traceback (most recent call last)") == of_nodes + chained, log
    for noise in ("never retrieved", "but it is pending", "never awaited", "fault of", "Exception ignored"):
        assert noise not in log, log
