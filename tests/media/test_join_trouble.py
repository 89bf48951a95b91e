"""Films that can't be: clips that are missing, broken or too short, Stop, a full disk. And memory, which is held."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from remote_video_pack.remote_video.errors import FilmError, InputRefused, MediaError, Stopped
from remote_video_pack.remote_video.films.film import Place, make_film
from remote_video_pack.remote_video.media.look import Wish
from remote_video_pack.remote_video.media.measured import Part

from ..engine.small_disk import small_disk
from .clips import moving_picture, tone, write_clip

COUNT = 24


@pytest.fixture
def clips(tmp_path) -> list[Path]:
    sound = tone(COUNT / 24, 44100, 2)
    return [
        write_clip(
            tmp_path / f"{n}.mp4",
            [moving_picture(5 * n + k, 64, 48) for k in range(COUNT)],
            sound=sound,
            sound_rate=44100,
        )
        for n in range(3)
    ]


class Films:
    """A folder of films."""

    def __init__(self, base: Path, output: Path | None = None) -> None:
        self.output = output or base / "output"
        self.place = Place(base / "home", self.output, "film")

    def make(self, clips: list[Path], prefix: str = "film", **more):
        wish = {name: more.pop(name) for name in list(more) if name in Wish.__dataclass_fields__}
        place = Place(self.place.home, self.output, prefix)
        return make_film([Part(clip) for clip in clips], Wish(**wish), place, **more)

    @property
    def names(self) -> list[str]:
        """All that is in the folder, hidden too."""
        return sorted(path.name for path in self.output.rglob("*")) if self.output.exists() else []


@pytest.fixture
def films(tmp_path) -> Films:
    return Films(tmp_path)


def test_the_same_joined_again_is_read_from_disk_and_anything_else_is_joined_anew(films, clips):
    first = films.make(clips)
    assert (first.reused, first.copied, films.names) == (False, True, ["film_00001_.mp4"])
    again = films.make(clips)
    assert (again.reused, again.path) == (True, first.path)
    assert not films.make(clips[::-1]).reused
    assert not films.make(clips, transition_s=0.1).reused
    assert not films.make(clips, "another").reused
    clips[1].write_bytes(clips[0].read_bytes())
    assert not films.make(clips).reused
    assert films.names == ["another_00001_.mp4", *(f"film_0000{n}_.mp4" for n in range(1, 5))]


@pytest.mark.parametrize("harm", ["deleted", "damaged", "cut"])
def test_a_film_that_is_no_longer_what_it_was_is_joined_again(films, clips, harm):
    first = films.make(clips)
    content = first.path.read_bytes()
    if harm == "deleted":
        first.path.unlink()
    else:
        first.path.write_bytes(content[:-9] if harm == "cut" else content[:-9] + bytes(9))
    again = films.make(clips)
    assert not again.reused
    assert again.path.read_bytes() == content


def spoilt(path: Path, how: str) -> None:
    if how == "gone":
        path.unlink()
    elif how == "no video":
        path.write_bytes(b"no video at all" * 9)
    elif how == "sound only":
        write_clip(path, [], sound=tone(1, 44100, 2))
    else:
        path.write_bytes(path.read_bytes()[:-700])


@pytest.mark.parametrize("how", ["gone", "no video", "ended early"])
def test_a_clip_that_cant_be_joined_is_named_by_its_place(films, clips, how):
    spoilt(clips[2], how)
    with pytest.raises(MediaError, match=r"because of clip 3 \(2.mp4\)") as raised:
        films.make(clips)
    assert raised.value.billed.value == "no"
    assert films.names == []


@pytest.mark.parametrize("transition_s", [0.0, 0.2])
def test_a_clip_that_vanishes_or_breaks_on_the_way_is_named_and_nothing_is_left(films, clips, transition_s):
    def told(share: float) -> None:
        if share > 0.1:
            clips[2].unlink(missing_ok=True)

    with pytest.raises(MediaError, match=r"because of clip 3 \(2.mp4\)"):
        films.make(clips, transition_s=transition_s, told=told)
    assert films.names == []


@pytest.mark.parametrize(("count", "said"), [(0, "there are 0"), (1, "there are 1"), (51, "there are 51")])
def test_too_few_clips_and_too_many_are_refused(films, clips, count, said):
    with pytest.raises(InputRefused, match=said):
        films.make([clips[0]] * count)
    assert films.names == []


def test_a_crossfade_for_which_a_clip_has_no_room_is_refused_before_work(films, clips):
    with pytest.raises(InputRefused, match=r"longer than clip 2 has room for: it is 1.00 s long") as raised:
        films.make(clips, transition_s=0.6)
    assert "Set `transition_s` to 0.50 or less" in raised.value.next_step
    assert films.names == []
    films.make(clips, transition_s=0.5)
    films.make(clips[:2], transition_s=1.0)


@pytest.mark.parametrize("transition_s", [0.0, 0.2], ids=["copied", "encoded"])
def test_stop_ends_it_at_once_and_leaves_nothing(films, clips, transition_s):
    shares: list[float] = []

    def check() -> None:
        if shares and shares[-1] > 0.3:
            raise Stopped("Stop")

    with pytest.raises(Stopped):
        films.make(clips, transition_s=transition_s, told=shares.append, check=check)
    assert films.names == []
    assert shares == sorted(shares)
    assert shares[-1] < 0.7


def test_the_share_that_is_done_goes_from_nothing_to_all(films, clips):
    shares: list[float] = []
    films.make(clips, told=shares.append)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (pytest.approx(0, abs=0.05), pytest.approx(1, abs=0.05))


@pytest.mark.parametrize("transition_s", [0.0, 0.2], ids=["copied", "encoded"])
def test_a_full_disk_is_said_and_nothing_half_stays(tmp_path, transition_s):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(COUNT)]
    clips = [write_clip(tmp_path / f"{n}.mp4", noise, size=(128, 96), options={"crf": "10"}) for n in range(2)]
    with small_disk(tmp_path / "disk", 200) as disk:
        films = Films(tmp_path, disk)
        with pytest.raises(FilmError, match="The disk is full"):
            films.make(clips, transition_s=transition_s)
        assert films.names == []


def test_a_part_that_a_killed_process_left_is_taken_over(films, clips):
    first = films.make(clips)
    first.path.unlink()
    (films.output / ".film.part").touch()
    keys = [json.loads(file.read_text(encoding="utf-8")) for file in films.place.home.rglob("films/*.json")]
    assert len(keys) == 1
    key = next(films.place.home.rglob("films/*.json")).stem
    (films.output / f".film.{key[:16]}.part").write_bytes(b"half")
    again = films.make(clips)
    assert again.path.read_bytes() != b"half"
    assert films.names == [".film.part", again.path.name]


MEMORY = """
import sys
from pathlib import Path
import psutil
from remote_video.media.join import join, look_at
from remote_video.media.look import Wish
from remote_video.media.measured import Part

def peak():
    return psutil.Process().memory_info().rss

def film(clips, transition_s):
    look = look_at([Part(Path(clip)) for clip in clips], Wish(transition_s=transition_s))
    most = 0
    def told(share):
        nonlocal most
        most = max(most, peak())
    with open(sys.argv[1], "wb") as file:
        join(look, file, told)
    return most

for transition_s in (0.0, 0.1):
    film(sys.argv[2:4], transition_s)
    before = peak()
    print(film([sys.argv[2]] * 25, transition_s) - before)
"""


def test_many_clips_take_no_more_memory_than_two(tmp_path):
    sound = tone(2, 48000, 2)
    clip = write_clip(
        tmp_path / "0.mp4",
        [moving_picture(n, 320, 240) for n in range(24)],
        size=(320, 240),
        rate=12,
        sound=sound,
        options={"preset": "ultrafast"},
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "film.mp4"), str(clip), str(clip)]
    out = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, timeout=100)
    grown = [int(line) / 2**20 for line in out.stdout.split()]
    # 600 frames: 69 MB as they are stored, and 19 MB of sound.
    assert max(grown) < 30, grown
