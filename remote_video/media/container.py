"""A video file opened for reading, with the bounds a file from outside needs."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.stream import Disposition

from ..errors import MediaError
from ..operating_system import here

MAX_PIXELS = 8192 * 8192
"""Largest frame that is decoded at all; a header that claims more is refused before anything is allocated."""
MAX_DECODER_THREADS = 16
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,ivf,h264,hevc"
"""What is opened, by libav's names. Playlists and scripts (ffconcat, HLS, DASH ...) are not: they name other files."""
_DEMUXER_OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
_DECODER_OPTIONS = {"max_pixels": str(MAX_PIXELS)}
LIBAV_ERRORS = (av.error.FFmpegError, OSError, EOFError, ValueError, NotImplementedError, OverflowError)
"""All that PyAV raises over what is in a file: its own errors, which differ from version to version, and plain ones."""
_ANY_TAGS: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
"""Tags that are not UTF-8 do no harm; PyAV 19 replaces them by itself and has no such argument."""


@contextmanager
def open_media(source: Path | BinaryIO) -> Iterator[av.container.InputContainer]:
    """The file's container, closed at the end; whatever is in it, no other file and no address is opened.

    Raises:
        MediaError: it can't be read, here or inside the block.
    """
    path = source if isinstance(source, Path) else "the video"
    file = f"file:{source}" if isinstance(source, Path) else source
    with libav(path):
        try:
            container = av.open(file, options={**_DEMUXER_OPTIONS, **_DECODER_OPTIONS}, **_ANY_TAGS)
        except LIBAV_ERRORS as error:
            if getattr(error, "errno", None) != errno.EINVAL:
                raise
            raise MediaError(f"{path} is in no container that clips come in (MP4, MOV, WebM, MKV, AVI ...).") from error
        with container:
            try:
                yield container
            finally:
                _let_threads_rest(container)


def _let_threads_rest(container: av.container.InputContainer) -> None:
    """Wait for the decoders' threads before they are freed: PyAV frees them with the interpreter's lock held, and one
    that waits for that lock would hold up the whole process (seen with PyAV 19). This wait lets the lock go.
    """
    for stream in container.streams.video:
        if stream.codec_context is not None:
            stream.codec_context.flush_buffers()


@contextmanager
def libav(path: Path | str) -> Iterator[None]:
    """Whatever PyAV raises inside over what is in that file becomes a MediaError."""
    try:
        yield
    except LIBAV_ERRORS as error:
        raise MediaError(f"{path} can't be decoded: {said(error)}.") from error


def said(error: BaseException) -> str:
    """The decoder's own words."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The first one that is not a cover picture; there may be no decoder for it.

    Raises:
        MediaError: there is none.
    """
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise MediaError(f"{path} has no picture.")


def picture_stream(container: av.container.InputContainer, path: Path, threads: int = 1) -> av.VideoStream:
    """The same, ready to be decoded.

    Args:
        threads: frames that are decoded at a time, which delays the first. One starts no thread at all.

    Raises:
        MediaError: there is none, nothing can decode it, or it claims frames larger than MAX_PIXELS.
    """
    stream = video_stream(container, path)
    if stream.codec_context is None:
        raise MediaError(
            f"The picture of {path} is in a codec that this PyAV ({av.__version__}) doesn't know.",
            next_step="The file is whole: use `video_path`, or update PyAV (the package `av`) in ComfyUI's Python.",
        )
    width, height = stream.codec_context.width, stream.codec_context.height
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise MediaError(f"{path} claims frames of {width}x{height} px; frames of up to {MAX_PIXELS} px are decoded.")
    stream.codec_context.options = dict(_DECODER_OPTIONS)
    stream.thread_type = "AUTO" if threads > 1 else "NONE"
    stream.codec_context.thread_count = threads
    return stream


def picture_stream_on_all_cores(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The same, for many frames."""
    # Twice libav's default: frame threads wait for each other while frames are converted (10 % faster on 2 cores).
    return picture_stream(container, path, min(MAX_DECODER_THREADS, 2 * here().cores() + 2))


def sound_stream(container: av.container.InputContainer) -> av.AudioStream | None:
    """The sound, if there is any that can be decoded."""
    decodable = [stream for stream in container.streams.audio if stream.codec_context is not None]
    best = container.streams.best("audio")
    return best if best in decodable else next(iter(decodable), None)


def has_unknown_sound(container: av.container.InputContainer) -> bool:
    """Whether there is sound, and none that can be decoded."""
    return bool(container.streams.audio) and sound_stream(container) is None


def rational(value: Any) -> float:
    """A rate or a time base as a number; 0.0 where the file says nothing.

    PyAV answers with Fraction or None up to 18, and with its own type, 0/0 or 0/1 for nothing, from 19 on.
    """
    if value is None or not value.denominator:
        return 0.0
    return float(value.numerator / value.denominator)
