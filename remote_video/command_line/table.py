"""A table of shots, as CSV or JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputRefused, RequestRefused

DELIMITERS = ",;\t"
Row = Mapping[str, Any]
"""What one row gives, by column; empty cells are left out."""


def read_table(path: Path) -> list[Row | InputRefused]:
    """The rows of a table, or what is wrong with them, in order. Blank ones are left out.

    Raises:
        RequestRefused: it can't be read at all.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except UnicodeDecodeError as error:
        raise RequestRefused(f"{path} is not UTF-8 ({error.reason}).", next_step="Save it as UTF-8.") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise RequestRefused(f"{path} can't be read ({why}).", next_step="Give another file.") from error
    is_json = path.suffix.lower() in (".jsonl", ".ndjson")
    rows = list(_json_rows(text) if is_json else _csv_rows(text, path))
    if not rows:
        rows_of = "Put the inputs' names into the first row, then one row for each clip."
        raise RequestRefused(f"{path} has no rows.", next_step=rows_of)
    return rows


def _json_rows(text: str) -> Iterator[Row | InputRefused]:
    for line in filter(str.strip, text.split("\n")):
        try:
            row = json.loads(line)
        except ValueError as error:
            yield InputRefused(f"It is not JSON ({error}).")
        else:
            yield row if isinstance(row, dict) else InputRefused("It is not a JSON object.")


def _csv_rows(text: str, path: Path) -> Iterator[Row | InputRefused]:
    lines = text.splitlines(keepends=True)
    header = lines[0] if lines else ""
    delimiter = next((mark for mark in DELIMITERS if mark in header), ",")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        if len(set(names)) < len(names):
            raise RequestRefused(
                f"{path} has two columns with the same name.", next_step="Rename or remove one of them."
            )
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if len(cells) > len(names) and any(cells[len(names) :]):
                yield InputRefused(f"It has {len(cells)} cells, and there are {len(names)} columns.")
            elif any(cells):
                yield {name: cell for name, cell in zip(names, cells, strict=False) if cell}
    except csv.Error as error:
        raise RequestRefused(
            f"{path} is broken at line {reader.line_num} ({error}).", next_step="Put quotes around text with commas."
        ) from error
