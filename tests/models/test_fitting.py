"""A picture is fitted to the size that its model renders at, and the first one says which."""

from __future__ import annotations

import pytest
import torch
from remote_video_pack.remote_video.media.fit import ImageLimits
from remote_video_pack.remote_video.models.comet_veo import COMET_VEO
from remote_video_pack.remote_video.models.dreamina3_pro import DREAMINA3_PRO
from remote_video_pack.remote_video.models.fitting import Fitting
from remote_video_pack.remote_video.models.kling3 import KLING3
from remote_video_pack.remote_video.models.runway_gen3_turbo import RUNWAY_GEN3_TURBO
from remote_video_pack.remote_video.models.veo3 import VEO3


def test_the_first_picture_that_fills_the_clip_says_its_shape():
    fitting = Fitting("auto", lambda size: None, {"image": "a" * 64})
    sizes = {"reference": (9, 9), "image": (16, 9), "last_image": (9, 16)}
    for name, (width, height) in sizes.items():
        fitting.image(torch.zeros(1, height, width, 3), name, ImageLimits(), fills_canvas=name != "reference")
        assert fitting.first == (None if name == "reference" else sizes["image"])
    assert {name: plan.size for name, plan in fitting.plans.items()} == sizes
    assert fitting.sources == (), "one file is known, of three"


@pytest.mark.parametrize(
    ("spec", "size", "canvas", "values"),
    [
        (VEO3, (640, 480), (1280, 720), {}),
        (VEO3, (480, 480), (1280, 720), {}),
        (VEO3, (480, 481), (720, 1280), {}),
        (KLING3, (1600, 900), (1280, 720), {}),
        (KLING3, (900, 1600), (720, 1280), {}),
        (KLING3, (900, 800), (960, 960), {}),
        (COMET_VEO, (640, 480), (1280, 720), {}),
        (COMET_VEO, (640, 480), (720, 1280), {"size": "9x16"}),
        (RUNWAY_GEN3_TURBO, (800, 600), (1280, 768), {}),
        (RUNWAY_GEN3_TURBO, (800, 600), (768, 1280), {"ratio": "768:1280"}),
        (DREAMINA3_PRO, (1600, 900), (1920, 1088), {}),
        (DREAMINA3_PRO, (800, 600), (1664, 1248), {}),
        (DREAMINA3_PRO, (600, 600), (1440, 1440), {}),
        (DREAMINA3_PRO, (600, 800), (1248, 1664), {}),
        (DREAMINA3_PRO, (900, 1600), (1088, 1920), {}),
        (DREAMINA3_PRO, (2100, 900), (2176, 928), {}),
    ],
)
def test_a_picture_fills_the_size_that_the_model_renders_at(spec, size, canvas, values):
    image = torch.zeros(1, size[1], size[0], 3)
    request = spec.request({"prompt": "a wave", "image": image, "fit": "pad", **values})
    assert request.canvas == canvas
    sent = next(iter(request.media()))
    assert (sent.shape[1], sent.shape[0]) == canvas
