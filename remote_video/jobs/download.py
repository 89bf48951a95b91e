"""Bringing a clip here: resumable, bounded, and checked before it counts."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import requests
from urllib3.exceptions import HTTPError

from ..errors import DownloadError
from ..patience import USUAL, Patience
from ..providers.http import CHUNK_BYTES, Answer, reason_of
from ..providers.status import MediaSource, Passing
from ..settings import MAX_CLIP_BYTES
from .media_host import check_url, media_session

MAX_REDIRECTS = 5
MAX_POINTER_BYTES = 64 * 2**10
NO_LONGER_THERE = (401, 403, 404, 410)


class NotThere(Exception):
    """The host answered that it won't give this file out; a fresh address may help."""


class Abandoned(Exception):
    """The caller asked to stop; what came so far is kept."""


@dataclass
class Download:
    """One clip on its way into a `.part` file.

    Args:
        part: the file; what is in it already is continued when `validator` still holds.
        validator: the strong ETag or Last-Modified of what is in `part`.
        authorise: headers for a source that needs the key; asked anew at every redirect.
        allow_loopback: see `media_host`.
        note_validator: called before the first byte of a fresh body is written.
        progressed: called with bytes so far and in all (None when not known).
        abandoned: asked between pieces.
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
    abandoned: Callable[[], bool]
    deadline: float
    patience: Patience = USUAL
    max_bytes: int = MAX_CLIP_BYTES

    def fetch(self, source: MediaSource) -> None:
        """Bring the whole file.

        Raises:
            Passing: it may work when tried again; what came is kept.
            NotThere: 401, 403, 404 or 410.
            DownloadError: it can't work this way.
            Abandoned: the caller asked to stop.
        """
        try:
            with media_session(self.allow_loopback) as session:
                self._fetch(session, source)
        except (requests.RequestException, HTTPError) as error:
            raise Passing(f"the download broke off ({reason_of(error)})") from None
        except OSError as error:
            raise self._disk_error(error) from error

    def _fetch(self, session: requests.Session, source: MediaSource) -> None:
        url, needs_key = source.url, source.needs_key
        timeout = (self.patience.connect, self.patience.read)
        for _ in range(MAX_REDIRECTS + 1):
            parts = check_url(url, self.allow_loopback)
            headers = {**(self.authorise(url) if needs_key else {}), **self._range()}
            with session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=timeout) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers["Location"])
                elif pointer := self._pointer(response):
                    url = pointer
                else:
                    return self._receive(response, str(parts.hostname))
            needs_key = needs_key and bool(self.authorise(url))
        raise DownloadError(f"The clip's address was redirected more than {MAX_REDIRECTS} times.")

    def _range(self) -> dict[str, str]:
        have = self.part.stat().st_size if self.part.exists() else 0
        if not have or not self.validator:
            return {}
        return {"Range": f"bytes={have}-", "If-Range": self.validator}

    def _pointer(self, response: requests.Response) -> str | None:
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

    def _receive(self, response: requests.Response, host: str) -> None:
        status, headers = response.status_code, response.headers
        if self.abandoned():
            raise Abandoned
        if status in NO_LONGER_THERE:
            raise NotThere(f"{host} answered HTTP {status}")
        if status == 416:
            return self._after_range_refused(headers.get("Content-Range", ""))
        if status not in (200, 206):
            raise Passing(f"{host} answered HTTP {status}", Answer(status, headers, None).retry_after)
        kind = headers.get("Content-Type", "").lower()
        if kind.startswith("text/"):
            raise Passing(f"{host} answered with {kind.partition(';')[0]} in place of the clip")
        start = self._start(status, headers.get("Content-Range", ""))
        length = headers.get("Content-Length", "")
        whole = start + int(length) if length.isascii() and length.isdigit() else None
        if whole is not None and whole > self.max_bytes:
            raise self._too_large()
        if start == 0:
            self._keep_validator(headers.get("ETag", ""), headers.get("Last-Modified", ""))
        self._write(response, start, whole)

    def _start(self, status: int, content_range: str) -> int:
        """Where the body begins; a 206 for another place than asked for can't be used."""
        if status == 200:
            return 0
        have = self.part.stat().st_size if self.part.exists() else 0
        if not content_range.startswith(f"bytes {have}-"):
            self._start_over()
            raise Passing("the host sent another part of the clip than was asked for")
        return have

    def _write(self, response: requests.Response, start: int, whole: int | None) -> None:
        have = start
        with self.part.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            for piece in response.iter_content(CHUNK_BYTES):
                if self.abandoned():
                    raise Abandoned
                if time.monotonic() > self.deadline:
                    raise Passing("the download is too slow")
                file.write(piece)
                have += len(piece)
                if have > self.max_bytes:
                    raise self._too_large()
                self.progressed(have, whole)
            file.flush()
            os.fsync(file.fileno())
        if whole is not None and have != whole:
            raise Passing(f"the download broke off at {have:,} of {whole:,} bytes")

    def _after_range_refused(self, content_range: str) -> None:
        have = self.part.stat().st_size if self.part.exists() else 0
        if content_range.rpartition("/")[2] == str(have):
            return
        self._start_over()
        raise Passing("the host refused to continue the download")

    def _keep_validator(self, etag: str, last_modified: str) -> None:
        """RFC 9110, 13.1.5: If-Range takes a strong ETag, or a date."""
        self.validator = etag if etag.startswith('"') else (last_modified or None)
        self.note_validator(self.validator)

    def _start_over(self) -> None:
        self.validator = None
        self.note_validator(None)

    def _disk_error(self, error: OSError) -> DownloadError:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "The disk is full" if full else f"The clip can't be written ({error.strerror or error})"
        return DownloadError(
            f"{what}: {self.part.parent}.",
            next_step="Make room there, then run again: it only downloads and submits nothing."
            if full
            else "Make the folder writable, then run again: it only downloads and submits nothing.",
        )

    def _too_large(self) -> DownloadError:
        return DownloadError(f"The clip is larger than {self.max_bytes:,} bytes; that can't be right.")
