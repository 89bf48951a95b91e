"""The clips: real H.264 and AAC, of the size, length and content that was asked for."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from remote_video_pack.remote_video.sandbox import clip_plan, clips
from remote_video_pack.remote_video.sandbox.listing import OWN_KEY, Listing, contract_of, name_of
from remote_video_pack.remote_video.sandbox.submitted import Submitted

from .conftest import png

PNG = png()
RED, BLUE = (200, 30, 30), (30, 40, 200)


def halves(left: tuple[int, int, int], right: tuple[int, int, int], size=(800, 600)) -> bytes:
    image = Image.new("RGB", size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def rendered(tmp_path: Path, plan: clip_plan.ClipPlan, *images: bytes) -> Path:
    path = tmp_path / "clip.mp4"
    clips.render(plan, images, path)
    return path


def pictures(path: Path) -> list[np.ndarray]:
    """The frames as RGB; the matrix is spelled out, since PyAV before 17 does not look at the file's own."""
    as_tagged = {"format": "rgb24", "src_colorspace": "ITU709", "dst_colorspace": "ITU601"}
    with av.open(str(path)) as container:
        return [frame.reformat(**as_tagged).to_ndarray() for frame in container.decode(video=0)]


def planned(model: str, size=(800, 600), **inputs) -> clip_plan.ClipPlan:
    """The clip of a model of the listing, for what would be sent: an image of that size, and these inputs."""
    entry = next(one for one in Listing(Path("none")).all() if model in one["model_id"])
    files = {"image.png": Submitted(PNG, "image/png", ".png", *size, still=PNG)} if size else {}
    settled = contract_of(entry).settled({"prompt": "sea", **inputs})
    own, told = entry.get(OWN_KEY), entry["model_id"].split("/")
    return clip_plan.plan_of(name_of(entry), settled, files, told=told, own=own)


def veo(**changes) -> clip_plan.ClipPlan:
    return planned("veo-3", **{"generateAudio": True, **changes})


def kling(shots, duration, size=(800, 600)) -> clip_plan.ClipPlan:
    return planned("kling-3.0/standard", size, multi_prompt=shots, duration=duration, generate_audio=False)


PLANS = {
    "veo, wide": (veo(), (1280, 720, 192)),
    "veo, tall": (veo(size=(600, 800)), (720, 1280, 192)),
    "runway": (planned("gen-3", (9, 9), ratio="768:1280", duration=5), (768, 1280, 120)),
    "kling, square": (kling(None, 15, (700, 700)), (960, 960, 360)),
    "dreamina": (planned("dreamina", (1600, 900), frames=241), (1920, 1088, 241)),
    "comet": (clip_plan.comet_veo("", "9x16", "veo3", ()), (720, 1280, 192)),
    "the resolution is in the id": (planned("seedance-2.5/image", (1000, 1000), duration=4), (1080, 1080, 96)),
    "a ratio, and the id's resolution": (planned("seedance-2.5/text", None, aspect_ratio="9:16"), (1080, 1920, 120)),
    "as the image is, at a resolution": (planned("wan-3.0", (900, 600), resolution="480p"), (720, 480, 120)),
    "a duration in words": (planned("flux-3", None, duration="8", aspect_ratio="1:1"), (720, 720, 192)),
    "a duration to choose": (planned("flux-3", None, duration="auto", resolution="1080p"), (1920, 1080, 120)),
    "no side above 1920": (planned("4k/text", None, duration=3), (1920, 1080, 72)),
    "width and height": (clip_plan.plan_of("a", {"width": 640, "height": 362}, {}), (640, 362, 120)),
    "a ratio as people name it": (clip_plan.plan_of("a", {"image_size": "landscape_4_3"}, {}), (960, 720, 120)),
    "nonsense": (clip_plan.plan_of("a", {"duration": [1], "ratio": "0:0", "size": 7}, {}), (1280, 720, 120)),
    "too much": (clip_plan.plan_of("a", {"seconds": 1e9, "ratio": "90:1"}, {}), (1920, 64, 1440)),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_clip_is_planned_as_the_model_makes_it(name):
    plan, expected = PLANS[name]
    assert (plan.width, plan.height, plan.frames) == expected


@pytest.mark.parametrize(
    ("inputs", "kind", "sounds"),
    [
        ({"generate_audio": True}, "", True),
        ({"generate_audio": False}, "", False),
        ({"enable_audio": True}, "image", True),
        ({"sound": True}, "", True),
        ({"keep_original_sound": True}, "image", False),
        ({"keep_original_sound": True}, "video", True),
        ({"audio_setting": "auto"}, "", False),
        ({}, "audio", True),
    ],
)
def test_a_clip_has_sound_when_it_was_asked_for_or_sent(inputs, kind, sounds):
    files = {"file": Submitted(b"", f"{kind}/x", ".x", 640, 360, 2.0)} if kind else {}
    assert clip_plan.plan_of("a", inputs, files).sound is sounds


def test_without_a_length_a_clip_is_as_long_as_what_was_sent():
    video = Submitted(b"", "video/mp4", ".mp4", 640, 360, 2.0, PNG)
    plan = clip_plan.plan_of("a", {"video": "video.mp4"}, {"video.mp4": video})
    assert (plan.frames, plan.images) == (48, ("video.mp4.png",))


def test_the_image_to_end_with_comes_last():
    image = Submitted(PNG, "image/png", ".png", 640, 360, still=PNG)
    files = {f"{name}.png": image for name in ("end_image_url", "image_url")}
    assert clip_plan.plan_of("a", {}, files).images == ("image_url.png", "end_image_url.png")


def test_of_many_images_each_has_a_shot(tmp_path):
    image = Submitted(PNG, "image/png", ".png", 640, 360, still=PNG)
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
    plan = clip_plan.plan_of("a", {"duration": 5}, {f"{number}.png": image for number in range(3)}).shortened()
    frames = pictures(rendered(tmp_path, plan, *(halves(colour, colour) for colour in colours)))
    for index, colour in enumerate(colours):
        np.testing.assert_allclose(frames[index * 4 + 1][20, 160], colour, atol=8)


def test_a_clip_has_the_planned_frames_size_and_sound(tmp_path):
    path = rendered(tmp_path, veo(), halves(RED, BLUE))
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height, video.pix_fmt) == (1280, 720, "yuv420p")
        assert int(video.codec_context.colorspace) == 1 and int(video.codec_context.color_range) == 1
        assert float(container.duration) / 1e6 == pytest.approx(8.0, abs=0.03)
        samples = [frame.to_ndarray() for frame in container.decode(audio=0)]
    frames = pictures(path)
    assert len(frames) == 192
    assert 0.1 < np.abs(np.concatenate(samples, axis=1)).max() < 0.6
    np.testing.assert_allclose(frames[0][300, 100], RED, atol=6)
    np.testing.assert_allclose(frames[0][300, 1180], BLUE, atol=6)


def test_the_index_stands_before_the_data(tmp_path):
    data = rendered(tmp_path, veo().shortened(), halves(RED, BLUE)).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_without_sound_there_is_no_audio_track(tmp_path):
    path = rendered(tmp_path, veo(generateAudio=False).shortened(), halves(RED, BLUE))
    with av.open(str(path)) as container:
        assert not container.streams.audio


def test_every_shot_begins_with_a_cut(tmp_path):
    patches = io.BytesIO()
    Image.effect_noise((8, 6), 200).resize((800, 600)).convert("RGB").save(patches, "PNG")
    plan = replace(kling([{"duration": 3}, {"duration": 4}, {"duration": 3}], 10), width=320, height=240)
    frames = pictures(rendered(tmp_path, plan, patches.getvalue()))
    steps = [np.abs(after.astype(int) - before).mean() for before, after in pairwise(frames)]
    ends = np.cumsum(plan.shots)[:-1] - 1
    assert set(np.argsort(steps)[-2:]) == set(ends)


def test_two_images_cross_fade_from_the_first_to_the_last(tmp_path):
    plan = clip_plan.comet_veo("", "16x9", "veo3", ("a", "b")).shortened()
    frames = pictures(rendered(tmp_path, plan, halves(RED, RED), halves(BLUE, BLUE)))
    np.testing.assert_allclose(frames[0][20, 160], RED, atol=8)
    np.testing.assert_allclose(frames[-1][20, 160], BLUE, atol=8)
    middle = np.mean([RED, BLUE], axis=0)
    assert min(np.abs(frame[20, 160] - middle).max() for frame in frames) < 50


def test_text_alone_becomes_a_picture_of_its_words(tmp_path):
    plan = clip_plan.comet_veo("a paper boat", "16x9", "veo3", ()).shortened()
    frame = pictures(rendered(tmp_path, plan))[0]
    assert (frame[60:120].min(axis=2) > 200).sum() > 50


def test_every_clip_says_sandbox(tmp_path):
    frame = pictures(rendered(tmp_path, veo(), halves((90, 90, 90), (90, 90, 90))))[0]
    corner = frame[640:720, 10:300].astype(int)
    amber = (corner[..., 0] > 180) & (corner[..., 2] < 120)
    assert amber.sum() > 200


def test_the_same_job_gives_the_same_file(tmp_path):
    (tmp_path / "again").mkdir()
    first = rendered(tmp_path, veo().shortened(), halves(RED, BLUE)).read_bytes()
    assert rendered(tmp_path / "again", veo().shortened(), halves(RED, BLUE)).read_bytes() == first


def test_a_picture_is_a_png_of_what_was_sent(tmp_path):
    image = Submitted(PNG, "image/png", ".png", 800, 600, still=PNG)
    plan = clip_plan.plan_of("a", {"resolution": "480p"}, {"image.png": image}, picture=True)
    path = rendered(tmp_path, plan, halves(RED, BLUE))
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("PNG", (640, 480))
        np.testing.assert_allclose(picture.getpixel((80, 240)), RED, atol=6)
        np.testing.assert_allclose(picture.getpixel((560, 240)), BLUE, atol=6)


def test_a_transparent_image_is_shown_over_white(tmp_path):
    file = io.BytesIO()
    Image.new("RGBA", (640, 360), (200, 0, 0, 0)).save(file, "PNG")
    frame = pictures(rendered(tmp_path, veo().shortened(), file.getvalue()))[0]
    assert frame[20, 20].min() > 245
