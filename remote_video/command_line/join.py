"""`join`: clips on this machine become one film; no provider is asked."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..clips.output_file import SUFFIX, expand
from ..console import say
from ..errors import RequestRefused
from ..films.fields import FIELDS, NODE_ID, OWN, read
from ..films.film import Film, Place, make_film
from ..media.measured import Part
from ..outside_text import quoted
from .surroundings import home_of


def join_command(options: argparse.Namespace) -> int:
    """Join clips; the film's path is the last line of stdout."""
    wish, _ = read(_given(options))
    folder, prefix = _place(options.output)
    place = Place(home_of(options), folder, prefix)
    shares = _Shares()
    film = make_film([Part(_clip(clip)) for clip in options.clips], wish, place, say, shares.told)
    for notice in film.notices:
        say(notice)
    print(json.dumps(_as_json(film)) if options.json else film.path)
    return 0


def _clip(given: str) -> Path:
    """The file. Raises RequestRefused when there is none."""
    path = Path(given).expanduser()
    if not path.is_file():
        what = f"There is no file {quoted(path.name)} in {path.absolute().parent}."
        raise RequestRefused(what, next_step="Check its spelling, then run again.")
    return path


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The node's inputs; a size, a rate or a length that is given means that it is wanted."""
    given = {field.name: getattr(options, field.name, None) for field in FIELDS}
    given = {name: value for name, value in given.items() if value is not None}
    if given.keys() & {"width", "height"}:
        given = {"size": OWN, **given}
    if "own_fps" in given:
        given = {"fps": OWN, **given}
    return given


def _place(output: str | None) -> tuple[Path, str]:
    """The folder and the beginning of the film's name, or the whole of it."""
    path = Path(output or ".").expanduser()
    if output is None or output.endswith("/") or path.is_dir():
        return path.absolute(), NODE_ID
    if path.suffix.lower() not in ("", SUFFIX):
        raise RequestRefused(f"-o {quoted(output)}: films are MP4 files.", next_step="Use a name that ends in .mp4.")
    return path.absolute().parent, expand(path.stem + SUFFIX)


class _Shares:
    """Says each tenth of the film that is done."""

    def __init__(self) -> None:
        self._tenths = 0

    def told(self, share: float) -> None:
        if int(share * 10) > self._tenths:
            self._tenths = int(share * 10)
            say(f"{self._tenths * 10} %")


def _as_json(film: Film) -> dict[str, Any]:
    state = "had before" if film.reused else "made"
    return {"state": state, "path": str(film.path), "clips": film.clips, "copied": film.copied, "more": film.notices}
