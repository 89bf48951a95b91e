"""Bringing a clip here: resumable, bounded, and never mixed from two files."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import requests
from urllib3.exceptions import HTTPError

from .. import outside_text
from ..errors import DownloadError
from ..operating_system import is_full, sync
from ..providers.body import body_of, codings, received, whole_number
from ..providers.exchange_limit import ExchangeLimit
from ..providers.http import reason_of
from ..providers.local_trouble import setting_to_blame
from ..providers.response import Response
from ..providers.status import MediaSource, TransientError
from ..settings import MAX_CLIP_BYTES
from ..timeouts import DEFAULT_TIMEOUTS, Timeouts
from .media_host import AddressRefused, NotTrusted, Reach, check_url, media_session, next_url, secured

MAX_REDIRECTS = 5
MAX_SOURCES = 8
"""Of one answer of the provider; the others are not tried."""
HEAD_BYTES = 12
MAX_POINTER_BYTES = 64 * 2**10
NO_LONGER_THERE = (401, 403, 404, 410)
CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")


class NotThere(Exception):
    """The host answered that it won't give this file out; a fresh address may help."""


class NotAVideo(Exception):
    """The host answered with a page, or with JSON, in place of the file; waiting seldom helps."""


class Abandoned(Exception):
    """The download was cancelled; the part received so far is kept."""


class ClipTooLarge(DownloadError):
    """What the host sends is larger than any clip."""


@dataclass
class Download:
    """One clip on its way into a `.part` file.

    Args:
        part: the file; what is in it already is continued when `validator` still holds.
        validator: the strong ETag or Last-Modified of what is in `part`.
        auth_headers: headers for a source that needs the key; asked anew at every redirect.
        reach: see `media_host`.
        note_validator: called when `part` is empty, before the first byte of a fresh body is written to it.
        progressed: called with bytes so far and in all (None when not known).
        deadline: `time.monotonic()` at which to give up for this time, whatever is waited for.
        timeouts: the time limits.
        max_bytes: the largest clip that is taken.
        say: called with a sentence that the user should read.
        opener: opens `part`, as `open` takes one.
    """

    part: Path
    validator: str | None
    auth_headers: Callable[[str], dict[str, str]]
    reach: Reach
    note_validator: Callable[[str | None], None]
    progressed: Callable[[int, int | None], None]
    deadline: float
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    max_bytes: int = MAX_CLIP_BYTES
    say: Callable[[str], None] = lambda text: None
    opener: Callable[[str, int], int] | None = None
    _abandoned: bool = False
    _file_lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _limit: ExchangeLimit = field(init=False, repr=False)
    _key: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        self._limit = ExchangeLimit(self.deadline)

    def fetch(self, source: MediaSource) -> bool:
        """Bring the whole file, and see it safely on the disk.

        Returns:
            Whether it is certain to be whole. When the host tells no length, a broken connection looks like the end.

        Raises:
            TransientError: a retry may work; the part received is kept.
            NotThere: 401, 403, 404 or 410.
            NotAVideo: something else was sent in its place; nothing of it was written.
            AddressRefused, ClipTooLarge: not from there. NotTrusted: not before something is set on this machine.
            DownloadError: the disk doesn't take it.
            Abandoned: `abandon` was called.
        """
        if source.needs_key:
            self._key = self.auth_headers(source.url).get("Authorization", "").removeprefix("Bearer ")
        try:
            with self._limit, media_session(self.reach, self._limit) as session:
                is_whole = self._fetch(session, source)
            self._check_abandoned()
            self._sync()
            return is_whole
        except NotAVideo:
            self._check_abandoned()
            raise
        except (requests.RequestException, HTTPError) as error:
            self._check_abandoned()
            _check_settings(error)
            late = time.monotonic() >= self.deadline
            why = "is too slow" if late else f"broke off ({reason_of(error, self._key)})"
            raise TransientError(f"the download {why}") from None
        except OSError as error:
            self._check_abandoned()
            _check_settings(error)
            raise disk_error(error, self.part.parent) from error

    def abandon(self) -> None:
        """Leave it, from another thread: when this returns, the file isn't touched any more, and `fetch` ends soon."""
        with self._file_lock:
            self._abandoned = True
        self._limit.cut()

    # -- the wire --------------------------------------------------------------------------------------------------

    def _fetch(self, session: requests.Session, source: MediaSource) -> bool:
        """A plain http:// address is tried as https first."""
        secure = secured(source.url, self.reach)
        if secure is None:
            return self._fetch_from(session, source.url, source.needs_key)
        had = self._have()
        try:
            return self._fetch_from(session, secure, needs_key=False)
        except (requests.RequestException, HTTPError, NotThere, NotAVideo, AddressRefused, TransientError):
            self._check_abandoned()
            if self._have() != had or time.monotonic() >= self.deadline:
                raise
        self.say(
            "The provider named an http:// address for the clip, and https does not work there: it is fetched "
            "unencrypted. No key is sent with it, and the file is checked as any clip's."
        )
        return self._fetch_from(session, source.url, needs_key=False, allow_plain=True)

    def _fetch_from(
        self, session: requests.Session, url: str, needs_key: bool = False, *, allow_plain: bool = False
    ) -> bool:
        timeout = (self.timeouts.connect, self.timeouts.read)
        for _ in range(MAX_REDIRECTS + 1):
            parts = check_url(url, self.reach, allow_plain=allow_plain)
            asked = self._continue_from()
            headers = {**(self.auth_headers(url) if needs_key else {}), **self._range(asked)}
            with session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=timeout) as response:
                if response.is_redirect:
                    url = next_url(url, response.headers["Location"])
                elif pointer := _pointer(response):
                    url = next_url(url, pointer)
                else:
                    return self._receive(response, outside_text.code(str(parts.hostname), self._key), asked)
            if self._holds_key(url):
                raise AddressRefused("The provider named an address for the clip with the account's key in it.")
            needs_key = needs_key and bool(self.auth_headers(url))
        raise AddressRefused(f"The clip's address was redirected more than {MAX_REDIRECTS} times.")

    def _continue_from(self) -> int:
        return self._have() if self.validator else 0

    def _range(self, asked: int) -> dict[str, str]:
        return {"Range": f"bytes={asked}-", "If-Range": self.validator} if asked and self.validator else {}

    def _receive(self, response: requests.Response, host: str, asked: int) -> bool:
        status, headers = response.status_code, response.headers
        if status in NO_LONGER_THERE:
            raise NotThere(f"{host} answered HTTP {status}")
        if status == 416:
            self._check_refused_range(headers, asked)
            return True
        if status not in (200, 206):
            raise TransientError(f"{host} answered HTTP {status}", Response(status, headers, None).retry_after)
        start, whole = self._extent(response, asked)
        if whole is not None and whole > self.max_bytes:
            raise self._too_large()
        pieces = received(response)
        head = b"" if start else _head(pieces)
        kind = headers.get("Content-Type", "").lower()
        if not start and kind.startswith("text/") and not _begins_a_video(head):
            named = outside_text.code(kind.partition(";")[0], self._key)
            raise NotAVideo(f"{host} answered with {named} in place of the clip")
        have = self._write(response, chain([head], pieces), start, whole)
        if whole is not None and have != whole:
            raise TransientError(f"the download broke off at {have:,} of {whole:,} bytes")
        return whole is not None or bool(response.raw.chunked)

    def _extent(self, response: requests.Response, asked: int) -> tuple[int, int | None]:
        """Where in the clip the body begins, and the clip's length, if told. Raises TransientError if it won't fit."""
        headers = response.headers
        told = whole_number(headers.get("Content-Length", ""))
        if response.status_code == 200:
            return 0, None if codings(headers) else told
        part = CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
        if part is None or int(part[1]) != asked or codings(headers) or self._is_of_another_file(headers):
            self._start_over()
            raise TransientError("the host sent another part of the clip than was asked for")
        if part[3] != "*":
            return asked, int(part[3])
        return asked, asked + told if told is not None else None

    def _check_refused_range(self, headers: Mapping[str, str], asked: int) -> None:
        """416 to a part from the very end on means that the file was whole already. Else raises TransientError."""
        if asked and headers.get("Content-Range", "").rpartition("/")[2] == str(asked):
            return
        self._start_over()
        raise TransientError("the host refused to continue the download")

    # -- what the partial file is part of --------------------------------------------------------------------------

    def _is_of_another_file(self, headers: Mapping[str, str]) -> bool:
        """A host may disregard If-Range; the validator beside what it sends tells."""
        name = "ETag" if (self.validator or "").startswith('"') else "Last-Modified"
        return headers.get(name, self.validator) != self.validator

    def _keep_validator(self, headers: Mapping[str, str]) -> None:
        """RFC 9110, 13.1.5: If-Range takes a strong ETag, or a date. Places in an encoded body are not the clip's."""
        etag, date = headers.get("ETag", ""), headers.get("Last-Modified", "")
        strong = etag if etag.startswith('"') else (date or None)
        self.validator = None if codings(headers) or self._holds_key(strong or "") else strong
        self.note_validator(self.validator)

    def _holds_key(self, text: str) -> bool:
        return outside_text.without_key(text, self._key) != text

    def _start_over(self) -> None:
        with self._file_lock:
            self._check_abandoned()
            self.validator = None
            self.note_validator(None)

    # -- the disk --------------------------------------------------------------------------------------------------

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _write(self, response: requests.Response, pieces: Iterable[bytes], start: int, whole: int | None) -> int:
        """Write the body's `pieces` from `start` on; returns the file's size."""
        have = start
        with self._opened(response, start) as file:
            for piece in pieces:
                have += len(piece)
                if have > self.max_bytes:
                    self._start_over()
                    file.truncate(0)
                    raise self._too_large()
                with self._file_lock:
                    self._check_abandoned()
                    file.write(piece)
                self.progressed(have, whole)
        return have

    def _sync(self) -> None:
        """Wait until all of the file is on the disk, also what an attempt before this one wrote."""
        with open(self.part, "r+b", opener=self.opener) as file:
            sync(file)

    def _opened(self, response: requests.Response, start: int) -> BinaryIO:
        """The file, cut to `start`. Emptied for good before it is said to be part of another one."""
        with self._file_lock:
            self._check_abandoned()
            file = open(self.part, "r+b" if start else "wb", buffering=0, opener=self.opener)  # noqa: SIM115
            try:
                file.seek(start)
                file.truncate()
                if not start:
                    sync(file)
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


def _check_settings(error: Exception) -> None:
    """Raises NotTrusted for what trying again never mends."""
    if blame := setting_to_blame(error, "the clip's host"):
        raise NotTrusted(blame.what, next_step=blame.next_step) from None


def disk_error(error: OSError, folder: Path) -> DownloadError:
    """What to tell the user when a clip can't be written."""
    full = is_full(error)
    what = "The disk is full" if full else f"The clip can't be written ({error.strerror or error})"
    remedy = "Make room there" if full else "Make the folder writable"
    return DownloadError(
        f"{what}: {folder}.", next_step=f"{remedy}, then run again: it only downloads and submits nothing."
    )


def _pointer(response: requests.Response) -> str | None:
    """The address in a JSON answer `{url}`; CometAPI's /content is seen to give one in place of the file."""
    if response.status_code != 200 or "json" not in response.headers.get("Content-Type", "").lower():
        return None
    text = body_of(response, MAX_POINTER_BYTES)
    try:
        said = json.loads(text or b"")
    except (ValueError, RecursionError):
        said = None
    url = said.get("url") if isinstance(said, dict) else None
    if isinstance(url, str) and url:
        return url
    raise NotAVideo("the provider answered with JSON in place of the clip")


def _head(pieces: Iterator[bytes]) -> bytes:
    """The first bytes of a body, enough to tell what it is; taken out of `pieces`."""
    head = b""
    while len(head) < HEAD_BYTES and (piece := next(pieces, b"")):
        head += piece
    return head


def _begins_a_video(head: bytes) -> bool:
    """By the bytes: hosts call a clip `text/plain` when they don't know its ending."""
    return head[4:8] in (b"ftyp", b"moov", b"mdat") or head.startswith((b"\x1aE\xdf\xa3", b"RIFF"))
