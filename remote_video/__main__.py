"""The pack from a terminal: `python -m remote_video sandbox | jobs | forget | price`."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .errors import InputRefused, RemoteVideoError

SHORT_KEY = 12
"""Characters of a job key that are shown, and enough to name it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status: 0 done, 1 not (the reason is on stderr), 2 misspelt."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
    except RemoteVideoError as error:
        print(f"{error.what}\nNext: {error.next_step}", file=sys.stderr)
        return 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m remote_video", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    home = argparse.ArgumentParser(add_help=False)
    home.add_argument("--home", type=Path, help="the folder of the ledger and the account file (REMOTE_VIDEO_HOME)")

    sandbox = commands.add_parser("sandbox", help="serve both providers' APIs on this machine until Ctrl-C")
    sandbox.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    sandbox.add_argument("--folder", type=Path, default=Path("sandbox"), help="for its jobs and clips (./sandbox)")
    sandbox.set_defaults(command=_sandbox)

    jobs = commands.add_parser("jobs", parents=[home], help="list the jobs in the ledger, newest first")
    jobs.add_argument("--limit", type=int, default=50, help="at most so many (50)")
    jobs.set_defaults(command=_jobs)

    forget = commands.add_parser(
        "forget", parents=[home], help="drop a job that ended badly: the next Run submits it anew, and may pay again"
    )
    forget.add_argument("key", help="the job's key as `jobs` shows it, or more of it")
    forget.set_defaults(command=_forget)

    price = commands.add_parser("price", parents=[home], help="ask the provider what a model costs and takes")
    price.add_argument("model", help="a node's id (Veo3I2V) or a RunComfy model id")
    price.set_defaults(command=_price)
    return parser


def _sandbox(options: argparse.Namespace) -> int:
    from .sandbox import Sandbox

    with Sandbox(options.folder, port=options.port) as sandbox:
        print(f"The sandbox runs on {sandbox.origin}; its clips are free. Ctrl-C ends it.\n")
        print("To point the pack at it, start ComfyUI with these environment variables (any key will do):")
        print(f"  RUNCOMFY_API_BASE_URL={sandbox.runcomfy_base_url}\n  RUNCOMFY_API_TOKEN=anything")
        print(f"  COMETAPI_BASE_URL={sandbox.cometapi_base_url}\n  COMETAPI_KEY=anything", flush=True)
        try:
            while True:
                time.sleep(1.0)
        except KeyboardInterrupt:
            print(f"\nEnded. Jobs kept in {options.folder}: {sandbox.accepted_posts}")
    return 0


def _jobs(options: argparse.Namespace) -> int:
    from .jobs.ledger import Ledger

    jobs = Ledger(_home_with_ledger(options)).recent(options.limit)
    for job in jobs:
        asked = time.strftime("%Y-%m-%d %H:%M", time.localtime(job.created_at))
        cost = f"{job.cost_usd:.2f} USD" if job.cost_usd is not None else "-"
        words = (job.key[:SHORT_KEY], asked, job.state.value, job.model_name, job.request_id or "-", cost)
        print("  ".join((*words, job.path or job.error or "-")))
    print(f"Jobs: {len(jobs)}" if jobs else "No jobs yet.")
    return 0


def _forget(options: argparse.Namespace) -> int:
    from .jobs.ledger import Ledger

    ledger = Ledger(_home_with_ledger(options))
    found = [job for job in ledger.recent(sys.maxsize) if job.key.startswith(options.key)]
    if len(options.key) < SHORT_KEY or len(found) != 1:
        print(f"There is not exactly one job of the key {options.key!r}; `jobs` lists them.", file=sys.stderr)
        return 1
    if not ledger.forget(found[0].key):
        state = found[0].state
        print(f"The job is {state.value} ({state.sentence}): it can't be forgotten, or is in use.", file=sys.stderr)
        return 1
    print("Forgotten: the next Run of the same inputs submits anew, and may pay again.")
    return 0


def _price(options: argparse.Namespace) -> int:
    from .models import MODELS
    from .providers import connect
    from .providers.runcomfy import RunComfy
    from .providers.status import Passing
    from .settings import Settings

    spec = next((spec for spec in MODELS if options.model in (spec.node_id, spec.name, spec.model_id)), None)
    if spec is None and "/" not in options.model:
        raise InputRefused(
            f"{options.model!r} is none of the models.",
            next_step="Give one of " + ", ".join(spec.node_id for spec in MODELS) + ", or a RunComfy model id.",
        )
    if spec is not None and spec.provider != "runcomfy":
        print("CometAPI publishes its prices at https://api.cometapi.com/api/models.")
        return 0
    home = _home(options)
    settings = Settings.from_environment(home, {**os.environ, "REMOTE_VIDEO_HOME": str(home)})
    provider, _ = connect("runcomfy", settings)
    if not isinstance(provider, RunComfy):
        raise TypeError(f"{type(provider).__name__} was connected in place of RunComfy")
    try:
        info = provider.model_info(spec.model_id if spec else options.model)
    except Passing as passing:
        print(passing, file=sys.stderr)
        return 1
    print(json.dumps(info, indent=2))
    return 0


def _home(options: argparse.Namespace) -> Path:
    home = options.home or os.environ.get("REMOTE_VIDEO_HOME")
    if not home:
        raise InputRefused(
            "It is not known which folder to look in.",
            next_step="Give --home (inside ComfyUI it is user/__remote_video), or set REMOTE_VIDEO_HOME.",
        )
    return Path(home).expanduser()


def _home_with_ledger(options: argparse.Namespace) -> Path:
    from .jobs.ledger_file import FILE_NAME

    home = _home(options)
    if not (home / FILE_NAME).exists():
        raise InputRefused(
            f"There is no ledger in {home}.", next_step="Give the right --home; the first Run makes one."
        )
    return home


if __name__ == "__main__":
    raise SystemExit(main())
