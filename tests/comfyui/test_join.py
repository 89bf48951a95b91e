"""Clips of the sandbox become a film on a real ComfyUI: from sockets, and from a list."""

from __future__ import annotations

import av
import pytest

from .prompts import node, save_video, veo


def shown_frames(path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def clip_of(words: str, number: int) -> dict:
    """One more Veo node of the prompt, by the id "1<number>"."""
    prompt = veo(words)
    return {f"1{number}": {**prompt["2"], "inputs": {**prompt["2"]["inputs"], "seed": number}}}


def test_three_clips_become_a_film_that_is_found_again(comfy, provider):
    prompt = {"1": node("LoadImage", image="example.png")}
    for number in range(3):
        prompt |= clip_of("join", number)
    wires = {f"clips.clip_{number}": [f"1{number}", 2] for number in range(3)}
    prompt["20"] = node("JoinClips", **wires, filename_prefix="video/film")
    prompt["30"] = save_video("20", "copied")
    outputs = comfy.run(prompt)
    clips = [comfy.saved(outputs[f"1{number}"]["images"][0]) for number in range(3)]
    film = comfy.saved(outputs["20"]["images"][0])
    assert film.name == "film_00001_.mp4"
    assert shown_frames(film) == sum(map(shown_frames, clips))
    assert shown_frames(comfy.saved(outputs["30"]["images"][0])) == shown_frames(film)
    content, accepted = film.read_bytes(), provider.accepted_posts
    film.unlink()
    again = comfy.saved(comfy.run(prompt)["20"]["images"][0])
    assert (again.read_bytes(), provider.accepted_posts) == (content, accepted)
    assert list(film.parent.glob(".*part")) == []


def test_a_list_of_clips_is_joined_as_one(comfy):
    prompt = {
        "1": node("LoadImage", image="example.png"),
        "3": node("ImageInvert", image=["1", 0]),
        "4": node("ImageBatch", image1=["1", 0], image2=["3", 0]),
        "5": node("RebatchImages", images=["4", 0], batch_size=1),
        "2": node("Veo3I2V", image=["5", 0], prompt="a list of clips", seed=0),
    }
    prompt["20"] = node(
        "JoinClips",
        **{"clips.clip_0": ["2", 2]},
        filename_prefix="video/listed",
        transition="crossfade",
        transition_s=0.2,
    )
    outputs = comfy.run(prompt)
    clips = [comfy.saved(one) for one in outputs["2"]["images"]]
    assert len(clips) == 2
    film = comfy.saved(outputs["20"]["images"][0])
    with av.open(str(film)) as container:
        fps = float(container.streams.video[0].average_rate)
    faded = round(0.2 * fps)
    assert shown_frames(film) == pytest.approx(sum(map(shown_frames, clips)) - faded, abs=1)
