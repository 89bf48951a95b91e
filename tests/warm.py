"""`python -m remote_video` in processes of their own that need not start: forked from one that has imported everything.

    python warm.py        for each message on the socket that is its stdin: fork a process that runs a command

Little else about them differs: a folder, an environment, pipes, signals and an exit code of their own. They ask at once
after a young job, as no model is ready so soon but the sandbox's.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path

PACK_FOLDER = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "remote_video"]
CAN_FORK = hasattr(os, "fork") and hasattr(socket, "send_fds")
MOST_BYTES = 2**20
ASKED_AT_ONCE = 0.1
"""`engine.pace.FIRST` for a provider that is done at once."""
READY = b"ready"


class WarmProcess:
    """What `subprocess.Popen` would give, as far as tests use it."""

    def __init__(self, arguments: Sequence[str], stdout: int, stderr: int | None, line: socket.socket) -> None:
        self.args = [*COMMAND, *arguments]
        self.returncode: int | None = None
        self.stdout = os.fdopen(stdout, encoding="utf-8")
        self.stderr = None if stderr is None else os.fdopen(stderr, encoding="utf-8")
        self._line = line
        self.pid = int(line.recv(100))

    def poll(self) -> int | None:
        try:
            return self.wait(0.0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                self.returncode = int(self._line.recv(100))
            except (BlockingIOError, TimeoutError) as error:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0) from error
            self._line.close()  # from now on its number may be another process's
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        said = ["", ""]

        def read(number: int, file: TextIOWrapper | None) -> None:
            if file is not None and not file.closed:
                with file:
                    said[number] = file.read()

        readers = [threading.Thread(target=read, args=each) for each in enumerate((self.stdout, self.stderr))]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        return said[0], said[1]


class WarmStart:
    """Starts commands. Its own start takes as long as that of one command."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def __enter__(self) -> WarmStart:
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None and self._line is not None:
            self._line.close()
            self._server.wait()

    def start(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], stderr: int = subprocess.PIPE
    ) -> WarmProcess:
        """Run a command. `stderr`: a descriptor, or PIPE."""
        if self._line is None:
            self._line, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._server = subprocess.Popen([sys.executable, str(Path(__file__).resolve())], stdin=its)
            its.close()
            assert self._line.recv(100) == READY
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        out, out_end = os.pipe()
        err, err_end = os.pipe() if stderr == subprocess.PIPE else (None, os.dup(stderr))
        said = json.dumps({"arguments": list(arguments), "cwd": str(cwd), "environment": dict(environment)})
        socket.send_fds(self._line, [said.encode()], [out_end, err_end, its.fileno()])
        its.close()
        os.close(out_end)
        os.close(err_end)
        return WarmProcess(arguments, out, err, mine)


# -- the process that is forked from -----------------------------------------------------------------------------------


def serve() -> None:
    import_everything()
    assert threading.active_count() == 1, "a process that forks must have one thread"
    line = socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # its children are nobody's
    line.send(READY)
    while True:
        said, handles, _, _ = socket.recv_fds(line, MOST_BYTES, 3)
        if not said:
            return
        if os.fork() == 0:
            line.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            look_after(json.loads(said), *handles)
        for handle in handles:
            os.close(handle)


def import_everything() -> None:
    spec = importlib.util.spec_from_file_location(
        "pack", PACK_FOLDER / "__init__.py", submodule_search_locations=[str(PACK_FOLDER)]
    )
    assert spec is not None and spec.loader is not None
    sys.modules["pack"] = pack = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pack)
    for name in (
        "__main__",
        "command_line.batch",
        "command_line.collect",
        "command_line.jobs",
        "command_line.make",
        "command_line.providers",
    ):
        importlib.import_module(f"pack.remote_video.{name}")
    sys.modules["pack.remote_video.engine.pace"].FIRST = ASKED_AT_ONCE  # type: ignore[attr-defined]


def look_after(job: Mapping[str, object], out: int, err: int, line: int) -> None:
    """Fork the command, say its number and how it ended, and keep its number until nobody needs it any more."""
    pid = os.fork()
    if pid == 0:
        os.close(line)
        run(job, out, err)
    os.close(out)
    os.close(err)
    told = socket.socket(fileno=line)
    told.send(str(pid).encode())
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    status = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    try:
        told.send(str(status).encode())
        told.recv(1)
    finally:
        os._exit(0)


def run(job: Mapping[str, object], out: int, err: int) -> None:
    """What `python -m remote_video` does from its first line on."""
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        for handle, number in ((nothing, 0), (out, 1), (err, 2)):
            os.dup2(handle, number)
            os.close(handle)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
        os.chdir(str(job["cwd"]))
        os.environ.clear()
        os.environ.update(job["environment"])  # type: ignore[call-overload]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            code = sys.modules["pack.remote_video.__main__"].main(job["arguments"])
        except SystemExit as misspelt:
            code = int(misspelt.code or 0)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
