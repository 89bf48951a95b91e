"""Promises of "pay once" across machines: whatever dies, sleeps or is cut off, each key is accepted at most once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from counts import count
from moto.server import ThreadedMotoServer
from remote_video_pack.remote_video.sandbox import Pace, service

from ..engine.one_job import small_clip
from ..fault_proxy import FaultProxy
from ..faults import Sandbox
from ..postgres.server import PostgresServer, private_server
from ..postgres.shared import need_postgres
from .chaos import Chaos, Size
from .studio import Studio, Zygote, clip_of

SOAK = bool(os.environ.get("REMOTE_VIDEO_SOAK"))
SEEDS = range(20) if SOAK else (1,)
SIZE = Size(keys=20, lasts_s=20.0, restarts=2, kills=8, sleeps=3, cuts=8) if SOAK else Size()

ANSWERS_AFTER_S = 0.3
"""How long the provider thinks over an answer to a job it has accepted: long enough to die in."""
KEYS = {
    "AWS_ACCESS_KEY_ID": "test-id",
    "AWS_SECRET_ACCESS_KEY": "test-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as zygote:
        yield zygote


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> bytes:
    return small_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def sandbox(tmp_path: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A provider whose clips are all different, and all of one size."""
    monkeypatch.setattr(service, "render", lambda plan, _, part: part.write_bytes(clip_of(clip, plan.prompt)))
    with Sandbox(tmp_path / "sandbox", pace=Pace(queue_s=0.2, run_s=0.4)) as sandbox:
        sandbox.faults.set("runcomfy/submit", "stall:accepted", seconds=ANSWERS_AFTER_S)
        yield sandbox


@pytest.fixture(scope="module")
def postgres_of_machines() -> Iterator[PostgresServer]:
    need_postgres()
    with private_server() as server:
        yield server


@pytest.fixture(scope="module")
def store() -> Iterator[FaultProxy]:
    """The way to object storage."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    with FaultProxy(server.get_host_and_port()[1]) as proxy:
        yield proxy
    server.stop()


@pytest.mark.parametrize("seed", SEEDS)
def test_processes_that_share_a_file_pay_once(tmp_path, zygote, sandbox, clip, seed) -> None:
    with Studio(tmp_path, zygote, sandbox, clip) as studio:
        run(studio, seed, replace(SIZE, lasts_s=SIZE.lasts_s / 2))


@pytest.mark.parametrize("seed", SEEDS)
def test_machines_that_share_a_database_pay_once(
    tmp_path, zygote, sandbox, clip, seed, postgres_of_machines, store, monkeypatch
) -> None:
    found = {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{store.port}"}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket=(bucket := f"clips-{seed}"))
    shared = {"clips_url": f"s3://{bucket}/studio", "environment": found, "store": store}
    with (
        postgres_of_machines.database() as database,
        Studio(tmp_path, zygote, sandbox, clip, postgres_of_machines, database, **shared) as studio,
    ):
        run(studio, seed, SIZE)


def run(studio: Studio, seed: int, size: Size) -> None:
    chaos = Chaos(studio, seed, size)
    chaos.run()
    kind = "a database" if studio.database else "a file"
    for name, times in chaos.happened.items():
        count(f"chaos of machines with {kind}: {name}", times)
