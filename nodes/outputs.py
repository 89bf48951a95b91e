"""The seven outputs of a clip, and which of them are worth decoding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from comfy_api.latest import InputImpl, io
from comfy_execution.graph_utils import ExecutionBlocker

from ..remote_video.errors import Billed, InputRefused, MediaError, NotEnoughMemory, SizeChanges

FRAMES, AUDIO, LAST_FRAME = 0, 3, 4
DECODED = frozenset((FRAMES, AUDIO, LAST_FRAME))
"""Outputs whose values are decoded from the file, by position; the others cost nothing."""


def clip_outputs() -> list[io.Output]:
    """The outputs of every clip node, in this order."""
    return [
        io.Image.Output(
            "frames",
            tooltip="The frames, float32 [T, H, W, 3], 0..1. Decoded into RAM only while something is wired here.",
        ),
        io.String.Output("video_path", tooltip="Absolute path of the saved MP4."),
        io.Video.Output("video", tooltip="The saved MP4 as it came from the provider; costs no RAM."),
        io.Audio.Output("audio", tooltip="The sound; silence of the clip's length when it has none."),
        io.Image.Output("last_frame", tooltip="The clip's last frame, [1, H, W, 3]: the start of the next clip."),
        io.Float.Output("fps", tooltip="Frames per second."),
        io.String.Output("request_id", tooltip="The provider's id of the job, for its support and dashboard."),
    ]


def film_outputs() -> list[io.Output]:
    """The same of a film, which no provider knows."""
    frames, path, _, *more, _ = clip_outputs()
    return [frames, path, io.Video.Output("video", tooltip="The saved film; costs no RAM."), *more]


def to_decode(frames_mode: str, wired: frozenset[int] | None) -> frozenset[int]:
    """Which of `DECODED` are needed.

    Args:
        frames_mode: auto | all | none, the node's own input.
        wired: outputs something is wired to; None when unknown, then everything counts as wired.

    Raises:
        InputRefused: `frames` is none and yet something waits for them.
    """
    needed = DECODED if wired is None else DECODED & wired
    if frames_mode == "all":
        return needed | {FRAMES}
    if frames_mode == "none":
        if wired is not None and FRAMES in wired:
            raise InputRefused(
                "The input `frames` is set to none, but something is wired to the output `frames`.",
                billed=Billed.NO,
                next_step="Set `frames` to auto, or unwire the output.",
            )
        return needed - {FRAMES}
    return needed


def read_outputs(
    path: Path,
    request_id: str,
    needed: frozenset[int],
    max_frames: int,
    warn: Callable[[str], None],
    check: Callable[[], None],
) -> tuple[Any, ...]:
    """All seven values, from the saved file. Blocks.

    Args:
        path: the saved MP4.
        request_id: passed through.
        needed: which of `DECODED` to decode; the others become a blocker that says so, never an empty value
            that could be taken for the clip.
        max_frames: at most this many frames; 0 is all.
        warn: told what is not as it should be, and no error.
        check: called again and again; what it raises ends the decoding.

    Raises:
        NotEnoughMemory, MediaError: what was needed can't be decoded; the file stays.
    """
    from ..remote_video.media.clip import Clip

    clip = Clip.open(path, check)
    values = (
        _decoded("frames", lambda: clip.frames(max_frames)) if FRAMES in needed else _not_decoded("frames"),
        str(path),
        InputImpl.VideoFromFile(str(path)),
        _decoded("audio", clip.audio) if AUDIO in needed else _not_decoded("audio"),
        _decoded("last_frame", clip.last_frame) if LAST_FRAME in needed else _not_decoded("last_frame"),
        clip.info.fps,
        request_id,
    )
    for warning in clip.warnings:
        warn(warning)
    return values


def _decoded(output: str, decode: Callable[[], Any]) -> Any:
    """What `decode` gives; its errors say what to do about that output of the node."""
    try:
        return decode()
    except (MediaError, NotEnoughMemory) as error:
        error.next_step = _way_on(error, output)
        raise


def _way_on(error: MediaError | NotEnoughMemory, output: str) -> str:
    if isinstance(error, NotEnoughMemory):
        if output == "audio":
            return "Unwire `audio`, or use the `video` output."
        at_most = f" to {error.fitting} or fewer" if error.fitting else ""
        return f"Set `max_frames`{at_most}, or unwire `frames`, or use the `video` output, which needs no RAM."
    if output == "audio":
        return "Unwire `audio` to take the frames alone, or delete the file and run again to fetch it anew."
    if output == "last_frame":
        return (
            "Delete the file and run again to fetch it anew (nothing is submitted), or unwire `last_frame` "
            "and take a frame from `frames`, with `max_frames` set to those that are whole."
        )
    if isinstance(error, SizeChanges):
        return f"Set `max_frames` to {error.whole_frames}, or use the `video` output."
    if error.whole_frames is None:
        return error.next_step
    way = f"set `max_frames` to {error.whole_frames} to take those" if error.whole_frames else "look at the saved file"
    return f"Run again after deleting the file to fetch it anew (nothing is submitted), or {way}."


def _not_decoded(output: str) -> ExecutionBlocker:
    return ExecutionBlocker(f"`{output}` was not decoded because nothing was wired to it. Run again.")
