"""HTTP as the providers' APIs need it: what is free may be asked again, a submission never is.

A GET goes over a session kept per thread, with urllib3's `Retry` for a lost connection. A submission (the POST of a
paid job) goes over a connection of its own, opened for it alone: so it is certain whether a byte of it can have left,
which is what decides between "may be tried again" and "uncertain". No redirect is ever followed, since that would
carry the key, or the submission, to another place. Every exchange has a limit on its whole.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast

import requests
from urllib3.util.retry import Retry

from ..errors import Billed, NotSent
from ..loopback import is_loopback
from ..outside_text import message
from ..timeouts import DEFAULT_TIMEOUTS, Timeouts
from ..version import version
from .client import Piece, Submission
from .exchange_limit import ExchangeLimit, LimitedAdapter
from .local_trouble import causes, setting_to_blame
from .problem import uncertain
from .response import MAX_RESPONSE_BYTES, Response, read
from .status import TransientError

SENT_AT_ONCE = 64 * 2**10
"""Bytes; small enough that each piece is sent within the socket's timeout, which `sendall` takes as its total."""
SLOWEST_UPLINK = 64 * 2**10
"""Bytes a second: what a submission's body may take on top of the time for the provider's answer."""
USER_AGENT = f"remote-video/{version()}"


class NoRedirectSession(requests.Session):
    """A session that leaves redirects alone altogether.

    Without this, and even when told not to follow it, `requests` takes a redirect apart: it reads its whole body,
    which may never end, and raises ValueError for an address that is none.
    """

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class Body:
    """A request body in pieces with a known length: sent as it is, never joined into a second copy."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces

    def __len__(self) -> int:
        return sum(len(piece) for piece in self._pieces)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if not isinstance(piece, bytes):
                yield from piece
                continue
            view = memoryview(piece)
            for start in range(0, len(view), SENT_AT_ONCE):
                yield cast(bytes, view[start : start + SENT_AT_ONCE])


class ApiSession(NoRedirectSession):
    """A session that keeps nothing of what a server says, and whose every exchange needs a limit.

    Args:
        base_url: the environment's proxies are used unless it is on loopback.
        retry: for what may be asked again.
    """

    def __init__(self, base_url: str, retry: Retry | int = 0) -> None:
        super().__init__()
        self.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"})
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.trust_env = not is_loopback(base_url)
        self._adapter = LimitedAdapter(ExchangeLimit(deadline=0.0), max_retries=retry)
        self.mount("http://", self._adapter)
        self.mount("https://", self._adapter)

    def at_most(self, seconds: float) -> ExchangeLimit:
        """The limit of the next exchange, from now on: connecting, sending, and the response whole."""
        self._adapter.limit = ExchangeLimit(time.monotonic() + seconds)
        return self._adapter.limit


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
        name: the provider's, for messages.
        base_url: without a slash at the end.
        key: the account's key; sent to `base_url` and nowhere else.
        timeouts: the time limits.
    """

    def __init__(self, name: str, base_url: str, key: str, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> None:
        self.base_url = base_url
        self._name = name
        self._key = key
        self._timeouts = timeouts

    def get(self, path: str, *, within: float | None = None, most_bytes: int = MAX_RESPONSE_BYTES) -> Response:
        """Ask. Raises TransientError when no complete response came, SettingsError when none can come.

        Args:
            within: how long the whole exchange may take, s; the usual limit when not given.
            most_bytes: of the answer; a longer one counts as incomplete.
        """
        return self._asked(self._kept_session(), "GET", path, within, most_bytes)

    def post_again(self, path: str) -> Response:
        """POST without a body something that is free and harmless to repeat (a cancel). Raises as `get`."""
        with ApiSession(self.base_url) as session:
            return self._asked(session, "POST", path)

    def submit(self, submission: Submission) -> Response:
        """POST a paid job, once.

        Raises:
            NotSent: the connection never opened; not a byte left.
            SettingsError: nor will it, before something is set on this machine.
            JobUncertain: the connection opened and no head of a response came back.
        """
        body = Body(submission.body)
        limit = self._timeouts.submission + len(body) / SLOWEST_UPLINK
        with ApiSession(self.base_url) as session, session.at_most(limit) as exchange:
            try:
                response = session.post(
                    self.base_url + submission.path,
                    data=body,
                    headers={"Content-Type": submission.content_type},
                    timeout=(self._timeouts.connect, self._timeouts.submission),
                    **self._usual(),
                )
            except Exception as error:  # of any type: what counts is whether a byte can have left
                why = reason_of(error, self._key)
                if exchange.opened:
                    raise uncertain(self._name, f"no answer came back ({why})") from _without_words(error)
                if blame := setting_to_blame(error, self._name):
                    raise blame from _without_words(error)
                raise NotSent(f"{self._name} can't be reached ({why}).") from _without_words(error)
            return read(response, self._key)

    def _asked(
        self,
        session: ApiSession,
        method: str,
        path: str,
        within: float | None = None,
        most_bytes: int = MAX_RESPONSE_BYTES,
    ) -> Response:
        limit = self._timeouts.request if within is None else within
        timeout = (min(self._timeouts.connect, limit), limit)
        with session.at_most(limit):
            try:
                with session.request(method, self.base_url + path, timeout=timeout, **self._usual()) as response:
                    answer = read(response, self._key, most_bytes)
            except Exception as error:
                if blame := setting_to_blame(error, self._name, Billed.YES):
                    raise blame from _without_words(error)
                why = reason_of(error, self._key)
                raise TransientError(f"the connection failed ({why})") from _without_words(error)
        if answer.body is None:
            raise TransientError("the connection broke in the middle of the answer")
        return answer

    def _usual(self) -> dict[str, Any]:
        return {"auth": Bearer(self._key), "allow_redirects": False, "stream": True}

    def _kept_session(self) -> ApiSession:
        """This thread's session for GETs: jobs share its connections; what tells accounts apart isn't in it."""
        kept: dict[bool, ApiSession] = _of_this_thread.__dict__.setdefault("sessions", {})
        here = is_loopback(self.base_url)
        if here not in kept:
            # Retry-After is left to the caller: urllib3 would sleep here, ignoring Stop and the deadline.
            retry = Retry(total=1, redirect=0, allowed_methods=("GET",), respect_retry_after_header=False)
            kept[here] = ApiSession(self.base_url, retry)
        return kept[here]


def _without_words(error: Exception) -> BaseException | None:
    """No cause: its words may repeat the key. What it holds of the request, whose headers do, goes."""
    if isinstance(error, requests.RequestException):
        error.request = error.response = None
    return None


def reason_of(error: BaseException, key: str = "") -> str:
    """The innermost reason of a network error, in few words and without the URL or the key."""
    *_, inner = causes(error)
    if isinstance(inner, requests.Timeout) or "timed out" in str(inner).lower():
        return "timed out"
    text = getattr(inner, "strerror", None) or str(inner)
    return message(f"{type(inner).__name__}: {text}".split(" (Caused")[0], key)[:160]
