"""HTTP as the providers' APIs need it: questions may be repeated, a submission never is.

A question (GET) goes over a session kept per thread, with urllib3's `Retry` for a lost connection. A submission
(POST of a paid job) goes over a connection of its own, opened for it alone: so it is certain whether a byte of it
can have left, which is what decides between "may be tried again" and "uncertain". No redirect is ever followed,
since that would carry the key, or the submission, to another place.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from ..patience import USUAL, Patience
from .status import NotSent, Passing

MAX_ANSWER_BYTES = 16 * 2**20
CHUNK_BYTES = 64 * 2**10
"""Small enough that each piece is sent within the socket's timeout, which `sendall` takes as its total."""
USER_AGENT = "remote-video"
TROUBLE = (requests.RequestException, HTTPError, OSError)
"""What a connection can end in; urllib3's own errors come through `requests` here and there."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        status: the HTTP status code.
        headers: the answer's headers, case-insensitive.
        body: the bytes, or None when the connection broke before they were complete.
    """

    status: int
    headers: Any
    body: bytes | None = field(repr=False)

    def json(self) -> Any | None:
        """The parsed body; None for anything that is not JSON, by its Content-Type or by its looks."""
        kind = self.headers.get("Content-Type", "application/json").lower()
        if self.body is None or not ("json" in kind or kind.startswith("text/plain")):
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def retry_after(self) -> float | None:
        """The Retry-After header, s from now (RFC 9110, 10.2.3: seconds or an HTTP date); None without one."""
        value = self.headers.get("Retry-After", "").strip()
        if value.isascii() and value.isdigit():
            return float(value)
        try:
            when = parsedate_to_datetime(value)
        except (TypeError, ValueError, IndexError):
            return None
        when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
        return max(0.0, (when - datetime.now(timezone.utc)).total_seconds())


class AnswerLost(Exception):
    """The submission was sent, wholly or in part, and no complete answer came back."""


class Body:
    """A request body in pieces with a known length: sent as it is, never joined into a second copy."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __len__(self) -> int:
        return sum(len(piece) for piece in self._pieces)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            view = memoryview(piece)
            for start in range(0, len(view), CHUNK_BYTES):
                yield cast(bytes, view[start : start + CHUNK_BYTES])


class Bearer(requests.auth.AuthBase):
    """The provider's key as a header. Given as `auth` so that a .netrc file can't replace it."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Api:
    """One provider's API under one base URL.

    Args:
        base_url: without a slash at the end.
        key: the account's key; sent to `base_url` and nowhere else.
        patience: the time limits.
    """

    def __init__(self, base_url: str, key: str, patience: Patience = USUAL) -> None:
        self.base_url = base_url
        self._patience = patience
        self._auth = Bearer(key)
        self._local = threading.local()

    def get(self, path: str) -> Answer:
        """Ask. Raises Passing when no complete answer came."""
        try:
            with self._session().get(
                self.base_url + path,
                auth=self._auth,
                timeout=(self._patience.connect, self._patience.question),
                allow_redirects=False,
                stream=True,
            ) as response:
                answer = _read(response, self._patience.answer)
        except TROUBLE as error:
            raise Passing(f"the connection failed ({reason_of(error)})") from _without_key(error)
        if answer.body is None:
            raise Passing("the connection broke in the middle of the answer")
        return answer

    def post_again(self, path: str) -> Answer:
        """POST without a body something that is free and harmless to repeat (a cancel). Raises Passing."""
        try:
            with requests.Session() as session:
                response = session.post(
                    self.base_url + path,
                    auth=self._auth,
                    headers={"User-Agent": USER_AGENT},
                    timeout=(self._patience.connect, self._patience.question),
                    allow_redirects=False,
                    stream=True,
                )
                return _read(response, self._patience.answer)
        except TROUBLE as error:
            raise Passing(f"the connection failed ({reason_of(error)})") from _without_key(error)

    def submit(self, path: str, pieces: list[bytes], content_type: str) -> Answer:
        """POST a paid job, once.

        Raises:
            NotSent: the connection never opened; not a byte left.
            AnswerLost: the connection opened and no status line came back.
        """
        adapter = _WatchedAdapter()
        with requests.Session() as session:
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            try:
                response = session.post(
                    self.base_url + path,
                    data=Body(pieces),
                    auth=self._auth,
                    headers={"Content-Type": content_type, "User-Agent": USER_AGENT},
                    timeout=(self._patience.connect, self._patience.submission),
                    allow_redirects=False,
                    stream=True,
                )
            except TROUBLE as error:
                if adapter.opened.is_set():
                    raise AnswerLost(reason_of(error)) from _without_key(error)
                raise NotSent(reason_of(error)) from _without_key(error)
            return _read(response, self._patience.answer)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.headers["User-Agent"] = USER_AGENT
            # Retry-After is read by whoever asked: urllib3 would sleep on it here, deaf to Stop and the deadline.
            retry = Retry(total=1, redirect=0, allowed_methods=("GET",), respect_retry_after_header=False)
            adapter = HTTPAdapter(max_retries=retry)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            self._local.session = session
        return session


class _WatchedAdapter(HTTPAdapter):
    """An adapter that notes when a connection of its own has opened (TCP, and TLS where there is any)."""

    def __init__(self) -> None:
        self.opened = opened = threading.Event()

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                opened.set()

        class Tls(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                opened.set()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = Tls

        self._pools = {"http": PlainPool, "https": TlsPool}
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _read(response: requests.Response, longest_s: float) -> Answer:
    """Read an answer, at most MAX_ANSWER_BYTES and `longest_s` of it."""
    pieces, size, deadline = [], 0, time.monotonic() + longest_s
    try:
        for piece in received(response):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_ANSWER_BYTES or time.monotonic() > deadline:
                return Answer(response.status_code, response.headers, None)
    except TROUBLE:
        return Answer(response.status_code, response.headers, None)
    return Answer(response.status_code, response.headers, b"".join(pieces))


def received(response: requests.Response) -> Iterator[bytes]:
    """The decoded body as it comes in: a slow sender never keeps more than one packet from whoever counts the time."""
    read = getattr(response.raw, "read1", response.raw.read)  # urllib3 before 2.1 has no read1
    while piece := read(CHUNK_BYTES, decode_content=True):
        yield piece


def _without_key(error: Exception) -> Exception:
    """The same error without its request, whose headers hold the key."""
    if isinstance(error, requests.RequestException):
        error.request = error.response = None
    return error


def reason_of(error: BaseException) -> str:
    """The innermost reason of a network error, in few words and without the URL."""
    inner: Any = error
    while True:
        deeper = getattr(inner, "reason", None) or (inner.args[0] if getattr(inner, "args", ()) else None)
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    if isinstance(inner, requests.Timeout) or "timed out" in str(inner).lower():
        return "timed out"
    text = getattr(inner, "strerror", None) or str(inner)
    return f"{type(inner).__name__}: {text}".split(" (Caused")[0][:160]
