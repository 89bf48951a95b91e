"""A VIDEO as the file that is sent."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import av
from comfy_api.latest import Input, Types

from ..remote_video.errors import InputRefused
from ..remote_video.media.container import open_media


def mp4_file(video: Any, name: str) -> bytes:
    """The video as an MP4 file with H.264; its packets are copied where they are H.264 already.

    ComfyUI copies the source's tags along; a workflow among them must not reach the provider, and the same
    video must give the same bytes whatever made it, so they are left out.

    Args:
        video: a VIDEO of ComfyUI.
        name: what it is called in messages.

    Raises:
        InputRefused: it is none, or can't be read.
    """
    if not isinstance(video, Input.Video):
        raise InputRefused(f"`{name}` is a {type(video).__name__}; it takes a video.", next_step="Connect a VIDEO.")
    tagged = BytesIO()
    try:
        video.save_to(tagged, format=Types.VideoContainer.MP4, codec=Types.VideoCodec.H264)
        tagged.seek(0)
        return _without_tags(tagged)
    except (av.error.FFmpegError, ValueError) as problem:
        raise InputRefused(
            f"`{name}` can't be read as a video: {problem}.", next_step="Connect another one, and run again."
        ) from problem


def _without_tags(file: BytesIO) -> bytes:
    bare = BytesIO()
    with (
        open_media(file) as source,
        av.open(bare, "w", format="mp4", options={"fflags": "+bitexact"}) as target,
    ):
        kept = [*source.streams.video[:1], *source.streams.audio[:1]]
        copies = {stream.index: target.add_stream_from_template(stream, opaque=True) for stream in kept}
        for packet in source.demux(kept):
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                target.mux(packet)
    return bare.getvalue()
