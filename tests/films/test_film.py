"""A film is said for what it is: copied, encoded anew, or made before; and why it could not be written."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from remote_video_pack.remote_video.errors import FilmError, InputRefused
from remote_video_pack.remote_video.films import film as making
from remote_video_pack.remote_video.films.film import Film, Place, make_film
from remote_video_pack.remote_video.media.look import Wish
from remote_video_pack.remote_video.media.measured import Part

from ..media.clips import moving_picture, tone, write_clip

COUNT, LENGTH_S = 12, 0.5


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Part]:
    folder = tmp_path_factory.mktemp("clips")
    pictures = [[moving_picture(9 * n + k, 64, 48) for k in range(COUNT)] for n in range(2)]
    return [Part(write_clip(folder / f"{n}.mp4", pictures[n], sound=tone(LENGTH_S, 48000, 2))) for n in range(2)]


class Films:
    def __init__(self, base: Path) -> None:
        self.base, self.said = base, list[str]()

    def make(self, clips: list[Part], wish: Wish | None = None, prefix: str = "films/one", **more: Any) -> Film:
        place = Place(self.base / "home", self.base / "output", prefix)
        return make_film(clips, wish or Wish(), place, self.said.append, **more)


@pytest.fixture
def films(tmp_path: Path) -> Films:
    return Films(tmp_path)


def test_a_film_that_is_copied_says_how_long_it_is_and_what_became_of_its_sound(films, clips):
    film = films.make(clips)
    assert (film.copied, film.reused, film.clips) == (True, False, 2)
    assert film.length_s == pytest.approx(2 * LENGTH_S, abs=0.05)
    assert film.notices == ()
    assert films.said == ["looking at 2 clips", "copying 2 clips into one film"]
    pictures = [moving_picture(k, 64, 48) for k in range(COUNT)]
    short = Part(write_clip(films.base / "short.mp4", pictures, sound=tone(LENGTH_S - 0.2, 48000, 2)))
    film = films.make([short, *clips])
    assert film.copied
    assert film.notices == (
        "The picture is copied; the sound is encoded anew, because it doesn't fit the clips' length.",
    )


@pytest.mark.parametrize("wish", [Wish(), Wish(transition_s=0.1)], ids=["copied", "encoded"])
def test_how_much_of_a_film_is_written_is_told(films, clips, wish):
    shares: list[float] = []
    films.make(clips, wish, told=shares.append)
    assert shares == sorted(shares) and 0 <= shares[0] < 0.1
    assert 0.9 < shares[-1] <= 1
    assert any(0.4 < share < 0.6 for share in shares)


def test_a_film_that_was_made_before_is_not_made_again(films, clips):
    first = films.make(clips)
    again = films.make(clips)
    assert (again.path, again.reused, again.copied, again.clips) == (first.path, True, False, 2)
    assert again.notices == ("Joined before: read from disk, not made again.",)
    assert films.said[2:] == ["looking at 2 clips"]


def test_a_film_that_is_encoded_says_why(films, clips):
    film = films.make(clips, Wish(transition_s=0.1))
    assert not film.copied
    assert film.notices[0] == "Encoded anew, visually lossless: they fade into each other."
    assert films.said[-1] == "encoding a film of 2 clips"


@pytest.mark.parametrize("audio", ["none", "fade at joins"])
def test_of_a_sound_that_is_wanted_otherwise_nothing_is_said(films, clips, audio):
    assert not any("doesn't fit" in notice for notice in films.make(clips, Wish(audio=audio)).notices)


def test_another_part_of_a_clip_is_another_film(films, clips):
    first = films.make(clips)
    cut = [Part(clips[0].path, begin_s=0.25), clips[1]]
    assert films.make(cut).path != first.path


@pytest.mark.parametrize("prefix", ["others/one", "one", "films/two"])
def test_another_place_is_another_film(films, clips, prefix):
    first, other = films.make(clips), films.make(clips, prefix=prefix)
    assert (other.reused, other.path.parent) == (False, (films.base / "output" / prefix).parent)
    assert films.make(clips).path == first.path


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_out_of_the_output_folder_is_not_followed(films, clips):
    (films.base / "output").mkdir()
    (films.base / "output" / "link").symlink_to(films.base, target_is_directory=True)
    with pytest.raises(InputRefused):
        films.make(clips, prefix="link/one")


@pytest.mark.parametrize(
    ("number", "what", "next_step"),
    [
        (errno.ENOSPC, "The disk is full", "Make room there"),
        (errno.EDQUOT, "The disk is full", "Make room there"),
        (errno.EACCES, "The film can't be written (Permission denied)", "Make the folder writable, then run again."),
    ],
)
def test_a_disk_that_takes_no_film_is_said_and_nothing_is_left(films, clips, monkeypatch, number, what, next_step):
    def refuse(*_):
        raise OSError(number, "Permission denied")

    monkeypatch.setattr(making.os, "fsync", refuse)
    with pytest.raises(FilmError) as refused:
        films.make(clips)
    assert what in refused.value.what
    assert str(films.base / "output" / "films") in refused.value.what
    assert next_step in refused.value.next_step
    assert not [path for path in (films.base / "output").rglob("*") if path.is_file()]


@pytest.mark.skipif(os.name == "nt", reason="Windows takes no open file away")
@pytest.mark.parametrize(
    ("content", "what"), [(b"another's, half done", "somebody else is joining the same"), (None, "No such file")]
)
def test_what_was_put_into_its_place_meanwhile_is_not_taken_for_the_film(films, clips, content, what):
    def disturbed(share: float) -> None:
        for part in (films.base / "output").rglob(".*.part"):
            part.unlink()
            if content is not None:
                part.write_bytes(content)

    with pytest.raises(FilmError, match=what):
        films.make(clips, told=disturbed)
    assert not [path for path in (films.base / "output").rglob("*") if path.is_file()]
