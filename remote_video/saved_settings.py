"""What the accounts dialog sets besides keys and budgets: a small file in the home folder. The environment wins."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .errors import RequestRefused, SettingsError
from .private_file import TROUBLES, file_error, read_private, write_private
from .providers import TRANSPORTS
from .web_address import NotAnAddress, web_address

FILE_NAME = "settings.json"
LAYOUT_VERSION = 1
MAX_FILE_BYTES = 4096
UNUSABLE = "The settings file {} can't be {}: {}. {}"
_write_lock = threading.Lock()


@dataclass(frozen=True)
class Saved:
    """What was chosen; None is nothing.

    Args:
        sandbox: whether new clips are made by the sandbox.
        collect: whether paid clips that nobody waits for are collected.
        uploads: one of `TRANSPORTS`.
        public_origin: this machine's address as the provider reaches it.
    """

    sandbox: bool | None = None
    collect: bool | None = None
    uploads: str | None = None
    public_origin: str | None = None


class SavedSettings:
    """The settings file of a home.

    Args:
        home: the pack's own folder; the file is in it.
    """

    def __init__(self, home: Path) -> None:
        self._path = Path(home) / FILE_NAME

    def read(self) -> Saved:
        """What was chosen. Raises SettingsError: the file can't be read."""
        try:
            content = read_private(self._path, MAX_FILE_BYTES)
        except TROUBLES as problem:
            raise file_error(SettingsError, problem, UNUSABLE, self._path) from None
        if content is None:
            return Saved()
        try:
            return _saved_in(json.loads(content))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise SettingsError(
                f"The settings file {self._path} is broken, so what was chosen is not known. Nothing was sent.",
                next_step="Remove the file and choose again in the accounts dialog, then run again.",
            ) from None

    def change(self, **chosen: Any) -> None:
        """Keep these in place of what was chosen before; None takes a choice back.

        Raises:
            RequestRefused: one of them can't be meant.
            SettingsError: the file can't be read or written.
        """
        with _write_lock:
            try:
                saved = _checked(replace(self.read(), **chosen))
            except (ValueError, TypeError):
                raise RequestRefused("There is no such setting.") from None
            kept = {name: value for name, value in asdict(saved).items() if value is not None}
            try:
                write_private(self._path, json.dumps({"version": LAYOUT_VERSION, "settings": kept}).encode("ascii"))
            except TROUBLES as problem:
                raise file_error(SettingsError, problem, UNUSABLE, self._path, "written") from None


def _saved_in(data: Any) -> Saved:
    """Raises ValueError, TypeError, KeyError: it is not what `change` writes."""
    if data["version"] != LAYOUT_VERSION:
        raise ValueError("version")
    return _checked(Saved(**data["settings"]))


def _checked(saved: Saved) -> Saved:
    """Raises ValueError: one of them can't be meant."""
    if not all(value is None or isinstance(value, bool) for value in (saved.sandbox, saved.collect)):
        raise ValueError("a switch is true or false")
    if saved.uploads is not None and saved.uploads not in TRANSPORTS:
        raise ValueError("there is no such way")
    if saved.public_origin is not None:
        try:
            web_address(saved.public_origin)
        except (NotAnAddress, AttributeError, TypeError):
            raise ValueError("no address") from None
    return saved
