"""A shared ledger over TLS whose server has to prove who it is (`sslmode=verify-full`): another one is refused in
words, and nothing is paid.

The server is a real one, and so is libpq's side of TLS; what ends TLS is a proxy before the server, as a pooler does.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from remote_video_pack.remote_video.errors import LedgerError
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State

from ..providers.tls import certificate_of
from ..tls_proxy import Serve, piped_to
from .one_job import Setup
from .shared_database import PATIENT

NAME = "127.0.0.1"
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""What asks a server for TLS (https://www.postgresql.org/docs/current/protocol-message-formats.html)."""


@dataclass
class TlsFront:
    """Speaks TLS for a server that does not; `asked` is how often it was asked to."""

    listener: socket.socket
    tls: ssl.SSLContext
    serve: Serve
    asked: int = 0

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # whoever asked has gone
            if connection.recv(len(SSL_REQUEST)) == SSL_REQUEST:
                self.asked += 1
                connection.sendall(b"S")
                with self.tls.wrap_socket(connection, server_side=True) as secured:
                    self.serve(secured)


def certificate(folder: Path, *hosts: str) -> Path:
    folder.mkdir()
    return certificate_of(hosts[0], folder, *hosts[1:])


@pytest.fixture
def front(postgres, tmp_path: Path) -> Iterator[TlsFront]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(tmp_path / "server", NAME, "db.setup"))
    with socket.create_server((NAME, 0)) as listener:
        front = TlsFront(listener, tls, piped_to(postgres.port))
        threading.Thread(target=front.accept, daemon=True).start()
        yield front


@pytest.fixture
def farm(setup: Setup, postgres, front: TlsFront) -> Iterator[Setup]:
    """A machine whose ledger is behind it; nobody has shown the machine a certificate yet."""
    with postgres.database() as name:
        url = sa.make_url(postgres.url(name, port=front.listener.getsockname()[1]))
        url = url.update_query_dict({"sslmode": "verify-full"})
        farm = replace(setup, timeouts=PATIENT, more={"ledger_url": url.render_as_string(hide_password=False)})
        yield farm
        farm.close()


def trusting(farm: Setup, root: Path, **parts: str) -> Setup:
    """The same, with a root certificate, and other parts of the address."""
    url = sa.make_url(farm.more["ledger_url"]).set(**parts).update_query_dict({"sslrootcert": str(root)})
    return replace(farm, more={"ledger_url": url.render_as_string(hide_password=False)})


def test_the_right_server_is_known_by_its_certificate(farm, front, tmp_path):
    farm = trusting(farm, tmp_path / "server" / "server.pem")
    clip = farm.run_now()
    (record,) = Ledger.of(farm.settings).recent()
    assert (record.state, record.request_id, farm.posts) == (State.STORED, clip.request_id, 1)
    assert front.asked, "it went over TLS"
    farm.close()


@pytest.mark.parametrize(
    ("root", "host", "says"),
    [
        ("server", "localhost", 'does not match host name "localhost"'),
        ("another", NAME, "certificate verify failed"),
        ("nowhere", NAME, "does not exist"),
    ],
    ids=["another host", "an unknown authority", "no such file"],
)
def test_a_server_that_can_not_prove_who_it_is_is_refused_at_once_and_nothing_is_paid(
    farm, front, tmp_path, root, host, says
):
    certificate(tmp_path / "another", NAME)
    secret = sa.make_url(farm.more["ledger_url"]).password
    with pytest.raises(LedgerError, match="can't be reached by TLS in the way that is set") as told:
        trusting(farm, tmp_path / root / "server.pem", host=host).run_now()
    assert says in told.value.what
    assert "sslrootcert in REMOTE_VIDEO_LEDGER_URL" in told.value.next_step
    assert "Not billed" in str(told.value) and secret not in str(told.value)
    assert (farm.posts, front.asked) == (0, 1), "it was not tried again and again"
