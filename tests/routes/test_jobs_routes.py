"""Promises of the routes behind the jobs panel: what is listed, found, shown, fetched again and forgotten."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from remote_video_pack.nodes import NODES, comfy_host, routes, thumbnails
from remote_video_pack.remote_video.errors import SettingsError
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event
from remote_video_pack.remote_video.settings import Settings
from server import PromptServer

from ..nodes.comfy import Comfy
from ..written_jobs import accepted, begun
from .jobs import put, stored

CometVeo = NODES[5]


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


async def test_all_that_the_panel_shows_of_a_job_is_told(client, home, comfy_folders):
    """By the names that web/jobs_model.js knows."""
    ledger, clip = Ledger(home), put(comfy_folders / "Veo3I2V_00001_.mp4", b"clip")
    stored(ledger, "done", clip, comfy_folders, prompt="A sea", seed=7, node_id="12", estimate_usd=1.12)
    accepted(ledger, "on its way")
    on_its_way, done = (await (await client.get("/remote_video/jobs")).json())["jobs"]
    created_at = done.pop("created_at")
    assert created_at == ledger.get("done").created_at
    assert done == {
        "key": "done",
        "state": "stored",
        "state_text": "Saved",
        "live": None,
        "progress": None,
        "forgettable": False,
        "cancellable": False,
        "fetchable": False,
        "model": "Veo 3",
        "provider": "RunComfy",
        "prompt": "A sea",
        "seed": 7,
        "starred": False,
        "node_id": "12",
        "asked_by": None,
        "request_id": "id-of-done",
        "seconds": 65,
        "cost_usd": None,
        "estimate_usd": 1.12,
        "error": None,
        "file_name": "Veo3I2V_00001_.mp4",
        "path": str(clip),
        "shown_at": {"filename": "Veo3I2V_00001_.mp4", "subfolder": "", "type": "output"},
        "sandbox": False,
    }
    assert on_its_way["state_text"] == "Accepted by the provider and on its way"
    assert (on_its_way["cancellable"], on_its_way["fetchable"], on_its_way["seconds"]) == (True, False, None)


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
    [
        {"state": "lost"},
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "x"},
        {"limit": "\u00b2"},
        {"before": "x y"},
        {"before": "nan a"},
    ],
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


def in_the_way(place: Path) -> None:
    place.write_bytes(b"no folder")


def open_to_others(place: Path) -> None:
    place.mkdir()
    place.chmod(0o777)


@pytest.mark.parametrize(
    "made", [in_the_way, pytest.param(open_to_others, marks=pytest.mark.skipif(os.name != "posix", reason="modes"))]
)
async def test_a_thumbnail_that_cannot_be_kept_is_said_in_the_log(
    client, home, comfy_folders, small_clip, caplog, made
):
    stored(Ledger(home), "done", put(comfy_folders / "Veo3I2V_00001_.mp4", small_clip), comfy_folders)
    made(home / "thumbnails")
    assert (await client.get("/remote_video/thumbnail", params={"key": "done"})).status == 404
    assert "The thumbnail of Veo3I2V_00001_.mp4 can't be kept" in caplog.text


async def test_a_thumbnail_that_is_never_made_keeps_no_other_waiting(never_made, client):
    assert (await client.get("/remote_video/thumbnail", params={"key": "hangs"})).status == 404
    answer = await client.get("/remote_video/thumbnail", params={"key": "done"})
    assert (answer.status, await answer.read()) == (200, b"jpeg")


@pytest.fixture
def never_made(monkeypatch):
    """A decoder that hangs at one clip."""
    go_on = threading.Event()

    def picture(_: Settings, query: Mapping[str, str]) -> bytes:
        if query["key"] == "hangs":
            go_on.wait()
        return b"jpeg"

    monkeypatch.setattr(routes, "PICTURE_WITHIN_S", 1.0)
    monkeypatch.setitem(routes.PICTURES, "/remote_video/thumbnail", picture)
    yield
    go_on.set()


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
        assert len(list((home / "thumbnails").iterdir())) == (1, 2, 3, 4, 3)[number]


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


async def test_a_clip_that_is_on_its_way_here_is_told_with_its_words_and_not_fetched_again(
    client, home, comfy_folders, sandbox
):
    sandbox.faults.set("media", "stall", seconds=60)
    comfy = Comfy(comfy_folders.parent)
    await comfy.run(CometVeo, prompt="a sea", wait=False)

    async def job() -> dict[str, object]:
        (told,) = (await (await client.get("/remote_video/jobs")).json())["jobs"]
        return told

    while (told := await job())["state"] != "finished":
        await asyncio.sleep(0.05)
    assert (bool(told["live"]), told["fetchable"]) == (True, False)
    sandbox.faults.clear()
    await until(lambda: Ledger(home).recent()[0].is_stored)
    comfy_host.the_engine().close()


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
    assert "no longer exists" in told[2]["why"]
    assert ledger.get("lost") is None
    assert PromptServer.instance.sent == [("remote_video.forgotten", {"key": "lost"}, None)]


@pytest.mark.parametrize("key", [None, 7, "half a letter: \ud800", "a\0b"])
async def test_a_key_that_no_ledger_can_hold_is_refused(client, key):
    answer = await client.post("/remote_video/jobs/forget", json={"key": key})
    assert (answer.status, (await answer.json())["error"].startswith("The request has no text")) == (400, True)


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
