"""A contact sheet: one row per clip, one column per moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

COLUMNS = 6
CELL_WIDTH, CELL_HEIGHT = 240, 180
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
    row_height = CELL_HEIGHT + CAPTION_HEIGHT + GAP
    width = 2 * MARGIN + LABEL_WIDTH + columns * (CELL_WIDTH + GAP) - GAP
    sheet = Image.new("RGB", (width, 2 * MARGIN + TITLE_HEIGHT + len(rows) * row_height - GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN), title, INK, font=_font(26))
    for index, row in enumerate(rows):
        _draw_row(sheet, draw, row, MARGIN + TITLE_HEIGHT + index * row_height)
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(file, optimize=True)


def _draw_row(sheet: Image.Image, draw: ImageDraw.ImageDraw, row: Row, top: int) -> None:
    draw.text((MARGIN, top + 8), row.title, INK, font=_font(20))
    for line_number, line in enumerate(row.lines):
        draw.text((MARGIN, top + 42 + 23 * line_number), line, FAINT, font=_font(15))
    for column, (second, frame) in enumerate(row.moments):
        left = MARGIN + LABEL_WIDTH + column * (CELL_WIDTH + GAP)
        draw.rectangle((left, top, left + CELL_WIDTH - 1, top + CELL_HEIGHT - 1), WELL)
        picture = Image.fromarray(frame)
        picture.thumbnail((CELL_WIDTH, CELL_HEIGHT), Image.Resampling.LANCZOS)
        sheet.paste(picture, (left + (CELL_WIDTH - picture.width) // 2, top + (CELL_HEIGHT - picture.height) // 2))
        draw.text(
            (left + CELL_WIDTH // 2, top + CELL_HEIGHT + 4), f"{second:.2f} s", FAINT, font=_font(14), anchor="ma"
        )


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
