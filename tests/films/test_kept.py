"""What is remembered of a film: where it is, and what it was when it was made."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from remote_video_pack.remote_video.clips.output_folder import OutputFolder
from remote_video_pack.remote_video.films import kept
from remote_video_pack.remote_video.films.kept import found, remember

KEY = "0123456789abcdef" * 4


@pytest.fixture
def folder(tmp_path: Path) -> OutputFolder:
    (tmp_path / "output").mkdir()
    return OutputFolder(tmp_path / "output")


@pytest.fixture
def film(folder: OutputFolder) -> Path:
    path = folder.root / "film.mp4"
    path.write_bytes(b"a film")
    return path


def test_a_film_is_found_by_its_key_as_long_as_it_is_what_it_was(tmp_path, folder, film):
    assert found(tmp_path, KEY, folder) is None
    remember(tmp_path, KEY, film, folder)
    assert found(tmp_path, KEY, folder) == film
    assert found(tmp_path, KEY[::-1], folder) is None
    for content in (b"a fil", b"A film"):
        film.write_bytes(content)
        assert found(tmp_path, KEY, folder) is None
    film.unlink()
    assert found(tmp_path, KEY, folder) is None


@pytest.mark.skipif(os.name == "nt", reason="paths are short there")
def test_a_film_far_below_is_found_too(tmp_path, folder):
    film = folder.root.joinpath(*["\u00fc" * 50] * 4, "film.mp4")
    film.parent.mkdir(parents=True)
    film.write_bytes(b"a film")
    remember(tmp_path, KEY, film, folder)
    assert found(tmp_path, KEY, folder) == film


@pytest.mark.parametrize("told", ["", "[]", "{", '{"path": 5}', '{"path": "film.mp4"}', "null"])
def test_a_note_that_says_nothing_is_no_film(tmp_path, folder, film, told):
    remember(tmp_path, KEY, film, folder)
    (note,) = (tmp_path / "films").iterdir()
    note.write_text(told, encoding="utf-8")
    assert found(tmp_path, KEY, folder) is None


def test_a_film_of_another_folder_is_not_read(tmp_path, folder, film):
    remember(tmp_path, KEY, film, folder)
    (note,) = (tmp_path / "films").iterdir()
    outside = tmp_path / "outside.mp4"
    outside.write_bytes(film.read_bytes())
    note.write_text(
        json.dumps({**json.loads(note.read_text(encoding="utf-8")), "path": "../outside.mp4"}), encoding="utf-8"
    )
    assert found(tmp_path, KEY, folder) is None


def test_the_latest_are_remembered(tmp_path, folder, film, monkeypatch):
    monkeypatch.setattr(kept, "MOST", 3)
    keys = [f"{number:032x}" for number in (9, 2, 7, 1, 8)]
    for age, key in enumerate(keys):
        remember(tmp_path, key, film, folder)
        os.utime(tmp_path / "films" / f"{key}.json", (1000 + age, 1000 + age))
    remember(tmp_path, KEY, film, folder)
    assert [key for key in (*keys, KEY) if found(tmp_path, key, folder)] == [*keys[3:], KEY]


def test_a_film_that_can_not_be_remembered_is_there_all_the_same(tmp_path, folder, film, caplog):
    (tmp_path / "films").write_text("no folder", encoding="utf-8")
    with caplog.at_level(logging.WARNING, "remote_video"):
        remember(tmp_path, KEY, film, folder)
    assert "film.mp4 is not remembered" in caplog.text
    assert found(tmp_path, KEY, folder) is None
