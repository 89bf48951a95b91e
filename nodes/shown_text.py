"""Texts on nodes, shown as the letters they are.

Frontends read a node's progress text as HTML, and turn addresses and [[label|address]] in it into links (classic
canvas), or as Markdown (Nodes 2.0). All of them show a character reference (HTML, 13.1.4; CommonMark, 2.5) as its
character, and none takes it for markup. Only marks that could begin markup are written so: names of files and ids stay
what programs that read along look for.
"""

from __future__ import annotations

import re

MARKUP = re.compile(
    r"""
    [<&\[\]*`~\\@]              # tags, references, links, emphasis, code, escapes, addresses of people
    | :(?=//) | (?<=www)\.      # addresses
    | (?<![^\W_])_              # emphasis begins where no letter stands before it
    | ^\s*[\#>+=|-]             # headings, quotes, lists, rules, tables
    | ^\s*[0-9]+[.)](?=\s)      # numbered lists
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


def as_letters(text: str) -> str:
    """The text with each mark that could begin markup as a character reference; lines stay."""
    return MARKUP.sub(lambda found: f"{found[0][:-1]}&#{ord(found[0][-1])};", text)
