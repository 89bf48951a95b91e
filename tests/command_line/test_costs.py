"""`costs`: sums of what the ledger knows, estimates apart, nothing of a sandbox."""

from __future__ import annotations

import csv
import json
import time
from datetime import datetime
from pathlib import Path

import pytest
from remote_video_pack.remote_video.budget import Budget, Budgets
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event

from ..ledger.rows import sql
from ..written_jobs import accepted, begun, happened
from .terminal import Terminal

DAYS = (datetime(2025, 3, 31, 23, 30), datetime(2025, 4, 1, 0, 30), datetime(2025, 4, 2, 12))


@pytest.fixture
def offline(tmp_path: Path) -> Terminal:
    """No provider, no key."""
    return Terminal(tmp_path)


def stored(ledger: Ledger, number: int, at: datetime, cost_usd: float | None, **job) -> None:
    key = f"{number:064x}"
    lease = accepted(ledger, key, **job)
    ledger.record(lease, Event.SUCCEEDED, cost_usd=cost_usd)
    happened(ledger, lease, Event.STORED, path=f"{number}.mp4")
    sql(ledger.name, "UPDATE jobs SET created_at = ? WHERE key = ?", at.timestamp(), key)


@pytest.fixture
def ledger(home: Path) -> Ledger:
    """Jobs of three days and two models, in every way of knowing what they cost."""
    ledger = Ledger(home)
    stored(ledger, 1, DAYS[0], 0.5)
    stored(ledger, 2, DAYS[1], 0.25, model_name="Kling")
    stored(ledger, 3, DAYS[2], None, model_name="Kling", estimate_usd=1.12)
    stored(ledger, 4, DAYS[2], None, assumed_usd=9.0)
    stored(ledger, 5, DAYS[2], 1.8, base="sandbox")
    stored(ledger, 6, DAYS[2], 1.8, base="http://127.0.0.1:8000/runcomfy", stand_in=1)
    happened(ledger, begun(ledger, "7" * 64, estimate_usd=3.0), Event.TURNED_DOWN)
    return ledger


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("day", [("2025-03-31", 1, 0.5, 0, 0), ("2025-04-01", 1, 0.25, 0, 0), ("2025-04-02", 2, 0, 1.12, 1)]),
        ("month", [("2025-03", 1, 0.5, 0, 0), ("2025-04", 3, 0.25, 1.12, 1)]),
        ("model", [("Kling", 2, 0.25, 1.12, 0), ("Veo 3", 2, 0.5, 0, 1)]),
    ],
)
def test_costs_are_summed_by_day_month_and_model(offline: Terminal, ledger: Ledger, by: str, rows: list):
    head, *table = csv.reader(offline.call("costs", "--csv", "--by", by).stdout.splitlines())
    assert head == [by, "jobs", "cost_usd", "estimated_usd", "unknown"]
    assert [(name, *map(float, figures)) for name, *figures in table] == rows
    told = [json.loads(line) for line in offline.call("costs", "--json", "--by", by).stdout.splitlines()]
    assert [tuple(row.values()) for row in told] == rows


def test_costs_are_shown_to_people(offline: Terminal, ledger: Ledger):
    shown = offline.run("costs")
    assert shown.returncode == 0, shown.stderr
    assert "2025-04-02" in shown.stdout
    (total,) = [line.split() for line in shown.stdout.splitlines() if line.startswith("in all")]
    assert total[2:] == ["4", "0.75", "1.12", "1"]
    assert "1.80" not in shown.stdout and "3.60" not in shown.stdout


def test_a_ledger_of_sandbox_jobs_has_cost_nothing(offline: Terminal, home: Path):
    stored(Ledger(home), 1, DAYS[0], 1.8, base="sandbox")
    assert offline.call("costs").stdout == "Nothing was paid yet.\n"
    assert offline.call("costs", "--csv").stdout == "day,jobs,cost_usd,estimated_usd,unknown\n"
    assert offline.call("costs", "--by", "year").returncode == 2


def test_jobs_show_an_estimate_as_one_and_no_figures_of_a_sandbox(offline: Terminal, ledger: Ledger):
    shown = offline.call("jobs").stdout
    assert "id-of-" + f"{3:064x}  about 1.12 USD" in shown
    assert "1.80" not in shown
    told = {job["key"][-1]: job for job in map(json.loads, offline.call("jobs", "--json").stdout.splitlines())}
    assert (told["3"]["estimate_usd"], told["3"]["cost_usd"], told["3"]["sandbox"]) == (1.12, None, False)
    assert [(told[n]["cost_usd"], told[n]["sandbox"]) for n in "56"] == [(None, True)] * 2


def test_a_clip_of_a_sandbox_server_is_free_and_one_of_another_stand_in_is_not(terminal: Terminal):
    picture = terminal.picture()
    make = ("make", "Veo3I2V", "--image", picture, "--prompt", "a sea", "-o")
    paid = terminal.call(*make, terminal.folder / "a.mp4")
    assert paid.returncode == 0, paid.stderr
    assert "USD" in paid.stderr.splitlines()[-1]
    free = terminal.call(*make, terminal.folder / "b.mp4", "--seed", "2", RUNCOMFY_API_TOKEN="sandbox")
    assert "sandbox, nothing was paid" in free.stderr
    (row,) = csv.DictReader(terminal.call("costs", "--csv").stdout.splitlines())
    assert (row["jobs"], row["cost_usd"], row["day"]) == ("1", "1.2", time.strftime("%Y-%m-%d"))


def test_a_budget_holds_a_batch(terminal: Terminal):
    terminal.picture()
    rows = [f"photo.jpg,a sea,{seed},{seed}.mp4" for seed in range(5)]
    table = terminal.write("shots.csv", "image,prompt,seed,output", *rows)
    caps = {"REMOTE_VIDEO_BUDGET_USD_DAY": "2.4", "REMOTE_VIDEO_UNKNOWN_PRICE_USD": "1.2"}
    batch = ("batch", table, "--out", terminal.folder / "clips", "--model", "Veo3I2V")
    held = terminal.call(*batch, **caps)
    assert held.returncode == 1
    assert "This day's budget is $2.40" in held.stdout + held.stderr
    assert terminal.posts == 2
    assert Budgets(Path(terminal.ledger.name).parent, Budget()).find() == Budget(), "the environment saves nothing"
    assert terminal.call(*batch).returncode == 0
    assert terminal.posts == 5
