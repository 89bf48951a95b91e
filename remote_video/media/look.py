"""What the clips of a film agree on: size, rate, colours, sound, where each begins, and whether packets are copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from ..errors import InputRefused
from .colours import BT601, BT709, matrix_by_size
from .measured import FULL_RANGE, Measured, Tags

MATRIX_TAGS = {BT709: 1, BT601: 6, 4: 4, 7: 7, 9: 9}
"""H.273's numbers of swscale's matrices."""
RGB_TAG = 0
PQ, HLG = 16, 18
SAMPLE_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000)
LAYOUTS = ("mono", "stereo", "5.1")
LEAST_SIDE, MOST_SIDE = 16, 8192


@dataclass(frozen=True)
class Wish:
    """How clips are to be joined."""

    transition_s: float = 0.0
    """Of a crossfade; 0 is a plain cut."""
    size: Literal["first", "largest", "own"] = "first"
    width: int = 0
    height: int = 0
    fit: Literal["crop", "pad"] = "crop"
    fps: float = 0.0
    """0: as the first clip."""
    audio: Literal["keep", "fade at joins", "none"] = "keep"


@dataclass(frozen=True)
class Slot:
    """A clip in the film: when it begins and ends, s. Two overlap while one fades into the other."""

    clip: Measured
    begin: Fraction
    end: Fraction


@dataclass(frozen=True)
class Look:
    """What all agree on."""

    slots: tuple[Slot, ...]
    width: int
    height: int
    rate: Fraction
    fit: str
    matrix: int
    tags: Tags
    sound_rate: int
    """0: the film is mute."""
    layout: str
    channels: int
    overlap: int
    """Frames in which a clip fades into the next."""
    fades: bool
    """The sound fades at the joins."""
    copies_pictures: bool
    copies_sound: bool
    why_encoded: str = ""
    """What keeps the packets from being copied."""
    notices: tuple[str, ...] = ()

    @property
    def length_s(self) -> float:
        """Of the film."""
        return float(self.slots[-1].end)

    @property
    def is_full(self) -> bool:
        """Whether brightness goes from 0 to 255."""
        return self.tags.range == FULL_RANGE


def agree(clips: Sequence[Measured], wish: Wish) -> Look:
    """Find what they have in common.

    Raises:
        InputRefused: a crossfade is longer than a clip has room for.
    """
    first = clips[0]
    width, height = _size(clips, wish)
    rate = Fraction(wish.fps).limit_denominator(1001) if wish.fps else first.rate
    overlap = round(wish.transition_s * rate)
    why = _why_not_copied(clips, wish, (width, height), rate, overlap)
    slots = _copied_slots(clips) if not why else _steady_slots(clips, rate, overlap)
    tags, matrix = _colours(first, width, height)
    heard = next((clip.sound for clip in clips if clip.sound is not None), None) if wish.audio != "none" else None
    layout = "stereo" if heard is None or heard.layout not in LAYOUTS else heard.layout
    look = Look(
        slots=tuple(slots),
        width=width,
        height=height,
        rate=rate,
        fit=wish.fit,
        matrix=matrix,
        tags=tags,
        sound_rate=0 if heard is None else heard.rate if heard.rate in SAMPLE_RATES else 48000,
        layout=layout,
        channels={"mono": 1, "stereo": 2, "5.1": 6}[layout],
        overlap=overlap,
        fades=wish.audio == "fade at joins",
        copies_pictures=not why,
        copies_sound=False,
        why_encoded=why,
        notices=_notices(clips, tags),
    )
    return replace(look, copies_sound=look.copies_pictures and _sound_fits(look))


def _even(side: Fraction | int) -> int:
    return min(max(int(side) // 2 * 2, LEAST_SIDE), MOST_SIDE)


def _size(clips: Sequence[Measured], wish: Wish) -> tuple[int, int]:
    if wish.size == "own":
        return _even(wish.width), _even(wish.height)
    largest = max(clips, key=lambda clip: clip.width * clip.height)
    clip = largest if wish.size == "largest" else clips[0]
    return _even(clip.width), _even(clip.height)


def _colours(first: Measured, width: int, height: int) -> tuple[Tags, int]:
    """The first clip's tags, and the matrix they mean; said where its size alone would no longer tell."""
    tags = first.tags
    if first.is_rgb or tags.matrix == RGB_TAG:
        return replace(tags, range=1, matrix=MATRIX_TAGS[BT709]), BT709
    if tags.matrix not in MATRIX_TAGS.values() and matrix_by_size(width, height) != first.matrix:
        tags = replace(tags, matrix=MATRIX_TAGS[first.matrix])
    return tags, first.matrix


def _why_not_copied(clips: Sequence[Measured], wish: Wish, size: tuple[int, int], rate: Fraction, overlap: int) -> str:
    """What keeps the packets from being copied, in words; empty when nothing does."""
    first = clips[0]
    if overlap:
        return "they fade into each other"
    for clip in clips:
        if (clip.width, clip.height) != size:
            return f"clip {clip.number} has {clip.width}x{clip.height} px"
        if clip.rate != rate:
            return f"clip {clip.number} has {float(clip.rate):.5g} frames a second"
        if clip.kind is None:
            return f"clip {clip.number} is cut, turned, uneven in time, or in another codec or container"
        if clip.kind != first.kind or clip.delay != first.delay:
            return f"clip {clip.number} was encoded in another way than clip 1"
    return ""


def _copied_slots(clips: Sequence[Measured]) -> list[Slot]:
    slots: list[Slot] = []
    for clip in clips:
        begin = slots[-1].end if slots else Fraction(0)
        slots.append(Slot(clip, begin, begin + clip.length_s))
    return slots


def _steady_slots(clips: Sequence[Measured], rate: Fraction, overlap: int) -> list[Slot]:
    """On whole frames; what is rounded doesn't add up."""
    slots: list[Slot] = []
    begin, at = 0, Fraction(0)
    for place, clip in enumerate(clips):
        at += clip.length_s
        end = max(round(at * rate), begin + 1)
        joins = (place > 0) + (place < len(clips) - 1)
        if overlap * joins > end - begin:
            most = (end - begin) / rate / joins
            raise InputRefused(
                f"A crossfade of {float(overlap / rate):.2f} s at each join is longer than clip {clip.number} has room "
                f"for: it is {float(clip.length_s):.2f} s long.",
                next_step=f"Set `transition_s` to {int(most * 100) / 100:.2f} or less, then run again.",
            )
        slots.append(Slot(clip, begin / rate, end / rate))
        begin, at = end - overlap, at - overlap / rate
    return slots


def _sound_fits(look: Look) -> bool:
    """Whether packets of sound cover each clip's picture to within half of one."""
    if not look.sound_rate or look.fades:
        return False
    first = look.slots[0].clip.sound
    for slot in look.slots:
        sound = slot.clip.sound
        if (
            first is None
            or sound is None
            or not sound.packet
            or (sound.kind, sound.packet) != (first.kind, first.packet)
        ):
            return False
        ends = int(sound.stamps[-1]) + sound.packet
        if sound.stamps[0] > sound.packet / 2 or ends < slot.clip.length_s / sound.time_base - sound.packet / 2:
            return False
    return True


def _notices(clips: Sequence[Measured], tags: Tags) -> tuple[str, ...]:
    curves = {PQ, HLG}
    other = [
        clip.number
        for clip in clips
        if clip.tags.transfer != tags.transfer and curves & {clip.tags.transfer, tags.transfer}
    ]
    if not other:
        return ()
    return (
        f"Clip {other[0]} and the first differ in HDR; it is joined without a conversion and may look pale or dark.",
    )
