"""The catalogue is asked for whole, whatever its pages say of themselves, and within bounds."""

from __future__ import annotations

import json
import logging
import time

import pytest
from remote_video_pack.remote_video.catalogue import ask as asking
from remote_video_pack.remote_video.catalogue.ask import ask
from remote_video_pack.remote_video.catalogue.catalogue import Catalogue
from remote_video_pack.remote_video.errors import AccountError
from remote_video_pack.remote_video.providers.status import TransientError

from ..providers.scripted import HTML, reply, says
from .conftest import KEY
from .listing import model, models, paged


def ids(listing) -> list[str]:
    return [one["model_id"] for one in listing.models]


def test_all_pages_are_asked_for_with_schemas_and_the_key(server, settings, caplog):
    caplog.set_level(logging.DEBUG)
    server.will(paged(models(250)))
    listing = ask(settings)
    assert (ids(listing), listing.trouble) == (ids_of := [m["model_id"] for m in models(250)], "")
    assert len(ids_of) == 250
    assert [seen.path for seen in server.requests] == [
        f"/v1/models?include_schema=true&limit=100&offset={offset}" for offset in (0, 100, 200, 250)
    ]
    assert {seen.headers["authorization"] for seen in server.requests} == {f"Bearer {KEY}"}
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(lambda items, about: {"models": items, **about, "total": 3}, id="total too small"),
        pytest.param(
            lambda items, about: {"models": items, **about, "total": about["offset"] + len(items)}, id="total so far"
        ),
        pytest.param(lambda items, about: {"models": items, **about, "total": 9999}, id="total too large"),
        pytest.param(lambda items, about: {"models": items, **about, "total": "many"}, id="total is a word"),
        pytest.param(lambda items, about: {"models": items}, id="no total"),
        pytest.param(lambda items, about: {"data": items}, id="data"),
        pytest.param(lambda items, about: {"data": {"models": items}}, id="data.models"),
        pytest.param(lambda items, about: items, id="a bare list"),
    ],
)
def test_a_page_is_read_in_any_shape_and_no_total_is_believed(server, settings, page):
    server.will(paged(models(130), most=40, page=page))
    listing = ask(settings)
    assert (len(set(ids(listing))), len(listing.models), listing.trouble) == (130, 130, "")


def test_a_provider_that_gives_everything_at_once_again_and_again_is_asked_twice(server, settings):
    server.will(says({"models": models(7)}))
    listing = ask(settings)
    assert (len(listing.models), listing.trouble, len(server.requests)) == (7, "", 2)


def test_one_that_repeats_its_first_page_is_known_not_to_be_whole(server, settings):
    server.will(says({"models": models(20), "total": 60}))
    listing = ask(settings)
    assert len(listing.models) == 20
    assert "same page" in listing.trouble


def test_one_that_never_ends_is_left(server, settings, monkeypatch):
    monkeypatch.setattr(asking, "MOST_PAGES", 5)
    server.will(paged(models(10_000), most=10))
    listing = ask(settings)
    assert (len(listing.models), len(server.requests)) == (50, 5)
    assert listing.trouble


@pytest.mark.parametrize("broken", [HTML, reply(503, b"{}"), says({"error_code": 500, "error_message": "no"})])
def test_a_page_that_does_not_come_leaves_what_came(server, settings, broken):
    first = paged(models(130))
    server.will(first, broken)
    listing = ask(settings)
    assert len(listing.models) == 100
    assert listing.trouble


@pytest.mark.parametrize(
    "answer", [HTML, reply(500, b"oh"), says({"hello": 1}), says({"models": 7}), says("models"), says(None)]
)
def test_what_is_no_listing_is_none(server, settings, answer):
    server.will(answer)
    with pytest.raises(TransientError):
        ask(settings)


@pytest.mark.parametrize("answer", [says({"message": "no"}, 401), says({"error_code": 400004}, 400)])
def test_a_key_that_is_refused_is_said(server, settings, answer):
    server.will(answer)
    with pytest.raises(AccountError):
        ask(settings)


def test_a_page_of_5_mb_loads_and_one_of_9_does_not(server, settings):
    server.will(says({"models": [model("acme/a", description="x" * 5_000_000)]}), says({"models": []}))
    assert len(ask(settings).models) == 1
    server.will(says({"models": [model("acme/a", description="x" * 9_000_000)]}))
    with pytest.raises(TransientError):
        ask(settings)


def test_a_slow_provider_is_waited_for_so_long_and_no_longer(server, settings, monkeypatch):
    monkeypatch.setattr(asking, "ALL_WITHIN_S", 0.3)

    def drips(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n[")
        for _ in range(100):
            exchange.send(b" ")
            time.sleep(0.1)

    server.will(drips)
    began = time.monotonic()
    with pytest.raises(TransientError):
        ask(settings)
    assert time.monotonic() - began < 8, "the drip goes on for 10 s"


def test_hostile_models_cost_only_themselves(server, settings):
    deep: object = {"type": "string"}
    for _ in range(200):
        deep = {"properties": {"a": deep}}
    circle = {"properties": {"a": {"$ref": "#"}}, "$ref": "#"}
    odd = [
        None,
        7,
        {},
        model(""),
        model("a b"),
        model("../../etc"),
        model("x" * 10_000),
        model("acme/html", display_name="<img src=x onerror=alert(1)>\x1b[2J\u202e"),
        model("acme/deep", input_schema=deep),
        model("acme/circle", input_schema=circle),
        model("acme/twice", display_name="first"),
        model("acme/twice", display_name="second"),
        model("acme/list", input_schema=[1]),
    ]
    server.will(paged([*odd, *models(3)]))
    catalogue = Catalogue.of(ask(settings).models)
    assert {f"acme/m-{n}/text-to-video" for n in range(3)} < catalogue.entries.keys()
    assert catalogue.entries["acme/twice"].name == "first"
    assert "\x1b" not in catalogue.entries["acme/html"].name
    assert catalogue.entries["acme/list"].schema is None
    assert json.dumps(dict(catalogue.entries["acme/deep"].schema or {}))
    assert len(catalogue.version) == 64
