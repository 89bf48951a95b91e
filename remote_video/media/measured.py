"""What a clip is for a film, exactly: its packets are read once, and only its first frame is decoded."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ..errors import Billed, MediaError
from .clip import timing
from .colours import Orientation, is_full_range, matrix_of
from .container import open_media, picture_stream, sound_stream, video_stream
from .frames import Check
from .whole_file import what_is_missing

IN_MP4 = frozenset({"h264", "hevc", "av1", "libdav1d", "vp9", "libvpx-vp9"})
"""Decoders of what goes into an MP4 as it is."""
ISO = "mov"
"""What libav calls MP4 and its kin; others have no times of their own for decoding, or no headers apart."""
USUAL_RATES = [Fraction(n) for n in (12, 15, 24, 25, 30, 48, 50, 60)]
USUAL_RATES += [Fraction(n * 1000, 1001) for n in (24, 30, 48, 60)]
FULL_RANGE = 2


@dataclass(frozen=True)
class Part:
    """A file, or a stretch of it."""

    path: Path
    begin_s: float = 0.0
    """From the begin of its picture."""
    length_s: float = 0.0
    """0: to its end."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return not (self.begin_s or self.length_s)


@dataclass(frozen=True)
class Tags:
    """What a file says of its colours: H.273's numbers, 2 for nothing (of the range: 0)."""

    range: int
    primaries: int
    transfer: int
    matrix: int


@dataclass(frozen=True)
class Sound:
    """A sound track."""

    rate: int
    """Hz."""
    layout: str
    channels: int
    kind: tuple[Any, ...]
    """What has to be the same for packets of two tracks to follow each other."""
    time_base: Fraction
    stamps: NDArray[Any] = field(repr=False, compare=False)
    """When each packet begins after the picture does, in the track's time base."""
    packet: int
    """How long each is, in the time base; 0 where they differ or have holes between."""


@dataclass(frozen=True)
class Measured:
    """A clip."""

    number: int
    """Its place among the clips, from 1."""
    part: Part
    width: int
    """As displayed, with square pixels."""
    height: int
    rate: Fraction
    begin_s: Fraction
    """Time stamp of the first frame that is shown, s."""
    length_s: Fraction
    """Of the picture."""
    matrix: int
    """The YCbCr matrix that is meant; see `colours`."""
    is_rgb: bool
    tags: Tags
    kind: tuple[Any, ...] | None
    """What has to be the same for packets of two clips to follow each other; None where none may follow them."""
    delay: int
    """How many ticks after its packet the first frame is shown."""
    time_base: Fraction
    pixel: Fraction
    """How much wider than high a stored pixel is shown."""
    orientation: Orientation
    """How the stored picture is laid down to stand upright."""
    sound: Sound | None

    @property
    def name(self) -> str:
        """For people."""
        return named(self.number, self.part.path)

    @property
    def is_full(self) -> bool:
        """Whether its brightness goes from 0 to 255."""
        return self.tags.range == FULL_RANGE


def named(number: int, path: Path) -> str:
    """What a clip is called in messages."""
    return f"clip {number} ({path.name})"


class InClip:
    """Whatever is wrong with the file inside is said of the clip by its place."""

    def __init__(self, number: int, path: Path) -> None:
        self._name = named(number, path)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, MediaError):
            raise _unusable(self._name, error.what) from error
        if isinstance(error, FileNotFoundError):
            raise _unusable(self._name, "The file is no longer there.") from error


def _unusable(name: str, why: str) -> MediaError:
    return MediaError(
        f"The film can't be joined because of {name}: {why}",
        billed=Billed.NO,
        next_step="Make that clip again or remove it, then run again.",
    )


def measure(number: int, part: Part, check: Check) -> Measured:
    """Read it.

    Raises:
        MediaError: it is not a video, or incomplete; the message says which.
    """
    with InClip(number, part.path):
        if missing := what_is_missing(part.path):
            raise MediaError(f"it ended early: {missing} are missing at its end.")
        with open_media(part.path) as container:
            video, sound = picture_stream(container, part.path), sound_stream(container)
            pictures, sounds = _Packets(), _Packets()
            frame: Any = None
            for packet in container.demux([one for one in (video, sound) if one is not None]):
                check()
                if packet.is_corrupt:
                    raise MediaError("it ended early: the file breaks off.")
                is_picture = packet.stream.index == video.index
                if is_picture and frame is None and (packet.size or packet.dts is None):
                    frame = next(iter(packet.decode()), None)
                (pictures if is_picture else sounds).add(packet)
            if frame is None:
                raise MediaError("it holds no frame that can be decoded.")
            return _measured(number, part, frame, container, pictures, sounds)


class _Packets:
    """Those of one track."""

    def __init__(self) -> None:
        self.stamps, self.lengths = array("q"), array("q")
        self.count = 0
        self.has_all_stamps = True
        self.has_hidden = False
        self.first: Any = None

    def add(self, packet: av.Packet[Any]) -> None:
        if not packet.size:
            return
        self.count += 1
        if packet.pts is None:
            self.has_all_stamps = False
            return
        self.first = self.first or packet
        self.has_hidden = self.has_hidden or packet.is_discard
        if not packet.is_discard:
            self.stamps.append(packet.pts)
            self.lengths.append(packet.duration or 0)


def _measured(
    number: int,
    part: Part,
    frame: av.VideoFrame,
    container: av.container.InputContainer,
    pictures: _Packets,
    sounds: _Packets,
) -> Measured:
    video, sound = video_stream(container, part.path), sound_stream(container)
    base, context = fraction(video.time_base), video.codec_context
    step, end, is_steady = _steps(pictures)
    fps, _ = timing(container, video, pictures.count)
    rate = _rate(fps, step, base, is_steady)
    begin = (frame.pts if frame.pts is not None else video.start_time or 0) * base
    if not pictures.has_all_stamps or end is None:
        length, is_steady = pictures.count / rate, False
    else:
        length = max(end * base - begin, 1 / rate)
    length = _cut(length, part)
    orientation, pixel = Orientation.of(frame), _pixel(video)
    tags = Tags(
        range=FULL_RANGE if is_full_range(frame) else int(context.color_range),
        primaries=int(context.color_primaries),
        transfer=int(context.color_trc),
        matrix=int(context.colorspace),
    )
    first = pictures.first
    is_plain = (
        part.is_whole
        and is_steady
        and not pictures.has_hidden
        and first is not None
        and first.is_keyframe
        and first.pts * base == begin
        and first.dts is not None
        and pixel == 1
        and orientation == Orientation()
        and context.name in IN_MP4
        and container.format.name.startswith(ISO)
    )
    size = frame.width, frame.height
    kind = (context.name, context.profile, context.extradata, *size, frame.format.name, base, rate, tags)
    width, height = orientation.size(round(frame.width * pixel), frame.height)
    return Measured(
        number=number,
        part=part,
        width=width,
        height=height,
        rate=rate,
        begin_s=begin,
        length_s=length,
        matrix=matrix_of(frame),
        is_rgb=frame.format.is_rgb,
        tags=tags,
        kind=kind if is_plain else None,
        delay=first.pts - first.dts if is_plain and first is not None else 0,
        time_base=base,
        pixel=pixel,
        orientation=orientation,
        sound=_sound(sound, sounds, container, begin) if sound is not None and sounds.count else None,
    )


def _pixel(stream: av.VideoStream) -> Fraction:
    """How much wider than high its pixels are shown."""
    ratio = stream.sample_aspect_ratio
    wide = fraction(ratio) if ratio is not None and ratio.denominator and ratio.numerator > 0 else Fraction(1)
    return wide if Fraction(1, 8) < wide < 8 else Fraction(1)


def fraction(value: Any) -> Fraction:
    """A rate or a time base; PyAV 19 has a type of its own for them."""
    return Fraction(value.numerator, value.denominator)


def _steps(packets: _Packets) -> tuple[float, int | None, bool]:
    """Ticks from frame to frame in the mean, when the last one ends, and whether all are as long, but for rounding."""
    if not packets.stamps:
        return 0.0, None, False
    order = np.argsort(np.frombuffer(packets.stamps, np.int64), kind="stable")
    stamps = np.frombuffer(packets.stamps, np.int64)[order]
    last = int(np.frombuffer(packets.lengths, np.int64)[order[-1]])
    between = np.diff(stamps)
    if not len(between):
        return float(last), int(stamps[-1]) + last if last else None, True
    mean = float(stamps[-1] - stamps[0]) / len(between)
    is_steady = bool(between.min() > 0 and np.ptp(between) <= 1)
    # A last frame that says nothing of itself, or hardly, is as long as the others.
    return mean, int(stamps[-1]) + (last if last > 0 else round(mean)), is_steady


def _rate(fps: float, step: float, base: Fraction, is_steady: bool) -> Fraction:
    """Frames a second, as exactly as can be told: a usual rate where it is one, but for rounded time stamps."""
    told = Fraction(1 / (step * base)) if is_steady and step else Fraction(fps)
    told = min(max(told, Fraction(1)), Fraction(240))
    nearest = min(USUAL_RATES, key=lambda usual: abs(usual - told))
    return nearest if abs(nearest - told) < told / 2000 else told.limit_denominator(1001)


def _cut(length: Fraction, part: Part) -> Fraction:
    """How much of the picture the part has."""
    rest = max(length - Fraction(part.begin_s), Fraction(0))
    return min(rest, Fraction(part.length_s)) if part.length_s else rest


def _sound(
    stream: av.AudioStream, packets: _Packets, container: av.container.InputContainer, begin: Fraction
) -> Sound | None:
    context, base = stream.codec_context, fraction(stream.time_base)
    if not stream.sample_rate or not context.layout.nb_channels:
        return None
    stamps = np.frombuffer(packets.stamps, np.int64) - round(begin / base)
    lengths = np.frombuffer(packets.lengths, np.int64)
    packet = int(lengths[0]) if len(lengths) else 0
    follow = len(lengths) and (np.diff(stamps) == packet).all() and (lengths[:-1] == packet).all()
    may_be_copied = follow and packets.has_all_stamps and container.format.name.startswith(ISO)
    return Sound(
        rate=stream.sample_rate,
        layout=context.layout.name,
        channels=context.layout.nb_channels,
        kind=(context.name, context.profile, context.extradata, stream.sample_rate, context.layout.name, base),
        time_base=base,
        stamps=stamps,
        packet=packet if may_be_copied and context.name == "aac" and base * stream.sample_rate == 1 else 0,
    )
