"""A model's fields as inputs of a node."""

from __future__ import annotations

import pytest
from remote_video_pack.nodes.inputs import model_input
from remote_video_pack.remote_video.models.fields import Choice, Flag, Number


@pytest.mark.parametrize(
    ("field", "options", "shown"),
    [
        (Flag("sound", "sound", "", default=None), ["model default", "true", "false"], "model default"),
        (Choice("size", "size", "", choices=("a", "b")), ["model default", "a", "b"], "model default"),
        (Choice("size", "size", "", choices=("a", "b"), default="b"), ["a", "b"], "b"),
    ],
)
def test_a_choice_shows_what_is_sent_or_that_it_is_the_models(field, options, shown):
    offered = model_input(field)
    assert (offered.options, offered.default, offered.optional) == (options, shown, True)


def test_a_number_that_is_left_to_the_model_begins_below_its_range():
    number = Number("strength", "strength", "", minimum=1, maximum=9, default=None, whole=True)
    offered = model_input(number)
    assert (offered.default, offered.min, offered.max) == (number.unset, number.unset, 9)
    assert number.unset < 1


def test_what_has_a_default_is_asked_for_where_a_choice_lists_it():
    assert model_input(Flag("sound", "sound", "", default=True), required=True).optional is False
