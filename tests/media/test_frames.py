"""Frames are decoded in the memory of their tensor, and of a few frames beside it."""

from __future__ import annotations

import time

import numpy as np
import pytest
from remote_video_pack.remote_video.errors import NotEnoughMemory
from remote_video_pack.remote_video.media import frames as decoding
from remote_video_pack.remote_video.media.colours import Orientation
from remote_video_pack.remote_video.media.frames import (
    MAX_WORKERS,
    QUEUED_PER_WORKER,
    Picture,
    decode_frames,
    require_memory,
)

from .clips import moving_picture, write_clip

FRAME_BYTES = 64 * 48 * 3 * 4
BESIDE = 8
"""Frames that decoder and queue hold."""


@pytest.mark.parametrize("count", [1, 100])
def test_what_fits_to_the_byte_is_decoded_and_one_byte_less_is_refused_with_how_many_would_fit(
    tmp_path, monkeypatch, count
):
    needed = (count + BESIDE) * FRAME_BYTES
    monkeypatch.setattr(decoding, "free_bytes", lambda: needed)
    require_memory(tmp_path, Picture(count, 64, 48), count)
    monkeypatch.setattr(decoding, "free_bytes", lambda: needed - 1)
    with pytest.raises(NotEnoughMemory) as short:
        require_memory(tmp_path, Picture(count, 64, 48), count)
    assert short.value.fitting == count - 1
    monkeypatch.setattr(decoding, "free_bytes", lambda: BESIDE * FRAME_BYTES // 2)
    with pytest.raises(NotEnoughMemory) as short:
        require_memory(tmp_path, Picture(count, 64, 48), count)
    assert short.value.fitting == 0


class Slow(Orientation):
    """Takes its time over each picture."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "done", 0)

    def upright(self, pixels: np.ndarray) -> np.ndarray:
        time.sleep(0.002)
        object.__setattr__(self, "done", self.done + 1)
        return super().upright(pixels)


def test_a_decoder_that_is_faster_than_the_conversion_waits_for_it(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", [moving_picture(n, 64, 48) for n in range(80)])
    slow, waiting = Slow(), []
    decoded = 0

    def count() -> None:
        nonlocal decoded
        waiting.append(decoded - slow.done)
        decoded += 1

    frames = decode_frames(path, Picture(80, 64, 48, slow), check=count)
    assert len(frames) == slow.done == 80
    assert max(waiting) <= MAX_WORKERS * (QUEUED_PER_WORKER + 1)
