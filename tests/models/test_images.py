"""Images are held once, however many nodes send them, and as a file as soon as there is one."""

from __future__ import annotations

import gc
import threading
import tracemalloc

import torch
from remote_video_pack.remote_video.models.request import Image, Request
from remote_video_pack.remote_video.models.veo3 import VEO3

NODES = 40
MB = 10**6


def request_for(seed: int, image: torch.Tensor) -> Request:
    return VEO3.request({"image": image, "prompt": "a calm sea", "seed": seed})


def picture(shade: float = 0.5) -> torch.Tensor:
    """A 4K IMAGE: 25 MB as 8-bit pixels, next to nothing as a file."""
    return torch.full((1, 2160, 3840, 3), shade)


def test_equal_images_are_one_and_different_ones_are_not():
    first, second, other = (request_for(seed, picture(shade)) for seed, shade in ((1, 0.5), (2, 0.5), (3, 0.25)))
    images = [next(request.media()) for request in (first, second, other)]
    assert images[0] is images[1]
    assert images[0] is not images[2]
    assert images[0].digest != images[2].digest


def test_many_nodes_of_one_image_hold_little_while_they_wait():
    image = picture()
    tracemalloc.start()
    held = [request_for(seed, image) for seed in range(NODES)]
    for request in held:
        request.encode()
    gc.collect()
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 20 * MB, f"{NODES} nodes hold {grown / MB:.0f} MB"


def test_an_image_that_nobody_holds_is_forgotten():
    digest = next(request_for(1, picture(0.125)).media()).digest
    gc.collect()
    again = next(request_for(1, picture(0.125)).media())
    assert again.digest == digest
    assert again._encoded is None, "a new one"


def test_two_threads_that_need_the_file_at_once_make_it_once():
    image = next(request_for(1, picture()).media())
    assert isinstance(image, Image)
    files: list[object] = []
    threads = [threading.Thread(target=lambda: files.append(image.encode())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(file) for file in files}) == 1
