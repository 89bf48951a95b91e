"""Files and folders that others touch, on a real ComfyUI: a clip that is gone, a folder that is a link."""

from __future__ import annotations

import pytest
import requests

from .comfy_server import failure
from .prompts import node, save_video, several, veo


def fetched(provider) -> int:
    """How often a clip was asked for."""
    return sum(entry.route == "media" for entry in list(provider.requests))


@pytest.mark.parametrize("saved_before", [True, False], ids=["nothing else has changed", "the save node is new"])
def test_a_clip_that_was_deleted_comes_back_by_download(comfy, provider, saved_before):
    words = f"deleted-{saved_before}"
    clip_alone = several(words, [0])
    prompt = {**clip_alone, "saved": save_video("10", f"{words}-again")}
    clip = comfy.saved(comfy.run(prompt if saved_before else clip_alone)["10"]["images"][0])
    content, accepted, downloads = clip.read_bytes(), provider.accepted_posts, fetched(provider)
    clip.unlink()

    outputs = comfy.run(prompt)
    assert comfy.saved(outputs["10"]["images"][0]).read_bytes() == content
    assert comfy.saved(outputs["saved"]["images"][0]).stat().st_size > 1000
    comfy.run(prompt)
    assert (provider.accepted_posts, fetched(provider)) == (accepted, downloads + 1)


def test_a_folder_that_is_a_link_to_another_drive_is_as_for_comfyuis_own_save_nodes(comfy, provider, tmp_path):
    (comfy.output / "linked").symlink_to(tmp_path, target_is_directory=True)
    picture = node("SaveImage", images=["1", 0], filename_prefix="linked/core")
    core = comfy.outcome(comfy.queue({"1": node("LoadImage", image="example.png"), "3": picture}))
    accepted = provider.accepted_posts
    prompt = veo("through a link")
    prompt["2"]["inputs"]["filename_prefix"] = "linked/below/clip"
    ours = comfy.outcome(comfy.queue(prompt))
    assert ours["status"]["status_str"] == core["status"]["status_str"]
    if failure(core):
        assert "leads outside the output folder through a link" in failure(ours)
        assert (provider.accepted_posts, list(tmp_path.iterdir())) == (accepted, [])
        return
    shown = ours["outputs"]["2"]["images"][0]
    clip = tmp_path / "below" / "clip_00001_.mp4"
    assert comfy.saved(shown).samefile(clip)
    assert requests.get(f"{comfy.address}/view", params=shown, timeout=60).content == clip.read_bytes()
    clip.unlink()
    again = comfy.saved(comfy.run(prompt)["2"]["images"][0])
    assert again.resolve().parent == clip.parent
    assert again.stat().st_size > 1000
    assert provider.accepted_posts == accepted + 1
