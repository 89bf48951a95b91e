"""Sound of any clips as the sound of a film: resampled, in step with each picture, faded and mixed where clips meet."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from .container import libav, open_media, rational, sound_stream
from .frames import Check
from .look import Look, Slot
from .measured import InClip
from .sound import SMALLEST_HOLE_S, whole_sound

FADE_S = 0.25
"""How long the sound takes to fade at a join, on either side; at most half of the clip."""
DECLICK_S = 0.004
"""The same where sound is kept: too short to be heard as a fade, but without it a cut clicks."""
BLOCK = 8192
"""Samples that are mixed at a time."""


def film_sound(look: Look, check: Check) -> Generator[NDArray[Any], None, None]:
    """The whole film's, float32 [C,N] in blocks; exactly as long as the picture."""
    readers: list[_Reader] = []
    try:
        for place, slot in enumerate(look.slots):
            readers.append(_Reader(slot, look, check, is_first=place == 0, is_last=slot is look.slots[-1]))
            is_last = place == len(look.slots) - 1
            until = _sample(slot.end if is_last else look.slots[place + 1].begin, look)
            at = _sample(slot.begin, look)
            while at < until:
                # A clip that ends fades out under the next one.
                ends = min([until, *(reader.end for reader in readers if reader.end > at)])
                count = min(BLOCK, ends - at)
                mixed = np.zeros((look.channels, count), np.float32)
                for reader in readers:
                    if reader.end > at:
                        mixed += reader.take(count)
                yield np.clip(mixed, -1.0, 1.0)
                at += count
                for ended in [reader for reader in readers if reader.end <= at]:
                    ended.close()
                    readers.remove(ended)
    finally:
        for reader in readers:
            reader.close()


def _sample(seconds: Fraction, look: Look) -> int:
    return round(seconds * look.sound_rate)


class _Reader:
    """The sound of one clip: as many samples as its slot has, silence where there is none."""

    def __init__(self, slot: Slot, look: Look, check: Check, *, is_first: bool, is_last: bool) -> None:
        self.begin, self.end = _sample(slot.begin, look), _sample(slot.end, look)
        self._at = self.begin
        self._blocks = _in_step(slot, look, check)
        self._left: NDArray[Any] = np.zeros((look.channels, 0), np.float32)
        self._channels = look.channels
        self._fade_in = 0 if is_first else self._fade(look)
        self._fade_out = 0 if is_last else self._fade(look)

    def _fade(self, look: Look) -> int:
        if look.overlap:
            return _sample(look.overlap / look.rate, look)
        wanted = FADE_S if look.fades else DECLICK_S
        return min(round(wanted * look.sound_rate), (self.end - self.begin) // 2)

    def take(self, count: int) -> NDArray[Any]:
        """The next samples."""
        while self._left.shape[1] < count:
            block = next(self._blocks, None)
            if block is None:
                block = np.zeros((self._channels, count), np.float32)
            self._left = np.concatenate([self._left, block], axis=1)
        taken, self._left = self._left[:, :count], self._left[:, count:]
        places = np.arange(self._at, self._at + count)
        self._at += count
        gain = _gain(places - self.begin + 1, self._fade_in) * _gain(self.end - places, self._fade_out)
        faded: NDArray[Any] = taken * gain
        return faded

    def close(self) -> None:
        """Close its file."""
        self._blocks.close()


def _gain(distance: NDArray[Any], fade: int) -> NDArray[Any]:
    """Of samples so far from the end that fades: of equal power, so that two clips are as loud together as each."""
    if not fade:
        return np.ones(1, np.float32)
    return np.sin(np.clip(distance / (fade + 1), 0, 1) * (np.pi / 2)).astype(np.float32)


def _in_step(slot: Slot, look: Look, check: Check) -> Generator[NDArray[Any], None, None]:
    """What there is of a clip's sound from the begin of its slot on, without holes."""
    clip = slot.clip
    if clip.sound is None:
        return
    begin = float(clip.begin_s + Fraction(clip.part.begin_s))
    with InClip(clip.number, clip.part.path), open_media(clip.part.path) as container:
        stream = sound_stream(container)
        resampler = AudioResampler(format="fltp", layout=look.layout, rate=look.sound_rate)
        early: int | None = None
        """Samples that are still to be left out: they come before the picture."""
        heard = 0.0
        """Of the clip's sound, until when it has come, s."""
        with libav(clip.part.path):
            for frame in whole_sound(container, stream, clip.part.path) if stream is not None else ():
                check()
                at = heard if frame.pts is None else frame.pts * rational(frame.time_base) - begin
                if early is None:
                    early = max(0, round(-at * look.sound_rate))
                    heard = min(at, 0.0)
                hole = at - heard
                if hole > (SMALLEST_HOLE_S if heard > 0 else 0.0):
                    for silent in _silence(frame, hole):
                        for block in resampler.resample(silent):
                            yield block.to_ndarray()
                    heard += hole
                heard += frame.samples / frame.sample_rate
                frame.pts = None
                for block in resampler.resample(frame):
                    samples = block.to_ndarray()
                    left_out = min(early, samples.shape[1])
                    early -= left_out
                    if left_out < samples.shape[1]:
                        yield samples[:, left_out:]
            for block in resampler.resample(None):
                yield block.to_ndarray()


def _silence(like: av.AudioFrame, seconds: float) -> Iterator[av.AudioFrame]:
    """Frames of silence, of the same kind, a second each at the most."""
    left = round(seconds * like.sample_rate)
    while left > 0:
        count = min(left, like.sample_rate)
        frame = av.AudioFrame(format=like.format.name, layout=like.layout.name, samples=count)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts = like.sample_rate, None
        yield frame
        left -= count
