"""One rule for every pause that grows."""

from __future__ import annotations

import pytest
from remote_video_pack.remote_video.backoff import backoff


@pytest.mark.parametrize(
    ("attempt", "at_least", "pause"),
    [
        (0, 0.0, 2.0),
        (1, 0.0, 4.0),
        (2, 0.0, 8.0),
        (3, 0.0, 10.0),
        (50, 0.0, 10.0),
        (100_000, 0.0, 10.0),
        (0, 3.0, 3.0),
        (2, 3.0, 8.0),
        (2, 120.0, 120.0),
    ],
)
def test_a_pause_doubles_up_to_its_limit_and_never_undercuts_what_was_asked_for(attempt, at_least, pause):
    assert backoff(attempt, 2.0, 10.0, at_least=at_least, chance=0.5) == pause


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.85), (0.5, 1.0), (1.0, 1.15)])
def test_a_pause_is_spread_evenly_around_its_length(chance, factor):
    assert backoff(1, 2.0, 10.0, chance=chance) == pytest.approx(4.0 * factor)


def test_what_was_asked_for_is_not_undercut_by_the_spread():
    assert backoff(0, 2.0, 10.0, at_least=2.0, chance=0.0) == 2.0


def test_two_pauses_are_not_the_same():
    pauses = {backoff(0, 1.0, 10.0) for _ in range(10)}
    assert len(pauses) > 1
    assert all(0.85 <= pause <= 1.15 for pause in pauses)
