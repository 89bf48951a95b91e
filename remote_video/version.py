"""Which version of the pack this is."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

NAME = "remote-video"
TOLD = re.compile(rf'^\[project\]\nname = "{NAME}"\nversion = "([0-9.]+)"$', re.MULTILINE)


@cache
def version() -> str:
    """As `pyproject.toml` says in a checkout and in `custom_nodes`, or the wheel that was installed: "0.1.0".

    "unknown" where the package was copied without either.
    """
    beside = Path(__file__).resolve().parents[1] / "pyproject.toml"
    try:
        told = TOLD.search(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        told = None
    if told:
        return told[1]
    from importlib import metadata  # a wheel alone needs it

    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "unknown"
