"""An end to an HTTP exchange that the other side can't put off.

A socket's timeout starts anew with every byte: a host that drips its headers, or answers `100 Continue` for ever,
outlasts it. A name may have 60 addresses, each waited for in full, and nothing wakes a thread that looks a name up.
Here one limit holds for the whole exchange: lookup, connection, TLS, request, headers and body.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from ..operating_system import words_of
from .local_trouble import check_proxy, named_bundle

T = TypeVar("T")
MAX_ADDRESSES = 8
"""Of one name; the others are not tried."""
LOOK_EVERY_S = 0.05
"""Between two looks at whether a lookup or a connection that is waited for was cut."""

Addresses = list[tuple[Any, ...]]
"""As `socket.getaddrinfo` gives them."""
Check = Callable[[str, Addresses], None]
"""Called with a host and its addresses before any of them is connected to; raises for those that must not be."""


class ExchangeLimit:
    """When one exchange is over: at its deadline, or as soon as any thread calls `cut`.

    A context manager: it holds a handle of the connection until it is left.

    Args:
        deadline: `time.monotonic()` at which it is over.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.opened = False
        """Whether a connection was made ready to be written to. Until then not a byte of the request has left."""
        self._is_cut = False
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> ExchangeLimit:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._hold(None)

    def cut(self) -> None:
        """End it now, whatever it waits for."""
        with self._lock:
            self._is_cut = True
            self._shut_down()

    def left(self, longest: float | None = None) -> float:
        """How long may be waited now, s, `longest` at most. Raises TimeoutError, or ConnectionAbortedError when cut."""
        if self._is_cut:
            raise ConnectionAbortedError("the request was abandoned")
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the exchange timed out")
        return left if longest is None else min(left, longest)

    def follow(self, connection: Any) -> None:
        """Let `cut` end whatever waits for this connection: the duplicate handle reaches it below any TLS."""
        self._hold(socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM))

    def connect(self, host: str, port: int, timeout: float | None, check: Check) -> socket.socket:
        """Connect to the first address of a host that takes it, within `timeout` s for all of them.

        Raises:
            OSError, UnicodeError: none did, or the name can't be looked up.
        """
        addresses = self.look_up(host, port)
        check(host, addresses)
        addresses = addresses[:MAX_ADDRESSES]
        end = time.monotonic() + self.left(timeout)
        failure: OSError = OSError("the name has no address")
        for number, (family, kind, protocol, _, where) in enumerate(addresses):
            share = (end - time.monotonic()) / (len(addresses) - number)
            try:
                return self._connect(socket.socket(family, kind, protocol), where, share)
            except OSError as error:
                self.left()
                failure = error
        raise failure

    def look_up(self, host: str, port: int) -> Addresses:
        """What a name resolves to. `getaddrinfo` can't be interrupted, so its thread is abandoned.

        Raises:
            OSError, UnicodeError: nothing, or it takes too long.
        """
        answer: list[Any] = []

        def ask() -> None:
            try:
                answer.append(socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM))
            except Exception as error:
                answer.append(error)

        thread = threading.Thread(target=ask, name="remote-video-lookup", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no new threads while the interpreter shuts down
            raise OSError(str(error)) from error
        while thread.is_alive():
            thread.join(self.left(LOOK_EVERY_S))
        if isinstance(answer[0], Exception):
            raise answer[0]
        return list(answer[0])

    def _connect(self, connection: socket.socket, where: Any, longest: float) -> socket.socket:
        try:
            connection.setblocking(False)
            try:
                connection.connect(where)
            except BlockingIOError:
                self._wait_until_connected(connection, longest)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except BaseException:
            connection.close()
            raise

    def _wait_until_connected(self, connection: socket.socket, longest: float) -> None:
        end = time.monotonic() + longest
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_WRITE)
            while not selector.select(self.left(LOOK_EVERY_S)):
                if time.monotonic() > end:
                    raise TimeoutError("the connection timed out")
        if code := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(code, words_of(code))

    def _hold(self, handle: socket.socket | None) -> None:
        with self._lock:
            old, self._handle = self._handle, handle
            if self._is_cut:
                self._shut_down()
        if old is not None:
            old.close()

    def _shut_down(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)


class LimitedAdapter(HTTPAdapter):
    """An adapter whose connections, a proxy's too, keep to `limit` and verify whom they reach.

    Of a kept session, set the limit anew for each exchange.

    Args:
        limit: of the exchange that comes next.
        check: for the addresses of hosts that are connected to without a proxy.
        max_retries: as for `HTTPAdapter`.
    """

    def __init__(self, limit: ExchangeLimit, check: Check = lambda host, addresses: None, max_retries: Any = 0) -> None:
        self.limit = limit
        self._check = check
        super().__init__(max_retries=max_retries)

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        check_proxy(request.url, kwargs.get("proxies"))
        return super().send(request, *args, **kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._limit_pools(self.poolmanager, self._check)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        is_new = proxy not in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if is_new:
            self._limit_pools(manager, lambda host, addresses: None)
        return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        super().cert_verify(conn, url, verify or _trusted_certificates(), cert)  # type: ignore[no-untyped-call]

    def _limit_pools(self, manager: Any, check: Check) -> None:
        pools = manager.pool_classes_by_scheme
        manager.pool_classes_by_scheme = {scheme: self._limited(pool, check) for scheme, pool in pools.items()}

    def _limited(self, pool: Any, check: Check) -> Any:
        """The same kind of connection pool (a SOCKS proxy has its own), whose connections keep to the limit."""
        adapter = self
        base: Any = pool.ConnectionCls
        is_tls = hasattr(base, "cert_reqs")

        class Connection(base):  # type: ignore[misc]
            response_class = _Head
            timeout: Any
            sock: Any

            def _new_conn(self) -> socket.socket:
                limit = adapter.limit
                try:
                    self.timeout = limit.left(self.timeout)
                    if base._new_conn is HTTPConnection._new_conn:
                        connection = limit.connect(self.host, self.port, self.timeout, check)
                    else:
                        connection = super()._new_conn()
                    connection.settimeout(limit.left(self.timeout))
                except (OSError, UnicodeError) as error:
                    raise NewConnectionError(self, f"Failed to establish a new connection: {error}") from error
                limit.follow(connection)
                return connection

            def connect(self) -> None:
                if is_tls:
                    _insist_on_verification(self)
                try:
                    super().connect()
                except ValueError as error:  # urllib3 1.26, where it was left no certificate to look at
                    raise error if isinstance(error, HTTPError) else _unverified() from error
                if is_tls and not _is_verified(self.sock):
                    raise _unverified()
                self.sock = _LimitedSocket(self.sock, adapter)
                adapter.limit.opened = True

        return type("LimitedPool", (pool,), {"ConnectionCls": Connection})


def _trusted_certificates() -> str:
    """What `requests` trusts unless verification was turned off."""
    _, named = named_bundle()
    return named or DEFAULT_CA_BUNDLE_PATH


def _insist_on_verification(connection: Any) -> None:
    """The key goes over this connection: whatever another pack has made of `requests`, impostors don't get it."""
    connection.cert_reqs = "CERT_REQUIRED"
    connection.assert_hostname = connection.assert_fingerprint = None
    if not (connection.ca_certs or connection.ca_cert_dir or connection.ca_cert_data):
        connection.ca_certs = DEFAULT_CA_BUNDLE_PATH


def _unverified() -> ssl.SSLCertVerificationError:
    return ssl.SSLCertVerificationError("certificate verify failed: something has turned it off")


def _is_verified(connection: Any) -> bool:
    """Whether a socket has looked at the other side's certificate; TLS within TLS has no way to tell."""
    context = getattr(connection, "context", None)
    return context is None or context.verify_mode == ssl.CERT_REQUIRED


class _Head(http.client.HTTPResponse):
    """The head of an answer, without what libraries log or quote of it before anybody can take the key out."""

    def _read_status(self) -> tuple[str, int, str]:
        return _without_its_words(super()._read_status)  # type: ignore[misc,no-any-return]

    def begin(self) -> None:
        _without_its_words(super().begin)
        self.msg.defects.clear()
        self.msg.set_payload("")


def _without_its_words(read: Callable[[], T]) -> T:
    """The same error, and none as its context, that quotes nothing of a status line that is none."""
    try:
        return read()
    except http.client.RemoteDisconnected:
        raise
    except (http.client.BadStatusLine, http.client.UnknownProtocol):
        pass
    raise http.client.BadStatusLine("the answer is not HTTP")


class _LimitedSocket:
    """A socket that never waits longer than the exchange may still last."""

    def __init__(self, inner: Any, adapter: LimitedAdapter) -> None:
        self._inner = inner
        self._adapter = adapter
        self._timeout = inner.gettimeout()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def settimeout(self, timeout: float | None) -> None:
        self._timeout = timeout

    def sendall(self, data: Any) -> None:
        self._inner.settimeout(self._adapter.limit.left(self._timeout))
        self._inner.sendall(data)

    def makefile(self, *args: Any, **kwargs: Any) -> io.BufferedReader:
        """What an answer is read from."""
        self._adapter.limit.follow(self._inner)
        return io.BufferedReader(_LimitedReader(self._inner, self._adapter.limit, self._timeout))


class _LimitedReader(io.RawIOBase):
    def __init__(self, connection: Any, limit: ExchangeLimit, timeout: float | None) -> None:
        self._connection = connection
        self._limit = limit
        self._timeout = timeout
        self._file = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(self._limit.left(self._timeout))
        count: int | None = self._file.readinto(buffer)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
