"""Packets of clips one after the other, as they are: no loss, at the speed of the disk.

Pictures follow each other exactly. Sound comes in packets of about 20 ms, which can't be parted: each clip's
begins with the packet that lies nearest, so that it is never off by more than half of one, and nothing adds up.
"""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from typing import Any, TypeAlias

import av

from .container import open_media, sound_stream, video_stream
from .look import Look
from .measured import InClip, fraction

Timed: TypeAlias = "tuple[float, av.Packet[Any]]"
"""When a packet is due, s, and the packet."""


def copied_pictures(look: Look, to: av.VideoStream) -> Generator[Timed, None, None]:
    """The pictures of all clips."""
    for slot in look.slots:
        clip = slot.clip
        with InClip(clip.number, clip.part.path), open_media(clip.part.path) as container:
            stream = video_stream(container, clip.part.path)
            base = fraction(stream.time_base)
            shift = round((slot.begin - clip.begin_s) / base)
            for packet in container.demux(stream):
                if not packet.size or packet.pts is None or packet.dts is None:
                    continue
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = to
                yield float(packet.dts * base), packet


def copied_sound(look: Look, to: av.AudioStream) -> Generator[Timed, None, None]:
    """The sound of all clips."""
    end: int | None = None
    """Of what is written, in packets' own ticks: samples."""
    for slot in look.slots:
        clip, sound = slot.clip, slot.clip.sound
        if sound is None:
            continue  # none of them is, where packets are copied
        begin, until = slot.begin / sound.time_base, slot.end / sound.time_base
        with InClip(clip.number, clip.part.path), open_media(clip.part.path) as container:
            stream = sound_stream(container)
            picture = round(clip.begin_s / sound.time_base)
            for packet in container.demux(stream) if stream is not None else ():
                if not packet.size or packet.pts is None:
                    continue
                wanted = round(begin) + packet.pts - picture
                at = wanted if end is None else end
                if at - wanted > sound.packet / 2:
                    continue  # what comes before the clip's picture does, or is overlapped by the clip before
                if at >= until - (0 if slot is look.slots[-1] else Fraction(sound.packet, 2)):
                    break
                end = at + sound.packet
                yield float(at * sound.time_base), _fresh(packet, at, end, until, to)


def _fresh(packet: av.Packet[Any], at: int, end: int, until: Fraction, to: av.AudioStream) -> av.Packet[Any]:
    """The packet at another time, without what its file says of it: samples to skip, whether it is shown."""
    fresh = av.Packet(bytes(packet))
    fresh.pts = fresh.dts = at
    fresh.duration = min(end, max(at + 1, int(until))) - at
    fresh.time_base = packet.time_base
    fresh.is_keyframe = True
    fresh.stream = to
    return fresh
