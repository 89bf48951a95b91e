"""What a film is asked to be: what is usual, and what can't be."""

from __future__ import annotations

import pytest
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.films.fields import read
from remote_video_pack.remote_video.media.look import Wish


def test_what_isnt_given_is_as_usual():
    as_it_is = Wish(transition_s=0.0, size="first", width=0, height=0, fit="crop", fps=0.0, audio="keep")
    assert read({}) == read({"filename_prefix": ""}) == (as_it_is, "video/JoinClips")
    wish, _ = read({"transition": "crossfade", "size": "own", "fps": "own"})
    assert (wish.transition_s, wish.width, wish.height, wish.fps) == (0.5, 1280, 720, 24)


def test_what_does_not_count_as_it_is_chosen_changes_nothing():
    others = {"transition_s": 1.5, "width": 640, "height": 480, "own_fps": 12}
    assert read(others) == read({})


@pytest.mark.parametrize(
    ("name", "least", "most", "outside"),
    [
        ("transition_s", 0, 2, (-0.1, 2.1)),
        ("width", 16, 8192, (15, 8193, 640.5)),
        ("height", 16, 8192, (15, 8193, 480.5)),
        ("own_fps", 1, 120, (0.9, 121)),
    ],
)
def test_numbers_have_limits(name, least, most, outside):
    for value in (least, most):
        read({name: value})
    for value in outside:
        with pytest.raises(InputRefused, match=name):
            read({name: value})
