"""An estimate is the catalogue's price times its unit, or nothing: never a guess."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from remote_video_pack.remote_video.catalogue.catalogue import Catalogue, snapshot
from remote_video_pack.remote_video.catalogue.entry import Entry
from remote_video_pack.remote_video.catalogue.price import (
    Estimate,
    estimate,
    estimate_of,
    highest_of_its_kind,
    is_from,
)
from remote_video_pack.remote_video.dollars import dollars

from ..engine.one_job import request_for


def entry(usd: Any = 0.5, unit: Any = "output", note: Any = None, described: str = "", **more: Any) -> Entry:
    properties = {"prompt": {"type": "string"}, "resolution": {"type": "string", "description": described}}
    published = {"model_id": "a/b/image-to-video", "categories": ["image-to-video"], "kind": "model", **more}
    priced = {"base_price_usd": usd, "price_unit": unit, "pricing_note": note}
    return Entry.read({**published, **priced, "input_schema": {"type": "object", "properties": properties}})


@pytest.mark.parametrize(
    ("usd", "unit", "seconds", "wanted"),
    [
        (0.5, "output", None, 0.5),
        (0.5, "output", 8.0, 0.5),
        (0.112, "second", 10.0, 1.12),
        (0.1, "second", 3.0, 0.3),
        (1, "Second", 241 / 24, 10.041667),
        (0.5, "second", None, None),
        (0.5, "second", 1.0, 0.5),
        (0.5, "second", 0.0, None),
        (0.5, "second", float("nan"), None),
        (0.5, "second", float("inf"), None),
        (0.5, "image", 5.0, None),
        (0.5, "credits", 5.0, None),
        (0.5, None, 5.0, None),
        (0.5, ["second"], 5.0, None),
        (None, "output", 5.0, None),
        (-0.5, "output", 5.0, None),
        ("0.5", "output", 5.0, None),
        (0, "output", 5.0, None),
        (True, "output", 5.0, None),
    ],
)
def test_it_is_the_price_times_the_unit_or_nothing(usd, unit, seconds, wanted):
    found = estimate(entry(usd, unit), seconds)
    assert found == (None if wanted is None else Estimate(wanted, is_from=False))


@pytest.mark.parametrize(
    ("note", "described", "wanted"),
    [
        (None, "", False),
        ("Sandbox price: nothing is charged.", "", False),
        ("Price per second of the clip.", "", False),
        (["from"], "", False),
        ("From $0.05 a second", "", True),
        ("Starting at 5 cents", "", True),
        ("Varies with the resolution", "", True),
        ("1080p costs double.", "", True),
        ("Depends on duration", "", True),
        ("Sound on: 1.5x", "", True),
        (None, "Width and height of the clip", False),
        (None, "1080p costs twice as much", True),
        (None, "Affects pricing", True),
        (None, "Billed by the second", True),
    ],
)
def test_it_is_a_least_price_where_the_catalogue_says_that_something_changes_it(note, described, wanted):
    assert is_from(entry(note=note, described=described)) is wanted


def test_what_is_said_of_an_input_counts_when_it_is_sent():
    priced = entry(described="1080p costs twice as much")
    assert is_from(priced, {"resolution": "1080p"})
    assert not is_from(priced, {"prompt": "a sea"})


def test_it_is_said_as_money():
    assert Estimate(1.12, is_from=False).words == "about $1.12"
    assert Estimate(0.5, is_from=True).words == "from $0.50"
    assert [dollars(usd) for usd in (12, 0.0042, 1.2345, -3.5, 0)] == [
        "$12.00",
        "$0.0042",
        "$1.2345",
        "-$3.50",
        "$0.00",
    ]


def test_a_request_is_estimated_by_its_model_and_its_length():
    veo = "google-deepmind/veo-3/image-to-video"
    request = request_for("runcomfy")
    assert estimate_of(request, Catalogue.of([])) is None
    priced = {"model_id": veo, "categories": ["image-to-video"], "base_price_usd": 0.1, "price_unit": "second"}
    assert estimate_of(request, Catalogue.of([priced])) == Estimate(0.8, is_from=False)
    assert estimate_of(request_for("cometapi"), Catalogue.of([priced])) is None


def test_an_unknown_price_is_taken_for_the_highest_of_its_kind():
    kling_pro, seconds = 0.112, 8.0
    assert highest_of_its_kind(request_for("runcomfy"), snapshot()) == kling_pro * seconds
    assert highest_of_its_kind(request_for("cometapi"), snapshot()) is None, "of no kind the catalogue knows"
    assert highest_of_its_kind(request_for("runcomfy"), Catalogue.of([])) is None


def test_nothing_is_taken_for_the_highest_where_a_price_a_second_can_not_be_said_of_the_clip():
    request = SimpleNamespace(model_id="x/y/image-to-video", body={}, seconds=None)
    prices = [
        {"model_id": "a/b/image-to-video", "categories": ["image-to-video"], "base_price_usd": 9, "price_unit": unit}
        for unit in ("output", "second")
    ]
    assert highest_of_its_kind(request, Catalogue.of(prices[:1])) == 9
    assert highest_of_its_kind(request, Catalogue.of([{**prices[1], "model_id": "c/d"}, prices[0]])) is None
