"""`join` in a terminal: a film of files that lie here; what it answers, and what is left when there is none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import av
import numpy as np
import pytest

from ..media.clips import moving_picture, write_clip
from .terminal import Terminal, interrupt

COUNT = 12
POSIX_SIGNALS = pytest.mark.skipif(os.name == "nt", reason="Windows sends no signal to one process alone")


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    return [
        write_clip(tmp_path / f"{n}.mp4", [moving_picture(9 * n + k, 64, 48) for k in range(COUNT)]) for n in range(2)
    ]


def count_frames(film: Path) -> int:
    with av.open(str(film)) as container:
        return sum(1 for _ in container.decode(video=0))


def left_in(folder: Path) -> list[str]:
    """All that is in it, hidden too."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    return folder


def test_the_last_line_of_stdout_is_the_films_path(terminal: Terminal, clips, films):
    said = terminal.run("join", *clips, "-o", films / "film.mp4")
    assert (said.returncode, said.stdout) == (0, f"{films / 'film.mp4'}\n"), said.stderr
    assert left_in(films) == ["film.mp4"]
    assert count_frames(films / "film.mp4") == 2 * COUNT
    assert "copying 2 clips" in said.stderr
    assert terminal.sandbox.requests == [], "no provider is asked"


def test_without_a_name_it_lands_in_the_current_folder(terminal: Terminal, clips, films):
    said = terminal.run("join", *clips, cwd=films, PYTHONPATH=str(Path(__file__).resolve().parents[2]))
    assert (said.returncode, said.stdout) == (0, f"{films / 'JoinClips_00001_.mp4'}\n"), said.stderr


def test_json_tells_what_was_made_and_that_it_was_there_before(terminal: Terminal, clips, films):
    command = (
        "join",
        *clips,
        "--json",
        "--transition",
        "crossfade",
        "--transition-s",
        "0.25",
        "-o",
        films / "film.mp4",
    )
    made, before = (json.loads(terminal.run(*command).stdout) for _ in range(2))
    assert (made["state"], made["path"], made["clips"], made["copied"]) == ("made", str(films / "film.mp4"), 2, False)
    assert (before["state"], before["path"]) == ("had before", made["path"])
    assert count_frames(films / "film.mp4") == 2 * COUNT - 6
    assert left_in(films) == ["film.mp4"]


def test_a_size_and_a_rate_that_are_given_are_wanted(terminal: Terminal, clips, films):
    options = ("--width", "32", "--height", "24", "--fps", "12")
    said = terminal.call("join", *clips, *options, "-o", films / "film.mp4")
    assert said.returncode == 0, said.stderr
    with av.open(str(films / "film.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (32, 24, 12)


def test_a_file_of_that_name_is_not_overwritten(terminal: Terminal, clips, films):
    taken = films / "film.mp4"
    taken.write_bytes(b"somebody's own")
    said = terminal.run("join", *clips, "-o", taken)
    film = Path(said.stdout.splitlines()[-1])
    assert (said.returncode, taken.read_bytes()) == (0, b"somebody's own"), said.stderr
    assert film != taken
    assert count_frames(film) == 2 * COUNT


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--transition", "wipe"], 2, "invalid choice"),
        (["--transition-s", "soon"], 2, "transition_s"),
        (["--transition", "crossfade", "--transition-s", "3"], 2, "transition_s"),
        (["--width", "3"], 2, "width"),
        (["-o", "film.avi"], 2, "films are MP4 files"),
        (["--transition", "crossfade", "--transition-s", "1"], 2, "longer than clip 1 has room for"),
    ],
)
def test_what_cant_be_is_refused_before_work(terminal: Terminal, clips, films, options, code, said):
    output = [] if "-o" in options else ["-o", films / "film.mp4"]
    answer = terminal.call("join", *clips, *options, *output)
    assert (answer.returncode, answer.stdout, left_in(films)) == (code, "", []), answer.stderr
    assert said in answer.stderr


def test_one_clip_is_no_film(terminal: Terminal, clips, films):
    said = terminal.call("join", clips[0], "-o", films / "film.mp4")
    assert (said.returncode, left_in(films)) == (2, []), said.stderr
    assert "there are 1" in said.stderr


def test_a_clip_that_isnt_there_is_refused_before_work(terminal: Terminal, clips, films):
    said = terminal.run("join", *clips, films.parent / "gone.mp4", "-o", films / "film.mp4")
    assert (said.returncode, said.stdout, left_in(films)) == (2, "", []), said.stderr
    assert "gone.mp4" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_clip_that_is_no_video_is_named_by_its_place(terminal: Terminal, clips, films):
    clips[1].write_bytes(b"no video at all" * 9)
    said = terminal.run("join", *clips, "-o", films / "film.mp4")
    assert (said.returncode, said.stdout, left_in(films)) == (1, "", []), said.stderr
    assert "clip 2 (1.mp4)" in said.stderr
    assert "Traceback" not in said.stderr


@POSIX_SIGNALS
def test_ctrl_c_leaves_nothing_half(terminal: Terminal, tmp_path, films):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (360, 640, 3), np.uint8) for _ in range(8)]
    long = write_clip(tmp_path / "long.mp4", noise * 12, size=(640, 360), options={"preset": "ultrafast"})
    command = ("join", *[long] * 8, "--transition", "crossfade", "-o", films / "film.mp4")
    process = terminal.start(*command)
    terminal.wait_until(lambda: [name for name in left_in(films) if name.endswith(".part")], "the film to begin")
    stdout, stderr = interrupt(process)
    assert (process.returncode, stdout, left_in(films)) == (130, "", []), stderr
    assert "Traceback" not in stderr
