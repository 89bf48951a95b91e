"""HTTP as the providers' APIs need it: questions may be repeated, a submission never is.

A question (GET) goes over a session kept per thread, with urllib3's `Retry` for a lost connection. A submission
(POST of a paid job) goes over a connection of its own, opened for it alone: so it is certain whether a byte of it
can have left, which is what decides between "may be tried again" and "uncertain". No redirect is ever followed,
since that would carry the key, or the submission, to another place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from ..loopback import is_loopback
from ..patience import USUAL, Patience
from .answer import TROUBLE, Answer, read, received
from .status import NotSent, Passing

SENT_AT_ONCE = 64 * 2**10
"""Bytes; small enough that each piece is sent within the socket's timeout, which `sendall` takes as its total."""
USER_AGENT = "remote-video"

__all__ = ["TROUBLE", "USER_AGENT", "Answer", "AnswerLost", "Api", "StraightSession", "reason_of", "received"]


class AnswerLost(Exception):
    """The submission was sent, wholly or in part, and no complete answer came back."""


class StraightSession(requests.Session):
    """A session that leaves redirects alone altogether.

    Without this, and even when told not to follow it, `requests` takes a redirect apart: it reads its whole body,
    which may never end, and raises ValueError for an address that is none.
    """

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class Body:
    """A request body in pieces with a known length: sent as it is, never joined into a second copy."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __len__(self) -> int:
        return sum(len(piece) for piece in self._pieces)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            view = memoryview(piece)
            for start in range(0, len(view), SENT_AT_ONCE):
                yield cast(bytes, view[start : start + SENT_AT_ONCE])


_of_this_thread = threading.local()


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
        base_url: without a slash at the end. The environment's proxies are used unless it is on loopback.
        key: the account's key; sent to `base_url` and nowhere else.
        patience: the time limits.
    """

    def __init__(self, base_url: str, key: str, patience: Patience = USUAL) -> None:
        self.base_url = base_url
        self._key = key
        self._patience = patience

    def get(self, path: str) -> Answer:
        """Ask. Raises Passing when no complete answer came."""
        try:
            with self._kept_session().get(self.base_url + path, timeout=self._timeout, **self._usual()) as response:
                answer = self._read(response)
        except TROUBLE as error:
            raise Passing(f"the connection failed ({reason_of(error)})") from _without_key(error)
        if answer.body is None:
            raise Passing("the connection broke in the middle of the answer")
        return answer

    def post_again(self, path: str) -> Answer:
        """POST without a body something that is free and harmless to repeat (a cancel). Raises Passing."""
        try:
            with self._session(HTTPAdapter(max_retries=0)) as session:
                return self._read(session.post(self.base_url + path, timeout=self._timeout, **self._usual()))
        except TROUBLE as error:
            raise Passing(f"the connection failed ({reason_of(error)})") from _without_key(error)

    def submit(self, path: str, pieces: list[bytes], content_type: str) -> Answer:
        """POST a paid job, once.

        Raises:
            NotSent: the connection never opened; not a byte left.
            AnswerLost: the connection opened and no status line came back.
        """
        adapter = _WatchedAdapter()
        with self._session(adapter) as session:
            try:
                response = session.post(
                    self.base_url + path,
                    data=Body(pieces),
                    headers={"Content-Type": content_type},
                    timeout=(self._patience.connect, self._patience.submission),
                    **self._usual(),
                )
            except TROUBLE as error:
                if adapter.opened.is_set():
                    raise AnswerLost(reason_of(error)) from _without_key(error)
                raise NotSent(reason_of(error)) from _without_key(error)
            return self._read(response)

    @property
    def _timeout(self) -> tuple[float, float]:
        return self._patience.connect, self._patience.question

    def _usual(self) -> dict[str, Any]:
        return {"auth": Bearer(self._key), "allow_redirects": False, "stream": True}

    def _read(self, response: requests.Response) -> Answer:
        return read(response, self._patience.answer, self._key)

    def _kept_session(self) -> requests.Session:
        """This thread's session for questions: jobs share its connections; what tells accounts apart isn't in it."""
        kept: dict[bool, requests.Session] = _of_this_thread.__dict__.setdefault("sessions", {})
        here = is_loopback(self.base_url)
        if here not in kept:
            # Retry-After is read by whoever asked: urllib3 would sleep on it here, deaf to Stop and the deadline.
            retry = Retry(total=1, redirect=0, allowed_methods=("GET",), respect_retry_after_header=False)
            kept[here] = self._session(HTTPAdapter(max_retries=retry))
        return kept[here]

    def _session(self, adapter: HTTPAdapter) -> requests.Session:
        session = StraightSession()
        session.headers["User-Agent"] = USER_AGENT
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.trust_env = not is_loopback(self.base_url)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session


class _WatchedAdapter(HTTPAdapter):
    """An adapter that notes when a connection of its own has opened (TCP, and TLS or a proxy's tunnel if any)."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        self._watch(manager)
        return manager

    def _watch(self, manager: Any) -> None:
        pools = manager.pool_classes_by_scheme
        manager.pool_classes_by_scheme = {scheme: _watched(pool, self.opened) for scheme, pool in pools.items()}


def _watched(pool: Any, opened: threading.Event) -> Any:
    """The same kind of connection pool (a SOCKS proxy has its own), whose connections tell when they have opened."""

    def connect(self: Any) -> None:
        super(connection, self).connect()
        opened.set()

    connection: Any = type("WatchedConnection", (pool.ConnectionCls,), {"connect": connect})
    return type("WatchedPool", (pool,), {"ConnectionCls": connection})


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
