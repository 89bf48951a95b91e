"""What a long clip costs a real server in RAM, with and without a wire on `frames`."""

from __future__ import annotations

import threading
import time

from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox
from .prompts import Prompt, node

MB = 1 << 20
FRAMES_READ, WIDTH, HEIGHT = 60, 1920, 1088


class Peak:
    """The most memory a server held while this was entered, above what it held before."""

    def __init__(self, server) -> None:
        self._server, self._over = server, threading.Event()
        self._watch = threading.Thread(target=self._look)

    def __enter__(self) -> Peak:
        self.before = self.highest = self._server.rss_bytes
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    @property
    def growth_bytes(self) -> int:
        return self.highest - self.before

    def _look(self) -> None:
        while not self._over.is_set():
            self.highest = max(self.highest, self._server.rss_bytes)
            time.sleep(0.005)


def ten_seconds(prompt: str, **readers) -> Prompt:
    """A 1920x1088 clip of 241 frames: 6 GB as float32."""
    return {
        "1": node("LoadImage", image="example.png"),
        "2": node("ImageScale", image=["1", 0], upscale_method="area", width=1280, height=720, crop="center"),
        "3": node("Dreamina3Pro", image=["2", 0], prompt=prompt, num_frames=241, max_frames=FRAMES_READ),
        **readers,
    }


def test_a_long_clip_costs_no_ram_unwired_and_its_tensor_wired(start_comfy, tmp_path):
    with Sandbox(tmp_path / "provider", pace=Pace(0.1, 0.1)) as provider:
        server = start_comfy(RUNCOMFY_API_BASE_URL=provider.runcomfy_base_url, RUNCOMFY_API_TOKEN="a-key")
        server.run({"1": node("LoadImage", image="example.png"), "2": node("PreviewImage", images=["1", 0])})
        with Peak(server) as unwired:
            server.run(ten_seconds("a cat"))
        size = node("GetImageSize", image=["3", 0])
        with Peak(server) as wired:
            server.run(ten_seconds("a cat", size=size, shown=node("PreviewAny", source=["size", 2])))
        server.kill()
    tensor_bytes = FRAMES_READ * WIDTH * HEIGHT * 3 * 4
    print(f"unwired {unwired.growth_bytes / MB:.0f} MB; wired {wired.growth_bytes / tensor_bytes:.2f} of the tensor")
    assert unwired.growth_bytes < 150 * MB
    assert wired.growth_bytes < 1.15 * tensor_bytes
    assert provider.accepted_posts == 1
