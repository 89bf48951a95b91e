"""Joining 10 clips of 8 s, 1080p: alike (packets are copied) and unlike (one pass of decoding and encoding).

Beside it `ffmpeg -f concat -c copy`, ffmpeg encoding at the same quality, and core's way: the clips' frames as one
tensor, and VideoFromComponents.save_to. Seconds, CPU seconds and the RAM above idle, each in a process of its own.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from .decode import CLIPS, FPS, _peak_rss, _reset_peak, realistic_clip
from .processes import fresh

CLIPS_OF_A_FILM, SECONDS = 10, 8
FULL, SMALLER = (1920, 1080), (1280, 720)
OF_TENSORS = 2
"""Clips that core's way is measured with: their frames take 5 GB each, and twice that while they are put together."""
SAME_QUALITY = ["-c:v", "libx264", "-crf", "16", "-preset", "veryfast", "-pix_fmt", "yuv420p"]


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each film and way; figures that can't be had say why."""
    count = 2 if quick else CLIPS_OF_A_FILM
    return [row for film in ("alike", "unlike") for row in _film(film, count)]


def _film(film: str, count: int) -> list[dict[str, Any]]:
    clips = [str(realistic_clip(CLIPS, *size, SECONDS * FPS)) for size in _sizes(film, count)]
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "ours": lambda: fresh(_ours, clips),
        "ffmpeg": lambda: _ffmpeg(film, clips),
        "core": lambda: _core(clips[:OF_TENSORS]),
    }
    return [{"film": f"{count} clips, {film}", "way": way, **measured()} for way, measured in ways.items()]


def _sizes(film: str, count: int) -> list[tuple[int, int]]:
    return [FULL if film == "alike" or number % 2 == 0 else SMALLER for number in range(count)]


def _ours(folder: Path, clips: list[str]) -> dict[str, Any]:
    from remote_video.media.join import join, look_at
    from remote_video.media.look import Wish
    from remote_video.media.measured import Part

    def film(files: list[str]) -> bool:
        look = look_at([Part(Path(clip)) for clip in files], Wish())
        with (folder / "film.mp4").open("wb") as file:
            join(look, file)
        return look.copies_pictures

    small = [str(realistic_clip(CLIPS, *size, 8)) for size in ((320, 240), (160, 120))]
    film(small)
    measured, copied = _measured(lambda: film(clips))
    return {**measured, "film_mb": _megabytes(folder / "film.mp4"), "note": "copied" if copied else "encoded"}


def _measured(work: Callable[[], Any]) -> tuple[dict[str, Any], Any]:
    before = psutil.Process().memory_info().rss
    _reset_peak()
    began, began_cpu = time.perf_counter(), time.process_time()
    result = work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return {"s": round(seconds, 2), "cpu_s": round(cpu, 2), "rss_mb": round((_peak_rss() - before) / 1e6)}, result


def _program() -> str | None:
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    return shutil.which("ffmpeg")


def _ffmpeg(film: str, clips: list[str]) -> dict[str, Any]:
    program = _program()
    return {"note": "not here"} if program is None else fresh(_ffmpeg_run, program, film, clips)


def _ffmpeg_run(folder: Path, program: str, film: str, clips: list[str]) -> dict[str, Any]:
    out = folder / "film.mp4"
    if film == "alike":
        listed = folder / "clips.txt"
        listed.write_text("".join(f"file '{clip}'\n" for clip in clips), encoding="utf-8")
        command = [program, "-v", "error", "-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy", str(out)]
    else:
        size = f"{FULL[0]}:{FULL[1]}"
        fitted = "".join(f"[{n}:v]scale={size}:flags=lanczos,setsar=1[v{n}];" for n in range(len(clips)))
        graph = fitted + "".join(f"[v{n}]" for n in range(len(clips))) + f"concat=n={len(clips)}:v=1:a=0[v]"
        inputs = [part for clip in clips for part in ("-i", clip)]
        command = [program, "-v", "error", *inputs, "-filter_complex", graph, "-map", "[v]", *SAME_QUALITY, str(out)]
    began = time.perf_counter()
    process = psutil.Popen(command)
    most, cpu = 0, 0.0
    while process.poll() is None:
        try:
            most, times = max(most, process.memory_info().rss), process.cpu_times()
            cpu = times.user + times.system
        except psutil.Error:
            break
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    return {"s": round(seconds, 2), "cpu_s": round(cpu, 2), "rss_mb": round(most / 1e6), "film_mb": _megabytes(out)}


def _core(clips: list[str]) -> dict[str, Any]:
    """With ComfyUI's own Python, where `COMFYUI_PATH` says where it is."""
    if not os.environ.get("COMFYUI_PATH"):
        return {"note": "not here: COMFYUI_PATH is not set"}
    needed = 3 * len(clips) * SECONDS * FPS * FULL[0] * FULL[1] * 12
    if needed > 0.95 * psutil.virtual_memory().available:
        return {"note": f"{len(clips)} clips need {needed / 1e9:.0f} GB of RAM"}
    python = os.environ.get("COMFYUI_PYTHON", sys.executable)
    command = [python, str(Path(__file__).resolve().with_name("join_in_core.py")), *clips]
    answer = subprocess.run(command, cwd=os.environ["COMFYUI_PATH"], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        return {"note": f"{len(clips)} clips: ended with {answer.returncode}"}
    seconds, cpu, growth = answer.stdout.split()[-3:]
    figures = {"s": round(float(seconds), 2), "cpu_s": round(float(cpu), 2), "rss_mb": round(float(growth) / 1e6)}
    return {**figures, "note": f"{len(clips)} clips only; its memory grows with each"}


def _megabytes(path: Path) -> float:
    return round(path.stat().st_size / 1e6, 1)
