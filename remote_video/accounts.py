"""The keys of the provider accounts: where they are looked for, and how they are kept.

A key entered in the accounts dialog wins over the environment. It is saved in a file, or kept in this process's memory
alone. A key is never part of a message, a log line, a `repr`, a pickle, or an exception's context.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from .errors import AccountError, Action
from .private_file import TROUBLES, file_error, read_private, write_private
from .providers import PROVIDERS, Provider, provider_of

FILE_NAME = "accounts.json"
LAYOUT_VERSION = 1
MAX_KEY_LENGTH = 4096
MAX_FILE_BYTES = 64 * 1024
UNUSABLE = "The account file {} can't be {}: {}. {}"
DIALOG = "the accounts dialog (the Remote Video tab in ComfyUI's sidebar > Accounts...)"

_PRINTABLE_ASCII = re.compile(r"[\x21-\x7e]+")
_write_lock = threading.Lock()
_session: dict[tuple[Path, str], str] = {}
"""By account file and provider: the keys that are gone when this process ends."""


@dataclass(frozen=True)
class Account:
    """A provider account that can be used."""

    provider: str
    key: str = field(repr=False)
    source: str
    """"saved", "session", or the name of the environment variable."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("An account is never written out: it holds a key.")


class Accounts:
    """The accounts of this machine.

    Args:
        home: the pack's own folder; the account file is in it.
        environ: the environment; `os.environ` as it is at each look-up when not given.
    """

    def __init__(self, home: Path, environ: Mapping[str, str] | None = None) -> None:
        self._path = Path(home) / FILE_NAME
        self._environ = os.environ if environ is None else environ

    def find(self, provider: str) -> Account | None:
        """The account to use, or None when there is no key.

        Raises:
            AccountError: the account file is broken or not private, or a variable holds what can't be a key.
        """
        known = provider_of(provider)
        if (kept := _session.get((self._path, provider))) is not None:
            return Account(provider, kept, "session")
        saved = self._read().get(provider)
        if saved is not None:
            return Account(provider, saved, "saved")
        return _in_environment(known, self._environ)

    @staticmethod
    def of_environment(provider: str) -> Account | None:
        """The account that the environment names, whatever is saved. Raises AccountError for what can't be a key."""
        return _in_environment(provider_of(provider), os.environ)

    def require(self, provider: str) -> Account:
        """The account to use.

        Raises:
            AccountError: there is none (the message names the three options), or as `find`.
        """
        account = self.find(provider)
        if account is None:
            raise _no_key(provider_of(provider))
        return account

    def keep_for_session(self, provider: str, key: str) -> None:
        """Keep a key in memory until this process ends; one of this provider that is on disk is removed.

        Raises:
            AccountError: it can't be a key, or the account file is broken, not private, or can't be written.
        """
        key = checked_key(provider, key)
        with _write_lock:
            self._remove_saved(provider)
            _session[self._path, provider] = key

    def save(self, provider: str, key: str) -> None:
        """Keep a key on disk, in place of an earlier one.

        A broken account file is set aside as accounts.json.broken.

        Raises:
            AccountError: it can't be a key, or the file can't be kept private or written.
        """
        key = checked_key(provider, key)
        with _write_lock:
            content, keys = self._load()
            if content is not None and keys is None:
                self._write(self._path.with_name(FILE_NAME + ".broken"), content)
            self._write(self._path, _layout({**(keys or {}), provider: key}))
            _session.pop((self._path, provider), None)

    def forget(self, provider: str) -> bool:
        """Remove a key, saved or kept for the session; False when there was none. The environment is left alone.

        Raises:
            AccountError: the account file is broken, not private, or can't be written.
        """
        provider_of(provider)
        with _write_lock:
            was_kept = _session.pop((self._path, provider), None) is not None
            return self._remove_saved(provider) or was_kept

    def _remove_saved(self, provider: str) -> bool:
        keys = self._read()
        if keys.pop(provider, None) is None:
            return False
        self._write(self._path, _layout(keys))
        return True

    def describe(self) -> list[dict[str, Any]]:
        """What there is, without a key: one dict per provider, in menu order.

        Returns:
            {provider, name, set: bool, source: "saved" | "session" | variable | None, variables, key_page, key_hint,
            error: str | None}
        """
        return [self._describe(provider) for provider in PROVIDERS.values()]

    def _describe(self, provider: Provider) -> dict[str, Any]:
        source, error = None, None
        try:
            account = self.find(provider.id)
            source = account.source if account else None
        except AccountError as failure:
            error = f"{failure.what} {failure.next_step}"
        return {
            "provider": provider.id,
            "name": provider.name,
            "set": source is not None,
            "source": source,
            "variables": list(provider.key_variables),
            "key_page": provider.key_page,
            "key_hint": provider.key_hint,
            "error": error,
        }

    def _read(self) -> dict[str, str]:
        content, keys = self._load()
        if content is None:
            return {}
        if keys is None:
            raise AccountError(
                f"The account file {self._path} is broken: it can't be read as this pack writes it.",
                next_step=f"Save the keys again in {DIALOG}, or remove the file, then run again.",
            )
        return keys

    def _load(self) -> tuple[bytes | None, dict[str, str] | None]:
        """The file's bytes (None: no file) and its keys (None: broken)."""
        try:
            content = read_private(self._path, MAX_FILE_BYTES)
        except TROUBLES as problem:
            raise file_error(_unusable, problem, UNUSABLE, self._path) from None
        return content, None if content is None else _keys_in(content, self._path)

    def _write(self, path: Path, content: bytes) -> None:
        try:
            write_private(path, content)
        except TROUBLES as problem:
            raise file_error(_unusable, problem, UNUSABLE, path, "written") from None


def _in_environment(provider: Provider, environ: Mapping[str, str]) -> Account | None:
    for variable in provider.key_variables:
        value = environ.get(variable, "").strip()
        if value:
            return Account(provider.id, _checked(value, f"The environment variable {variable}"), variable)
    return None


def checked_key(provider: str, key: str) -> str:
    """What was typed or pasted, without the spaces around it. Raises AccountError: it can't be a key."""
    return _checked(key.strip(), f"The {provider_of(provider).name} key")


def _checked(key: str, what: str) -> str:
    """The key itself when it can be one; the message never quotes it."""
    if not key:
        problem = f"{what} is empty."
    elif len(key) > MAX_KEY_LENGTH:
        problem = f"{what} is {len(key)} characters long; at most {MAX_KEY_LENGTH} are possible."
    elif not _PRINTABLE_ASCII.fullmatch(key):
        problem = f"{what} contains a space, a line break or a character that no key has."
    else:
        return key
    raise AccountError(problem, next_step="Copy the key again from the provider's page, whole and alone.")


def _layout(keys: dict[str, str]) -> bytes:
    return json.dumps({"version": LAYOUT_VERSION, "keys": keys}, indent=2).encode("ascii")


def _keys_in(content: bytes, path: Path) -> dict[str, str] | None:
    """The keys in an account file; None when it is broken.

    Raises:
        AccountError: a newer version of the pack wrote it.
    """
    data = _parsed(content)
    version = data.get("version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > LAYOUT_VERSION:
        raise _unusable(f"The account file {path} was written by a newer version of Remote Video. Update the pack.")
    keys = data.get("keys") if isinstance(data, dict) and version == LAYOUT_VERSION else None
    if not isinstance(keys, dict):
        return None
    whole = all(
        isinstance(key, str) and len(key) <= MAX_KEY_LENGTH and _PRINTABLE_ASCII.fullmatch(key) for key in keys.values()
    )
    return keys if whole else None


def _parsed(content: bytes) -> Any:
    """The JSON value, or None. The decoder's own errors quote the text, keys and all, so none is let out or chained."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _no_key(provider: Provider) -> AccountError:
    return AccountError(
        f"There is no {provider.name} key yet, so nothing was sent.",
        next_step=(
            f"One of three ways: save a key in {DIALOG}; or set the environment variable {provider.key_variables[0]} "
            "and restart ComfyUI; or try the pack without a key in the sandbox: switch it on in the same dialog, or "
            "set REMOTE_VIDEO_SANDBOX=1 and restart ComfyUI (its clips are free, and only for trying out)."
        ),
        actions=(Action.ACCOUNTS, Action.SANDBOX),
    )


def _unusable(what: str, next_step: str | None = None) -> AccountError:
    remedy = next_step or "Change what is named above, then run again."
    return AccountError(what, next_step=f"{remedy} Keys in the environment are not used while the file is in doubt.")
