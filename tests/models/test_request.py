"""A request names its model and its words, and is known by its files where they are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.media.fit import Bound, ImageLimits
from remote_video_pack.remote_video.models.comet_veo import COMET_VEO
from remote_video_pack.remote_video.models.request import Image, Video
from remote_video_pack.remote_video.models.veo3 import VEO3

BASE, PHOTO, OTHER = "https://provider.example/v1", "a" * 64, "b" * 64


def asked(**values):
    return VEO3.request({"prompt": "a wave", "image": torch.zeros(1, 720, 1280, 3), **values})


def test_where_a_route_serves_several_models_the_one_that_is_named_counts():
    request = COMET_VEO.request({"prompt": "a wave", "model": "veo3.1-pro"})
    assert (request.model_id, request.model_name) == ("cometapi/veo3.1-pro", "Veo (CometAPI): veo3.1-pro")
    assert (asked().model_id, asked().model_name) == (VEO3.model_id, "Veo 3")


def test_the_words_are_found_under_their_wire_name():
    assert (asked().prompt, replace(asked(), body={}).prompt) == ("a wave", "")


def test_a_request_is_known_by_its_files_only_where_all_of_them_are_known():
    known = asked(files={"image": PHOTO})
    assert known.files == (PHOTO,)
    assert asked().file_digest(BASE) is None
    digest = known.file_digest(BASE)
    assert digest is not None and len(digest) == 64
    assert asked(files={"image": PHOTO}, image=torch.ones(1, 720, 1280, 3)).file_digest(BASE) == digest
    assert asked(files={"image": PHOTO}, fit="strict").file_digest(BASE) == digest, "strict changes no picture"
    others = (
        asked(files={"image": OTHER}),
        asked(files={"image": PHOTO}, fit="pad"),
        asked(seed=2, files={"image": PHOTO}),
    )
    assert digest not in {other.file_digest(BASE) for other in others}
    assert known.file_digest("https://elsewhere.example") != digest


# -- pictures that wait for their files ---------------------------------------------------------------------------

NOISE = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)


def test_equal_pictures_are_one_as_long_as_they_may_be_the_same_file():
    one = Image.of(NOISE, ImageLimits())
    assert Image.of(NOISE.copy(), ImageLimits()) is one
    others = (Image.of(NOISE, ImageLimits(), lossless=True), Image.of(NOISE, ImageLimits(width=Bound(le=99))))
    assert one not in others and others[0].digest == one.digest
    assert Image.of(255 - NOISE, ImageLimits()).digest != one.digest
    assert Image.of(NOISE.reshape(32, 128, 3), ImageLimits()).digest != one.digest


def test_a_picture_is_made_into_a_file_once_and_its_pixels_go():
    image = Image.of(NOISE, ImageLimits())
    file = image.encode()
    assert file.data.startswith(b"\x89PNG")
    assert image.encode() is file
    assert image._pixels is None
    assert image.shape == (64, 64, 3)


def test_a_picture_that_must_keep_every_pixel_does_not_become_a_jpeg():
    small = ImageLimits(max_bytes=6000)
    assert Image.of(NOISE, small).encode().mime == "image/jpeg"
    with pytest.raises(InputRefused):
        Image.of(NOISE, small, lossless=True).encode()


def test_what_making_the_files_gave_up_is_said_once_each_however_often_they_are_made():
    request = COMET_VEO.request({"prompt": "a wave", "image": torch.zeros(1, 720, 1280, 3)})
    request.file_notices.append("of an earlier try")
    request.encode()
    assert request.file_notices == []


def test_a_film_is_no_picture():
    assert Video(b"mp4").encode().mime == "video/mp4"
    assert Video(b"mp4").digest != Video(b"mp5").digest
