"""The single entry point for untrusted text: a provider's, a host's, a file's, a workflow's.

Whatever has passed it is safe to store, print and show: no key, no half of a surrogate pair, no character that can't be
seen or that moves the cursor, one line, bounded. Words pass it once, where they are read, after they are decoded.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

MESSAGE_CHARACTERS = 2000
CODE_CHARACTERS = 200
ID_CHARACTERS = 200
QUOTED_CHARACTERS = 80
BEGINNING_CHARACTERS = 200
LINE_CHARACTERS = 4000
"""Of a line of ours with outside words in it; what it quotes is shorter by itself."""
SHORTEST_SECRET = 8
"""A shorter key can't be told from a word."""
HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Unicode's categories of controls, formats (those for direction among them), lone surrogates and line ends."""
JOINERS = "\u200c\u200d"
"""Formats that scripts and emoji are written with."""


def message(text: str, key: str = "") -> str:
    """A sentence or more, on one line. `key` is taken out, if there is one."""
    return _bounded(" ".join(without_key(text, key).split()), MESSAGE_CHARACTERS)


def code(text: str, key: str = "") -> str:
    """A word that programs compare."""
    return _bounded(without_key(text, key).strip(), CODE_CHARACTERS)


def id_text(value: Any) -> str | None:
    """A provider's id as text; None if it can't be one: it must fit into a URL's path and the ledger."""
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return text if text.isprintable() and text.strip(".") and len(text) <= ID_CHARACTERS else None


def beginning(text: str, key: str = "") -> str:
    """The first words of a longer text, on one line, to know it by."""
    return _bounded(" ".join(without_key(text, key).split()), BEGINNING_CHARACTERS)


def quoted(value: Any) -> str:
    """An untrusted value as part of a sentence: text in quotes, numbers without; always use this."""
    try:
        text = str(value)
    except Exception:  # a number of 5,000 digits, an object of another pack's
        text = f"a {type(value).__name__}"
    shown = _bounded(text, QUOTED_CHARACTERS)
    return shown if isinstance(value, (int, float)) else f"'{shown}'"


def line(text: str) -> str:
    """A line of ours, whatever paths and words of the system are in it."""
    return _bounded(text, LINE_CHARACTERS)


def lines(text: str) -> str:
    """Several lines of ours."""
    return "\n".join(map(line, text.split("\n")))


def storable(text: str) -> str:
    """The text with the halves of surrogate pairs, and NUL, which PostgreSQL takes in no text, written as escapes;
    nothing else is changed.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def keyless(value: Any, key: str) -> Any:
    """Decoded JSON with the key taken out of every text in it."""
    if isinstance(value, str):
        return without_key(value, key)
    if isinstance(value, list):
        return [keyless(item, key) for item in value]
    if isinstance(value, dict):
        return {without_key(name, key): keyless(item, key) for name, item in value.items()}
    return value


def without_key(text: str, key: str) -> str:
    """The text without the key, in any case, each of its characters plain or as an escape of URLs, JSON or HTML."""
    return _written(key).sub("[key]", text) if len(key) >= SHORTEST_SECRET else text


@lru_cache(maxsize=16)
def _written(key: str) -> re.Pattern[str]:
    return re.compile("".join(map(_spellings, key)), re.IGNORECASE)


def _spellings(char: str) -> str:
    number, plain = ord(char), re.escape(char)
    return rf"(?:{plain}|\\{plain}|%{number:02x}|\\u{number:04x}|\\x{number:02x}|&#0*{number};|&#x0*{number:x};)"


def _bounded(text: str, limit: int) -> str:
    shown = "".join(map(_visible, text[: limit + 1]))
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def is_hidden(char: str) -> bool:
    """Whether a character can't be seen, moves the cursor, or is half of one."""
    return unicodedata.category(char) in HIDDEN and char not in JOINERS


def _visible(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii") if is_hidden(char) else char
