"""What a Run will do, said before it: the same line for all that ask, and true of what is then sent."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from remote_video_pack.remote_video.before_run import Known, before_run, picture_words, shape_words
from remote_video_pack.remote_video.media.fit import Bound, ImageLimits, plan
from remote_video_pack.remote_video.models import MODELS
from remote_video_pack.remote_video.models.comet_veo import COMET_VEO
from remote_video_pack.remote_video.models.dreamina3_pro import DREAMINA3_PRO
from remote_video_pack.remote_video.models.kling3 import KLING3
from remote_video_pack.remote_video.models.media_fields import Picture
from remote_video_pack.remote_video.models.request import Image
from remote_video_pack.remote_video.models.runway_gen3_turbo import RUNWAY_GEN3_TURBO
from remote_video_pack.remote_video.models.veo3 import VEO3

from .field_of import needed, pictures

SQUARE = (1000, 1000)


def request_of(spec: Any, size: tuple[int, int] | None = SQUARE, **values: Any):
    picture = {} if size is None else {"image": torch.zeros(1, size[1], size[0], 3)}
    return spec.request({"prompt": "a wave", **picture, **values})


@pytest.mark.parametrize(
    ("spec", "values", "known", "line"),
    [
        (
            VEO3,
            {"fit": "crop"},
            Known(usual_s=100, usd=0.4),
            "8 s, 16:9 | your 1:1 picture loses top and bottom (44%) | usually 1:40 | about $0.40",
        ),
        (VEO3, {"fit": "pad"}, Known(), "8 s, 16:9 | your 1:1 picture gets black bars left and right"),
        (
            VEO3,
            {},
            Known(usd=1.2, is_from=True),
            "8 s, 16:9 | your 1:1 picture goes whole, the model fits it to the clip | from $1.20",
        ),
        (VEO3, {"size": (1920, 1080)}, Known(sandbox=True), "8 s, 16:9 | free in the sandbox"),
        (VEO3, {"size": (1080, 1920)}, Known(), "8 s, 9:16"),
        (KLING3, {"duration": 7}, Known(usual_s=3700), "7 s, 1:1 | usually 1:01:40"),
        (DREAMINA3_PRO, {"size": (200, 200)}, Known(), "5.04 s, 1:1 | your 1:1 picture is scaled to 321x321"),
        (
            DREAMINA3_PRO,
            {"size": (4000, 1000)},
            Known(),
            "5.04 s, 21:9 | your 4000x1000 picture loses left and right (25%)",
        ),
        (
            RUNWAY_GEN3_TURBO,
            {"ratio": "768:1280", "fit": "crop"},
            Known(),
            "5 s, 3:5 | your 1:1 picture loses left and right (40%)",
        ),
        (COMET_VEO, {"size": None}, Known(), "8 s, 16:9"),
        (VEO3, {}, Known(is_made=True, usd=1.2), "Already made: free"),
        (VEO3, {}, Known(is_being_made=True, usual_s=60), "Already being made: free"),
    ],
)
def test_the_line(spec, values, known, line):
    assert before_run(request_of(spec, values.pop("size", SQUARE), **values), known).line == line


def test_each_of_two_pictures_is_named():
    last = torch.zeros(1, 500, 2000, 3)
    told = before_run(request_of(COMET_VEO, (1280, 720), last_image=last, fit="crop"), Known())
    assert told.pictures == ("last_image: your 2000x500 picture loses left and right (56%)",)


def test_a_shape_without_a_name_is_its_size():
    assert [shape_words(size) for size in ((1920, 1088), (2176, 928), (832, 1216))] == ["16:9", "21:9", "832x1216"]


def test_where_no_shape_is_known_none_is_said():
    made = plan((300, 200), ImageLimits(width=Bound(le=150)), "auto")
    assert picture_words(made, None) == "your 3:2 picture is scaled to 150x100"
    assert picture_words(plan(SQUARE, ImageLimits(), "auto"), None) == ""


@pytest.mark.parametrize("mode", ["auto", "crop", "pad"])
@pytest.mark.parametrize("size", [(640, 640), (1280, 720), (500, 1400)])
def test_what_is_told_of_a_picture_is_so_of_the_one_that_is_sent(mode, size):
    picture = torch.zeros(1, size[1], size[0], 3)
    for spec in MODELS:
        for field in spec.fields:
            if not isinstance(field, Picture):
                continue
            request = spec.request({**needed(spec), **pictures(spec), field.name: picture, "fit": mode})
            sent = [media.shape[1::-1] for media in request.media() if isinstance(media, Image)]
            assert request.plans[field.name].target in sent, (spec.node_id, field.name)
            if mode != "auto" and field.fills_canvas and request.canvas is not None:
                assert request.plans[field.name].target == request.canvas, (spec.node_id, field.name)


class Watched(dict):  # type: ignore[type-arg]
    """Values that remember which of them were looked at."""

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.seen.add(name)
        return super().get(name, default)


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.node_id)
def test_a_model_names_all_that_says_how_long_its_clip_is_and_of_which_shape(spec):
    """Whatever is chosen: one choice can make another matter."""
    defaults = {field.name: getattr(field, "default", None) for field in spec.fields}
    choices = [{field.name: one} for field in spec.fields for one in getattr(field, "choices", ())]
    length, shape = set[str](), set[str]()
    for chosen in ({}, *choices):
        values = Watched(defaults | chosen)
        values.update(spec.settle(defaults | chosen))
        spec.clip_seconds(values)
        length |= values.seen
        values.seen.clear()
        spec.canvas(values, SQUARE)
        shape |= values.seen
    assert length == set(spec.length_inputs), f"{spec.node_id}: length_inputs are what clip_seconds looks at"
    assert shape == set(spec.shape_inputs), f"{spec.node_id}: shape_inputs are what canvas looks at"
