"""A sandbox on a real port, and a plain HTTP client that knows both providers' documents and nothing of the engine."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox

VEO = "google-deepmind/veo-3/image-to-video"
PATIENCE_S = 60.0


def png(width: int = 640, height: int = 360, colour: str = "teal") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()


def data_uri(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


@dataclass
class Client:
    """The documented calls, one method each."""

    sandbox: Sandbox
    key: str = "any-key"
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, url: str, **more: Any) -> requests.Response:
        return self._call("GET", url, **more)

    def _call(self, method: str, url: str, **more: Any) -> requests.Response:
        headers = {**({"Authorization": f"Bearer {self.key}"} if self.key else {}), **more.pop("headers", {})}
        more = {"timeout": 20, "allow_redirects": False, **more}
        return self.session.request(method, url, headers=headers, **more)

    def runcomfy(self, path: str, **more: Any) -> requests.Response:
        return self.get(f"{self.sandbox.runcomfy_base_url}/v1/{path}", **more)

    def submit(self, body: Any, model: str = VEO) -> requests.Response:
        return self._call("POST", f"{self.sandbox.runcomfy_base_url}/v1/models/{model}", json=body)

    def submit_veo(self, **changes: Any) -> requests.Response:
        return self.submit({"prompt": "a calm sea", "image": data_uri(png()), **changes})

    def cancel(self, request_id: str) -> requests.Response:
        return self._call("POST", f"{self.sandbox.runcomfy_base_url}/v1/requests/{request_id}/cancel")

    def create(self, references: list[bytes] | None = None, **fields: str) -> requests.Response:
        files = [("input_reference", (f"{i}.png", data, "image/png")) for i, data in enumerate(references or [])]
        parts = [(name, (None, value)) for name, value in {"prompt": "a calm sea", **fields}.items() if value]
        return self._call("POST", f"{self.sandbox.cometapi_base_url}/videos", files=parts + files)

    def comet(self, path: str, **more: Any) -> requests.Response:
        return self.get(f"{self.sandbox.cometapi_base_url}/{path}", **more)

    def finished_veo(self, **changes: Any) -> tuple[str, dict[str, Any]]:
        """Submit, wait, and return the request id and the result."""
        return self.finish(self.submit_veo(**changes).json()["request_id"])

    def finish(self, request_id: str) -> tuple[str, dict[str, Any]]:
        self._until(lambda: self.runcomfy(f"requests/{request_id}/status").json()["status"] == "completed")
        return request_id, self.runcomfy(f"requests/{request_id}/result?include_cost=true").json()

    def finish_task(self, task_id: str) -> dict[str, Any]:
        self._until(lambda: self.comet(f"videos/{task_id}").json()["status"] in ("completed", "failed"))
        return self.comet(f"videos/{task_id}").json()

    @staticmethod
    def _until(holds: Any) -> None:
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, "the sandbox did not get there"
            time.sleep(0.02)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox", pace=Pace(0.0, 0.0), short_clips=True) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    return Client(sandbox)


@pytest.fixture(scope="session")
def connect() -> Callable[[Sandbox], Client]:
    """A client for a sandbox of the test's own."""
    return Client
