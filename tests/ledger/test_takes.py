"""The takes of a node: its clips alone, starred ones first, whatever the size of the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest
from remote_video_pack.remote_video.ledger import paging
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.paging import Node
from remote_video_pack.remote_video.ledger.record import JobRecord

from .rows import JOB, ON_SQLITE, as_after_a_restart, aside, earlier, job_in, key_of, ledger_of, sql, statements

FLOW = "11111111-2222-4333-8444-555555555555"
MINE = replace(JOB, node_id="3:12", workflow_id=FLOW, filename_prefix="video/shot_01")


@pytest.fixture
def ledger(home, url) -> Ledger:
    return Ledger(home, url=url)


def take(ledger: Ledger, number: int, state: State = State.STORED, **job) -> str:
    """A job begun at second `number`; its key."""
    key = key_of(number)
    ledger.release(job_in(ledger, state, key, replace(MINE, **job)))
    sql(ledger, "UPDATE jobs SET created_at = ? WHERE key = ?", float(number), key)
    return key


def numbers(jobs: list[JobRecord]) -> list[int]:
    return [int(job.key, 16) for job in jobs]


def test_a_node_has_its_own_clips_newest_first_and_those_that_can_still_be_had(ledger):
    for number, state in enumerate(State):
        take(ledger, number, state)
    take(ledger, 50, node_id="12")
    take(ledger, 51, workflow_id="another")
    take(ledger, 52, workflow_id=None)
    had = [number for number, state in enumerate(State) if state in (State.STORED, State.FINISHED, State.EXPIRED)]
    assert numbers(ledger.takes(Node("3:12", FLOW))) == had[::-1]


def test_in_a_workflow_without_an_id_the_name_of_its_clips_tells_a_node(ledger):
    take(ledger, 1, workflow_id=None)
    take(ledger, 2, workflow_id=None, filename_prefix="video/shot_01_00002_")
    take(ledger, 3, workflow_id=None, filename_prefix="video/shotX01")
    take(ledger, 4)
    assert numbers(ledger.takes(Node("3:12", None, "video/shot_01"))) == [2, 1]


def test_a_star_keeps_a_take_above_all_newer_ones_until_it_is_taken_away(ledger):
    keys = [take(ledger, number) for number in range(29)]
    assert ledger.star(keys[2], True)
    first, *others = numbers(ledger.takes(Node("3:12", FLOW)))
    assert (first, others) == (2, list(range(28, 5, -1))), "24 of them in all"
    assert ledger.star(keys[2], False)
    assert numbers(ledger.takes(Node("3:12", FLOW)))[0] == 28
    assert not ledger.star("f" * 64, True)


@ON_SQLITE
def test_takes_are_found_by_an_index(ledger):
    take(ledger, 1)
    plans: list[str] = []

    def explain(cursor, statement, parameters) -> None:
        if statement.startswith("SELECT"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in cursor.fetchall())

    with statements(explain):
        ledger.takes(Node("3:12", FLOW))
    of_node = "SEARCH jobs USING INDEX jobs_of_node (workflow_id=? AND node_id=? AND starred"
    assert plans == [f"{of_node}>?)", f"{of_node}=?)"]


def test_without_a_workflow_s_id_the_newest_of_the_nodes_of_that_number_are_looked_through(ledger, monkeypatch):
    monkeypatch.setattr(paging, "LOOKED_THROUGH", 4)
    for number in range(1, 8):
        take(ledger, number, workflow_id=None, filename_prefix=f"video/{'mine' if number % 2 else 'another'}")
    assert ledger.star(take(ledger, 0, workflow_id=None, filename_prefix="video/mine"), True)
    assert numbers(ledger.takes(Node("3:12", None, "video/mine"))) == [0, 7, 5]


def test_a_clip_is_known_by_its_hash_or_by_its_name_and_size(ledger):
    lease = job_in(ledger, State.FINISHED, key_of(1), MINE)
    ledger.record(lease, Event.STORED, path="video/100%_00001_.mp4", bytes=700, sha256="ab" * 32)
    found = ledger.of_file(700, "renamed.mp4", "ab" * 32)
    assert found is not None
    assert found == ledger.of_file(700, "100%_00001_.mp4", None)
    assert ledger.of_file(700, "100%_00001_.mp4", "cd" * 32) is None
    assert ledger.of_file(701, "100%_00001_.mp4", None) is None
    assert ledger.of_file(700, "1000_00001_.mp4", None) is None
    assert ledger.of_file(700, "00001_.mp4", None) is None
    assert ledger.of_file(700, "%_00001_.mp4", None) is None, "what SQL takes for any letters is not meant so"


def test_a_ledger_of_layout_5_is_brought_to_today_s_and_keeps_all_it_knew(home):
    file = ledger_of(home, 3)
    jobs = Ledger(home).recent()
    sql(file, "DROP INDEX jobs_of_node")
    for column in ("workflow_id", "starred"):
        sql(file, f"ALTER TABLE jobs DROP COLUMN {column}")
    sql(file, "DROP TABLE alembic_version")
    sql(file, "PRAGMA user_version = 5")
    as_after_a_restart(file)
    assert Ledger(home).recent() == jobs
    assert (aside(home), len(earlier(home))) == ([], 1)
