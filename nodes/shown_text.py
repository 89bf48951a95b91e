"""Texts on nodes, shown as the letters they are.

Frontends read a node's progress text as HTML, and turn addresses and [[label|address]] in it into links (classic
canvas), or as Markdown (Nodes 2.0). All of them show a character reference (HTML, 13.1.4; CommonMark, 2.5) as its
character, and none takes it for markup.
"""

from __future__ import annotations

import re

PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def as_letters(text: str) -> str:
    """The text with every ASCII punctuation mark as a character reference; lines stay."""
    return PUNCTUATION.sub(lambda mark: f"&#{ord(mark[0])};", text)
