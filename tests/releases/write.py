"""python tests/releases: what this version leaves behind, for later ones to open: tests/releases/<version>/.

release.json        the version, and what was asked, chosen and saved, in words
ledger.sql          the ledger as text; {output} stands for the folder of clips
accounts.json, settings.json, budget.json       the home's other files
clip.mp4, photo.png the clip that was made, and the picture it was made from
workflows/          workflows as this version's nodes are saved
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image
from remote_video_pack.remote_video.__main__ import main
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.budget import NO_BUDGET, Budgets
from remote_video_pack.remote_video.command_line.inputs import model_named, values_of
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.record import NewJob
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME
from remote_video_pack.remote_video.models import MODELS, Request
from remote_video_pack.remote_video.models.media_fields import Footage, Picture
from remote_video_pack.remote_video.providers import PROVIDERS
from remote_video_pack.remote_video.saved_settings import SavedSettings
from remote_video_pack.remote_video.version import version

RELEASES = Path(__file__).resolve().parent
WORKFLOWS = RELEASES.parents[1] / "example_workflows"
KEYS = {"runcomfy": "a-key-of-this-release", "cometapi": "another-key-of-this-release"}
SETTINGS = {"collect": False, "uploads": "data-uri", "public_origin": "https://farm.example"}
BUDGET = {"day_usd": 12.5, "month_usd": 100.0}
MADE = {"model": "RunwayGen3Turbo", "inputs": {"image": "photo.png", "prompt": "around the photo", "seed": "7"}}
PAID = {"prompt": "paid for, and under way", "seed": "8"}
FILES = {Picture: "photo.png", Footage: "clip.mp4"}
"""What each picture and each video of a model is."""
HOME_FILES = ("accounts.json", "settings.json", "budget.json")
ENGINE = "an engine of this release"
MACHINE = {"REMOTE_VIDEO_HOST": "a-farm", "REMOTE_VIDEO_USER": "someone"}


def requested(name: str, inputs: dict[str, str], folder: Path) -> Request:
    """What a command line with these inputs asks for."""
    spec, told = model_named(name)
    return spec.request(values_of(spec, {**told, **inputs}, folder))


def paid_key(ledger: Ledger, request: Request, keys: Mapping[str, str]) -> str:
    """The key of a job at the provider itself, with a release's account."""
    provider = PROVIDERS[request.model.provider]
    return request.key(provider.base_url, ledger.account_tag(keys[provider.id]))


def write() -> Path:
    """Write the folder of this version; one that is there is written anew."""
    folder = RELEASES / version()
    os.environ.update(MACHINE)
    with tempfile.TemporaryDirectory() as made:
        home, output = Path(made) / "home", Path(made) / "output"
        output.mkdir()
        Image.linear_gradient("L").resize((320, 240)).convert("RGB").save(output / "photo.png")
        _make(home, output)
        jobs = [*_paid(home, output)]
        _save(home)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("clip.mp4", "photo.png"):
            shutil.copyfile(output / name, folder / name)
        for name in HOME_FILES:
            shutil.copyfile(home / name, folder / name)
        (folder / "ledger.sql").write_text(_as_text(home, output), encoding="utf-8", newline="\n")
    told = {"version": version(), "keys": KEYS, "settings": SETTINGS, "budget": BUDGET, "made": MADE, "paid": jobs}
    (folder / "release.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8", newline="\n")
    (folder / "workflows").mkdir()
    for workflow in WORKFLOWS.glob("*.json"):
        shutil.copyfile(workflow, folder / "workflows" / workflow.name)
    return folder


def _make(home: Path, output: Path) -> None:
    """A clip by the sandbox, from the first word to the file."""
    given = [f"--set={name}={value}" for name, value in MADE["inputs"].items()]
    there = Path.cwd()
    os.chdir(output)
    try:
        code = main(["make", MADE["model"], "--sandbox", f"--home={home}", "-o", str(output / "clip.mp4"), *given])
    finally:
        os.chdir(there)
    assert code == 0


def _paid(home: Path, output: Path) -> Iterator[dict[str, Any]]:
    """A job of each model that its provider has taken."""
    ledger = Ledger(home)
    for number, spec in enumerate(MODELS):
        inputs = {**PAID, **{f.name: FILES[type(f)] for f in spec.fields if type(f) in FILES}}
        request = requested(spec.node_id, inputs, output)
        key, base = paid_key(ledger, request, KEYS), PROVIDERS[spec.provider].base_url
        lease = ledger.acquire(key, ENGINE)
        assert lease is not None
        job = NewJob(PROVIDERS[spec.provider].name, base, request.model_id, request.model_name, seed=request.seed)
        ledger.begin(lease, job)
        ledger.accepted(key, job, f"request-{number}")
        ledger.release(lease)
        yield {"model": spec.node_id, "inputs": inputs, "key": key, "request_id": f"request-{number}"}
    ledger.retire(ENGINE)


def _save(home: Path) -> None:
    for provider, key in KEYS.items():
        Accounts(home).save(provider, key)
    SavedSettings(home).change(**SETTINGS)
    Budgets(home, NO_BUDGET).save(**BUDGET)
    assert {**asdict(NO_BUDGET), **BUDGET} == asdict(Budgets(home, NO_BUDGET).find())


def _as_text(home: Path, output: Path) -> str:
    with closing(sqlite3.connect(home / FILE_NAME)) as db:
        (layout,) = db.execute("PRAGMA user_version").fetchone()
        text = "\n".join([f"PRAGMA user_version = {layout};", *db.iterdump(), ""])
    return text.replace(str(output.resolve()), "{output}")
