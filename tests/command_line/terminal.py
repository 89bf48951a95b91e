"""A person at a terminal: `python -m remote_video` in a process of its own, against a sandbox of the test's."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

from PIL import Image
from remote_video_pack.remote_video.__main__ import main
from remote_video_pack.remote_video.ledger.ledger import Ledger

from ..faults import Sandbox
from ..warm import COMMAND, PACK_FOLDER, WarmProcess, WarmStart

KEYS = {"RUNCOMFY_API_TOKEN": "a-key-of-the-tests", "COMETAPI_KEY": "a-key-of-the-tests", "OMP_NUM_THREADS": "1"}
SUBMITS = ("runcomfy/submit", "comet/create")
SOON_S = 60.0
ESCAPE = re.compile("[\x1b\r]")


@dataclass
class Terminal:
    """Where commands are typed.

    Args:
        folder: for the pictures, the clips, the ledger.
        sandbox: what stands in for the providers; without one nothing can be reached.
    """

    folder: Path
    sandbox: Sandbox | None = None
    warm: WarmStart | None = None
    """What processes are forked from; without it each starts from nothing."""

    def run(
        self, *arguments: str | Path, cwd: Path = PACK_FOLDER, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Type a command and wait for its end."""
        process = self.start(*arguments, cwd=cwd, **environment)
        try:
            stdout, stderr = process.communicate(timeout=SOON_S)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def call(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """The same in this process, which saves the start of one."""
        stdout, stderr = StringIO(), StringIO()
        with (
            mock.patch.dict(os.environ, {**self._providers(), **environment}),
            redirect_stdout(stdout),
            redirect_stderr(stderr),
        ):
            try:
                code = main([*map(str, arguments)])
            except SystemExit as misspelt:
                code = misspelt.code
        return subprocess.CompletedProcess(arguments, code, stdout.getvalue(), stderr.getvalue())

    def start(
        self, *arguments: str | Path, cwd: Path = PACK_FOLDER, stderr: int = subprocess.PIPE, **environment: str
    ) -> subprocess.Popen[str] | WarmProcess:
        """Type a command and look on."""
        own = {**os.environ, **self._providers(), **environment}
        if self.warm is not None and cwd == PACK_FOLDER:
            return self.warm.start([*map(str, arguments)], cwd, own, stderr)
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=cwd,
            env=own,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
        )

    def _providers(self) -> Mapping[str, str]:
        if self.sandbox is None:
            return {}
        urls = self.sandbox.base_urls
        return {**KEYS, "RUNCOMFY_API_BASE_URL": urls["runcomfy"], "COMETAPI_BASE_URL": urls["cometapi"]}

    @property
    def posts(self) -> int:
        """Submissions that reached the provider."""
        assert self.sandbox is not None
        return sum(logged.route in SUBMITS for logged in self.sandbox.requests)

    @property
    def ledger(self) -> Ledger:
        return Ledger(Path(os.environ["REMOTE_VIDEO_HOME"]))

    def picture(self, name: str = "photo.jpg", size: tuple[int, int] = (320, 240)) -> Path:
        """An image file."""
        path = self.folder / name
        Image.linear_gradient("L").resize(size).convert("RGB").save(path)
        return path

    def write(self, name: str, *lines: str, encoding: str = "utf-8") -> Path:
        """A table."""
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    def wait_until(self, holds: Any, what: str) -> None:
        end = time.monotonic() + SOON_S
        while not holds():
            assert time.monotonic() < end, f"waited {SOON_S:g} s for {what}"
            time.sleep(0.02)


def interrupt(process: subprocess.Popen[str] | WarmProcess, number: int = signal.SIGINT) -> tuple[str, str]:
    """Press Ctrl-C; what it said in all."""
    process.send_signal(number)
    try:
        return process.communicate(timeout=SOON_S)
    finally:
        process.kill()
