"""A contact sheet: one row per clip, one column per moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

COLUMNS = 6
CELL_WIDTH, TALLEST_CELL = 256, 210
LABEL_WIDTH, CAPTION_HEIGHT, GAP, MARGIN = 250, 22, 12, 24
TITLE_HEIGHT = 62
PAPER, WELL, INK, FAINT = (22, 24, 32), (12, 13, 18), (238, 240, 246), (150, 157, 173)


@dataclass(frozen=True)
class Row:
    """One clip: its title, lines about it, and (second, frame) pairs; frames are uint8 [H,W,3]."""

    title: str
    lines: tuple[str, ...]
    moments: tuple[tuple[float, np.ndarray], ...]


def moments_of(frames: np.ndarray, fps: float, count: int = COLUMNS) -> tuple[tuple[float, np.ndarray], ...]:
    """Pick `count` frames evenly from the first to the last of float [T,H,W,3] in 0..1."""
    picks = np.linspace(0, len(frames) - 1, count).round().astype(int)
    return tuple((int(i) / fps, (frames[i] * 255 + 0.5).astype(np.uint8)) for i in picks)


def save_contact_sheet(rows: list[Row], title: str, file: Path) -> None:
    """Draw the sheet and write it as PNG."""
    columns = max(len(row.moments) for row in rows)
    tops = [MARGIN + TITLE_HEIGHT]
    for row in rows:
        tops.append(tops[-1] + _cell_height(row) + CAPTION_HEIGHT + GAP)
    width = 2 * MARGIN + LABEL_WIDTH + columns * (CELL_WIDTH + GAP) - GAP
    sheet = Image.new("RGB", (width, tops[-1] - GAP + MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN), title, INK, font=_font(26))
    for row, top in zip(rows, tops, strict=False):
        _draw_row(sheet, draw, row, top)
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(file, optimize=True)


def _cell_height(row: Row) -> int:
    """As tall as the frames are at the width of a cell, within reason; the label needs some room too."""
    height, width = row.moments[0][1].shape[:2]
    return min(TALLEST_CELL, max(144, round(CELL_WIDTH * height / width)))


def _draw_row(sheet: Image.Image, draw: ImageDraw.ImageDraw, row: Row, top: int) -> None:
    height = _cell_height(row)
    draw.text((MARGIN, top + 4), row.title, INK, font=_font(20))
    for line_number, line in enumerate(row.lines):
        draw.text((MARGIN, top + 38 + 23 * line_number), line, FAINT, font=_font(15))
    for column, (second, frame) in enumerate(row.moments):
        left = MARGIN + LABEL_WIDTH + column * (CELL_WIDTH + GAP)
        draw.rectangle((left, top, left + CELL_WIDTH - 1, top + height - 1), WELL)
        picture = Image.fromarray(frame)
        picture.thumbnail((CELL_WIDTH, height), Image.Resampling.LANCZOS)
        sheet.paste(picture, (left + (CELL_WIDTH - picture.width) // 2, top + (height - picture.height) // 2))
        draw.text((left + CELL_WIDTH // 2, top + height + 4), f"{second:.2f} s", FAINT, font=_font(14), anchor="ma")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
