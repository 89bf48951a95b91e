"""Core's way to join clips, run by ComfyUI's own Python: frames of all in one tensor, saved again."""

from __future__ import annotations

import resource
import sys
import tempfile
import time

sys.path.insert(0, ".")
import torch
from comfy_api.latest._input_impl.video_types import VideoFromComponents, VideoFromFile
from comfy_api.latest._util import VideoComponents


def peak() -> int:
    """Bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


idle = peak()
began, began_cpu = time.perf_counter(), time.process_time()
parts = [VideoFromFile(clip).get_components() for clip in sys.argv[1:]]
height, width = parts[0].images.shape[1:3]
fitted = [
    part.images
    if part.images.shape[1:3] == (height, width)
    else torch.nn.functional.interpolate(part.images.movedim(-1, 1), (height, width)).movedim(1, -1)
    for part in parts
]
rate = parts[0].frame_rate
del parts
film = VideoFromComponents(VideoComponents(images=torch.cat(fitted), audio=None, frame_rate=rate))
del fitted
with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
    film.save_to(file.name)
print(time.perf_counter() - began, time.process_time() - began_cpu, peak() - idle)
