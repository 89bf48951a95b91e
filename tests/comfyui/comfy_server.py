"""A real ComfyUI server in folders of its own, driven as a program drives it: POST /prompt, /history, /interrupt."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

PACK_FOLDER = Path(__file__).resolve().parents[2]
NEIGHBOURS = Path(__file__).with_name("neighbours.py")
PATIENCE_S = 120.0


class ComfyServer:
    """One server on loopback, with this pack among its custom nodes; nothing is written into the checkout.

    The pack is linked, and `neighbours.py`, another pack, is there too, as a user has some. Unpacked from an archive,
    the pack is alone.

    Args:
        base: folder for its user, input, output and temp folders.
        environment: variables on top of this process's.
        options: of ComfyUI's command line.
        archive: what is unpacked.
    """

    def __init__(
        self, base: Path, environment: Mapping[str, str], options: Sequence[str] = (), archive: Path | None = None
    ) -> None:
        self.checkout = Path(os.environ["COMFYUI_PATH"])
        self.base, self.log_file = base, base / "log.txt"
        self.environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._http = requests.Session()
        self._http.trust_env = False
        self.custom_nodes = base / "custom_nodes"
        self.custom_nodes.mkdir(parents=True)
        if archive is None:
            (self.custom_nodes / "remote-video").symlink_to(PACK_FOLDER, target_is_directory=True)
            shutil.copy(NEIGHBOURS, self.custom_nodes)
        else:
            shutil.unpack_archive(archive, self.custom_nodes / "remote-video")
        (base / "input").mkdir()
        shutil.copy(self.checkout / "input" / "example.png", base / "input")
        self._port = free_port()

    def start(self) -> ComfyServer:
        """Start, and wait until it answers."""
        command: list[str | Path] = [
            os.environ.get("COMFYUI_PYTHON", sys.executable),
            self.checkout / "main.py",
            "--cpu",
            "--disable-auto-launch",
            "--port",
            str(self._port),
            "--base-directory",
            self.base,
            "--database-url",
            f"sqlite:///{self.base / 'comfyui.db'}",
            *(["--front-end-root", frontend] if (frontend := os.environ.get("COMFYUI_FRONTEND")) else []),
            *self._options,
        ]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.checkout, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        return self.until_it_answers()

    def until_it_answers(self) -> ComfyServer:
        """Wait for the end of its start."""
        while not self._answers():
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"ComfyUI ended at its start:\n{self.log()[-4000:]}")
            time.sleep(0.3)
        return self

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end(self, number: signal.Signals) -> float:
        """End it by a signal; how long that took, s."""
        assert self._process is not None
        begun = time.monotonic()
        self._process.send_signal(number)
        self._process.wait(PATIENCE_S)
        return time.monotonic() - begun

    def restart(self) -> None:
        """Let it become another program in the same process, as the Manager does; wait until that answers."""
        with suppress(requests.ConnectionError):
            self._http.post(self._url("/test/restart"), timeout=60)
        self.until_it_answers()

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def port(self) -> int:
        """Where it listens on loopback."""
        return self._port

    @property
    def output(self) -> Path:
        """Its output folder."""
        return self.base / "output"

    @property
    def home(self) -> Path:
        """Where the pack keeps its ledger."""
        return Path(self.environment["REMOTE_VIDEO_HOME"])

    def log(self) -> str:
        """All that it printed."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def rss_bytes(self) -> int:
        """Its resident memory."""
        import psutil

        return psutil.Process(self.pid).memory_info().rss

    def get(self, path: str) -> Any:
        """The JSON at `path`."""
        answer = self._http.get(self._url(path), timeout=60)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        """Send JSON; the answer's, None for an empty one."""
        answer = self._http.post(self._url(path), json=body, headers={"X-Remote-Video": "1"}, timeout=60)
        assert answer.ok, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def queue(self, prompt: Mapping[str, Any], **more: Any) -> str:
        """Queue a prompt in API format, as from a page when there is a `client_id`; its id."""
        return self.post("/prompt", prompt=prompt, **more)["prompt_id"]

    def refusal(self, prompt: Mapping[str, Any]) -> dict[str, Any]:
        """What ComfyUI answers to a prompt it does not queue."""
        answer = self._http.post(self._url("/prompt"), json={"prompt": prompt}, timeout=60)
        assert answer.status_code == 400, answer.text
        return answer.json()

    def outcome(self, prompt_id: str) -> dict[str, Any]:
        """The history entry of a prompt, waited for."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            history = self.get(f"/history/{prompt_id}")
            if prompt_id in history:
                return history[prompt_id]
            time.sleep(0.1)
        raise TimeoutError(self.log()[-4000:])

    def run(self, prompt: Mapping[str, Any]) -> dict[str, Any]:
        """Run a prompt; what its nodes showed, by node id."""
        outcome = self.outcome(self.queue(prompt))
        assert outcome["status"]["status_str"] == "success", failure(outcome) or outcome["status"]
        return outcome["outputs"]

    def interrupt(self, **body: str) -> None:
        """Press Stop."""
        self.post("/interrupt", **body)

    def socket_url(self, client_id: str) -> str:
        """Where a page listens."""
        return self._url(f"/ws?clientId={client_id}").replace("http", "ws", 1)

    def has_route(self, path: str) -> bool:
        """Whether this version takes a POST there."""
        return self._http.post(self._url(path), json={"job_ids": []}, timeout=60).status_code not in (404, 405)

    def saved(self, shown: Mapping[str, str]) -> Path:
        """The file behind what a node showed."""
        return self.base / shown["type"] / shown["subfolder"] / shown["filename"]

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return self._url("")

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}{path}"

    def _answers(self) -> bool:
        try:
            return self._http.get(self._url("/system_stats"), timeout=5).ok
        except requests.ConnectionError:
            return False


def messages(outcome: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """The messages of one kind that a run left behind."""
    return [message for name, message in outcome["status"]["messages"] if name == kind]


def failure(outcome: Mapping[str, Any]) -> str:
    """The error a run ended with, as the error card shows it; empty without one."""
    return "".join(message["exception_message"] for message in messages(outcome, "execution_error"))


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
