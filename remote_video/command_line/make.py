"""`make`: one clip from the command line, or what it would be."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

from ..before_run import before_run
from ..clips.output_file import SUFFIX, expand
from ..console import say
from ..engine.look_ahead import look_ahead
from ..engine.watch import StoredClip
from ..errors import InputRefused, RequestRefused
from ..models import ModelSpec
from ..models.request import Image, Recording
from ..outside_text import quoted
from ..settings import Settings
from .clip import Shot, make
from .inputs import model_named
from .session import Progress, engine_for, run
from .surroundings import home_of, named_home, settings_of

SUGAR = ("prompt", "image", "last_image", "seed")
"""Inputs that are options of their own."""


def make_command(options: argparse.Namespace) -> int:
    """Make one clip; its path is the last line of stdout."""
    settings = settings_to_make(options)
    spec, given = model_named(options.model, settings)
    given.update({name: value for name in SUGAR if (value := getattr(options, name)) is not None})
    for setting in options.set:
        name, equals, value = setting.partition("=")
        if not equals:
            raise RequestRefused(
                f"--set {quoted(setting)} is not name=value.", next_step="Write it as --set duration=5."
            )
        given[name.strip()] = value
    folder, prefix = _place(options.output, spec)
    shot = Shot(spec, given, Path.cwd(), folder, expand(prefix), is_named=prefix.endswith(SUFFIX))
    if options.dry_run:
        return _dry_run(shot, settings, as_json=options.json)
    with Progress() as progress, engine_for(settings) as engine:
        outcome = run(engine, lambda: make(engine, shot, settings, progress))
    if options.json:
        print(json.dumps(outcome.as_json()))
    if outcome.clip is None:
        say(outcome.error)
        return 2 if isinstance(outcome.error, InputRefused) else 1
    say(f"{outcome.state}: {outcome.clip.request_id}{_cost(outcome.clip)}")
    for line in outcome.clip.more:
        say(line)
    if not options.json:
        print(outcome.clip.path)
    return 0


def _dry_run(shot: Shot, settings: Settings, *, as_json: bool) -> int:
    """What a Run would do, as a line, and what would be sent."""
    request = shot.request()
    endpoint = settings.endpoint(request.model.provider)
    told = before_run(request, look_ahead(request, settings, (request.key(endpoint, account_tag=""), None)))
    for notice in request.notices:
        say(notice)
    body = json.loads(json.dumps(request.body, default=_described))
    if as_json:
        about = {**asdict(told), **asdict(told.known)}
        del about["known"]
        print(json.dumps({"line": told.line, "model": request.model_id, **about, "body": body}))
    else:
        say(f"{told.line}\n{request.model_name} ({request.model_id}) would be sent:", sys.stdout)
        print(json.dumps(body, indent=2))
    return 0


def _described(media: object) -> str:
    """A file in a request's body, in words."""
    if isinstance(media, Image):
        return f"<image, {media.shape[1]}x{media.shape[0]} px>"
    if isinstance(media, Recording):
        return f"<{type(media).__name__.lower()}, {len(media.data):,} bytes>"
    raise TypeError(f"{type(media).__name__} has no place in a request")


def settings_to_make(options: argparse.Namespace) -> Settings:
    """The settings for a command that submits: it brings its own clips home, and no others.

    Raises:
        SettingsError, RequestRefused: a setting can't mean anything, or not without ComfyUI.
    """
    home = home_of(options)
    settings = replace(settings_of(options, home), collect=False)
    if settings.uploads == "public-origin":
        raise RequestRefused(
            "REMOTE_VIDEO_UPLOADS=public-origin needs a running ComfyUI, which serves the image.",
            next_step="Set REMOTE_VIDEO_UPLOADS to data-uri or s3.",
        )
    if not named_home(options):
        say(f"Paid jobs are recorded in {home} (--home or REMOTE_VIDEO_HOME for another).")
    return settings


def _cost(clip: StoredClip) -> str:
    usd = clip.cost_usd
    return " | sandbox, nothing was paid" if clip.sandbox else "" if usd is None else f" | {usd:.2f} USD"


def _place(output: str | None, spec: ModelSpec) -> tuple[Path, str]:
    """The folder and the beginning of the clip's name, or the whole of it."""
    path = Path(output or ".").expanduser()
    if output is None or output.endswith(("/", os.sep)) or path.is_dir():
        return path.absolute(), spec.node_id
    if path.suffix.lower() not in ("", SUFFIX):
        raise RequestRefused(f"-o {quoted(output)}: clips are MP4 files.", next_step="Use a name that ends in .mp4.")
    return path.absolute().parent, path.stem + SUFFIX
