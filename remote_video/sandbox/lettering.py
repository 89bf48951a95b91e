"""Words in the sandbox's clips: the SANDBOX badge in the corner, and the prompt on a gradient for text to video."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

AMBER = (255, 190, 60)
MARK = "SANDBOX"
BITMAP_FONT_HEIGHT = 11
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Badge:
    """A lettered strip ready to be laid over yuv420p frames at an even position, px."""

    left: int
    top: int
    alpha: np.ndarray
    """float32 [h, w], 0..1; h and w even."""
    luma: np.ndarray
    """float32 [h, w], already multiplied by alpha."""
    chroma_alpha: np.ndarray
    chroma_u: np.ndarray
    chroma_v: np.ndarray
    """float32 [h / 2, w / 2] each, the colours multiplied by alpha."""

    def on(self, frame: np.ndarray) -> np.ndarray:
        """Lay it over a frame, in place. frame: uint8 [height * 3 / 2, width]."""
        width = frame.shape[1]
        height = frame.shape[0] * 2 // 3
        flat = frame.reshape(-1)
        quarter = width * height // 4
        y = flat[: width * height].reshape(height, width)
        u = flat[width * height : width * height + quarter].reshape(height // 2, width // 2)
        v = flat[width * height + quarter :].reshape(height // 2, width // 2)
        _lay(y, self.left, self.top, self.alpha, self.luma)
        _lay(u, self.left // 2, self.top // 2, self.chroma_alpha, self.chroma_u)
        _lay(v, self.left // 2, self.top // 2, self.chroma_alpha, self.chroma_v)
        return frame


def badge(label: str, width: int, height: int) -> Badge:
    """The strip for a frame of that size, px: SANDBOX in amber, then the model's name."""
    size = max(min(width, height) // 30, 9)
    strip = _strip(label, size)
    if strip.width > width * 0.9:
        strip = _strip("", size)
    margin = size
    left, top = margin // 2 * 2, (height - strip.height - margin) // 2 * 2
    rgba = np.asarray(strip, np.float32) / 255.0
    rgb, alpha = rgba[..., :3], rgba[..., 3]
    luma = rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    u = 128 + 224 * (rgb[..., 2] - luma) / 1.8556
    v = 128 + 224 * (rgb[..., 0] - luma) / 1.5748
    return Badge(left, top, alpha, (16 + 219 * luma) * alpha, _halved(alpha), _halved(u * alpha), _halved(v * alpha))


def title_card(prompt: str, width: int, height: int, colours: tuple[Colour, Colour]) -> Image.Image:
    """A gradient with the prompt in its middle, as large as fits."""
    card = _gradient(width, height, *colours)
    draw = ImageDraw.Draw(card)
    box_width, box_height = width * 0.72, height * 0.5
    text = " ".join(prompt.split()) or "(no prompt)"
    for size in range(min(width, height) // 11, 8, -2):
        font = _font(size)
        columns = max(int(box_width / (font.getlength("n") or size)), 8)
        lines = "\n".join(textwrap.wrap(text, columns)[: max(int(box_height / (size * 1.4)), 1)])
        left, top, right, bottom = draw.multiline_textbbox((0, 0), lines, font=font, spacing=size * 0.4)
        if right - left <= box_width and bottom - top <= box_height and len(lines) >= len(text) - lines.count("\n"):
            break
    place = (width / 2, height / 2)
    shadow = (place[0] + size / 24, place[1] + size / 24)
    for where, colour in ((shadow, (0, 0, 0)), (place, (255, 255, 255))):
        draw.multiline_text(where, lines, colour, font, spacing=size * 0.4, align="center", anchor="mm")
    return card


def _gradient(width: int, height: int, dark: Colour, light: Colour) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    glow = np.exp(-(((x / width - 0.7) / 0.55) ** 2 + ((y / height - 0.3) / 0.6) ** 2))
    noise = np.random.default_rng(7).normal(0, 0.5, (height, width, 1)).astype(np.float32)
    rgb = np.array(dark, np.float32) + (np.array(light, np.float32) - np.array(dark, np.float32)) * glow[..., None]
    return Image.fromarray((rgb + noise + 0.5).clip(0, 255).astype(np.uint8))


def _strip(label: str, size: int) -> Image.Image:
    """The badge as RGBA with even sides, drawn at four times its size and scaled down."""
    scale = 4
    font = _font(size * scale)
    mark_width = font.getlength(MARK)
    label_width = font.getlength(label) + size * scale * 1.5 if label else 0
    pad, high = size * scale * 0.75, size * scale * 1.9
    wide = pad * 2 + mark_width + label_width
    strip = Image.new("RGBA", (int(wide), int(high)), (0, 0, 0, 0))
    draw = ImageDraw.Draw(strip)
    draw.rounded_rectangle((0, 0, wide - 1, high - 1), radius=high * 0.28, fill=(12, 14, 18, 190))
    draw.text((pad, high / 2), MARK, font=font, fill=(*AMBER, 255), anchor="lm")
    if label:
        rule = pad + mark_width + size * scale * 0.75
        draw.line((rule, high * 0.27, rule, high * 0.73), fill=(255, 255, 255, 110), width=scale * max(size // 16, 1))
        draw.text((rule + size * scale * 0.75, high / 2), label, font=font, fill=(255, 255, 255, 240), anchor="lm")
    even = (round(wide / scale / 2) * 2, round(high / scale / 2) * 2)
    return strip.resize(even, Image.Resampling.LANCZOS)


class _EnlargedFont:
    """Pillow 10.0's own font, which has one size, at another: what `ImageDraw` asks of a font."""

    def __init__(self, size: int) -> None:
        self._font = ImageFont.load_default()
        self._scale = size / BITMAP_FONT_HEIGHT

    def getlength(self, text: str, *_: Any, **__: Any) -> float:
        return self._size(text)[0]

    def getbbox(
        self, text: str, mode: Any = "", direction: Any = None, features: Any = None, language: Any = None,
        stroke_width: Any = 0, anchor: str | None = None, *_: Any, **__: Any,
    ) -> tuple[float, float, float, float]:  # fmt: skip
        offset, size = self._offset(text, anchor), self._size(text)
        return offset[0], offset[1], offset[0] + size[0], offset[1] + size[1]

    def getmask2(self, text: str, *_: Any, anchor: str | None = None, **__: Any) -> tuple[Any, tuple[int, int]]:
        right, bottom = self._font.getbbox(_latin(text))[2:]
        letters = Image.new("L", (max(int(right), 1), max(int(bottom), 1)))
        ImageDraw.Draw(letters).text((0, 0), _latin(text), 255, self._font)
        width, height = self._size(text)
        return letters.resize((max(width, 1), max(height, 1)), Image.Resampling.BICUBIC).im, self._offset(text, anchor)

    def _size(self, text: str) -> tuple[int, int]:
        right, bottom = self._font.getbbox(_latin(text))[2:]
        return round(right * self._scale), round(bottom * self._scale)

    def _offset(self, text: str, anchor: str | None) -> tuple[int, int]:
        width, height = self._size(text)
        anchor = anchor or "la"
        return -width // 2 if anchor[0] == "m" else 0, -height // 2 if anchor[1] == "m" else 0


def _latin(text: str) -> str:
    """What that font has letters for."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _font(size: int) -> Any:
    try:
        return ImageFont.load_default(size)
    except TypeError:  # Pillow before 10.1
        return _EnlargedFont(size)


def _halved(values: np.ndarray) -> np.ndarray:
    height, width = values.shape
    return values.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def _lay(plane: np.ndarray, left: int, top: int, alpha: np.ndarray, colour: np.ndarray) -> None:
    height, width = alpha.shape
    region = plane[top : top + height, left : left + width]
    region[:] = region * (1 - alpha) + colour + 0.5
