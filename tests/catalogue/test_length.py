"""How long a clip of a model of the catalogue will be: in seconds or in frames, as its schema says; never a guess."""

from __future__ import annotations

from typing import Any

import pytest
from remote_video_pack.remote_video.catalogue.entry import Entry
from remote_video_pack.remote_video.catalogue.model import CatalogueModel
from remote_video_pack.remote_video.catalogue.price import estimate_of

FRAMES = {"type": "integer", "minimum": 1, "maximum": 500, "default": 121}
FPS = {"type": "integer", "minimum": 1, "maximum": 60, "default": 24}


def model(description: str = "", **properties: Any) -> CatalogueModel:
    schema = {"type": "object", "description": description, "properties": {"prompt": {"type": "string"}, **properties}}
    listed = {"model_id": "a/b/text-to-video", "categories": ["text-to-video"], "base_price_usd": 0.1}
    return CatalogueModel(Entry.read({**listed, "price_unit": "second", "input_schema": schema}))


def seconds(made: CatalogueModel, **values: Any) -> float | None:
    return made.request({"prompt": "a sea", "seed": 1, **values}).seconds


def test_seconds_are_seconds():
    assert seconds(model(duration=FPS), duration=7) == 7
    assert seconds(model(duration={"type": "string", "enum": ["auto", "5s"]}), duration="5s") == 5
    assert seconds(model(duration={"type": "string", "enum": ["auto", "5s"]}), duration="auto") is None
    assert seconds(model(length={**FPS, "description": "Length of the clip, s."}), length=6) == 6


def test_frames_are_divided_by_the_rate_that_is_set():
    made = model(num_frames=FRAMES, fps=FPS)
    assert seconds(made) == 121 / 24
    assert seconds(made, num_frames=96, fps=12) == 8
    assert seconds(model(num_frames=FRAMES, fps={"type": "string", "enum": ["24", "30"], "default": "30"})) == 121 / 30
    assert seconds(model(num_frames=FRAMES, frame_rate={"type": "number", "minimum": 1, "maximum": 60})) is None


def test_a_model_names_all_that_says_how_long_its_clip_will_be():
    assert model(duration=FPS).length_inputs == ("duration",)
    assert model(num_frames=FRAMES, fps=FPS).length_inputs == ("num_frames", "fps")
    assert model("At 24 fps.", num_frames=FRAMES).length_inputs == ("num_frames",)
    assert model().length_inputs == ()


def test_an_estimate_is_made_of_it():
    listing = model(num_frames=FRAMES, fps=FPS)
    request = listing.request({"prompt": "a sea", "seed": 1, "num_frames": 240})
    catalogue: Any = {"a/b/text-to-video": listing.entry}
    assert estimate_of(request, catalogue).usd == 1.0


@pytest.mark.parametrize(
    ("said", "rate"),
    [
        ("Number of frames, at 25 fps.", 25),
        ("Frames of the clip (24 frames per second).", 24),
        ("121 frames; the clip runs at 16 frames/s", 16),
        ("Frames, 23.976 FPS", 23.976),
        ("Number of frames.", None),
        ("At 24 or 30 fps.", None),
        ("24/30 fps", None),
        ("24, 30 fps", None),
        ("up to 30 fps", None),
        ("24 fps in draft, 30 fps else", None),
    ],
)
def test_or_by_the_one_rate_that_the_schema_names(said, rate):
    wanted = None if rate is None else pytest.approx(121 / rate)
    assert seconds(model(num_frames={**FRAMES, "description": said})) == wanted
    assert seconds(model(said, num_frames=FRAMES)) == wanted


def test_a_length_that_is_said_to_be_in_frames_is_no_seconds():
    said = {**FRAMES, "description": "Number of frames."}
    assert seconds(model(video_length=said)) is None
    assert seconds(model(video_length=said, fps=FPS), video_length=48) == 2


def test_pictures_that_are_called_frames_are_no_length():
    assert model(frames={"type": "array", "items": {"type": "string", "format": "image_uri"}}, fps=FPS).length is None
