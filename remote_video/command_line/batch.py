"""`batch`: many clips, one for each row of a table."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from ..clips.output_file import SUFFIX, expand
from ..console import say
from ..engine.engine import Engine
from ..errors import AccountError, BalanceError, InputRefused, LedgerError, RemoteVideoError
from ..settings import Settings
from .clip import Outcome, Shot, make
from .inputs import model_named
from .make import settings_to_make
from .session import Progress, engine_for, run
from .table import Row, read_table

NEXT_ROW_FAILS_TOO = (AccountError, BalanceError, LedgerError)
"""Errors after which no other row is begun at that provider."""


def batch_command(options: argparse.Namespace) -> int:
    """Check all rows, then make them in parallel; ends with a table of the results."""
    settings = settings_to_make(options)
    table, out = options.table.absolute(), options.out.expanduser().absolute()
    rows, shots, problems = read_table(table), {}, {}
    names: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        try:
            shot = _shot(number, row, options.model, table, out, len(str(len(rows))), settings)
            if (first := names.setdefault(shot.prefix.casefold(), number)) != number:
                raise InputRefused(
                    f"Its clip has the same name as that of row {first}.", next_step="Choose another name."
                )
            shots[number] = shot
        except RemoteVideoError as error:
            problems[number] = error
    outcomes: dict[int, Outcome] = {}
    with engine_for(settings) as engine:
        with Progress(len(shots)) as progress:
            problems.update(run(engine, lambda: _check(engine, shots, settings, progress)))
        if problems:
            for number, problem in sorted(problems.items()):
                say(f"row {number}: {problem.what} {problem.next_step}")
            say(f"{len(problems)} of {len(rows)} rows can't be made; nothing was sent.")
            return 2
        try:
            with Progress(len(shots)) as progress:
                run(engine, lambda: _make_all(engine, shots, settings, progress, outcomes, options.json))
        except KeyboardInterrupt:
            say(f"\nEnded early: {len(outcomes)} of {len(rows)} rows are done.")
            raise
    _tell(outcomes, out, settings, sys.stderr if options.json else sys.stdout)
    return 0 if all(outcome.clip for outcome in outcomes.values()) else 1


def _shot(
    number: int,
    row: Row | InputRefused,
    model: str | None,
    table: Path,
    out: Path,
    digits: int,
    settings: Settings,
) -> Shot:
    if isinstance(row, InputRefused):
        raise row
    given = dict(row)
    wanted = str(given.pop("model", None) or model or "")
    name = str(given.pop("output", None) or given.pop("name", None) or "")
    given.pop("name", None)
    if not wanted:
        raise InputRefused("No model is named.", next_step="Fill in the column `model`, or give --model.")
    spec, told = model_named(wanted, settings)
    prefix = expand(name or f"{table.stem}_{number:0{max(3, digits)}}")
    prefix = prefix if prefix.lower().endswith(SUFFIX) else prefix + SUFFIX
    return Shot(spec, {**told, **given}, table.parent, out, prefix, is_named=bool(name), label=f"row {number}: ")


async def _check(
    engine: Engine, shots: dict[int, Shot], settings: Settings, progress: Progress
) -> dict[int, RemoteVideoError]:
    """What is wrong with which row. An error that concerns no single row is raised at once."""
    problems: dict[int, RemoteVideoError] = {}
    keys: dict[int, str] = {}

    async def check(number: int, shot: Shot) -> None:
        try:
            keys[number] = await asyncio.wrap_future(engine.pools.preparations.start(lambda: shot.order(settings).key))
        except InputRefused as error:
            problems[number] = error
        progress.advance()

    await asyncio.gather(*(check(number, shot) for number, shot in shots.items()))
    first: dict[str, int] = {}
    for number, key in sorted(keys.items()):
        if first.setdefault(key, number) != number:
            progress.line(f"row {number} asks for the same clip as row {first[key]}: it is made once (seed: another).")
    return problems


async def _make_all(
    engine: Engine,
    shots: dict[int, Shot],
    settings: Settings,
    progress: Progress,
    outcomes: dict[int, Outcome],
    as_json: bool,
) -> None:
    """Make the clips, no more at once than may be in flight, so that only their images are in memory."""
    ahead = iter(shots.items())
    closed: dict[str, RemoteVideoError] = {}

    async def work() -> None:
        for number, shot in ahead:
            provider = shot.spec.provider
            if (error := closed.get(provider)) is not None:
                outcome = Outcome(None, 0.0, error=error)
            else:
                outcome = await make(engine, shot, settings, progress)
                if isinstance(outcome.error, NEXT_ROW_FAILS_TOO):
                    closed[provider] = outcome.error
                progress.line(f"{shot.label}{outcome.state} | {_file_or_error(outcome, shot.folder)}")
            outcomes[number] = outcome
            progress.advance()
            if as_json:
                told = await asyncio.wrap_future(engine.pools.downloads.start(outcome.as_json))
                print(json.dumps({"row": number, **told}), flush=True)

    providers = len({shot.spec.provider for shot in shots.values()})
    await asyncio.gather(*(work() for _ in range(min(len(shots), settings.max_parallel * providers))))


def _file_or_error(outcome: Outcome, out: Path) -> str:
    if outcome.clip is None:
        return " ".join(str(outcome.error).split())
    path = outcome.clip.path
    return str(path.relative_to(out) if path.is_relative_to(out) else path)


def _tell(outcomes: dict[int, Outcome], out: Path, settings: Settings, stream: Any) -> None:
    say(f"{'row':>5}  {'state':<10}  {'seconds':>7}  {'USD':>7}  file in {out}", stream)
    for number, outcome in sorted(outcomes.items()):
        usd = outcome.clip.cost_usd if outcome.clip else None
        cost = "-" if usd is None else f"{usd:.2f}"
        words = f"{number:>5}  {outcome.state:<10}  {outcome.seconds:>7.1f}  {cost:>7}"
        say(f"{words}  {_file_or_error(outcome, out)}", stream)
    counts = Counter(outcome.state for outcome in outcomes.values())
    new = [outcome.clip for outcome in outcomes.values() if outcome.clip and not outcome.clip.reused]
    real = [clip for clip in new if not clip.sandbox]
    usd = sum(clip.cost_usd or 0 for clip in real)
    is_sandbox = settings.sandbox or bool(new and not real)
    paid = "nothing was paid (sandbox)" if is_sandbox else f"{usd:.2f} USD paid now"
    unknown = sum(clip.cost_usd is None for clip in real)
    unsaid = f", besides {unknown} whose cost the provider does not say" if unknown else ""
    say(f"{', '.join(f'{n} {state}' for state, n in counts.items())}; {paid}{unsaid}.", stream)
