"""`REMOTE_VIDEO_CLIPS_URL`: which store, what opens it, and what of it may be shown.

file:///mnt/studio/clips
s3://bucket/prefix?endpoint=https://minio.studio&region=eu-central-1
s3://key:secret@bucket/prefix
gs://bucket/prefix
az://container/prefix?account_name=studio
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from ..errors import SettingsError

VARIABLE = "REMOTE_VIDEO_CLIPS_URL"
FOLDER = "file"
USERINFO: Mapping[str, tuple[str, str] | None] = {
    FOLDER: None,
    "s3": ("access_key_id", "secret_access_key"),
    "gs": None,
    "az": ("account_name", "account_key"),
}
"""Kinds of stores, and what `user:password@` means for each."""
SHOWN = frozenset({"account_name", "endpoint", "endpoint_url", "region"})
"""Options that open nothing."""
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_OPTION = re.compile(r"[a-z][a-z0-9_]{1,63}")


@dataclass(frozen=True)
class StoreUrl:
    """A place for clips.

    Args:
        shown: the URL without what opens the store: for people, logs and the ledger.
        kind: "file", "s3", "gs" or "az".
        place: the URL without options, or the folder's path.
        options: as obstore names them; keys are among them.
    """

    shown: str
    kind: str
    place: str
    options: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be told."""
        return tuple(value for name, value in self.options.items() if name not in SHOWN)


def store_url(url: str) -> StoreUrl:
    """Understand a URL. Raises SettingsError, which quotes nothing: keys may be in it, or be all of it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise refused("can't be read as a URL") from None
    kind = parts.scheme
    if kind not in USERINFO:
        raise refused(f"does not begin with one of {', '.join(f'{kind}://' for kind in USERINFO)}")
    if parts.fragment or "@" in parts.path:
        raise refused("has a '#' or an '@' in it that has to be written as %23 or %40; a '/' in a key is %2F")
    if kind == FOLDER:
        return _folder(parts.netloc, parts.path, parts.query)
    userinfo, at, bucket = parts.netloc.rpartition("@")
    if not _NAME.fullmatch(bucket):
        raise refused("names no bucket that can be; a '/', '?' or '#' in a key is written as %2F, %3F or %23")
    options = {**_options(parts.query), **(_keys(kind, userinfo) if at else {})}
    prefix = unquote(parts.path).strip("/")
    place = f"{kind}://{bucket}" + (f"/{prefix}" if prefix else "")
    told = {name: value for name, value in options.items() if name in SHOWN}
    return StoreUrl(place + (f"?{urlencode(sorted(told.items()), safe=':/')}" if told else ""), kind, place, options)


def _folder(netloc: str, path: str, query: str) -> StoreUrl:
    if netloc not in ("", "localhost") or query or not path.strip("/"):
        raise refused("has to name a folder of this machine as file:///path")
    from urllib.request import url2pathname  # which brings an HTTP client with it

    folder = url2pathname(path)
    return StoreUrl(f"file://{path}", FOLDER, folder)


def _options(query: str) -> dict[str, str]:
    try:
        options = dict(parse_qsl(query, strict_parsing=True)) if query else {}
    except ValueError:
        raise refused("has options that are not of the form name=value&name=value") from None
    for name, value in options.items():
        if not _OPTION.fullmatch(name):
            raise refused("has an option whose name can't be one")
        if name in SHOWN and "@" in value:
            raise refused(f"has keys in its option {name}, which is shown: they belong before the bucket")
    return options


def _keys(kind: str, userinfo: str) -> dict[str, str]:
    names, (user, _, password) = USERINFO[kind], userinfo.partition(":")
    if names is None or not user or not password:
        wanted = "none" if names is None else "key:secret"
        raise refused(f"holds something else before its bucket's '@' than {kind}:// takes there ({wanted})")
    return dict(zip(names, (unquote(user), unquote(password)), strict=True))


def refused(why: str, next_step: str = "") -> SettingsError:
    """The error of a URL that can't be used."""
    return SettingsError(
        f"The environment variable {VARIABLE} {why}.",
        next_step=next_step or f"Correct or remove {VARIABLE}, then restart ComfyUI.",
    )
