"""Whole clips over networks as people have them, each in a network namespace of its own: real names, TLS and ports."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ..providers.tls import certificate_of

NAMESPACE = Path(__file__).with_name("namespace.py")


def _may_unshare() -> bool:
    if sys.platform != "linux" or not all(map(shutil.which, ("unshare", "ip", "mount"))):
        return False
    return subprocess.run(["unshare", "-rnm", "true"], capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.skipif(not _may_unshare(), reason="needs network namespaces (Linux)"),
    pytest.mark.timeout(240),
]


@dataclass
class Net:
    """A network with the two hosts in it."""

    process: subprocess.Popen[str]
    folder: Path
    certificate: Path

    def make(self, *, trusted: bool = True, **environment: str) -> dict[str, Any]:
        """Ask for the clip by the command line; how it ended, what it said, and what the hosts saw."""
        if trusted:
            environment["REQUESTS_CA_BUNDLE"] = str(self.certificate)
        self.process.stdin.write(json.dumps(environment) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    @property
    def has_clip(self) -> bool:
        return (self.folder / "clip.mp4").exists()


@contextmanager
def network(folder: Path, api: str, media: str, scheme: str = "https") -> Iterator[Net]:
    Image.effect_noise((640, 360), 40).convert("RGB").save(folder / "image.png")
    certificate = certificate_of("api.example.com", folder, "media.example.com")
    net = json.dumps({"api": api, "media": media, "scheme": scheme})
    command = ["unshare", "-rnm", sys.executable, str(NAMESPACE), str(folder), str(certificate), net]
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    environment["RUNCOMFY_API_TOKEN"] = "key-of-the-account"
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, encoding="utf-8"
    ) as process:
        yield Net(process, folder, certificate)
        process.stdin.close()
        process.wait(60)


@pytest.mark.parametrize(("api", "media"), [("198.18.0.2", "198.19.7.3"), ("fc00::2", "fc00::3")])
def test_behind_a_tun_proxy_a_clip_comes_home(tmp_path: Path, api: str, media: str):
    with network(tmp_path, api, media) as net:
        told = net.make()
        assert (told["code"], told["posts"], told["keys_at_media"]) == (0, 1, []), told
        assert net.has_clip


def test_a_fake_address_without_proof_is_refused_until_its_range_is_set_and_paid_for_once(tmp_path: Path):
    with network(tmp_path, "8.8.8.8", "198.18.0.3") as net:
        told = net.make()
        assert told["code"] == 1 and "REMOTE_VIDEO_FAKE_IP_RANGES" in told["said"], told
        told = net.make(REMOTE_VIDEO_FAKE_IP_RANGES="198.18.0.1/16")
        assert (told["code"], told["posts"]) == (0, 1), told
        assert net.has_clip


def test_a_plain_http_clip_comes_home_and_is_said(tmp_path: Path):
    with network(tmp_path, "8.8.8.8", "8.8.4.4", "http") as net:
        told = net.make()
        assert (told["code"], told["posts"], told["keys_at_media"]) == (0, 1, []), told
        assert "unencrypted" in told["said"]
        assert net.has_clip


def test_a_proxy_that_opens_tls_and_a_socks_variable_are_said_at_once(tmp_path: Path):
    with network(tmp_path, "8.8.8.8", "8.8.4.4") as net:
        told = net.make(trusted=False)
        assert "rying again" not in told["said"]
        assert (told["code"], told["posts"]) == (1, 0) and "REQUESTS_CA_BUNDLE" in told["said"], told
        if importlib.util.find_spec("socks") is None:
            told = net.make(ALL_PROXY="socks5://127.0.0.1:9")
            assert (told["code"], told["posts"]) == (1, 0) and "PySocks" in told["said"], told
            assert "rying again" not in told["said"]
        told = net.make()
        assert (told["code"], told["posts"]) == (0, 1), told
