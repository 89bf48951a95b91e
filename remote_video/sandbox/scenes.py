"""What the sandbox's clips show: a picture seen by a slowly moving camera, as YUV 4:2:0 planes."""

from __future__ import annotations

import colorsys
import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageOps

from .clip_plan import ClipPlan
from .lettering import Colour, badge, title_card

TO_BT709 = (
    0.1826, 0.6142, 0.0620, 16.0, -0.1006, -0.3386, 0.4392, 128.0, 0.4392, -0.3989, -0.0403, 128.0
)  # fmt: skip
"""RGB as Y, U and V of BT.709 in limited range (ITU-R BT.709-6)."""
Planes = list[Image.Image]
"""Y, U and V, 8 bit; U and V at half the size."""
CROP_CENTRE = (0.5, 0.12)
"""Where a picture is cut to the clip's ratio: faces sit in the upper part of tall pictures."""
CROSS_FADE = (0.3, 0.7)
"""Share of the clip between which the first picture turns into the last."""


@dataclass(frozen=True)
class View:
    """A crop: how much closer than the whole, and where, -1..1 across the room that leaves."""

    zoom: float
    x: float = 0.0
    y: float = 0.0

    def of(self, planes: Planes, width: int, height: int) -> Planes:
        return [self._seen(plane, (width >> i, height >> i)) for plane, i in zip(planes, (0, 1, 1), strict=True)]

    def _seen(self, picture: Image.Image, size: tuple[int, int]) -> Image.Image:
        wide, high = picture.width / self.zoom, picture.height / self.zoom
        left, top = (picture.width - wide) * (1 + self.x) / 2, (picture.height - high) * (1 + self.y) / 2
        box = (left, top, min(left + wide, picture.width), min(top + high, picture.height))
        return picture.resize(size, Image.Resampling.BILINEAR, box)


@dataclass(frozen=True)
class Move:
    """A camera move from one view to another, easing in and out."""

    start: View
    end: View

    def at(self, t: float) -> View:
        """The view at time t, 0..1. The zoom moves geometrically, so that its speed looks constant."""
        eased = t - math.sin(2 * math.pi * t) / (2 * math.pi) * 0.6
        x, y = (a + (b - a) * eased for a, b in ((self.start.x, self.end.x), (self.start.y, self.end.y)))
        return View(self.start.zoom * (self.end.zoom / self.start.zoom) ** eased, x, y)

    def fitted(self, picture: Image.Image, plan: ClipPlan) -> Planes:
        """A picture cut to the clip's ratio, at the size that the closest view needs."""
        closest = max(self.start.zoom, self.end.zoom)
        size = (round(plan.width * closest / 2) * 2, round(plan.height * closest / 2) * 2)
        return _planes(ImageOps.fit(picture, size, Image.Resampling.LANCZOS, centering=CROP_CENTRE))


class Mark:
    """The badge in a frame's corner."""

    def __init__(self, label: str, plan: ClipPlan) -> None:
        strip, (left, top) = badge(label, plan.width, plan.height)
        alpha, half = strip.getchannel("A"), (strip.width // 2, strip.height // 2)
        alphas = (alpha, alpha.resize(half, Image.Resampling.BOX), alpha.resize(half, Image.Resampling.BOX))
        places = ((left, top), (left // 2, top // 2), (left // 2, top // 2))
        self._parts = tuple(zip(_planes(strip.convert("RGB")), places, alphas, strict=True))

    def on(self, frame: Planes) -> Planes:
        for plane, part in zip(frame, self._parts, strict=True):
            plane.paste(*part)
        return frame


PUSH_IN = Move(View(1.0), View(1.16))
PULL_BACK = Move(View(1.16), View(1.0))
SHOT_MOVES = (
    Move(View(1.0), View(1.12)),
    Move(View(1.9, -0.5, -0.5), View(1.75, 0.0, -0.4)),
    Move(View(1.45, 1.0, 0.2), View(1.45, 0.2, 0.0)),
    Move(View(2.1, 0.1, 0.5), View(2.1, 0.1, -0.4)),
    Move(View(1.5, 0.0, -0.2), View(1.06, 0.0, 0.0)),
)


def frames(plan: ClipPlan, images: Sequence[bytes]) -> Iterator[Planes]:
    """The clip's frames, BT.709 in limited range."""
    pictures = [_open(data) for data in images]
    if not pictures:
        pictures = [title_card(plan.prompt, plan.width, plan.height, _colours(plan.prompt))]
    return _cross_fade(plan, pictures) if len(pictures) == 2 and not plan.picture else _shots(plan, pictures)


def _shots(plan: ClipPlan, pictures: Sequence[Image.Image]) -> Iterator[Planes]:
    several = len(plan.shots) > 1
    for index, length in enumerate(plan.shots):
        move = SHOT_MOVES[index % len(SHOT_MOVES)] if several else PUSH_IN
        planes = move.fitted(pictures[index % len(pictures)], plan)
        mark = Mark(plan.label + (f"  {index + 1}/{len(plan.shots)}" if several else ""), plan)
        for number in range(length):
            yield mark.on(move.at(_time(number, length)).of(planes, plan.width, plan.height))


def _cross_fade(plan: ClipPlan, pictures: Sequence[Image.Image]) -> Iterator[Planes]:
    first, last = (PUSH_IN.fitted(picture, plan) for picture in pictures)
    mark, (begin, end) = Mark(plan.label, plan), CROSS_FADE
    for number in range(plan.frames):
        t = _time(number, plan.frames)
        share = min(max((t - begin) / (end - begin), 0.0), 1.0)
        share = share * share * (3 - 2 * share)
        before = PUSH_IN.at(t).of(first, plan.width, plan.height)
        after = PULL_BACK.at(t).of(last, plan.width, plan.height)
        yield mark.on([Image.blend(one, other, share) for one, other in zip(before, after, strict=True)])


def _time(number: int, length: int) -> float:
    return number / max(length - 1, 1)


def _open(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
        if "A" in upright.getbands() or "transparency" in upright.info:
            white = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(white, upright.convert("RGBA"))
        return upright.convert("RGB")


def _planes(picture: Image.Image) -> Planes:
    y, u, v = picture.convert("RGB", TO_BT709).split()
    half = (picture.width // 2, picture.height // 2)
    return [y, u.resize(half, Image.Resampling.BOX), v.resize(half, Image.Resampling.BOX)]


def _colours(prompt: str) -> tuple[Colour, Colour]:
    """Two deep, related colours that belong to this prompt."""
    digest = hashlib.sha256(prompt.encode()).digest()
    hue = digest[0] / 255
    both = (hue, 0.72, 0.26), ((hue + 0.09 + digest[1] / 255 * 0.12) % 1.0, 0.58, 0.72)
    dark, light = (tuple(round(part * 255) for part in colorsys.hsv_to_rgb(*one)) for one in both)
    return dark, light
