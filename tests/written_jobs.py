"""Jobs put into a ledger by hand, for tests of what looks at one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from remote_video_pack.remote_video.ledger.ledger import Lease, Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event

from .ledger import rows

ENGINE = "an engine of the tests"
JOB = replace(rows.JOB, request_digest="")


def begun(ledger: Ledger, key: str, **job: Any) -> Lease:
    """A job whose submission is about to leave."""
    return rows.begun(ledger, key, replace(JOB, **job), ENGINE)


def accepted(ledger: Ledger, key: str, **job: Any) -> Lease:
    """A job that the provider has."""
    lease = begun(ledger, key, **job)
    ledger.accepted(key, replace(JOB, **job), f"id-of-{key}")
    return lease


def happened(ledger: Ledger, lease: Lease, event: Event, **facts: Any) -> None:
    """What happened to it next; nobody works on it afterwards."""
    ledger.record(lease, event, **facts)
    ledger.release(lease)
