"""The pack from a terminal, without ComfyUI: `python -m remote_video make | batch | collect | jobs | ...`.

Installed by pip it is the same command under the name `remote-video`.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import importlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from .console import never_raise, say
from .errors import InputRefused, RemoteVideoError, RequestRefused, SettingsError
from .outside_text import quoted
from .version import version

EXIT_CODES = """exit codes:
  0    done
  1    not done, or not completely; the reason is on stderr. `check`: something has changed
  2    invalid options, inputs, table rows or settings; nothing was sent. `check`: a provider could not be asked
  130  interrupted: submitted jobs go on and are not lost
"""
INTERRUPTED = (
    "Interrupted. What was submitted goes on at the provider and is not lost: run the same command again, or "
    "`collect`. An accepted job is not submitted again."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code, see `EXIT_CODES`."""
    never_raise()
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    module, _, function = options.command.partition(".")
    try:
        command = getattr(importlib.import_module(f".command_line.{module}", __package__), function)
        status: int = command(options)
    except (RequestRefused, SettingsError) as error:
        say(f"{error.what}\nNext: {error.next_step}")
        return 2
    except RemoteVideoError as error:
        say(error)
        return 2 if isinstance(error, InputRefused) else 1
    except ModuleNotFoundError as error:
        say(f"{error.name} is not installed: use the Python of ComfyUI, or one that has the pack by `pip install`.")
        return 1
    except OSError as error:
        say(error)
        return 1
    except concurrent.futures.CancelledError:
        say("The engine has ended by a fault of its own; run again with the same inputs.")
        return 1
    except KeyboardInterrupt:
        say(INTERRUPTED)
        return 130
    return status


class _Parser(argparse.ArgumentParser):
    """One whose errors quote no address: it may hold a password."""

    def error(self, message: str) -> NoReturn:
        """See argparse's."""
        super().error(re.sub(r"://.*", "://...", message, flags=re.DOTALL))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="remote-video" if Path(sys.argv[0]).stem == "remote-video" else "python -m remote_video",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"Remote Video {version()}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(metavar="command")
    home = _Parser(add_help=False)
    home.add_argument("--home", type=Path, help="the folder of the ledger and the account file (REMOTE_VIDEO_HOME)")
    home.add_argument("--sandbox", action="store_true", help="test clips: no key, no cost")
    as_json = _Parser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="one JSON object a line on stdout")

    make = commands.add_parser("make", parents=[home, as_json], help="make one clip; its path is the last line")
    make.add_argument("model", help="a node's id (Veo3I2V), a model's name, or the provider's id of it")
    make.add_argument("--prompt", help="what happens in the clip")
    make.add_argument("--image", help="the first frame: any image file")
    make.add_argument("--last-image", help="the last frame, where the model takes one")
    make.add_argument("--seed", help="another seed makes, and pays for, another clip")
    make.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any input; may be repeated")
    make.add_argument("-o", "--output", metavar="FILE", help="the clip's name, or its folder (the current one)")
    make.add_argument("--dry-run", action="store_true", help="show what it would do and cost; send nothing")
    make.set_defaults(command="make.make_command")

    batch = commands.add_parser("batch", parents=[home, as_json], help="make a clip for each row of a table")
    batch.add_argument("table", type=Path, help=".csv, or .jsonl; columns: inputs, `model`, `output` (a name)")
    batch.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the clips go")
    batch.add_argument("--model", help="for rows that name none")
    batch.set_defaults(command="batch.batch_command")

    join = commands.add_parser("join", parents=[home, as_json], help="join clips into one film, locally and free")
    join.add_argument("clips", nargs="+", metavar="CLIP", help="2 to 50 video files, in order")
    join.add_argument("--transition", choices=("cut", "crossfade"), help="from clip to clip (cut)")
    join.add_argument("--transition-s", metavar="S", help="length of a crossfade, s: 0 to 2 (0.5)")
    join.add_argument("--size", choices=("first", "largest", "own"), help="the film's size: of which clip (first)")
    join.add_argument("--width", metavar="PX", help="a width of its own")
    join.add_argument("--height", metavar="PX", help="a height of its own")
    join.add_argument("--fit", choices=("crop", "pad"), help="how clips of another aspect ratio fill it (crop)")
    join.add_argument("--fps", dest="own_fps", metavar="N", help="a frame rate of its own (that of the first clip)")
    join.add_argument("--audio", choices=("keep", "fade at joins", "none"), help="the clips' sound (keep)")
    join.add_argument("-o", "--output", metavar="FILE", help="the film's name, or its folder (the current one)")
    join.set_defaults(command="join.join_command")

    collect = commands.add_parser("collect", parents=[home, as_json], help="download what was paid for; submit nothing")
    collect.add_argument("--for", dest="within", type=_seconds, metavar="S", help="give up after so many seconds")
    collect.set_defaults(command="collect.collect_command")

    jobs = commands.add_parser("jobs", parents=[home, as_json], help="list the jobs in the ledger, newest first")
    jobs.add_argument("--limit", type=int, default=50, help="at most so many (50)")
    jobs.add_argument("--state", choices=_states(), help="only those")
    jobs.set_defaults(command="jobs.jobs_command")

    costs = commands.add_parser("costs", parents=[home, as_json], help="add up what the jobs in the ledger cost")
    costs.add_argument("--by", choices=("day", "month", "model"), default="day", help="a line for each (day)")
    costs.add_argument("--csv", action="store_true", help="as a table for spreadsheets, on stdout")
    costs.set_defaults(command="costs.costs_command")

    cancel = commands.add_parser("cancel", parents=[home], help="ask the provider to cancel a job")
    cancel.add_argument("key", help="the job's key as `jobs` shows it, or more of it")
    cancel.set_defaults(command="collect.cancel_command")

    forget = commands.add_parser(
        "forget", parents=[home], help="drop a job that ended badly: the next Run submits it anew, and may pay again"
    )
    forget.add_argument("key", help="the job's key as `jobs` shows it, or more of it")
    forget.set_defaults(command="jobs.forget_command")

    prune = commands.add_parser(
        "prune",
        parents=[home, as_json],
        help="drop old jobs that failed, were cancelled or refused from the ledger; no file is touched",
        description="Drop jobs that failed, were cancelled or refused from the ledger, when they were begun longer ago "
        "than --older-than says and before this month (whose jobs count in the budget). `costs` no longer includes "
        "them. Always kept: jobs that may still bring a clip, starred ones, and those in progress. No file is touched.",
    )
    prune.add_argument("--older-than", type=_age, required=True, metavar="AGE", help="hours, days, weeks: 36h, 90d, 8w")
    prune.add_argument(
        "--stored",
        action="store_true",
        help="also drop jobs of saved clips: the same inputs, run again, are then paid for again",
    )
    prune.add_argument("--dry-run", action="store_true", help="only count them")
    prune.set_defaults(command="prune.prune_command")

    ledger = commands.add_parser("ledger", help="move the ledger into a shared database, or show its state")
    parts = ledger.add_subparsers(required=True, metavar="what")
    url = _Parser(add_help=False)
    url.add_argument("url", nargs="?", metavar="URL", help="of the database (REMOTE_VIDEO_LEDGER_URL)")
    info = parts.add_parser(
        "info", parents=[home, url, as_json], help="where it is, its layout, jobs by state, engines"
    )
    info.set_defaults(command="ledger.info_command")
    upgrade = parts.add_parser("upgrade", parents=[home, url], help="create or update its tables, as their owner")
    upgrade.set_defaults(command="ledger.upgrade_command")
    move = parts.add_parser(
        "move", parents=[home, url], help="move the home's file into the database; run again to continue"
    )
    move.add_argument(
        "--keep-both", action="store_true", help="where both paid for a clip: keep the database's, and go on"
    )
    move.set_defaults(command="ledger.move_command")

    check = commands.add_parser(
        "check", parents=[home, as_json], help="what may have changed: models, keys, balance, clock, disk, decoding"
    )
    check.set_defaults(command="check.check_command")

    price = commands.add_parser("price", parents=[home], help="ask the provider what a model costs and takes")
    price.add_argument("model", help="a node's id (Veo3I2V) or a RunComfy model id")
    price.set_defaults(command="providers.price_command")

    sandbox = commands.add_parser("sandbox", help="serve both providers' APIs on this machine until Ctrl-C")
    sandbox.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    sandbox.add_argument("--folder", type=Path, default=Path("sandbox"), help="for its jobs and clips (./sandbox)")
    sandbox.add_argument("--catalogue", type=Path, metavar="FILE", help="more models to offer: JSON as published")
    sandbox.set_defaults(command="providers.sandbox_command")
    return parser


def _states() -> list[str]:
    from .ledger.lifecycle import State

    return [state.value for state in State]


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError(text)
    return seconds


def _age(text: str) -> float:
    """A number and a unit, as seconds."""
    try:
        return _seconds(text[:-1]) * {"h": 3600, "d": 86400, "w": 604800}[text[-1]]
    except (ValueError, LookupError):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not an age: write it as 36h, 90d or 8w") from None


def command() -> NoReturn:
    """`remote-video`, and `python -m remote_video`: run one command, and end the process with its exit code."""
    code = main()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    # All that matters is on disk. A tidy end of the interpreter would abort in torch, which threads may still be in.
    os._exit(code)


if __name__ == "__main__":
    command()
