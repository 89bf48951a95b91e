"""What docs/studio.md has to be copied: a compose file that fits itself, and settings that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from remote_video_pack.remote_video.clips.store_url import store_url
from remote_video_pack.remote_video.providers import PROVIDERS
from remote_video_pack.remote_video.settings import Settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "studio.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\w*\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
OTHERS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", *PROVIDERS["runcomfy"].key_variables}
"""What a worker's environment may hold besides: keys."""


class Read(dict[str, str]):
    """An environment that knows what of it was asked for."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.names: set[str] = set()

    def get(self, name: str, *default: Any) -> Any:
        self.names.add(name)
        return super().get(name, *default)


def block(begins_with: str) -> str:
    """The one block of code that begins so."""
    (found,) = (text for text in BLOCKS if text.startswith(begins_with))
    return found


@pytest.fixture(scope="module")
def compose() -> Mapping[str, Any]:
    return yaml.safe_load(block("services:"))


@pytest.fixture(scope="module")
def worker() -> Read:
    """The environment of a worker."""
    return Read(line.split("=", 1) for line in block("REMOTE_VIDEO_LEDGER_URL=").splitlines())


def test_the_compose_file_has_all_that_it_names(compose):
    services, shell = compose["services"], block('echo "DATABASE_PASSWORD=')
    assert services.keys() == {"database", "store"}
    for service in services.values():
        assert service["image"] and service["restart"] == "unless-stopped"
        for volume in service["volumes"]:
            assert volume.split(":")[0] in compose["volumes"]
        for config in service.get("configs", ()):
            assert config["source"] in compose["configs"]
            assert config["target"] in service["command"]
    assert set(re.findall(r"\$\{(\w+)", json.dumps(compose))) == set(re.findall(r'echo "(\w+)=', shell))
    assert "docker compose exec -T store weed shell" in shell


def test_it_is_what_the_workers_are_told_of(compose, worker):
    database, store = compose["services"]["database"], compose["services"]["store"]
    ledger, clips = sa.make_url(worker["REMOTE_VIDEO_LEDGER_URL"]), store_url(worker["REMOTE_VIDEO_CLIPS_URL"])
    assert database["environment"].keys() == {"POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"}
    assert database["environment"]["POSTGRES_DB"] == ledger.database
    assert f"//{database['environment']['POSTGRES_USER']}@{ledger.host}/{ledger.database}?" in PAGE
    assert database["ports"] == [f"{ledger.port or 5432}:5432"]
    (port,) = store["ports"]
    assert clips.options["endpoint"].endswith(f":{port.split(':')[0]}")
    assert f"s3.bucket.create -name {clips.place.removeprefix('s3://').split('/')[0]}" in PAGE
    (identity,) = json.loads(compose["configs"]["s3"]["content"])["identities"]
    assert identity["credentials"][0]["accessKey"] == worker["AWS_ACCESS_KEY_ID"]


def test_every_variable_of_the_page_is_one_that_is_read(compose, worker, tmp_path):
    settings = Settings.from_environment(tmp_path, worker)
    assert set(worker) - worker.names <= OTHERS
    assert (settings.host, settings.user, settings.max_parallel) == ("render-03", "mia", 32)
    assert (settings.budget.day_usd, settings.ledger_url) == (200.0, worker["REMOTE_VIDEO_LEDGER_URL"])
    assert set(re.findall(r"REMOTE_VIDEO_\w+", PAGE)) <= worker.names
