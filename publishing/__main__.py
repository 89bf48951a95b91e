"""`python -m publishing`: what a release needs, before and after it is published. Only the standard library."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .fields import faults, project
from .release_notes import NoRelease, notes
from .state import API, Unknown, verdict

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Run one command: 0, it is well; 1, it is not, and stderr says why."""
    parser = argparse.ArgumentParser(prog="python -m publishing", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fields", help="check what the registry reads in pyproject.toml")
    told = commands.add_parser("notes", help="print what CHANGELOG.md says of the version of a tag")
    told.add_argument("tag", help="as v1.2.3")
    asked = commands.add_parser("state", help="ask the registry what became of the version in pyproject.toml")
    asked.add_argument("--wait", type=float, default=0, metavar="S", help="how long to wait for its scan, s")
    asked.add_argument("--api", default=API, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    about = project(ROOT)
    if options.command == "fields":
        found = faults(about, ROOT)
        print("\n".join(found) or "pyproject.toml: as the registry reads it", file=sys.stderr if found else sys.stdout)
        return 1 if found else 0
    try:
        if options.command == "notes":
            print(notes(ROOT, options.tag, about["project"]["version"]))
            return 0
        fine, words = verdict(options.api, about["project"]["name"], about["project"]["version"], options.wait)
    except (NoRelease, Unknown) as error:
        print(error, file=sys.stderr)
        return 1
    print(words, file=sys.stdout if fine else sys.stderr)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
