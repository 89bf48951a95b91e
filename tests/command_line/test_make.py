"""`make`: one clip, paid for once, under the name that was asked for."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import sys
from pathlib import Path

import pytest
from remote_video_pack.remote_video.command_line.surroundings import usual_home

from .terminal import ESCAPE, Terminal, interrupt

SEA = ("make", "veo3i2v", "--prompt", "a calm sea")
POSIX_SIGNALS = pytest.mark.skipif(os.name == "nt", reason="there a signal ends the process at once")


def test_the_last_line_is_the_clip_and_the_second_time_nothing_is_sent(terminal: Terminal):
    file, picture = terminal.folder / "out" / "sea.mp4", terminal.picture()
    for _ in range(2):
        said = terminal.run(*SEA, "--image", picture, "-o", file)
        assert (said.returncode, said.stdout) == (0, f"{file}\n"), said.stderr
    assert terminal.posts == 1
    assert [path.name for path in file.parent.iterdir()] == ["sea.mp4"]
    assert "had before" in said.stderr


def test_what_is_said_without_a_terminal_is_plain_lines(terminal: Terminal):
    with (terminal.folder / "said").open("wb") as file:
        order = (*SEA, "--image", terminal.picture(), "-o", f"{terminal.folder}/")
        process = terminal.start(*order, stderr=file.fileno())
        process.communicate(timeout=60)
    said = (terminal.folder / "said").read_bytes().replace(os.linesep.encode(), b"\n").decode()
    words = ("preparing the request", "submitting", "accepted", "downloading", "saved as Veo3I2V_00001_.mp4", "made: ")
    assert [word for word in words if not any(line.startswith(word) for line in said.splitlines())] == []
    assert not ESCAPE.search(said)
    assert "%" not in said, "the provider gives no percentage"


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_on_a_terminal_one_line_changes(terminal: Terminal):
    import fcntl
    import pty
    import termios

    screen, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = terminal.start(*SEA, "--image", terminal.picture(), "-o", terminal.folder / "sea.mp4", stderr=end)
    os.close(end)
    shown = b""
    try:
        while piece := os.read(screen, 4096):
            shown += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    assert process.communicate()[0] == f"{terminal.folder / 'sea.mp4'}\n"
    assert shown.count(b"\r") > shown.count(b"\r\n")
    assert b"accepted" in shown
    assert b"%" not in shown


def test_a_taken_name_is_left_alone(terminal: Terminal):
    file = terminal.folder / "sea.mp4"
    file.write_bytes(b"somebody's")
    for _ in range(2):
        said = terminal.call(*SEA, "--image", terminal.picture(), "-o", file)
        assert said.stdout == f"{terminal.folder / 'sea_00001_.mp4'}\n"
    assert file.read_bytes() == b"somebody's"
    assert terminal.posts == 1


def test_another_name_for_the_same_clip_is_no_other_clip(terminal: Terminal):
    first, second = terminal.folder / "first.mp4", terminal.folder / "elsewhere" / "second.mp4"
    for file in (first, second, first, second):
        said = terminal.call(*SEA, "--image", terminal.picture(), "-o", file)
        assert said.stdout == f"{file}\n"
    assert terminal.posts == 1
    assert second.read_bytes() == first.read_bytes()
    assert len(list(terminal.folder.glob("*.mp4"))) + len(list(second.parent.iterdir())) == 2


def test_json_tells_a_program_all_there_is(terminal: Terminal):
    said = terminal.run(*SEA, "--image", terminal.picture(), "-o", terminal.folder / "sea.mp4", "--json")
    told = json.loads(said.stdout)
    job = terminal.ledger.recent()[0]
    assert told.pop("seconds") >= 0
    size = {"width": 160, "height": 96, "fps": 24.0, "duration_s": 0.5, "bytes": Path(told["path"]).stat().st_size}
    about = {"state": "made", "key": job.key, "request_id": job.request_id, "cost_usd": job.cost_usd, "reused": False}
    assert told == {
        **about,
        **size,
        "path": str(terminal.folder / "sea.mp4"),
        "sandbox": False,
        "others": [],
        "lacking": [],
    }
    assert job.cost_usd is not None


def test_a_failure_in_json_names_the_kind_and_the_way_on(terminal: Terminal):
    said = terminal.call(*SEA[:3], "a sea [moderation]", "--image", terminal.picture(), "--json")
    told = json.loads(said.stdout)
    assert said.returncode == 1
    assert (told["state"], told["kind"], told["billed"]) == ("failed", "ModerationError", "unknown")
    assert told["error"] in said.stderr
    assert f"Next: {told['next']}" in said.stderr


def test_a_lost_answer_names_the_job_to_forget(terminal: Terminal):
    terminal.sandbox.faults.set("runcomfy/submit", "hang-up:accepted", on_call=1)
    order = (*SEA, "--image", terminal.picture(), "-o", terminal.folder / "sea.mp4")
    said = terminal.call(*order)
    key = terminal.ledger.recent()[0].key[:12]
    assert (said.returncode, said.stdout, f"forget {key}" in said.stderr) == (1, "", True)
    assert terminal.call(*order).returncode == 1
    assert terminal.posts == 1
    assert terminal.call("forget", key).returncode == 0
    assert terminal.call(*order).returncode == 0
    assert terminal.posts == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("make", "Veo4", "--prompt", "a"), "Kling3I2V"),
        (("make", "Veo3I2V", "--prompt", "a"), "needs one"),
        ((*SEA, "--set", "durration=5"), "no input 'durration'"),
        ((*SEA, "--set", "duration"), "name=value"),
        ((*SEA, "--set", "generate_audio=maybe"), "true or false"),
        ((*SEA, "--set", "fit=stretch"), "auto, crop, pad, strict"),
        ((*SEA, "--image", "nowhere.jpg"), "can't be read as an image"),
        ((*SEA, "-o", "sea.mov"), "ends in .mp4"),
        (("make", "Kling3I2V", "--set", "multi_shot=[1]"), "JSON list"),
        (("make", "CometVeo", "--prompt", "a", "--seed", "-1"), "whole number"),
    ],
)
def test_what_can_not_be_made_is_said_before_anything_is_sent(terminal: Terminal, arguments, reason: str):
    said = terminal.call(*arguments)
    assert (said.returncode, reason in said.stderr, "Traceback" in said.stderr) == (2, True, False), said.stderr
    assert terminal.posts == 0


def test_without_a_key_the_ways_on_are_named(terminal: Terminal):
    terminal.sandbox = None
    said = terminal.run(*SEA, "--image", terminal.picture())
    assert (said.returncode, said.stdout) == (1, "")
    assert "RUNCOMFY_API_TOKEN" in said.stderr
    assert "Traceback" not in said.stderr


def test_an_upload_that_needs_comfyui_is_refused(terminal: Terminal):
    said = terminal.call(*SEA, "--image", terminal.picture(), REMOTE_VIDEO_UPLOADS="public-origin")
    assert (said.returncode, "ComfyUI" in said.stderr, terminal.posts) == (2, True, 0)


@POSIX_SIGNALS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_the_job_which_is_collected(terminal: Terminal, number: int):
    terminal.sandbox.faults.set("runcomfy/status", "never-finishes")
    file = terminal.folder / "sea.mp4"
    process = terminal.start(*SEA, "--image", terminal.picture(), "-o", file)
    terminal.wait_until(lambda: any(job.request_id for job in terminal.ledger.recent()), "an id")
    stdout, stderr = interrupt(process, number)
    assert (process.returncode, stdout) == (130, ""), stderr
    assert "collect" in stderr
    assert "Traceback" not in stderr
    assert [call for call in terminal.sandbox.requests if call.route == "runcomfy/cancel"] == []
    terminal.sandbox.faults.clear()
    said = terminal.run("collect")
    assert (said.returncode, said.stdout) == (0, f"{file}\n"), said.stderr
    assert "sharing" not in said.stderr, "an engine that ends in order lets go of its jobs"
    assert terminal.run(*SEA, "--image", terminal.picture(), "-o", file).stdout == f"{file}\n"
    assert terminal.posts == 1


@POSIX_SIGNALS
def test_ctrl_c_waits_for_the_answer_to_a_submission(terminal: Terminal):
    terminal.sandbox.faults.set("runcomfy/submit", "stall:accepted", seconds=3.0)
    process = terminal.start(*SEA, "--image", terminal.picture(), "-o", terminal.folder / "sea.mp4")
    terminal.wait_until(lambda: terminal.sandbox.accepted_posts, "the submission")
    assert interrupt(process)[0] == ""
    assert process.returncode == 130
    job = terminal.ledger.recent()[0]
    assert (job.state.value, job.request_id is not None) == ("submitted", True)


@POSIX_SIGNALS
def test_the_second_ctrl_c_ends_it_at_once(terminal: Terminal):
    terminal.sandbox.faults.set("runcomfy/submit", "stall:accepted", seconds=25.0)
    process = terminal.start(*SEA, "--image", terminal.picture(), "-o", terminal.folder / "sea.mp4")
    terminal.wait_until(lambda: terminal.sandbox.accepted_posts, "the submission")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "waits up to" not in process.stderr.readline():
        continue
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=15) == -signal.SIGINT
    process.communicate()


def test_a_clone_of_any_name_will_do(terminal: Terminal, tmp_path: Path):
    clone = tmp_path / "some-clone-1.0"
    shutil.copytree(Path(__file__).resolve().parents[2] / "remote_video", clone / "remote_video")
    said = terminal.run(*SEA, "--sandbox", "--image", terminal.picture(), "-o", tmp_path / "a b.mp4", cwd=clone)
    assert (said.returncode, said.stdout) == (0, f"{tmp_path / 'a b.mp4'}\n"), said.stderr
    assert terminal.posts == 0, "--sandbox is a sandbox of its own"


def test_without_a_home_the_usual_one_is_used_and_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    data = {name: str(terminal.folder / "data") for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME")}
    for name, folder in data.items():
        monkeypatch.setenv(name, folder)
    home = usual_home()
    said = terminal.run(*SEA, "--image", terminal.picture(), "-o", terminal.folder / "x.mp4", REMOTE_VIDEO_HOME="")
    assert (said.returncode, str(home) in said.stderr, home.is_relative_to(data["HOME"])) == (0, True, True)
    assert terminal.run("jobs", REMOTE_VIDEO_HOME="").stdout.splitlines()[-1] == "Jobs: 1"


def test_a_dry_run_says_what_would_be_and_sends_nothing(terminal: Terminal):
    order = ("make", "Veo3I2V", "--prompt", "a sea", "--image", terminal.picture(), "--set", "fit=crop")
    before = terminal.call(*order, "--dry-run")
    line, model, *body = before.stdout.splitlines()
    assert (before.returncode, terminal.posts, terminal.ledger.recent()) == (0, 0, [])
    assert line.startswith("8 s, 16:9 | your 4:3 picture loses top and bottom (25%)")
    assert model == "Veo 3 (google-deepmind/veo-3/image-to-video) would be sent:"
    assert json.loads("\n".join(body))["image"] == "<image, 1280x720 px>"

    assert terminal.call(*order, "-o", terminal.folder / "sea.mp4").returncode == 0
    again = terminal.call(*order, "--dry-run", "--json")
    told = json.loads(again.stdout)
    assert (again.returncode, terminal.posts) == (0, 1)
    assert (told["line"], told["is_made"], told["body"]["prompt"]) == ("Already made: free", True, "a sea")
    assert terminal.call(*order, "--dry-run", "--seed", "5").stdout.startswith("8 s, 16:9 |")


def test_a_dry_run_needs_no_key(tmp_path: Path):
    said = Terminal(tmp_path).call("make", "CometVeo", "--prompt", "a sea", "--dry-run")
    assert (said.returncode, said.stdout.splitlines()[0]) == (0, "8 s, 16:9"), said.stderr


def test_a_dry_run_of_what_cannot_be_is_refused_like_the_run(terminal: Terminal):
    said = terminal.call("make", "Veo3I2V", "--prompt", "a sea", "--dry-run")
    assert (said.returncode, said.stdout) == (2, "")


def test_inside_a_comfyui_its_ledger_is_the_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    comfyui = tmp_path / "ComfyUI"
    for folder in ("custom_nodes", "user/__remote_video", "models/vae"):
        (comfyui / folder).mkdir(parents=True)
    for inside in (comfyui, comfyui / "models" / "vae"):
        monkeypatch.chdir(inside)
        assert usual_home().samefile(comfyui / "user" / "__remote_video")
    monkeypatch.chdir(tmp_path)
    assert not usual_home().is_relative_to(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs a privilege there")
def test_inside_a_pack_that_is_linked_into_a_comfyui_the_ledger_is_that_comfyuis(terminal: Terminal, tmp_path: Path):
    comfyui = tmp_path / "ComfyUI"
    (comfyui / "custom_nodes").mkdir(parents=True)
    linked = comfyui / "custom_nodes" / "remote-video"
    linked.symlink_to(Path(__file__).resolve().parents[2], target_is_directory=True)
    home = comfyui / "user" / "__remote_video"
    where = {"cwd": linked, "REMOTE_VIDEO_HOME": "", "PWD": str(linked)}
    said = terminal.run("jobs", **where)
    assert (said.returncode, said.stdout) == (2, "")
    assert f"There is no ledger in {home} or {usual_home()}." in said.stderr
    home.mkdir(parents=True)
    terminal.call(*SEA, "--image", terminal.picture(), "-o", tmp_path / "sea.mp4", "--home", home)
    assert terminal.run("jobs", **where).stdout.splitlines()[-1] == "Jobs: 1"


@pytest.mark.parametrize("command", [("jobs",), ("costs",), ("price", "Veo3I2V")])
def test_a_command_that_finds_nothing_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
):
    comfyui, nothing = tmp_path / "ComfyUI", Terminal(tmp_path / "nothing")
    (comfyui / "custom_nodes").mkdir(parents=True)
    monkeypatch.chdir(comfyui)
    said = nothing.call(*command, REMOTE_VIDEO_HOME="")
    assert said.returncode in (1, 2) and said.stdout == ""
    assert f"in {comfyui / 'user' / '__remote_video'} or {usual_home()}" in said.stderr
    named = nothing.call(*command, REMOTE_VIDEO_HOME=str(tmp_path / "named"))
    assert f"in {tmp_path / 'named'}" in named.stderr and str(comfyui) not in named.stderr


def test_with_nothing_typed_the_help_is_shown(terminal: Terminal):
    done = terminal.call()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == terminal.call("--help").stdout
