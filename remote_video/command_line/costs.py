"""`costs`: what clips cost, by day, month or model."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterable

from ..console import say
from ..ledger.ledger import Ledger
from ..ledger.spending import Spent
from .surroundings import settings_with_ledger

DATES = {"day": "%Y-%m-%d", "month": "%Y-%m"}
COLUMNS = ("jobs", "cost_usd", "estimated_usd", "unknown")
"""How many jobs; what the provider said they cost; the estimates of those it didn't say it of; those without either."""


def costs_command(options: argparse.Namespace) -> int:
    """Sum up what the jobs of the ledger cost. Sandbox jobs cost nothing and are left out."""
    sums = _summed(Ledger.of(settings_with_ledger(options)).spendings(), options.by)
    if options.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow((options.by, *COLUMNS))
        writer.writerows((name, *_figures(spent)) for name, spent in sums.items())
    elif options.json:
        for name, spent in sums.items():
            print(json.dumps({options.by: name, **dict(zip(COLUMNS, _figures(spent), strict=True))}))
    elif not sums:
        say("Nothing was paid yet.", sys.stdout)
    else:
        _show(options.by, sums)
    return 0


def _summed(spendings: Iterable[tuple[float, str, Spent]], by: str) -> dict[str, Spent]:
    """By day or month of this machine's time, oldest first; by model, dearest first."""
    sums: dict[str, Spent] = {}
    for begun_at, model, spent in spendings:
        name = time.strftime(DATES[by], time.localtime(begun_at)) if by in DATES else model
        sums[name] = sums.get(name, Spent()) + spent
    if by in DATES:
        return dict(sorted(sums.items()))
    return dict(sorted(sums.items(), key=lambda item: (-item[1].in_all, item[0])))


def _figures(spent: Spent) -> tuple[int, float, float, int]:
    return spent.jobs, round(spent.usd, 6), round(spent.expected_usd, 6), spent.unknown


def _show(by: str, sums: dict[str, Spent]) -> None:
    lines = {**sums, "in all": sum(sums.values(), Spent())}
    width = max(map(len, lines))
    rows = [f"{by:<{width}}  {'jobs':>6}  {'USD':>10}  {'estimated':>10}  {'unknown':>7}"]
    for name, spent in lines.items():
        figures = f"{spent.jobs:>6}  {spent.usd:>10.2f}  {spent.expected_usd:>10.2f}  {spent.unknown:>7}"
        rows.append(f"{name:<{width}}  {figures}")
    meaning = (
        "USD: as the provider said it. Estimated: besides, by the catalogue's prices. Unknown: jobs without either."
    )
    say("\n".join((*rows, "", meaning)), sys.stdout)
