"""What a model would refuse is refused here, before anything is sent: what was found, the limit, and what to do."""

from __future__ import annotations

import pytest
import torch
from remote_video_pack.remote_video.errors import Billed, InputRefused
from remote_video_pack.remote_video.models import MODELS, KlingElement
from remote_video_pack.remote_video.models.comet_veo import COMET_VEO
from remote_video_pack.remote_video.models.dreamina3_pro import DREAMINA3_PRO
from remote_video_pack.remote_video.models.fields import Text
from remote_video_pack.remote_video.models.kling3 import KLING3
from remote_video_pack.remote_video.models.media_fields import MediaField, Picture
from remote_video_pack.remote_video.models.runcomfy_limits import MAX_VIDEO_BYTES
from remote_video_pack.remote_video.models.runway_gen3_turbo import RUNWAY_GEN3_TURBO
from remote_video_pack.remote_video.models.veo3 import VEO3

from .field_of import PICTURE, field_of, needed, pictures

IMAGE = PICTURE


def values(spec, **more):
    return {**needed(spec), **more}


def each(kind):
    """Every model with each of its inputs of that kind."""
    return [
        pytest.param(spec, field, id=f"{spec.node_id}-{field.name}")
        for spec in MODELS
        for field in spec.fields
        if isinstance(field, kind)
    ]


def refused(spec, **more) -> InputRefused:
    with pytest.raises(InputRefused) as refusal:
        spec.request(values(spec, **more))
    assert refusal.value.what.startswith(f"{spec.name}: ")
    assert refusal.value.billed is Billed.NO
    assert refusal.value.next_step
    return refusal.value


def says(error: InputRefused, *words: str) -> None:
    for word in words:
        assert word in str(error), f"{word!r} is not in {error}"


# -- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "limit"), [(VEO3, 1999), (RUNWAY_GEN3_TURBO, 512), (DREAMINA3_PRO, 800)], ids=["veo", "runway", "dreamina"]
)
@pytest.mark.parametrize("letter", ["a", "\u00e4", "\U0001f600"])
def test_a_prompt_may_be_exactly_as_long_as_the_limit_in_characters(spec, limit, letter):
    spec.request(values(spec, prompt=letter * limit))
    says(refused(spec, prompt=letter * (limit + 3)), f"{limit + 3:,}", f"{limit:,}", "Shorten it by 3 ")


@pytest.mark.parametrize("spec", [KLING3, COMET_VEO], ids=["kling", "comet"])
def test_a_prompt_without_a_published_limit_is_not_cut(spec):
    assert spec.request(values(spec, prompt="a" * 5000)).body["prompt"] == "a" * 5000


@pytest.mark.parametrize(("spec", "field"), each(Text))
@pytest.mark.parametrize("words", ["", "  \n", None])
def test_words_that_are_required_are_asked_for(spec, field, words):
    if field.name in needed(spec):
        says(refused(spec, **{field.name: words}), f"`{field.name}` is empty", f"Write a {field.name}")


@pytest.mark.parametrize(("spec", "field"), each(Text))
def test_half_a_character_is_refused_before_it_breaks_the_wire(spec, field):
    says(refused(spec, **{field.name: "a \ud83d b"}), f"`{field.name}`", "Enter it again")


def test_cometveos_model_may_not_be_empty():
    says(refused(COMET_VEO, model="  "), "`model` is empty")


# -- choices and numbers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "name", "value", "limits"),
    [
        (RUNWAY_GEN3_TURBO, "ratio", "16:9", ["1280:768", "768:1280"]),
        (RUNWAY_GEN3_TURBO, "duration", 7, ["5, 10"]),
        (RUNWAY_GEN3_TURBO, "seed", -1, ["0", "4,294,967,295"]),
        (RUNWAY_GEN3_TURBO, "seed", 2**64, ["4,294,967,295"]),
        (RUNWAY_GEN3_TURBO, "seed", 10**400, ["4,294,967,295"]),
        (VEO3, "seed", 2**64, ["18,446,744,073,709,551,615"]),
        (VEO3, "seed", True, ["whole number"]),
        (KLING3, "duration", 2, ["3 to 15"]),
        (KLING3, "duration", 16, ["3 to 15"]),
        (KLING3, "duration", 5.5, ["whole number", "3 to 15"]),
        (KLING3, "duration", "long", ["3 to 15"]),
        (KLING3, "cfg_scale", 1.01, ["0 to 1"]),
        (KLING3, "cfg_scale", -0.1, ["0 to 1"]),
        (KLING3, "cfg_scale", float("nan"), ["0 to 1"]),
        (KLING3, "shot_type", "intelligent", ["customize"]),
        (KLING3, "generate_audio", "yes", ["on or off"]),
        (DREAMINA3_PRO, "num_frames", 120, ["121, 241"]),
        (DREAMINA3_PRO, "seed", -2, ["-1"]),
        (COMET_VEO, "size", "1x1", ["auto, 16x9, 9x16"]),
        (VEO3, "generate_audio", 1, ["on or off"]),
    ],
)
def test_a_value_outside_its_limits_is_named_with_them(spec, name, value, limits):
    says(refused(spec, **{name: value}), f"`{name}`", str(value)[:70], *limits)


@pytest.mark.parametrize(
    ("spec", "name", "value"),
    [
        (RUNWAY_GEN3_TURBO, "seed", 4294967295),
        (KLING3, "duration", 3),
        (KLING3, "duration", 15),
        (KLING3, "cfg_scale", 0),
        (KLING3, "cfg_scale", 1),
        (DREAMINA3_PRO, "seed", -1),
        (DREAMINA3_PRO, "num_frames", 241),
    ],
)
def test_a_limit_itself_is_accepted(spec, name, value):
    spec.request(values(spec, **{name: value}))


# -- images --------------------------------------------------------------------------------------------------------


def strict(spec, width, height):
    return refused(spec, image=torch.zeros(1, height, width, 3), fit="strict")


@pytest.mark.parametrize(
    ("spec", "width", "height", "words"),
    [
        (RUNWAY_GEN3_TURBO, 8000, 4001, ["width is 8000 px", "< 8000"]),
        (RUNWAY_GEN3_TURBO, 4001, 8000, ["height is 8000 px", "< 8000"]),
        (RUNWAY_GEN3_TURBO, 100, 200, ["ratio is 0.5", "> 0.5"]),
        (RUNWAY_GEN3_TURBO, 200, 100, ["ratio is 2", "< 2"]),
        (DREAMINA3_PRO, 320, 400, ["width is 320 px", "> 320 and <= 4096"]),
        (DREAMINA3_PRO, 400, 320, ["height is 320 px", "> 320 and <= 4096"]),
        (DREAMINA3_PRO, 4097, 2000, ["width is 4097 px", "<= 4096"]),
        (DREAMINA3_PRO, 1200, 400, ["ratio is 3", "< 3"]),
        (DREAMINA3_PRO, 330, 1000, ["ratio is 0.33", "> 0.33"]),
    ],
)
def test_an_image_outside_the_limits_is_named_with_them_in_strict(spec, width, height, words):
    says(strict(spec, width, height), *words, "Resize or crop")


@pytest.mark.parametrize(
    ("spec", "width", "height"),
    [
        (RUNWAY_GEN3_TURBO, 101, 201),
        (RUNWAY_GEN3_TURBO, 199, 100),
        (DREAMINA3_PRO, 321, 321),
        (DREAMINA3_PRO, 4096, 1366),
        (DREAMINA3_PRO, 331, 1000),
    ],
)
def test_an_image_just_inside_the_limits_is_left_alone(spec, width, height):
    request = spec.request(values(spec, image=torch.zeros(1, height, width, 3), fit="strict"))
    (image,) = request.media()
    assert image.shape == (height, width, 3)
    assert request.notices == ()


@pytest.mark.parametrize("spec", [RUNWAY_GEN3_TURBO, DREAMINA3_PRO], ids=["runway", "dreamina"])
@pytest.mark.parametrize("size", [(9000, 100), (100, 9000), (33, 40)])
def test_auto_makes_any_image_fit_the_contract(spec, size):
    limits = field_of(spec, "image").limits
    (image,) = spec.request(values(spec, image=torch.zeros(1, size[1], size[0], 3))).media()
    height, width = image.shape[:2]
    assert limits.width.holds(width)
    assert limits.height.holds(height)
    assert limits.ratio.holds(width / height)


def test_a_file_is_never_larger_than_the_contract_allows():
    noise = torch.rand(1, 2200, 2200, 3)
    (image,) = DREAMINA3_PRO.request(values(DREAMINA3_PRO, image=noise)).media()
    file = image.encode()
    assert len(file.data) < 4_700_000
    assert file.mime in ("image/png", "image/jpeg")
    assert file.notices


def test_in_strict_a_file_that_is_too_large_is_an_error_and_the_same_image_in_auto_is_not():
    noise = torch.rand(1, 1300, 1300, 3)
    request, changed = (
        DREAMINA3_PRO.request(values(DREAMINA3_PRO, image=noise, fit=fit)) for fit in ("strict", "auto")
    )
    changed.encode()
    with pytest.raises(InputRefused, match="the model accepts at most 4,699,999"):
        request.encode()
    assert request.key("b", "a") == changed.key("b", "a")
    assert "JPEG" in changed.file_notices[0]


@pytest.mark.parametrize("fit", ["zoom", "", 5, torch.zeros(2)], ids=str)
def test_a_fit_that_does_not_exist_is_refused(fit):
    says(refused(VEO3, fit=fit), "`fit` is ", "auto, crop, pad, strict")


@pytest.mark.parametrize(("spec", "field"), each(Picture))
def test_a_batch_of_images_is_an_error_that_names_the_way(spec, field):
    if not field.takes_several:
        batch = {**pictures(spec), field.name: torch.rand(3, 64, 64, 3)}
        says(refused(spec, **batch), f"{field.name} holds 3 images", "list", "one clip each")


@pytest.mark.parametrize(("spec", "field"), each(Picture))
@pytest.mark.parametrize(
    ("image", "words"),
    [
        (torch.full((1, 400, 400, 3), float("nan")), "NaN"),
        (torch.full((1, 400, 400, 3), float("inf")), "infinite"),
        (torch.zeros(0, 400, 400, 3), "shape"),
        (torch.zeros(1, 0, 400, 3), "shape"),
        (torch.zeros(400, 400), "shape"),
        (torch.zeros(1, 400, 400, 2), "2 channels"),
        (torch.zeros(1, 400, 400, 3, dtype=torch.uint8), "floats"),
    ],
)
def test_what_is_no_image_is_refused(spec, field, image, words):
    says(refused(spec, **{**pictures(spec), field.name: image}), words)


@pytest.mark.parametrize(("spec", "field"), each(MediaField))
def test_a_file_that_is_required_is_asked_for(spec, field):
    if field.required:
        says(refused(spec, **{field.name: None}), f"`{field.name}` is not connected", f"Connect {field.socket}")


def test_a_last_image_alone_is_an_error():
    says(refused(COMET_VEO, last_image=IMAGE), "`last_image`", "`image`", "Connect the first frame")


# -- shots and elements --------------------------------------------------------------------------------------------


def shots(*seconds):
    return [{"prompt": "a shot", "duration": s} for s in seconds]


@pytest.mark.parametrize(
    ("duration", "seconds", "words"),
    [
        (10, (3, 4), ["3 + 4 = 7 s", "`duration` is 10 s", "3 s too short", "set `duration` to 7"]),
        (10, (5, 5, 3), ["5 + 5 + 3 = 13 s", "3 s too long", "set `duration` to 13"]),
        (15, (8, 8), ["16 s", "1 s too long", "at most 15 s"]),
    ],
)
def test_shots_that_do_not_add_up_say_by_how_much(duration, seconds, words):
    says(refused(KLING3, duration=duration, multi_shot=shots(*seconds)), *words)


@pytest.mark.parametrize("seconds", [(5, 5), (3, 3, 4), (3, 3, 3, 6), (3, 3, 3, 3, 3)])
def test_shots_that_add_up_are_accepted(seconds):
    KLING3.request(values(KLING3, duration=sum(seconds), multi_shot=shots(*seconds)))


@pytest.mark.parametrize(
    ("number", "change", "words"),
    [
        (2, {"prompt": " "}, ["`shot_2_prompt` is empty"]),
        (2, {"prompt": None}, ["`shot_2_prompt` is empty"]),
        (1, {"duration": 2}, ["`shot_1_duration`", "3 to 15"]),
        (1, {"duration": 16}, ["`shot_1_duration`", "3 to 15"]),
        (1, {"camera": "still"}, ["`camera`", "no such part"]),
    ],
)
def test_each_shot_is_checked(number, change, words):
    given = shots(5, 5)
    given[number - 1].update(change)
    says(refused(KLING3, multi_shot=given), *words)


@pytest.mark.parametrize(("count", "words"), [(1, ["1 shots", "2 shots"]), (6, ["6 shots", "5 shots"])])
def test_shots_are_counted(count, words):
    says(refused(KLING3, multi_shot=shots(*[3] * count)), *words)


@pytest.mark.parametrize("nothing", [None, []])
def test_one_shot_is_what_is_meant_by_nothing(nothing):
    assert "multi_prompt" not in KLING3.request(values(KLING3, multi_shot=nothing)).body


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.node_id)
def test_what_a_model_has_no_input_for_is_refused(spec):
    says(refused(spec, camera_angle="low"), "`camera_angle`", "no such input", "It takes ")


def test_too_many_elements_are_counted():
    elements = {f"element_{number}": KlingElement(IMAGE) for number in range(5)}
    says(refused(KLING3, elements=elements), "5 elements", "at most 3", "Disconnect 2")


@pytest.mark.parametrize(
    ("element", "words"),
    [
        (KlingElement(torch.rand(2, 64, 64, 3)), ["frontal_image of element 1", "2 images"]),
        (5, ["element 1 is 5", "Kling 3.0 Element node"]),
        (KlingElement(), ["element 1 has neither a frontal_image", "Connect", "`video`"]),
        (KlingElement(IMAGE, torch.zeros(0, 64, 64, 3)), ["element 1", "empty batch"]),
        (KlingElement(IMAGE, torch.full((2, 64, 64, 3), float("nan"))), ["reference image 1 of element 1", "NaN"]),
        (KlingElement(IMAGE, None, bytes(MAX_VIDEO_BYTES + 1)), ["100,000,001 bytes", "at most 100,000,000"]),
    ],
)
def test_an_element_is_checked_and_named(element, words):
    says(refused(KLING3, elements={"element_0": element}), *words)


# -- queue time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "known", "words"),
    [
        (VEO3, {"prompt": ""}, "`prompt` is empty"),
        (VEO3, {"prompt": "a" * 2000}, "1,999"),
        (RUNWAY_GEN3_TURBO, {"duration": 7}, "5, 10"),
        (KLING3, {"prompt": "a", "duration": 20}, "3 to 15"),
        (KLING3, {"prompt": "a", "negative_prompt": "", "duration": 8}, None),
        (DREAMINA3_PRO, {"seed": -5}, "-1"),
        (COMET_VEO, {"model": " "}, "`model` is empty"),
    ],
)
def test_at_queue_time_the_first_problem_of_the_known_values_is_told(spec, known, words):
    problem = spec.problem(known)
    assert (problem is None) == (words is None)
    if words is not None:
        assert words in problem


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.node_id)
def test_at_queue_time_what_is_wired_is_left_for_later(spec):
    assert spec.problem({field.name: None for field in spec.fields}) is None
