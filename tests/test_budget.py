"""What may be spent: read from the environment and the file, by this machine's calendar."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path

import pytest
from remote_video_pack.remote_video.budget import FILE_NAME, NO_BUDGET, Budget, Budgets, Period
from remote_video_pack.remote_video.errors import RequestRefused, SettingsError
from remote_video_pack.remote_video.settings import Settings

HAS_TZSET = pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone can't be set here")


def test_the_environment_sets_caps_and_what_an_unknown_price_counts_as():
    names = ("REMOTE_VIDEO_BUDGET_USD_DAY", "REMOTE_VIDEO_BUDGET_USD_MONTH", "REMOTE_VIDEO_UNKNOWN_PRICE_USD")
    given = dict(zip(names, (" 12.50 ", "100", "0"), strict=True))
    assert Settings.from_environment(Path("home"), given).budget == Budget(12.5, 100.0, 0.0)
    assert Settings.from_environment(Path("home"), dict.fromkeys(names, " ")).budget == NO_BUDGET == Budget()


@pytest.mark.parametrize("value", ["-1", "ten", "nan", "inf", "1e400", "$10", "1,50"])
def test_a_cap_that_is_no_amount_is_refused(value):
    with pytest.raises(SettingsError, match="REMOTE_VIDEO_BUDGET_USD_DAY"):
        Settings.from_environment(Path("home"), {"REMOTE_VIDEO_BUDGET_USD_DAY": value})


def test_a_saved_cap_holds_where_the_environment_sets_none(home):
    Budgets(home, NO_BUDGET).save("5", 50)
    assert Budgets(home, NO_BUDGET).find() == Budget(5.0, 50.0)
    assert Budgets(home, Budget(day_usd=1.0, unknown_price_usd=2.0)).find() == Budget(1.0, 50.0, 2.0)
    told = Budgets(home, Budget(day_usd=1.0)).describe()
    assert (told["day_usd"], told["day_variable"]) == (1.0, "REMOTE_VIDEO_BUDGET_USD_DAY")
    assert (told["month_usd"], told["month_variable"], told["error"]) == (50.0, None, None)
    Budgets(home, NO_BUDGET).save(None, "")
    assert Budgets(home, NO_BUDGET).find() == NO_BUDGET


@pytest.mark.parametrize("value", ["-1", "ten", True, [5], float("nan"), 1e12])
def test_what_is_no_amount_is_not_saved(home, value):
    with pytest.raises(RequestRefused, match=r"Write it as 12\.50"):
        Budgets(home, NO_BUDGET).save(value, None)
    assert not (home / FILE_NAME).exists()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"usd": 5}', '{"usd": {"day": "x", "month": null}}', "[" * 4000]
)
def test_a_broken_file_is_an_error_and_not_no_budget(home, content):
    Budgets(home, NO_BUDGET).save(5, None)
    (home / FILE_NAME).write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match="is broken, so what may be spent is not known"):
        Budgets(home, NO_BUDGET).find()
    assert (
        "Save the budget again in the accounts dialog, or remove the file"
        in Budgets(home, NO_BUDGET).describe()["error"]
    )
    Budgets(home, NO_BUDGET).save(6, None)
    assert Budgets(home, NO_BUDGET).find() == Budget(6.0)


@pytest.mark.skipif(os.name == "nt", reason="there is no such file there, in other words")
def test_a_home_below_a_file_is_an_error_and_not_no_budget(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    budgets = Budgets(tmp_path / "file" / "home", NO_BUDGET)
    with pytest.raises(SettingsError, match=r"can't be read: Not a directory\.") as told:
        budgets.find()
    assert str(tmp_path / "file") in told.value.next_step
    with pytest.raises(SettingsError, match="can't be written"):
        budgets.save(5, None)


@pytest.mark.parametrize(
    ("moment", "day", "month"),
    [
        (datetime(2025, 1, 31, 23, 59, 59, 999_999), datetime(2025, 2, 1), datetime(2025, 2, 1)),
        (datetime(2024, 2, 29), datetime(2024, 3, 1), datetime(2024, 3, 1)),
        (datetime(2025, 12, 1, 12), datetime(2025, 12, 2), datetime(2026, 1, 1)),
    ],
)
def test_a_period_ends_where_the_next_one_begins(moment, day, month):
    assert Period.now("day", moment).until == day
    assert Period.now("month", moment).until == month
    assert Period.now("day", moment).since == datetime(moment.year, moment.month, moment.day).timestamp()
    assert Period.now("month", moment).since == datetime(moment.year, moment.month, 1).timestamp()


@HAS_TZSET
def test_a_day_is_the_local_one_also_when_the_clocks_change(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        long_day, next_day = (Period.now("day", datetime(2025, 10, day, 12)) for day in (26, 27))
        assert next_day.since - long_day.since == 25 * 3600
        assert long_day.since == 1761429600  # 2025-10-25T22:00Z
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_clock_that_is_out_of_all_bounds_is_an_error_with_words():
    with pytest.raises(SettingsError, match="clock can't be right") as told:
        Period.now("month", datetime.max)
    assert told.value.next_step == "Set the clock, then run again."
