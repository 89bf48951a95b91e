"""The job key: the same for what is the same clip, different for all that makes another one."""

from __future__ import annotations

import pytest
import torch
from remote_video_pack.remote_video.models import KlingElement
from remote_video_pack.remote_video.models.comet_veo import COMET_VEO
from remote_video_pack.remote_video.models.dreamina3_pro import DREAMINA3_PRO
from remote_video_pack.remote_video.models.kling3 import KLING3
from remote_video_pack.remote_video.models.runway_gen3_turbo import RUNWAY_GEN3_TURBO
from remote_video_pack.remote_video.models.veo3 import VEO3

BASE, ACCOUNT = "https://model-api.runcomfy.net", "account-1"
PATTERN = (torch.arange(360 * 600 * 3) % 251).reshape(1, 360, 600, 3)
IMAGE = PATTERN.float() / 255


def key(spec=VEO3, base=BASE, account=ACCOUNT, **values):
    given = {"image": IMAGE, "prompt": "a wave", "seed": 1, **values}
    return spec.request(given).key(base, account)


FIXED = {
    VEO3: "295e4204f8bf769b52655b45ba54ef2e2527f87f744c592d834138e52fcae8df",
    RUNWAY_GEN3_TURBO: "8b47aa96789aed4ed2aeb2e519ae7665baa8ce47e7da65faeefa07c3b61ebce4",
    KLING3: "1b8e3e57dc38197f6b949d2dcf013609b2b2a587e7425cc2b8beebfaf913d769",
    DREAMINA3_PRO: "fd3973aaf302bdb104341a59ea3295afb8e36680d78dce2bb3a25928a947be26",
    COMET_VEO: "2560a741faf55b7a46272cc71f8fbe92853577d5994abeae5f905acde0b36b2d",
}


@pytest.mark.parametrize("spec", FIXED, ids=lambda spec: spec.node_id)
def test_a_key_is_the_same_in_every_process_and_version(spec):
    """A changed key means that everybody pays again for what they have."""
    assert key(spec) == FIXED[spec]


def test_shots_and_elements_keep_their_keys_too():
    shots = [{"prompt": "a", "duration": 3}, {"prompt": "b", "duration": 5}]
    elements = {"element_0": KlingElement(IMAGE, IMAGE, b"mp4"), "element_1": KlingElement(IMAGE)}
    known = "63ac731b074e82f1d15f21d76e1172a0723bbb88e6de99f27a8b465e0335419f"
    assert key(KLING3, duration=8, multi_shot=shots) == known
    known = "6821d135a60c27f0818ae185af02369e0c4d6f09104f0bd6bc5aa70081dbd602"
    assert key(KLING3, negative_prompt="fog", elements=elements) == known
    known = "00f64eb4cdf2f2d1324d4bd47ca470f5e5652bfcbfe58fc0eb0ecb5536405fae"
    assert key(COMET_VEO, image=None) == known


def test_a_key_says_nothing_of_what_went_into_it():
    assert len(key()) == 64
    int(key(), 16)


@pytest.mark.parametrize(
    "image",
    [
        IMAGE.double(),
        IMAGE.clone() + 1e-4,
        torch.cat([IMAGE, torch.ones_like(IMAGE[..., :1])], dim=-1),
        IMAGE[0],
        IMAGE.permute(0, 2, 1, 3).contiguous().permute(0, 2, 1, 3),
    ],
    ids=["another dtype", "rounding noise", "opaque alpha", "no batch", "another memory layout"],
)
def test_the_same_pixels_are_the_same_clip_however_they_come(image):
    assert key(image=image) == key()


def test_half_precision_pixels_are_the_same_clip():
    assert key(image=IMAGE.half()) == key()


def test_the_encoded_file_does_not_matter():
    before = key()
    request = VEO3.request({"image": IMAGE, "prompt": "a wave", "seed": 1})
    next(request.media()).encode()
    assert request.key(BASE, ACCOUNT) == before


@pytest.mark.parametrize("fit", ["auto", "crop", "pad", "strict"])
def test_fit_does_not_matter_while_the_pixels_stay(fit):
    at_home = torch.rand(1, 720, 1280, 3, generator=torch.Generator().manual_seed(1))
    assert key(image=at_home, fit=fit) == key(image=at_home)


def test_fit_matters_when_it_changes_the_pixels():
    assert len({key(fit=fit) for fit in ("auto", "crop", "pad")}) == 3


def test_no_fit_is_the_usual_one():
    assert key(fit=None) == key()


@pytest.mark.parametrize(
    ("spec", "other"),
    [
        (VEO3, {"base": "https://elsewhere.example"}),
        (VEO3, {"base": "sandbox"}),
        (VEO3, {"account": "account-2"}),
        (VEO3, {"prompt": "a wave "}),
        (VEO3, {"seed": 2}),
        (VEO3, {"generate_audio": True}),
        (VEO3, {"image": IMAGE.flip(1)}),
        (VEO3, {"image": PATTERN.reshape(1, 600, 360, 3).float() / 255}),
        (RUNWAY_GEN3_TURBO, {"ratio": "768:1280"}),
        (RUNWAY_GEN3_TURBO, {"duration": 10}),
        (RUNWAY_GEN3_TURBO, {"seed": 2}),
        (KLING3, {"negative_prompt": "fog"}),
        (KLING3, {"duration": 5}),
        (KLING3, {"generate_audio": False}),
        (KLING3, {"cfg_scale": 0.6}),
        (KLING3, {"seed": 2}),
        (KLING3, {"multi_shot": [{"prompt": "a", "duration": 5}, {"prompt": "b", "duration": 5}]}),
        (KLING3, {"elements": {"element_0": KlingElement(IMAGE)}}),
        (KLING3, {"elements": {"element_0": KlingElement(IMAGE, IMAGE)}}),
        (KLING3, {"elements": {"element_0": KlingElement(IMAGE, None, b"video")}}),
        (KLING3, {"elements": {"element_0": KlingElement(IMAGE, None, b"other")}}),
        (DREAMINA3_PRO, {"num_frames": 241}),
        (DREAMINA3_PRO, {"seed": 2}),
        (COMET_VEO, {"image": None}),
        (COMET_VEO, {"last_image": IMAGE}),
        (COMET_VEO, {"model": "veo3"}),
        (COMET_VEO, {"size": "9x16"}),
        (COMET_VEO, {"seed": 2}),
    ],
)
def test_whatever_makes_another_clip_makes_another_key(spec, other):
    assert key(spec, **other) != key(spec)


def test_no_two_of_an_elements_parts_can_be_taken_for_one_another():
    elements = [
        KlingElement(IMAGE),
        KlingElement(IMAGE, IMAGE),
        KlingElement(IMAGE, torch.cat([IMAGE, IMAGE])),
        KlingElement(IMAGE, None, b"video"),
        KlingElement(IMAGE, None, b"other"),
        KlingElement(IMAGE.flip(1)),
    ]
    assert len({key(KLING3, elements={"element_0": element}) for element in elements}) == len(elements)


def test_first_and_last_frame_can_not_be_swapped_unnoticed():
    other = IMAGE.flip(2)
    assert key(COMET_VEO, image=IMAGE, last_image=other) != key(COMET_VEO, image=other, last_image=IMAGE)


def test_one_pixel_makes_another_clip():
    changed = IMAGE.clone()
    changed[0, 7, 9, 1] += 1 / 255
    assert key(image=changed) != key()


def test_models_do_not_share_keys():
    specs = (VEO3, RUNWAY_GEN3_TURBO, KLING3, DREAMINA3_PRO, COMET_VEO)
    assert len({key(spec) for spec in specs}) == len(specs)
