"""Frames out of a file: at the speed of the decoder, in the memory of the tensor."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError, NotEnoughMemory, SizeChanges
from ..operating_system import here
from .colours import Orientation, RgbConverter
from .container import LIBAV_ERRORS, libav, open_media, picture_stream_on_all_cores, said
from .free_memory import free_bytes
from .whole_file import what_is_missing

_NEVER = -(1 << 63)
Warn = Callable[[str], None]
"""Is told what is not as it should be, and no error."""
Check = Callable[[], None]
"""Called repeatedly; raises to end a decode that is no longer needed."""


def nothing_to_check() -> None:
    """Somebody waits for it."""


_log = logging.getLogger("remote_video")
FLOAT32_BYTES = 4
ONE_255TH = np.float32(1 / 255)
CAST_BLOCK = 2048
"""Samples numpy casts at a time; a quarter of its usual number stays in the first-level cache (1.3 times as fast)."""
MAX_WORKERS = 4
QUEUED_PER_WORKER = 4
"""Decoded frames that may wait for conversion; with the decoder's own, the memory beside the tensor."""
KEEPS_FREED_BYTES = 32 * 1024 * 1024 - 8192
"""Just under the most that glibc takes for its threshold (mallopt(3), M_MMAP_THRESHOLD: 32 MiB)."""
WORKING_FRAMES = 8
"""What decoder and queue hold while they work, in float32 frames (about 32 frames of 8 bits)."""


@dataclass(frozen=True)
class Picture:
    """What the tensor of a clip's frames looks like."""

    count: int
    """Frames, as the header says; the file may hold more or fewer."""
    width: int
    """As displayed, px."""
    height: int
    orientation: Orientation = Orientation()
    """How the stored picture is laid down to stand upright."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame as float32 [H,W,3]."""
        return self.width * self.height * 3 * FLOAT32_BYTES


def decode_frames(
    path: Path, picture: Picture, max_frames: int = 0, warn: Warn = _log.warning, check: Check = nothing_to_check
) -> NDArray[Any]:
    """All frames, or the first `max_frames`; nothing beyond those is decoded.

    Returns:
        float32 [T,H,W,3], 0..1: the exact 8-bit RGB over 255 (within 1e-7), upright.

    Raises:
        NotEnoughMemory: before anything is allocated.
        MediaError: the file breaks off or is damaged; says how many frames before that are whole.
    """
    expected = min(picture.count, max_frames) if max_frames else picture.count
    require_memory(path, picture, expected)
    frames = _empty(picture, expected)
    done = concealed = 0
    with open_media(path) as container, _Conversion(picture.orientation) as conversion:
        for frame in whole_frames(container, picture_stream_on_all_cores(container, path), path):
            check()
            if done == len(frames):
                conversion.drain()
                more = done + max(16, done // 2)
                require_memory(path, picture, more)
                _set_count(frames, more)
            _refuse_other_size(frame, picture, path, done)
            conversion.put(frame, frames[done])
            done += 1
            concealed += frame.is_corrupt
            if done == max_frames:
                break
    if done == 0:
        raise MediaError(f"{path} holds no frame that can be decoded.")
    if concealed:
        warn(f"{concealed} of {done} frames are damaged in the file, and those that build on them may show it.")
    _set_count(frames, done)
    return frames


def decode_last(
    path: Path, picture: Picture, warn: Warn = _log.warning, check: Check = nothing_to_check
) -> NDArray[Any]:
    """The last frame, found by a seek: only the last stretch between key frames is decoded.

    Returns:
        float32 [1,H,W,3], 0..1.

    Raises:
        NotEnoughMemory, MediaError: as `decode_frames`.
    """
    require_memory(path, picture, 1)
    try:
        last, is_concealed = _last_frame(path, check, seek=True)
        if last is None:
            last, is_concealed = _last_frame(path, check, seek=False)
    except MediaError as error:
        raise MediaError(f"The last frame can't be decoded: {error.what}") from error
    if last is None:
        raise MediaError(f"{path} holds no frame that can be decoded.")
    if is_concealed:
        warn("The last frame is damaged in the file, or builds on one that is; it may show it.")
    _refuse_other_size(last, picture, path, picture.count - 1)
    frames = _empty(picture, 1)
    with libav(path), _Conversion(picture.orientation) as conversion:
        conversion.put(last, frames[0])
    return frames


def whole_frames(container: av.container.InputContainer, stream: av.VideoStream, path: Path) -> Iterator[av.VideoFrame]:
    """Decoded frames in the order they are shown, from where the container stands.

    A clip that breaks off or is damaged raises rather than ends early; a header that counted wrong does no harm.

    Raises:
        MediaError: says how many frames before the damage came out whole.
    """
    count, shown_last, sent_last = 0, _NEVER, _NEVER
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                for frame in _before(packet, stream):
                    yield frame
                    count += 1
                raise _broken(path, count, "the file breaks off")
            if packet.size == 0 and packet.dts is not None:
                continue  # a sample without a byte; libav takes it for the end
            if packet.size and packet.pts is not None and not packet.is_discard:
                sent_last = max(sent_last, packet.pts)
            for frame in packet.decode():
                yield frame
                count += 1
                shown_last = max(shown_last, frame.pts if frame.pts is not None else _NEVER)
    except LIBAV_ERRORS as error:
        raise _broken(path, count, said(error)) from error
    # A decoder with threads drops its last frames, rather than say so, when one of their packets is damaged.
    if count and shown_last != _NEVER and shown_last < sent_last:
        raise _broken(path, count, "its last frames can't be")
    if what_is_missing(path):
        raise _broken(path, count, "the file breaks off")


def _before(packet: av.Packet[Any], stream: av.VideoStream) -> Iterator[av.VideoFrame]:
    """What the decoder still holds of the time before a broken packet: nothing missing can be shown that early."""
    for frame in stream.codec_context.decode(None):
        if frame.pts is not None and packet.dts is not None and frame.pts < packet.dts:
            yield frame


def require_memory(path: Path, picture: Picture, count: int) -> None:
    """Hold what the frames need against the free RAM.

    Raises:
        NotEnoughMemory: with both figures, the saved file, and how many would fit.
    """
    needed = (count + WORKING_FRAMES) * picture.frame_bytes
    free = free_bytes()
    if needed <= free:
        return
    short = NotEnoughMemory(
        f"{count} frames of {picture.width}x{picture.height} px need {needed / 1e9:.1f} GB of RAM, and "
        f"{free / 1e9:.1f} GB are free. The clip itself is saved: {path}"
    )
    short.fitting = max(0, free // picture.frame_bytes - WORKING_FRAMES)
    raise short


class _Conversion:
    """A few threads that turn decoded frames into rows of the tensor, each with its own converter."""

    def __init__(self, orientation: Orientation) -> None:
        _keep_freed_memory()
        workers = min(MAX_WORKERS, here().cores())
        self._orientation = orientation
        self._room = workers * QUEUED_PER_WORKER
        self._pool = ThreadPoolExecutor(workers, "remote-video-frames", np.setbufsize, (CAST_BLOCK,))
        self._own = threading.local()
        self._pending: deque[Future[None]] = deque()

    def __enter__(self) -> _Conversion:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.drain()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def put(self, frame: av.VideoFrame, target: NDArray[Any]) -> None:
        """Convert a frame into `target`, float32 [H,W,3]; waits while the queue is full."""
        if len(self._pending) >= self._room:
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(self._convert, frame, target))

    def drain(self) -> None:
        """Wait until every frame put so far is converted."""
        while self._pending:
            self._pending.popleft().result()

    def _convert(self, frame: av.VideoFrame, target: NDArray[Any]) -> None:
        converter = getattr(self._own, "converter", None)
        if converter is None:
            converter = self._own.converter = RgbConverter()
        pixels = self._orientation.upright(converter.pixels(frame))
        np.multiply(pixels, ONE_255TH, out=target)


def _keep_freed_memory() -> None:
    """Have glibc hand a frame's freed memory to the next frame; elsewhere it does nothing.

    By default it gives each 8-bit frame back to the system, and the next one pays for its pages again: 3,000 page
    faults a 1080p frame, nearly half of the conversion. One large block freed moves the threshold, for the process
    (mallopt(3), M_MMAP_THRESHOLD: it is dynamic); any large tensor freed earlier has done the same.
    """
    block = np.empty(KEEPS_FREED_BYTES, np.uint8)
    del block


def _empty(picture: Picture, count: int) -> NDArray[Any]:
    """Room for frames; numpy asks the kernel for huge pages, torch.empty doesn't (first touch takes 3 times longer)."""
    return np.empty((count, picture.height, picture.width, 3), np.float32)


def _set_count(frames: NDArray[Any], count: int) -> None:
    """Lengthen or cut the array where it lies: the header counted wrong. Nobody may hold a view of it."""
    if count != len(frames):
        frames.resize((count, *frames.shape[1:]), refcheck=False)


def _last_frame(path: Path, check: Check, *, seek: bool) -> tuple[av.VideoFrame | None, bool]:
    """The frame shown last, from the last key frame on, or from the begin, and whether any on the way is damaged.

    None where a seek leads nowhere.
    """
    last, is_concealed = None, False
    with open_media(path) as container:
        stream = picture_stream_on_all_cores(container, path)
        if seek:
            try:
                container.seek((stream.start_time or 0) + (stream.duration or 0), stream=stream)
            except LIBAV_ERRORS:
                return None, False
        for frame in whole_frames(container, stream, path):
            check()
            last, is_concealed = frame, is_concealed or frame.is_corrupt
    return last, is_concealed


def _refuse_other_size(frame: av.VideoFrame, picture: Picture, path: Path, index: int) -> None:
    shown = picture.orientation.size(frame.width, frame.height)
    if shown != (picture.width, picture.height):
        changes = SizeChanges(
            f"{path} changes its picture size: frame {index + 1} has {shown[0]}x{shown[1]} px, the first has "
            f"{picture.width}x{picture.height} px."
        )
        changes.whole_frames = index
        raise changes


def _broken(path: Path, count: int, why: str) -> MediaError:
    broken = MediaError(f"{path} is damaged: {count} frames can be decoded, then {why}.")
    broken.whole_frames = count
    return broken
