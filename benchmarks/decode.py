"""Decoding a clip to frames: bare libav, ours, ComfyUI's own way, OpenCV; seconds and RAM, each in a fresh process.

Ratios are taken within a round (every way once, one after the other), then the median over the rounds.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

FPS = 24
SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "4K": (3840, 2160)}
SECONDS = (5, 10)
BITS_PER_PIXEL = 0.25
"""Of the H.264 file: 12 Mbit/s at 1080p, the middle of what video models deliver (8 to 20)."""
PEAK_OF_TENSOR = {"bare": 0.0, "fill": 1.0, "look": 0.0, "ours": 1.1, "comfyui": 3.2, "opencv": 1.4}
"""RAM each way takes, times the tensor; a way that doesn't fit into what is free is left out and said."""
ROOT = Path(__file__).resolve().parent.parent
CLIPS = Path(tempfile.gettempdir()) / "remote-video-benchmarks"
"""Made once, used by every run."""


def realistic_clip(folder: Path, width: int, height: int, frames: int) -> Path:
    """An H.264 MP4 that costs a decoder what a provider's clip does: a picture panned, fresh grain in each frame."""
    import av
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"pan_{width}x{height}_{frames}.mp4"
    if path.exists():
        return path
    rng = np.random.default_rng(0)
    shapes = rng.integers(0, 256, (height // 16 + 30, width // 16 + 30, 3), dtype=np.uint8)
    scene = Image.fromarray(shapes).resize((width + 400, height + 400), Image.Resampling.BICUBIC)
    picture = np.asarray(scene).astype(np.int16)
    grains = [rng.normal(0, 5, (height, width, 1)).astype(np.int16) for _ in range(4)]
    part = path.with_suffix(".part")
    with av.open(str(part), "w", format="mp4") as container:
        bits = str(int(BITS_PER_PIXEL * width * height * FPS))
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "b": bits})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            top, left = index % 400, 2 * index % 400
            grain = np.roll(grains[index % 4], 37 * index, 1)
            pixels = np.clip(picture[top : top + height, left : left + width] + grain, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    part.replace(path)
    return path


def bare(path: Path) -> Any:
    """Every frame decoded and dropped: libav with frame threads, nothing else."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for _ in container.decode(stream):
            pass


def fill(path: Path) -> Any:
    """The tensor's memory written once, without any video: what no decoder can go below."""
    frames, height, width = _shape(path)
    return np.full((frames, height, width, 3), 0.5, np.float32)


def look(path: Path) -> Any:
    """`Clip.open`: header and first frame; a node does it once, whether or not frames are wanted."""
    from remote_video.media.clip import Clip

    return Clip.open(path)


def ours(path: Path) -> Any:
    """`Clip.frames` of an opened clip; it opens the file itself, as the bare decode does."""
    return _OPENED[path].frames()


_OPENED: dict[Path, Any] = {}


def comfyui(path: Path) -> Any:
    """`VideoFromFile.get_components`: the real one in a ComfyUI checkout, else the same steps after its behaviour."""
    if os.environ.get("COMFYUI_PATH"):
        sys.path.insert(0, os.environ["COMFYUI_PATH"])
        from comfy_api.latest._input_impl.video_types import VideoFromFile

        return VideoFromFile(str(path)).get_components().images
    import av
    import torch

    frames = []
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.video[0]):
            frames.append(torch.from_numpy(frame.to_ndarray(format="gbrpf32le")))
    return torch.stack(frames)


def opencv(path: Path) -> Any:
    """VideoCapture into one array, the usual recipe."""
    import cv2

    capture = cv2.VideoCapture(str(path))
    frames = np.empty((*_shape(path), 3), np.float32)
    for target in frames:
        _, picture = capture.read()
        np.multiply(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.float32(1 / 255), out=target)
    return frames


WAYS: dict[str, Callable[[Path], Any]] = {
    "bare": bare,
    "fill": fill,
    "look": look,
    "ours": ours,
    "comfyui": comfyui,
    "opencv": opencv,
}


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each size, length and way; figures that can't be had say why."""
    table = []
    for name, (width, height) in list(SIZES.items())[: 2 if quick else None]:
        for seconds in SECONDS[: 1 if quick else None]:
            path = realistic_clip(CLIPS, width, height, seconds * FPS)
            tensor_bytes = seconds * FPS * width * height * 12
            table += _compare(f"{name} {seconds} s", path, tensor_bytes, rounds=2 if quick else 3)
    return table


def _compare(clip: str, path: Path, tensor_bytes: int, rounds: int) -> list[dict[str, Any]]:
    absent = {way: why for way in WAYS if (why := _why_not(way, tensor_bytes))}
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS if way not in absent}
    for _ in range(rounds):
        for way, results in runs.items():
            results.append(in_a_process(way, path, tensor_bytes))
    table = []
    for way in WAYS:
        row: dict[str, Any] = {"clip": clip, "tensor_gb": round(tensor_bytes / 1e9, 2), "way": way}
        if way in absent:
            table.append({**row, "note": absent[way]})
            continue
        seconds = [run["seconds"] for run in runs[way]]
        growth = statistics.median(run["growth_bytes"] for run in runs[way])
        to_bare = [run / base["seconds"] for run, base in zip(seconds, runs["bare"], strict=True)]
        row |= {"seconds": round(statistics.median(seconds), 3), "times_bare": round(statistics.median(to_bare), 2)}
        row["cpu_seconds"] = round(statistics.median(run["cpu_seconds"] for run in runs[way]), 2)
        row |= {"rss_gb": round(growth / 1e9, 2), "rss_of_tensor": round(growth / tensor_bytes, 2)}
        if way == "ours":
            row["mean_error_of_255"] = round(colour_error(path), 3)
        if way in ("comfyui", "opencv") and "ours" in runs:
            by_ours = [run / mine["seconds"] for run, mine in zip(seconds, runs["ours"], strict=True)]
            row["times_ours"] = round(statistics.median(by_ours), 2)
        table.append(row)
    return table


def colour_error(path: Path) -> float:
    """How far `ours` is off the standard's conversion in the mean: the first frame's worst channel, of 255."""
    import av

    with av.open(str(path)) as container:
        yuv = next(container.decode(video=0)).to_ndarray().astype(np.float64)
    height, width = yuv.shape[0] * 2 // 3, yuv.shape[1]
    (kr, kb) = (0.2126, 0.0722) if width >= 1280 else (0.299, 0.114)
    # Chroma lies between the lines and above every other pixel; a mean over the frame leaves its interpolation out.
    u, v = ((half - 128).mean() / 224 for half in yuv[height:].reshape(2, -1))
    y = (yuv[:height].mean() - 16) / 219
    r, b = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    exact = 255 * np.array([r, (y - kr * r - kb * b) / (1 - kr - kb), b])
    got = 255 * look(path).frames(1).numpy().astype(np.float64).mean((0, 1, 2))
    return float(np.abs(got - exact).max())


def _why_not(way: str, tensor_bytes: int) -> str:
    """Why a way is not measured; empty when it is."""
    if way == "opencv" and importlib.util.find_spec("cv2") is None:
        return "opencv-python-headless is not installed"
    needed, free = PEAK_OF_TENSOR[way] * tensor_bytes, psutil.virtual_memory().available
    if needed > 0.95 * free:
        return f"needs {needed / 1e9:.0f} GB of RAM, {free / 1e9:.0f} GB are free"
    return ""


def in_a_process(way: str, path: Path, tensor_bytes: int) -> dict[str, float]:
    """Seconds and peak RAM of one run in a fresh interpreter; ComfyUI's own for its own way."""
    real = way == "comfyui" and os.environ.get("COMFYUI_PATH")
    python = os.environ.get("COMFYUI_PYTHON", sys.executable) if real else sys.executable
    folder = os.environ["COMFYUI_PATH"] if real else str(ROOT)
    command = [python, str(Path(__file__).resolve()), way, str(path), str(tensor_bytes)]
    environment = {**os.environ, "PYTHONPATH": folder}
    answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise RuntimeError(f"{way} of {path.name} failed:\n{answer.stderr[-2000:]}")
    return json.loads(answer.stdout.splitlines()[-1])


def _measure(way: str, path: Path, tensor_bytes: int) -> dict[str, float]:
    """One run, after a first one of a few frames' worth of imports and tables."""
    warm = realistic_clip(path.parent, 320, 240, 8)
    if way == "ours":
        _OPENED.update({file: look(file) for file in (warm, path)})
    WAYS[way](warm)
    _touch_memory(int(PEAK_OF_TENSOR[way] * tensor_bytes))
    gc.collect()
    before = psutil.Process().memory_info().rss
    _reset_peak()
    began, began_cpu = time.perf_counter(), time.process_time()
    result = WAYS[way](path)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    growth = _peak_rss() - before
    del result
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "growth_bytes": growth}


def _touch_memory(size: int) -> None:
    """Have a virtual machine's host hand over the memory first: that is no part of decoding, and it varies."""
    np.full(size, 1, np.uint8)


def _reset_peak() -> None:
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def _peak_rss() -> int:
    """The most RAM this process had since the reset (or ever, where there is no reset), bytes."""
    if sys.platform == "linux":
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
    memory = psutil.Process().memory_info()
    return getattr(memory, "peak_wset", memory.rss)


def _shape(path: Path) -> tuple[int, int, int]:
    """Frames, height and width, as the header says."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.frames, stream.height, stream.width


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps(_measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        for line in rows():
            print(line)
