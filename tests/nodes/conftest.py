"""Nodes run against the stand-in, through the whole engine, to a sandbox on a real port."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from remote_video_pack.remote_video.engine import pace
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox
from ..warm import ASKED_AT_ONCE
from .comfy import Comfy

FRAMES, WIDTH, HEIGHT, FPS, RATE = 24, 320, 180, 24, 44100


@pytest.fixture(autouse=True)
def asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines ask at once after a young job, as no model is ready so soon but the sandbox's."""
    monkeypatch.setattr(pace, "FIRST", ASKED_AT_ONCE)


@pytest.fixture
def comfy(tmp_path: Path) -> Comfy:
    return Comfy(tmp_path / "comfy")


@pytest.fixture(scope="session")
def small_clip() -> bytes:
    """One second of brightening grey with a tone, H.264 and AAC."""
    file = BytesIO()
    with av.open(file, "w", format="mp4") as out:
        video, audio = out.add_stream("h264", rate=FPS), out.add_stream("aac", rate=RATE, layout="stereo")
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES):
            grey = np.full((HEIGHT, WIDTH, 3), 60 + 5 * number, np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        tone = np.sin(np.arange(RATE, dtype=np.float32) / 16)[None].repeat(2, 0)
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="stereo")
        frame.sample_rate = RATE
        out.mux(audio.encode(frame))
        for stream in (video, audio):
            out.mux(stream.encode(None))
    return file.getvalue()


@pytest.fixture
def sandbox(tmp_path: Path, small_clip: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Both providers, answering at once; the nodes are pointed at it as at a provider, with keys."""
    with Sandbox(tmp_path / "provider", pace=Pace(0, 0), prebuilt=small_clip) as running:
        monkeypatch.setenv("RUNCOMFY_API_BASE_URL", running.runcomfy_base_url)
        monkeypatch.setenv("COMETAPI_BASE_URL", running.cometapi_base_url)
        monkeypatch.setenv("RUNCOMFY_API_TOKEN", "a-key")
        monkeypatch.setenv("COMETAPI_KEY", "another-key")
        yield running
