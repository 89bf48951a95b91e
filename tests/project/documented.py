"""README, docs/ and CONTRIBUTING as a reader has them: words, links, headings, and the commands to be typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in FILES}
"""By their path in the repository."""
HERE = re.compile(
    r"https://(?:github\.com/remote-video/remote-video/blob/main|raw\.githubusercontent\.com/remote-video/remote-video/main)/"
)
"""Addresses of the repository's own files."""
PROGRAMS = ("python", "make", "git", "cd", "comfy", "docker", "pip", "pg_dump", "pg_restore", "run_nvidia_gpu.bat")
RUN_BY_TESTS = "python -m remote_video "
"""What the commands begin with that tests/command_line/test_documented_commands.py runs."""
_STARTS = re.compile(
    r"(?:\w+=\S* )*(?:set \w+=|\$env:\w+=|export |echo |\.venv/bin/|[.\\]+python_embeded|\.\\run_nvidia)"
    rf"|(?:[A-Z]\w*=\S* )*(?:{'|'.join(map(re.escape, PROGRAMS))})(?=$| )"
)
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


class Command(NamedTuple):
    """What a page says to type."""

    page: str
    text: str
    """In one line, without the comment."""


def words(page: str) -> list[str]:
    """What a reader reads: no targets of links, no code of tags and tables."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", page)
    text = re.sub(r"<[a-z/][^>]*>", " ", text)
    return [word for word in text.split() if re.search(r"\w", word)]


def links(page: str) -> list[str]:
    """Targets of links and pictures."""
    text = _FENCE.sub("", page)
    return [*re.findall(r"\]\(([^)\s]+)\)", text), *re.findall(r'(?:src|href)="([^"]+)"', text)]


def target(page: str, link: str) -> tuple[Path, str] | None:
    """The file and the heading that a link leads to; None for one that leads elsewhere."""
    inside = HERE.match(link)
    if inside is None and re.match(r"\w+:", link):
        return None
    path, _, heading = unquote(link[inside.end() :] if inside else link).partition("#")
    folder = ROOT if inside else (ROOT / page).parent
    return ((folder / path).resolve() if path else ROOT / page), heading


def headings(page: str) -> set[str]:
    """As GitHub names them in addresses."""
    titles = re.findall(r"^#+ (.+)$", _FENCE.sub("", page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def blocks(page: str) -> list[tuple[str, str]]:
    """The language, if any, and the text of each fenced block."""
    return _FENCE.findall(page)


def lines(block: str) -> list[str]:
    """A block's lines as a shell reads them: continued ones joined, without comments."""
    joined = block.replace("\\\n", " ").splitlines()
    return [line for one in joined if (line := re.sub(r" +", " ", re.sub(r"(?:^|\s+)# .*", "", one)).strip())]


def is_command(text: str) -> bool:
    return _STARTS.match(text) is not None


def commands() -> Iterator[Command]:
    """Of blocks and of code inside sentences."""
    for name, page in PAGES.items():
        for language, block in blocks(page):
            if not language and is_command(lines(block)[0]):
                yield from (Command(name, line) for line in lines(block))
        for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", _FENCE.sub("", page)):
            if is_command(" ".join(span.split())):
                yield Command(name, " ".join(span.split()))
