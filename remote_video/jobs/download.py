"""Bringing a clip here: resumable, bounded, and never mixed from two files."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import requests
from urllib3.exceptions import HTTPError

from ..errors import DownloadError
from ..patience import USUAL, Patience
from ..providers.http import Answer, reason_of, received
from ..providers.status import MediaSource, Passing
from ..settings import MAX_CLIP_BYTES
from .media_host import AddressRefused, check_url, media_session, next_url

MAX_REDIRECTS = 5
MAX_POINTER_BYTES = 64 * 2**10
NO_LONGER_THERE = (401, 403, 404, 410)
CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+|\*)")


class NotThere(Exception):
    """The host answered that it won't give this file out; a fresh address may help."""


class Abandoned(Exception):
    """The run has left; what came so far is kept."""


class ClipTooLarge(DownloadError):
    """What the host sends is larger than any clip."""


@dataclass
class Download:
    """One clip on its way into a `.part` file.

    Args:
        part: the file; what is in it already is continued when `validator` still holds.
        validator: the strong ETag or Last-Modified of what is in `part`.
        authorise: headers for a source that needs the key; asked anew at every redirect.
        allow_loopback: see `media_host`.
        note_validator: called when `part` is empty, before the first byte of a fresh body is written to it.
        progressed: called with bytes so far and in all (None when not known).
        deadline: `time.monotonic()` at which to give up for this time.
        patience: the time limits.
        max_bytes: the largest clip that is taken.
    """

    part: Path
    validator: str | None
    authorise: Callable[[str], dict[str, str]]
    allow_loopback: bool
    note_validator: Callable[[str | None], None]
    progressed: Callable[[int, int | None], None]
    deadline: float
    patience: Patience = USUAL
    max_bytes: int = MAX_CLIP_BYTES
    _abandoned: bool = False
    _touching_the_file: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _connection: socket.socket | None = None

    def fetch(self, source: MediaSource) -> None:
        """Bring the whole file.

        Raises:
            Passing: it may work when tried again; what came is kept.
            NotThere: 401, 403, 404 or 410.
            AddressRefused, ClipTooLarge: not from there.
            DownloadError: the disk doesn't take it.
            Abandoned: `abandon` was called.
        """
        try:
            with media_session(self.allow_loopback, self._opened_connection) as session:
                self._fetch(session, source)
        except (requests.RequestException, HTTPError) as error:
            self._check_abandoned()
            raise Passing(f"the download broke off ({reason_of(error)})") from None
        except OSError as error:
            raise disk_error(error, self.part.parent) from error

    def abandon(self) -> None:
        """Leave it, from another thread: when this returns, the file isn't touched any more, and `fetch` ends soon."""
        with self._touching_the_file:
            self._abandoned = True
        self._cut()

    def _opened_connection(self, connection: socket.socket) -> None:
        self._connection = connection
        if self._abandoned:
            self._cut()

    def _cut(self) -> None:
        """End a read that waits for a byte. TLS is passed over: its own shutdown would wait for the other end."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._connection, socket.SHUT_RDWR)

    # -- the wire --------------------------------------------------------------------------------------------------

    def _fetch(self, session: requests.Session, source: MediaSource) -> None:
        url, needs_key = source.url, source.needs_key
        timeout = (self.patience.connect, self.patience.read)
        for _ in range(MAX_REDIRECTS + 1):
            parts = check_url(url, self.allow_loopback)
            asked = self._continue_from()
            headers = {**(self.authorise(url) if needs_key else {}), **self._range(asked)}
            with session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=timeout) as response:
                if response.is_redirect:
                    url = next_url(url, response.headers["Location"])
                elif pointer := _pointer(response):
                    url = next_url(url, pointer)
                else:
                    return self._receive(response, str(parts.hostname), asked)
            needs_key = needs_key and bool(self.authorise(url))
        raise AddressRefused(f"The clip's address was redirected more than {MAX_REDIRECTS} times.")

    def _continue_from(self) -> int:
        have = self._have()
        return have if self.validator else 0

    def _range(self, asked: int) -> dict[str, str]:
        return {"Range": f"bytes={asked}-", "If-Range": self.validator} if asked and self.validator else {}

    def _receive(self, response: requests.Response, host: str, asked: int) -> None:
        status, headers = response.status_code, response.headers
        if status in NO_LONGER_THERE:
            raise NotThere(f"{host} answered HTTP {status}")
        if status == 416:
            return self._after_range_refused(headers, asked)
        if status not in (200, 206):
            raise Passing(f"{host} answered HTTP {status}", Answer(status, headers, None).retry_after)
        kind = headers.get("Content-Type", "").lower()
        if kind.startswith("text/"):
            raise Passing(f"{host} answered with {kind.partition(';')[0]} in place of the clip")
        start, whole = self._extent(response, asked)
        if whole is not None and whole > self.max_bytes:
            raise self._too_large()
        self._write(response, start, whole)

    def _extent(self, response: requests.Response, asked: int) -> tuple[int, int | None]:
        """Where in the clip the body begins, and the whole clip's length, if told. Raises Passing when it won't fit."""
        headers = response.headers
        length = headers.get("Content-Length", "")
        told = int(length) if length.isascii() and length.isdigit() else None
        if response.status_code == 200:
            return 0, None if _is_encoded(headers) else told
        part = CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
        if part is None or int(part[1]) != asked or _is_encoded(headers) or self._is_of_another_file(headers):
            self._start_over()
            raise Passing("the host sent another part of the clip than was asked for")
        if part[3] != "*":
            return asked, int(part[3])
        return asked, asked + told if told is not None else None

    def _after_range_refused(self, headers: Mapping[str, str], asked: int) -> None:
        """416 to a part from the very end on means that the file was whole already."""
        if asked and headers.get("Content-Range", "").rpartition("/")[2] == str(asked):
            return
        self._start_over()
        raise Passing("the host refused to continue the download")

    # -- what the partial file is part of --------------------------------------------------------------------------

    def _is_of_another_file(self, headers: Mapping[str, str]) -> bool:
        """A host may disregard If-Range; the validator beside what it sends tells."""
        name = "ETag" if (self.validator or "").startswith('"') else "Last-Modified"
        return headers.get(name, self.validator) != self.validator

    def _keep_validator(self, headers: Mapping[str, str]) -> None:
        """RFC 9110, 13.1.5: If-Range takes a strong ETag, or a date. Places in an encoded body are not the clip's."""
        etag, date = headers.get("ETag", ""), headers.get("Last-Modified", "")
        strong = etag if etag.startswith('"') else (date or None)
        self.validator = None if _is_encoded(headers) else strong
        self.note_validator(self.validator)

    def _start_over(self) -> None:
        with self._touching_the_file:
            self._check_abandoned()
            self.validator = None
            self.note_validator(None)

    # -- the disk --------------------------------------------------------------------------------------------------

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _write(self, response: requests.Response, start: int, whole: int | None) -> None:
        have = start
        with self._opened(response, start) as file:
            for piece in received(response):
                if time.monotonic() > self.deadline:
                    raise Passing("the download is too slow")
                have += len(piece)
                if have > self.max_bytes:
                    self._start_over()
                    file.truncate(0)
                    raise self._too_large()
                with self._touching_the_file:
                    self._check_abandoned()
                    file.write(piece)
                self.progressed(have, whole)
            self._check_abandoned()
            os.fsync(file.fileno())
        if whole is not None and have != whole:
            raise Passing(f"the download broke off at {have:,} of {whole:,} bytes")

    def _opened(self, response: requests.Response, start: int) -> BinaryIO:
        """The file, cut to `start`. Emptied for good before it is said to be part of another one."""
        with self._touching_the_file:
            self._check_abandoned()
            file = self.part.open("r+b" if start else "wb", buffering=0)
            try:
                file.seek(start)
                file.truncate()
                if not start:
                    os.fsync(file.fileno())
                    self._keep_validator(response.headers)
            except BaseException:
                file.close()
                raise
            return file

    def _check_abandoned(self) -> None:
        if self._abandoned:
            raise Abandoned

    def _too_large(self) -> ClipTooLarge:
        return ClipTooLarge(f"The clip is larger than {self.max_bytes:,} bytes; that can't be right.")


def disk_error(error: OSError, folder: Path) -> DownloadError:
    """What to tell the user when a clip can't be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    what = "The disk is full" if full else f"The clip can't be written ({error.strerror or error})"
    remedy = "Make room there" if full else "Make the folder writable"
    return DownloadError(
        f"{what}: {folder}.", next_step=f"{remedy}, then run again: it only downloads and submits nothing."
    )


def _pointer(response: requests.Response) -> str | None:
    """The address in a JSON answer `{url}`; CometAPI's /content is seen to give one in place of the file."""
    if response.status_code != 200 or "json" not in response.headers.get("Content-Type", "").lower():
        return None
    text = response.raw.read(MAX_POINTER_BYTES, decode_content=True)
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    url = said.get("url") if isinstance(said, dict) else None
    if isinstance(url, str) and url:
        return url
    raise Passing("the provider answered with JSON in place of the clip")


def _is_encoded(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity")
