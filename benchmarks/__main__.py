"""`make bench`: measure everything, print tables, write `results.json` and the plot beside this file."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import (
    bodies,
    decode,
    encode,
    growth,
    imports,
    in_flight,
    join,
    lag,
    ledger,
    ledger_sizes,
    names,
    plot,
    stored,
    studio,
    waiting,
    workers,
)

Rows = list[dict[str, Any]]
HERE = Path(__file__).resolve().parent
MEASUREMENTS: dict[str, Callable[[bool], Rows]] = {
    "decode": decode.rows,
    "growth": growth.rows,
    "encode": encode.rows,
    "join": join.rows,
    "waiting": waiting.rows,
    "lag": lag.rows,
    "in_flight": in_flight.rows,
    "bodies": bodies.rows,
    "ledger": ledger.rows,
    "studio": studio.rows,
    "workers": workers.rows,
    "ledger_sizes": ledger_sizes.rows,
    "names": names.rows,
    "stored": stored.rows,
    "imports": imports.rows,
}


def main() -> None:
    """Run the chosen measurements; a part that isn't run keeps its rows of last time."""
    arguments = _arguments()
    results_file = HERE / "results.json"
    results = json.loads(results_file.read_text(encoding="utf-8")) if results_file.exists() else {}
    results["machine"] = machine()
    print(" ".join(f"{name}={value}" for name, value in results["machine"].items()))
    for name in arguments.only or MEASUREMENTS:
        results[name] = MEASUREMENTS[name](arguments.quick)
        print(f"\n## {name}\n\n{table(results[name])}", flush=True)
    results_file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    picture = plot.draw(results, HERE / "results.png")
    print(f"\nWritten: {results_file.relative_to(HERE.parent)}, {picture.relative_to(HERE.parent)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("only", nargs="*", choices=[[], *MEASUREMENTS], help="which parts; all when none is named")
    parser.add_argument("--quick", action="store_true", help="fewer sizes and runs")
    return parser.parse_args()


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "av": version("av"),
        "numpy": version("numpy"),
    }


def table(rows: Rows) -> str:
    """Rows as a Markdown table."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns), *([str(row.get(name, "")) for name in columns] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
