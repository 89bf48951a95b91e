"""Promises of "pay once" across machines: whatever dies, sleeps or is cut off, each key is accepted at most once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from counts import count
from remote_video_pack.remote_video.sandbox import Pace, Sandbox, renders

from ..engine.one_job import small_clip
from .chaos import Chaos, Size, Studio, Zygote, clip_of

SOAK = bool(os.environ.get("REMOTE_VIDEO_SOAK"))
SEEDS = range(20) if SOAK else (1,)
SIZE = Size(keys=20, lasts_s=20.0, restarts=2, kills=8, sleeps=3, cuts=8) if SOAK else Size()

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as zygote:
        yield zygote


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> bytes:
    return small_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def sandbox(tmp_path: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A provider whose clips are all different, and all of one size."""
    monkeypatch.setattr(renders, "render", lambda plan, _, part: part.write_bytes(clip_of(clip, plan.prompt)))
    with Sandbox(tmp_path / "sandbox", pace=Pace(queue_s=0.2, run_s=0.4)) as sandbox:
        yield sandbox


@pytest.mark.parametrize("seed", SEEDS)
def test_machines_that_share_a_folder_pay_once(tmp_path, zygote, sandbox, clip, seed) -> None:
    with Studio(tmp_path, zygote, sandbox, clip) as studio:
        chaos = Chaos(studio, seed, SIZE)
        chaos.run()
    told(chaos)


def told(chaos: Chaos) -> None:
    for name, times in chaos.happened.items():
        count(f"chaos of machines: {name}", times)
