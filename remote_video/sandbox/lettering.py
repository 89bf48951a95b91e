"""Words in the sandbox's clips: the SANDBOX badge in the corner, and the prompt on a gradient for text to video."""

from __future__ import annotations

import textwrap

from PIL import Image, ImageDraw, ImageFont, ImageOps

AMBER, WHITE = (255, 190, 60), (255, 255, 255)
MARK = "SANDBOX"
BITMAP_FONT_HEIGHT = 11
LINE = 1.4
"""From line to line, in heights of the letters."""
DRAWN = 4
"""The badge is drawn so much larger and scaled down."""
Colour = tuple[int, ...]


def badge(label: str, width: int, height: int) -> tuple[Image.Image, tuple[int, int]]:
    """The strip for a frame of that size, px, and its place: SANDBOX in amber, then the model's name.

    RGBA; sides and place are even.
    """
    size = max(min(width, height) // 30, 9)
    strip = _strip(label, size)
    if strip.width > width * 0.9:
        strip = _strip("", size)
    return strip, (size // 2 * 2, (height - strip.height - size) // 2 * 2)


def title_card(prompt: str, width: int, height: int, colours: tuple[Colour, Colour]) -> Image.Image:
    """A gradient with the prompt in its middle, as large as fits."""
    glow = Image.radial_gradient("L").crop((2, 77, 182, 247)).resize((width, height), Image.Resampling.BICUBIC)
    card = ImageOps.colorize(glow, white=colours[0], black=colours[1])
    text = " ".join(prompt.split()) or "(no prompt)"
    for size in range(min(width, height) // 11, 8, -2):
        columns = max(int(width * 0.72 / (_letters("n", size).width or size)), 8)
        wrapped = textwrap.wrap(text, columns)
        lines = [_letters(line, size) for line in wrapped[: max(int(height * 0.5 / (size * LINE)), 1)]]
        if len(lines) == len(wrapped) and max(line.width for line in lines) <= width * 0.72:
            break
    top = (height - (len(lines) - 1) * size * LINE - lines[0].height) / 2
    for index, line in enumerate(lines):
        left, upper = (width - line.width) // 2, int(top + index * size * LINE)
        card.paste((0, 0, 0), (left + size // 24, upper + size // 24), line)
        card.paste(WHITE, (left, upper), line)
    return card


def _strip(label: str, size: int) -> Image.Image:
    size *= DRAWN
    pad, high = int(size * 0.75), int(size * 1.9)
    words = [_letters(MARK, size), *([_letters(label, size)] if label else [])]
    wide = 2 * pad * len(words) + sum(word.width for word in words)
    strip = Image.new("RGBA", (wide, high), (0, 0, 0, 0))
    draw = ImageDraw.Draw(strip)
    draw.rounded_rectangle((0, 0, wide - 1, high - 1), radius=high * 0.28, fill=(12, 14, 18, 190))
    left = pad
    for word, colour in zip(words, (AMBER, WHITE), strict=False):
        strip.paste((*colour, 255), (left, (high - word.height) // 2), word)
        left += word.width + 2 * pad
    if label:
        rule = 2 * pad + words[0].width
        thick = DRAWN * max(size // DRAWN // 16, 1)
        draw.line((rule, high * 0.27, rule, high * 0.73), fill=(255, 255, 255, 110), width=thick)
    return strip.resize((wide // DRAWN // 2 * 2, high // DRAWN // 2 * 2), Image.Resampling.LANCZOS)


def _letters(text: str, size: int) -> Image.Image:
    """A line of words as a mask, as high as any other of that size, px."""
    try:
        font, scale = ImageFont.load_default(size), 1.0
    except TypeError:  # Pillow before 10.1 has its own font in one size, and in Latin letters
        font, scale = ImageFont.load_default(), size / BITMAP_FONT_HEIGHT
        text = text.encode("latin-1", "replace").decode("latin-1")
    letters = Image.new("L", (max(round(font.getbbox(text)[2]), 1), max(round(font.getbbox("Agj")[3]), 1)))
    ImageDraw.Draw(letters).text((0, 0), text, 255, font)
    return letters if scale == 1.0 else letters.resize((round(letters.width * scale), round(letters.height * scale)))
