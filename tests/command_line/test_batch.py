"""`batch`: a table of clips, begun as often as one likes and paid for once."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from remote_video_pack.remote_video.command_line import batch as batch_command
from remote_video_pack.remote_video.command_line import clip
from remote_video_pack.remote_video.command_line.clip import Outcome, Shot
from remote_video_pack.remote_video.engine.engine import Engine

from .terminal import Terminal, interrupt

POSIX_SIGNALS = pytest.mark.skipif(os.name == "nt", reason="there a signal ends the process at once")
SHOTS = '"[{""prompt"": ""a"", ""duration"": 3}, {""prompt"": ""b"", ""duration"": 3}]"'


def table_of(terminal: Terminal, rows: int) -> Path:
    terminal.picture()
    return terminal.write("shots.csv", "image,prompt", *(f"photo.jpg,shot number {n}" for n in range(1, rows + 1)))


def batch(table: Path, *more: str | Path) -> tuple[str | Path, ...]:
    return ("batch", table, "--model", "Veo3I2V", "--out", table.parent / "clips", *more)


def test_each_row_is_made_and_named_and_the_second_time_nothing_is_sent(terminal: Terminal):
    terminal.picture("one.png")
    table = terminal.write(
        "shots.csv",
        "model;image;prompt;duration;output;generate_audio;multi_shot",
        ";one.png;a sea, at dusk;;dusk/sea;yes;",
        f"kling 3.0 standard;one.png;two shots;6;;;{SHOTS}",
        ";;;;;;",
        "cometapi/veo3-pro;;a town;;town.mp4;;",
        "Veo3I2V;one.png;a sea, at dusk;;again;yes;",
        encoding="utf-8-sig",
    )
    for _ in range(2):
        said = terminal.run(*batch(table))
        assert said.returncode == 0, said.stderr + said.stdout
    clips = table.parent / "clips"
    files = {path.relative_to(clips).as_posix() for path in clips.rglob("*")}
    assert files == {"dusk", "dusk/sea.mp4", "shots_002.mp4", "town.mp4", "again.mp4"}
    assert terminal.posts == 3
    assert "row 4 asks for the same clip as row 1" in said.stderr
    lines = said.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["1", "2", "3", "4"]
    assert lines[-1].startswith("4 had before; 0.00 USD paid now")


def test_one_row_that_fails_stops_no_other_and_is_in_the_table(terminal: Terminal):
    terminal.picture()
    table = terminal.write("shots.csv", "image,prompt", "photo.jpg,a [fail]", "photo.jpg,b", "photo.jpg,c [moderation]")
    said = terminal.call(*batch(table))
    lines = said.stdout.splitlines()
    assert said.returncode == 1
    assert [line.split()[1] for line in lines[1:4]] == ["failed", "made", "failed"]
    assert "The generation failed" in lines[1]
    assert lines[2].split()[-2:] == ["1.20", "shots_002.mp4"]
    assert "2 failed" in lines[-1]
    assert "1 made" in lines[-1]
    assert "1.20 USD paid now" in lines[-1]


def test_an_empty_account_is_not_asked_for_row_after_row(terminal: Terminal):
    terminal.sandbox.faults.set("runcomfy/submit", "error-400002")
    said = terminal.call(*batch(table_of(terminal, 6)), REMOTE_VIDEO_MAX_PARALLEL="2")
    assert (said.returncode, said.stdout.count("account is too low for this clip")) == (1, 6)
    assert terminal.posts == 2


def test_all_bad_rows_are_listed_before_anything_is_sent(terminal: Terminal):
    terminal.picture()
    table = terminal.write(
        "shots.jsonl",
        '{"image": "photo.jpg", "prompt": "fine", "name": "one"}',
        '{"image": "nowhere.jpg", "prompt": "a"}',
        "",
        '{"image": "photo.jpg", "prompt": ""}',
        '{"image": "photo.jpg", "prompt": "a", "model": "RunwayGen3Turbo", "duration": 7}',
        '{"image": "photo.jpg", "prompt": "a", "durration": 7}',
        '{"image": "photo.jpg", "prompt": "another", "name": "ONE.mp4"}',
        "[]",
        "{",
        '{"image": "photo.jpg", "prompt": "a", "name": "../outside"}',
        '{"image": 7, "prompt": ["a"], "model": "Veo3I2V", "generate_audio": "perhaps"}',
    )
    said = terminal.call(*batch(table))
    reasons = {
        2: "nowhere.jpg",
        3: "`prompt` is empty",
        4: "`duration` is 7",
        5: "no input 'durration'",
        6: "same name",
        7: "not a JSON object",
        8: "not JSON",
        9: "outside",
        10: "the path of a file",
    }
    lines = said.stderr.splitlines()
    shown = {int(line[4:].split(":")[0]): line for line in lines if line.startswith("row ")}
    assert (said.returncode, said.stdout, terminal.posts) == (2, "", 0)
    assert [row for row, reason in reasons.items() if reason not in shown.get(row, "")] == []
    assert shown.keys() == reasons.keys()
    assert lines[-1].startswith("9 of 10 rows")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.csv", b"", "no rows"),
        ("header.csv", b"image,prompt\n", "no rows"),
        ("latin.csv", "prompt\ngr\u00fcn\n".encode("latin-1"), "not UTF-8"),
        ("twice.csv", b"prompt,prompt\na,b\n", "two columns"),
        ("quote.csv", b'prompt\n"a\n', "broken at line"),
        ("long.csv", b"prompt\na,b\n", "2 cells"),
        ("no-model.csv", b"prompt\na\n", "No model is named"),
    ],
)
def test_a_table_that_is_none_is_said_in_words(terminal: Terminal, name: str, content: bytes, reason: str):
    table = terminal.folder / name
    table.write_bytes(content)
    said = terminal.call("batch", table, "--out", terminal.folder / "clips")
    assert (said.returncode, reason in said.stderr, "Traceback" in said.stderr) == (2, True, False), said.stderr


def test_without_a_key_nothing_is_begun(terminal: Terminal):
    table, terminal.sandbox = table_of(terminal, 3), None
    said = terminal.run(*batch(table))
    assert (said.returncode, said.stderr.count("There is no RunComfy key"), said.stdout) == (1, 1, "")


def test_json_has_one_object_a_row(terminal: Terminal):
    said = terminal.run(*batch(table_of(terminal, 3), "--json"))
    told = sorted((json.loads(line) for line in said.stdout.splitlines()), key=lambda row: row["row"])
    assert [(row["row"], row["state"], Path(row["path"]).name) for row in told] == [
        (1, "made", "shots_001.mp4"),
        (2, "made", "shots_002.mp4"),
        (3, "made", "shots_003.mp4"),
    ]
    assert {row["request_id"] for row in told} == {job.request_id for job in terminal.ledger.recent()}


def test_no_more_rows_are_open_at_once_than_may_be_in_flight(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    """Each open row holds its image, and a table can have ten thousand."""
    opened: list[int] = []
    now_open: list[Shot] = []

    async def counted(engine: Engine, shot: Shot, *more: Any) -> Outcome:
        now_open.append(shot)
        opened.append(len(now_open))
        try:
            return await clip.make(engine, shot, *more)
        finally:
            now_open.remove(shot)

    monkeypatch.setattr(batch_command, "make", counted)
    said = terminal.call(*batch(table_of(terminal, 12)), REMOTE_VIDEO_MAX_PARALLEL="3")
    assert (said.returncode, terminal.posts, len(opened), max(opened)) == (0, 12, 12, 3), said.stderr


def test_killed_in_the_middle_it_goes_on_where_it_was(terminal: Terminal):
    table, rows = table_of(terminal, 8), 8
    terminal.sandbox.faults.set("runcomfy/status", "never-finishes")
    process = terminal.start(*batch(table), REMOTE_VIDEO_MAX_PARALLEL="4")
    terminal.wait_until(lambda: sum(bool(job.request_id) for job in terminal.ledger.recent()) == 4, "four ids")
    process.kill()
    process.communicate()
    with closing(sqlite3.connect(terminal.ledger.name)) as db, db:  # as a minute later
        db.execute("UPDATE engines SET heard_at = heard_at - 60")
    terminal.sandbox.faults.clear()
    said = terminal.run(*batch(table))
    assert said.returncode == 0, said.stderr
    assert terminal.posts == terminal.sandbox.accepted_posts == rows
    assert len(list((table.parent / "clips").glob("*.mp4"))) == rows


@POSIX_SIGNALS
def test_ctrl_c_leaves_all_jobs_and_the_same_command_goes_on(terminal: Terminal):
    table = table_of(terminal, 5)
    terminal.sandbox.faults.set("runcomfy/status", "never-finishes")
    process = terminal.start(*batch(table), REMOTE_VIDEO_MAX_PARALLEL="4")
    terminal.wait_until(lambda: sum(bool(job.request_id) for job in terminal.ledger.recent()) == 4, "four ids")
    _, stderr = interrupt(process)
    assert (process.returncode, "0 of 5 rows are done" in stderr, "Traceback" in stderr) == (130, True, False), stderr
    terminal.sandbox.faults.clear()
    said = terminal.run(*batch(table))
    assert (said.returncode, terminal.posts) == (0, 5), said.stderr
    assert "sharing" not in said.stderr
