"""The sandbox remembers: another process on the same folder knows every job, and nothing is counted twice."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image, ImageFont
from remote_video_pack.remote_video import sandbox as shipped
from remote_video_pack.remote_video.sandbox import Pace, shared_sandbox

from ..engine.one_job import wait_until
from ..faults import Sandbox

PACK = Path(__file__).resolve().parents[2]
OTHER_PROCESS = """
import importlib.util, json, sys
from pathlib import Path
pack, folder = Path(sys.argv[1]), Path(sys.argv[2])
spec = importlib.util.spec_from_file_location("pack", pack / "__init__.py", submodule_search_locations=[str(pack)])
sys.modules["pack"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from pack.remote_video.sandbox import Pace, Sandbox
with Sandbox(folder, pace=Pace(0, 0), short_clips=True) as sandbox:
    print(sandbox.origin, flush=True)
    sys.stdin.readline()
"""


def small_image() -> str:
    file = io.BytesIO()
    Image.new("RGB", (16, 9)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def other_process(sandbox, tmp_path):
    """A second process on the sandbox's folder; gives its origin."""
    command = [sys.executable, "-c", OTHER_PROCESS, str(PACK), str(tmp_path / "sandbox")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process.stdout.readline().strip()
    process.communicate("\n", timeout=30)


def test_a_new_sandbox_on_the_folder_knows_old_jobs(tmp_path, client):
    folder = tmp_path / "kept"
    with Sandbox(folder, pace=Pace(0, 0), short_clips=True) as client.sandbox:
        request_id, result = client.finished_veo()
        clip = client.get(result["output"]["video"]).content
    with Sandbox(folder) as client.sandbox:
        _, again = client.finish(request_id)
        assert client.sandbox.accepted_posts == 1
        assert again["output"]["video"] != result["output"]["video"]
        assert client.get(again["output"]["video"]).content == clip


def test_a_lost_clip_is_made_again(client, sandbox):
    request_id, result = client.finished_veo()
    first = client.get(result["output"]["video"]).content
    sandbox._service.clip(sandbox.jobs[0]).unlink()
    _, result = client.finish(request_id)
    assert client.get(result["output"]["video"]).content == first


def test_a_clip_that_can_not_be_made_ends_its_job_for_good(tmp_path, client, monkeypatch):
    def load_default(*size: int) -> None:
        raise OSError("no font")

    monkeypatch.setattr(ImageFont, "load_default", load_default)
    folder = tmp_path / "kept"
    with Sandbox(folder, pace=Pace(0, 0), short_clips=True) as client.sandbox:
        request_id, result = client.finished_veo()
        assert result["status"] == "failed" and "could not make the clip" in result["error"]
    monkeypatch.undo()
    with Sandbox(folder) as client.sandbox:
        assert client.finish(request_id)[1]["status"] == "failed"


def test_two_processes_share_a_folder(client, sandbox, other_process):
    image = small_image()
    here, there = sandbox.runcomfy_base_url, other_process + "/runcomfy"
    accepted: list[str] = []

    def submit_some(base: str) -> None:
        for _ in range(10):
            answer = client.session.post(
                f"{base}/v1/models/google-deepmind/veo-3/image-to-video",
                json={"prompt": "[fail]", "image": image},
                headers={"Authorization": "Bearer key"},
                timeout=30,
            )
            accepted.append(answer.json()["request_id"])

    threads = [threading.Thread(target=submit_some, args=(base,)) for base in (here, there) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(accepted)) == sandbox.accepted_posts == 40
    for request_id in accepted:
        status = client.session.get(
            f"{there}/v1/requests/{request_id}/status", headers={"Authorization": "Bearer key"}, timeout=10
        )
        assert status.json()["status"] == "completed"


def test_a_job_half_written_does_not_exist(client, sandbox, tmp_path):
    client.finished_veo()
    torn = tmp_path / "sandbox" / "jobs" / "torn-job-torn-job"
    torn.mkdir()
    (torn / "job.json.123.part").write_text(json.dumps({}), encoding="utf-8")
    assert sandbox.accepted_posts == 1
    assert client.runcomfy("requests/torn-job-torn-job/status").status_code == 404


def test_what_was_last_written_a_week_ago_is_deleted(tmp_path, client):
    folder = tmp_path / "kept"
    with Sandbox(folder, pace=Pace(0, 0), short_clips=True) as client.sandbox:
        old, young = client.finished_veo()[0], client.finished_veo()[0]
    for request_id, days in ((old, 7.1), (young, 6.9)):
        written = time.time() - days * 86400
        os.utime(folder / "jobs" / request_id, (written, written))
    (folder / "catalogue.json").write_text("[]", encoding="utf-8")
    os.utime(folder / "catalogue.json", (0, 0))
    with Sandbox(folder) as client.sandbox:
        wait_until(lambda: not (folder / "jobs" / old).exists(), "the old job to be deleted")
        assert client.runcomfy(f"requests/{old}/status").status_code == 404
        assert client.runcomfy(f"requests/{young}/status").json()["status"] == "completed"
        assert client.sandbox.accepted_posts == 1 and client.sandbox.listing.all() == []


def test_at_its_end_a_clip_is_whole_or_not_there(tmp_path, client):
    model = {"model_id": "acme/short", "input_schema": {}, "sandbox_clip": {"seconds": 1, "sizes": [[640, 360]]}}
    with Sandbox(tmp_path / "kept", pace=Pace(0, 0), catalogue=[model]) as client.sandbox:
        jobs = [client.submit({"prompt": f"{number}"}, "acme/short").json()["request_id"] for number in range(12)]
    files = [path.name for job in jobs for path in (tmp_path / "kept" / "jobs" / job).iterdir()]
    assert set(files) <= {"job.json", "clip.mp4"}
    assert files.count("clip.mp4") < 12, "none is begun after the end"


def test_a_port_that_is_taken_is_an_error_and_free_again_afterwards(tmp_path, client):
    with shipped.Sandbox(tmp_path / "one") as one:
        with pytest.raises(OSError):
            shipped.Sandbox(tmp_path / "other", port=one.port).start()
        port = one.port
    with shipped.Sandbox(tmp_path / "other", port=port) as client.sandbox:
        assert client.runcomfy("models").status_code == 200


def test_a_process_has_one_shared_sandbox_per_folder(tmp_path):
    found: list[Sandbox] = []
    threads = [threading.Thread(target=lambda: found.append(shared_sandbox(tmp_path / "s"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(sandbox) for sandbox in found}) == 1
    found[0].stop()


def test_a_given_clip_is_served_for_every_job(tmp_path, client):
    with Sandbox(tmp_path / "given", pace=Pace(0, 0), prebuilt=b"\0\0\0\x18ftypmp42 given") as client.sandbox:
        urls = [client.finished_veo()[1]["output"]["video"] for _ in range(2)]
        assert {client.get(url).content for url in urls} == {b"\0\0\0\x18ftypmp42 given"}
