"""What this machine knows of the catalogue: nothing is forgotten, nothing bad replaces it, and a look costs nothing."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace

import pytest
from remote_video_pack.remote_video.catalogue.catalogue import snapshot
from remote_video_pack.remote_video.catalogue.refresh import refresh
from remote_video_pack.remote_video.catalogue.store import USUAL_ENDPOINT, file_of, keep, known
from remote_video_pack.remote_video.providers import PROVIDERS

from ..providers.scripted import HTML, says
from .conftest import KEY
from .listing import model, models, paged


def known_now(settings):
    return known(settings.home, settings.endpoint("runcomfy"))


@pytest.fixture
def asked(server, settings):
    """Three models were listed once."""
    server.will(paged(models(3)))
    assert refresh(settings)
    return settings


def test_without_a_file_the_snapshot_is_known(settings):
    assert known_now(settings) is snapshot()


def test_what_was_asked_is_known_with_its_age_and_the_same_object_until_it_changes(asked, server):
    first = known_now(asked)
    assert abs(time.time() - first.asked_at) < 60
    assert not first.get("acme/m-1/text-to-video").is_retired
    assert known_now(asked) is first
    server.will(paged(models(4)))
    assert refresh(asked)
    assert known_now(asked) is not first
    assert known_now(asked).version != first.version


def test_the_same_listing_asked_again_is_the_same_version(asked, server):
    before = known_now(asked)
    server.will(paged(list(reversed(models(3)))))
    assert refresh(asked)
    after = known_now(asked)
    assert after.asked_at > before.asked_at
    assert after.version == before.version


def test_a_model_that_is_gone_stays_retired_with_its_schema_and_may_come_back(asked, server):
    server.will(paged(models(1)))
    assert refresh(asked)
    gone = known_now(asked).get("acme/m-2/text-to-video")
    assert gone.is_retired
    assert abs(time.time() - gone.retired_at) < 60
    assert gone.schema == model("x")["input_schema"]
    retired_at = gone.retired_at
    assert refresh(asked)
    assert known_now(asked).get("acme/m-2/text-to-video").retired_at == retired_at
    server.will(paged(models(3)))
    assert refresh(asked)
    assert not known_now(asked).get("acme/m-2/text-to-video").is_retired


def test_models_that_shipped_and_are_not_listed_are_kept_as_retired(asked):
    shipped = next(iter(snapshot().entries))
    assert known_now(asked).get(shipped).is_retired
    assert known_now(asked).get(shipped).schema == snapshot().get(shipped).schema


def test_a_model_listed_without_its_schema_keeps_the_last_one(asked, server):
    bare = [{name: value for name, value in one.items() if name != "input_schema"} for one in models(3)]
    server.will(paged(bare))
    assert refresh(asked)
    assert known_now(asked).get("acme/m-0/text-to-video").schema == model("x")["input_schema"]


@pytest.mark.parametrize(
    "bad", [HTML, says({"models": []}), says({"models": [{}, None, 7]}), says({"error": "no"}, 500)]
)
def test_nothing_bad_replaces_it(asked, server, bad, caplog):
    before = known_now(asked)
    server.will(bad)
    assert not refresh(asked)
    assert known_now(asked) is before
    assert len([record for record in caplog.records if "was not renewed" in record.message]) == 1


def test_a_listing_that_breaks_off_retires_nothing(asked, server):
    server.will(paged(models(3) + models(150, start=10)))
    assert refresh(asked)
    server.will(paged([model("acme/new"), *models(99, start=10), model("acme/last")]), HTML)
    assert refresh(asked)
    assert known_now(asked).get("acme/new") is not None
    assert not known_now(asked).get("acme/m-2/text-to-video").is_retired


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"layout": 1}', b'{"layout": 99}', b"\xff" * 100])
def test_a_damaged_file_is_the_snapshot_and_one_line(asked, content, caplog):
    file_of(asked.home, asked.endpoint("runcomfy")).write_bytes(content)
    assert known_now(asked) is snapshot()
    assert known_now(asked) is snapshot()
    assert len([record for record in caplog.records if "can't be read" in record.message]) == 1
    assert refresh(asked), "and the next ask puts it right"
    assert known_now(asked).get("acme/m-0/text-to-video")


def test_a_stand_ins_catalogue_is_not_the_providers(asked):
    assert known(asked.home, USUAL_ENDPOINT) is snapshot()
    assert PROVIDERS["runcomfy"].base_url == USUAL_ENDPOINT
    assert file_of(asked.home, USUAL_ENDPOINT).name == "catalogue.json"
    assert known(asked.home, "sandbox") is snapshot()


def test_no_key_is_written_down(server, settings):
    server.will(paged([model("acme/a", description=f"made for {KEY}")]))
    assert refresh(settings)
    content = file_of(settings.home, settings.endpoint("runcomfy")).read_bytes()
    assert b"made for" in content
    assert KEY.encode() not in content


def test_readers_and_writers_at_once_see_whole_files(settings):
    path, stop, seen = file_of(settings.home, settings.endpoint("runcomfy")), threading.Event(), []

    def write(count: int) -> None:
        for _ in range(10):
            keep(path, models(count))

    def look() -> None:
        while not stop.is_set():
            seen.append(len([e for e in known_now(settings).entries.values() if e.vendor == "acme"]))

    keep(path, models(5))
    looker, writers = threading.Thread(target=look), [threading.Thread(target=write, args=(n,)) for n in (5, 9)]
    for thread in (looker, *writers):
        thread.start()
    for writer in writers:
        writer.join()
    stop.set()
    looker.join()
    assert set(seen) <= {5, 9}
    assert list(settings.home.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_said_and_nothing_raises(server, settings, caplog):
    settings.home.parent.mkdir(parents=True, exist_ok=True)
    settings.home.write_text("a file", encoding="utf-8")
    server.will(paged(models(3)))
    assert not refresh(settings)
    assert "was not renewed" in caplog.text


@pytest.mark.parametrize("how", ["switched off", "sandbox", "no key"])
def test_nothing_is_asked_where_it_is_not_to_be(server, settings, monkeypatch, how):
    if how == "no key":
        monkeypatch.delenv("RUNCOMFY_API_TOKEN")
        usual = {provider.id: provider.base_url for provider in PROVIDERS.values()}
        settings = replace(settings, base_urls=usual)
    settings = replace(settings, catalogue=how != "switched off", sandbox=how == "sandbox")
    assert not refresh(settings)
    assert server.requests == []


def test_what_became_of_it_is_one_line(asked, server, caplog):
    caplog.set_level(logging.INFO, "remote_video")
    server.will(paged([*models(1), model("acme/new")]))
    assert refresh(asked)
    (line,) = [record.message for record in caplog.records]
    assert "2 video models of 2" in line
    assert "new: 1" in line
    assert "no longer listed: 2" in line
