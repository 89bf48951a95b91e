"""What a page is told of takes, and of what a clip was made from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger

from ..written_jobs import accepted
from .jobs import put, stored

FLOW = "11111111-2222-4333-8444-555555555555"
GRAPH = {"nodes": [{"id": 7, "type": "Veo3I2V"}], "links": []}


def clip_of(folder: Path, name: str, graph: object = GRAPH) -> Path:
    """A clip's file with its workflow beside it."""
    clip = put(folder / "video" / name, b"a clip")
    put(clip.with_suffix(".json"), json.dumps(graph).encode())
    return clip


async def takes_of(client, *nodes: dict, workflow_id: str = FLOW) -> dict:
    answer = await client.post("/remote_video/takes", json={"workflow_id": workflow_id, "nodes": list(nodes)})
    return (await answer.json())["takes"]


def node(node_id: str, *keys: str) -> dict:
    return {"id": node_id, "filename_prefix": "", "keys": list(keys)}


async def test_takes_are_told_by_node_with_those_the_page_knows_and_the_starred_first(client, home, comfy_folders):
    ledger = Ledger(home)
    for number in range(3):
        clip = clip_of(comfy_folders, f"shot_{number}.mp4")
        stored(ledger, f"take-{number}", clip, comfy_folders, node_id="7", workflow_id=FLOW, seed=number)
    stored(ledger, "of another", clip_of(comfy_folders, "a.mp4"), comfy_folders, node_id="1", workflow_id="another")
    accepted(ledger, "under way", node_id="7", workflow_id=FLOW)
    assert (await (await client.post("/remote_video/takes/star", json={"key": "take-1", "starred": True})).json())[
        "done"
    ]
    told = await takes_of(client, node("7", "of another", "under way", "take-0"), node("8"))
    assert [job["key"] for job in told["7"]] == ["take-1", "of another", "take-2", "take-0"]
    assert [(job["seed"], job["starred"]) for job in told["7"]][:1] == [(1, True)]
    assert told["8"] == []


async def test_a_take_whose_file_is_gone_is_told_as_one_to_fetch(client, home, comfy_folders):
    stored(Ledger(home), "gone", None, comfy_folders, node_id="7", workflow_id=FLOW)
    (job,) = (await takes_of(client, node("7")))["7"]
    assert (job["shown_at"], job["fetchable"]) == (None, True)


async def test_a_cleared_graph_s_id_tells_nothing(client, home, comfy_folders):
    no_id = "00000000-0000-0000-0000-000000000000"
    stored(Ledger(home), "mine", clip_of(comfy_folders, "a.mp4"), comfy_folders, node_id="7", filename_prefix="video/a")
    for asked, found in (("video/a", 1), ("video/b", 0)):
        told = await takes_of(client, {"id": "7", "filename_prefix": asked}, workflow_id=no_id)
        assert len(told["7"]) == found


@pytest.mark.parametrize("nodes", [None, {}, ["7"], [{}], [{"id": 7}], [{"id": "7"}], [{"id": "7"}] * 201])
async def test_nodes_that_are_no_nodes_are_refused(client, nodes):
    answer = await client.post("/remote_video/takes", json={"workflow_id": FLOW, "nodes": nodes})
    assert answer.status == 400
    assert (await answer.json())["error"]


async def workflow_of(client, key: str) -> object:
    return (await (await client.get("/remote_video/jobs/workflow", params={"key": key})).json())["workflow"]


async def test_the_graph_of_a_clip_is_what_lies_beside_it_or_what_the_ledger_still_keeps(client, home, comfy_folders):
    ledger = Ledger(home)
    stored(ledger, "here", clip_of(comfy_folders, "a.mp4"), comfy_folders, node_id="7")
    stored(ledger, "alone", put(comfy_folders / "video" / "b.mp4", b"x"), comfy_folders)
    stored(ledger, "odd", clip_of(comfy_folders, "c.mp4", ["no graph"]), comfy_folders)
    accepted(ledger, "under way", sidecar=json.dumps(GRAPH))
    assert await workflow_of(client, "here") == await workflow_of(client, "under way") == GRAPH
    for key in ("alone", "odd", "no such job"):
        assert await workflow_of(client, key) is None


async def test_nothing_outside_of_the_output_folder_is_read(client, home, comfy_folders):
    ledger, outside = Ledger(home), put(comfy_folders.parent / "secret.json", json.dumps(GRAPH).encode())
    stored(ledger, "led out", clip_of(comfy_folders, "a.mp4"), comfy_folders)
    (comfy_folders / "video" / "a.json").unlink()
    (comfy_folders / "video" / "a.json").symlink_to(outside)
    assert await workflow_of(client, "led out") is None


async def test_a_dropped_file_is_found_by_its_name_and_size_or_its_hash(client, home, comfy_folders):
    stored(Ledger(home), "here", clip_of(comfy_folders, "a.mp4"), comfy_folders, node_id="7")

    async def found(**asked: str) -> dict:
        return await (await client.get("/remote_video/jobs/of_file", params={"sha256": "", **asked})).json()

    by_name, by_hash = await found(name="a.mp4", size="6"), await found(name="b.mp4", size="6", sha256="0" * 64)
    assert by_name == by_hash
    assert (by_name["workflow"], by_name["node_id"], by_name["job"]["key"]) == (GRAPH, "7", "here")
    assert (await found(name="a.mp4", size="7"))["job"] is None
    assert "error" in await found(name="a.mp4", size="many")
