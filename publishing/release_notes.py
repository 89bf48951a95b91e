"""What CHANGELOG.md says of a release."""

from __future__ import annotations

import re
from pathlib import Path

HEADING = re.compile(r"^## \[(?P<version>[^]]+)\](?: - (?P<day>\d{4}-\d\d-\d\d))?$", re.MULTILINE)


class NoRelease(Exception):
    """There is no such release; the message says what is wrong."""


def notes(root: Path, tag: str, version: str) -> str:
    """The changelog's entry for the release of this tag, Markdown, without its heading.

    Args:
        root: the folder of CHANGELOG.md.
        tag: as v1.2.3.
        version: of pyproject.toml.

    Raises:
        NoRelease: the tag is of another version, or the changelog has no entry with a day for it.
    """
    if tag != f"v{version}":
        raise NoRelease(
            f"The tag is {tag}, and the version in pyproject.toml is {version}: the tag has to be v{version}."
        )
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = list(HEADING.finditer(text))
    released = [heading for heading in headings if heading["version"] != "Unreleased"]
    if not released or released[0]["version"] != version or not released[0]["day"]:
        raise NoRelease(f"The newest entry of CHANGELOG.md has to be `## [{version}] - YYYY-MM-DD`.")
    after = next((other.start() for other in headings if other.start() > released[0].start()), len(text))
    told = text[released[0].end() : after].strip()
    if not told:
        raise NoRelease(f"CHANGELOG.md says nothing of {version}.")
    return told
