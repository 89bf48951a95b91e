"""A VIDEO of ComfyUI as a file that is joined: its own where it has one, else one that is written."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from comfy_api.latest import Input, InputImpl

from ..remote_video.errors import InputRefused
from ..remote_video.media.from_frames import write_frames
from ..remote_video.media.measured import Part


def part_of(video: Any, number: int, folder: Path) -> Part:
    """The file of the clip at this place, and the stretch of it that is meant. Blocks.

    Args:
        folder: where one is written if there is none.

    Raises:
        InputRefused: it is not a video.
    """
    if not isinstance(video, Input.Video):
        raise InputRefused(
            f"Clip {number} is a {type(video).__name__}, not a video.", next_step="Wire a VIDEO to `clips`."
        )
    if not isinstance(video, InputImpl.VideoFromFile):
        return Part(_written(video, folder / f"{number}.mp4"))
    source = video.get_stream_source()
    begin_s, length_s = _window(video)
    if isinstance(source, BytesIO):
        path = folder / f"{number}.mp4"
        path.write_bytes(source.getbuffer())
        return Part(path, begin_s, length_s)
    return Part(Path(source), begin_s, length_s)


def _window(video: Any) -> tuple[float, float]:
    """Where the video begins in its file and how long it is, s; 0 for all. Hosts before 0.3x cut none."""
    if (active := getattr(video, "get_active_trim_window", None)) is not None:
        begin, length = active()
    else:
        begin = getattr(video, "_VideoFromFile__start_time", 0.0)
        length = getattr(video, "_VideoFromFile__duration", 0.0)
    return max(0.0, float(begin)), float(length)


def _written(video: Any, path: Path) -> Path:
    """Of frames in memory, as near to them as 8 bits come; ComfyUI's own way says nothing of the colours."""
    components = video.get_components()
    audio = components.audio or None
    write_frames(
        path,
        components.images,
        components.frame_rate,
        None if audio is None else audio["waveform"][0],
        0 if audio is None else int(audio["sample_rate"]),
    )
    return path
