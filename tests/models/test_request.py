"""A request names its model and its words, and is known by its files where they are known."""

from __future__ import annotations

from dataclasses import replace

import torch
from remote_video_pack.remote_video.models.comet_veo import COMET_VEO
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
    others = (asked(files={"image": OTHER}), asked(files={"image": PHOTO}, fit="pad"), asked(seed=2, files={"image": PHOTO}))
    assert digest not in {other.file_digest(BASE) for other in others}
    assert known.file_digest("https://elsewhere.example") != digest
