from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from remote_video_pack.remote_video.sandbox import Pace

from ..engine.one_job import small_clip
from ..faults import Sandbox
from ..warm import CAN_FORK, WarmStart
from .terminal import Terminal


@pytest.fixture(scope="session")
def small_mp4(tmp_path_factory) -> bytes:
    """The clip that the sandbox serves for every job."""
    return small_clip(tmp_path_factory.mktemp("small-mp4"))


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmStart | None]:
    """Processes that need not start."""
    with WarmStart() as warm:
        yield warm if CAN_FORK else None


@pytest.fixture
def terminal(tmp_path: Path, small_mp4: bytes, warm: WarmStart | None) -> Iterator[Terminal]:
    """Jobs are made in no time."""
    with Sandbox(tmp_path / "sandbox", pace=Pace(0, 0), prebuilt=small_mp4) as sandbox:
        yield Terminal(tmp_path, sandbox, warm)


@pytest.fixture
def queueing(tmp_path: Path, small_mp4: bytes, warm: WarmStart | None) -> Iterator[Terminal]:
    """Jobs wait in the queue for longer than any test, but for one that says so."""
    with Sandbox(tmp_path / "sandbox", pace=Pace(queue_s=3600), prebuilt=small_mp4) as sandbox:
        yield Terminal(tmp_path, sandbox, warm)
