"""Promises of the HTTP routes, through a real server: keys go in and never out, other sites stay out, jobs are told."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from remote_video_pack.nodes import NODES, comfy_host, thumbnails
from remote_video_pack.nodes.routes import CHANGES, READS
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.catalogue.store import USUAL_ENDPOINT, file_of, keep
from remote_video_pack.remote_video.errors import SettingsError
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event
from remote_video_pack.remote_video.providers.client import SANDBOX_KEY
from remote_video_pack.remote_video.version import version
from server import PromptServer

from ..catalogue.listing import models, paged
from ..nodes.comfy import Comfy
from ..providers.scripted import ScriptedProvider
from ..written_jobs import accepted, begun, happened

CANARY = "rv-canary-5f0c2b9e77"
CometVeo = NODES[5]


async def test_a_saved_key_is_used_and_never_told(client, home, caplog):
    caplog.set_level(logging.DEBUG)
    saved = await client.post("/remote_video/accounts/save", json={"provider": "runcomfy", "key": f" {CANARY}\n"})
    told = [await saved.text()]
    for path in READS:
        told.append(await (await client.get(path)).text())
    assert saved.status == 200
    assert Accounts(home, {}).require("runcomfy").key == CANARY
    assert json.loads(told[0])["accounts"][0]["source"] == "saved"
    assert CANARY not in "".join(told) + caplog.text


async def test_a_removed_key_is_gone(client, home):
    Accounts(home, {}).save("cometapi", CANARY)
    answer = await client.post("/remote_video/accounts/forget", json={"provider": "cometapi"})
    assert [account["set"] for account in (await answer.json())["accounts"]] == [False, False]
    assert CANARY not in (home / "accounts.json").read_text(encoding="utf-8")


async def test_the_environment_is_named_as_a_source(client, monkeypatch):
    monkeypatch.setenv("COMETAPI_KEY", CANARY)
    text = await (await client.get("/remote_video/accounts")).text()
    assert json.loads(text)["accounts"][1]["source"] == "COMETAPI_KEY"
    assert CANARY not in text


async def test_the_sandbox_is_told(client, monkeypatch):
    assert (await (await client.get("/remote_video/accounts")).json())["sandbox"] is False
    monkeypatch.setenv("REMOTE_VIDEO_SANDBOX", "1")
    for name in ("accounts", "jobs", "money", "models"):
        assert (await (await client.get(f"/remote_video/{name}")).json())["sandbox"] is True, name


async def test_the_version_is_told_with_the_jobs(client):
    assert (await (await client.get("/remote_video/jobs")).json())["version"] == version()


async def test_what_a_price_depends_on_is_told_by_input(client, home):
    frames = {"type": "integer", "minimum": 1, "maximum": 300, "default": 121, "description": "At 24 fps."}
    choice = {"type": "string", "enum": ["720p", "1080p"], "description": "1080p costs twice as much."}
    properties = {"prompt": {"type": "string"}, "num_frames": frames, "resolution": choice}
    schema = {"type": "object", "properties": properties}
    priced = {"model_id": "a/b/text-to-video", "categories": ["text-to-video"], "input_schema": schema}
    keep(file_of(home, USUAL_ENDPOINT), [{**priced, "base_price_usd": 0.1, "price_unit": "second"}])
    told = (await (await client.get("/remote_video/models")).json())["models"]["a/b/text-to-video"]
    assert (told["is_from"], told["dearer_by"]) == (False, ["resolution"])
    assert told["length"] == {"name": "num_frames", "per_second": 24}
    assert told["unset"] == {"prompt": "", "num_frames": None, "resolution": "model default", "seed": None}


@pytest.mark.parametrize(
    ("base_url", "key", "is_free"),
    [
        ("http://127.0.0.1:8199", None, True),
        ("http://127.0.0.1:8199", SANDBOX_KEY, True),
        ("http://127.0.0.1:8199", "a-key-of-an-account", False),
        ("https://model-api.runcomfy.net", SANDBOX_KEY, False),
    ],
)
async def test_no_price_is_told_of_a_stand_in_where_nothing_is_paid(client, monkeypatch, base_url, key, is_free):
    monkeypatch.setenv("RUNCOMFY_API_BASE_URL", base_url)
    if key:
        monkeypatch.setenv("RUNCOMFY_API_TOKEN", key)
    assert (await (await client.get("/remote_video/models")).json())["sandbox"] is is_free


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"provider": "runcomfy"},
        {"provider": "runcomfy", "key": None},
        {"provider": "runcomfy", "key": [CANARY]},
        {"provider": "../runcomfy", "key": CANARY},
        {"provider": "runcomfy", "key": f"{CANARY} {CANARY}"},
        {"provider": "runcomfy", "key": CANARY * 300},
    ],
    ids=["nothing", "no-key", "null", "list", "no-such-provider", "space-in-it", "too-long"],
)
async def test_what_cannot_be_saved_is_refused_with_a_sentence(client, home, body):
    answer = await client.post("/remote_video/accounts/save", json=body)
    text = await answer.text()
    assert answer.status == 400
    assert json.loads(text)["error"].endswith(".")
    assert CANARY not in text
    assert not (home / "accounts.json").exists()


@pytest.mark.parametrize("path", CHANGES)
async def test_changes_are_json_posts_only(client, path):
    body = json.dumps({"provider": "runcomfy", "key": CANARY})
    assert (await client.get(path, params={"provider": "runcomfy", "key": CANARY})).status == 405
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert (await client.post(path, data=body, headers={"Content-Type": content_type})).status == 415


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (CANARY.encode() + b"{", 400),
        (b"\xff", 400),
        (b"[" * 9000, 400),
        (b" " * 2_000_000, 413),
    ],
    ids=["empty", "list", "broken", "not-utf8", "deep", "large"],
)
async def test_a_body_that_is_no_small_json_object_is_refused(client, path, body, status):
    answer = await client.post(path, data=body, headers={"Content-Type": "application/json"})
    text = await answer.text()
    assert answer.status == status
    assert json.loads(text)["error"]
    assert CANARY not in text


async def test_jobs_are_told_newest_first_in_plain_words(client, home, tmp_path):
    ledger = Ledger(home)
    accepted(ledger, "old")
    done = accepted(ledger, "done")
    ledger.record(done, Event.SUCCEEDED, cost_usd=0.84)
    clip = tmp_path / "Veo3I2V_00001_.mp4"
    clip.write_bytes(b"clip")
    ledger.record(done, Event.STORED, path=str(clip))
    ledger.record(begun(ledger, "lost", base="sandbox"), Event.LOST, error="The connection was reset.")

    answer = await client.get("/remote_video/jobs")
    text = await answer.text()
    lost, done, old = json.loads(text)["jobs"]
    assert [lost["key"], done["key"], old["key"]] == ["lost", "done", "old"]
    assert (lost["state"], lost["forgettable"], lost["sandbox"]) == ("uncertain", True, True)
    assert lost["error"] == "The connection was reset."
    assert (done["model"], done["cost_usd"], done["request_id"]) == ("Veo 3", 0.84, "id-of-done")
    assert (done["file_name"], done["forgettable"]) == ("Veo3I2V_00001_.mp4", False)
    assert all(job["state_text"][0].isupper() for job in (lost, done, old))
    assert (done["path"], done["shown_at"]) == (str(clip), None), "no browser can see it, outside of the output folder"
    assert str(home) not in text
    assert answer.headers["Cache-Control"] == "no-store"


async def test_who_asked_is_told_where_that_was_elsewhere(client, home, monkeypatch):
    accepted(Ledger(home), "theirs", asked_by="ann", host="farm-1")
    accepted(Ledger(home), "of an earlier version")
    for host, told in (("farm-1", [None, None]), ("a-laptop", [None, "ann@farm-1"])):
        monkeypatch.setenv("REMOTE_VIDEO_HOST", host)
        jobs = (await (await client.get("/remote_video/jobs")).json())["jobs"]
        assert [job["asked_by"] for job in jobs] == told


async def test_a_clip_whose_file_has_gone_says_so(client, home, tmp_path):
    ledger = Ledger(home)
    done = accepted(ledger, "done")
    ledger.record(done, Event.SUCCEEDED)
    ledger.record(done, Event.STORED, path=str(tmp_path / "gone.mp4"))
    (job,) = (await (await client.get("/remote_video/jobs")).json())["jobs"]
    assert "the file is gone" in job["state_text"]


def stored(ledger: Ledger, key: str, clip: Path | None, output: Path, **job) -> None:
    """A job whose clip lies in the output folder; without one, did."""
    lease = accepted(ledger, key, output_folder=str(output.resolve()), **job)
    ledger.record(lease, Event.SUCCEEDED, finished_at=ledger.get(key).submitted_at + 65)
    size = clip.stat().st_size if clip else 1
    name = str(clip.relative_to(output)) if clip else "video/gone.mp4"
    happened(ledger, lease, Event.STORED, path=name, bytes=size, sha256="0" * 64)


async def test_a_page_of_jobs_goes_on_where_the_one_before_ended(client, home):
    ledger = Ledger(home)
    for number in range(5):
        accepted(ledger, f"job-{number}", model_name=f"Model {number % 2}", prompt=f"A sea, take {number}")
    told = []
    where = {"limit": "2"}
    while where:
        answer = await (await client.get("/remote_video/jobs", params=where)).json()
        told += [job["key"] for job in answer["jobs"]]
        where = answer["next"] and {"limit": "2", "before": answer["next"]}
    assert told == [f"job-{number}" for number in (4, 3, 2, 1, 0)]


async def test_jobs_are_found_by_state_model_words_and_key(client, home):
    ledger = Ledger(home)
    for number in range(4):
        accepted(ledger, f"job-{number}", model_name=f"Model {number % 2}", prompt=f"A sea, take {number}")
    ledger.record(begun(ledger, "lost"), Event.LOST)

    async def found(**query) -> list[str]:
        return [job["key"] for job in (await (await client.get("/remote_video/jobs", params=query)).json())["jobs"]]

    assert await found(state="uncertain,expired") == ["lost"]
    assert await found(model="Model 1") == ["job-3", "job-1"]
    assert await found(search=" TAKE 2 ") == ["job-2"]
    assert await found(search="id-of-job-0") == ["job-0"]
    assert sorted(await found(keys="job-1,lost,none")) == ["job-1", "lost"]
    first = await (await client.get("/remote_video/jobs")).json()
    assert (first["total"], first["models"], first["next"]) == (5, ["Model 0", "Model 1", "Veo 3"], None)


@pytest.mark.parametrize(
    "query",
    [{"state": "lost"}, {"limit": "0"}, {"limit": "1001"}, {"limit": "x"}, {"before": "x y"}, {"before": "nan a"}],
)
async def test_a_page_that_can_not_be_is_refused(client, query):
    answer = await client.get("/remote_video/jobs", params=query)
    assert answer.status == 400
    assert (await answer.json())["error"].endswith(".")


async def test_a_clip_in_the_output_folder_is_told_as_comfyui_serves_it(client, home, comfy_folders, small_clip):
    clip = put(comfy_folders / "video" / "Veo3I2V_00001_.mp4", small_clip)
    stored(Ledger(home), "done", clip, comfy_folders, prompt="A sea")
    (job,) = (await (await client.get("/remote_video/jobs")).json())["jobs"]
    assert job["shown_at"] == {"filename": "Veo3I2V_00001_.mp4", "subfolder": "video", "type": "output"}
    assert (job["seconds"], job["prompt"], job["fetchable"]) == (65, "A sea", False)


async def test_a_thumbnail_is_made_once_and_kept_with_its_clip(client, home, comfy_folders, small_clip):
    clip = put(comfy_folders / "video" / "Veo3I2V_00001_.mp4", small_clip)
    stored(Ledger(home), "done", clip, comfy_folders)
    asked = {"params": {"key": "done"}}
    answer = await client.get("/remote_video/thumbnail", **asked)
    picture = Image.open(BytesIO(await answer.read()))
    assert (answer.content_type, picture.format, picture.size) == ("image/jpeg", "JPEG", (256, 144))
    assert "max-age" in answer.headers["Cache-Control"]
    (kept,) = (home / "thumbnails").iterdir()
    kept.write_bytes(b"as it is kept")
    assert await (await client.get("/remote_video/thumbnail", **asked)).read() == b"as it is kept"
    clip.unlink()
    assert (await client.get("/remote_video/thumbnail", **asked)).status == 404


async def test_of_what_is_no_clip_in_the_output_folder_there_is_no_thumbnail(
    client, home, comfy_folders, tmp_path, small_clip
):
    ledger = Ledger(home)
    stored(ledger, "broken", put(comfy_folders / "broken.mp4", b"no clip"), comfy_folders)
    outside = put(tmp_path / "outside.mp4", small_clip)
    for key, path in {"absolute": str(outside), "upwards": "../../outside.mp4"}.items():
        stored(ledger, key, put(comfy_folders / f"{key}.mp4", small_clip), comfy_folders)
        ledger.note(ledger.acquire(key, "a test's"), path=path)
    accepted(ledger, "on its way")
    for query in ({"key": key} for key in ("broken", "absolute", "upwards", "on its way", "none")):
        assert (await client.get("/remote_video/thumbnail", params=query)).status == 404, query
    assert (await client.get("/remote_video/thumbnail")).status == 404
    shut_out = {"Sec-Fetch-Site": "cross-site"}
    assert (await client.get("/remote_video/thumbnail", params={"key": "broken"}, headers=shut_out)).status == 403


async def test_another_machine_s_clip_is_shown_only_where_its_bytes_are_here(
    client, comfy_folders, small_clip, postgres_url, monkeypatch, home
):
    monkeypatch.setenv("REMOTE_VIDEO_LEDGER_URL", postgres_url)
    monkeypatch.setenv("REMOTE_VIDEO_HOST", "here")
    ledger, clip = Ledger(home, url=postgres_url), put(comfy_folders / "video" / "Veo3I2V_00001_.mp4", small_clip)
    stored(ledger, "done", clip, comfy_folders)

    async def shown() -> tuple[bool, bool, bool]:
        (job,) = (await (await client.get("/remote_video/jobs")).json())["jobs"]
        picture = await client.get("/remote_video/thumbnail", params={"key": "done"})
        return picture.status == 200, job["shown_at"] is not None, job["path"] is not None and not job["fetchable"]

    for saved_on, sha256, is_shown in (
        ("here", "0" * 64, True),
        ("elsewhere", "0" * 64, False),
        ("elsewhere", None, False),
        ("elsewhere", hashlib.sha256(small_clip).hexdigest(), True),
    ):
        ledger.note(ledger.acquire("done", "a test's"), saved_on=saved_on, sha256=sha256)
        assert await shown() == (is_shown,) * 3, (saved_on, sha256)
    clip.write_bytes(small_clip[:-1] + b"x")
    assert await shown() == (False,) * 3, "as large, and another one by now"


@pytest.mark.parametrize(
    ("variable", "url"),
    [("REMOTE_VIDEO_CLIPS_URL", "ftp://nas/s3cret"), ("REMOTE_VIDEO_LEDGER_URL", "mysql://mia:s3cret@db/x")],
)
async def test_what_machines_share_by_a_url_that_can_t_be_is_said_on_the_node_and_nothing_is_sent(
    comfy_folders, sandbox, monkeypatch, variable, url
):
    monkeypatch.setenv(variable, url)
    with pytest.raises(SettingsError, match=variable) as told:
        await Comfy(comfy_folders.parent).run(CometVeo, prompt="a sea")
    assert "Not billed" in str(told.value) and "s3cret" not in str(told.value)
    assert sandbox.requests == []


async def test_the_oldest_thumbnails_go_when_there_are_many(client, home, comfy_folders, small_clip, monkeypatch):
    monkeypatch.setattr(thumbnails, "MOST_KEPT", 4)
    for number in range(5):
        stored(Ledger(home), f"{number}", put(comfy_folders / f"{number}.mp4", small_clip), comfy_folders)
        assert (await client.get("/remote_video/thumbnail", params={"key": f"{number}"})).status == 200
    assert len(list((home / "thumbnails").iterdir())) == 3


async def test_a_clip_whose_file_is_gone_is_fetched_again_and_nothing_is_submitted(
    client, home, comfy_folders, sandbox
):
    """As after a run: the job is the provider's, its file was deleted, and one click has it here again."""
    comfy = Comfy(comfy_folders.parent)
    await comfy.run(CometVeo, prompt="a sea")
    (record,) = Ledger(home).recent()
    record.clip_path.unlink()
    (job,) = (await (await client.get("/remote_video/jobs")).json())["jobs"]
    assert job["fetchable"] is True
    begun_now = await (await client.post("/remote_video/jobs/fetch", json={"key": record.key})).json()
    assert begun_now == {"begun": True}
    await until(lambda: Ledger(home).get(record.key).is_stored and Ledger(home).get(record.key).clip_path.exists())
    assert sandbox.accepted_posts == 1
    assert await (await client.post("/remote_video/jobs/fetch", json={"key": "none"})).json() == {"begun": False}
    comfy_host.the_engine().close()


def put(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(600):
        if is_so():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


async def test_an_uncertain_job_can_be_forgotten_once_and_every_page_is_told(client, home):
    PromptServer.instance.sent.clear()
    ledger = Ledger(home)
    lease = begun(ledger, "lost")
    ledger.record(lease, Event.LOST)
    told = []
    for _ in range(3):
        told.append(await (await client.post("/remote_video/jobs/forget", json={"key": "lost"})).json())
        ledger.release(lease)
    assert [answer["forgotten"] for answer in told] == [False, True, False]
    assert "works on that job right now" in told[0]["why"]
    assert "not there" in told[2]["why"]
    assert ledger.get("lost") is None
    assert PromptServer.instance.sent == [("remote_video.forgotten", {"key": "lost"}, None)]


async def test_a_job_that_is_not_there_can_not_be_cancelled(client):
    assert await (await client.post("/remote_video/jobs/cancel", json={"key": "none"})).json() == {"asked": False}
    comfy_host.the_engine().close()


@pytest.mark.parametrize("event", [None, Event.SUCCEEDED], ids=["on its way", "finished"])
async def test_a_job_that_is_paid_for_and_followable_is_never_forgotten(client, home, event):
    ledger = Ledger(home)
    lease = accepted(ledger, "paid")
    if event:
        ledger.record(lease, event)
    ledger.release(lease)
    answer = await client.post("/remote_video/jobs/forget", json={"key": "paid"})
    assert await answer.json() == {"forgotten": False, "why": "That job has a clip, or will have one, so it is kept."}
    assert ledger.get("paid") is not None


async def test_an_unusable_ledger_or_setting_is_told_in_a_sentence(client, home, monkeypatch):
    home.mkdir()
    (home / "ledger.sqlite3").mkdir()
    answer = await client.get("/remote_video/jobs")
    assert answer.status == 500
    assert "record of paid jobs" in (await answer.json())["error"]
    monkeypatch.setenv("REMOTE_VIDEO_SANDBOX", "maybe")
    assert "REMOTE_VIDEO_SANDBOX" in (await (await client.get("/remote_video/accounts")).json())["error"]


async def test_a_broken_account_file_is_told_and_can_be_replaced(client, home):
    Accounts(home, {}).save("runcomfy", CANARY)
    (home / "accounts.json").write_text(f"{{{CANARY}", encoding="utf-8")
    text = await (await client.get("/remote_video/accounts")).text()
    assert "broken" in json.loads(text)["accounts"][0]["error"]
    assert CANARY not in text
    answer = await client.post("/remote_video/accounts/save", json={"provider": "runcomfy", "key": "new"})
    runcomfy = (await answer.json())["accounts"][0]
    assert (runcomfy["source"], runcomfy["error"]) == ("saved", None)


# -- money -------------------------------------------------------------------------------------------------------------


async def test_what_is_spent_and_what_may_be_is_told(client, home, monkeypatch):
    ledger = Ledger(home)
    ledger.note(accepted(ledger, "a" * 64), cost_usd=0.5)
    accepted(ledger, "b" * 64, estimate_usd=1.12)
    ledger.note(accepted(ledger, "c" * 64, base="sandbox"), cost_usd=1.8)
    monkeypatch.setenv("REMOTE_VIDEO_BUDGET_USD_DAY", "10")
    told = await (await client.get("/remote_video/money")).json()
    assert told["day"] == told["month"] | {"opens_at": told["day"]["opens_at"]}
    assert {name: told["day"][name] for name in ("spent_usd", "expected_usd", "unknown", "jobs")} == {
        "spent_usd": 0.5,
        "expected_usd": 1.12,
        "unknown": 0,
        "jobs": 2,
    }
    assert told["budget"]["day_usd"] == 10
    assert told["budget"]["day_variable"] == "REMOTE_VIDEO_BUDGET_USD_DAY"
    jobs = (await (await client.get("/remote_video/jobs")).json())["jobs"]
    figures = {job["key"][0]: (job["cost_usd"], job["estimate_usd"], job["sandbox"]) for job in jobs}
    assert figures == {"a": (0.5, None, False), "b": (None, 1.12, False), "c": (None, None, True)}


async def test_a_budget_is_saved_and_taken_away(client, home):
    told = await (await client.post("/remote_video/budget/save", json={"day_usd": "12.5", "month_usd": None})).json()
    assert (told["budget"]["day_usd"], told["budget"]["month_usd"]) == (12.5, None)
    assert (await (await client.get("/remote_video/money")).json())["budget"]["day_usd"] == 12.5
    refused = await client.post("/remote_video/budget/save", json={"day_usd": "-1"})
    assert refused.status == 400
    assert "12.50" in (await refused.json())["error"]
    told = await (await client.post("/remote_video/budget/save", json={})).json()
    assert told["budget"]["day_usd"] is None


async def test_what_is_offered_is_asked_for_when_the_browser_says_so(client, monkeypatch):
    listed = models(2)
    with ScriptedProvider([lambda exchange: paged(listed)(exchange)]) as provider:
        monkeypatch.setenv("RUNCOMFY_API_BASE_URL", provider.origin)
        monkeypatch.setenv("RUNCOMFY_API_TOKEN", CANARY)

        async def renewed() -> bool:
            answer = await client.post("/remote_video/models/renew", json={})
            return (await answer.json())["changed"]

        assert [await renewed(), await renewed()] == [True, False]
        listed += models(1, start=2)
        assert await renewed()
        offered = (await (await client.get("/remote_video/models")).json())["models"]
        assert set(offered) >= {model["model_id"] for model in listed}
    assert not await renewed()
