"""How much may be spent: a cap for a day and one for a month, from the environment or the settings file.

A day and a month are those of this machine's calendar and clock, in its local time. What is spent is in the ledger,
and a cap is held in the transaction that begins a job: see `ledger.spending`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .errors import RequestRefused, SettingsError
from .private_file import TROUBLES, file_error, read_private, write_private

FILE_NAME = "budget.json"
MAX_FILE_BYTES = 4096
UNUSABLE = "The budget file {} can't be {}: {}. {}"
MOST_USD = 1e9
DAY, MONTH = "day", "month"
VARIABLES: Mapping[str, str] = {DAY: "REMOTE_VIDEO_BUDGET_USD_DAY", MONTH: "REMOTE_VIDEO_BUDGET_USD_MONTH"}
UNKNOWN_PRICE_VARIABLE = "REMOTE_VIDEO_UNKNOWN_PRICE_USD"


@dataclass(frozen=True)
class Budget:
    """What may be spent, USD; None is no cap.

    Args:
        day_usd: on a calendar day.
        month_usd: in a calendar month.
        unknown_price_usd: what a job counts as whose price nobody knows; None: such a job is not begun under a cap.
    """

    day_usd: float | None = None
    month_usd: float | None = None
    unknown_price_usd: float | None = None

    @property
    def caps(self) -> dict[str, float]:
        """By period, those that are set."""
        both = {DAY: self.day_usd, MONTH: self.month_usd}
        return {period: usd for period, usd in both.items() if usd is not None}


NO_BUDGET = Budget()


@dataclass(frozen=True)
class Period:
    """A calendar day or month of this machine.

    Args:
        name: "day" or "month".
        since: its first moment, seconds since the epoch.
        until: the first moment of the next one, local time.
    """

    name: str
    since: float
    until: datetime

    @classmethod
    def now(cls, name: str, moment: datetime | None = None) -> Period:
        """The one that a moment of local time is in; by default this one. Raises SettingsError: the clock is wrong."""
        try:
            today = (moment or datetime.now()).replace(hour=0, minute=0, second=0, microsecond=0)
            first = today if name == DAY else today.replace(day=1)
            after = first + timedelta(days=1 if name == DAY else 32)
            return cls(name, first.timestamp(), after if name == DAY else after.replace(day=1))
        except (OSError, OverflowError, ValueError) as error:
            raise SettingsError(
                f"This machine's clock can't be right ({error}), so what is spent in this {name} is not known.",
                next_step="Set the clock, then run again.",
            ) from None


def usd_of(value: Any) -> float | None:
    """An amount from a setting: a number of at least 0, or the text of one; None for nothing. Raises ValueError."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(value)
    usd = float(value)
    if not (math.isfinite(usd) and 0 <= usd <= MOST_USD):
        raise ValueError(value)
    return usd


class Budgets:
    """The caps of this machine: the environment's win over those saved from the dialog.

    Args:
        home: the pack's own folder; the file is in it.
        environment: what the environment says, as `Settings.budget` has it.
    """

    def __init__(self, home: Path, environment: Budget) -> None:
        self._path = Path(home) / FILE_NAME
        self._environment = environment

    def find(self) -> Budget:
        """The caps that hold. Raises SettingsError: the file can't be read."""
        saved = self._read()
        ours = {name: usd for name, usd in vars(self._environment).items() if usd is not None}
        return replace(saved, **ours)

    def save(self, day_usd: Any, month_usd: Any) -> None:
        """Keep both caps in place of earlier ones, broken ones too; None or an empty text is none.

        Raises:
            RequestRefused: it is not an amount.
            SettingsError: the file can't be written.
        """
        try:
            caps = {DAY: usd_of(day_usd), MONTH: usd_of(month_usd)}
        except ValueError:
            raise RequestRefused(
                "A budget is an amount in USD, 0 or more, or empty for none.", next_step="Write it as 12.50."
            ) from None
        try:
            write_private(self._path, json.dumps({"version": 1, "usd": caps}).encode("ascii"))
        except TROUBLES as problem:
            raise file_error(SettingsError, problem, UNUSABLE, self._path, "written") from None

    def describe(self) -> dict[str, Any]:
        """{day_usd, month_usd, unknown_price_usd: number | None, day_variable, month_variable: the variable that sets
        it, or None, error: str | None}.
        """
        try:
            found, error = self.find(), None
        except SettingsError as failure:
            found, error = self._environment, f"{failure.what} {failure.next_step}"
        by = {
            f"{period}_variable": name if self._environment.caps.get(period) is not None else None
            for period, name in VARIABLES.items()
        }
        return {**vars(found), **by, "error": error}

    def _read(self) -> Budget:
        try:
            content = read_private(self._path, MAX_FILE_BYTES)
        except TROUBLES as problem:
            raise file_error(SettingsError, problem, UNUSABLE, self._path) from None
        if content is None:
            return Budget()
        try:
            caps = json.loads(content)["usd"]
            return Budget(usd_of(caps[DAY]), usd_of(caps[MONTH]))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise SettingsError(
                f"The budget file {self._path} is broken, so what may be spent is not known. Nothing was sent.",
                next_step="Save the budget again in the accounts dialog, or remove the file, then run again.",
            ) from None
