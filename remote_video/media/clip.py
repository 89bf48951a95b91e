"""A saved clip: what is in the file, read once, and its frames and sound for whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from numpy.typing import NDArray

from ..errors import MediaError
from .colours import Orientation
from .container import has_unknown_sound, open_media, picture_stream, rational, sound_stream, video_stream
from .frames import Check, Picture, decode_frames, decode_last, nothing_to_check, whole_frames
from .sound import Audio, decode_sound, silence

if TYPE_CHECKING:
    import torch

DEFAULT_FPS = 24.0
"""Where a file says nothing of its rate or duration (a single frame, mostly)."""


@dataclass(frozen=True)
class ClipInfo:
    """What a video file says of itself."""

    width: int
    """As displayed (after rotation), px."""
    height: int
    fps: float
    """Average over the clip; frames need not be evenly spaced."""
    frame_count: int
    """As the header says, else packets counted; a decode may find more or fewer."""
    duration_s: float
    has_audio: bool
    bytes: int
    """Size of the file."""
    start_s: float
    """Time stamp of the first frame that is shown."""
    orientation: Orientation
    """What sets the stored picture upright."""
    has_unknown_sound: bool = False
    """There is sound, and nothing can decode it."""
    late_s: float = 0.0
    """How much of the picture's begin can't be decoded."""
    undecodable: MediaError | None = None
    """Why no frame comes out of it, if none does; width and height are 0 then."""


class Clip:
    """A video file in a container that could be opened; its picture need not be decodable."""

    def __init__(self, path: Path, info: ClipInfo, check: Check) -> None:
        self.path = path
        self.info = info
        self._check = check
        self.warnings: list[str] = []
        """What was not as it should be in what was read so far, for the user."""
        self._picture = Picture(info.frame_count, info.width, info.height, info.orientation)

    @classmethod
    def open(cls, path: Path, check: Check = nothing_to_check) -> Clip:
        """Read the header, and decode the first frame if that is possible; no thread is started.

        Args:
            check: called again and again while frames or sound are decoded; what it raises ends that.

        Raises:
            MediaError: it is not a video.
        """
        return cls(path, _read_info(path), check)

    def frames(self, max_frames: int = 0) -> torch.Tensor:
        """An IMAGE of `pixels`. Raises as it does."""
        import torch

        return torch.from_numpy(self.pixels(max_frames))

    def pixels(self, max_frames: int = 0) -> NDArray[Any]:
        """All frames, or the first `max_frames` (0 = all): float32 [T,H,W,3], 0..1.

        Raises:
            NotEnoughMemory: before anything is allocated.
            MediaError: the file is damaged; says how many frames are whole.
        """
        self._require_picture()
        if self.info.late_s:
            late = (
                f"The first {self.info.late_s:.2f} s of the picture can't be decoded; frames and sound begin after it."
            )
            self.warnings.append(late)
        return decode_frames(self.path, self._picture, max_frames, self.warnings.append, self._check)

    def last_frame(self) -> torch.Tensor:
        """The last frame, float32 [1,H,W,3], 0..1, by a seek.

        Raises:
            NotEnoughMemory, MediaError: as `frames`.
        """
        import torch

        self._require_picture()
        return torch.from_numpy(decode_last(self.path, self._picture, self.warnings.append, self._check))

    def audio(self) -> Audio:
        """The sound, float32 [1,C,N] at its own rate; stereo silence of the clip's length when there is none.

        Raises:
            NotEnoughMemory, MediaError.
        """
        if self.info.has_unknown_sound:
            self.warnings.append("The sound is in a codec that this PyAV doesn't know; it is replaced by silence.")
        sound = decode_sound(self.path, self.info.start_s, self._check) if self.info.has_audio else None
        return sound if sound is not None else silence(self.path, self.info.duration_s)

    def _require_picture(self) -> None:
        if self.info.undecodable is not None:
            raise self.info.undecodable


def _read_info(path: Path) -> ClipInfo:
    first, undecodable = None, None
    with open_media(path) as container:
        stream = video_stream(container, path)
        count = stream.frames or _count_packets(path)
        has_audio, unknown_sound = sound_stream(container) is not None, has_unknown_sound(container)
        fps, duration_s = timing(container, stream, count)
        try:
            first = next(whole_frames(container, picture_stream(container, path), path), None)
            if first is None:
                undecodable = MediaError(f"{path} holds no frame that can be decoded.")
        except MediaError as error:
            undecodable = error
        orientation = Orientation.of(first) if first else Orientation()
        width, height = orientation.size(first.width, first.height) if first else (0, 0)
        start = first.pts if first and first.pts is not None else stream.start_time or 0
        start_s = start * rational(stream.time_base)
        begin = None if container.format.name == "avi" else stream.start_time  # AVI has no time stamps
        late_s = (start - (start if begin is None else begin)) * rational(stream.time_base)
    size_bytes = path.stat().st_size
    late_s = late_s if late_s * fps > 0.5 else 0.0
    known = (width, height, fps, count, duration_s, has_audio, size_bytes, start_s, orientation, unknown_sound)
    return ClipInfo(*known, late_s, undecodable)


def _count_packets(path: Path) -> int:
    """Frames of a file whose header doesn't count them; nothing is decoded."""
    with open_media(path) as container:
        return sum(1 for packet in container.demux(video_stream(container, path)) if packet.size)


def timing(container: av.container.InputContainer, stream: av.VideoStream, count: int) -> tuple[float, float]:
    """Frames per second and seconds, from whatever the header gives."""
    fps = rational(stream.average_rate) or rational(stream.guessed_rate) or rational(stream.base_rate)
    duration_s = (stream.duration or 0) * rational(stream.time_base) or (container.duration or 0) / av.time_base
    fps = fps or (count / duration_s if duration_s > 0 else DEFAULT_FPS)
    return fps, duration_s if duration_s > 0 else count / fps
