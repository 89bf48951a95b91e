"""What a shared ledger of many jobs is asked reads an index in its order: it costs the same at any number of jobs."""

from __future__ import annotations

import re

import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.paging import Node, Wanted

from .rows import statements

JOBS = 30_000
FILL = f"""INSERT INTO jobs (key, state, provider, base, model_id, model_name, take, node_id, asked, attempt,
 created_at, filename_prefix, prompt, workflow_id)
 SELECT lpad(i::text, 64, '0'), CASE WHEN i % 50 = 7 THEN 'failed' ELSE 'stored' END, 'RunComfy', 'base', 'model',
 'Model ' || i % 40, i, (i % 10)::text, 'asked-' || i, 1, i, 'video/clip', repeat('waves at a shore ', 10),
 CASE WHEN i % 2 = 0 THEN 'flow-' || i / 1000 END FROM generate_series(0, {JOBS} - 1) AS i"""
QUESTIONS = {
    "all": lambda ledger: ledger.page(Wanted()).jobs,
    "further back": lambda ledger: ledger.page(Wanted(before=(JOBS / 2, ""))).jobs,
    "of a state": lambda ledger: ledger.page(Wanted(states=frozenset({State.FAILED}))).jobs,
    "of a model": lambda ledger: ledger.page(Wanted(model="Model 1")).jobs,
    "found": lambda ledger: ledger.page(Wanted(search="waves")).jobs,
    "takes": lambda ledger: ledger.takes(Node("2", "flow-7")),
    "takes without a workflow's id": lambda ledger: ledger.takes(Node("3", None, "video/")),
    "recent": lambda ledger: ledger.recent(),
}
"""Each finds jobs."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory, postgres):
    with postgres.database() as name:
        ledger = Ledger(tmp_path_factory.mktemp("home"), url=postgres.url(name))
        postgres.run(FILL, "VACUUM ANALYZE jobs", database=name)
        yield ledger


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_never_looks_at_all_jobs(shared: Ledger, question: str) -> None:
    asked = []
    with statements(lambda cursor, statement, parameters: asked.append((statement, parameters))):
        found = QUESTIONS[question](shared)
    assert found == sorted(found, key=lambda job: (job.created_at, job.key), reverse=True)
    assert found and len(found) <= 100
    for statement, parameters in asked:
        if "FROM jobs" in statement and "count(*)" not in statement:
            plan = shared._read(lambda db, how=(statement, parameters): explained(db, *how))
            assert "Seq Scan" not in plan and "Bitmap" not in plan, plan
            if "LIKE" in statement:
                assert re.search(r"Subquery Scan on anon_\w+\n +Filter.*\n +->  Limit\n", plan), plan
            assert not any(step.strip().startswith("->  Sort") for step in plan.splitlines()), plan


def explained(db, statement: str, parameters) -> str:
    rows = db.exec_driver_sql(f"EXPLAIN (COSTS OFF) {statement}", parameters)
    return "\n".join(row[0] for row in rows)
