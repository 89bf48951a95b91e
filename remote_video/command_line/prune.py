"""`prune`: old jobs that ended are dropped from the ledger."""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..clips.shared_store import SharedStore, StoreTrouble, open_store
from ..console import say
from ..engine.sharing import saved_files
from ..ledger.ledger import Ledger
from ..ledger.lifecycle import State
from ..ledger.record import JobRecord
from .surroundings import settings_with_ledger

PAYS_AGAIN = (
    "A clip whose job is dropped is no longer known: the same inputs, run again, are submitted and paid for again. Its "
    "file stays where it is."
)
KEPT = (
    "Never dropped: jobs in progress or possibly at the provider, starred clips, jobs of this month (they count in the "
    "budget), and what a run works on."
)


ASKED_AT_ONCE = 8


@dataclass
class NotInTheStore:
    """Clips that the clip store lacks: they may lie on one disk alone, and their rows are what brings them there."""

    store: SharedStore
    spared: int = 0
    trouble: str = ""

    def __call__(self, jobs: list[JobRecord]) -> set[str]:
        """See `ledger.prune.Spares`."""
        with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
            spared = {job.key for job, is_there in zip(jobs, pool.map(self._has, jobs), strict=True) if not is_there}
        self.spared += len(spared)
        return spared

    def _has(self, job: JobRecord) -> bool:
        """Whether all of a job's files are known to be there, as far as their sizes tell."""
        if job.shared_in is None or self.trouble:
            return False
        try:
            return all(digest and size and self.store.has(digest, size) for _, size, digest in saved_files(job))
        except StoreTrouble as trouble:
            self.trouble = str(trouble)
            return False

    def say(self) -> None:
        """What was spared, and why."""
        if self.spared:
            why = f"it can't be asked: {self.trouble}" if self.trouble else "it lacks them"
            say(
                f"Spared: {self.spared:,} of saved clips that are not in the clip store {self.store.shown} ({why}). "
                "ComfyUI puts them there, on the machine that has them."
            )


def prune_command(options: argparse.Namespace) -> int:
    """Drop them, or count them; files are never touched. 1: the clip store couldn't be asked."""
    settings = settings_with_ledger(options)
    lacking = None
    if options.stored and settings.clips_url:
        lacking = NotInTheStore(open_store(settings.clips_url, settings.timeouts))
    ledger = Ledger.of(settings)
    found = ledger.prune(options.older_than, stored=options.stored, only_count=options.dry_run, spares=lacking)
    if options.json:
        for state, jobs in found.items():
            print(json.dumps({"state": state.value, "jobs": jobs, "dry_run": options.dry_run}))
    else:
        _show(found, options.dry_run)
    if options.stored:
        say(PAYS_AGAIN)
    if lacking is not None:
        lacking.say()
    return 1 if lacking is not None and lacking.trouble else 0


def _show(found: dict[State, int], is_dry_run: bool) -> None:
    for state, jobs in found.items():
        say(f"{state.value:<9}  {jobs:>9,}", sys.stdout)
    say(f"{'Would be dropped' if is_dry_run else 'Dropped'}: {sum(found.values()):,}. {KEPT}", sys.stdout)
