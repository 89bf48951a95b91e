"""Where the command line finds the ledger, the accounts and the settings."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..errors import RequestRefused
from ..ledger.ledger import Ledger
from ..ledger.record import JobRecord
from ..operating_system import here
from ..outside_text import quoted
from ..settings import Settings
from ..timeouts import DEFAULT_TIMEOUTS

PACK_FOLDER = Path(__file__).resolve().parents[2]
SHORT_KEY = 12
"""Characters of a job key that are shown, and enough to name it."""
LOOK_S = 0.2
"""Between two looks at what goes on meanwhile, or whether Ctrl-C was pressed: on Windows it interrupts no waiting."""
LIFE_SIGN_WITHIN_S = DEFAULT_TIMEOUTS.heartbeat_seen + 1.0
"""A run that has a job and is not heard of for so long, after a lease, is gone."""


def settings_of(options: argparse.Namespace, home: Path | None = None) -> Settings:
    """The settings of the environment, with what the command's own options say. Raises SettingsError."""
    environment = {**os.environ, "REMOTE_VIDEO_HOME": str(home or home_of(options))}
    if url := getattr(options, "url", None):
        environment["REMOTE_VIDEO_LEDGER_URL"] = url
    if options.sandbox:
        environment["REMOTE_VIDEO_SANDBOX"] = "1"
    return Settings.from_environment(Path(environment["REMOTE_VIDEO_HOME"]), environment)


def home_of(options: argparse.Namespace) -> Path:
    """The folder of the ledger and the account file: --home, REMOTE_VIDEO_HOME, or the usual one."""
    return named_home(options) or usual_home()


def named_home(options: argparse.Namespace) -> Path | None:
    """The folder that --home or REMOTE_VIDEO_HOME names; None: neither does."""
    named = options.home or os.environ.get("REMOTE_VIDEO_HOME")
    return Path(named).expanduser() if named else None


def usual_home() -> Path:
    """ComfyUI's folder for the pack, where the pack lies in a ComfyUI that has it, or the command is run inside one;
    else a folder of the user's own.
    """
    return next((home for home in _homes_in_comfyui() if home.is_dir()), _own_home())


def places_looked_in(options: argparse.Namespace) -> str:
    """The folders that `home_of` chose from, in people's words."""
    named = named_home(options)
    places = [named] if named else [*_homes_in_comfyui(), _own_home()]
    return " or ".join(dict.fromkeys(map(str, places)))


def _homes_in_comfyui() -> list[Path]:
    """Where the pack's folder would be in the ComfyUI around the pack, and in the one around the current folder.

    A shell says in PWD through which link it came: a pack in custom_nodes may be one.
    """
    ways = [Path(os.environ.get("PWD", "")), Path.cwd()]
    given = [folder for folder in ways if folder.is_absolute() and folder.exists() and folder.samefile(Path.cwd())]
    around = [PACK_FOLDER.parent.parent] if PACK_FOLDER.parent.name == "custom_nodes" else []
    for way in given:
        around += [folder for folder in (way, *way.parents) if (folder / "custom_nodes").is_dir()]
    return [comfyui / "user" / "__remote_video" for comfyui in dict.fromkeys(around)]


def _own_home() -> Path:
    return here().data_folder(os.environ, Path.home()) / "remote-video"


def settings_with_ledger(options: argparse.Namespace) -> Settings:
    """The settings, for a command that only looks: it makes no ledger. Raises RequestRefused, SettingsError."""
    settings = settings_of(options)
    if Ledger.is_there(settings):
        return settings
    raise RequestRefused(
        f"There is no ledger in {places_looked_in(options)}.",
        next_step="Give --home (inside ComfyUI it is user/__remote_video), or set REMOTE_VIDEO_HOME; the first clip "
        "makes one.",
    )


def the_job(ledger: Ledger, key: str) -> JobRecord:
    """The one job whose key begins so. Raises RequestRefused."""
    found = ledger.find(key) if len(key) >= SHORT_KEY else []
    if len(found) != 1:
        what = f"There is not exactly one job of the key {quoted(key)}."
        raise RequestRefused(what, next_step="Look its key up with `jobs`.")
    return found[0]
