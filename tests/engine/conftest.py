from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox
from .children import Nursery
from .one_job import KEY, QUICK, Setup, small_clip

MEMORY, ROOM_BYTES = Path("/dev/shm"), 2**30


@pytest.fixture(scope="session")
def small_mp4(tmp_path_factory) -> bytes:
    """The clip that the sandbox of `setup` serves for every job."""
    return small_clip(tmp_path_factory.mktemp("small-mp4"))


@pytest.fixture(scope="module")
def folder_in_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where no test asks what a power cut leaves: on no disk, on a system that offers that and has room."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM_BYTES):
        yield tmp_path_factory.mktemp("on-disk")
        return
    with TemporaryDirectory(prefix="remote-video-tests-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def nurseries() -> Iterator[tuple[Nursery, Nursery]]:
    """Two processes that start processes: a child of each can run at the same time."""
    with Nursery() as one, Nursery() as other:
        yield one, other


@pytest.fixture
def nursery(nurseries: tuple[Nursery, Nursery]) -> Nursery:
    return nurseries[0]


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of each provider in the environment."""
    for variable in ("RUNCOMFY_API_TOKEN", "COMETAPI_KEY"):
        monkeypatch.setenv(variable, KEY)


@pytest.fixture
def shared_ledger(postgres_url: str) -> dict[str, str]:
    """Settings of a machine whose ledger others share."""
    return {"ledger_url": postgres_url, "host": "farm-1", "user": "ann"}


@pytest.fixture
def setup(tmp_path: Path, small_mp4: bytes, keys: None) -> Iterator[Setup]:
    """A sandbox of its own that makes jobs in no time, and an empty home."""
    with Sandbox(tmp_path / "sandbox", pace=QUICK, prebuilt=small_mp4) as sandbox:
        setup = Setup(sandbox, tmp_path)
        yield setup
        sandbox.faults.clear()
        setup.close()


@pytest.fixture
def queueing(tmp_path: Path, small_mp4: bytes, keys: None) -> Iterator[Setup]:
    """The same, but jobs wait in the queue for longer than any test."""
    with Sandbox(tmp_path / "sandbox", pace=Pace(queue_s=3600), prebuilt=small_mp4) as sandbox:
        setup = Setup(sandbox, tmp_path)
        yield setup
        sandbox.faults.clear()
        setup.close()
