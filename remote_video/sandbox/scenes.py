"""What the sandbox's clips show: a picture seen by a slowly moving camera, as YUV 4:2:0 frames (BT.709, limited)."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from .clip_plan import ClipPlan
from .lettering import Badge, badge, title_card

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


@dataclass(frozen=True)
class Move:
    """A camera move from one view to another, easing in and out."""

    start: View
    end: View

    def at(self, t: float) -> View:
        """The view at time t, 0..1. The zoom moves geometrically, so that its speed looks constant."""
        eased = t - math.sin(2 * math.pi * t) / (2 * math.pi) * 0.6
        zoom = self.start.zoom * (self.end.zoom / self.start.zoom) ** eased
        return View(zoom, _between(self.start.x, self.end.x, eased), _between(self.start.y, self.end.y, eased))

    @property
    def closest(self) -> float:
        return max(self.start.zoom, self.end.zoom)


PUSH_IN = Move(View(1.0), View(1.16))
PULL_BACK = Move(View(1.16), View(1.0))
SHOT_MOVES = (
    Move(View(1.0), View(1.12)),
    Move(View(1.9, -0.5, -0.5), View(1.75, 0.0, -0.4)),
    Move(View(1.45, 1.0, 0.2), View(1.45, 0.2, 0.0)),
    Move(View(2.1, 0.1, 0.5), View(2.1, 0.1, -0.4)),
    Move(View(1.5, 0.0, -0.2), View(1.06, 0.0, 0.0)),
)


@dataclass(frozen=True)
class Planes:
    """A picture as Y, U and V in 8 bit; U and V at half the size."""

    y: Image.Image
    u: Image.Image
    v: Image.Image

    def seen(self, view: View, width: int, height: int) -> np.ndarray:
        """The frame of that view: uint8 [height * 3 / 2, width], as libav lays out yuv420p."""
        frame = np.empty(width * height * 3 // 2, np.uint8)
        luma, chroma = width * height, width * height // 4
        frame[:luma] = _crop(self.y, view, width, height)
        frame[luma : luma + chroma] = _crop(self.u, view, width // 2, height // 2)
        frame[luma + chroma :] = _crop(self.v, view, width // 2, height // 2)
        return frame.reshape(height * 3 // 2, width)


def frames(plan: ClipPlan, images: Sequence[bytes]) -> Iterator[np.ndarray]:
    """The clip's frames: uint8 [height * 3 / 2, width] each, yuv420p, BT.709 limited range."""
    pictures = [_open(data) for data in images]
    if not pictures:
        pictures = [title_card(plan.prompt, plan.width, plan.height, _colours(plan.prompt))]
    scenes = _cross_fade(plan, pictures) if len(pictures) == 2 and not plan.picture else _shots(plan, pictures)
    yield from scenes


def _shots(plan: ClipPlan, pictures: Sequence[Image.Image]) -> Iterator[np.ndarray]:
    several = len(plan.shots) > 1
    for index, length in enumerate(plan.shots):
        move = SHOT_MOVES[index % len(SHOT_MOVES)] if several else PUSH_IN
        picture = pictures[index % len(pictures)]
        planes = _planes(picture, plan.width, plan.height, move.closest)
        mark = badge(plan.label + (f"  {index + 1}/{len(plan.shots)}" if several else ""), plan.width, plan.height)
        for number in range(length):
            yield mark.on(planes.seen(move.at(_time(number, length)), plan.width, plan.height))


def _cross_fade(plan: ClipPlan, pictures: Sequence[Image.Image]) -> Iterator[np.ndarray]:
    first, last = (_planes(picture, plan.width, plan.height, PUSH_IN.closest) for picture in pictures)
    mark: Badge = badge(plan.label, plan.width, plan.height)
    begin, end = CROSS_FADE
    for number in range(plan.frames):
        t = _time(number, plan.frames)
        share = min(max((t - begin) / (end - begin), 0.0), 1.0)
        share = share * share * (3 - 2 * share)
        if share == 0.0:
            frame = first.seen(PUSH_IN.at(t), plan.width, plan.height)
        elif share == 1.0:
            frame = last.seen(PULL_BACK.at(t), plan.width, plan.height)
        else:
            before = Image.fromarray(first.seen(PUSH_IN.at(t), plan.width, plan.height))
            after = Image.fromarray(last.seen(PULL_BACK.at(t), plan.width, plan.height))
            frame = np.array(Image.blend(before, after, share))
        yield mark.on(frame)


def _time(number: int, length: int) -> float:
    return number / max(length - 1, 1)


def _between(start: float, end: float, t: float) -> float:
    return start + (end - start) * t


def _open(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
        if "A" in upright.getbands() or "transparency" in upright.info:
            white = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(white, upright.convert("RGBA"))
        return upright.convert("RGB")


def _crop(plane: Image.Image, view: View, width: int, height: int) -> np.ndarray:
    wide, high = plane.width / view.zoom, plane.height / view.zoom
    left = (plane.width - wide) * (1 + view.x) / 2
    top = (plane.height - high) * (1 + view.y) / 2
    box = (left, top, min(left + wide, plane.width), min(top + high, plane.height))
    return np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR, box)).reshape(-1)


def _planes(picture: Image.Image, width: int, height: int, closest: float) -> Planes:
    """Cut the picture to the clip's ratio, at the size its closest view needs, and take it apart into planes."""
    size = (round(width * closest / 2) * 2, round(height * closest / 2) * 2)
    fitted = ImageOps.fit(picture, size, Image.Resampling.LANCZOS, centering=CROP_CENTRE)
    rgb = np.asarray(fitted, np.float32) / 255.0
    luma = rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    halves = luma.reshape(size[1] // 2, 2, size[0] // 2, 2).mean(axis=(1, 3))
    red = rgb[..., 0].reshape(size[1] // 2, 2, size[0] // 2, 2).mean(axis=(1, 3))
    blue = rgb[..., 2].reshape(size[1] // 2, 2, size[0] // 2, 2).mean(axis=(1, 3))
    return Planes(
        _plane(16 + 219 * luma),
        _plane(128 + 224 * (blue - halves) / 1.8556),
        _plane(128 + 224 * (red - halves) / 1.5748),
    )


def _plane(values: np.ndarray) -> Image.Image:
    return Image.fromarray((values + 0.5).clip(0, 255).astype(np.uint8))


def _colours(prompt: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Two deep, related colours that belong to this prompt."""
    digest = hashlib.sha256(prompt.encode()).digest()
    hue = digest[0] / 255
    return _hsv(hue, 0.72, 0.26), _hsv((hue + 0.09 + digest[1] / 255 * 0.12) % 1.0, 0.58, 0.72)


def _hsv(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    pixel = Image.new("HSV", (1, 1), (int(hue * 255), int(saturation * 255), int(value * 255)))
    red, green, blue = pixel.convert("RGB").tobytes()
    return red, green, blue
