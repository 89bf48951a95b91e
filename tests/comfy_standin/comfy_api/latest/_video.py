"""VIDEO values: a file, or components that become one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import torch


class VideoContainer(str, Enum):
    AUTO = "auto"
    MP4 = "mp4"


class VideoCodec(str, Enum):
    AUTO = "auto"
    H264 = "h264"


@dataclass
class VideoComponents:
    """frames float32 [T,H,W,3] and their rate, frames/s."""

    images: torch.Tensor
    frame_rate: Fraction
    audio: dict[str, Any] | None = None


class VideoInput(ABC):
    """A VIDEO on a wire."""

    @abstractmethod
    def save_to(
        self,
        path: str | BytesIO,
        format: VideoContainer = VideoContainer.AUTO,
        codec: VideoCodec = VideoCodec.AUTO,
        metadata: dict[str, object] | None = None,
    ) -> None:
        """Write the video."""


class VideoFromFile(VideoInput):
    """A VIDEO that is a file already."""

    def __init__(self, file: str | BytesIO) -> None:
        self.file = file

    def get_stream_source(self) -> str | BytesIO:
        """The file."""
        if isinstance(self.file, BytesIO):
            self.file.seek(0)
        return self.file

    def save_to(
        self,
        path: str | BytesIO,
        format: VideoContainer = VideoContainer.AUTO,
        codec: VideoCodec = VideoCodec.AUTO,
        metadata: dict[str, object] | None = None,
    ) -> None:
        """Copy the file's bytes."""
        data = self.file.getvalue() if isinstance(self.file, BytesIO) else Path(self.file).read_bytes()
        if isinstance(path, BytesIO):
            path.write(data)
        else:
            Path(path).write_bytes(data)


class VideoFromComponents(VideoInput):
    """A VIDEO made of frames."""

    def __init__(self, components: VideoComponents) -> None:
        self.components = components

    def get_components(self) -> VideoComponents:
        """What it is made of."""
        return self.components

    def save_to(
        self,
        path: str | BytesIO,
        format: VideoContainer = VideoContainer.AUTO,
        codec: VideoCodec = VideoCodec.AUTO,
        metadata: dict[str, object] | None = None,
    ) -> None:
        """Encode the frames as H.264."""
        images = self.components.images
        with av.open(path, "w", format="mp4") as out:
            stream = out.add_stream("h264", rate=Fraction(self.components.frame_rate))
            stream.height, stream.width = images.shape[1:3]
            stream.pix_fmt = "yuv420p"
            for image in (images * 255).clamp(0, 255).byte().numpy():
                out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            out.mux(stream.encode(None))
