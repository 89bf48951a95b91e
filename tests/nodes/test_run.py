"""From inputs to the seven outputs, through the engine and a sandbox on a real port."""

from __future__ import annotations

import asyncio
import json
import logging
from io import BytesIO
from pathlib import Path

import av
import folder_paths
import pytest
import torch
from comfy import model_management
from comfy.cli_args import args
from comfy_api.latest import io
from comfy_execution import progress
from comfy_execution.graph_utils import ExecutionBlocker
from comfy_execution.utils import CurrentNodeContext
from remote_video_pack.nodes import NODES, comfy_host
from remote_video_pack.nodes.asker import NodeAsker
from remote_video_pack.remote_video.errors import AccountError, InputRefused, MediaError, ModerationError
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.sandbox import Pace
from server import PromptServer

from ..faults import BINARY, Answer, Fault, Sandbox
from .comfy import NODE_ID, PROMPT_ID, WORKFLOW_ID, locked_clone, picture
from .conftest import FPS, FRAMES, HEIGHT, RATE, WIDTH

Veo3I2V, RunwayGen3Turbo, Kling3I2V, _, Dreamina3Pro, CometVeo, *_ = NODES
ALL_DECODED = {0: "PreviewImage", 3: "PreviewAudio", 4: "PreviewImage"}


async def test_all_seven_outputs_come_from_the_saved_file(comfy, sandbox, small_clip):
    frames, path, video, audio, last_frame, fps, request_id = (
        await comfy.run(Veo3I2V, ALL_DECODED, image=picture(), prompt="a cat")
    ).result
    assert Path(path).read_bytes() == small_clip
    assert Path(path).is_relative_to(comfy.output / "video")
    assert Path(video.file) == Path(path)
    assert (frames.shape, frames.dtype) == ((FRAMES, HEIGHT, WIDTH, 3), torch.float32)
    assert torch.equal(last_frame, frames[-1:])
    assert audio["sample_rate"] == RATE
    assert audio["waveform"].shape[:2] == (1, 2)
    assert fps == FPS
    assert request_id in {entry.path.split("/")[-2] for entry in sandbox.requests if entry.path.endswith("/status")}


@pytest.mark.parametrize(
    ("node", "inputs"),
    [
        (Veo3I2V, {"image": picture()}),
        (RunwayGen3Turbo, {"image": picture()}),
        (Kling3I2V, {"image": picture()}),
        (Dreamina3Pro, {"image": picture()}),
        (CometVeo, {}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_each_node_makes_a_clip_from_its_required_inputs_alone_and_shows_it(comfy, sandbox, node, inputs):
    output = await comfy.run(node, prompt="a cat", **inputs)
    shown = output.ui.as_dict()["images"]
    assert shown == [{"filename": Path(output[1]).name, "subfolder": "video", "type": "output"}]
    assert sandbox.accepted_posts == 1


async def test_the_ledger_names_the_model_that_was_asked_for_and_the_node_that_asked(comfy, sandbox):
    await comfy.run(CometVeo, prompt="a cat", model="veo3.1-pro")
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    newest, oldest = Ledger(comfy_host.settings().home).recent()
    assert (oldest.model_id, oldest.model_name) == ("cometapi/veo3.1-pro", "Veo (CometAPI): veo3.1-pro")
    assert (newest.model_id, newest.model_name) == ("google-deepmind/veo-3/image-to-video", "Veo 3")
    assert (newest.node_id, newest.workflow_id) == (NODE_ID, WORKFLOW_ID)


async def test_ids_that_no_ledger_can_hold_are_written_otherwise(comfy, sandbox):
    """Those of a prompt and of a workflow are whatever text was posted."""
    odd = "7\ud800\0"
    queued = {"create_time": 1, "extra_pnginfo": {"workflow": {"id": odd}}}
    prompt = {odd: {"class_type": "Veo3I2V", "inputs": {}}}
    PromptServer.instance.prompt_queue.running = [(0, PROMPT_ID, prompt, queued, [odd])]
    with CurrentNodeContext(PROMPT_ID, odd, 0):
        await locked_clone(Veo3I2V).execute(image=picture(), prompt="a cat")
    (job,) = Ledger(comfy_host.settings().home).recent()
    assert (job.node_id, job.workflow_id) == ("7\\ud800\\x00", "7\\ud800\\x00")


async def test_nothing_is_decoded_for_nobody(comfy, sandbox):
    output = await comfy.run(Veo3I2V, {1: "ShowText"}, image=picture(), prompt="a cat")
    for slot in (0, 3, 4):
        assert isinstance(output[slot], ExecutionBlocker)


async def test_wiring_frames_later_decodes_and_submits_nothing(comfy, sandbox):
    unwired = comfy.fingerprint(Veo3I2V)
    first = await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    assert comfy.fingerprint(Veo3I2V, {0: "PreviewImage"}) != unwired
    second = await comfy.run(Veo3I2V, {0: "PreviewImage"}, image=picture(), prompt="a cat")
    assert second[0].shape[0] == FRAMES
    assert second[1] == first[1]
    assert sandbox.accepted_posts == 1


def test_what_is_wired_without_costing_ram_does_not_run_a_node_again(comfy):
    assert comfy.fingerprint(Veo3I2V, {1: "ShowText", 2: "SaveVideo"}) == comfy.fingerprint(Veo3I2V)


def test_a_sandbox_clip_is_never_taken_for_a_live_one(comfy, monkeypatch):
    live = comfy.fingerprint(Veo3I2V)
    monkeypatch.setenv("RUNCOMFY_API_BASE_URL", "https://elsewhere.example")
    elsewhere = comfy.fingerprint(Veo3I2V)
    monkeypatch.setenv("REMOTE_VIDEO_SANDBOX", "1")
    assert len({json.dumps(seen) for seen in (live, elsewhere, comfy.fingerprint(Veo3I2V))}) == 3


async def test_a_clip_that_was_deleted_runs_its_node_again_though_nothing_else_has_changed(comfy, sandbox):
    def fingerprint():
        return comfy.fingerprint(Veo3I2V, prompt="a cat")

    first = await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    cached = fingerprint()
    assert fingerprint() == cached, "while the clip is there the cached result will do"
    Path(first[1]).unlink()
    assert fingerprint() != cached
    again = await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    assert Path(again[1]).is_file()
    cached = fingerprint()
    assert fingerprint() == cached
    Path(again[1]).write_bytes(b"cut short")
    assert fingerprint() != cached
    assert sandbox.accepted_posts == 1


async def test_a_prefix_of_two_thousand_folders_is_refused_in_words_before_anything_is_sent(comfy, sandbox):
    with pytest.raises(InputRefused, match="names 2,000 folders"):
        await comfy.run(Veo3I2V, image=picture(), prompt="a cat", filename_prefix="d/" * 2000 + "clip")
    assert sandbox.accepted_posts == 0


def test_links_out_of_the_output_folder_are_taken_where_comfyuis_own_save_nodes_take_them(comfy, monkeypatch):
    assert comfy_host.settings().follow_links
    monkeypatch.setattr(folder_paths, "is_within_directory", lambda folder, path: True, raising=False)
    assert not comfy_host.settings().follow_links


@pytest.mark.parametrize("extra", ["a string", ["a", "list"], 7, {"workflow": "a string"}])
async def test_a_workflow_of_another_form_is_no_error_after_the_paid_clip(comfy, sandbox, extra):
    clone = locked_clone(Veo3I2V, io.HiddenHolder(prompt=None, extra_pnginfo=extra))
    comfy.queue(Veo3I2V, {})
    output = await clone.execute(image=picture(), prompt="a cat")
    assert Path(output[1]).is_file()
    assert not Path(output[1]).with_suffix(".json").exists()


async def test_when_nobody_can_tell_who_listens_everything_is_decoded(comfy, sandbox):
    output = await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    assert isinstance(output[0], ExecutionBlocker)
    assert Veo3I2V.fingerprint_inputs() not in (comfy.fingerprint(Veo3I2V), comfy.fingerprint(Veo3I2V, ALL_DECODED))
    PromptServer.instance.prompt_queue.running = []
    outside_of_a_prompt = await Veo3I2V.execute(image=picture(), prompt="a cat")
    assert outside_of_a_prompt[0].shape[0] == FRAMES
    assert sandbox.accepted_posts == 1


async def test_frames_all_decodes_for_nobody_and_max_frames_stops_early(comfy, sandbox):
    output = await comfy.run(Veo3I2V, image=picture(), prompt="a cat", frames="all", max_frames=5)
    assert output[0].shape[0] == 5


async def test_frames_none_with_a_wire_is_an_error_before_anything_is_paid(comfy, sandbox):
    with pytest.raises(InputRefused, match="set to none, but something is wired"):
        await comfy.run(Veo3I2V, {0: "PreviewImage"}, image=picture(), prompt="a cat", frames="none")
    assert sandbox.accepted_posts == 0


async def test_frames_none_still_gives_sound_and_last_frame(comfy, sandbox):
    output = await comfy.run(
        Veo3I2V, {3: "PreviewAudio", 4: "PreviewImage"}, image=picture(), prompt="a cat", frames="none"
    )
    assert output[4].shape == (1, HEIGHT, WIDTH, 3)
    assert output[3]["sample_rate"] == RATE


async def test_a_batch_is_an_error_that_names_the_way(comfy, sandbox):
    with pytest.raises(InputRefused, match="list"):
        await comfy.run(Veo3I2V, image=picture().repeat(2, 1, 1, 1), prompt="a cat")
    assert sandbox.accepted_posts == 0


async def test_shots_that_do_not_add_up_say_by_how_much_before_anything_is_paid(comfy, sandbox):
    shots = {
        "multi_shot": "2 shots",
        "shot_1_prompt": "one",
        "shot_1_duration": 5,
        "shot_2_prompt": "two",
        "shot_2_duration": 3,
    }
    with pytest.raises(InputRefused, match="2 s too short"):
        await comfy.run(Kling3I2V, image=picture(), prompt="a cat", multi_shot=shots)
    assert sandbox.accepted_posts == 0


async def test_what_was_changed_about_the_image_stays_on_the_node_to_the_end(comfy, sandbox):
    await comfy.run(Dreamina3Pro, image=picture(300, 300), prompt="a cat")
    submitting = next(number for number, text in enumerate(comfy.texts) if "submitting" in text)
    for text in comfy.texts[submitting:]:
        assert "scaled up from 300x300 to 321x321" in text


async def test_what_was_given_up_for_the_files_size_stays_on_the_node_to_the_end(comfy, sandbox, caplog):
    with caplog.at_level(logging.INFO, "remote_video"):
        await comfy.run(Dreamina3Pro, image=torch.rand(1, 1300, 1300, 3), prompt="a cat")
    submitting = next(number for number, text in enumerate(comfy.texts) if "submitting" in text)
    for text in comfy.texts[submitting:]:
        assert text.count("sent as a JPEG of quality") == 1
    assert sum("sent as a JPEG" in record.getMessage() for record in caplog.records) == 1


async def test_an_image_whose_file_is_too_large_is_an_error_in_strict_before_anything_is_paid(comfy, sandbox):
    with pytest.raises(InputRefused, match="accepts at most 4,699,999"):
        await comfy.run(Dreamina3Pro, image=torch.rand(1, 1300, 1300, 3), prompt="a cat", fit="strict")
    assert sandbox.accepted_posts == 0


async def test_without_key_and_sandbox_run_names_the_three_ways_on(comfy):
    with pytest.raises(AccountError) as raised:
        await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    for way in ("Accounts", "RUNCOMFY_API_TOKEN", "REMOTE_VIDEO_SANDBOX=1"):
        assert way.lower() in str(raised.value).lower()


async def test_an_error_is_read_on_the_node_too(comfy, sandbox):
    with pytest.raises(InputRefused):
        await comfy.run(Veo3I2V, image=picture(), prompt=" ")
    assert "`prompt` is empty" in comfy.texts[-1]
    assert "Next: " in comfy.texts[-1]


async def test_moderation_begins_as_comfyui_expects_it(comfy, sandbox):
    with pytest.raises(ModerationError) as raised:
        await comfy.run(Veo3I2V, image=picture(), prompt="a cat [moderation]")
    assert str(raised.value).startswith("Your request was flagged by our content moderation system")


async def test_stop_interrupts_and_says_what_became_of_the_job(comfy, sandbox, monkeypatch, tmp_path):
    with Sandbox(tmp_path / "slow provider", pace=Pace(60, 60)) as slow:
        monkeypatch.setenv("RUNCOMFY_API_BASE_URL", slow.runcomfy_base_url)
        running = asyncio.create_task(comfy.run(Veo3I2V, image=picture(), prompt="a cat"))
        while not any("queue" in text for text in comfy.texts):
            await asyncio.sleep(0.05)
        model_management.interrupt_current_processing()
        with pytest.raises(model_management.InterruptProcessingException):
            await running
        while "cancelled" not in comfy.texts[-1]:
            await asyncio.sleep(0.05)
    assert model_management.processing_interrupted(), "the flag is there for other nodes that wait"


async def test_the_end_of_a_run_says_what_was_made_and_a_second_one_that_nothing_was_submitted(comfy, sandbox):
    output = await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    name, request_id = Path(output[1]).name, output[6]
    assert comfy.texts[-1] == f"{name}: $1.20 | {request_id}"
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    assert comfy.texts[-1] == f"{name}: paid for before, nothing was submitted | {request_id}"


async def test_where_clips_are_free_the_end_says_so(comfy, sandbox, monkeypatch):
    monkeypatch.delenv("RUNCOMFY_API_TOKEN")
    output = await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    name, request_id = Path(output[1]).name, output[6]
    assert comfy.texts[-1] == f"{name}: sandbox, nothing was paid | {request_id}"
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    assert comfy.texts[-1] == f"{name}: made before, nothing was submitted | {request_id}"


async def test_the_workflow_is_kept_beside_the_clip_and_not_in_it(comfy, sandbox, small_clip):
    output = await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    clip = Path(output[1])
    assert json.loads(clip.with_suffix(".json").read_text(encoding="utf-8"))["nodes"][0]["type"] == "Veo3I2V"
    assert clip.read_bytes() == small_clip


async def test_the_words_of_a_workflow_are_kept_to_be_read(comfy, sandbox):
    workflow = {"nodes": [], "title": "mer \u00e0 \u56fe", "half": "\ud83d"}
    clone = locked_clone(Veo3I2V, io.HiddenHolder(prompt=None, extra_pnginfo={"workflow": workflow}))
    comfy.queue(Veo3I2V, {})
    output = await clone.execute(image=picture(), prompt="a cat")
    kept = Path(output[1]).with_suffix(".json").read_text(encoding="utf-8")
    assert workflow["title"] in kept
    assert json.loads(kept) == workflow


async def test_disable_metadata_keeps_no_workflow(comfy, sandbox, monkeypatch):
    monkeypatch.setattr(args, "disable_metadata", True)
    output = await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    assert not Path(output[1]).with_suffix(".json").exists()


async def test_the_log_tells_the_steps_once_and_never_the_key(comfy, sandbox, caplog):
    with caplog.at_level(logging.DEBUG):
        await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    told = [record for record in caplog.records if record.name == "remote_video" and record.levelno >= logging.INFO]
    lines = [record.getMessage() for record in told]
    assert any("submitting" in line for line in lines)
    assert all(line.startswith("Veo 3 #7: ") for line in lines)
    assert "a-key" not in caplog.text


def test_lines_that_differ_in_numbers_only_are_logged_once(comfy, caplog):
    node = NodeAsker("Veo 3")
    with caplog.at_level(logging.INFO, logger="remote_video"):
        for seconds in range(50):
            node.says(f"running | 0:{seconds:02}")
        node.says("downloading")
    assert [record.getMessage() for record in caplog.records] == ["Veo 3: running | 0:00", "Veo 3: downloading"]


async def test_a_percentage_of_the_provider_becomes_a_bar(comfy, sandbox, monkeypatch, tmp_path):
    with Sandbox(tmp_path / "slow provider", pace=Pace(0, 8), short_clips=True) as slow:
        monkeypatch.setenv("COMETAPI_BASE_URL", slow.cometapi_base_url)
        await comfy.run(CometVeo, prompt="a cat")
    assert progress.STATE.shown
    for node_id, value, maximum in progress.STATE.shown:
        assert node_id == "7"
        assert 0 <= value <= maximum
    assert max(value / maximum for _, value, maximum in progress.STATE.shown) > 0.25  # asked a second from its begin on


def test_queue_time_says_what_widgets_alone_can_tell():
    assert "1,999" in Veo3I2V.validate_inputs(prompt="x" * 2000)
    assert "512" in RunwayGen3Turbo.validate_inputs(prompt="x" * 513)
    assert "800" in Dreamina3Pro.validate_inputs(prompt="x" * 801)
    assert "empty" in CometVeo.validate_inputs(prompt=" ", model="veo3-fast")
    assert "model" in CometVeo.validate_inputs(prompt="a cat", model="")
    shots = {"multi_shot": "2 shots"}
    assert "don't fit" in Kling3I2V.validate_inputs(prompt="a cat", duration=5, multi_shot=shots)
    assert Kling3I2V.validate_inputs(prompt="a cat", duration=6, multi_shot=shots) is True


def test_queue_time_says_nothing_about_what_is_linked():
    for node in (Veo3I2V, RunwayGen3Turbo, Kling3I2V, Dreamina3Pro, CometVeo):
        assert node.validate_inputs(prompt=None) is True
    assert Kling3I2V.validate_inputs(prompt="a cat", duration=None, multi_shot={"multi_shot": "5 shots"}) is True


async def test_a_clip_nobody_can_decode_is_handed_on_all_the_same(comfy, sandbox):
    sandbox.faults.set("media", "unknown-codec")
    output = await comfy.run(Veo3I2V, {1: "ShowText", 2: "SaveVideo"}, image=picture(), prompt="a cat")
    assert Path(output[1]).is_file() and Path(output[2].file) == Path(output[1]) and output[5] == FPS
    with pytest.raises(MediaError, match="codec") as undecoded:
        await comfy.run(Veo3I2V, {0: "PreviewImage"}, image=picture(), prompt="a cat")
    assert undecoded.value.next_step.startswith("The file is whole: use `video_path`")
    assert sandbox.accepted_posts == 1


async def test_what_the_decoder_only_warns_of_is_said_on_the_node(comfy, sandbox, small_clip):
    """The same clip as Matroska, with sound in a codec of an unknown name."""
    file = BytesIO()
    with av.open(BytesIO(small_clip)) as source, av.open(file, "w", format="matroska") as out:
        copies = [out.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    odd = file.getvalue().replace(b"A_AAC", b"A_XYZ")
    sandbox.faults.set("media", Fault("odd-sound", "", BINARY, alter=lambda answer, call: answer.with_body(odd)))
    output = await comfy.run(Veo3I2V, ALL_DECODED, image=picture(), prompt="a cat")
    assert not output[3]["waveform"].any() and "sound is in a codec" in comfy.texts[-1]


async def test_what_else_the_job_made_is_named_on_the_node_and_comes_back_when_it_was_deleted(comfy, sandbox):
    sandbox.faults.set("runcomfy/result", "variant-more-files")
    output = await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    clip = Path(output[1])
    second, cover = (clip.with_name(f"{clip.stem}-{ending}") for ending in ("2.mp4", "3.png"))
    assert comfy.texts[-1].splitlines()[1] == f"The same job also made: {second.name}, {cover.name}"
    known = comfy.fingerprint(Veo3I2V, image=None, prompt="a cat")
    cover.unlink()
    assert comfy.fingerprint(Veo3I2V, image=None, prompt="a cat") != known, "a cached result is made again"
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    assert "before, nothing was submitted" in comfy.texts[-1] and cover.name in comfy.texts[-1]
    assert second.is_file() and cover.is_file() and sandbox.accepted_posts == 1


async def test_what_else_the_job_made_and_can_not_be_had_is_said_on_the_node(comfy, sandbox):
    sandbox.faults.set("runcomfy/result", "variant-more-files")
    gone = Answer(404, b"no", {"Content-Type": "text/plain"})
    fault = Fault("gone", "", BINARY, alter=lambda answer, call: gone if "cover" in call.request.path else answer)
    sandbox.faults.set("media", fault)
    output = await comfy.run(Veo3I2V, {0: "PreviewImage"}, image=picture(), prompt="a cat")
    assert output[0].shape[0] == FRAMES
    assert "Not all that it made is here: File 3 of the job" in comfy.texts[-1] and "HTTP 404" in comfy.texts[-1]
