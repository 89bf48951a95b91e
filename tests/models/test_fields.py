"""Words, choices, numbers, switches, groups and JSON: what is understood, what is sent, what is left to the model."""

from __future__ import annotations

import pytest
import torch
from remote_video_pack.remote_video.catalogue.schema import NO_PROMPT
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.models.fields import (
    LARGEST_SEED,
    UNSET,
    Choice,
    Flag,
    Number,
    Seed,
    Text,
    seed_field,
)
from remote_video_pack.remote_video.models.fitting import Fitting
from remote_video_pack.remote_video.models.groups import Json, Repeated
from remote_video_pack.remote_video.models.kling_elements import Elements, KlingElement

CHOICE = Choice("size", "size", "", choices=("720p", "1080p"))
WHOLE = Number("steps", "steps", "", minimum=1, maximum=50, default=None, whole=True)
REAL = Number("scale", "scale", "", minimum=-1.5, maximum=1, default=None)
FLAG = Flag("hd", "hd", "", default=None)
STRANGE = [torch.zeros(2), torch.zeros(1), {}, [], (1,), object(), 1j, b"5"]


def sent(field, value) -> dict:
    body: dict = {}
    field.write(body, field.check(value), Fitting("auto", lambda size: None, None))
    return body


def refused(field, value) -> str:
    with pytest.raises(InputRefused) as refusal:
        field.check(value)
    assert f"`{field.name}`" in refusal.value.what
    assert len(str(refusal.value)) < 1000
    return str(refusal.value)


@pytest.mark.parametrize(
    ("field", "unset"),
    [(CHOICE, UNSET), (WHOLE, 0), (WHOLE, "0"), (REAL, -2.5), (FLAG, UNSET), (Text("a", "a", ""), "")],
)
def test_what_is_left_to_the_model_is_not_sent(field, unset):
    assert sent(field, unset) == sent(field, None) == {}


@pytest.mark.parametrize(
    ("field", "value", "wire"),
    [
        (CHOICE, "720p", "720p"),
        (Choice("a", "a", "", choices=(5, 10)), "5", 5),
        (Choice("a", "a", "", choices=("5", "10")), 5, "5"),
        (Choice("a", "a", "", choices=("", "b")), "", ""),
        (Choice("a", "a", "", choices=(0, 1)), 0, 0),
        (WHOLE, 1, 1),
        (WHOLE, "50", 50),
        (REAL, 0, 0.0),
        (REAL, -1.5, -1.5),
        (FLAG, "false", False),
        (FLAG, False, False),
        (Text("a", "a", ""), 5, "5"),
        (Text("a", "a", "", default="fog", blank_is_sent=True), "", ""),
    ],
)
def test_a_value_is_sent_as_what_it_means_also_when_it_is_nothing_much(field, value, wire):
    (found,) = sent(field, value).values()
    assert (found, type(found)) == (wire, type(wire))


@pytest.mark.parametrize("field", [CHOICE, WHOLE, REAL, FLAG, Text("a", "a", ""), Seed("seed", "seed", "")])
@pytest.mark.parametrize("value", STRANGE, ids=lambda value: type(value).__name__)
def test_what_is_no_value_of_a_widget_is_refused(field, value):
    refused(field, value)


@pytest.mark.parametrize("field", [CHOICE, WHOLE, REAL, FLAG, Seed("seed", "seed", "", maximum=9)])
@pytest.mark.parametrize(
    "value",
    ["x" * 10_000, 10**5000, "half \ud800", "a\x1b[2J", float("nan"), float("-inf"), "inf"],
    ids=["long", "digits", "half", "control", "nan", "inf", "infinite"],
)
def test_a_hostile_value_is_named_in_few_visible_characters(field, value):
    said = refused(field, value)
    said.encode()
    assert "\x1b" not in said


@pytest.mark.parametrize("value", [True, False])
def test_a_switch_is_no_choice_of_numbers_and_no_number(value):
    refused(Choice("a", "a", "", choices=(0, 1)), value)
    refused(WHOLE, value)


@pytest.mark.parametrize(
    ("value", "found"),
    [(0.5, 0.5), (0.1 + 0.2, 0.3), (0.7000000000000001, 0.7), ("0.2", 0.2), (0, 0.0), (1, 1.0)],
)
def test_steps_are_counted_as_they_are_written(value, found):
    assert Number("a", "a", "", default=0, multiple_of=0.1).check(value) == found


@pytest.mark.parametrize(("every", "value"), [(0.1, 0.25), (0.1, 1e-3), (8, 12), (0.5, 0.3)])
def test_between_two_steps_nothing_is_taken(every, value):
    assert f"in steps of {every:g}" in refused(Number("a", "a", "", maximum=100, multiple_of=every), value)


def test_what_is_left_to_the_model_is_said_where_it_can_be():
    assert Number("n", "n", "", minimum=1, maximum=9, default=None).limits_text == "0: left to the model."
    assert Number("n", "n", "", minimum=1, maximum=9, default=2).limits_text == ""
    assert "-1 lets the model choose" in seed_field("seed", -1, -1).tooltip
    assert "-1" not in seed_field("seed").tooltip
    assert "has no seed" in seed_field(None).tooltip


def test_whole_steps_stay_whole():
    found = Number("a", "a", "", maximum=1024, whole=True, multiple_of=16).check(512)
    assert (found, type(found)) == (512, int)


@pytest.mark.parametrize(
    ("least", "most", "seed", "wire"),
    [
        (0, 9, 9, 9),
        (0, 9, 10, 0),
        (0, 9, 25, 5),
        (-1, 9, -1, -1),
        (-1, 9, 11, 1),
        (5, 9, 5, 5),
        (5, 9, 10, 5),
        (5, 9, 4, 9),
        (5, 9, 0, 5),
        (5, 9, LARGEST_SEED, 5 + (LARGEST_SEED - 5) % 5),
        (7, 7, 123, 7),
    ],
)
def test_any_seed_that_is_made_is_folded_into_the_models_range_and_that_is_said(least, most, seed, wire):
    field = Seed("seed", "seed", "", minimum=least, maximum=most, default=least)
    assert field.check(seed) == wire
    assert (field.notice(seed) is None) == (seed == wire)
    assert least <= wire <= most


@pytest.mark.parametrize(("least", "seed"), [(0, -1), (-1, -2), (5, -1), (0, LARGEST_SEED + 1)])
def test_a_seed_that_nothing_makes_is_refused(least, seed):
    refused(Seed("seed", "seed", "", minimum=least, maximum=9, default=least), seed)


def test_a_model_without_a_prompt_refuses_words_it_would_lose():
    assert "takes no prompt" in refused(NO_PROMPT, "a wave")
    assert sent(NO_PROMPT, " \n") == {}


@pytest.mark.parametrize(("length", "is_taken"), [(0, True), (1, False), (4, False), (5, True), (7, True), (8, False)])
def test_words_are_as_long_as_the_model_wants_or_absent(length, is_taken):
    field = Text("caption", "caption", "", min_length=5, max_length=7)
    assert field.limits_text == "5 to 7 characters."
    if is_taken:
        assert field.check("a" * length) == "a" * length
    else:
        assert f"{length} characters long" in refused(field, "a" * length)


# -- JSON ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [None, "", " \n"])
def test_json_that_is_left_out_is_not_sent_unless_it_is_needed(nothing):
    assert sent(Json("keyframes", "keyframes", ""), nothing) == {}
    assert "the model needs it" in refused(Json("keyframes", "keyframes", "", required=True), nothing)


@pytest.mark.parametrize(
    ("value", "found"), [('[{"t": 1.5}]', [{"t": 1.5}]), ("[]", []), ([1], [1]), ({"a": None}, {"a": None}), ("0", 0)]
)
def test_json_is_sent_as_what_it_stands_for(value, found):
    assert sent(Json("keyframes", "keyframes", ""), value) == {"keyframes": found}


@pytest.mark.parametrize(
    "value",
    ["[", "{'a': 1}", "NaN", "[1e999]", '"\\ud800"', "[" * 100_000, [float("inf")], [torch.zeros(1)], {1, 2}, 10**5000],
    ids=lambda value: type(value).__name__,
)
def test_what_can_not_be_sent_as_json_is_refused(value):
    assert "not JSON" in refused(Json("keyframes", "keyframes", ""), value)


# -- groups --------------------------------------------------------------------------------------------------------

LENGTH = Number("duration", "seconds", "Length of shot {number}, s.", minimum=1, maximum=5, default=2)
WORDS = Text("prompt", "prompt", "What happens in shot {number}.", required=True)
WHOLE_LENGTH = Number("duration", "duration", "", minimum=1, maximum=15, default=None, whole=True)
NOTE = Text("note", "note", "")
SHOTS = Repeated("shots", "shots", "", (WORDS, LENGTH, NOTE), fewest=2, most=3, adds_up=("duration", WHOLE_LENGTH))


def shots(*seconds) -> list[dict]:
    return [{"prompt": "a", "duration": one} for one in seconds]


def test_groups_go_by_the_names_of_the_wire_and_leave_out_what_is_empty():
    assert sent(SHOTS, [{"prompt": "a"}, {"prompt": "b", "duration": "3", "note": "n"}]) == {
        "shots": [{"prompt": "a", "seconds": 2.0}, {"prompt": "b", "seconds": 3.0, "note": "n"}]
    }


def test_a_group_names_its_number_on_the_node():
    first, second, _ = SHOTS.group(2)
    assert (first.name, second.name) == ("shot_2_prompt", "shot_2_duration")
    assert second.tooltip == "Length of shot 2, s."
    assert [field.name for field in SHOTS.inputs(2)] == [f.name for number in (1, 2) for f in SHOTS.group(number)]
    with pytest.raises(InputRefused, match="`shot_2_prompt` is empty"):
        SHOTS.check([*shots(1), {"prompt": " "}])


@pytest.mark.parametrize("value", [5, "two", {"a": 1}, [1], torch.zeros(2), b"ab", True])
def test_what_is_no_list_of_groups_is_refused(value):
    refused(SHOTS, value)


@pytest.mark.parametrize("count", [1, 4])
def test_groups_are_counted(count):
    assert f"{count} shots" in refused(SHOTS, shots(*[1] * count))


def test_groups_that_are_not_there_are_not_sent():
    assert sent(SHOTS, None) == sent(SHOTS, []) == {}


def test_groups_add_up_as_people_count():
    SHOTS.agree({"shots": SHOTS.check(shots(1.1, 2.2, 1.7)), "duration": 5})
    with pytest.raises(
        InputRefused, match=r"1.1 \+ 2.2 = 3.3 s together, but `duration` is 5 s: they are 1.7 s too short"
    ):
        SHOTS.agree({"shots": SHOTS.check(shots(1.1, 2.2)), "duration": 5})
    SHOTS.agree({"shots": SHOTS.check(shots(1, 2)), "duration": None})


# -- elements ------------------------------------------------------------------------------------------------------

FRONT = torch.rand(1, 8, 8, 3)


@pytest.mark.parametrize("value", [5, [KlingElement(FRONT)], "a", torch.zeros(2)])
def test_elements_come_by_their_sockets(value):
    assert "Kling 3.0 Element node" in refused(Elements("elements", "elements", ""), value)


def test_an_element_has_no_part_that_the_model_does_not_take():
    field = Elements("elements", "elements", "", parts=("frontal_image_url",))
    assert list(sent(field, {"element_0": KlingElement(FRONT)})["elements"][0]) == ["frontal_image_url"]
    with pytest.raises(InputRefused, match="element 1 has video_url, which this model doesn't take"):
        sent(field, {"element_0": KlingElement(FRONT, None, b"mp4")})


def test_elements_that_are_needed_are_asked_for():
    assert "not connected" in refused(Elements("elements", "elements", "", required=True), {"element_0": None})
