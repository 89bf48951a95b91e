"""Consoles that print what they can and escape the rest, whatever their encoding, and are told nothing else."""

from __future__ import annotations

import io
import logging
import sys
from typing import TextIO

from .outside_text import lines

RAISING = ("strict", "surrogateescape", "surrogatepass")


def never_raise() -> None:
    """Let no character stop a line to this process's consoles and its log's streams.

    ComfyUI puts streams of its own in their place, which raise for what cp1252 or gbk can't print; raised in a handler
    while an exception is logged, that ends its prompt worker.
    """
    handlers = [getattr(handler, "stream", None) for handler in logging.getLogger().handlers]
    for stream in (sys.stdout, sys.stderr, *handlers):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in RAISING:
            stream.reconfigure(errors="backslashreplace")


def say(text: object, stream: TextIO | None = None) -> None:
    """Print something to be read by people, on stderr unless it is told otherwise."""
    print(lines(str(text)), file=stream or sys.stderr, flush=True)
