"""The nodes in a real ComfyUI: they register, run, hand on their outputs, run side by side, and stop."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from PIL import Image
from remote_video_pack.remote_video.ledger.ledger import Ledger

from .comfy_server import failure, messages
from .open_page import open_page
from .outcomes import run_until_there, soon
from .prompts import EXAMPLES, node, prompt_of, veo

NODES = ["Veo3I2V", "RunwayGen3Turbo", "Kling3I2V", "Kling3Element", "Dreamina3Pro", "CometVeo", "RunComfyVideo"]
SHORT_CLIP_FRAMES = 12
SHOTS = {
    "multi_shot.shot_1_prompt": "one",
    "multi_shot.shot_1_duration": "3",
    "multi_shot.shot_2_prompt": "two",
    "multi_shot.shot_2_duration": 3.0,
}


def test_all_nodes_register_with_their_inputs_in_order(comfy):
    info = comfy.get("/object_info")
    assert [name for name in info if name in NODES] == NODES
    kling = info["Kling3I2V"]["input_order"]
    assert kling["required"] + kling["optional"] == [
        *["image", "prompt", "negative_prompt", "duration", "generate_audio", "cfg_scale", "shot_type"],
        *["multi_shot", "elements", "seed", "filename_prefix", "fit", "frames", "max_frames", "wait"],
    ]
    assert "IMPORT FAILED" not in "".join(line for line in comfy.log().splitlines() if "remote-video" in line)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_runs_and_shows_its_clips(comfy, example):
    prompt = prompt_of(example, comfy.get("/object_info"))
    outputs = run_until_there(comfy, prompt)
    clips = [name for name, entry in prompt.items() if entry["class_type"] in NODES and name in outputs]
    assert len(clips) == sum(1 for entry in prompt.values() if entry["class_type"] in set(NODES) - {"Kling3Element"})
    for name in clips:
        assert comfy.saved(outputs[name]["images"][0]).stat().st_size > 1000


def test_outputs_arrive_downstream(comfy):
    outputs = comfy.run(
        veo(
            "every output",
            frames=node("PreviewImage", images=["2", 0]),
            last=node("PreviewImage", images=["2", 4]),
            video=node("SaveVideo", video=["2", 2], filename_prefix="again/clip", format="auto", codec="auto"),
            sound=node("PreviewAudio", audio=["2", 3]),
        )
    )
    frames = [comfy.saved(shown) for shown in outputs["frames"]["images"]]
    assert len(frames) == SHORT_CLIP_FRAMES
    last = comfy.saved(outputs["last"]["images"][0])
    assert Image.open(last).tobytes() == Image.open(frames[-1]).tobytes()
    assert comfy.saved(outputs["video"]["images"][0]).suffix == ".mp4"
    assert comfy.saved(outputs["sound"]["audio"][0]).stat().st_size > 1000


def test_a_clip_becomes_an_element_of_the_next_one(comfy, provider):
    element = node("Kling3Element", frontal_image=["1", 0], video=["2", 2])
    kling = node("Kling3I2V", image=["1", 0], prompt="it comes back", **{"elements.element_0": ["element", 0]})
    outputs = comfy.run(veo("an element", element=element, kling=kling))
    assert comfy.saved(outputs["kling"]["images"][0]).stat().st_size > 1000
    asked = next(job.inputs for job in provider.jobs if job.inputs.get("prompt") == "it comes back")
    assert {"frontal_image_url", "video_url"} <= set(asked["elements"][0])


def test_the_workflow_lies_beside_the_clip(comfy):
    shown = comfy.run(veo("kept beside"))["2"]["images"][0]
    kept = json.loads(comfy.saved(shown).with_suffix(".json").read_text(encoding="utf-8"))
    assert kept["2"]["class_type"] == "Veo3I2V"


def test_wiring_frames_later_shows_them_without_a_second_post(comfy, provider):
    before = provider.accepted_posts
    comfy.run(veo("wired later"))
    outputs = comfy.run(veo("wired later", seen=node("PreviewImage", images=["2", 0])))
    assert len(outputs["seen"]["images"]) == SHORT_CLIP_FRAMES
    comfy.run(veo("wired later"))
    assert provider.accepted_posts == before + 1


def test_frames_none_with_a_wire_is_told_before_anything_is_paid(comfy, provider):
    before = provider.accepted_posts
    prompt = veo("none", seen=node("PreviewImage", images=["2", 0]))
    prompt["2"]["inputs"]["frames"] = "none"
    assert "set to none, but something is wired" in failure(comfy.outcome(comfy.queue(prompt)))
    assert provider.accepted_posts == before


def test_a_list_of_images_makes_one_clip_each(comfy, provider):
    before = provider.accepted_posts
    prompt = {
        "1": node("LoadImage", image="example.png"),
        "2": node("ImageScale", image=["1", 0], upscale_method="area", width=400, height=400, crop="disabled"),
        "3": node("ImageBatch", image1=["2", 0], image2=["2", 0]),
        "4": node("RebatchImages", images=["3", 0], batch_size=1),
        "5": node("CometVeo", prompt="a list", image=["4", 0]),
    }
    shown = comfy.run(prompt)["5"]["images"]
    assert len(shown) == 2
    assert provider.accepted_posts == before + 1, "two equal images are one clip"


def test_the_clips_of_a_list_have_numbers_of_their_own_from_the_beginning(comfy):
    colours = {str(n): node("EmptyImage", width=400, height=400, batch_size=1, color=n) for n in (1, 2, 3)}
    prompt = {
        **colours,
        "4": node("ImageBatch", image1=["1", 0], image2=["2", 0]),
        "5": node("ImageBatch", image1=["4", 0], image2=["3", 0]),
        "6": node("RebatchImages", images=["5", 0], batch_size=1),
        "7": node("CometVeo", prompt="numbers", image=["6", 0], filename_prefix="listed"),
    }
    shown = comfy.run(prompt)["7"]["images"]
    assert [clip["filename"] for clip in shown] == [f"listed_0000{number}_.mp4" for number in (1, 2, 3)]
    rows = {job.filename_prefix for job in Ledger(comfy.home).recent(200)}
    assert {f"listed_0000{number}_.mp4" for number in (1, 2, 3)} <= rows


def test_six_nodes_run_their_jobs_side_by_side(comfy, provider):
    first_entry = len(provider.requests)
    image = node("LoadImage", image="example.png")
    names = [str(number) for number in range(10, 16)]
    comfy.run({"1": image, **{n: node("Veo3I2V", image=["1", 0], prompt=f"side by side {n}") for n in names}})
    calls = [entry for entry in list(provider.requests)[first_entry:] if "/v1/" in entry.path]
    last_post = max(entry.at for entry in calls if entry.method == "POST")
    first_result = min(entry.at for entry in calls if entry.path.split("?")[0].endswith("/result"))
    assert sum(1 for entry in calls if entry.method == "POST") == 6
    assert last_post < first_result, "every job was submitted before the first one was over"


def test_queue_time_refusals_name_limit_and_value(comfy):
    refusal = comfy.refusal(veo("x" * 2000))
    assert "1,999" in json.dumps(refusal)
    assert comfy.refusal(veo("a seed out of range", seed=-5))["node_errors"]["2"]["errors"][0]["type"] == (
        "value_smaller_than_min"
    )


def kling(**inputs):
    image = node("LoadImage", image="example.png")
    return {"1": image, "2": node("Kling3I2V", image=["1", 0], **{"prompt": "a cat", "duration": 6, **inputs})}


@pytest.mark.parametrize("choice", ["99 shots", "on", 7])
def test_a_choice_that_the_node_does_not_know_is_refused_and_its_shots_are_not_dropped(comfy, provider, choice):
    before = provider.accepted_posts
    refusal = comfy.refusal(kling(multi_shot=choice, **SHOTS))
    assert f"`multi_shot` is {choice!r}" in json.dumps(refusal)
    assert provider.accepted_posts == before


def test_shots_without_their_choice_are_refused_before_anything_is_paid(comfy, provider):
    before = provider.accepted_posts
    assert "`multi_shot` is missing" in failure(comfy.outcome(comfy.queue(kling(**SHOTS))))
    assert provider.accepted_posts == before


def test_literals_of_another_type_are_what_they_mean(comfy, provider):
    comfy.run(kling(multi_shot="2 shots", **SHOTS, generate_audio="false", duration="6", negative_prompt=None))
    asked = provider.jobs[-1].inputs
    assert (asked["generate_audio"], asked["duration"], asked.get("negative_prompt")) == (False, 6, None)
    assert [shot["duration"] for shot in asked["multi_prompt"]] == [3, 3]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"generate_audio": "no sound"}, "it is on or off"),
        ({"duration": 6.5}, "it takes a whole number from 3 to 15"),
        ({"wait": None}, "it is on or off"),
        ({"prompt": None}, "`prompt` is empty"),
    ],
)
def test_literals_that_mean_nothing_are_refused_in_words(comfy, inputs, words):
    assert words in json.dumps(comfy.refusal(kling(**inputs)))


def test_the_largest_seed_of_a_seed_node_is_taken(comfy, provider):
    largest = 2**64 - 1
    comfy.run(veo("the largest seed", seed=largest))
    image = node("LoadImage", image="example.png")
    with open_page(comfy, "seeds") as page:
        runway = node("RunwayGen3Turbo", image=["1", 0], prompt="the largest seed", seed=largest)
        comfy.outcome(comfy.queue({"1": image, "3": runway}, client_id="seeds"))
        soon(lambda: page.shows("3", f"{largest} is sent as 4294967295"), "the text")
    assert provider.jobs[-1].inputs["seed"] == 4294967295


def test_shots_that_do_not_add_up_are_told_by_how_much(comfy, provider):
    before = provider.accepted_posts
    shots = {
        "multi_shot": "2 shots",
        "multi_shot.shot_1_prompt": "one",
        "multi_shot.shot_1_duration": 5,
        "multi_shot.shot_2_prompt": "two",
        "multi_shot.shot_2_duration": 4,
    }
    prompt = {
        "1": node("LoadImage", image="example.png"),
        "2": node("Kling3I2V", image=["1", 0], prompt="a cat", **shots),
    }
    assert "1 s too short" in failure(comfy.outcome(comfy.queue(prompt)))
    assert provider.accepted_posts == before


def test_moderation_reaches_the_error_card_word_for_word(comfy):
    outcome = comfy.outcome(comfy.queue(veo("a cat [moderation]")))
    assert failure(outcome).startswith("Your request was flagged by our content moderation system")


def test_stop_is_an_interruption_and_run_again_goes_on_with_the_same_job(comfy, provider):
    before = provider.accepted_posts
    prompt_id = comfy.queue(veo("a long one [slow]"))
    while provider.accepted_posts == before:
        time.sleep(0.05)
    time.sleep(1.5)  # the job is running by now and can't be cancelled any more
    comfy.interrupt()
    outcome = comfy.outcome(prompt_id)
    assert messages(outcome, "execution_interrupted")
    assert not messages(outcome, "execution_error")
    again = comfy.queue(veo("a long one [slow]"))
    time.sleep(1.5)
    assert provider.accepted_posts == before + 1
    comfy.interrupt()
    comfy.outcome(again)


def test_the_log_has_the_steps_and_not_the_key(comfy):
    comfy.run(veo("logged"))
    log = comfy.log()
    assert "Veo 3 #2: submitting" in log
    assert "a-key" not in log
    assert "another-key" not in log


def test_nothing_was_written_into_the_checkout_or_the_pack(comfy):
    pack = Path(__file__).resolve().parents[2]
    started = (comfy.base / "custom_nodes").stat().st_mtime
    written = [
        path
        for folder in (pack / "nodes", pack / "web", pack / "example_workflows", comfy.checkout / "output")
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in (".mp4", ".sqlite3", ".part") and path.stat().st_mtime > started
    ]
    assert written == []
